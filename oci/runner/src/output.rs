//! The one thread that writes to the wire; it reads the pipes of all actions as well, so that a dwf
//! that is slow slows them down instead of filling memory.
//!
//! Invariant: what an action wrote is sent before it is called drained, and the thread holds one
//! piece of output at a time.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;

use devflow_protocol::frame::{self, FrameError};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::piece::Rest;
use crate::supervisor::Notice;
use crate::wire::{Data, Event, Stream};
use crate::{EVENT_BYTES, signals};

/// Bytes of one piece of output.
const PIECE: usize = 64 << 10;

/// Pieces that are still read once an action's time for draining is over: what a pipe can hold.
const LAST_PIECES: usize = 16;

/// The supervisor's hold on the thread.
pub(crate) struct Wire {
    orders: Sender<Order>,
    bell: PipeWriter,
}

enum Order {
    Say(Event),
    Watch { id: u32, stdout: OwnedFd, stderr: OwnedFd },
    Finish { id: u32 },
}

struct Source {
    id: u32,
    stream: Stream,
    pipe: File,
    rest: Rest,
}

struct Pump {
    orders: Receiver<Order>,
    bell: PipeReader,
    output: File,
    owner: Sender<Notice>,
    sources: Vec<Source>,
    buffer: Vec<u8>,
}

impl Wire {
    /// Starts the thread.
    pub(crate) fn open(output: File, owner: Sender<Notice>) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (reader, bell) = io::pipe()?;
        signals::never_block(&bell)?;
        let buffer = vec![0; PIECE];
        let pump = Pump { orders: inbox, bell: reader, output, owner, sources: Vec::new(), buffer };
        thread::Builder::new().name("output".to_owned()).spawn(move || pump.run())?;
        Ok(Self { orders, bell })
    }

    /// Sends an event.
    pub(crate) fn say(&self, event: Event) {
        self.order(Order::Say(event));
    }

    /// Forwards an action's output until it ends, which is told by [`Notice::Drained`].
    pub(crate) fn watch(&self, id: u32, stdout: OwnedFd, stderr: OwnedFd) {
        self.order(Order::Watch { id, stdout, stderr });
    }

    /// Ends that with what is in the pipes now.
    pub(crate) fn finish(&self, id: u32) {
        self.order(Order::Finish { id });
    }

    fn order(&self, order: Order) {
        // It fails when the wire is lost, which the supervisor has been told.
        if self.orders.send(order).is_ok() {
            // A full pipe rings already.
            let _ = (&self.bell).write(&[0]);
        }
    }
}

impl Pump {
    fn run(mut self) {
        let lost = self.pump().err();
        let _ = self.owner.send(Notice::WireClosed(lost));
    }

    fn pump(&mut self) -> Result<(), FrameError> {
        loop {
            let ready = self.wait()?;
            if ready[0] {
                // Orders change the sources, so what is ready now is asked again.
                match self.obey()? {
                    true => continue,
                    false => return Ok(()),
                }
            }
            for (at, _) in ready[1..].iter().enumerate().rev().filter(|(_, ready)| **ready) {
                if !self.forward(at)? {
                    self.close(at)?;
                }
            }
        }
    }

    /// Waits for the bell or for output; says which of them, the bell first.
    fn wait(&self) -> Result<Vec<bool>, FrameError> {
        let bell = std::iter::once(self.bell.as_fd());
        let all = bell.chain(self.sources.iter().map(|source| source.pipe.as_fd()));
        let mut polled: Vec<_> = all.map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN)).collect();
        look(&mut polled, PollTimeout::NONE)?;
        Ok(polled.iter().map(|one| one.any().unwrap_or(true)).collect())
    }

    /// Carries out the orders that have come; false when there will be no more.
    fn obey(&mut self) -> Result<bool, FrameError> {
        let _ = read(&mut self.bell, &mut self.buffer)?;
        loop {
            match self.orders.try_recv() {
                Ok(Order::Say(event)) => self.say(&event)?,
                Ok(Order::Watch { id, stdout, stderr }) => {
                    for (stream, pipe) in [(Stream::Stdout, stdout), (Stream::Stderr, stderr)] {
                        self.sources.push(Source { id, stream, pipe: pipe.into(), rest: Rest::default() });
                    }
                }
                Ok(Order::Finish { id }) => self.finish(id)?,
                Err(TryRecvError::Empty) => return Ok(true),
                Err(TryRecvError::Disconnected) => return Ok(false),
            }
        }
    }

    /// Sends one piece of a source; false at its end.
    fn forward(&mut self, at: usize) -> Result<bool, FrameError> {
        let source = &mut self.sources[at];
        let kept = source.rest.put(&mut self.buffer);
        // An error here is an end like another: the pipe gives no more.
        let count = read(&mut source.pipe, &mut self.buffer[kept..]).unwrap_or_default();
        let data = source.rest.cut(&self.buffer[..kept + count]);
        self.send(at, data)?;
        Ok(count > 0)
    }

    fn close(&mut self, at: usize) -> Result<(), FrameError> {
        let data = self.sources[at].rest.end();
        self.send(at, data)?;
        let id = self.sources.remove(at).id;
        if self.sources.iter().all(|source| source.id != id) {
            let _ = self.owner.send(Notice::Drained(id));
        }
        Ok(())
    }

    fn finish(&mut self, id: u32) -> Result<(), FrameError> {
        while let Some(at) = self.sources.iter().position(|source| source.id == id) {
            for _ in 0..LAST_PIECES {
                let mut polled = [PollFd::new(self.sources[at].pipe.as_fd(), PollFlags::POLLIN)];
                if !look(&mut polled, PollTimeout::ZERO)? || !self.forward(at)? {
                    break;
                }
            }
            self.close(at)?;
        }
        Ok(())
    }

    fn send(&mut self, at: usize, data: Option<Data>) -> Result<(), FrameError> {
        let Source { id, stream, .. } = self.sources[at];
        data.map_or(Ok(()), |data| self.say(&Event::Output { id, stream, data }))
    }

    fn say(&mut self, event: &Event) -> Result<(), FrameError> {
        frame::write_line(&mut self.output, event, EVENT_BYTES)
    }
}

/// Whether any of them is ready.
fn look(polled: &mut [PollFd<'_>], timeout: PollTimeout) -> io::Result<bool> {
    loop {
        match poll(polled, timeout) {
            Err(Errno::EINTR) => {}
            result => return Ok(result? > 0),
        }
    }
}

fn read(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
