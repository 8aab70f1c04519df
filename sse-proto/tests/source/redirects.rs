//! Where redirects lead, and what goes along.

use sse_proto::http::Request;
use sse_proto::source::Reconnect;

use super::world::*;

const URL: &str = "http://a.test/x/y?q";

#[test]
fn five_statuses_are_followed_and_only_permanent_ones_remembered() {
    for (status, later) in
        [(301, "http://a.test/x/z#part"), (302, URL), (303, URL), (307, URL), (308, "http://a.test/x/z#part")]
    {
        check(
            &get(URL),
            &config(),
            &[redirect(status, "z#part"), ended("id: 1\ndata: a\n\n"), open("")],
            &[
                &format!("0 GET {URL}"),
                "0 GET http://a.test/x/z#part",
                "open 200",
                r#"message: "a" #1"#,
                "failure 1, again in 1000: the stream ended",
                &format!("1000 GET {later} last-event-id=1"),
                "open 200",
            ],
        );
    }
}

#[test]
fn the_fragment_goes_on_along_redirects_that_bring_none() {
    check(
        &get("http://a.test/x#here"),
        &config(),
        &[redirect(302, "/y"), redirect(302, "z#"), redirect(307, "http://b.test#there"), open("")],
        &[
            "0 GET http://a.test/x#here",
            "0 GET http://a.test/y#here",
            "0 GET http://a.test/z#",
            "0 GET http://b.test/#there",
            "open 200",
        ],
    );
}

#[test]
fn what_comes_after_a_temporary_redirect_is_temporary() {
    check(
        &get("http://a.test/0"),
        &config(),
        &[
            redirect(301, "/1"),
            redirect(308, "/2"),
            redirect(302, "/3"),
            redirect(301, "/4"),
            Answer::Refused,
            open(""),
        ],
        &[
            "0 GET http://a.test/0",
            "0 GET http://a.test/1",
            "0 GET http://a.test/2",
            "0 GET http://a.test/3",
            "0 GET http://a.test/4",
            "failure 1, again in 1000: refused",
            "1000 GET http://a.test/2",
            "open 200",
        ],
    );
}

#[test]
fn no_more_than_so_many_are_followed() {
    let mut expected = vec!["0 GET http://a.test/".to_owned(); 21];
    expected.push("failed: not an event stream: more than 20 redirects".into());
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&get("http://a.test/"), &config(), &vec![redirect(302, "/"); 30], &expected);

    let mut config = config();
    config.max_redirects = 0;
    check(
        &get("http://a.test/"),
        &config,
        &[redirect(302, "/")],
        &["0 GET http://a.test/", "failed: not an event stream: the server answered with status 302"],
    );
}

#[test]
fn each_attempt_may_be_redirected_as_often() {
    let mut script = Vec::new();
    for _ in 0..3 {
        script.extend(vec![redirect(307, "/"); 20]);
        script.push(ended(""));
    }
    let source = sse_proto::source::Session::new(get("http://a.test/"), 0).with_config(config());
    let log = World::new(&script, usize::MAX).drive_source(source, &|_| {});
    assert_eq!(log.iter().filter(|line| *line == "open 200").count(), 3, "{log:?}");
}

#[test]
fn redirects_to_nowhere_are_refused() {
    for (status, location, what) in [
        (301, "", "the server answered with status 301"),
        (307, " \t", "the server answered with status 307"),
        (300, "/z", "the server answered with status 300"),
        (304, "/z", "the server answered with status 304"),
        (302, "ftp://a.test/", "redirect to an invalid url: url does not begin with http:// or https://"),
        (302, "http://[::1", "redirect to an invalid url: invalid ipv6 address in brackets in url"),
        (
            302,
            "//user:secret@b.test/",
            "redirect to an invalid url: user information before the @ at byte 18 in url",
        ),
    ] {
        check(
            &get("http://a.test/"),
            &config(),
            &[redirect(status, location)],
            &["0 GET http://a.test/", &format!("failed: not an event stream: {what}")],
        );
    }
    check(
        &get("https://a.test/"),
        &config(),
        &[redirect(308, "http://a.test/")],
        &["0 GET https://a.test/", "failed: not an event stream: redirect from https to http"],
    );
}

