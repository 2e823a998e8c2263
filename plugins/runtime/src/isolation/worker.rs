//! One helper process that has loaded the plugin, as the core sees it: a socket, and a leash that kills it.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward_plugin_abi as abi;

use super::channel::{Broken, Channel};
use super::launcher::Started;
use super::message::{nanos, tag};
use super::rest::Rest;
use super::services;
use super::wire::{Fields, Frame, Type, Writer};
use super::{Instance, PROTOCOL};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::rng::{self, SystemRandom};

/// How often a waiting thread looks whether its caller has gone.
const LOOK: Duration = Duration::from_millis(50);

/// What belongs to one call while it waits for a helper.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// On the system's monotonic clock.
    pub(super) deadline: Duration,
    pub(super) cancelled: Option<&'a AtomicBool>,
    /// The application's wall clock, in microseconds.
    pub(super) now: i64,
}

/// A worker of this process. Dropping it kills the helper.
pub(super) struct Worker {
    channel: Channel,
    leash: UnixStream,
    /// The process that started it. In any other it is not ours to ask or to kill.
    owner: u32,
    /// The instances that it has, and whether they are started there.
    instances: BTreeMap<u64, bool>,
    rest: Rest,
}

/// Why an instance cannot be asked: what its `open` or `start` answered.
pub(super) enum Refusal {
    Broken(Broken),
    Answered(Box<Frame>),
}

impl From<Broken> for Refusal {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl Worker {
    pub(super) fn new(started: Started) -> Self {
        Self {
            channel: Channel::new(started.socket),
            leash: started.leash,
            owner: std::process::id(),
            instances: BTreeMap::new(),
            rest: Rest::default(),
        }
    }

    /// It has answered and is asked nothing now.
    pub(super) fn rests(&mut self) {
        self.rest.begin();
    }

    /// Whether it goes on computing though nothing is asked of it.
    pub(super) fn burns(&mut self) -> bool {
        self.rest.look()
    }

    /// Waits for the first sign of life: the program runs, nothing of the plugin does yet.
    pub(super) fn is_alive(&mut self, until: Duration) -> Result<bool, Broken> {
        self.rest.process = self.channel.sender(Some(until));
        match self.channel.receive(Some(until))? {
            None => Ok(false),
            Some(frame) if frame.kind == Type::Log => Ok(true),
            Some(_) => Err(Broken::Garbage("it began with another frame than was expected")),
        }
    }

    /// Loads the plugin there.
    pub(super) fn load(&mut self, hello: &Writer, until: Duration) -> Result<Frame, Broken> {
        let call = self.begin(Type::Hello, hello, until)?;
        match self.channel.receive(Some(until))? {
            None => Err(Broken::Late),
            Some(frame) if frame.kind == Type::Module && frame.call == call => {
                if frame.fields()?.number(tag::PROTOCOL)? == PROTOCOL {
                    Ok(frame)
                } else {
                    Err(Broken::Garbage(
                        "it speaks another version of the protocol: install the same release",
                    ))
                }
            }
            Some(_) => Err(Broken::Garbage("it began with another frame than was expected")),
        }
    }

    /// Whether it can be asked: it is there, and has said nothing that nobody asked for.
    pub(super) fn is_quiet(&self) -> bool {
        self.channel.is_quiet()
    }

    /// Makes sure that it has the instance, and has started it where this process has.
    pub(super) fn prepare(&mut self, instance: &Instance, scene: Scene<'_>) -> Result<(), Refusal> {
        let id = instance.id;
        if !self.instances.contains_key(&id) {
            let open = Writer::new()
                .number(tag::INSTANCE, id)
                .put(tag::KIND, instance.kind.as_bytes())
                .put(tag::PROVIDER, instance.provider.as_bytes())
                .put(tag::OPTIONS, instance.options.expose());
            self.accomplish(Type::Open, open, scene)?;
            self.instances.insert(id, false);
        }
        if instance.started.load(Ordering::Acquire) && self.instances.get(&id) == Some(&false) {
            self.accomplish(Type::Start, Writer::new().number(tag::INSTANCE, id), scene)?;
            self.instances.insert(id, true);
        }
        Ok(())
    }

