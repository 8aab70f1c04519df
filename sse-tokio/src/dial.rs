//! Connecting to a host.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use sse_proto::http::Url;
use sse_proto::http1::dial::{HappyEyeballs, Want};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::Instant;

use crate::alarm::Alarm;

/// Connects to whichever address of the host answers first.
pub(crate) async fn dial(url: Url) -> io::Result<TcpStream> {
    let addresses: Vec<_> = lookup_host((&*url.host_with_zone(), url.port())).await?.collect();
    let socket = race(&addresses).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

async fn race(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let (mut race, epoch) = (HappyEyeballs::new(addresses.len()), Instant::now());
    let mut attempts = Vec::new();
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    loop {
        let (want, deadline) = race.want(sse_proto::Instant::from_epoch(epoch.elapsed()));
        match want {
            Want::Start(index) => {
                attempts.extend(addresses.get(index).map(|address| Box::pin(TcpStream::connect(*address))));
            }
            Want::Wait => {
                let at = deadline.and_then(|at| epoch.checked_add(at.since_epoch()));
                match first(&mut attempts, at).await {
                    Some(Ok(socket)) => return Ok(socket),
                    Some(failed) => {
                        result = failed;
                        race.handle_failed();
                    }
                    None => {}
                }
            }
            _ => return result,
        }
    }
}

/// What the first attempt that is over came to; it is then gone. `None` if there is none in time.
async fn first<F: Future>(attempts: &mut Vec<Pin<Box<F>>>, deadline: Option<Instant>) -> Option<F::Output> {
    let mut alarm = Alarm::default();
    poll_fn(|cx| {
        for (index, attempt) in attempts.iter_mut().enumerate() {
            if let Poll::Ready(result) = attempt.as_mut().poll(cx) {
                drop(attempts.swap_remove(index));
                return Poll::Ready(Some(result));
            }
        }
        alarm.poll(cx, deadline).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    #![allow(dead_code, clippy::unwrap_used)]

    use super::race;

    macro_rules! wait {
        ($future:expr) => {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on($future)
        };
    }

    include!("../../sse-proto/tests/adapters/dial.rs");
}
