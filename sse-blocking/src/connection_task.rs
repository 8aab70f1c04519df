//! One connection of a server.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sse_proto::Instant;
use sse_proto::http1::server::{Closed, Want};

use crate::Incoming;
use crate::connection::timeout;
use crate::guard::guard;
use crate::server::ServerState;
use crate::shared_stream::SharedStream;

/// Serves a connection until its end. Dropping the task closes the connection.
pub(crate) struct ConnectionTask {
    peer: SocketAddr,
    state: Arc<ServerState>,
    /// The connection's number in the server.
    number: u64,
    stream: Arc<SharedStream>,
    /// The thread of the handler.
    work: Option<JoinHandle<()>>,
}

impl ConnectionTask {
    /// The maximum time that a read blocks, because only then does the thread notice that a
    /// deadline has moved forward.
    const LONGEST_READ: Duration = Duration::from_millis(500);

    pub(crate) fn new(
        peer: SocketAddr,
        state: Arc<ServerState>,
        (number, stream): (u64, Arc<SharedStream>),
    ) -> Self {
        Self { peer, state, number, stream, work: None }
    }

    /// Reads until the end of the connection, while other threads write.
    pub(crate) fn run(mut self) {
        loop {
            let (want, deadline, request, can_read) = self.stream.act(|stream| {
                let server = stream.connection();
                let (want, deadline) = server.want(self.stream.now());
                (want, deadline, server.take_request(), server.can_read())
            });
            match (want, request) {
                (Want::Closed, _) => return,
                (_, Some((head, body))) => {
                    self.handle(Incoming::new(Arc::clone(&self.stream), head, body, self.peer));
                }
                (Want::KeepAlive, _) => self.keep_alive(),
                (Want::Wait, _) => self.wait(deadline),
                // Another thread writes.
                (Want::Write, _) if !can_read => self.wait(deadline),
                _ => self.read(deadline),
            }
        }
    }

    /// Returns how long to block.
    fn limit(&self, deadline: Option<Instant>) -> Duration {
        let limit = deadline.map_or(Self::LONGEST_READ, |at| at.since(self.stream.now()));
        timeout(limit.min(Self::LONGEST_READ))
    }

    fn keep_alive(&self) {
        // User code, so not called under the lock.
        let hooks = self.stream.look(|stream| stream.connection().hooks().clone());
        let (now, frame) = (self.stream.now(), guard(|| hooks.keep_alive()));
        self.stream.act(|stream| match &frame {
            Some(frame) => stream.connection().handle_keep_alive(now, frame),
            None => stream.handle_panic(now),
        });
    }

    /// Waits until the connection is closed, or until the deadline.
    fn wait(&self, deadline: Option<Instant>) {
        self.stream.look(|stream| stream.set_driver(thread::current()));
        thread::park_timeout(self.limit(deadline));
        let now = self.stream.now();
        self.stream.act(|stream| stream.connection().handle_deadline(now));
    }

    fn read(&self, deadline: Option<Instant>) {
        let mut space = [0; 4096];
        let limit = self.limit(deadline);
        let most = self.stream.look(|stream| stream.connection().space().len()).min(space.len());
        let mut socket = self.stream.socket();
        let space = space.get_mut(..most).unwrap_or_default();
        let read = socket.set_read_timeout(Some(limit)).and_then(|()| socket.read(space));
        self.stream.act(|stream| {
            self.stream.report(stream.connection(), read, |server, now, count| {
                server.space().iter_mut().zip(space).for_each(|(to, from)| *to = *from);
                server.handle_read(now, count);
            });
        });
    }

    fn handle(&mut self, incoming: Incoming) {
        let (state, stream) = (Arc::clone(&self.state), Arc::clone(&self.stream));
        let run = move || {
            let done = guard(|| state.handle(incoming));
            let now = stream.now();
            match done {
                // An error that the client is not told of is dropped after the lock is released.
                Some(done) => drop(stream.act(|stream| stream.handle_done(now, done))),
                None => stream.act(|stream| stream.handle_panic(now)),
            }
        };
        match thread::Builder::new().name("sse-handler".into()).spawn(run) {
            Ok(work) => self.work = Some(work),
            Err(error) => {
                let now = self.stream.now();
                drop(self.stream.act(|stream| stream.handle_done(now, Err(error.into()))));
            }
        }
    }
}

impl Drop for ConnectionTask {
    fn drop(&mut self) {
        let closed = self.stream.act(|stream| {
            stream.connection().close();
            stream.connection().take_closed()
        });
        // The connection counts until its handler's thread has ended, which may take a while. A
        // panic has been caught in the thread.
        let _ = self.work.take().map(JoinHandle::join);
        let closed = closed.unwrap_or(Closed::Aborted);
        self.state.handle_closed(self.number, self.peer, &closed);
        // Dropping the user's error may panic.
        guard(|| drop(closed));
    }
}
