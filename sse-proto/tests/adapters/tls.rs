// What the event source of every adapter must do over TLS. Each one includes this file into its own test program, which
// defines `contract!` and `wait!` as for the contract of the adapters.
//
// The server is rustls over plain `std::net` sockets on threads, with certificates made here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::{CertificateError, ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sse_proto::http::Request;
use sse_proto::source::{Backoff, Cause, CloseReason, SourceConfig, EndMarker, Reconnect, Signal, SourceError, Timeout};

const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

type Tls = StreamOwned<ServerConnection, TcpStream>;
type Script = Box<dyn FnOnce(&mut Tls) + Send>;

/// A server with a certificate that vouches for itself.
struct Server {
    port: u16,
    /// Trusts its certificate.
    client: ClientConfig,
    /// The requests that it gets.
    requests: mpsc::Receiver<String>,
}

impl Server {
    /// One that does these scripts, each on a connection of its own, after it has read a request.
    fn new(host: &str, scripts: impl IntoIterator<Item = Script>) -> Self {
        Self::with_params(CertificateParams::new([host.to_owned()]).unwrap(), scripts)
    }

    fn with_params(params: CertificateParams, scripts: impl IntoIterator<Item = Script>) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate.clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let config = Arc::new(config);

        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let client = client.with_safe_default_protocol_versions().unwrap();
        let mut client = client.with_root_certificates(roots).with_no_client_auth();
        // As one has it that is made for another HTTP client.
        client.alpn_protocols = vec![b"h2".to_vec()];

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, requests) = mpsc::channel();
        let scripts: Vec<Script> = scripts.into_iter().collect();
        thread::spawn(move || {
            for script in scripts {
                let (socket, _) = listener.accept().unwrap();
                let (seen, config) = (seen.clone(), config.clone());
                thread::spawn(move || {
                    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
                    // Who does not like the certificate sends none.
                    let Some(request) = read_request(&mut tls) else { return };
                    assert_eq!(tls.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
                    let _ = seen.send(request);
                    script(&mut tls);
                });
            }
        });
        Self { port, client, requests }
    }

    fn request(&self, host: &str) -> Request {
        Request::get(&format!("https://{host}:{}/sse", self.port)).unwrap()
    }

    /// A source of its events that trusts it.
    fn source(&self, config: SourceConfig) -> EventSource {
        EventSource::new(self.request("localhost")).with_tls(&self.client).with_config(config)
    }
}

fn read_request(tls: &mut Tls) -> Option<String> {
    let mut reader = BufReader::new(tls);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|&count| count > 0)?;
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(head + std::str::from_utf8(&body).unwrap())
}

fn events(body: &str) -> Script {
    let response = format!("{EVENT_STREAM}{body}");
    Box::new(move |tls| tls.write_all(response.as_bytes()).unwrap())
}

/// Opens a stream, and sends nothing more.
fn silent() -> Script {
    Box::new(|tls| {
        tls.write_all(EVENT_STREAM.as_bytes()).unwrap();
        sees_close(&mut tls.sock);
    })
}

/// Whether the peer closes within 5 seconds.
fn sees_close(socket: &mut TcpStream) -> bool {
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    loop {
        match socket.read(&mut [0; 1024]) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// Accepts connections, and says nothing; gives its URL, and whether each was closed.
fn serve_nothing() -> (String, mpsc::Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let (closed, is_closed) = mpsc::channel();
    thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = closed.send(sees_close(&mut socket));
        }
    });
    (url, is_closed)
}

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
fn tls_error(cause: &Cause) -> Option<&rustls::Error> {
    let Cause::Transport(error) = cause else { return None };
    error.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref()
}

/// Why the only attempt failed, as a certificate's fault.
fn refusal(signal: Option<Signal>) -> CertificateError {
    match signal {
        Some(Signal::Closed(CloseReason::Lost { cause, .. })) => match tls_error(&cause) {
            Some(rustls::Error::InvalidCertificate(error)) => error.clone(),
            _ => panic!("{cause:?}"),
        },
        other => panic!("{other:?}"),
    }
}

