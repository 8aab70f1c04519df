//! A chat server: a broadcast reaches all users, a direct message one user, in all their tabs.
//! Serves a page for it.
//!
//! ```sh
//! cargo run -p sse-tokio --example chat_tokio        # and open http://127.0.0.1:8888/, or
//! curl -N 'http://127.0.0.1:8888/chat/sse?username=ann'
//! curl -X POST 'http://127.0.0.1:8888/chat/broadcast?from=bob&message=hello'
//! curl -X POST 'http://127.0.0.1:8888/chat/direct?from=bob&to=ann&message=psst'
//! ```
//!
//! With `--features sse-contract/redis` and `--redis redis://127.0.0.1/`, several of them are one room.

use sse_contract::programs::chat::{self, Answer, Ask, Message, Presence};
use sse_contract::programs::log::AnyLog;
use sse_contract::programs::options::{Options, no_port};
use sse_tokio::proto::hub::log::{AppendError, LogConfig};
use sse_tokio::{BoxError, Event, Incoming, LogHub, Response, Server};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, BoxError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    let redis: Option<String> = options.take("--redis")?;
    options.finish()?;

    let log = AnyLog::open(redis.as_deref(), "chat", chat::HISTORY)?;
    let is_shared = log.is_shared();
    let (hub, node) = LogHub::new(log, chat::hub_config(), LogConfig::default());
    tokio::spawn(node);
    tokio::spawn(keep_presence(hub.clone()));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| no_port(port, error))?;
    println!("chat at http://{}/", listener.local_addr()?);
    Server::new(move |incoming| answer(incoming, hub.clone(), is_shared)).serve(listener).await;
    Ok(())
}

/// Tells pages who is here, whenever that has changed.
async fn keep_presence(hub: LogHub<AnyLog>) -> Result<()> {
    let mut presence = Presence::new();
    loop {
        if let Some(news) = presence.news(&hub.clients())? {
            match hub.publish(chat::HERE, &news).await {
                Ok(_) => {}
                Err(AppendError::Closed) => return Ok(()),
                Err(_) => presence.forget(),
            }
        }
        tokio::time::sleep(Presence::INTERVAL).await;
    }
}

async fn answer(incoming: Incoming, hub: LogHub<AnyLog>, is_shared: bool) -> Result<()> {
    let answer = match Ask::read(incoming.head())? {
        Ask::Listen { username, is_page } => {
            let last = incoming.last_event_id();
            let subscription = chat::subscription(&username, is_page);
            match hub.subscribe_as(&username, &subscription, chat::start(last.as_deref(), is_page)) {
                Ok((mut subscriber, _)) => {
                    return Ok(incoming.open(Response::new(200)).forward(&mut subscriber).await?);
                }
                Err(error) => Answer::refusal(&error)?,
            }
        }
        // Of several servers, each knows only its own users.
        Ask::Say(message) if message.is_direct() && !is_shared && hub.subscribers(&message.topic()) == 0 => {
            Answer::nobody(&message)?
        }
        Ask::Say(message) => match say(&hub, &message, &message.to_event()?).await {
            Ok(()) => Answer::success()?,
            Err(error) => Answer::failure(&error)?,
        },
        Ask::Other(answer) => answer,
    };
    incoming.respond(&answer.response, &*answer.body);
    Ok(())
}

async fn say(hub: &LogHub<AnyLog>, message: &Message, event: &Event) -> std::result::Result<(), AppendError> {
    if let Some(topic) = message.copy_topic() {
        hub.publish(&topic, event).await?;
    }
    hub.publish(&message.topic(), event).await?;
    Ok(())
}
