//! Every row of the table of transitions.

use std::time::Duration;

use sse_proto::Instant;
use sse_proto::http1::client::Connection;
use sse_proto::source::Session;

use super::world::*;

const URL: &str = "http://a.test/";

#[test]
fn connecting_to_open_to_waiting_to_connecting() {
    check(
        &get(URL),
        &config(),
        &[ended("id: 7\ndata: one\n\n"), open("data: two\n\n")],
        &[
            "0 GET http://a.test/",
            "open 200",
            r#"message: "one" #7"#,
            "failure 1, again in 1000: the stream ended",
            "1000 GET http://a.test/ last-event-id=7",
            "open 200",
            r#"message: "two" #7"#,
        ],
    );
}

#[test]
fn connecting_to_waiting_without_a_server() {
    check(
        &get(URL),
        &config(),
        &[Answer::Refused, Answer::Refused, open("")],
        &[
            "0 GET http://a.test/",
            "failure 1, again in 1000: refused",
            "1000 GET http://a.test/",
            "failure 2, again in 2000: refused",
            "3000 GET http://a.test/",
            "open 200",
        ],
    );
}

#[test]
fn connecting_to_closed_by_status_204() {
    check(
        &get(URL),
        &config(),
        &[status(204)],
        &["0 GET http://a.test/", "closed: the server has no more to send (status 204)"],
    );
}

