//! What each attempt sends.

use std::cell::Cell;

use sse_proto::EventSource;
use sse_proto::http::Request;
use sse_proto::source::Reconnect;

use super::world::*;

const URL: &str = "http://a.test/";

#[test]
fn the_hook_sees_every_attempt_and_its_changes_last_for_one() {
    let count = Cell::new(0);
    let source = EventSource::new(get(URL).with_header("X", "1").unwrap(), 0).with_config(config());
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
fn an_id_that_no_header_may_hold_is_left_out() {
    for (id, sent) in
        [("a\u{1}b", ""), ("a\u{7f}b", ""), ("a\tb", " last-event-id=a\tb"), ("é", " last-event-id=é")]
    {
        check(
            &get(URL),
            &config(),
            &[ended(&format!("id: {id}\ndata: x\n\n")), open("data: y\n\n")],
            &[
                "0 GET http://a.test/",
                "open 200",
                &format!("message: \"x\" #{id}"),
                "failure 1, again in 1000: the stream ended",
                &format!("1000 GET http://a.test/{sent}"),
                "open 200",
                &format!("message: \"y\" #{id}"),
            ],
        );
    }
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
        let source = EventSource::new(get(URL), seed);
        World::new(&vec![Answer::Refused; 4], usize::MAX).drive_source(source, &|_| {})
    };
    assert_eq!(delays(1), delays(1));
    assert_ne!(delays(1), delays(2));
}
