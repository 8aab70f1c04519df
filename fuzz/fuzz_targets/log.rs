//! A node over a log that answers anything: it neither hangs nor panics, holds no more than its limits, and gives back all that
//! subscribers held.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sse_proto::hub::log::{Entry, Follow, LogConfig, LoggedEvent, Position, RangeWant};
use sse_proto::hub::{AfterGap, HubConfig, SharedHub, Start, SubscriberId, Subscription};
use sse_proto::{EventRef, Instant};

#[derive(Arbitrary, Debug)]
struct Input {
    held: u8,
    page_bytes: u16,
    replay_bytes: u16,
    ranges: u8,
    append_bytes: u8,
    acts: Vec<Act>,
}

/// Few positions, so that they meet.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Place(u8);

impl Place {
    fn position(self) -> Position {
        let Self(bits) = self;
        Position {
            epoch: u64::from(bits & 3),
            millis: u64::from(bits >> 2 & 7),
            sequence: u64::from(bits >> 5),
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Told {
    position: Place,
    previous: Option<Place>,
    event: Option<(bool, Vec<u8>)>,
}

impl Told {
    fn entry(self) -> Entry {
        let event = self.event.map(|(is_news, data)| {
            let topic = if is_news { "news".to_owned() } else { "else".to_owned() };
            // Mostly a whole event.
            let data = if data.len() % 4 == 0 { data } else { b"data: x\n\n".to_vec() };
            LoggedEvent { topic, data }
        });
        Entry { position: self.position.position(), previous: self.previous.map(Place::position), event }
    }
}

#[derive(Arbitrary, Debug)]
enum Act {
    Tail { tip: Option<Place>, entries: Vec<Told>, fails: bool },
    Page { tip: Option<Place>, entries: Vec<Told>, fails: bool },
    Subscribe { after: Option<Place>, oldest: bool, news: bool, goes_on: bool },
    Take(u8),
    Leave(u8),
    Append { bytes: u8, ends: bool },
    Later(u16),
    Close,
}

fuzz_target!(|input: Input| {
    let mut config = HubConfig::default();
    config.events = usize::from(input.held) + 1;
    config.announce_position = input.held % 2 == 0;
    let mut log = LogConfig::default();
    log.page_bytes = usize::from(input.page_bytes);
    log.replay_bytes = usize::from(input.replay_bytes);
    log.ranges = usize::from(input.ranges);
    log.append_bytes = usize::from(input.append_bytes);
    let mut hub: SharedHub<Vec<u8>, usize> = SharedHub::over(1, config, log);
    let mut now = Instant::default();
    let mut subscribers: Vec<SubscriberId> = Vec::new();
    let (mut requests, mut appends) = (Vec::new(), Vec::new());
    let mut woken = Vec::new();
    // One page may exceed the limit.
    let mut largest = 0;
    for act in input.acts {
        match act {
            Act::Tail { tip, entries, fails } => match hub.follow(now).0 {
                Follow::Tip | Follow::Read { .. } if fails => hub.handle_follow_error(now),
                Follow::Tip => hub.handle_tip(tip.map(Place::position), &mut woken),
                Follow::Read { .. } => {
                    let entries = entries.into_iter().map(Told::entry).collect();
                    hub.handle_entries(now, Duration::ZERO, entries, &mut woken);
                }
                _ => {}
            },
            Act::Page { tip, entries, fails } => {
                if let RangeWant::Read(request) = hub.want_range(now, || 0, |_| true) {
                    requests.push(request);
                }
                let Some(request) = requests.pop() else { continue };
                let entries: Vec<Entry> = entries.into_iter().map(Told::entry).collect();
                let bytes =
                    entries.iter().filter_map(|entry| entry.event.as_ref()).map(|event| event.data.len());
                largest = largest.max(bytes.sum::<usize>() + entries.len() * 256);
                let answer = (!fails).then_some((entries, tip.map(Place::position)));
                hub.handle_range(now, request, answer, &mut woken);
            }
            Act::Subscribe { after, oldest, news, goes_on } => {
                let mut subscription = if news { Subscription::to(["news"]) } else { Subscription::to_all() };
                if goes_on {
                    subscription = subscription.with_after_gap(AfterGap::Replay);
                }
                let id = after.map(|after| after.position().to_string());
                let start = match &id {
                    Some(id) => Start::After(id),
                    None if oldest => Start::Oldest,
                    None => Start::Live,
                };
                subscribers.push(hub.subscribe(now, &subscription, start).0);
            }
            Act::Take(index) => {
                let count = subscribers.len().max(1);
                let Some(subscriber) = subscribers.get_mut(usize::from(index) % count) else { continue };
                for _ in 0..10_000 {
                    let (delivery, _) = hub.next(|| now, subscriber, || Some(1), &mut woken);
                    if delivery.is_none_or(|delivery| delivery.is_last()) {
                        break;
                    }
                }
            }
            Act::Leave(index) if !subscribers.is_empty() => {
                let subscriber = subscribers.swap_remove(usize::from(index) % subscribers.len());
                let _ = hub.unsubscribe(subscriber, &mut woken);
            }
            Act::Leave(_) => {}
            Act::Append { bytes, ends } => {
                let data = "x".repeat(usize::from(bytes));
                if let Ok(append) = hub.begin_append(now, "news", EventRef::new(&data), false, 1) {
                    appends.push(append.bytes());
                }
                if ends {
                    appends.pop().into_iter().for_each(|bytes| hub.end_append(bytes, true));
                }
            }
            Act::Later(millis) => {
                now = now.after(Duration::from_millis(millis.into()));
                hub.handle_follow_deadline(now);
            }
            Act::Close => woken.extend(hub.close()),
        }
        woken.clear();
        let stats = hub.log_stats().expect("over a log");
        assert_eq!((stats.appending_events, stats.appending_bytes), (appends.len(), appends.iter().sum()));
        assert!(stats.replay_bytes <= log.replay_bytes + largest, "{stats:?}");
    }
    for subscriber in subscribers {
        let _ = hub.unsubscribe(subscriber, &mut woken);
    }
    assert_eq!(hub.log_stats().expect("over a log").replay_bytes, 0, "pages are given back");
});
