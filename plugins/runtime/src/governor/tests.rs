use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use doorward_base::clock::{ManualClock, Timestamp};

const LONG: Duration = Duration::from_hours(1);
const BRIEF: Duration = Duration::from_secs(1);

/// A budget of 1 MiB cut into this many slots.
fn settings(slots: u32, queue: usize, threads: usize) -> Settings {
    Settings {
        budget_mib: 1,
        slot_kib: 1024 / slots,
        queue,
        threads,
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(0)))
}

fn governor(slots: u32, queue: usize, threads: usize) -> (Governor, Arc<ManualClock>) {
    let clock = clock();
    (
        Governor::new(&settings(slots, queue, threads), clock.clone()).unwrap(),
        clock,
    )
}

/// A job that says when it has started and then waits for leave to end.
fn gated(governor: &Governor, wait: Duration) -> (Ticket<()>, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (say_started, started) = mpsc::channel();
    let (leave, wait_for_leave) = mpsc::channel::<()>();
    let ticket = governor.submit(1, wait, move |_| {
        let _ = say_started.send(());
        let _ = wait_for_leave.recv();
        Ok(())
    });
    (ticket, started, leave)
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn memory_in_use_never_exceeds_the_budget() {
    // Four slots, jobs of one, two and three: more threads than fit at once.
    let (governor, _) = governor(4, 400, 4);
    let slot_kib = 256;
    let (used, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tickets: Vec<_> = (0..300)
        .map(|i| {
            let (used, most) = (Arc::clone(&used), Arc::clone(&most));
            let slots = i % 3 + 1;
            governor.submit(u32::try_from(slots).unwrap() * slot_kib, LONG, move |arena| {
                let now = used.fetch_add(slots, Ordering::SeqCst) + slots;
                most.fetch_max(now, Ordering::SeqCst);
                arena.blocks(8)?;
                std::thread::yield_now();
                used.fetch_sub(slots, Ordering::SeqCst);
                Ok(())
            })
        })
        .collect();
    for ticket in tickets {
        ticket.wait().unwrap();
    }
    assert!(
        (3..=4).contains(&most.load(Ordering::SeqCst)),
        "{most:?} of 4 slots in use"
    );
}

#[test]
fn a_full_queue_is_overloaded_at_once() {
    let (governor, _) = governor(1, 2, 1);
    let (running, started, leave) = gated(&governor, LONG);
    started.recv().unwrap();
    let queued: Vec<_> = (0..2).map(|_| governor.submit(1, LONG, |_| Ok(()))).collect();
    assert!(!governor.has_room());
    assert_eq!(
        kind(governor.submit(1, LONG, |_| Ok(())).wait()),
        ErrorKind::Overloaded
    );
    leave.send(()).unwrap();
    running.wait().unwrap();
    for ticket in queued {
        ticket.wait().unwrap();
    }
    assert!(governor.has_room());
}

#[test]
fn places_of_those_who_gave_up_are_given_to_others() {
    let (governor, clock) = governor(1, 2, 1);
    let (running, started, leave) = gated(&governor, LONG);
    started.recv().unwrap();
    drop(governor.submit(1, LONG, |_| Ok(())));
    let late = governor.submit(1, BRIEF, |_| Ok(()));
    clock.advance(BRIEF);
    let next = governor.submit(1, LONG, |_| Ok(7));
    assert_eq!(kind(late.wait()), ErrorKind::Overloaded);
    leave.send(()).unwrap();
    running.wait().unwrap();
    assert_eq!(next.wait().unwrap(), 7);
}

#[test]
fn work_that_cannot_start_in_time_is_overloaded_and_never_runs() {
    let (governor, clock) = governor(1, 8, 1);
    let (running, started, leave) = gated(&governor, LONG);
    started.recv().unwrap();
    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    let late = governor.submit(1, BRIEF, move |_| {
        flag.store(true, Ordering::SeqCst);
        Ok(())
    });
    clock.advance(BRIEF);
    leave.send(()).unwrap();
    assert_eq!(kind(late.wait()), ErrorKind::Overloaded);
    running.wait().unwrap();
    assert!(!ran.load(Ordering::SeqCst));
}

#[test]
fn the_permit_outlives_a_caller_that_went_away() {
    let (governor, clock) = governor(1, 8, 1);
    let (abandoned, started, leave) = gated(&governor, LONG);
    started.recv().unwrap();
    drop(abandoned);
    assert_eq!((governor.usage().held, governor.usage().running), (1, 1));
    // Nothing else runs meanwhile: this one is still queued when its time is over.
    let next = governor.submit(1, BRIEF, |_| Ok(()));
    assert_eq!(governor.usage().queued, 1);
    clock.advance(BRIEF);
    leave.send(()).unwrap();
    assert_eq!(kind(next.wait()), ErrorKind::Overloaded);
}

#[test]
fn a_job_larger_than_the_budget_names_the_setting() {
    let (governor, _) = governor(4, 8, 1);
    let error = governor.submit(1025, LONG, |_| Ok(())).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("hashing.budget_mib"), "{error}");
}

#[test]
fn a_worker_survives_work_that_panics() {
    let (governor, _) = governor(1, 8, 1);
    let broken: Ticket<()> = governor.submit(1, LONG, |_| panic!("planted"));
    assert_eq!(kind(broken.wait()), ErrorKind::Internal);
    assert_eq!(governor.submit(1, LONG, |_| Ok(3)).wait().unwrap(), 3);
    assert_eq!(governor.usage().threads, 1);
}

#[test]
fn a_ticket_wakes_its_task_without_any_runtime() {
    struct Flag(mpsc::Sender<()>);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }
    let (governor, _) = governor(1, 8, 1);
    let (mut ticket, started, leave) = gated(&governor, LONG);
    started.recv().unwrap();
    let (say_woken, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Flag(say_woken)));
    let mut context = Context::from_waker(&waker);
    let mut poll = || std::pin::Pin::new(&mut ticket).poll(&mut context);
    assert!(poll().is_pending());
    leave.send(()).unwrap();
    woken.recv().unwrap();
    assert!(matches!(poll(), Poll::Ready(Ok(()))));
}

