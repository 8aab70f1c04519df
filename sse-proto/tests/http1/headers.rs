use sse_proto::http::Request;

fn sent(request: &Request) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    request.headers_to_send().map(|(name, value)| (name.to_owned(), text(&value))).collect()
}

#[test]
fn defaults_give_way_and_accept_is_completed_once() {
    let request = Request::get("http://a/").unwrap();
    assert_eq!(
        sent(&request),
        [("Accept".into(), "text/event-stream".into()), ("Cache-Control".into(), "no-cache".into())]
    );
    let request = request.with_header("accept", "a/b").unwrap().with_header("accept", "c/d").unwrap();
    let request = request.with_header("Cache-Control", "no-store").unwrap();
    assert_eq!(
        sent(&request),
        [
            ("accept".into(), "a/b, text/event-stream".into()),
            ("accept".into(), "c/d".into()),
            ("Cache-Control".into(), "no-store".into())
        ]
    );
}

#[test]
fn set_header_replaces_all_or_nothing() {
    let mut request = Request::get("http://a/").unwrap().with_header("X-Token", "1").unwrap();
    assert!(request.set_header("x-token", "a\r\nb: c").is_err());
    assert_eq!(request.header("x-token"), Some(&b"1"[..]));
    request.set_header("x-token", "2").unwrap();
    assert_eq!(request.headers().collect::<Vec<_>>(), [("x-token", &b"2"[..])]);
    request.remove_header("X-TOKEN");
    assert_eq!(request.headers().count(), 0);
}
