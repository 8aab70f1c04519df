//! A log with its nodes, driven by hand.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sse_proto::hub::log::{Follow, Log, LogConfig, MemoryLog, NewEvent, Position, RangeWant};
use sse_proto::hub::{Delivery, HubConfig, Resume, SharedHub, Start, SubscriberId, Subscription};
use sse_proto::{Frame, Instant};

/// Polls a future of the memory log once. `None` if it waits.
pub(crate) fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Appends an event with this text, and returns its position.
pub(crate) fn append(log: &MemoryLog, topic: &str, text: &str) -> Position {
    let frame = Frame::event(text);
    let event = NewEvent { topic, data: frame.bytes(), key: None };
    now_or_never(log.append(event)).unwrap().unwrap()
}

/// What a client was told: events by their ids, and gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Event(Position, String),
    Gap,
    End,
}

pub(crate) struct Node {
    pub(crate) hub: SharedHub<Vec<u8>, usize>,
    pub(crate) now: Instant,
    pub(crate) log: MemoryLog,
    /// Whether the log cannot be reached.
    pub(crate) is_cut_off: bool,
}

impl Node {
    pub(crate) fn new(log: &MemoryLog, config: HubConfig, log_config: LogConfig) -> Self {
        let hub = SharedHub::over(1, config, log_config);
        Self { hub, now: Instant::default(), log: log.clone(), is_cut_off: false }
    }

    /// Follows the log until nothing is left to be read.
    pub(crate) fn follow(&mut self) {
        for _ in 0..10_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the node never comes to rest");
    }

    /// Takes one step of the tail. Returns `false` if it waits for an event.
    pub(crate) fn step(&mut self) -> bool {
        let mut woken = Vec::new();
        let (want, deadline) = self.hub.follow(self.now);
        match want {
            Follow::Tip | Follow::Read { .. } if self.is_cut_off => self.hub.handle_follow_error(self.now),
            Follow::Tip => {
                let tip = now_or_never(self.log.tip()).unwrap().unwrap();
                self.hub.handle_tip(tip, &mut woken);
            }
            Follow::Read { after, limit, wait } => {
                assert!(wait > Duration::ZERO);
                let Some(entries) = now_or_never(self.log.read(after, limit, wait)) else { return false };
                self.hub.handle_entries(self.now, Duration::ZERO, entries.unwrap(), &mut woken);
            }
            Follow::Wait if self.is_cut_off => return false,
            Follow::Wait => {
                self.now = deadline.unwrap();
                self.hub.handle_follow_deadline(self.now);
            }
            _ => return false,
        }
        true
    }

    /// Lets a read of the tail end without an event.
    pub(crate) fn idle(&mut self) {
        assert!(!self.step());
        self.hub.handle_entries(self.now, Duration::ZERO, Vec::new(), &mut Vec::new());
        self.follow();
    }

    /// Reads the pages that clients wait for. Returns their number.
    pub(crate) fn read_pages(&mut self) -> usize {
        let mut count = 0;
        loop {
            let request = match self.hub.want_range(self.now, || 0, |_| true) {
                RangeWant::Read(request) => request,
                RangeWant::Wait(Some(at)) if !self.is_cut_off => {
                    self.now = at;
                    continue;
                }
                _ => return count,
            };
            let page = || now_or_never(self.log.page(request.after, request.limit)).unwrap().unwrap();
            let answer = (!self.is_cut_off).then(page);
            self.hub.handle_range(self.now, request, answer, &mut Vec::new());
            count += 1;
        }
    }

    pub(crate) fn subscribe(&mut self, start: Start<'_>) -> (SubscriberId, Resume) {
        self.hub.subscribe(self.now, &Subscription::to_all(), start)
    }

    /// Takes everything that is there for a subscriber.
    pub(crate) fn drain(&mut self, subscriber: &mut SubscriberId) -> Vec<Told> {
        let mut told = Vec::new();
        loop {
            let waker = || None;
            let (delivery, _) = self.hub.next(|| self.now, subscriber, waker, &mut Vec::new());
            match delivery {
                Some(Delivery::Event(frame)) => {
                    let event = frame.to_event().unwrap();
                    let id = Position::parse(event.id().unwrap()).unwrap();
                    told.push(Told::Event(id, event.data().to_owned()));
                }
                Some(Delivery::Gap(_)) => told.push(Told::Gap),
                Some(delivery) if delivery.is_last() => {
                    told.push(Told::End);
                    return told;
                }
                Some(other) => panic!("{other:?}"),
                // Pages are read until they change nothing.
                None if self.read_pages() > 0 => {}
                None => return told,
            }
        }
    }
}

/// The texts of the events, `-` for a gap, `.` for the end.
pub(crate) fn texts(told: &[Told]) -> String {
    let text = |told: &Told| match told {
        Told::Event(_, text) => text.clone(),
        Told::Gap => "-".into(),
        Told::End => ".".into(),
    };
    told.iter().map(text).collect::<Vec<_>>().join(" ")
}
