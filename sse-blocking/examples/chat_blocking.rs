//! A chat server: a broadcast reaches all users, a direct message one user, in all their tabs.
//! Serves a page for it.
//!
//! ```sh
//! cargo run -p sse-blocking --example chat_blocking    # and open http://127.0.0.1:8888/, or
//! curl -N 'http://127.0.0.1:8888/chat/sse?username=ann'
//! curl -X POST 'http://127.0.0.1:8888/chat/broadcast?from=bob&message=hello'
//! curl -X POST 'http://127.0.0.1:8888/chat/direct?from=bob&to=ann&message=psst'
//! ```
//!
//! With `--features sse-contract/redis` and `--redis redis://127.0.0.1/`, several of them are one room.

use std::net::TcpListener;
use std::thread;

use sse_blocking::proto::hub::log::{AppendError, LogConfig};
use sse_blocking::{BoxError, Event, Incoming, LogHub, Response, Server};
use sse_contract::programs::chat::{self, Answer, Ask, Message, Presence};
use sse_contract::programs::log::AnyLog;
use sse_contract::programs::options::{Options, no_port};

type Result<T> = std::result::Result<T, BoxError>;

fn main() -> Result<()> {
    let mut options = Options::from_args();
    let port = options.take("--port")?.unwrap_or(8888);
    let redis: Option<String> = options.take("--redis")?;
    options.finish()?;

    let log = AnyLog::open(redis.as_deref(), "chat", chat::HISTORY)?;
    let is_shared = log.is_shared();
    let hub = LogHub::new(log, chat::hub_config(), LogConfig::default())?;
    let presence = hub.clone();
    thread::spawn(move || keep_presence(&presence));
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| no_port(port, error))?;
    println!("chat at http://{}/", listener.local_addr()?);
    Server::new(move |incoming| answer(incoming, &hub, is_shared)).serve(listener);
    Ok(())
}

/// Tells pages who is here, whenever that has changed.
fn keep_presence(hub: &LogHub<AnyLog>) -> Result<()> {
    let mut presence = Presence::new();
    loop {
        if let Some(news) = presence.news(&hub.clients())? {
            match hub.publish(chat::HERE, &news) {
                Ok(_) => {}
                Err(AppendError::Closed) => return Ok(()),
                Err(_) => presence.forget(),
            }
        }
        thread::sleep(Presence::INTERVAL);
    }
}

fn answer(incoming: Incoming, hub: &LogHub<AnyLog>, is_shared: bool) -> Result<()> {
    let answer = match Ask::read(incoming.head())? {
        Ask::Listen { username, is_page } => {
            let last = incoming.last_event_id();
            let subscription = chat::subscription(&username, is_page);
            match hub.subscribe_as(&username, &subscription, chat::start(last.as_deref(), is_page)) {
                Ok((mut subscriber, _)) => {
                    return Ok(incoming.open(Response::new(200)).forward(&mut subscriber)?);
                }
                Err(error) => Answer::refusal(&error)?,
            }
        }
        // Of several servers, each knows only its own users.
        Ask::Say(message) if message.is_direct() && !is_shared && hub.subscribers(&message.topic()) == 0 => {
            Answer::nobody(&message)?
        }
        Ask::Say(message) => match say(hub, &message, &message.to_event()?) {
            Ok(()) => Answer::success()?,
            Err(error) => Answer::failure(&error)?,
        },
        Ask::Other(answer) => answer,
    };
    incoming.respond(&answer.response, &*answer.body);
    Ok(())
}

fn say(hub: &LogHub<AnyLog>, message: &Message, event: &Event) -> std::result::Result<(), AppendError> {
    if let Some(topic) = message.copy_topic() {
        hub.publish(&topic, event)?;
    }
    hub.publish(&message.topic(), event)?;
    Ok(())
}
