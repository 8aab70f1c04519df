//! Every way in which a source ends for good.

use sse_proto::Instant;
use sse_proto::http::{Request, ResponseHead};
use sse_proto::http1::{self, client::Connection};
use sse_proto::source::{Cause, CloseReason, EndMarker, Session, Signal, SourceConfig, Want};

use super::world::*;

const URL: &str = "http://a.test/";

#[test]
fn a_marker_in_the_data_ends_the_stream_and_is_kept_to_itself() {
    let mut config = config();
    config.end = EndMarker::Data("[DONE]".into());
    check(
        &Request::new("POST", URL).unwrap(),
        &config,
        &[open("data: a\n\ndata: [DONE]\n\ndata: b\n\n")],
        &["0 POST http://a.test/", "open 200", r#"message: "a" #"#, "closed: the end marker was received"],
    );
}

#[test]
fn a_named_event_or_one_that_is_recognised_is_given_before_the_end() {
    for end in [EndMarker::Name("stop".into()), EndMarker::when(|event| event.data().ends_with("bye"))] {
        let mut config = config();
        config.end = end;
        check(
            &get(URL),
            &config,
            &[open("event: go\ndata: [stop]\n\nid: 4\nevent: stop\ndata: good bye\n\ndata: b\n\n")],
            &[
                "0 GET http://a.test/",
                "open 200",
                r#"go: "[stop]" #"#,
                r#"stop: "good bye" #4"#,
                "closed: the end marker was received",
            ],
        );
    }
}

#[test]
fn an_end_before_the_marker_is_a_truncation() {
    let mut config = config();
    config.end = EndMarker::Data("[DONE]".into());
    let cut = "the stream ended inside an event, or before its end marker";
    check(
        &Request::new("POST", URL).unwrap(),
        &config,
        &[ended("data: a\n\n")],
        &["0 POST http://a.test/", "open 200", r#"message: "a" #"#, &format!("failed: {cut}")],
    );
    check(
        &get(URL),
        &config,
        &[ended("data: a\n\n"), ended("data: [DONE]\n\n")],
        &[
            "0 GET http://a.test/",
            "open 200",
            r#"message: "a" #"#,
            &format!("failure 1, again in 1000: {cut}"),
            "1000 GET http://a.test/",
            "open 200",
            "closed: the end marker was received",
        ],
    );
    // Without a marker the body's end is an end, but not in the middle of an event.
    check(
        &Request::new("POST", URL).unwrap(),
        &super::world::config(),
        &[ended("data: a\n")],
        &["0 POST http://a.test/", "open 200", &format!("failed: {cut}")],
    );
}

#[test]
fn attempts_are_limited_on_request() {
    let mut config = config();
    config.max_attempts = Some(3);
    check(
        &get(URL),
        &config,
        &vec![Answer::Refused; 9],
        &[
            "0 GET http://a.test/",
            "failure 1, again in 1000: refused",
            "1000 GET http://a.test/",
            "failure 2, again in 2000: refused",
            "3000 GET http://a.test/",
            "failed: refused (after 3 attempts)",
        ],
    );
}

#[test]
fn the_time_of_failing_is_limited_on_request() {
    let mut config = config();
    config.max_elapsed = Some(ms(5000));
    let healthy = stream_of(vec![Step::Pause(ms(60_000)), Step::Cut]);
    check(
        &get(URL),
        &config,
        &[healthy, Answer::Refused, Answer::Refused],
        &[
            "0 GET http://a.test/",
            "open 200",
            "failure 1, again in 1000: cut",
            "61000 GET http://a.test/",
            "failure 2, again in 2000: refused",
            "63000 GET http://a.test/",
            "failed: refused (after 3 attempts)",
        ],
    );
}

/// A source in each of its states.
fn in_every_state() -> Vec<(&'static str, Session)> {
    let now = Instant::default();
    let mut sources = Vec::new();
    let source = || Session::new(get(URL), 0);
    sources.push(("idle", source()));
    let mut preparing = source();
    assert_eq!(preparing.want(now).0, Want::Prepare);
    sources.push(("preparing", preparing));
    let mut connecting = source();
    let mut open = source();
    let mut refused = source();
    let mut waiting = source();
    for source in [&mut connecting, &mut open, &mut refused, &mut waiting] {
        assert_eq!(source.want(now).0, Want::Prepare);
        source.handle_prepared(now);
        assert_eq!(source.want(now).0, Want::Request);
    }
    sources.push(("connecting", connecting));
    let head =
        |status| sse_proto::http::ResponseHead::new(status).with_header("Content-Type", b"text/event-stream");
    open.handle_response(now, head(200));
    assert!(open.is_open());
    assert_eq!(open.handle_bytes(now, b"data: 1\n\ndata: 2\n\n"), 18);
    assert_eq!(open.want(now).0, Want::Event);
    sources.push(("open", open));
    refused.handle_response(now, head(404));
    assert_eq!(refused.want(now).0, Want::Read);
    sources.push(("refused", refused));
    waiting.handle_error(now, "refused");
    assert_eq!(waiting.want(now).0, Want::Wait);
    sources.push(("waiting", waiting));
    sources
}

#[test]
fn closing_ends_every_state_at_once() {
    for (state, mut source) in in_every_state() {
        source.close();
        assert!(source.is_closed(), "{state}");
        assert_eq!(source.event().data(), "", "{state}: an event that was not taken is gone");
        assert_eq!(source.want(Instant::default()), (Want::Closed, None), "{state}");
        assert!(matches!(source.take_closed(), Some(CloseReason::ByCaller)), "{state}");
        source.close();
        source.handle_deadline(Instant::from_epoch(ms(1 << 40)));
        source.handle_error(Instant::default(), "late");
        assert_eq!(source.handle_bytes(Instant::default(), b"late"), 4);
        assert_eq!(source.want(Instant::default()), (Want::Closed, None), "{state}");
        assert!(source.take_closed().is_none(), "{state}");
    }
}

#[test]
fn closing_takes_back_what_was_not_signalled() {
    for (state, mut source) in in_every_state() {
        source.close();
        assert_eq!(source.want_signal(Instant::default()).0, Want::Closed, "{state}");
        assert!(matches!(source.take_signal(), Some(Signal::Closed(CloseReason::ByCaller))), "{state}");
    }
}

#[test]
fn what_the_caller_has_not_got_closes_every_state() {
    for (state, mut source) in in_every_state() {
        source.handle_unsupported("no tls here");
        assert_eq!(source.want(Instant::default()), (Want::Closed, None), "{state}");
        let closed = source.take_closed().expect("a reason");
        assert!(matches!(closed, CloseReason::Unsupported(_)) && !closed.is_normal(), "{state}");
        assert_eq!(closed.to_string(), "no tls here");
    }
}

#[test]
fn a_request_that_cannot_be_prepared_is_a_failed_attempt() {
    let now = Instant::default();
    let mut source = Session::new(get(URL), 0).with_config(config());
    assert_eq!(source.want_signal(now).0, Want::Prepare);
    assert_eq!(source.want_signal(now).0, Want::Prepare, "it takes as long as it takes");
    source.handle_error(now, "no token");
    assert_eq!(source.want_signal(now).0, Want::Signal);
    assert!(matches!(
        source.take_signal(),
        Some(Signal::Reconnecting { cause: Cause::Transport(error), attempt: 1, .. }) if error.to_string() == "no token"
    ));
    let (want, Some(due)) = source.want_signal(now) else { panic!("a wait has a deadline") };
    assert_eq!(want, Want::Wait);
    source.handle_prepared(now);
    assert_eq!(source.want_signal(now).0, Want::Wait, "too late");
    source.handle_deadline(due);
    assert_eq!(source.want_signal(due).0, Want::Prepare);
}

#[test]
fn what_preparing_comes_to_counts_only_while_it_is_waited_for() {
    let now = Instant::default();
    // The first state is that before the first want.
    for (state, mut source) in in_every_state().into_iter().skip(1) {
        let is_prepared = source.want(now).0 == Want::Prepare;
        let url = source.request().url().clone();
        source.handle_request(now, Ok::<_, &str>(get("http://b.test/")));
        assert_eq!(*source.request().url() != url, is_prepared, "{state}");
        assert_ne!(source.want(now).0, Want::Prepare, "{state}");
    }
}

#[test]
fn restart_leads_to_another_attempt_at_once() {
    let now = Instant::default();
    for (state, mut source) in in_every_state() {
        source.restart();
        assert_eq!(source.want_signal(now).0, Want::Prepare, "{state}");
        source.handle_error(now, "no token");
        assert_eq!(source.want_signal(now).0, Want::Signal, "{state}");
        let signal = source.take_signal();
        assert!(matches!(signal, Some(Signal::Reconnecting { attempt: 1, .. })), "{state}: {signal:?}");
        source.close();
        source.restart();
        assert_eq!(source.want_signal(now).0, Want::Closed, "{state}");
    }
}

#[test]
fn the_time_for_the_whole_ends_every_state() {
    let mut config = config();
    config.timeouts.total = Some(ms(10));
    for (state, source) in in_every_state() {
        let mut source = source.with_config(config.clone());
        let now = Instant::default();
        let late = now.after(ms(10));
        let _ = source.want(now);
        source.handle_deadline(now.after(ms(9)));
        assert!(!source.is_closed(), "{state}");
        // Without a report too: a busy caller may never wait for the deadline.
        assert_eq!(source.want(late).0, Want::Closed, "{state}");
        assert!(matches!(source.take_closed(), Some(CloseReason::TimedOut)), "{state}");
    }
}

#[test]
fn a_client_is_closed_while_it_connects_writes_and_reads() {
    let now = Instant::default();
    for reports in 0..4 {
        let mut client = Connection::new(Session::new(get(URL), 0));
        assert_eq!(client.want(now).0, http1::client::Want::Prepare);
        client.handle_prepared(now);
        assert_eq!(client.want(now).0, http1::client::Want::Connect);
        if reports > 0 {
            client.handle_connected(now);
            assert_eq!(client.want(now).0, http1::client::Want::Write);
        }
        if reports > 1 {
            client.handle_written(now, usize::MAX);
            assert_eq!(client.want(now).0, http1::client::Want::Read);
        }
        if reports > 2 {
            client.space()[..20].copy_from_slice(b"HTTP/1.1 200 OK\r\nCon");
            client.handle_read(now, 20);
        }
        client.close();
        assert_eq!(client.want(now), (http1::client::Want::Closed, None));
        assert_eq!(client.pending(), b"");
        assert!(matches!(client.take_closed(), Some(CloseReason::ByCaller)));
    }
}

const TRUNCATED: &str = "the stream ended inside an event, or before its end marker";

/// What comes of a stream that ends after this body, or is cut there.
#[track_caller]
fn check_last(config: &SourceConfig, body: &str, end: Step, expected: &[&str]) {
    let script = [stream_of(vec![Step::Bytes(body.into()), end])];
    let request = Request::new("POST", URL).unwrap();
    check(&request, config, &script, &[&["0 POST http://a.test/", "open 200"], expected].concat());
}

#[test]
fn a_marker_needs_no_blank_line_at_a_clean_end() {
    let config = |end| {
        let mut config = config();
        config.end = end;
        config
    };
    let (finished, cut) = ("closed: the end marker was received", format!("failed: {TRUNCATED}"));
    let data = || config(EndMarker::Data("[DONE]".into()));
    let name = || config(EndMarker::Name("bye".into()));
    let when = || config(EndMarker::when(|event| event.name() == "bye" && event.id() != Some("2")));
    for (config, last, is_marker) in [
        (data(), "data: [DONE]", true),
        (data(), "data:[DONE]\n", true),
        (data(), "data: [DONE]\r", true),
        (data(), "data: [DONE]\r\n", true),
        (data(), "id: 2\ndata: [DONE]\nretry: 5", true),
        (data(), "data: [DONE]\n: comment", true),
        (data(), "data: [DONE", false),
        (data(), "data: x\ndata: [DONE]", false),
        (data(), "event: [DONE]", false),
        (data(), "[DONE]", false),
        (config(EndMarker::Data("".into())), "data", true),
        (config(EndMarker::Data("".into())), "event: x", false),
        (name(), "event: bye\ndata: 1", true),
        (name(), "event: bye\n", true),
        (name(), "event: bye", true),
        (name(), "event: by", false),
        (name(), "data: bye", false),
        (config(EndMarker::Name("message".into())), "id: 2", false),
        (config(EndMarker::Name("message".into())), "data: 2", true),
        (when(), "id: 1\nevent: bye", true),
        (when(), "event: bye\ndata: 1\n", true),
        (when(), "event: bye\nid: 2", false),
        (config(EndMarker::when(|_| true)), "id: 2", false),
    ] {
        let body = format!("id: 1\ndata: a\n\n{last}");
        let event = r#"message: "a" #1"#;
        // The markers that every event would be.
        if matches!(&config.end, EndMarker::Name(name) if name == "message") || last == "id: 2" {
            check_last(&config, last, Step::End, &[if is_marker { finished } else { &cut }]);
            continue;
        }
        check_last(&config, &body, Step::End, &[event, if is_marker { finished } else { &cut }]);
        check_last(&config, &body, Step::Cut, &[event, "failed: cut"]);
    }
}

#[test]
fn a_last_block_that_is_not_given_changes_neither_id_nor_retry_time() {
    for (end, last) in
        [(EndMarker::Data("x".into()), "x"), (EndMarker::Data("x".into()), "y"), (EndMarker::None, "y")]
    {
        let mut config = config();
        config.end = end;
        let now = Instant::default();
        let mut source = Session::new(get(URL), 0).with_config(config);
        assert_eq!(source.want(now).0, Want::Prepare);
        source.handle_prepared(now);
        assert_eq!(source.want(now).0, Want::Request);
        source.handle_response(
            now,
            sse_proto::http::ResponseHead::new(200).with_header("Content-Type", b"text/event-stream"),
        );
        source.handle_bytes(now, format!("id: 1\n\nid: 2\ndata: {last}\nretry: 7").as_bytes());
        source.handle_end(now);
        assert_eq!(source.want(now).0, if last == "x" { Want::Closed } else { Want::Wait });
        assert_eq!((source.last_event_id(), source.retry()), ("1", None));
    }
}

#[test]
fn a_named_end_needs_no_data() {
    let stream = "event: next\ndata: {}\n\n:\nid: 4\n\nretry: 9\nevent: complete\n\ndata: beyond\n\n";
    for end in [EndMarker::Name("complete".into()), EndMarker::when(|event| event.name() == "complete")] {
        let mut config = config();
        config.end = end;
        let log = ["0 GET http://a.test/", "open 200", r#"next: "{}" #"#];
        let rest = [r#"comment """#, "message: no data #4", "retry 9", "closed: the end marker was received"];
        check(&get(URL), &config, &[open(stream)], &[&log[..], &rest].concat());

        // Where only events are asked for, comments and blocks without data stay out of sight, a long one too.
        config.limits.comment_bytes = 3;
        let now = Instant::default();
        let mut source = Session::new(get(URL), 0).with_config(config);
        assert_eq!(source.want(now).0, Want::Prepare);
        source.handle_prepared(now);
        assert_eq!(source.want(now).0, Want::Request);
        let head = sse_proto::http::ResponseHead::new(200);
        source.handle_response(now, head.with_header("Content-Type", b"text/event-stream"));
        source.handle_bytes(now, stream.replace(":\n", ":\n: a long comment\n").as_bytes());
        assert_eq!(source.want(now).0, Want::Event);
        assert_eq!(source.event().name(), "next");
        assert_eq!(source.want(now), (Want::Closed, None));
        assert!(matches!(source.take_closed(), Some(CloseReason::Finished)));
        assert_eq!(source.last_event_id(), "4");
    }
}

#[test]
fn a_clean_end_completes_the_last_event_on_request() {
    let (ended, failed) = ("closed: the stream ended", format!("failed: {TRUNCATED}"));
    for (last, event) in [
        ("id: 2\ndata: b", r#"message: "b" #2"#),
        ("data: b\r", r#"message: "b" #1"#),
        ("event: x\ndata: b\n", r#"x: "b" #1"#),
        ("data", r#"message: "" #1"#),
    ] {
        let body = format!("id: 1\ndata: a\n\n{last}");
        let mut config = config();
        check_last(&config, &body, Step::End, &[r#"message: "a" #1"#, &failed]);
        config.deliver_incomplete = true;
        check_last(&config, &body, Step::End, &[r#"message: "a" #1"#, event, ended]);
        check_last(&config, &body, Step::Cut, &[r#"message: "a" #1"#, "failed: cut"]);
        // The end is then no marker, unless the event is.
        config.end = EndMarker::Data("[DONE]".into());
        check_last(&config, &body, Step::End, &[r#"message: "a" #1"#, event, &failed]);
        config.end = EndMarker::when(|event| event.data() != "a");
        check_last(
            &config,
            &body,
            Step::End,
            &[r#"message: "a" #1"#, event, "closed: the end marker was received"],
        );
    }
    let mut config = config();
    config.deliver_incomplete = true;
    for (body, expected) in [
        ("", &[ended][..]),
        ("data: a\n\n", &[r#"message: "a" #"#, ended]),
        (": comment", &[r#"comment " comment""#, ended]),
        ("event: x", &["x: no data #", ended]),
        ("retry: 3", &["retry 3", ended]),
    ] {
        check_last(&config, body, Step::End, expected);
    }
}

#[test]
fn a_reconnection_time_is_told_whenever_it_has_changed_and_only_then() {
    let mut config = config();
    let (ended, skipped) = ("closed: the stream ended", "skipped: event data exceeds the limit of 3 bytes");
    for (body, expected) in [
        ("data: a\n\nretry: 250\n", &[r#"message: "a" #"#, "retry 250"][..]),
        (
            "data: a\nretry: 250\n\ndata: b\nretry: 250\n\n",
            &[r#"message: "a" #"#, "retry 250", r#"message: "b" #"#],
        ),
        ("retry: 250\n: c\ndata: a\n\n", &[r#"comment " c""#, r#"message: "a" #"#, "retry 250"]),
        (
            "data: a\nretry: 1\nretry: 2\n\nretry: 1\n\n",
            &[r#"message: "a" #"#, "retry 2", "message: no data #", "retry 1"],
        ),
        ("data: long\nretry: 250\n\ndata: a\n\n", &[skipped, r#"message: "a" #"#, "retry 250"]),
    ] {
        config.limits.event_bytes = 3;
        let expected = [expected, &[ended]].concat();
        check_last(&config, body, Step::End, &expected);
        let cut = [&expected[..expected.len() - 1], &["failed: cut"]].concat();
        check_last(&config, body, Step::Cut, &cut);
    }
    check_last(&config, "data: long\nretry: 250\n", Step::Cut, &[skipped, "retry 250", "failed: cut"]);
}

#[test]
fn a_body_in_which_nothing_is_recognised_is_a_failure_that_shows_it() {
    let error = r#"{"error":{"message":"context too long"}}"#;
    let failed = "not an event stream: no line of the body is a field or a comment";
    let body = |text: &str| format!("body {text:?}");
    let mut config = config();
    for body_sent in [error, "{\n  \"error\": 1\n}\n", "\u{feff}<p>\r\n\r\n"] {
        check_last(&config, body_sent, Step::End, &[&format!("failed: {failed}"), &body(body_sent)]);
        // A cut stays a cut, but what came before it can be read.
        check_last(&config, body_sent, Step::Cut, &["failed: cut", &body(body_sent)]);
    }
    let pause = [Step::Bytes(error.into()), Step::Pause(ms(1 << 40))];
    config.timeouts.silence = Some(ms(50));
    check(
        &Request::new("POST", URL).unwrap(),
        &config,
        &[stream_of(pause.to_vec())],
        &["0 POST http://a.test/", "open 200", "failed: timed out waiting for data", &body(error)],
    );
    // With all that could complete or end it.
    config.end = EndMarker::when(|_| true);
    config.deliver_incomplete = true;
    check_last(&config, error, Step::End, &[&format!("failed: {failed}"), &body(error)]);
    config.refusal_bytes = 7;
    check_last(&config, error, Step::End, &[&format!("failed: {failed}"), &body(r#"{"error"#)]);
    config.refusal_bytes = 0;
    check_last(&config, error, Step::End, &[&format!("failed: {failed}")]);

    // It counts as a failure in a row, and the next attempt forgets it.
    let mut config = super::world::config();
    config.max_attempts = Some(3);
    let blank = ended("\n\r\n");
    check(
        &get(URL),
        &config,
        &[ended(error), blank, ended(&format!("{error}\n: no more\n\n"))],
        &[
            "0 GET http://a.test/",
            "open 200",
            &format!("failure 1, again in 1000: {failed}"),
            "1000 GET http://a.test/",
            "open 200",
            "failure 2, again in 2000: the stream ended",
            "3000 GET http://a.test/",
            "open 200",
            r#"comment " no more""#,
            "failed: the stream ended (after 3 attempts)",
        ],
    );
    // One field is enough, even in the last line.
    for stream in ["", "data", "id: 1\nx\n", "x\n\nretry: x\n", ":"] {
        let mut config = super::world::config();
        config.max_attempts = Some(1);
        let script = [ended(stream)];
        let source = Session::new(get(URL), 0).with_config(config);
        let log = World::new(&script, 1).drive_source(source, &|_| {});
        assert!(
            log.last().is_some_and(|line| line.starts_with("failed: the stream ended")),
            "{stream:?}: {log:?}"
        );
    }
}

#[test]
fn a_server_is_not_trusted_at_first_or_no_longer() {
    let now = Instant::default();
    let connecting = || {
        let mut source = Session::new(get(URL), 7).with_config(config());
        assert_eq!(source.want(now).0, Want::Prepare);
        source.handle_prepared(now);
        assert_eq!(source.want(now).0, Want::Request);
        source
    };
    let mut source = connecting();
    source.handle_untrusted(now, "unknown issuer");
    assert_eq!(source.want(now).0, Want::Closed);
    let reason = source.take_closed().unwrap();
    assert!(matches!(reason, CloseReason::Untrusted(_)), "{reason:?}");
    assert_eq!(reason.to_string(), "unknown issuer");

    let mut source = connecting();
    source.handle_response(now, ResponseHead::new(200).with_header("content-type", b"text/event-stream"));
    source.handle_error(now, "reset");
    let (Want::Wait, Some(deadline)) = source.want(now) else { panic!("{source:?}") };
    source.handle_deadline(deadline);
    assert_eq!(source.want(deadline).0, Want::Prepare);
    source.handle_prepared(deadline);
    assert_eq!(source.want(deadline).0, Want::Request);
    source.handle_untrusted(deadline, "expired");
    assert_eq!(source.want(deadline).0, Want::Wait, "certificates get renewed");
}