#[test]
fn secrets_stay_with_the_origin_they_were_meant_for() {
    let mut request = get("https://a.test/");
    for (name, value) in [
        ("Authorization", "Bearer secret"),
        ("Cookie", "id=1"),
        ("X-Api-Key", "secret"),
        ("Host", "a.example"),
        ("User-Agent", "test"),
        ("Accept", "a/b"),
        ("Last-Event-ID", "3"),
    ] {
        request = request.with_header(name, value).unwrap();
    }
    let all = "Authorization=Bearer secret Cookie=id=1 X-Api-Key=secret";
    // The same origin is shown all but the header that named the former host.
    check(
        &request,
        &config(),
        &[redirect(307, "/b"), redirect(307, "https://a.test:443/c")],
        &[
            &format!("0 GET https://a.test/ {all} Host=a.example User-Agent=test Accept=a/b last-event-id=3"),
            &format!("0 GET https://a.test/b {all} User-Agent=test Accept=a/b last-event-id=3"),
        ],
    );
    for (location, url) in [
        ("https://b.test/", "https://b.test/"),
        ("https://a.test:444/", "https://a.test:444/"),
        ("//a.test.b.test", "https://a.test.b.test/"),
    ] {
        // Nor does it get them back on the way home.
        check(
            &request,
            &config(),
            &[redirect(307, location), redirect(307, "https://a.test/c"), Answer::Refused],
            &[
                &format!(
                    "0 GET https://a.test/ {all} Host=a.example User-Agent=test Accept=a/b last-event-id=3"
                ),
                &format!("0 GET {url} User-Agent=test Accept=a/b last-event-id=3"),
                "0 GET https://a.test/c User-Agent=test Accept=a/b last-event-id=3",
                "failure 1, again in 1000: refused",
            ],
        );
    }
}

#[test]
fn a_fresh_token_does_not_follow_a_permanent_redirect_to_another_origin() {
    let hook = |request: &mut Request| request.set_header("Authorization", "Bearer fresh").unwrap();
    check_with(
        &get("http://a.test/").with_header("X-Key", "1").unwrap(),
        &config(),
        &[redirect(301, "http://b.test/"), ended("id: 9\ndata: a\n\n"), open("")],
        &[
            "0 GET http://a.test/ X-Key=1 Authorization=Bearer fresh",
            "0 GET http://b.test/",
            "open 200",
            r#"message: "a" #9"#,
            "failure 1, again in 1000: the stream ended",
            "1000 GET http://b.test/ last-event-id=9",
            "open 200",
        ],
        hook,
    );
}

