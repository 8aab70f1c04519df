//! However the bytes of a connection are cut, the response decoder returns the same response or the
//! same error. For single use, it decodes every response that the strict decoder accepts, with the
//! same result.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_contract::cuts;
use sse_proto::http1::{HeadLimits, ResponseDecoder, ResponseError, ResponsePart};

fuzz_target!(|data: &[u8]| {
    let (stream, offsets) = cuts::split(data);
    let mut choices = cuts::choices(data);
    let small = HeadLimits { bytes: choices.next().unwrap_or(0), headers: choices.next().unwrap_or(0) % 8 };
    for (method, limits) in [("GET", HeadLimits::default()), ("HEAD", HeadLimits::default()), ("GET", small)]
    {
        let strict = ResponseDecoder::new(method).with_limits(limits);
        let single_use = strict.clone().for_single_use();
        for decoder in [&strict, &single_use] {
            let expected = run(decoder, [stream]);
            assert_eq!(run(decoder, stream.chunks(1)), expected);
            assert_eq!(run(decoder, cuts::pieces(stream, &offsets)), expected);
        }
        let (strict, single_use) = (run(&strict, [stream]), run(&single_use, [stream]));
        assert!(!single_use.reusable);
        if strict.error.is_none() {
            assert_eq!(Seen { reusable: false, ..strict }, single_use);
        }
    }
});

type Headers = Vec<(String, Vec<u8>)>;

#[derive(Debug, Default, PartialEq)]
struct Seen {
    heads: Vec<(u16, Headers)>,
    body: Vec<u8>,
    error: Option<ResponseError>,
    complete: bool,
    reusable: bool,
    at_end: Option<ResponseError>,
}

fn run<'a>(decoder: &ResponseDecoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut decoder = decoder.clone();
    let mut seen = Seen::default();
    let mut leftover = Vec::new();
    for mut input in pieces {
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(ResponsePart::Body(bytes))) => {
                    assert!(!bytes.is_empty(), "a part of the body is never empty");
                    seen.body.extend_from_slice(bytes);
                }
                Ok(Some(ResponsePart::Head(head) | ResponsePart::Interim(head))) => {
                    let headers = head.headers().map(|(name, value)| (name.to_owned(), value.to_vec()));
                    seen.heads.push((head.status(), headers.collect()));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut input), Err(error.clone()), "an error stays");
                    seen.error = Some(error);
                    break;
                }
            }
        }
        leftover.extend_from_slice(input);
    }
    seen.complete = decoder.is_complete();
    seen.reusable = decoder.reusable(&leftover);
    seen.at_end = decoder.handle_eof().err();
    seen
}
