use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::scan::work;

#[test]
fn time_is_linear_in_the_data() {
    let data = "xy\n".repeat((1 << 20) / 3);
    let mut out = Vec::new();
    work::take();
    Encoder::new(&mut out).event(EventRef::new(&data));
    let steps = work::take();
    assert!(steps <= 2 * data.len(), "{steps} steps for {} bytes", data.len());
    assert_eq!(out.iter().filter(|byte| **byte == b':').count(), data.lines().count() + 1);
}

#[test]
fn numbers_are_written_in_decimal() {
    for value in [0, 1, 9, 10, 12_345, u64::MAX] {
        let mut digits = [0; DECIMAL_DIGITS];
        assert_eq!(decimal(value, &mut digits), alloc::format!("{value}"));
    }
}

#[test]
fn every_field_has_one_space_and_absent_ones_no_line() {
    let mut out = String::new();
    let mut encoder = Encoder::new(&mut out);
    encoder.event(EventRef::new("").with_name(" n").unwrap().with_id("").unwrap());
    encoder.event(EventRef::default().with_retry(core::time::Duration::from_millis(50)));
    encoder.comment("a\n\nb");
    assert_eq!(out, "event:  n\nid: \ndata: \n\nretry: 50\n\n:a\n:\n:b\n");
}

#[cfg(feature = "bytes")]
#[test]
fn bytes_mut_is_a_buffer() {
    let mut out = bytes::BytesMut::new();
    Encoder::new(&mut out).event("x");
    drop(Encoder::new(&mut out).data_writer("dropped"));
    assert_eq!(&out[..], b"data: x\n\n");
}
