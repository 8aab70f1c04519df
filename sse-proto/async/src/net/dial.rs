//! Connecting to a host.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use sse_proto::Instant;
use sse_proto::http::Url;
use sse_proto::http1::dial::{HappyEyeballs, Want};

use crate::Runtime;
use crate::net::{Alarm, Clock};

/// Connects to the address of the host that answers first.
pub(crate) async fn dial<R: Runtime>(url: &Url) -> io::Result<R::Socket> {
    let addresses = R::resolve(&url.host_with_zone(), url.port()).await?;
    let socket = race::<R>(&addresses).await?;
    R::socket_ref(&socket).set_tcp_nodelay(true)?;
    Ok(socket)
}

/// Connects to the address that answers first (RFC 8305, "Happy Eyeballs"). Each attempt has a
/// [head start](HappyEyeballs::HEAD_START) over the next one.
///
/// # Errors
/// The error of the attempt that failed last; `AddrNotAvailable` if `addresses` is empty.
pub async fn race<R: Runtime>(addresses: &[SocketAddr]) -> io::Result<R::Socket> {
    let (mut race, clock) = (HappyEyeballs::new(addresses.len()), Clock::start::<R>());
    let mut attempts = Vec::new();
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    loop {
        let (want, deadline) = race.want(clock.now());
        match want {
            Want::Start(index) => {
                attempts.extend(addresses.get(index).map(|address| Box::pin(R::connect(*address))));
            }
            Want::Wait => match first::<R, _>(&mut attempts, clock, deadline).await {
                Some(Ok(socket)) => return Ok(socket),
                Some(failed) => {
                    result = failed;
                    race.handle_failed();
                }
                None => {}
            },
            _ => return result,
        }
    }
}

/// Removes the first attempt to complete, and returns its result. Returns `None` if the deadline
/// passes first.
async fn first<R: Runtime, F: Future>(
    attempts: &mut Vec<Pin<Box<F>>>,
    clock: Clock,
    deadline: Option<Instant>,
) -> Option<F::Output> {
    let mut alarm = Alarm::<R>::default();
    poll_fn(|cx| {
        for (index, attempt) in attempts.iter_mut().enumerate() {
            if let Poll::Ready(result) = attempt.as_mut().poll(cx) {
                drop(attempts.swap_remove(index));
                return Poll::Ready(Some(result));
            }
        }
        alarm.poll(cx, clock, deadline).map(|()| None)
    })
    .await
}
