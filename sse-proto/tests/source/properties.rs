//! Whatever is reported, and whenever: no panic, and always something to do.

use proptest::prelude::*;
use sse_proto::Instant;
use sse_proto::http::ResponseHead;
use sse_proto::http1::{self, client::Connection};
use sse_proto::source::{CloseReason, EndMarker, Session, SourceConfig, Want, is_transient};

use super::world::{get, ms};

#[derive(Clone, Debug)]
enum Report {
    Want,
    WantSignal,
    Prepared,
    Connected,
    Response(u16, &'static str, &'static str),
    Bytes(Vec<u8>),
    Read(usize),
    Written(usize),
    End,
    Error,
    Deadline,
    Later(u64),
    Take,
    Restart,
    Close,
}

fn report() -> impl Strategy<Value = Report> {
    let bytes = prop::sample::select(vec![
        &b"data: a\n\n"[..],
        b"id: 1\n",
        b"\n",
        b":\n",
        b"retry: 7\n\n",
        b"data: end\n\n",
        b"data: end",
        b"event: end\n\n",
        b"event: end\r",
        b"{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        b"HTTP/1.1 302 x\r\nLocation: /b\r\n\r\n",
        b"HTTP/1.1 503 x\r\nContent-Length: 3\r\n\r\nabc",
        b"\xFF\0",
    ]);
    prop_oneof![
        8 => Just(Report::Want),
        8 => Just(Report::WantSignal),
        3 => Just(Report::Prepared),
        3 => Just(Report::Connected),
        4 => (prop::sample::select(vec![200, 204, 301, 302, 404, 503]), prop::sample::select(vec!["text/event-stream", "x"]), prop::sample::select(vec!["", "/b", "http://b.test/", "ftp:"])).prop_map(|(status, media, to)| Report::Response(status, media, to)),
        6 => bytes.prop_map(|bytes| Report::Bytes(bytes.to_vec())),
        1 => prop::sample::select(vec![0, 1, 100, usize::MAX]).prop_map(Report::Read),
        2 => prop::sample::select(vec![0, 1, usize::MAX]).prop_map(Report::Written),
        1 => Just(Report::End),
        1 => Just(Report::Error),
        3 => Just(Report::Deadline),
        3 => prop::sample::select(vec![0, 1, 10_000, u64::MAX / 2]).prop_map(Report::Later),
        2 => Just(Report::Take),
        1 => Just(Report::Restart),
        1 => prop::bool::weighted(0.05).prop_map(|close| if close { Report::Close } else { Report::Want }),
    ]
}

