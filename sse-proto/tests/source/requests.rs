//! What each attempt sends.

use std::cell::Cell;

use sse_proto::http::Request;
use sse_proto::source::{Reconnect, Session};

use super::world::*;

const URL: &str = "http://a.test/";

#[test]
fn the_hook_sees_every_attempt_and_its_changes_last_for_one() {
    let count = Cell::new(0);
    let source = Session::new(get(URL).with_header("X", "1").unwrap(), 0).with_config(config());
    let log = World::new(&[redirect(307, "/b"), Answer::Refused, open("")], usize::MAX).drive_source(
        source,
        &|request| {
            count.set(count.get() + 1);
            request.set_header(&format!("Token-{}", count.get()), "t").unwrap();
            if count.get() == 2 {
                request.set_url("http://b.test/".parse().unwrap());
            }
        },
    );
    assert_eq!(
        log,
        [
            "0 GET http://a.test/ X=1 Token-1=t",
            "0 GET http://a.test/b X=1 Token-1=t",
            "failure 1, again in 1000: refused",
            "1000 GET http://b.test/ X=1 Token-2=t",
            "open 200",
        ]
    );
}

#[test]
fn the_last_event_id_begins_where_the_user_says_and_can_be_reset() {
    let request = get(URL).with_last_event_id("…41").unwrap();
    check(
        &request,
        &config(),
        &[Answer::Refused, ended("data: a\n\nid\ndata: b\n\n"), open("")],
        &[
            "0 GET http://a.test/ last-event-id=…41",
            "failure 1, again in 1000: refused",
            "1000 GET http://a.test/ last-event-id=…41",
            "open 200",
            r#"message: "a" #…41"#,
            r#"message: "b" #"#,
            "failure 2, again in 2000: the stream ended",
            "3000 GET http://a.test/",
            "open 200",
        ],
    );
}

#[test]
fn an_id_that_no_header_may_hold_or_no_server_takes_is_left_out_and_told() {
    let (longest, too_long) = ("i".repeat(4096), "é".repeat(2049));
    for (id, why_not) in [
        ("a\u{1}b", Some("control byte 0x01 at byte 1")),
        ("aé\u{7f}b", Some("control byte 0x7f at byte 3")),
        (&too_long, Some("4098 bytes exceed the limit of 4096 bytes")),
        (&longest, None),
        ("a\tb", None),
        ("é", None),
    ] {
        let attempt = |at: u32| match why_not {
            Some(why_not) => {
                vec![format!("last event id not sent: {why_not}"), format!("{at} GET http://a.test/")]
            }
            None => vec![format!("{at} GET http://a.test/ last-event-id={id}")],
        };
        let event = |data: &str| format!("message: {data:?} #{id}");
        let mut expected: Vec<String> = vec!["0 GET http://a.test/".into(), "open 200".into(), event("x")];
        expected.push("failure 1, again in 1000: the stream ended".into());
        expected.extend(attempt(1000));
        // Once per attempt.
        expected.push("failure 2, again in 2000: refused".into());
        expected.extend(attempt(3000));
        expected.extend(["open 200".into(), event("y")]);
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(
            &get(URL),
            &config(),
            &[ended(&format!("id: {id}\ndata: x\n\n")), Answer::Refused, open("data: y\n\n")],
            &expected,
        );
    }
}

#[test]
fn how_long_an_id_is_sent_is_the_users_choice() {
    let mut config = config();
    config.sent_id_bytes = 2;
    let request = get(URL).with_last_event_id("123").unwrap();
    check(
        &request,
        &config,
        &[ended("id: 45\ndata\n\n"), open("")],
        &[
            "last event id not sent: 3 bytes exceed the limit of 2 bytes",
            "0 GET http://a.test/",
            "open 200",
            r#"message: "" #45"#,
            "failure 1, again in 1000: the stream ended",
            "1000 GET http://a.test/ last-event-id=45",
            "open 200",
        ],
    );
    config.sent_id_bytes = usize::MAX;
    let first = "0 GET http://a.test/ last-event-id=123";
    check(&request, &config, &[Answer::Refused], &[first, "failure 1, again in 1000: refused"]);
}

#[test]
fn only_a_get_is_repeated_unless_the_policy_says_otherwise() {
    let cases = [
        ("GET", Reconnect::IfGet, true),
        ("POST", Reconnect::IfGet, false),
        ("HEAD", Reconnect::IfGet, false),
        ("POST", Reconnect::Always, true),
        ("GET", Reconnect::Never, false),
    ];
    for (method, policy, repeats) in cases {
        let mut config = config();
        config.reconnect = policy;
        let request = Request::new(method, URL).unwrap();
        let first = format!("0 {method} http://a.test/");
        let (answer, again, end) = (Answer::Refused, "failure 1, again in 1000: refused", "failed: refused");
        check(&request, &config, &[answer], &[&first, if repeats { again } else { end }]);
        if method != "HEAD" {
            let (again, end) = ("failure 1, again in 1000: the stream ended", "closed: the stream ended");
            check(&request, &config, &[ended("")], &[&first, "open 200", if repeats { again } else { end }]);
        }
    }
}

#[test]
fn the_seed_decides_the_jitter() {
    let delays = |seed| {
        let source = Session::new(get(URL), seed);
        World::new(&vec![Answer::Refused; 4], usize::MAX).drive_source(source, &|_| {})
    };
    assert_eq!(delays(1), delays(1));
    assert_ne!(delays(1), delays(2));
}
