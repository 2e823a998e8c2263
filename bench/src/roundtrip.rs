//! A bare round trip between two processes: what an isolated verification cannot do without.

use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::rounds::{self, Outcome, Round};

/// Bytes of a question and of its answer, about as many as a verification by `yes.c` has.
const QUESTION: usize = 400;
const ANSWER: usize = 80;

pub(crate) fn serve() -> Outcome<()> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut echo = Command::new(std::env::current_exe()?)
        .arg("echo")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()?;
    let served = rounds::serve(|round| exchange(&ours, round));
    drop(ours);
    echo.wait()?;
    served
}

fn exchange(socket: &UnixStream, round: Round<'_>) -> Outcome<Duration> {
    rounds::timed(round, |_| {
        let mut socket = socket;
        socket.write_all(&[1; QUESTION])?;
        let mut answer = [0; ANSWER];
        socket.read_exact(&mut answer)?;
        Ok(())
    })
}

/// Answers whatever comes on its standard input, which is a socket.
pub(crate) fn echo() -> Outcome<()> {
    let mut socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut question = [0; QUESTION];
    // The end of the input is the end of the work.
    while socket.read_exact(&mut question).is_ok() {
        socket.write_all(&[2; ANSWER])?;
    }
    Ok(())
}
