//! However the bytes of a connection are cut, the request decoder returns the same heads or the
//! same error. A parsed URL, printed and parsed again, is equal to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_contract::cuts;
use sse_proto::http1::{HeadLimits, RequestDecoder, RequestHead, RequestHeadError, Url};

fuzz_target!(|data: &[u8]| {
    let (stream, offsets) = cuts::split(data);
    let mut choices = cuts::choices(data);
    let small = HeadLimits { bytes: choices.next().unwrap_or(0), headers: choices.next().unwrap_or(0) % 8 };
    for limits in [HeadLimits::default(), small] {
        let expected = run(limits, [stream]);
        assert_eq!(run(limits, stream.chunks(1)), expected);
        assert_eq!(run(limits, cuts::pieces(stream, &offsets)), expected);
    }

    if let Ok(url) = String::from_utf8_lossy(stream).parse::<Url>() {
        let again: Url = url.to_string().parse().unwrap();
        assert_eq!(again, url);
        assert!(url.target().starts_with('/') && !url.host().is_empty());
    }
});

fn run<'a>(
    limits: HeadLimits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<RequestHead>, Option<RequestHeadError>) {
    let mut decoder = RequestDecoder::new().with_limits(limits);
    let mut heads = Vec::new();
    for mut input in pieces {
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(head)) => {
                    assert!(head.path().len() <= head.target().len().max(1));
                    let _ = (head.query_param("a"), head.last_event_id(), head.stream_framing());
                    heads.push(head);
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut input), Err(error.clone()), "an error stays");
                    assert_eq!(decoder.handle_eof(), Err(error.clone()), "an error stays");
                    assert!((400..600).contains(&error.status()));
                    return (heads, Some(error));
                }
            }
        }
        assert!(input.is_empty(), "None means that all is consumed");
    }
    (heads, decoder.handle_eof().err())
}
