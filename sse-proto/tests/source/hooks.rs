//! Closures in a configuration: with state of their own, and with a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use sse_proto::Instant;
use sse_proto::http::ResponseHead;
use sse_proto::source::{CloseReason, EndMarker, Refusal, Session, SourceConfig, Want, check_response};

use super::world::*;

const URL: &str = "http://a.test/";

#[test]
fn hooks_capture_state_and_copies_share_it() {
    fn shareable<T: Clone + std::fmt::Debug + Send + Sync + 'static>(_: &T) {}
    let statuses = Mutex::new(Vec::new());
    let (retried, missing, last) = (vec![500, 503], String::from("x-stream"), String::from("3"));
    let mut config = config();
    config.set_check(move |head| match head.header(&missing) {
        Some(_) => check_response(head),
        None => Err(Refusal::Other(format!("no {missing}").into())),
    });
    config.set_retry_status(move |status| {
        statuses.lock().unwrap().push(status);
        retried.contains(&status) && statuses.lock().unwrap().len() < 4
    });
    config.end = EndMarker::when(move |event| event.id() == Some(&last));
    shareable(&config);
    assert!(format!("{config:?}").contains("Hook"));

    let busy = Answer::Response(503, vec![("X-Stream", "1".into())], vec![Step::End]);
    let headers = vec![("X-Stream", "1".into()), ("Content-Type", "text/event-stream".into())];
    let stream = Answer::Response(200, headers, vec![Step::Bytes("id: 3\ndata: x\n\n".into())]);
    let again = |delay| {
        format!("failure 1, again in {delay}: not an event stream: the server answered with status 503")
    };
    for (script, expected) in [
        (
            vec![busy.clone(), stream],
            vec![
                again(1000),
                "1000 GET http://a.test/".into(),
                "open 200".into(),
                r#"message: "x" #3"#.into(),
                "closed: the end marker was received".into(),
            ],
        ),
        (vec![open("")], vec!["failed: not an event stream: no x-stream".into()]),
    ] {
        let log = |config: &SourceConfig| {
            let source = Session::new(get(URL), 0).with_config(config.clone());
            World::new(&script, usize::MAX).drive_source(source, &|_| {})
        };
        assert_eq!(log(&config)[1..], expected);
    }
    let source = || Session::new(get(URL), 0).with_config(config.clone());
    for (count, last) in [
        (2, again(1000)),
        (3, again(1000)),
        (4, "failed: not an event stream: the server answered with status 503".into()),
    ] {
        let log = World::new(std::slice::from_ref(&busy), usize::MAX).drive_source(source(), &|_| {});
        assert_eq!(log.get(1), Some(&last), "call {count}");
    }
}

#[test]
fn a_hook_that_panics_leaves_the_source_as_it_was() {
    fn first_call(calls: &AtomicU32) -> bool {
        calls.fetch_add(1, Ordering::Relaxed) == 0
    }
    let panics = |report: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(report)).is_err();
    let now = Instant::default();
    let stream = || ResponseHead::new(200).with_header("Content-Type", b"text/event-stream");
    let connecting = |config: SourceConfig| {
        let mut source = Session::new(get(URL), 0).with_config(config);
        assert_eq!(source.want(now).0, Want::Prepare);
        source.handle_prepared(now);
        assert_eq!(source.want(now).0, Want::Request);
        source
    };

    let (mut checked, mut retried, calls) = (config(), config(), AtomicU32::new(0));
    checked.set_check(move |_| if first_call(&calls) { panic!("on purpose") } else { Ok(()) });
    let calls = AtomicU32::new(0);
    retried.set_retry_status(move |_| if first_call(&calls) { panic!("on purpose") } else { true });
    let (mut redirected, calls) = (config(), AtomicU32::new(0));
    redirected.set_check_redirect(move |_, _| if first_call(&calls) { panic!("on purpose") } else { Ok(()) });
    let moved = ResponseHead::new(307).with_header("Location", b"/b");
    for (config, head) in [(checked, stream()), (retried, ResponseHead::new(503)), (redirected, moved)] {
        let mut source = connecting(config);
        assert!(panics(&mut || source.handle_response(now, head.clone())));
        assert_eq!(source.want(now).0, Want::Request, "it still waits for its response");
        source.handle_response(now, stream());
        assert!(source.is_open());
    }

    let (mut config, calls) = (config(), AtomicU32::new(0));
    config.end = EndMarker::when(move |_| if first_call(&calls) { panic!("on purpose") } else { true });
    let mut source = connecting(config);
    source.handle_response(now, stream());
    source.handle_bytes(now, b"data: a\n\ndata: b\n\n");
    assert!(panics(&mut || _ = source.want(now)));
    assert_eq!(source.want(now).0, Want::Event);
    assert_eq!(source.event().data(), "b", "the event of the panic is lost");
    assert_eq!(source.want(now).0, Want::Closed);
    assert!(matches!(source.take_closed(), Some(CloseReason::Finished)));

    // At the end of a body too.
    let mut config = super::world::config();
    config.end = EndMarker::when(|_| panic!("on purpose"));
    let mut source = connecting(config);
    source.handle_response(now, stream());
    source.handle_bytes(now, b"id: 1\nretry: 7\ndata: a");
    source.handle_end(now);
    assert!(panics(&mut || _ = source.want(now)));
    assert_eq!(source.want(now).0, Want::Wait);
    assert_eq!(source.last_event_id(), "");
}

#[test]
fn changes_are_reported_to_those_who_read_plain_events() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut config = config();
    config.max_attempts = Some(2);
    config.set_on_change({
        let log = Arc::clone(&log);
        move |change| log.lock().unwrap().push(change.to_string())
    });
    let script = [ended("data: a\n\n"), Answer::Refused];
    assert!(
        !World::new(&script, usize::MAX)
            .drive_source(Session::new(get(URL), 0).with_config(config), &|_| {})
            .is_empty()
    );
    let log = log.lock().unwrap();
    assert_eq!(
        *log,
        [
            "stream opened with status 200",
            "the stream ended; reconnecting in 1s, failure 1",
            "source closed: refused (after 2 attempts)",
        ]
    );
}