#[test]
fn methods_change_as_browsers_change_them() {
    for (method, status, after) in [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("REPORT", 301, "REPORT"),
        ("REPORT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("GET", 303, "GET"),
    ] {
        let request = Request::new(method, "http://a.test/").unwrap().with_body("q");
        let request = request.with_header("Content-Type", "text/plain").unwrap();
        let kept = if method == after { " Content-Type=text/plain" } else { "" };
        check(
            &request,
            &config(),
            &[redirect(status, "/b"), Answer::NoConnection],
            &[
                &format!("0 {method} http://a.test/ Content-Type=text/plain"),
                &format!("0 {after} http://a.test/b{kept}"),
                &if method == "GET" {
                    "failure 1, again in 1000: timed out while connecting".to_owned()
                } else {
                    "failed: timed out while connecting".to_owned()
                },
            ],
        );
    }
}

#[test]
fn a_post_that_a_redirect_made_a_get_is_a_post_again() {
    let mut config = config();
    config.reconnect = Reconnect::Always;
    let request = Request::new("POST", "http://a.test/").unwrap().with_body("q");
    check(
        &request,
        &config,
        &[redirect(301, "/b"), ended(""), open("")],
        &[
            "0 POST http://a.test/",
            "0 GET http://a.test/b",
            "open 200",
            "failure 1, again in 1000: the stream ended",
            "1000 POST http://a.test/",
            "open 200",
        ],
    );
}

#[test]
fn a_token_stays_at_home_whatever_a_hook_makes_of_the_url() {
    // What the hook makes of the URL, where the second attempt goes, and whether the token goes along.
    let with_query = |request: &Request| format!("{}?v=1", request.url());
    type Change<'a> = &'a dyn Fn(&Request) -> String;
    let cases: [(Change, &str, bool); 6] = [
        (&with_query, "http://b.test/x?v=1", false),
        (&|request| format!("{}#part", request.url()), "http://b.test/x#part", false),
        (&|_| "http://B.test:80/y".into(), "http://b.test/y", false),
        (&|_| "http://b.test:81/".into(), "http://b.test:81/", true),
        (&|_| "https://b.test/".into(), "https://b.test/", true),
        (&|_| "http://a.test/again".into(), "http://a.test/again", true),
    ];
    for (change, url, goes_along) in cases {
        let first = std::cell::Cell::new(true);
        let source =
            sse_proto::source::Session::new(get("http://a.test/").with_header("X-Key", "1").unwrap(), 0)
                .with_config(config());
        let script = [redirect(308, "http://b.test/x"), ended(""), open("")];
        let log = World::new(&script, usize::MAX).drive_source(source, &|request| {
            request.set_header("Authorization", "Bearer fresh").unwrap();
            if !first.replace(false) {
                request.set_url(change(request).parse().unwrap());
            }
        });
        let token = if goes_along { " Authorization=Bearer fresh" } else { "" };
        assert_eq!(
            log,
            [
                "0 GET http://a.test/ X-Key=1 Authorization=Bearer fresh",
                "0 GET http://b.test/x",
                "open 200",
                "failure 1, again in 1000: the stream ended",
                &format!("1000 GET {url}{token}"),
                "open 200",
            ]
        );
    }
    // The way home through another origin ends where the user meant to be.
    check(
        &get("http://a.test/").with_header("X-Key", "1").unwrap(),
        &config(),
        &[redirect(301, "http://b.test/"), redirect(301, "http://a.test/b"), ended(""), open("")],
        &[
            "0 GET http://a.test/ X-Key=1",
            "0 GET http://b.test/",
            "0 GET http://a.test/b",
            "open 200",
            "failure 1, again in 1000: the stream ended",
            "1000 GET http://a.test/b X-Key=1",
            "open 200",
        ],
    );
}

#[test]
fn each_redirect_can_be_vetoed_before_it_is_followed() {
    let (asked_in, asked) = std::sync::mpsc::channel();
    let mut config = config();
    config.set_check_redirect(move |from, to| {
        asked_in.send(format!("{from} {to}")).unwrap();
        if to.has_origin_of(from) { Ok(()) } else { Err(format!("{} is another host", to.host()).into()) }
    });
    check(
        &get("http://a.test/"),
        &config,
        &[redirect(301, "/b"), redirect(307, "c"), redirect(302, "http://b.test/")],
        &[
            "0 GET http://a.test/",
            "0 GET http://a.test/b",
            "0 GET http://a.test/c",
            "failed: not an event stream: redirect rejected: b.test is another host",
        ],
    );
    let asked: Vec<_> = asked.try_iter().collect();
    let once = [
        "http://a.test/ http://a.test/b",
        "http://a.test/b http://a.test/c",
        "http://a.test/c http://b.test/",
    ];
    assert_eq!(asked.chunks(3).collect::<Vec<_>>(), [once; 4]);
    // What is not followed anyway is not asked about.
    config.max_redirects = 1;
    check(
        &get("http://a.test/"),
        &config,
        &[redirect(301, "/b"), redirect(307, "http://b.test/")],
        &[
            "0 GET http://a.test/",
            "0 GET http://a.test/b",
            "failed: not an event stream: more than 1 redirects",
        ],
    );
}

#[test]
fn a_body_goes_along_where_the_method_stays() {
    use sse_proto::source::{CloseReason, RedirectError, Refusal, Want};
    let now = sse_proto::Instant::default();
    let connecting = |config| {
        let request = Request::new("POST", "http://a.test/").unwrap().with_body("prompt");
        let mut source = sse_proto::source::Session::new(request, 0).with_config(config);
        assert_eq!(source.want(now).0, Want::Prepare);
        source.handle_prepared(now);
        assert_eq!(source.want(now).0, Want::Request);
        source
    };
    for (status, method, body) in
        [(302, "GET", ""), (303, "GET", ""), (307, "POST", "prompt"), (308, "POST", "prompt")]
    {
        let head = sse_proto::http::ResponseHead::new(status).with_header("Location", b"http://b.test/");
        let mut source = connecting(config());
        source.handle_response(now, head.clone());
        assert_eq!(source.want(now).0, Want::Request);
        assert_eq!(
            (source.request().method(), source.request().body()),
            (method, body.as_bytes()),
            "{status}"
        );

        let mut config = config();
        config.set_check_redirect(|_, _| Err("not with this body".into()));
        let mut source = connecting(config);
        source.handle_response(now, head);
        assert_eq!(source.want(now).0, Want::Closed);
        assert_eq!(source.request().url().host(), "a.test");
        let Some(CloseReason::Refused(refused)) = source.take_closed() else { panic!("{status}") };
        let reason = "not with this body".into();
        assert_eq!(refused.refusal, Refusal::Redirect(RedirectError::Vetoed(reason)));
    }
}
