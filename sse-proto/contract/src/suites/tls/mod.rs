//! What the event source of every adapter must do over TLS.

mod server;

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::CertificateParams;
use rustls::{CertificateError, ClientConfig};
use sse_proto::http::Request;
use sse_proto::source::{
    Backoff, Cause, CloseReason, EndMarker, Reconnect, Signal, SourceConfig, SourceError, Timeout,
};

use self::server::{Script, Server, events, serve_nothing, silent};
use crate::adapter::{Adapter, BoxError, CloseHandle, Source};
use crate::faults::{EVENT_STREAM, sees_close};

/// Makes test functions of the suite, of an adapter and the function `EventSource::with_tls`.
#[macro_export]
macro_rules! tls_suite {
    ($adapter:ty, $with_tls:path) => {
        $crate::tls_suite! {
            $adapter, $with_tls;
            events_come_over_tls_and_again_after_a_loss
            an_address_is_a_name_too
            an_end_that_is_announced_is_clean
            a_large_request_is_written_whole
            another_name_is_not_trusted
            who_is_unknown_is_not_trusted
            a_certificate_of_the_past_is_not_trusted
            without_a_configuration_the_platform_is_asked
            who_does_not_speak_tls_is_a_failure_of_the_transport
            a_handshake_without_an_answer_times_out
            silence_times_out
            closing_from_elsewhere_ends_a_read_and_frees_the_socket
            closing_from_elsewhere_ends_a_handshake
        }
    };
    ($adapter:ty, $with_tls:path; $($test:ident)*) => {
        mod tls {
            use super::*;

            $(
                #[test]
                fn $test() {
                    let test = $crate::suites::tls::$test::<$adapter>($with_tls);
                    <$adapter as $crate::adapter::Adapter>::block_on(test);
                }
            )*
        }
    };
}

/// Gives a source a configuration of TLS. It is no part of [`Adapter`], as it needs a feature of the adapter.
pub type WithTls<A> = fn(<A as Adapter>::Source, &ClientConfig) -> <A as Adapter>::Source;

/// Waits as little as may be, and ends with an event called `bye`.
fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.backoff.base = Backoff::FLOOR;
    config.backoff.factor = 1;
    config.end = EndMarker::Name("bye".into());
    config
}

/// One attempt.
fn once() -> SourceConfig {
    let mut config = config();
    config.max_attempts = Some(1);
    config
}

/// What rustls says about the failure.
fn tls_error(error: &BoxError) -> Option<&rustls::Error> {
    error.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref()
}

/// Why the first attempt failed, as a certificate's fault.
fn refusal(signal: Option<Signal>) -> CertificateError {
    match signal {
        Some(Signal::Closed(CloseReason::Untrusted(error))) => match tls_error(&error) {
            Some(rustls::Error::InvalidCertificate(error)) => error.clone(),
            _ => panic!("{error:?}"),
        },
        other => panic!("{other:?}"),
    }
}