/// With a marker of each kind, and with incomplete events delivered or dropped.
fn source(kind: u8) -> Session {
    let mut config = SourceConfig::default();
    config.set_retry_status(is_transient);
    config.timeouts.silence = Some(ms(100));
    config.deliver_incomplete = kind % 2 == 0;
    config.end = match kind / 2 {
        0 => EndMarker::None,
        1 => EndMarker::Data("end".into()),
        2 => EndMarker::Name("end".into()),
        _ => EndMarker::when(|event| event.data() == "end"),
    };
    Session::new(get("http://a.test/"), 1).with_config(config)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_source_takes_every_report(kind in 0..8_u8, reports in prop::collection::vec(report(), 0..200)) {
        let mut source = source(kind);
        let mut now = Instant::default();
        let mut closed = false;
        for report in reports {
            match report {
                Report::Want => {
                    let (want, deadline) = source.want(now);
                    prop_assert!(want != Want::Wait || deadline.is_some());
                    let stands = matches!(want, Want::Prepare | Want::Request | Want::Read | Want::Wait | Want::Closed);
                    if stands {
                        prop_assert_eq!(source.want(now), (want, deadline));
                    }
                }
                Report::WantSignal => {
                    let (want, _) = source.want_signal(now);
                    if matches!(want, Want::Signal | Want::Event | Want::Limit(_)) {
                        prop_assert!(source.take_signal().is_some());
                    }
                }
                Report::Prepared => source.handle_prepared(now),
                Report::Connected => source.handle_connected(now),
                Report::Response(status, media_type, location) => {
                    let head = ResponseHead::new(status).with_header("Content-Type", media_type.as_bytes());
                    source.handle_response(now, head.with_header("Location", location.as_bytes()));
                }
                Report::Bytes(bytes) => prop_assert!(source.handle_bytes(now, &bytes) <= bytes.len()),
                Report::Read(count) | Report::Written(count) => source.handle_read(now, count),
                Report::End => source.handle_end(now),
                Report::Error => source.handle_error(now, "error"),
                Report::Deadline => {
                    if let (_, Some(deadline)) = source.want(now) {
                        now = now.max(deadline);
                    }
                    source.handle_deadline(now);
                }
                Report::Later(millis) => now = now.after(ms(millis)),
                Report::Take => {
                    source.event();
                    source.take_signal();
                    source.take_closed();
                }
                Report::Restart => source.restart(),
                Report::Close => source.close(),
            }
            prop_assert!(!closed || source.is_closed(), "closed is for good");
            closed = source.is_closed();
        }
    }

    /// To ask first for what has arrived changes nothing.
    #[test]
    fn what_is_buffered_comes_as_if_want_had_been_asked(
        kind in 0..8_u8,
        total in prop::option::of(Just(ms(9_000))),
        reports in prop::collection::vec(report(), 0..200),
    ) {
        let source = || source(kind).configure(|config| {
            config.limits.event_bytes = 2;
            config.timeouts.total = total;
        });
        let (mut source, mut other) = (source(), source());
        let mut now = Instant::default();
        for report in reports {
            match report {
                Report::Want => {
                    let (want, deadline) = source.want(now);
                    match other.want_buffered() {
                        Some(buffered) => prop_assert_eq!(buffered, want),
                        None => prop_assert_eq!(other.want(now), (want, deadline)),
                    }
                    if want == Want::Event {
                        prop_assert_eq!(source.event(), other.event());
                    }
                }
                Report::WantSignal => {
                    prop_assert_eq!(source.want_signal(now), other.want_signal(now));
                    prop_assert_eq!(format!("{:?}", source.take_signal()), format!("{:?}", other.take_signal()));
                }
                Report::Later(millis) => now = now.after(ms(millis)),
                report => {
                    for source in [&mut source, &mut other] {
                        match &report {
                            Report::Prepared => source.handle_prepared(now),
                            Report::Response(status, media_type, location) => {
                                let head = ResponseHead::new(*status).with_header("Content-Type", media_type.as_bytes());
                                source.handle_response(now, head.with_header("Location", location.as_bytes()));
                            }
                            Report::Bytes(bytes) => {
                                source.handle_bytes(now, bytes);
                            }
                            Report::End => source.handle_end(now),
                            Report::Error => source.handle_error(now, "error"),
                            Report::Deadline => source.handle_deadline(now),
                            Report::Restart => source.restart(),
                            Report::Close => source.close(),
                            _ => source.handle_connected(now),
                        }
                    }
                }
            }
            prop_assert_eq!(source.is_closed(), other.is_closed());
            prop_assert_eq!(source.last_event_id(), other.last_event_id());
        }
    }

    #[test]
    fn a_client_takes_every_report(kind in 0..8_u8, reports in prop::collection::vec(report(), 0..200)) {
        let mut client = Connection::new(source(kind));
        let mut now = Instant::default();
        for report in reports {
            match report {
                Report::Want => {
                    let (want, deadline) = client.want(now);
                    prop_assert!(want != http1::client::Want::Wait || deadline.is_some());
                    prop_assert_eq!(want == http1::client::Want::Write, !client.pending().is_empty());
                    use http1::client::Want::{Closed, Connect, Prepare, Read, Wait, Write};
                    if matches!(want, Prepare | Connect | Write | Read | Wait | Closed) {
                        prop_assert_eq!(client.want(now), (want, deadline));
                    }
                }
                Report::WantSignal => {
                    let (want, _) = client.want_signal(now);
                    if matches!(want, http1::client::Want::Signal | http1::client::Want::Event | http1::client::Want::Limit(_)) {
                        prop_assert!(client.take_signal().is_some());
                    }
                }
                Report::Prepared => client.handle_prepared(now),
                Report::Connected | Report::Response(..) => client.handle_connected(now),
                Report::Bytes(bytes) => {
                    client.space()[..bytes.len()].copy_from_slice(&bytes);
                    client.handle_read(now, bytes.len());
                }
                Report::Read(count) => client.handle_read(now, count),
                Report::Written(count) => client.handle_written(now, count),
                Report::End => client.handle_read(now, 0),
                Report::Error => client.handle_error(now, "error"),
                Report::Deadline => {
                    if let (_, Some(deadline)) = client.want(now) {
                        now = now.max(deadline);
                    }
                    client.handle_deadline(now);
                }
                Report::Later(millis) => now = now.after(ms(millis)),
                Report::Take => {
                    client.event();
                    client.take_signal();
                    client.take_closed();
                }
                Report::Restart => client.restart(),
                Report::Close => client.close(),
            }
        }
    }

    #[test]
    fn a_marker_at_the_end_is_one_as_if_a_blank_line_had_followed(kind in 1..4_u8, parts in prop::collection::vec(0..12_usize, 0..10)) {
        const PARTS: [&str; 12] =
            ["data", "event", "id", ": ", ":", "end", "x", "\n", "\n", "\r", "\r\n", "data: end"];
        let stream: String = parts.iter().map(|part| PARTS[*part]).collect();
        let is_finished = |stream: &str| {
            // Incomplete events are dropped.
            let (mut source, now) = (source(2 * kind + 1), Instant::default());
            while source.want(now).0 != Want::Request {
                source.handle_prepared(now);
            }
            source.handle_response(now, ResponseHead::new(200).with_header("Content-Type", b"text/event-stream"));
            source.handle_bytes(now, stream.as_bytes());
            source.handle_end(now);
            while source.want(now).0 == Want::Event {}
            matches!(source.take_closed(), Some(CloseReason::Finished))
        };
        prop_assert_eq!(is_finished(&stream), is_finished(&format!("{stream}\n\n")), "{:?}", stream);
    }
}
