//! One connection of a server.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sse_proto::Instant;
use sse_proto::http1::server::{Closed, Want};

use crate::Incoming;
use crate::guard::guard;
use crate::outlet::Outlet;
use crate::server::Listening;
use crate::timeouts::timeout;

/// Serves a connection to its end; dropped before, it closes it.
pub(crate) struct Serving {
    peer: SocketAddr,
    listening: Arc<Listening>,
    /// Its number among the connections.
    number: u64,
    outlet: Arc<Outlet>,
    /// Runs the handler.
    work: Option<JoinHandle<()>>,
}

impl Serving {
    /// For how long a read blocks at most: nothing else makes the thread look at a deadline that has moved forward.
    const LONGEST_READ: Duration = Duration::from_millis(500);

    pub(crate) fn new(
        peer: SocketAddr,
        listening: Arc<Listening>,
        (number, outlet): (u64, Arc<Outlet>),
    ) -> Self {
        Self { peer, listening, number, outlet, work: None }
    }

    /// Reads to the end, while others write.
    pub(crate) fn run(mut self) {
        loop {
            let (want, deadline, request, can_read) = self.outlet.act(|outlet| {
                let server = outlet.server();
                let (want, deadline) = server.want(self.outlet.now());
                (want, deadline, server.take_request(), server.can_read())
            });
            match (want, request) {
                (Want::Closed, _) => return,
                (_, Some((head, body))) => {
                    self.handle(Incoming::new(Arc::clone(&self.outlet), head, body, self.peer));
                }
                (Want::KeepAlive, _) => self.keep_alive(),
                (Want::Wait, _) => self.wait(deadline),
                // Another thread writes.
                (Want::Write, _) if !can_read => self.wait(deadline),
                _ => self.read(deadline),
            }
        }
    }

    /// For how long to block.
    fn limit(&self, deadline: Option<Instant>) -> Duration {
        let limit = deadline.map_or(Self::LONGEST_READ, |at| at.since(self.outlet.now()));
        timeout(limit.min(Self::LONGEST_READ))
    }

    fn keep_alive(&self) {
        // Code of the user's: not while the lock is held.
        let hooks = self.outlet.look(|outlet| outlet.server().hooks().clone());
        let (now, frame) = (self.outlet.now(), guard(|| hooks.keep_alive()));
        self.outlet.act(|outlet| match &frame {
            Some(frame) => outlet.server().handle_keep_alive(now, frame),
            None => outlet.handle_panic(now),
        });
    }

    /// Waits until the connection is closed, or for the deadline.
    fn wait(&self, deadline: Option<Instant>) {
        self.outlet.look(|outlet| outlet.set_driver(thread::current()));
        thread::park_timeout(self.limit(deadline));
        let now = self.outlet.now();
        self.outlet.act(|outlet| outlet.server().handle_deadline(now));
    }

    fn read(&self, deadline: Option<Instant>) {
        let mut space = [0; 4096];
        let limit = self.limit(deadline);
        let most = self.outlet.look(|outlet| outlet.server().space().len()).min(space.len());
        let mut socket = self.outlet.socket();
        let space = space.get_mut(..most).unwrap_or_default();
        let read = socket.set_read_timeout(Some(limit)).and_then(|()| socket.read(space));
        self.outlet.act(|outlet| {
            self.outlet.report(outlet.server(), read, |server, now, count| {
                server.space().iter_mut().zip(space).for_each(|(to, from)| *to = *from);
                server.handle_read(now, count);
            });
        });
    }

    fn handle(&mut self, incoming: Incoming) {
        let (listening, outlet) = (Arc::clone(&self.listening), Arc::clone(&self.outlet));
        let run = move || {
            let done = guard(|| listening.handle(incoming));
            let now = outlet.now();
            match done {
                // An error that nobody is told is dropped when the lock is released.
                Some(done) => drop(outlet.act(|outlet| outlet.handle_done(now, done))),
                None => outlet.act(|outlet| outlet.handle_panic(now)),
            }
        };
        match thread::Builder::new().name("sse-handler".into()).spawn(run) {
            Ok(work) => self.work = Some(work),
            Err(error) => {
                let now = self.outlet.now();
                drop(self.outlet.act(|outlet| outlet.handle_done(now, Err(error.into()))));
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let closed = self.outlet.act(|outlet| {
            outlet.server().close();
            outlet.server().take_closed()
        });
        // It counts until its thread has ended, which it may take its time for; a panic was caught.
        let _ = self.work.take().map(JoinHandle::join);
        let closed = closed.unwrap_or(Closed::Aborted);
        self.listening.handle_closed(self.number, self.peer, &closed);
        // An error of the user's, which may panic when it is dropped.
        guard(|| drop(closed));
    }
}
