//! Deadlines, each its own.

use sse_proto::Instant;
use sse_proto::source::{Session, Want};

use super::world::*;

const URL: &str = "http://a.test/";

#[test]
fn no_connection_and_no_response() {
    let mut config = config();
    config.timeouts.connect = Some(ms(100));
    config.timeouts.response = Some(ms(300));
    check(
        &get(URL),
        &config,
        &[Answer::NoConnection, Answer::NoResponse, redirect(307, "/b"), Answer::NoResponse],
        &[
            "0 GET http://a.test/",
            "failure 1, again in 1000: timed out while connecting",
            "1100 GET http://a.test/",
            "failure 2, again in 2000: timed out waiting for the response",
            "3400 GET http://a.test/",
            "3400 GET http://a.test/b",
            "failure 3, again in 4000: timed out waiting for the response",
        ],
    );
}

#[test]
fn there_may_be_none() {
    let mut config = config();
    config.timeouts.connect = None;
    config.timeouts.response = None;
    check(&get(URL), &config, &[Answer::NoConnection], &["0 GET http://a.test/"]);
    check(&get(URL), &config, &[Answer::NoResponse], &["0 GET http://a.test/"]);
    let quiet = stream_of(vec![Step::Pause(ms(1 << 40)), Step::Bytes("data: x\n\n".into())]);
    check(&get(URL), &config, &[quiet], &["0 GET http://a.test/", "open 200", r#"message: "x" #"#]);
}

#[test]
fn any_byte_breaks_the_silence_and_only_an_event_the_other() {
    let comments = |count| {
        let mut steps = Vec::new();
        for _ in 0..count {
            steps.extend([Step::Pause(ms(90)), Step::Bytes(":\n".into())]);
        }
        stream_of(steps)
    };
    let mut silence = config();
    silence.timeouts.silence = Some(ms(100));
    let mut expected = vec!["0 GET http://a.test/", "open 200"];
    expected.extend([r#"comment """#; 5]);
    expected.push("failure 1, again in 1000: timed out waiting for data");
    expected.push("1550 GET http://a.test/");
    check(
        &get(URL),
        &silence,
        &[comments(5), Answer::Refused],
        &[expected, vec!["failure 2, again in 2000: refused"]].concat(),
    );

    let mut events = config();
    events.timeouts.events = Some(ms(200));
    check(
        &get(URL),
        &events,
        &[comments(5), Answer::Refused],
        &[
            "0 GET http://a.test/",
            "open 200",
            r#"comment """#,
            r#"comment """#,
            "failure 1, again in 1000: timed out waiting for an event",
            "1200 GET http://a.test/",
            "failure 2, again in 2000: refused",
        ],
    );
}

fn open_source(config: sse_proto::source::SourceConfig, now: Instant) -> Session {
    let mut source = Session::new(get(URL), 0).with_config(config);
    while source.want(now).0 != Want::Request {
        source.handle_prepared(now);
    }
    let head = sse_proto::http::ResponseHead::new(200).with_header("Content-Type", b"text/event-stream");
    source.handle_response(now, head);
    source
}

#[test]
fn the_time_that_the_caller_takes_is_not_the_peers() {
    let mut config = config();
    config.timeouts.silence = Some(ms(100));
    config.timeouts.events = Some(ms(100));
    let mut now = Instant::default();
    let mut source = open_source(config, now);
    assert_eq!(source.want(now), (Want::Read, Some(now.after(ms(100)))));
    source.handle_bytes(now, b"data: 1\n\ndata: 2\n\n");
    for _ in 0..2 {
        assert_eq!(source.want(now).0, Want::Event);
        now = now.after(ms(10_000));
    }
    assert_eq!(source.want(now), (Want::Read, Some(now.after(ms(100)))));
    // Even a caller that comes back late finds what came in the meantime, if it reads before it reports.
    now = now.after(ms(10_000));
    assert_eq!(source.want(now).0, Want::Read);
    source.handle_bytes(now, b"data: 3\n\n");
    source.handle_deadline(now);
    assert_eq!(source.want(now).0, Want::Event);
    assert_eq!(source.event().data(), "3");
}

#[test]
fn a_want_stands_and_its_deadline_with_it() {
    let mut config = config();
    config.timeouts.silence = Some(ms(100));
    let start = Instant::default();
    let mut source = open_source(config, start);
    let (want, deadline) = source.want(start);
    for later in [0, 50, 99, 100, 1000] {
        assert_eq!(source.want(start.after(ms(later))), (want, deadline));
    }
    source.handle_deadline(start.after(ms(99)));
    assert_eq!(source.want(start).0, Want::Read, "too early to count");
    source.handle_deadline(start.after(ms(100)));
    let (want, deadline) = source.want(start.after(ms(100)));
    assert_eq!((want, deadline), (Want::Wait, Some(start.after(ms(1100)))));
    source.handle_deadline(start.after(ms(1099)));
    assert_eq!(source.want(start).0, Want::Wait);
}

#[test]
fn a_peer_that_never_stops_sending_gives_others_their_turn_and_the_clock_too() {
    let mut config = config();
    config.timeouts.events = Some(ms(1000));
    let mut now = Instant::default();
    let mut source = open_source(config, now);
    let (mut reads, mut yields) = (0, 0);
    while source.is_open() {
        match source.want(now).0 {
            Want::Read => {
                reads += 1;
                now = now.after(ms(1));
                source.handle_bytes(now, b":\n");
            }
            Want::Yield => yields += 1,
            _ => {}
        }
        assert!(reads < 2000, "comments must not stop the clock");
    }
    assert!(yields > 20, "{yields}");
    assert!((1000..=1016).contains(&reads), "{reads}");
}