contract! {
    fn events_come_over_tls_and_again_after_a_loss() {
        let server = Server::new("localhost", [
            events("id: 1\ndata: one\n\ndata: lo"),
            events("event: bye\ndata: two\n\n"),
        ]);
        let mut source = server.source(config());
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "one");
        // A cut that TLS notices: nobody said that the stream ends here.
        match wait!(source.next_signal()) {
            Some(Signal::Reconnecting { cause: Cause::Transport(error), .. }) => {
                let error: &std::io::Error = error.downcast_ref().unwrap();
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "two");
        assert!(wait!(source.next()).is_none());
        assert!(server.requests.recv().unwrap().starts_with("GET /sse HTTP/1.1\r\nHost: localhost:"));
        assert!(server.requests.recv().unwrap().contains("last-event-id: 1\r\n"));
    }

    fn an_address_is_a_name_too() {
        let server = Server::new("127.0.0.1", [events("event: bye\ndata: here\n\n")]);
        let mut source = EventSource::new(server.request("127.0.0.1")).with_tls(&server.client);
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "here");
    }

    fn an_end_that_is_announced_is_clean() {
        let farewell: Script = Box::new(|tls| {
            tls.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
            tls.conn.send_close_notify();
            tls.flush().unwrap();
        });
        let server = Server::new("localhost", [farewell]);
        let mut config = once();
        (config.end, config.reconnect) = (EndMarker::None, Reconnect::Never);
        let mut source = server.source(config);
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "one");
        assert!(matches!(wait!(source.next_signal()), Some(Signal::Closed(CloseReason::Ended))));
    }

    fn a_large_request_is_written_whole() {
        let server = Server::new("localhost", [events("event: bye\ndata: read\n\n")]);
        let body = "question ".repeat(300_000);
        let url = format!("https://localhost:{}/", server.port);
        let request = Request::new("POST", &url).unwrap().with_body(body.clone());
        let mut source = EventSource::new(request).with_tls(&server.client).with_config(once());
        assert_eq!(wait!(source.next()).unwrap().unwrap().data(), "read");
        assert!(server.requests.recv().unwrap().ends_with(&body));
    }

    fn another_name_is_not_trusted() {
        let server = Server::new("example.com", [silent()]);
        let mut source = server.source(once());
        match refusal(wait!(source.next_signal())) {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn who_is_unknown_is_not_trusted() {
        let known = Server::new("localhost", []);
        let unknown = Server::new("localhost", [silent()]);
        let source = EventSource::new(unknown.request("localhost"));
        let mut source = source.with_tls(&known.client).with_config(once());
        match refusal(wait!(source.next_signal())) {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {}
            other => panic!("{other:?}"),
        }
        assert!(wait!(source.next_signal()).is_none());
    }

    fn a_certificate_of_the_past_is_not_trusted_until_it_is_renewed() {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        let server = Server::with_params(params, [silent(), silent()]);
        let mut config = config();
        config.max_attempts = Some(2);
        let mut source = server.source(config);
        match wait!(source.next_signal()) {
            Some(Signal::Reconnecting { cause, attempt: 1, .. }) => {
                assert!(matches!(tls_error(&cause), Some(rustls::Error::InvalidCertificate(_))), "{cause:?}");
            }
            other => panic!("{other:?}"),
        }
        match refusal(wait!(source.next_signal())) {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn without_a_configuration_the_platform_is_asked() {
        let server = Server::new("localhost", [silent()]);
        let mut source = EventSource::new(server.request("localhost")).with_config(once());
        match wait!(source.next()) {
            Some(Err(SourceError::Closed(CloseReason::Lost { cause, .. }))) => {
                assert!(matches!(tls_error(&cause), Some(rustls::Error::InvalidCertificate(_))), "{cause:?}");
            }
            // A machine without any root certificate.
            Some(Err(SourceError::Closed(CloseReason::Unsupported(error)))) => assert!(error.is::<rustls::Error>()),
            other => panic!("{other:?}"),
        }
        assert!(server.requests.try_recv().is_err());
    }

    fn who_does_not_speak_tls_is_a_failure_of_the_transport() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            sees_close(&mut socket);
        });
        let server = Server::new("localhost", []);
        let source = EventSource::get(&url).unwrap();
        match wait!(source.with_tls(&server.client).with_config(once()).next_signal()) {
            Some(Signal::Closed(CloseReason::Lost { cause, .. })) => assert!(tls_error(&cause).is_some(), "{cause:?}"),
            other => panic!("{other:?}"),
        }
    }

    fn a_handshake_without_an_answer_times_out() {
        let (url, is_closed) = serve_nothing();
        let mut config = once();
        config.timeouts.connect = Some(Duration::from_millis(50));
        let server = Server::new("localhost", []);
        let mut source = EventSource::get(&url).unwrap().with_tls(&server.client).with_config(config);
        match wait!(source.next()) {
            Some(Err(SourceError::Closed(CloseReason::Lost { cause: Cause::Timeout(Timeout::Connect), .. }))) => {}
            other => panic!("{other:?}"),
        }
        assert!(is_closed.recv().unwrap());
    }

    fn silence_times_out() {
        let server = Server::new("localhost", [silent()]);
        let mut config = once();
        config.timeouts.silence = Some(Duration::from_millis(50));
        match wait!(server.source(config).next()) {
            Some(Err(SourceError::Closed(CloseReason::Lost { cause: Cause::Timeout(Timeout::Silence), .. }))) => {}
            other => panic!("{other:?}"),
        }
    }

    fn closing_from_elsewhere_ends_a_read_and_frees_the_socket() {
        let (closed, is_closed) = mpsc::channel();
        let waiting: Script = Box::new(move |tls| {
            tls.write_all(format!("{EVENT_STREAM}data: one\n\n").as_bytes()).unwrap();
            closed.send(sees_close(&mut tls.sock)).unwrap();
        });
        let server = Server::new("localhost", [waiting]);
        let mut source = server.source(config());
        assert!(wait!(source.next()).is_some());
        let closer = close_soon(&source);
        assert!(wait!(source.next()).is_none());
        let took = closer.join().unwrap().elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert!(is_closed.recv().unwrap());
    }

    fn closing_from_elsewhere_ends_a_handshake() {
        let (url, is_closed) = serve_nothing();
        let server = Server::new("localhost", []);
        let mut source = EventSource::get(&url).unwrap().with_tls(&server.client).with_config(config());
        let closer = close_soon(&source);
        assert!(wait!(source.next()).is_none());
        let took = closer.join().unwrap().elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert!(is_closed.recv().unwrap());
    }
}

/// Closes it when it has been blocked for a while; gives when.
fn close_soon(source: &EventSource) -> thread::JoinHandle<Instant> {
    let handle = source.close_handle();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        handle.close();
        Instant::now()
    })
}