#[test]
fn nothing_is_started_before_the_first_job() {
    let (governor, _) = governor(4, 8, 2);
    assert_eq!(
        governor.usage(),
        Usage {
            slots: 4,
            ..Usage::default()
        }
    );
    governor.submit(1, LONG, |_| Ok(())).wait().unwrap();
    assert_eq!(governor.usage().threads, 1);
}

#[test]
fn quiescing_frees_everything_and_the_queue_goes_on_afterwards() {
    let (governor, _) = governor(2, 8, 2);
    governor.submit(1, LONG, |_| Ok(())).wait().unwrap();
    governor.before_fork();
    assert_eq!(
        governor.usage(),
        Usage {
            slots: 2,
            ..Usage::default()
        }
    );
    let queued = governor.submit(1, LONG, |_| Ok(5));
    assert_eq!((governor.usage().queued, governor.usage().threads), (1, 0));
    governor.after_fork();
    assert_eq!(queued.wait().unwrap(), 5);
}

#[test]
fn stopping_answers_all_that_wait() {
    let (governor, _) = governor(1, 8, 1);
    governor.before_fork();
    let queued = governor.submit(1, LONG, |_| Ok(()));
    governor.stop();
    assert_eq!(kind(queued.wait()), ErrorKind::InvalidState);
    assert_eq!(
        kind(governor.submit(1, LONG, |_| Ok(())).wait()),
        ErrorKind::InvalidState
    );
    governor.after_fork();
    assert_eq!(governor.submit(1, LONG, |_| Ok(2)).wait().unwrap(), 2);
}

#[test]
fn a_child_of_a_process_that_did_not_quiesce_is_told_so() {
    let (governor, _) = governor(1, 8, 1);
    governor.submit(1, LONG, |_| Ok(())).wait().unwrap();
    // What a forked child finds: threads that were started in another process.
    let shared = &governor.0.0;
    shared.started.begin_in(1);
    assert_eq!(
        kind(governor.submit(1, LONG, |_| Ok(())).wait()),
        ErrorKind::ForkedContext
    );
    assert!(!governor.has_room());
    shared.started.begin();
}

