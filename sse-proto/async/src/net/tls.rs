//! Optional TLS.

use std::error::Error;
use std::io;
use std::task::{Context, Poll};

use sse_proto::http::{Scheme, Url};

use crate::{ByteStream, Runtime};

#[cfg(feature = "rustls-no-provider")]
pub use futures_rustls::rustls;

#[cfg(feature = "rustls-no-provider")]
use {
    self::rustls::{ClientConfig, crypto::CryptoProvider, pki_types::ServerName},
    futures_io::{AsyncRead, AsyncWrite},
    futures_rustls::{TlsConnector, client::TlsStream},
    rustls_platform_verifier::BuilderVerifierExt,
    std::pin::Pin,
    std::sync::{Arc, OnceLock},
};

/// A connection, with or without TLS.
pub(crate) enum MaybeTls<R: Runtime> {
    Plain(R::Socket),
    #[cfg(feature = "rustls-no-provider")]
    Tls(Box<TlsStream<Socket<R>>>),
}

impl<R: Runtime> MaybeTls<R> {
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_read(cx, space),
            #[cfg(feature = "rustls-no-provider")]
            Self::Tls(stream) => {
                // Written bytes may still be buffered. A failed flush is ignored, because the peer
                // may have answered without them.
                let _ = Pin::new(&mut *stream).poll_flush(cx);
                Pin::new(stream).poll_read(cx, space)
            }
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_write(cx, bytes),
            #[cfg(feature = "rustls-no-provider")]
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
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

    pub(crate) async fn secure<R: Runtime>(self, _: &Url, socket: R::Socket) -> io::Result<MaybeTls<R>> {
        Ok(MaybeTls::Plain(socket))
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

    pub(crate) async fn secure<R: Runtime>(self, url: &Url, socket: R::Socket) -> io::Result<MaybeTls<R>> {
        let Some(config) = self.config.filter(|_| url.scheme() == Scheme::Https) else {
            return Ok(MaybeTls::Plain(socket));
        };
        let name = ServerName::try_from(url.host().to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(config).connect(name, Socket::<R>(socket)).await?;
        Ok(MaybeTls::Tls(Box::new(stream)))
    }
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

/// A socket of a runtime, with the I/O traits that the rustls driver uses.
#[cfg(feature = "rustls-no-provider")]
pub(crate) struct Socket<R: Runtime>(R::Socket);

#[cfg(feature = "rustls-no-provider")]
impl<R: Runtime> AsyncRead for Socket<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, space)
    }
}

#[cfg(feature = "rustls-no-provider")]
impl<R: Runtime> AsyncWrite for Socket<R> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}
