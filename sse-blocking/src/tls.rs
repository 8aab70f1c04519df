//! Optional TLS.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use sse_proto::http::{Scheme, Url};

#[cfg(feature = "rustls-no-provider")]
use {
    crate::connection::{is_timeout, set_timeouts},
    rustls::crypto::CryptoProvider,
    rustls::pki_types::ServerName,
    rustls::{ClientConfig, ClientConnection, StreamOwned},
    rustls_platform_verifier::BuilderVerifierExt,
    std::io::ErrorKind,
    std::sync::{Arc, OnceLock},
    std::time::Instant,
};

/// A connection, with or without TLS.
pub(crate) trait Io: Read + Write + Send {
    fn socket(&self) -> &TcpStream;
}

impl Io for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

/// The TLS configuration for `https` URLs.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// `None` until the platform's configuration is loaded, unless the user sets one.
    #[cfg(feature = "rustls-no-provider")]
    config: Option<Arc<ClientConfig>>,
}

#[cfg(not(feature = "rustls-no-provider"))]
impl Tls {
    /// Fails if no connection to this URL can succeed.
    pub(crate) fn check(&mut self, url: &Url) -> Result<(), Box<dyn Error + Send + Sync>> {
        match url.scheme() {
            Scheme::Http => Ok(()),
            Scheme::Https => Err("https requires the feature rustls".into()),
        }
    }

    pub(crate) fn secure(
        &self,
        _: &Url,
        socket: TcpStream,
        _: Option<Duration>,
    ) -> io::Result<Option<Box<dyn Io>>> {
        Ok(Some(Box::new(socket)))
    }
}

#[cfg(feature = "rustls-no-provider")]
impl Tls {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        let mut config = config.clone();
        // HTTP/1.1 is the only protocol, whatever the configuration offers.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { config: Some(Arc::new(config)) }
    }

    /// Fails if no connection to this URL can succeed.
    pub(crate) fn check(&mut self, url: &Url) -> Result<(), Box<dyn Error + Send + Sync>> {
        if url.scheme() == Scheme::Https {
            ServerName::try_from(url.host())?;
            if self.config.is_none() {
                *self = platform()?;
            }
        }
        Ok(())
    }

    /// Establishes TLS. Returns `None` if the limit passes first.
    pub(crate) fn secure(
        &self,
        url: &Url,
        socket: TcpStream,
        limit: Option<Duration>,
    ) -> io::Result<Option<Box<dyn Io>>> {
        let Some(config) = self.config.as_ref().filter(|_| url.scheme() == Scheme::Https) else {
            return Ok(Some(Box::new(socket)));
        };
        let name = ServerName::try_from(url.host().to_owned()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, socket);
        let begin = Instant::now();
        while stream.conn.is_handshaking() {
            let left = limit.map(|limit| limit.saturating_sub(begin.elapsed()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            set_timeouts(&stream.sock, left)?;
            match shake_hands(&mut stream.conn, &mut stream.sock) {
                Err(error) if is_timeout(&error) => {}
                done => done?,
            }
        }
        set_timeouts(&stream.sock, None)?;
        Ok(Some(Box::new(stream)))
    }
}

#[cfg(feature = "rustls-no-provider")]
impl Io for StreamOwned<ClientConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref()
    }
}

/// Performs a single write or read, so that the caller can check the time in between.
#[cfg(feature = "rustls-no-provider")]
fn shake_hands(connection: &mut ClientConnection, socket: &mut TcpStream) -> io::Result<()> {
    if connection.wants_write() {
        return connection.write_tls(socket).map(drop);
    }
    if connection.read_tls(socket)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    connection.process_new_packets().map(drop).map_err(|error| {
        // Sends the TLS alert. Whether the peer receives it does not matter.
        let _ = connection.write_tls(socket);
        io::Error::new(ErrorKind::InvalidData, error)
    })
}

/// Returns whether the certificate of the server is the reason of this error.
#[cfg(feature = "rustls-no-provider")]
pub(crate) fn is_untrusted(error: &io::Error) -> bool {
    let reason = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(reason, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(not(feature = "rustls-no-provider"))]
pub(crate) fn is_untrusted(_: &io::Error) -> bool {
    false
}

/// Returns a configuration with the platform's trust store. It is shared by all sources, because
/// loading it takes a while.
#[cfg(feature = "rustls-no-provider")]
fn platform() -> Result<Tls, Box<dyn Error + Send + Sync>> {
    static PLATFORM: OnceLock<Tls> = OnceLock::new();
    if let Some(tls) = PLATFORM.get() {
        return Ok(tls.clone());
    }
    let provider = provider().ok_or("no crypto provider of rustls is installed")?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = builder.with_platform_verifier()?.with_no_client_auth();
    Ok(PLATFORM.get_or_init(|| Tls::new(&config)).clone())
}

/// Returns the process-wide provider, or else *ring* if its feature is enabled.
#[cfg(feature = "rustls-no-provider")]
fn provider() -> Option<Arc<CryptoProvider>> {
    let installed = CryptoProvider::get_default().cloned();
    #[cfg(feature = "rustls")]
    let installed = installed.or_else(|| Some(Arc::new(rustls::crypto::ring::default_provider())));
    installed
}
