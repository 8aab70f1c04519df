//! A TLS server: rustls over plain `std::net` sockets on threads, with certificates made here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sse_proto::http::Request;
use sse_proto::source::SourceConfig;

use super::WithTls;
use crate::adapter::{Adapter, Source};
use crate::faults::{EVENT_STREAM, sees_close};

type Tls = StreamOwned<ServerConnection, TcpStream>;

pub(super) type Script = Box<dyn FnOnce(&mut Tls) + Send>;

/// A server with a certificate that vouches for itself.
pub(super) struct Server {
    pub(super) port: u16,
    /// Trusts its certificate.
    pub(super) client: ClientConfig,
    /// The requests that it gets.
    pub(super) requests: mpsc::Receiver<String>,
}

impl Server {
    /// One that does these scripts, each on a connection of its own, after it has read a request.
    pub(super) fn new(host: &str, scripts: impl IntoIterator<Item = Script>) -> Self {
        Self::with_params(CertificateParams::new([host.to_owned()]).unwrap(), scripts)
    }

    pub(super) fn with_params(params: CertificateParams, scripts: impl IntoIterator<Item = Script>) -> Self {
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

    pub(super) fn request(&self, host: &str) -> Request {
        Request::get(&format!("https://{host}:{}/sse", self.port)).unwrap()
    }

    /// A source of its events that trusts it.
    pub(super) fn source<A: Adapter>(&self, with_tls: WithTls<A>, config: SourceConfig) -> A::Source {
        with_tls(A::source(self.request("localhost")), &self.client).with_config(config)
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

pub(super) fn events(body: &str) -> Script {
    let response = format!("{EVENT_STREAM}{body}");
    Box::new(move |tls| tls.write_all(response.as_bytes()).unwrap())
}

/// Opens a stream, and sends nothing more.
pub(super) fn silent() -> Script {
    Box::new(|tls| {
        tls.write_all(EVENT_STREAM.as_bytes()).unwrap();
        sees_close(&mut tls.sock);
    })
}

/// Accepts connections, and says nothing; gives its URL, and whether each was closed.
pub(super) fn serve_nothing() -> (String, mpsc::Receiver<bool>) {
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
