//! A world of its own for a machine: a server that does what a script says, and a clock that only moves when somebody waits.

use std::collections::VecDeque;
use std::time::Duration;

use sse_proto::Instant;
use sse_proto::http::{Request, ResponseHead};
use sse_proto::http1::{self, client::Connection};
use sse_proto::source::{self, CloseReason, Session, Signal, SourceConfig};

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The connection is refused.
    Refused,
    /// There is never a connection.
    NoConnection,
    /// There is a connection, but never a response.
    NoResponse,
    /// There is a response.
    Response(u16, Vec<(&'static str, String)>, Vec<Step>),
}

/// What comes of a body.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Bytes(String),
    Pause(Duration),
    /// The body ends as it should.
    End,
    /// The connection is cut.
    Cut,
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An event stream with this in it, and then nothing more: it stays open.
pub(crate) fn open(stream: &str) -> Answer {
    stream_of(vec![Step::Bytes(stream.into())])
}

/// An event stream with this in it, which then ends.
pub(crate) fn ended(stream: &str) -> Answer {
    stream_of(vec![Step::Bytes(stream.into()), Step::End])
}

pub(crate) fn stream_of(steps: Vec<Step>) -> Answer {
    Answer::Response(200, vec![("Content-Type", "text/event-stream".into())], steps)
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Response(status, Vec::new(), vec![Step::End])
}

pub(crate) fn redirect(status: u16, location: &str) -> Answer {
    Answer::Response(status, vec![("Location", location.into())], vec![Step::End])
}

/// Reconnects after exactly 1 s, 2 s, 4 s, up to 8 s.
pub(crate) fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.backoff.base = ms(1000);
    config.backoff.cap = ms(8000);
    config.backoff.jitter_percent = 0;
    config
}

pub(crate) fn get(url: &str) -> Request {
    Request::get(url).unwrap()
}

/// Plays the script to both machines, in large pieces and in small ones. All must see the same, line by line; the log ends
/// where the script does, or where nothing would ever happen.
#[track_caller]
pub(crate) fn check(request: &Request, config: &SourceConfig, script: &[Answer], expected: &[&str]) {
    check_with(request, config, script, expected, |_| {});
}

/// As [`check`], with a hook that may change the request of each attempt.
#[track_caller]
pub(crate) fn check_with(
    request: &Request,
    config: &SourceConfig,
    script: &[Answer],
    expected: &[&str],
    hook: impl Fn(&mut Request),
) {
    for piece in [usize::MAX, 1] {
        let source = Session::new(request.clone(), 0).with_config(config.clone());
        assert_eq!(World::new(script, piece).drive_source(source, &hook), expected, "source, {piece}");
        let source = Session::new(request.clone(), 0).with_config(config.clone());
        assert_eq!(
            World::new(script, piece).drive_client(Connection::new(source), &hook),
            expected,
            "client, {piece}"
        );
    }
}

pub(crate) struct World {
    pub(crate) now: Instant,
    script: VecDeque<Answer>,
    /// What is still to come of the current response.
    steps: VecDeque<Step>,
    piece: usize,
    log: Vec<String>,
}

/// What happens while a machine waits.
enum Happening {
    Bytes(String),
    End,
    Cut,
    Deadline,
    /// Nothing, for ever.
    Nothing,
}

impl World {
    pub(crate) fn new(script: &[Answer], piece: usize) -> Self {
        Self {
            now: Instant::default(),
            script: script.iter().cloned().collect(),
            steps: VecDeque::new(),
            piece,
            log: Vec::new(),
        }
    }

