//! However the bytes of a connection are cut, the request decoder gives the same heads, or the same error; and what a URL
//! is parsed to, parses to itself.
#![no_main]

#[path = "../cuts.rs"]
mod cuts;

use libfuzzer_sys::fuzz_target;
use sse_proto::http1::{RequestDecoder, RequestHeadError, Url};

fuzz_target!(|data: &[u8]| {
    let (stream, offsets) = cuts::split(data);
    let expected = run([stream]);
    assert_eq!(run(stream.chunks(1)), expected);
    assert_eq!(run(cuts::pieces(stream, &offsets)), expected);

    if let Ok(url) = String::from_utf8_lossy(stream).parse::<Url>() {
        let again: Url = url.to_string().parse().unwrap();
        assert_eq!(again, url);
        assert!(url.target().starts_with('/') && !url.host().is_empty());
    }
});

type Head = (String, String, Vec<(String, Vec<u8>)>);

fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Head>, Option<RequestHeadError>) {
    let mut decoder = RequestDecoder::new();
    let mut heads = Vec::new();
    for mut input in pieces {
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(head)) => {
                    assert!(head.path().len() <= head.target().len().max(1));
                    let _ = (head.query_param("a"), head.last_event_id(), head.stream_framing());
                    let headers =
                        head.headers().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
                    heads.push((head.method().to_owned(), head.target().to_owned(), headers));
                }
                Ok(None) => break,
                Err(error) => {
                    assert!((400..600).contains(&error.status()));
                    return (heads, Some(error));
                }
            }
        }
    }
    (heads, decoder.handle_eof().err())
}
