//! Whatever the sizes of the buffer and the reads, a receiver returns the same events. Without
//! HTTP, they are those of the reference decoder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_contract::cuts;
use sse_contract::reference::{self, Seen, block};
use sse_proto::http1::Request;
use sse_proto::{End, Limits, ReceiveError, Receiver, Want};

fuzz_target!(|data: &[u8]| {
    let (stream, offsets) = cuts::split(data);
    let pieces = cuts::pieces(stream, &offsets);
    let mut choices = cuts::choices(data);
    let mut choose = || choices.next().unwrap_or(0);
    let capacity = choose();
    let mut small = Limits::default();
    (small.event_bytes, small.name_bytes, small.id_bytes) = (choose() % 32, choose() % 32, choose() % 32);

    let request = Request::get("http://host/").unwrap();
    for limits in [Limits::default(), small] {
        let http1 = || Receiver::http1(&request).with_limits(limits);
        let expected = run(http1(), &[stream]);
        assert_eq!(run(http1().with_capacity(1), &[stream]), expected);
        assert_eq!(run(http1().with_capacity(capacity), &pieces), expected);

        let bare = Receiver::new().with_limits(limits);
        let (seen, error, end) = run(bare.with_capacity(capacity), &pieces);
        let reference = reference::decode(stream, limits, "").without_extras();
        assert_eq!((seen, error), (reference.seen, None));
        assert_eq!(end, if reference.clean { End::Clean } else { End::Truncated });
    }
});

fn run(mut receiver: Receiver, pieces: &[&[u8]]) -> (Vec<Seen>, Option<ReceiveError>, End) {
    let mut pieces = pieces.iter().filter(|piece| !piece.is_empty());
    let mut left: &[u8] = &[];
    let (mut seen, mut error) = (Vec::new(), None);
    loop {
        match receiver.want() {
            Ok(Want::Read) => {
                if left.is_empty() {
                    left = pieces.next().copied().unwrap_or_default();
                }
                let space = receiver.space();
                let count = left.len().min(space.len());
                space[..count].copy_from_slice(&left[..count]);
                left = &left[count..];
                receiver.handle_read(count);
            }
            Ok(Want::Event) => seen.push(Seen::Event(block(receiver.event()))),
            Ok(Want::Closed(end)) => {
                assert_eq!(receiver.want(), Ok(Want::Closed(end)));
                return (seen, error, end);
            }
            Ok(_) => {}
            Err(ReceiveError::Limit(found)) => seen.push(Seen::Exceeded(found.limit(), found.max())),
            Err(found) => assert!(error.replace(found).is_none(), "one error ends it"),
        }
    }
}
