//! Event streams over plain HTTP/1.1: the client.

use std::io;

use sse_proto::Receiver;
use sse_proto::http::{Request, Scheme};

use crate::net::dial;
use crate::server::write_all;
use crate::{EventReader, ReadError, Reads, Runtime, Writes};

/// Sends this request over a new TCP connection, and returns once the server has accepted it with an event stream. It names
/// the [`USER_AGENT`](Runtime::USER_AGENT) where the request has none.
///
/// # Errors
/// If the server cannot be reached, or answers with what [`check_response`](sse_proto::source::check_response) refuses. For an
/// `https` URL, `Unsupported`: make the TLS connection yourself, and give it to [`EventReader::open`].
pub async fn connect<R>(request: &Request) -> Result<EventReader<R::Socket, R>, ReadError>
where
    R: Runtime + Reads<<R as Runtime>::Socket> + Writes<<R as Runtime>::Socket>,
{
    connect_with(request, Receiver::http1(request)).await
}

/// As [`connect`], with a receiver that was made by [`Receiver::http1`], and may have other limits or a check of its own.
///
/// # Errors
/// As [`connect`].
pub async fn connect_with<R>(
    request: &Request,
    receiver: Receiver,
) -> Result<EventReader<R::Socket, R>, ReadError>
where
    R: Runtime + Reads<<R as Runtime>::Socket> + Writes<<R as Runtime>::Socket>,
{
    let url = request.url();
    if url.scheme() != Scheme::Http {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "https needs a tls connection").into());
    }
    let socket = dial::<R>(url).await?;
    EventReader::open_with(socket, request, receiver).await
}

impl<S: Unpin, R: Reads<S> + Writes<S>> EventReader<S, R> {
    /// Sends this request over a connection, and returns once the server has accepted it with an event stream. It names
    /// the [`USER_AGENT`](Runtime::USER_AGENT) where the request has none.
    ///
    /// # Errors
    /// If the connection fails, or the server answers with what [`check_response`](sse_proto::source::check_response) refuses.
    pub async fn open(io: S, request: &Request) -> Result<Self, ReadError> {
        Self::open_with(io, request, Receiver::http1(request)).await
    }

    /// As [`open`](Self::open), with a receiver that was made by [`Receiver::http1`], and may have other limits or a check of its own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(mut io: S, request: &Request, receiver: Receiver) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        request.encode_with_user_agent(R::USER_AGENT, &mut bytes);
        write_all::<S, R>(&mut io, &bytes).await?;
        let mut reader = Self::with_receiver(io, receiver);
        reader.wait_until_open().await?;
        Ok(reader)
    }
}
