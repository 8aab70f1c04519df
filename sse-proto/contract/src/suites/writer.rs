//! What the event writer of every adapter must do, on a writer in memory.

use sse_proto::http1::{RequestDecoder, Response};
use sse_proto::{Event, Sender};

use crate::adapter::{Adapter, Recorder, Writer};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! writer_suite {
    ($adapter:ty) => {
        $crate::async_tests! {
            writer, $adapter as $crate::adapter::Adapter;
            a_writer_that_is_not_closed_leaves_the_response_visibly_cut
            one_event_is_one_write_and_one_flush
            partial_writes_lose_nothing
        }
    };
}

/// The bytes that were written.
fn written(recorder: &Recorder) -> String {
    recorder.log().into_iter().filter(|write| !["flush", "close"].contains(&&**write)).collect()
}

pub async fn a_writer_that_is_not_closed_leaves_the_response_visibly_cut<A: Adapter>() {
    let request = RequestDecoder::new().decode(&mut &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..]);
    let request = request.unwrap().unwrap();
    for how in ["abort", "drop", "close"] {
        let recorder = Recorder::new(usize::MAX);
        let mut writer = A::writer(recorder.clone(), Sender::http1(&request, Response::new(200)));
        writer.send("x").await.unwrap();
        match how {
            "abort" => writer.abort(),
            "drop" => drop(writer),
            _ => writer.close().await.unwrap(),
        }
        let response = written(&recorder);
        assert!(response.contains("\r\n\r\n9\r\ndata: x\n\n\r\n"), "{how}: {response}");
        assert_eq!(response.ends_with("\r\n0\r\n\r\n"), how == "close", "{how}: {response}");
    }
}

pub async fn one_event_is_one_write_and_one_flush<A: Adapter>() {
    let recorder = Recorder::new(usize::MAX);
    let mut writer = A::writer(recorder.clone(), Sender::new());
    writer.send("one").await.unwrap();
    writer.send(&Event::new("two\nlines")).await.unwrap();
    writer.keep_alive().await.unwrap();
    assert_eq!(
        recorder.log(),
        ["data: one\n\n", "flush", "data: two\ndata: lines\n\n", "flush", ":\n", "flush"]
    );
}

pub async fn partial_writes_lose_nothing<A: Adapter>() {
    let recorder = Recorder::new(3);
    let mut writer = A::writer(recorder.clone(), Sender::new());
    writer.send("one").await.unwrap();
    writer.send("two").await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(written(&recorder), "data: one\n\ndata: two\n\n");
    let full = A::writer(Recorder::new(0), Sender::new()).send("x").await.unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::WriteZero);
}
