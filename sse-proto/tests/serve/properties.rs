//! Whatever is reported, and whenever: no panic, bounded memory, and always something to do.

use proptest::prelude::*;
use sse_proto::http1::Response;
use sse_proto::http1::server::{Connection, ServerConfig, Want};
use sse_proto::{Frame, Instant};

use super::world::{GET, in_stream, ms};

#[derive(Clone, Debug)]
enum Report {
    Want,
    Bytes(&'static [u8]),
    Read(usize),
    Written(usize),
    Shutdown,
    Error,
    Deadline,
    Later(u64),
    Open(u16),
    Respond(u16),
    Event(usize),
    Frame(usize),
    Finish,
    FinishWithRetry,
    Drain,
    Done(bool),
    Close,
    Take,
}

fn report() -> impl Strategy<Value = Report> {
    let bytes = prop::sample::select(vec![
        GET.as_bytes(),
        b"GET / HT",
        b"TP/1.1\r\nHost: a\r\n",
        b"\r\n",
        b"HEAD / HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
        b"abc",
        b"\xFF\0",
        &[b'x'; 4096],
    ]);
    let size = || prop::sample::select(vec![0, 1, 100, 5000, 70_000]);
    prop_oneof![
        12 => Just(Report::Want),
        8 => bytes.prop_map(Report::Bytes),
        2 => prop::sample::select(vec![0, 1, 100, usize::MAX]).prop_map(Report::Read),
        6 => prop::sample::select(vec![0, 1, 50, usize::MAX]).prop_map(Report::Written),
        2 => Just(Report::Shutdown),
        1 => prop::bool::weighted(0.1).prop_map(|error| if error { Report::Error } else { Report::Want }),
        2 => Just(Report::Deadline),
        2 => prop::sample::select(vec![0, 1, 9_000, u64::MAX / 2]).prop_map(Report::Later),
        4 => prop::sample::select(vec![200, 204, 404]).prop_map(Report::Open),
        1 => prop::sample::select(vec![200, 204, 404]).prop_map(Report::Respond),
        4 => size().prop_map(Report::Event),
        4 => size().prop_map(Report::Frame),
        1 => Just(Report::Finish),
        1 => prop::bool::weighted(0.2).prop_map(|ends| if ends { Report::FinishWithRetry } else { Report::Want }),
        1 => prop::bool::weighted(0.3).prop_map(|drain| if drain { Report::Drain } else { Report::Want }),
        1 => prop::bool::ANY.prop_map(Report::Done),
        1 => prop::bool::weighted(0.1).prop_map(|close| if close { Report::Close } else { Report::Want }),
        1 => Just(Report::Take),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_server_takes_every_report(reports in prop::collection::vec(report(), 0..150), is_busy in prop::bool::weighted(0.05), window in prop::sample::select(vec![0, 100, u64::MAX])) {
        let mut config = ServerConfig::default();
        config.stream.age = Some(ms(60_000));
        config.stream.drain_window = ms(window);
        config.body_bytes = 10;
        config.discarded_bytes = 10_000;
        let mut server: Connection = if is_busy { Connection::busy(config) } else { Connection::new(config, 1) };
        let mut now = Instant::default();
        let mut closed = false;
        for report in reports {
            match report {
                Report::Want => {
                    let (want, deadline) = server.want(now);
                    prop_assert_eq!(server.want(now), (want, deadline), "a want stands");
                    prop_assert_eq!(want == Want::Write, !server.pending().is_empty());
                    prop_assert!(want == Want::Request || server.request().is_none());
                    prop_assert!(deadline.is_some() || matches!(want, Want::Request | Want::Read | Want::Closed));
                    prop_assert!(deadline.is_none_or(|deadline| deadline > now || want == Want::Write || want == Want::Open));
                }
                Report::Bytes(bytes) => {
                    let count = bytes.len().min(server.space().len());
                    server.space()[..count].copy_from_slice(&bytes[..count]);
                    server.handle_read(now, count);
                }
                Report::Read(count) => server.handle_read(now, count),
                Report::Written(count) => server.handle_written(now, count),
                Report::Shutdown => server.handle_shutdown(now),
                Report::Error => server.handle_error(now, "error"),
                Report::Deadline => {
                    if let (_, Some(deadline)) = server.want(now) {
                        now = now.max(deadline);
                    }
                    server.handle_deadline(now);
                }
                Report::Later(millis) => now = now.after(ms(millis)),
                Report::Open(status) => server.open(now, Response::new(status)),
                Report::Respond(status) => server.respond(now, &Response::new(status), b"body"),
                // As the want says: not while it is full.
                Report::Event(size) if !server.is_full() => {
                    in_stream(&mut server, |stream| stream.event(&*"x".repeat(size)));
                },
                Report::Frame(size) if !server.is_full() => {
                    in_stream(&mut server, |stream| stream.frame(Frame::event(&*"x".repeat(size))));
                },
                Report::Event(_) | Report::Frame(_) => {}
                Report::Finish => in_stream(&mut server, |stream| stream.finish()),
                Report::FinishWithRetry => in_stream(&mut server, |stream| stream.finish_with_retry()),
                Report::Drain => server.drain(now),
                Report::Done(true) => drop(server.handle_done(now, Ok(()))),
                Report::Done(false) => drop(server.handle_done(now, Err("failed".into()))),
                Report::Close => server.close(),
                Report::Take => drop((server.take_request(), server.take_closed())),
            }
            let pending: usize = server.pending_slices().iter().map(|slice| slice.len()).sum();
            prop_assert!(pending < 64 * 1024 + 71_000, "{pending}");
            prop_assert!(server.request_body().len() <= 10);
            prop_assert!(!closed || server.is_closed(), "closed is for good");
            closed = server.is_closed();
        }
        // Left alone, it comes to an end: nothing is waited for without a deadline.
        for _ in 0..1000 {
            let (want, deadline) = server.want(now);
            match want {
                Want::Request => server.respond(now, &Response::new(404), b""),
                Want::Read if deadline.is_none() => server.respond(now, &Response::new(404), b""),
                Want::Closed => return Ok(()),
                _ => {
                    now = now.max(deadline.unwrap());
                    server.handle_deadline(now);
                    if server.want(now).0 == Want::Write && server.is_open() {
                        server.handle_written(now, usize::MAX);
                    }
                }
            }
        }
        prop_assert!(false, "it never ends: {:?}", server.want(now));
    }

    /// The same request in any pieces, and the same answer in any pieces.
    #[test]
    fn pieces_make_no_difference(cuts in prop::collection::vec(1..60usize, 1..40), writes in prop::collection::vec(1..60usize, 1..40)) {
        let request = b"POST /x?lastEventId=7 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        let now = Instant::default();
        let mut server: Connection = Connection::new(ServerConfig::default(), 1);
        let mut input = &request[..];
        for cut in cuts.iter().cycle() {
            let count = (*cut).min(input.len());
            server.space()[..count].copy_from_slice(&input[..count]);
            server.handle_read(now, count);
            input = &input[count..];
            if input.is_empty() {
                break;
            }
        }
        prop_assert_eq!(server.want(now), (Want::Request, None));
        prop_assert_eq!(server.request_body(), b"abc");
        let id = server.request().unwrap().last_event_id_or_param().map(String::from);
        prop_assert_eq!(id.as_deref(), Some("7"));
        server.open(now, Response::new(200));
        let stream = server.stream().unwrap();
        stream.frame(Frame::event("one"));
        stream.frame(Frame::event("two"));
        stream.finish();
        let mut sent = Vec::new();
        for write in writes.iter().cycle() {
            let count = (*write).min(server.pending().len());
            sent.extend_from_slice(&server.pending()[..count]);
            server.handle_written(now, count);
            if server.want(now).0 != Want::Write {
                break;
            }
        }
        let body = "b\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\n0\r\n\r\n";
        prop_assert_eq!(String::from_utf8(sent).unwrap(), super::world::HEAD.to_owned() + body);
    }
}