pub async fn events_come_over_tls_and_again_after_a_loss<A: Adapter>(with_tls: WithTls<A>) {
    let server = Server::new(
        "localhost",
        [events("id: 1\ndata: one\n\ndata: lo"), events("event: bye\ndata: two\n\n")],
    );
    let mut source = server.source::<A>(with_tls, config());
    assert_eq!(source.next().await.unwrap().unwrap().data(), "one");
    // A cut that TLS notices: nobody said that the stream ends here.
    match source.next_signal().await {
        Some(Signal::Reconnecting { cause: Cause::Transport(error), .. }) => {
            let error: &std::io::Error = error.downcast_ref().unwrap();
            assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(source.next().await.unwrap().unwrap().data(), "two");
    assert!(source.next().await.is_none());
    assert!(server.requests.recv().unwrap().starts_with("GET /sse HTTP/1.1\r\nHost: localhost:"));
    assert!(server.requests.recv().unwrap().contains("last-event-id: 1\r\n"));
}

pub async fn an_address_is_a_name_too<A: Adapter>(with_tls: WithTls<A>) {
    let server = Server::new("127.0.0.1", [events("event: bye\ndata: here\n\n")]);
    let mut source = with_tls(A::source(server.request("127.0.0.1")), &server.client);
    assert_eq!(source.next().await.unwrap().unwrap().data(), "here");
}

pub async fn an_end_that_is_announced_is_clean<A: Adapter>(with_tls: WithTls<A>) {
    let farewell: Script = Box::new(|tls| {
        tls.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
        tls.conn.send_close_notify();
        tls.flush().unwrap();
    });
    let server = Server::new("localhost", [farewell]);
    let mut config = once();
    (config.end, config.reconnect) = (EndMarker::None, Reconnect::Never);
    let mut source = server.source::<A>(with_tls, config);
    assert_eq!(source.next().await.unwrap().unwrap().data(), "one");
    assert!(matches!(source.next_signal().await, Some(Signal::Closed(CloseReason::Ended))));
}

pub async fn a_large_request_is_written_whole<A: Adapter>(with_tls: WithTls<A>) {
    let server = Server::new("localhost", [events("event: bye\ndata: read\n\n")]);
    let body = "question ".repeat(300_000);
    let url = format!("https://localhost:{}/", server.port);
    let request = Request::new("POST", &url).unwrap().with_body(body.clone());
    let mut source = with_tls(A::source(request), &server.client).with_config(once());
    assert_eq!(source.next().await.unwrap().unwrap().data(), "read");
    assert!(server.requests.recv().unwrap().ends_with(&body));
}

pub async fn another_name_is_not_trusted<A: Adapter>(with_tls: WithTls<A>) {
    let server = Server::new("example.com", [silent()]);
    let mut source = server.source::<A>(with_tls, once());
    match refusal(source.next_signal().await) {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {}
        other => panic!("{other:?}"),
    }
}

pub async fn who_is_unknown_is_not_trusted<A: Adapter>(with_tls: WithTls<A>) {
    let known = Server::new("localhost", []);
    let unknown = Server::new("localhost", [silent()]);
    let source = A::source(unknown.request("localhost"));
    let mut source = with_tls(source, &known.client).with_config(once());
    match refusal(source.next_signal().await) {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {}
        other => panic!("{other:?}"),
    }
    assert!(source.next_signal().await.is_none());
}

pub async fn a_certificate_of_the_past_is_not_trusted<A: Adapter>(with_tls: WithTls<A>) {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let server = Server::with_params(params, [silent()]);
    let mut source = server.source::<A>(with_tls, config());
    match refusal(source.next_signal().await) {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {}
        other => panic!("{other:?}"),
    }
}

pub async fn without_a_configuration_the_platform_is_asked<A: Adapter>(_: WithTls<A>) {
    let server = Server::new("localhost", [silent()]);
    let mut source = A::source(server.request("localhost")).with_config(once());
    match source.next().await {
        Some(Err(SourceError::Closed(CloseReason::Untrusted(error)))) => {
            assert!(matches!(tls_error(&error), Some(rustls::Error::InvalidCertificate(_))), "{error:?}");
        }
        // A machine without any root certificate.
        Some(Err(SourceError::Closed(CloseReason::Unsupported(error)))) => {
            assert!(error.is::<rustls::Error>())
        }
        other => panic!("{other:?}"),
    }
    assert!(server.requests.try_recv().is_err());
}

pub async fn who_does_not_speak_tls_is_a_failure_of_the_transport<A: Adapter>(with_tls: WithTls<A>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        sees_close(&mut socket);
    });
    let server = Server::new("localhost", []);
    let source = A::source(Request::get(&url).unwrap());
    match with_tls(source, &server.client).with_config(once()).next_signal().await {
        Some(Signal::Closed(CloseReason::Lost { cause, .. })) => {
            let Cause::Transport(error) = cause else { panic!("{cause:?}") };
            assert!(tls_error(&error).is_some(), "{error:?}")
        }
        other => panic!("{other:?}"),
    }
}

pub async fn a_handshake_without_an_answer_times_out<A: Adapter>(with_tls: WithTls<A>) {
    let (url, is_closed) = serve_nothing();
    let mut config = once();
    config.timeouts.connect = Some(Duration::from_millis(50));
    let server = Server::new("localhost", []);
    let mut source = with_tls(A::source(Request::get(&url).unwrap()), &server.client).with_config(config);
    match source.next().await {
        Some(Err(SourceError::Closed(CloseReason::Lost {
            cause: Cause::Timeout(Timeout::Connect), ..
        }))) => {}
        other => panic!("{other:?}"),
    }
    assert!(is_closed.recv().unwrap());
}

pub async fn silence_times_out<A: Adapter>(with_tls: WithTls<A>) {
    let server = Server::new("localhost", [silent()]);
    let mut config = once();
    config.timeouts.silence = Some(Duration::from_millis(50));
    match server.source::<A>(with_tls, config).next().await {
        Some(Err(SourceError::Closed(CloseReason::Lost {
            cause: Cause::Timeout(Timeout::Silence), ..
        }))) => {}
        other => panic!("{other:?}"),
    }
}

pub async fn closing_from_elsewhere_ends_a_read_and_frees_the_socket<A: Adapter>(with_tls: WithTls<A>) {
    let (closed, is_closed) = mpsc::channel();
    let waiting: Script = Box::new(move |tls| {
        tls.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
        closed.send(sees_close(&mut tls.sock)).unwrap();
    });
    let server = Server::new("localhost", [waiting]);
    let mut source = server.source::<A>(with_tls, config());
    assert!(source.next().await.is_some());
    let closer = close_soon(&source);
    assert!(source.next().await.is_none());
    let took = closer.join().unwrap().elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(is_closed.recv().unwrap());
}

pub async fn closing_from_elsewhere_ends_a_handshake<A: Adapter>(with_tls: WithTls<A>) {
    let (url, is_closed) = serve_nothing();
    let server = Server::new("localhost", []);
    let mut source = with_tls(A::source(Request::get(&url).unwrap()), &server.client).with_config(config());
    let closer = close_soon(&source);
    assert!(source.next().await.is_none());
    let took = closer.join().unwrap().elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(is_closed.recv().unwrap());
}

/// Closes it when it has been blocked for a while; gives when.
fn close_soon(source: &impl Source) -> thread::JoinHandle<Instant> {
    let handle = source.close_handle();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        handle.close();
        Instant::now()
    })
}