    fn accomplish(&mut self, kind: Type, writer: Writer, scene: Scene<'_>) -> Result<(), Refusal> {
        let answer = self.ask(kind, writer, scene)?;
        if status(answer.fields().map_err(Broken::from)?)? == abi::OK {
            return Ok(());
        }
        Err(Refusal::Answered(Box::new(answer)))
    }

    /// Forgets an instance, if it has it; its `stop` and `close` run there, in nobody's way.
    pub(super) fn close(&mut self, id: u64) -> Result<(), Broken> {
        if self.instances.remove(&id).is_none() {
            return Ok(());
        }
        let until = SystemClock.monotonic() + LOOK;
        self.begin(Type::Close, &Writer::new().number(tag::INSTANCE, id), until)
            .map(drop)
    }

    /// Tells it that nothing more will be asked.
    pub(super) fn dismiss(&self) {
        // One that has gone needs no telling.
        drop(self.channel.socket().shutdown(Shutdown::Write));
    }

    /// Waits until it has gone, or until the time is over.
    pub(super) fn has_gone(&mut self, until: Duration) -> bool {
        while let Ok(Some(_)) = self.channel.receive(Some(until)) {}
        self.channel.receive(Some(until)).is_err()
    }

    /// Pulls the leash.
    pub(super) fn kill(&self) {
        if self.owner == std::process::id() {
            // Not only closed: a forked process may have the descriptor, too. One that is closed needs no more.
            drop(self.leash.shutdown(Shutdown::Both));
        }
    }

    /// One question and its answer, with whatever services the plugin wants in between.
    pub(super) fn ask(&mut self, kind: Type, writer: Writer, scene: Scene<'_>) -> Result<Frame, Broken> {
        let left = scene.deadline.saturating_sub(SystemClock.monotonic());
        let now = u64::from_le_bytes(scene.now.to_le_bytes());
        let writer = writer.number(tag::REMAINING, nanos(left)).number(tag::NOW, now);
        let call = self.begin(kind, &writer, scene.deadline)?;
        let mut told = false;
        loop {
            let now = SystemClock.monotonic();
            let is_cancelled = || scene.cancelled.is_some_and(|flag| flag.load(Ordering::Acquire));
            if !told && is_cancelled() {
                told = true;
                self.send(&Writer::new(), Type::Cancel, call, scene.deadline)?;
            }
            let until = if told || scene.cancelled.is_none() {
                scene.deadline
            } else {
                scene.deadline.min(now + LOOK)
            };
            let Some(frame) = self.channel.receive(Some(until))? else {
                if scene.deadline <= SystemClock.monotonic() {
                    return Err(Broken::Late);
                }
                continue;
            };
            if frame.call != call {
                return Err(Broken::Garbage("it answered another question than was asked"));
            }
            match frame.kind {
                Type::Answer => return Ok(frame),
                Type::Log => services::log(frame.fields()?)?,
                Type::Service => {
                    let served = services::serve(frame.fields()?)?;
                    let writer = Writer::new()
                        .put(tag::STATUS, &served.status.to_le_bytes())
                        .put(tag::RESULT, &served.result);
                    self.send(&writer, Type::Served, call, scene.deadline)?;
                }
                _ => return Err(Broken::Garbage("it sent a frame that only the core sends")),
            }
        }
    }

    /// Sends a frame under a new number, which nobody can guess: an answer that was written beforehand fits none.
    fn begin(&mut self, kind: Type, writer: &Writer, until: Duration) -> Result<u64, Broken> {
        let call = rng::bytes(&SystemRandom)
            .map(u64::from_le_bytes)
            .map_err(|_| Broken::Garbage("there is no randomness to name a call with"))?;
        self.send(writer, kind, call, until).map(|()| call)
    }

    fn send(&mut self, writer: &Writer, kind: Type, call: u64, until: Duration) -> Result<(), Broken> {
        match writer.frame(kind, call) {
            Some(frame) => self.channel.send(&frame, Some(until)),
            None => Err(Broken::TooLarge),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The status of an answer. Without one it is no answer.
pub(super) fn status(fields: Fields<'_>) -> Result<abi::Status, Broken> {
    let status = fields.exact(tag::STATUS)?;
    status
        .map(abi::Status::from_le_bytes)
        .ok_or(Broken::Garbage("it answered without a status"))
}
