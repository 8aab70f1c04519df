//! A chat server: a broadcast reaches all users, a direct message one user, in all their tabs.
//! Serves a page for it.
//!
//! ```sh
//! cargo run -p sse-blocking --example chat_blocking    # and open http://127.0.0.1:8888/, or
//! curl -N 'http://127.0.0.1:8888/chat/sse?username=ann'
//! curl -X POST 'http://127.0.0.1:8888/chat/broadcast?from=bob&message=hello'
//! curl -X POST 'http://127.0.0.1:8888/chat/direct?from=bob&to=ann&message=psst'
//! ```

use std::net::TcpListener;

use sse_blocking::{BoxError, Hub, Incoming, Response, Server};
use sse_contract::programs::chat::{self, Answer, Ask};
use sse_contract::programs::options::{Options, no_port};

type Result<T> = std::result::Result<T, BoxError>;

fn main() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    options.finish()?;

    let hub = Hub::new(chat::hub_config());
    let beginning = hub.position().to_string();
    let room = Room { hub, beginning };
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| no_port(port, error))?;
    println!("chat at http://{}/", listener.local_addr()?);
    Server::new(move |incoming| answer(incoming, &room)).serve(listener);
    Ok(())
}

/// What everybody listens to.
struct Room {
    hub: Hub,
    /// The id before the first message.
    beginning: String,
}

/// Tells who is here when somebody has come or, dropped after the subscriber, has left.
struct Listener(Hub);

impl Listener {
    fn tell(&self) {
        let Self(hub) = self;
        // Fails only if the hub is closed.
        let _ = chat::here(&hub.clients()).map(|here| hub.publish(chat::HERE, &here));
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.tell();
    }
}

fn answer(incoming: Incoming, room: &Room) -> Result<()> {
    let answer = match Ask::read(incoming.head())? {
        Ask::Listen { username, is_page } => {
            // A page that has no id yet starts with everything that the hub holds.
            let last = incoming
                .last_event_id()
                .map(|id| id.into_owned())
                .or_else(|| is_page.then(|| room.beginning.clone()));
            let listener = Listener(room.hub.clone());
            let subscription = chat::subscription(&username, is_page);
            match room.hub.subscribe_as(&username, &subscription, last.as_deref()) {
                Ok((mut subscriber, _)) => {
                    listener.tell();
                    return Ok(incoming.open(Response::new(200)).forward(&mut subscriber)?);
                }
                Err(error) => Answer::refusal(&error)?,
            }
        }
        Ask::Say(message) if message.is_direct() && room.hub.subscribers(&message.topic()) == 0 => {
            Answer::nobody(&message)?
        }
        Ask::Say(message) => {
            room.hub.publish(&message.topic(), &message.to_event()?)?;
            Answer::success()?
        }
        Ask::Other(answer) => answer,
    };
    incoming.respond(&answer.response, &*answer.body);
    Ok(())
}
