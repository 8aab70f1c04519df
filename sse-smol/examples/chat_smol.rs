//! A chat server: a broadcast reaches all users, a direct message one user, in all their tabs.
//! Serves a page for it.
//!
//! ```sh
//! cargo run -p sse-smol --example chat_smol          # and open http://127.0.0.1:8888/, or
//! curl -N 'http://127.0.0.1:8888/chat/sse?username=ann'
//! curl -X POST 'http://127.0.0.1:8888/chat/broadcast?from=bob&message=hello'
//! curl -X POST 'http://127.0.0.1:8888/chat/direct?from=bob&to=ann&message=psst'
//! ```

use smol::net::TcpListener;
use sse_contract::programs::chat::{self, Answer, Ask};
use sse_contract::programs::options::{Options, no_port};
use sse_smol::{BoxError, Hub, Incoming, Response, Server};

type Result<T> = std::result::Result<T, BoxError>;

fn main() -> Result<()> {
    smol::block_on(run())
}

async fn run() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    options.finish()?;

    let hub = Hub::new(chat::hub_config());
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| no_port(port, error))?;
    println!("chat at http://{}/", listener.local_addr()?);
    Server::new(move |incoming| answer(incoming, hub.clone())).serve(listener).await;
    Ok(())
}

async fn answer(incoming: Incoming, hub: Hub) -> Result<()> {
    let answer = match Ask::read(incoming.head())? {
        Ask::Listen { username } => {
            let subscription = chat::subscription(&username);
            return Ok(incoming.forward(&hub, &subscription, Response::new(200)).await?);
        }
        Ask::Say(message) if message.is_direct() && hub.subscribers(&message.topic()) == 0 => {
            Answer::nobody(&message)?
        }
        Ask::Say(message) => {
            hub.publish(&message.topic(), &message.to_event()?)?;
            Answer::success()?
        }
        Ask::Other(answer) => answer,
    };
    incoming.respond(&answer.response, &*answer.body);
    Ok(())
}
