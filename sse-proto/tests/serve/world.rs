//! A world of its own for a server: a client and a handler that do what a script says, and a clock that only moves when
//! somebody waits.

use std::collections::VecDeque;
use std::time::Duration;

use sse_proto::http1::Response;
use sse_proto::http1::server::{Closed, Connection, ServerConfig, Want};
use sse_proto::{Frame, Instant, Sender};

/// What the client does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Send(&'static str),
    Pause(u64),
    /// It closes its side.
    End,
    /// The connection fails.
    Cut,
    /// From now on it takes nothing.
    StopReading,
}

/// What the handler does, and at what time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Open,
    OpenWith(&'static str, &'static str),
    Respond(u16, &'static str),
    Event(&'static str),
    Frame(&'static str),
    Finish,
    /// The server stops.
    Drain,
    /// The handler is done, with this error if it is not empty.
    Done(&'static str),
    Close,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) sent: String,
    /// The reason, if it is over.
    pub(crate) closed: String,
    pub(crate) millis: u64,
}

pub(crate) const GET: &str = "GET /sse HTTP/1.1\r\nHost: a\r\n\r\n";

/// What an event stream begins with in answer to that.
pub(crate) const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n\
    x-accel-buffering: no\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Plays the script with large pieces and small ones: all must come out the same.
#[track_caller]
pub(crate) fn play(config: ServerConfig, client: &[Step], handler: &[(u64, Deed)]) -> Outcome {
    let start = || Connection::new(config.clone(), 7);
    let whole = World::new(start(), client, handler, usize::MAX).drive();
    for piece in [1, 7] {
        let pieces = World::new(start(), client, handler, piece).drive();
        assert_eq!(
            (&pieces.sent, &pieces.closed, pieces.millis),
            (&whole.sent, &whole.closed, whole.millis),
            "in pieces of {piece}"
        );
    }
    whole
}

pub(crate) struct World {
    server: Connection,
    now: Instant,
    client: VecDeque<Step>,
    handler: VecDeque<(u64, Deed)>,
    /// What the client has sent and was not read.
    arrived: VecDeque<u8>,
    ended: bool,
    cut: bool,
    takes: bool,
    piece: usize,
    sent: Vec<u8>,
}

impl World {
    pub(crate) fn new(server: Connection, client: &[Step], handler: &[(u64, Deed)], piece: usize) -> Self {
        Self {
            server,
            now: Instant::default(),
            client: client.iter().copied().collect(),
            handler: handler.iter().copied().collect(),
            arrived: VecDeque::new(),
            ended: false,
            cut: false,
            takes: true,
            piece,
            sent: Vec::new(),
        }
    }

    pub(crate) fn drive(mut self) -> Outcome {
        for _ in 0..1_000_000 {
            let (want, deadline) = self.server.want(self.now);
            assert_eq!(self.server.want(self.now), (want, deadline), "a want stands");
            self.act();
            let goes_on = match want {
                Want::Closed => false,
                _ if self.cut => {
                    self.cut = false;
                    self.server.handle_error(self.now, "cut");
                    true
                }
                Want::Write if self.takes => {
                    let count = self.piece.min(self.server.pending().len());
                    self.sent.extend_from_slice(&self.server.pending()[..count]);
                    self.server.handle_written(self.now, count);
                    true
                }
                Want::Read | Want::Open if !self.arrived.is_empty() => {
                    let piece = self.piece;
                    let space = self.server.space();
                    let count = piece.min(space.len()).min(self.arrived.len());
                    for (place, byte) in space.iter_mut().zip(self.arrived.drain(..count)) {
                        *place = byte;
                    }
                    self.server.handle_read(self.now, count);
                    true
                }
                Want::Read | Want::Open if self.ended => {
                    self.server.handle_read(self.now, 0);
                    true
                }
                Want::Shutdown => {
                    self.server.handle_shutdown(self.now);
                    true
                }
                Want::KeepAlive => {
                    self.server.send_keep_alive(self.now);
                    true
                }
                Want::Open | Want::Request => self.do_deed() || self.wait(deadline),
                // A server can stop at any time.
                _ => {
                    matches!(self.handler.front(), Some((_, Deed::Drain))) && self.do_deed()
                        || self.wait(deadline)
                }
            };
            if !goes_on {
                let closed = self.server.take_closed().as_ref().map_or("-".into(), Closed::to_string);
                assert!(self.server.take_closed().is_none());
                let sent = String::from_utf8(self.sent).unwrap();
                return Outcome { sent, closed, millis: self.now.since_epoch().as_millis() as u64 };
            }
        }
        panic!("no end");
    }

    /// Lets the client do what it does now.
    fn act(&mut self) {
        while let Some(step) = self.client.front().copied() {
            match step {
                Step::Send(text) => self.arrived.extend(text.bytes()),
                Step::Pause(_) => return,
                Step::End => self.ended = true,
                Step::Cut => self.cut = true,
                Step::StopReading => self.takes = false,
            }
            self.client.pop_front();
        }
    }

    /// Whether there was something to do for the handler now.
    fn do_deed(&mut self) -> bool {
        let Some((at, deed)) = self.handler.front().copied() else { return false };
        if ms(at) > self.now.since_epoch() {
            return false;
        }
        self.handler.pop_front();
        let server = &mut self.server;
        match deed {
            Deed::Open => server.open(self.now, Response::new(200)),
            Deed::OpenWith(name, value) => {
                server.open(self.now, Response::new(200).with_header(name, value).unwrap())
            }
            Deed::Respond(status, body) => server.respond(self.now, &Response::new(status), body.as_bytes()),
            Deed::Event(data) => in_stream(server, |stream| stream.event(data)),
            Deed::Frame(data) => in_stream(server, |stream| stream.frame(Frame::event(data))),
            Deed::Finish => in_stream(server, |stream| stream.finish()),
            Deed::Drain => server.drain(self.now),
            Deed::Done("") => drop(server.handle_done(self.now, Ok(()))),
            Deed::Done(error) => drop(server.handle_done(self.now, Err(error.into()))),
            Deed::Close => server.close(),
        }
        true
    }

    /// Moves the clock to what happens next. `false`: nothing will.
    fn wait(&mut self, deadline: Option<Instant>) -> bool {
        let step = match self.client.front_mut() {
            Some(Step::Pause(pause)) => Some(self.now.after(ms(*pause))),
            _ => None,
        };
        let deed = self.handler.front().map(|(at, _)| Instant::from_epoch(ms(*at)).max(self.now));
        let deed = deed.filter(|at| *at > self.now);
        let Some(next) = [step, deed, deadline].into_iter().flatten().min() else { return false };
        let next = next.max(self.now);
        if let Some(Step::Pause(pause)) = self.client.front_mut() {
            *pause -= next.since(self.now).as_millis() as u64;
            if step == Some(next) {
                self.client.pop_front();
            }
        }
        self.now = next;
        if deadline.is_some_and(|deadline| deadline <= next) {
            self.server.handle_deadline(next);
        }
        true
    }
}

/// Does something to the stream, if it is open.
pub(super) fn in_stream<B: AsRef<[u8]>>(server: &mut Connection<B>, deed: impl FnOnce(&mut Sender<B>)) {
    if let Some(stream) = server.stream() {
        deed(stream);
    }
}