    pub(crate) fn drive_source(mut self, mut source: Session, hook: &impl Fn(&mut Request)) -> Vec<String> {
        use source::Want;
        loop {
            let (want, deadline) = source.want_signal(self.now);
            match want {
                Want::Prepare => {
                    hook(source.request_mut());
                    source.handle_prepared(self.now);
                }
                Want::Request => match self.answer(source.request()) {
                    None => return self.log,
                    Some(Answer::Refused) => source.handle_error(self.now, "refused"),
                    Some(Answer::NoConnection) => {
                        let Some(()) = self.wait(deadline) else { return self.log };
                        source.handle_deadline(self.now);
                    }
                    Some(Answer::NoResponse) => {
                        source.handle_connected(self.now);
                        let (_, deadline) = source.want_signal(self.now);
                        let Some(()) = self.wait(deadline) else { return self.log };
                        source.handle_deadline(self.now);
                    }
                    Some(Answer::Response(status, headers, steps)) => {
                        source.handle_connected(self.now);
                        let head = ResponseHead::new(status);
                        let head = headers
                            .iter()
                            .fold(head, |head, (name, value)| head.with_header(name, value.as_bytes()));
                        self.steps = steps.into();
                        source.handle_response(self.now, head);
                    }
                },
                Want::Read => match self.next(deadline) {
                    Happening::Bytes(bytes) => {
                        let taken = source.handle_bytes(self.now, bytes.as_bytes());
                        self.put_back(&bytes, taken);
                    }
                    Happening::End => source.handle_end(self.now),
                    Happening::Cut => source.handle_error(self.now, "cut"),
                    Happening::Deadline => source.handle_deadline(self.now),
                    Happening::Nothing => return self.log,
                },
                Want::Event | Want::Signal | Want::Limit(_) => {
                    let signal = source.take_signal().expect("a signal");
                    self.tell(&signal, source.last_event_id());
                }
                Want::Wait => {
                    self.wait(deadline).expect("a wait has a deadline");
                    source.handle_deadline(self.now);
                }
                Want::Yield => {}
                Want::Closed => {
                    let signal = source.take_signal().expect("a reason");
                    self.tell(&signal, source.last_event_id());
                    assert!(source.take_signal().is_none());
                    assert_eq!(source.want(self.now), (Want::Closed, None));
                    if !source.refused_body().is_empty() {
                        self.log.push(format!("body {:?}", String::from_utf8_lossy(source.refused_body())));
                    }
                    return self.log;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn drive_client(
        mut self,
        mut client: Connection,
        hook: &impl Fn(&mut Request),
    ) -> Vec<String> {
        use http1::client::Want;
        loop {
            let (want, deadline) = client.want_signal(self.now);
            match want {
                Want::Prepare => {
                    hook(client.request_mut());
                    client.handle_prepared(self.now);
                }
                Want::Connect => match self.answer(client.request()) {
                    None => return self.log,
                    Some(Answer::Refused) => client.handle_error(self.now, "refused"),
                    Some(Answer::NoConnection) => {
                        let Some(()) = self.wait(deadline) else { return self.log };
                        client.handle_deadline(self.now);
                    }
                    Some(Answer::NoResponse) => {
                        self.steps.clear();
                        client.handle_connected(self.now);
                    }
                    Some(Answer::Response(status, headers, steps)) => {
                        client.handle_connected(self.now);
                        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
                        let head = format!("HTTP/1.1 {status} x\r\n{}\r\n", headers.collect::<String>());
                        self.steps = steps.into();
                        self.steps.push_front(Step::Bytes(head));
                    }
                },
                Want::Write => {
                    assert!(client.pending().ends_with(client.request().body()));
                    let count = self.piece.min(client.pending().len());
                    client.handle_written(self.now, count);
                }
                Want::Read => match self.next(deadline) {
                    Happening::Bytes(bytes) => {
                        let space = client.space();
                        let count = bytes.len().min(space.len());
                        space[..count].copy_from_slice(&bytes.as_bytes()[..count]);
                        client.handle_read(self.now, count);
                        self.put_back(&bytes, count);
                    }
                    Happening::End => client.handle_read(self.now, 0),
                    Happening::Cut => client.handle_error(self.now, "cut"),
                    Happening::Deadline => client.handle_deadline(self.now),
                    Happening::Nothing => return self.log,
                },
                Want::Event | Want::Signal | Want::Limit(_) => {
                    let signal = client.take_signal().expect("a signal");
                    self.tell(&signal, client.source().last_event_id());
                }
                Want::Wait => {
                    self.wait(deadline).expect("a wait has a deadline");
                    client.handle_deadline(self.now);
                }
                Want::Yield => {}
                Want::Closed => {
                    let signal = client.take_signal().expect("a reason");
                    self.tell(&signal, client.source().last_event_id());
                    assert!(client.take_signal().is_none());
                    assert_eq!(client.want(self.now), (Want::Closed, None));
                    let body = client.source().refused_body();
                    if !body.is_empty() {
                        self.log.push(format!("body {:?}", String::from_utf8_lossy(body)));
                    }
                    return self.log;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Takes a request: writes it down with the time.
    fn answer(&mut self, request: &Request) -> Option<Answer> {
        let answer = self.script.pop_front()?;
        let mut line =
            format!("{} {} {}", self.now.since_epoch().as_millis(), request.method(), request.url());
        for (name, value) in request.headers() {
            line += &format!(" {name}={}", String::from_utf8_lossy(value));
        }
        self.log.push(line);
        Some(answer)
    }

    fn next(&mut self, deadline: Option<Instant>) -> Happening {
        while let Some(step) = self.steps.pop_front() {
            match step {
                Step::Bytes(bytes) => {
                    let mut end = self.piece.min(bytes.len());
                    while !bytes.is_char_boundary(end) {
                        end += 1;
                    }
                    self.put_back(&bytes, end);
                    if end > 0 {
                        return Happening::Bytes(bytes[..end].to_owned());
                    }
                }
                Step::Pause(pause) => {
                    let until = self.now.after(pause);
                    if let Some(deadline) = deadline.filter(|deadline| *deadline <= until) {
                        self.steps.push_front(Step::Pause(until.since(deadline)));
                        self.now = deadline;
                        return Happening::Deadline;
                    }
                    self.now = until;
                }
                Step::End => return Happening::End,
                Step::Cut => return Happening::Cut,
            }
        }
        self.wait(deadline).map_or(Happening::Nothing, |()| Happening::Deadline)
    }

    fn put_back(&mut self, bytes: &str, taken: usize) {
        if taken < bytes.len() {
            self.steps.push_front(Step::Bytes(bytes[taken..].to_owned()));
        }
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Option<()> {
        self.now = deadline?;
        Some(())
    }

    fn tell(&mut self, signal: &Signal, id: &str) {
        self.log.push(match signal {
            Signal::Opened(head) => format!("open {}", head.status()),
            Signal::Event(event) => format!("{}: {:?} #{id}", event.name(), event.data()),
            Signal::NoData(block) => format!("{}: no data #{id}", block.name()),
            Signal::Comment(text) => format!("comment {text:?}"),
            Signal::Retry(time) => format!("retry {}", time.as_millis()),
            Signal::Skipped(error) => format!("skipped: {error}"),
            Signal::Reconnecting { cause, attempt, delay } => {
                format!("failure {attempt}, again in {}: {cause}", delay.as_millis())
            }
            Signal::IdNotSent(reason) => reason.to_string(),
            Signal::Closed(reason) => {
                let kind = if reason.is_normal() { "closed" } else { "failed" };
                assert_eq!(
                    matches!(
                        reason,
                        CloseReason::Lost { .. } | CloseReason::Refused(_) | CloseReason::TimedOut
                    ),
                    kind == "failed"
                );
                format!("{kind}: {reason}")
            }
            other => panic!("{other:?}"),
        });
    }
}
