//! TLS, where the feature for it is on.

use std::error::Error;
use std::io;
use std::pin::Pin;

use async_net::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use sse_proto::http::{Scheme, Url};

#[cfg(feature = "rustls-no-provider")]
use {
    crate::rustls::{ClientConfig, crypto::CryptoProvider, pki_types::ServerName},
    futures_rustls::TlsConnector,
    rustls_platform_verifier::BuilderVerifierExt,
    std::sync::{Arc, OnceLock},
};

/// A connection, secured or not.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

pub(crate) type BoxIo = Pin<Box<dyn Io>>;

/// What secures connections to `https` URLs, if anything.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// `None` until it is needed, unless it is the user's.
    #[cfg(feature = "rustls-no-provider")]
    config: Option<Arc<ClientConfig>>,
}

#[cfg(not(feature = "rustls-no-provider"))]
impl Tls {
    /// Fails where no connection to this URL can succeed.
    pub(crate) fn check(&mut self, url: &Url) -> Result<(), Box<dyn Error + Send + Sync>> {
        match url.scheme() {
            Scheme::Http => Ok(()),
            Scheme::Https => Err("https takes the feature rustls".into()),
        }
    }

    pub(crate) async fn secure(self, _: &Url, socket: TcpStream) -> io::Result<BoxIo> {
        Ok(Box::pin(socket))
    }
}

#[cfg(feature = "rustls-no-provider")]
impl Tls {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        let mut config = config.clone();
        // Nothing else is spoken, whatever the configuration is made for.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { config: Some(Arc::new(config)) }
    }

    /// Fails where no connection to this URL can succeed.
    pub(crate) fn check(&mut self, url: &Url) -> Result<(), Box<dyn Error + Send + Sync>> {
        if url.scheme() == Scheme::Https {
            ServerName::try_from(url.host())?;
            if self.config.is_none() {
                *self = platform()?;
            }
        }
        Ok(())
    }

    pub(crate) async fn secure(self, url: &Url, socket: TcpStream) -> io::Result<BoxIo> {
        let Some(config) = self.config.filter(|_| url.scheme() == Scheme::Https) else {
            return Ok(Box::pin(socket));
        };
        let name = ServerName::try_from(url.host().to_owned()).map_err(io::Error::other)?;
        Ok(Box::pin(TlsConnector::from(config).connect(name, socket).await?))
    }
}

/// Trusts what the platform trusts. Kept for all sources, as it takes a while to read.
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

/// That of the process; without one, *ring* where the feature is on.
#[cfg(feature = "rustls-no-provider")]
fn provider() -> Option<Arc<CryptoProvider>> {
    let installed = CryptoProvider::get_default().cloned();
    #[cfg(feature = "rustls")]
    let installed = installed.or_else(|| Some(Arc::new(crate::rustls::crypto::ring::default_provider())));
    installed
}