#[test]
fn connecting_to_refused_to_closed() {
    for refused in
        [201, 205, 206, 299, 300, 304, 305, 306, 400, 401, 404, 408, 410, 429, 500, 502, 503, 504, 599]
    {
        check(
            &get(URL),
            &config(),
            &[status(refused)],
            &[
                "0 GET http://a.test/",
                &format!("failed: not an event stream: the server answered with status {refused}"),
            ],
        );
    }
    for (media_type, what) in [
        ("text/html", r#"the media type "text/html""#),
        ("text/event-streamX", r#"the media type "text/event-streamX""#),
        ("", "no media type"),
    ] {
        check(
            &get(URL),
            &config(),
            &[Answer::Response(200, vec![("Content-Type", media_type.into())], vec![Step::End])],
            &["0 GET http://a.test/", &format!("failed: not an event stream: the response has {what}")],
        );
    }
    let headers = vec![("Content-Type", "text/event-stream".into()), ("Content-Encoding", "gzip".into())];
    check(
        &get(URL),
        &config(),
        &[Answer::Response(200, headers, vec![])],
        &["0 GET http://a.test/", r#"failed: not an event stream: the body has the content coding "gzip""#],
    );
}

#[test]
fn responses_are_read_as_browsers_read_them() {
    const STREAM: &str = "text/event-stream";
    let answer = |headers: &[(&'static str, &str)]| {
        let headers = headers.iter().map(|(name, value)| (*name, value.to_string())).collect();
        [Answer::Response(200, headers, vec![Step::Bytes("data: x\n\n".into())])]
    };
    let event = ["0 GET http://a.test/", "open 200", r#"message: "x" #"#];
    for headers in [
        &[("Content-Type", "application/json, text/event-stream; charset=utf-8")][..],
        &[("Content-Type", "application/json"), ("content-type", STREAM)],
        &[("Content-Type", STREAM), ("Content-Encoding", "none")],
        &[("Content-Type", STREAM), ("Content-Encoding", "identity"), ("Content-Encoding", "utf-8")],
    ] {
        check(&get(URL), &config(), &answer(headers), &event);
    }
    for (headers, what) in [
        (
            &[("Content-Type", "text/event-stream, text/html")][..],
            r#"response has the media type "text/event-stream, text/html""#,
        ),
        (
            &[("Content-Type", STREAM), ("Content-Type", "text/html")],
            r#"response has the media type "text/event-stream, text/html""#,
        ),
        (
            &[("Content-Type", STREAM), ("Content-Encoding", "none"), ("Content-Encoding", "identity, BR")],
            r#"body has the content coding "BR""#,
        ),
    ] {
        let mut answer = answer(headers);
        if let [Answer::Response(_, _, steps)] = &mut answer {
            *steps = vec![Step::End];
        }
        let failed = format!("failed: not an event stream: the {what}");
        check(&get(URL), &config(), &answer, &["0 GET http://a.test/", &failed]);
    }
}

#[test]
fn what_a_refused_response_says_can_be_read() {
    let say = |steps| vec![Answer::Response(403, vec![("Content-Type", "text/event-stream".into())], steps)];
    let failed = "failed: not an event stream: the server answered with status 403";
    let bytes = |text: &str| Step::Bytes(text.into());
    let mut config = config();
    config.refusal_bytes = 10;
    // To its end, to its limit, to a cut, to the end of patience.
    for (steps, body) in [
        (vec![bytes("no "), bytes("entry"), Step::End], "no entry"),
        (vec![bytes("no entry for you"), Step::Pause(ms(1 << 40))], "no entry f"),
        (vec![bytes("no"), Step::Cut], "no"),
        (vec![bytes("no"), Step::Pause(ms(6000)), bytes(" entry")], "no"),
    ] {
        let (failed, body) = (format!("{failed}: {body}"), format!("body {body:?}"));
        check(&get(URL), &config, &say(steps), &["0 GET http://a.test/", &failed, &body]);
    }
}

#[test]
fn connecting_to_refused_to_waiting_where_the_policy_says_so() {
    let mut config = config();
    config.set_retry_status(sse_proto::source::is_transient);
    let busy = |after: &str| Answer::Response(503, vec![("Retry-After", after.into())], vec![Step::End]);
    check(
        &get(URL),
        &config,
        &[status(500), busy("30"), busy("1"), busy("99999999999999999999"), status(404)],
        &[
            "0 GET http://a.test/",
            "failure 1, again in 1000: not an event stream: the server answered with status 500",
            "1000 GET http://a.test/",
            "failure 2, again in 30000: not an event stream: the server answered with status 503, retry after 30 s",
            "31000 GET http://a.test/",
            "failure 3, again in 4000: not an event stream: the server answered with status 503, retry after 1 s",
            "35000 GET http://a.test/",
            "failure 4, again in 3600000: not an event stream: the server answered with status 503, retry after 18446744073709551615 s",
            "3635000 GET http://a.test/",
            "failed: not an event stream: the server answered with status 404",
        ],
    );
}

/// The three forms of RFC 9110 section 5.6.7; without `Date`, by the wall clock, which goes on between two reports.
#[test]
fn a_retry_after_date_counts_in_every_form_with_and_without_date() {
    let mut config = config();
    config.set_retry_status(sse_proto::source::is_transient);
    let busy = |headers: &[(&'static str, &str)]| {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Answer::Response(429, headers, vec![Step::End])
    };
    let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let script = [
        busy(&[date, ("Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT")]),
        busy(&[date, ("Retry-After", "Sunday, 06-Nov-94 08:49:57 GMT")]),
        busy(&[date, ("Retry-After", "Sun Nov  6 08:50:07 1994")]),
        busy(&[("Retry-After", "Sun Nov  6 08:51:37 1994")]),
    ];
    let log = |failures: [&str; 4]| {
        let mut now = 0;
        let mut lines = Vec::new();
        for (count, delay) in failures.iter().enumerate() {
            lines.push(format!("{now} GET {URL}"));
            let refused = "not an event stream: the server answered with status 429";
            let millis = delay.parse::<u64>().unwrap();
            // That of the backoff, where the date is not known.
            let told =
                if millis == 8000 { String::new() } else { format!(", retry after {} s", millis / 1000) };
            lines.push(format!("failure {}, again in {delay}: {refused}{told}", count + 1));
            now += millis;
        }
        lines
    };
    for (clock, last) in [
        // 08:49:37 at first, so a minute later now.
        (Some(784_111_777), "60000"),
        (Some(u64::MAX), "8000"),
        (None, "8000"),
    ] {
        let source = || {
            let mut source = Session::new(get(URL), 0).with_config(config.clone());
            if let Some(clock) = clock {
                source.set_wall_clock(Instant::default(), Duration::from_secs(clock));
            }
            source
        };
        let expected = log(["10000", "20000", "30000", last]);
        assert_eq!(World::new(&script, usize::MAX).drive_source(source(), &|_| {}), expected);
        assert_eq!(World::new(&script, 1).drive_client(Connection::new(source()), &|_| {}), expected);
    }
}

#[test]
fn a_check_of_the_users_replaces_ours() {
    use sse_proto::source::Refusal;
    let mut config = config();
    config.set_check(|head| match head.header("x-stream") {
        Some(_) => Ok(()),
        None => Err(Refusal::Other("no x-stream".into())),
    });
    let created = Answer::Response(
        201,
        vec![("X-Stream", "1".into())],
        vec![Step::Bytes("data\n\n".into()), Step::End],
    );
    check(
        &get(URL),
        &config,
        &[created, ended("data: x\n\n")],
        &[
            "0 GET http://a.test/",
            "open 201",
            r#"message: "" #"#,
            "failure 1, again in 1000: the stream ended",
            "1000 GET http://a.test/",
            "failed: not an event stream: no x-stream: data: x",
            r#"body "data: x\n\n""#,
        ],
    );
}

#[test]
fn open_to_waiting_drops_what_is_incomplete() {
    let cut = stream_of(vec![Step::Bytes("id: 1\ndata: a\n\nid: 2\ndata: b".into()), Step::Cut]);
    check(
        &get(URL),
        &config(),
        &[cut, ended("data: half\r"), ended("\ndata: c\n\n"), open("")],
        &[
            "0 GET http://a.test/",
            "open 200",
            r#"message: "a" #1"#,
            "failure 1, again in 1000: cut",
            "1000 GET http://a.test/ last-event-id=1",
            "open 200",
            "failure 2, again in 2000: the stream ended inside an event, or before its end marker",
            "3000 GET http://a.test/ last-event-id=1",
            "open 200",
            r#"message: "c" #1"#,
            "failure 3, again in 4000: the stream ended",
            "7000 GET http://a.test/ last-event-id=1",
            "open 200",
        ],
    );
}

#[test]
fn only_a_healthy_period_forgets_failures() {
    let lasting =
        |millis| stream_of(vec![Step::Bytes("data: x\n\n".into()), Step::Pause(ms(millis)), Step::End]);
    let event = r#"message: "x" #"#;
    let failure = |attempt, delay| format!("failure {attempt}, again in {delay}: the stream ended");
    let (second, reset) = (failure(2, 2000), failure(1, 1000));
    check(
        &get(URL),
        &config(),
        &[Answer::Refused, lasting(4999), lasting(5000), Answer::Refused],
        &[
            "0 GET http://a.test/",
            "failure 1, again in 1000: refused",
            "1000 GET http://a.test/",
            "open 200",
            event,
            &second,
            "7999 GET http://a.test/",
            "open 200",
            event,
            &reset,
            "13999 GET http://a.test/",
            "failure 2, again in 2000: refused",
        ],
    );
}

#[test]
fn a_server_that_answers_and_closes_is_not_hammered() {
    let mut times = Vec::new();
    let world = World::new(&vec![ended(""); 8], usize::MAX);
    let source = sse_proto::source::Session::new(get(URL), 0).with_config(config());
    for line in world.drive_source(source, &|_| {}) {
        if let Some((time, _)) = line.split_once(" GET") {
            times.push(time.parse::<u64>().unwrap());
        }
    }
    assert_eq!(times, [0, 1000, 3000, 7000, 15_000, 23_000, 31_000, 39_000]);
}

#[test]
fn the_servers_retry_is_kept_and_clamped() {
    let mut config = config();
    config.backoff.factor = 1;
    check(
        &get(URL),
        &config,
        &[
            ended("retry: 250\n\n"),
            ended("retry: 9999999999\ndata: x\n\n"),
            ended("retry: 0\nretry: 1x\n\n"),
            open(""),
        ],
        &[
            "0 GET http://a.test/",
            "open 200",
            "message: no data #",
            "retry 250",
            "failure 1, again in 250: the stream ended",
            "250 GET http://a.test/",
            "open 200",
            r#"message: "x" #"#,
            "retry 9999999999",
            "failure 2, again in 3600000: the stream ended",
            "3600250 GET http://a.test/",
            "open 200",
            "message: no data #",
            "retry 0",
            "failure 3, again in 10: the stream ended",
            "3600260 GET http://a.test/",
            "open 200",
        ],
    );
}

#[test]
fn signals_come_in_the_order_of_what_happened() {
    let mut config = config();
    config.limits.event_bytes = 4;
    check(
        &get(URL),
        &config,
        &[ended(":hi\nretry: 5\nid: 1\ndata: one\n\n:\ndata: too long\n\nid: 2\n\nevent: e\ndata: b\n\n")],
        &[
            "0 GET http://a.test/",
            "open 200",
            r#"comment "hi""#,
            r#"message: "one" #1"#,
            "retry 5",
            r#"comment """#,
            "skipped: event data exceeds the limit of 4 bytes",
            "message: no data #2",
            r#"e: "b" #2"#,
            "failure 1, again in 10: the stream ended",
        ],
    );
}