#[test]
fn a_child_begins_with_an_empty_queue_and_no_slot() {
    let (governor, _) = governor(2, 8, 1);
    governor.before_fork();
    let (ticket, started, _leave) = gated(&governor, LONG);
    {
        // What a child that was forked here finds: the parent's queue, slots and number.
        let mut state = governor.0.0.lock();
        state.slots.take(2).unwrap();
        state.pid = 1;
    }
    governor.after_fork();
    assert_eq!(
        governor.usage(),
        Usage {
            slots: 2,
            ..Usage::default()
        }
    );
    assert_eq!(governor.submit(1024, LONG, |_| Ok(9)).wait().unwrap(), 9);
    assert!(started.try_recv().is_err(), "the parent's job ran in the child");
    drop(ticket);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let base = settings(1, 8, 1);
    let cases = [
        (
            Settings {
                budget_mib: 0,
                ..base.clone()
            },
            "hashing.budget_mib",
        ),
        (
            Settings {
                budget_mib: MAX_BUDGET_MIB + 1,
                ..base.clone()
            },
            "hashing.budget_mib",
        ),
        (
            Settings {
                slot_kib: 1025,
                ..base.clone()
            },
            "hashing.budget_mib",
        ),
        (
            Settings {
                queue: 0,
                ..base.clone()
            },
            "hashing.queue",
        ),
        (
            Settings {
                queue: MAX_QUEUE + 1,
                ..base
            },
            "hashing.queue",
        ),
    ];
    for (settings, named) in cases {
        let error = Governor::new(&settings, clock()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(named), "{error}");
    }
}

// Across processes. The child is this test program again; it opens the parent's memory file and so is of the family.

/// Another process that holds the only slot until its standard input ends.
struct Holder(Child);

impl Holder {
    fn start(memory_file: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "governor::tests::holds_a_slot_for_its_parent",
                "--nocapture",
            ])
            .arg(format!("memory-file={memory_file}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let holds = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .any(|line| line.unwrap().contains("holding"));
        assert!(holds, "the child did not get the slot");
        Self(process)
    }

    fn kill(mut self) {
        self.0.kill().unwrap(); // SIGKILL
        self.0.wait().unwrap();
    }
}

#[test]
fn holds_a_slot_for_its_parent() {
    let Some(path) = std::env::args().find_map(|a| a.strip_prefix("memory-file=").map(String::from)) else {
        return; // not a child of the tests below
    };
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let governor = Governor::danger_sharing(file, &settings(1, 8, 1), clock()).unwrap();
    let job = governor.submit(1, LONG, |_| {
        println!("\nholding");
        std::io::stdout().flush().unwrap();
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        Ok(())
    });
    job.wait().unwrap();
}

#[test]
fn another_process_shares_the_budget_and_sigkill_gives_its_share_back() {
    let (governor, clock) = governor(1, 8, 1);
    let path = governor.0.0.lock().slots.path();
    for _ in 0..3 {
        let holder = Holder::start(&path);
        let late = governor.submit(1, BRIEF, |_| Ok(()));
        clock.advance(BRIEF);
        assert_eq!(kind(late.wait()), ErrorKind::Overloaded);
        let patient = governor.submit(1, LONG, |_| Ok(4));
        holder.kill();
        assert_eq!(patient.wait().unwrap(), 4);
    }
}

#[test]
fn a_process_that_waits_is_seen_by_the_others() {
    let (governor, _) = governor(1, 8, 1);
    let path = governor.0.0.lock().slots.path();
    let (running, started, leave) = gated(&governor, LONG);
    started.recv().unwrap();
    let wanted = || governor.0.0.lock().slots.is_wanted_elsewhere();
    assert!(!wanted());
    // The child waits for the slot that is held here; it says so by its lock before it can say anything itself.
    let child = std::thread::spawn(move || Holder::start(&path));
    while !wanted() {
        std::thread::yield_now();
    }
    leave.send(()).unwrap();
    running.wait().unwrap();
    // A stream of work here does not starve it.
    let mut stream = Vec::new();
    while !child.is_finished() {
        if governor.has_room() {
            stream.push(governor.submit(1, LONG, |_| Ok(())));
        }
        std::thread::yield_now();
    }
    child.join().unwrap().kill();
    for ticket in stream {
        ticket.wait().unwrap();
    }
}
