//! One connection of a server.

use std::io::Read;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sse_proto::Instant;
use sse_proto::http1::server::{Closed, Want};

use crate::Incoming;
use crate::outlet::Outlet;
use crate::server::Listening;

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
            let (want, deadline, request) = self.outlet.act(|outlet| {
                let server = outlet.server();
                let (want, deadline) = server.want(self.outlet.now());
                (want, deadline, server.take_request())
            });
            match (want, request) {
                (Want::Closed, _) => return,
                (_, Some((head, body))) => {
                    self.handle(Incoming::new(Arc::clone(&self.outlet), head, body, self.peer));
                }
                _ => self.read(deadline),
            }
        }
    }

    fn read(&self, deadline: Option<Instant>) {
        let mut space = [0; 4096];
        let limit = deadline.map_or(Self::LONGEST_READ, |at| at.since(self.outlet.now()));
        // No time at all is not a timeout that a socket takes.
        let limit = limit.clamp(Duration::from_millis(1), Self::LONGEST_READ);
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
            // One that panics is answered like one that fails.
            let done = catch_unwind(AssertUnwindSafe(|| listening.handle(incoming)));
            let done = done.unwrap_or_else(|_| Err("the handler panicked".into()));
            outlet.act(|outlet| outlet.handle_done(done));
        };
        match thread::Builder::new().name("sse-handler".into()).spawn(run) {
            Ok(work) => self.work = Some(work),
            Err(error) => self.outlet.act(|outlet| outlet.handle_done(Err(error.into()))),
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
        self.listening.handle_closed(self.number, self.peer, &closed.unwrap_or(Closed::Aborted));
    }
}
