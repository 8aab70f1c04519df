//! What is said in a chat, and by which requests, for the programs `chat_tokio`, `chat_smol` and `chat_blocking`.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant, SystemTime};

use sse_proto::http1::{HeaderError, RequestHead, Response};
use sse_proto::hub::log::AppendError;
use sse_proto::hub::{self, Start, SubscribeError, Subscription};
use sse_proto::{Event, InvalidField};

const PAGE: &str = include_str!("chat.html");

/// The topic that everybody subscribes to.
const EVERYBODY: &str = "broadcast";

/// The topic of who is here, for pages.
pub const HERE: &str = "here";

/// What a request asks for.
#[derive(Debug)]
pub enum Ask {
    /// To hear what is said to everybody, and to this user.
    Listen {
        /// The user who listens.
        username: String,
        /// Whether a page listens: it also shows who is here, and at first what was said before.
        is_page: bool,
    },
    /// To pass a message on.
    Say(Message),
    /// Something that is answered with this, whoever is there.
    Other(Answer),
}

/// An answer that is no event stream.
#[derive(Debug)]
pub struct Answer {
    /// Its head.
    pub response: Response,
    /// Its body.
    pub body: Cow<'static, str>,
}

impl Ask {
    /// Reads a request.
    ///
    /// # Errors
    /// Never: the headers of the answers are valid.
    pub fn read(request: &RequestHead) -> Result<Self, HeaderError> {
        let parameter =
            |name| Some(request.query_param(name)?.into_owned()).filter(|value| !value.is_empty());
        let answer = match (request.path(), request.method()) {
            ("/", "GET" | "HEAD") => Answer::new(200, "text/html", PAGE)?,
            ("/chat/sse", "GET" | "HEAD") => match parameter("username") {
                Some(username) => {
                    return Ok(Self::Listen { username, is_page: parameter("page").is_some() });
                }
                None => Answer::text(400, "who listens? /chat/sse?username=\n")?,
            },
            ("/chat/broadcast", "POST") => match (parameter("from"), parameter("message")) {
                (Some(from), Some(text)) => return Ok(Self::Say(Message { from, to: None, text })),
                _ => Answer::text(400, "who says what? /chat/broadcast?from=&message=\n")?,
            },
            ("/chat/direct", "POST") => match (parameter("from"), parameter("to"), parameter("message")) {
                (Some(from), to @ Some(_), Some(text)) => return Ok(Self::Say(Message { from, to, text })),
                _ => Answer::text(400, "who says what to whom? /chat/direct?from=&to=&message=\n")?,
            },
            ("/" | "/chat/sse", _) => Answer::text(405, "")?.with_header("Allow", "GET, HEAD")?,
            ("/chat/broadcast" | "/chat/direct", _) => Answer::text(405, "")?.with_header("Allow", "POST")?,
            _ => Answer::text(404, "there is only /, /chat/sse, /chat/broadcast and /chat/direct here\n")?,
        };
        Ok(Self::Other(answer))
    }
}

impl Answer {
    /// The answer to a message that was passed on.
    ///
    /// # Errors
    /// Never, as [`Ask::read`].
    pub fn success() -> Result<Self, HeaderError> {
        Self::new(200, "application/json", r#"{"message":"success"}"#)
    }

    /// The answer to a message for somebody who is not here.
    ///
    /// # Errors
    /// Never, as [`Ask::read`].
    pub fn nobody(message: &Message) -> Result<Self, HeaderError> {
        Self::text(404, format!("{} is not here\n", message.to.as_deref().unwrap_or_default()))
    }

    /// The answer to a user who listens too often.
    ///
    /// # Errors
    /// Never, as [`Ask::read`].
    pub fn refusal(error: &SubscribeError) -> Result<Self, HeaderError> {
        Self::text(error.status(), format!("{error}\n"))
    }

    /// The answer to a message that could not be published.
    ///
    /// # Errors
    /// Never, as [`Ask::read`].
    pub fn failure(error: &AppendError) -> Result<Self, HeaderError> {
        Self::text(503, format!("{error}\n"))
    }

    fn text(status: u16, body: impl Into<Cow<'static, str>>) -> Result<Self, HeaderError> {
        Self::new(status, "text/plain", body)
    }

    fn new(status: u16, media_type: &str, body: impl Into<Cow<'static, str>>) -> Result<Self, HeaderError> {
        let content_type = format!("{media_type}; charset=utf-8");
        let response = Response::new(status).with_header("Content-Type", &content_type)?;
        Ok(Self { response, body: body.into() })
    }

    fn with_header(self, name: &str, value: &str) -> Result<Self, HeaderError> {
        Ok(Self { response: self.response.with_header(name, value)?, ..self })
    }
}

/// Something that is said.
#[derive(Debug)]
pub struct Message {
    from: String,
    /// `None`: to everybody.
    to: Option<String>,
    text: String,
}

impl Message {
    /// The topic to publish it to.
    pub fn topic(&self) -> String {
        self.to.as_deref().map_or(EVERYBODY.to_owned(), direct_topic)
    }

    /// Whether it is to one user, who must be here to get it.
    pub fn is_direct(&self) -> bool {
        self.to.is_some()
    }

    /// The topic to publish a copy to, for the pages of the sender.
    pub fn copy_topic(&self) -> Option<String> {
        self.to.as_ref().filter(|to| **to != self.from).map(|_| sent_topic(&self.from))
    }

    /// The message as an event, with the time of the call.
    ///
    /// # Errors
    /// Never: the names of the events are valid.
    pub fn to_event(&self) -> Result<Event, InvalidField> {
        let kind = if self.is_direct() { "direct" } else { "broadcast" };
        let timestamp = humantime::format_rfc3339_nanos(SystemTime::now());
        let [from, to, text] =
            [&self.from, self.to.as_deref().unwrap_or_default(), &self.text].map(serde_json::Value::from);
        let data = format!(
            r#"{{"Type":"{kind}","From":{from},"To":{to},"Message":{text},"Timestamp":"{timestamp}"}}"#
        );
        Event::new(data).with_name(kind)
    }
}

/// How much is kept of what was said.
pub const HISTORY: usize = 10_000;

/// The configuration of a hub that holds enough for clients that were away for a moment.
pub fn hub_config() -> hub::HubConfig {
    let mut config = hub::HubConfig::default();
    config.events = HISTORY;
    config
}

/// The subscription of this user.
pub fn subscription(username: &str, is_page: bool) -> Subscription {
    let (direct, sent) = (direct_topic(username), sent_topic(username));
    let topics = [EVERYBODY, &direct, &sent, HERE];
    Subscription::to(&topics[..if is_page { 4 } else { 2 }])
}

/// Where a user starts: a page that has no id yet with all that was said.
pub fn start(last_event_id: Option<&str>, is_page: bool) -> Start<'_> {
    match last_event_id {
        Some(id) => Start::After(id),
        None if is_page => Start::Oldest,
        None => Start::Live,
    }
}

/// What this server tells pages of who is here: each server of a chat tells of its own users.
#[derive(Debug)]
pub struct Presence {
    /// Tells the servers apart.
    server: String,
    told: Option<(String, Instant)>,
}

impl Presence {
    /// How often to ask for [news](Self::news).
    pub const INTERVAL: Duration = Duration::from_millis(100);
    /// After how long the same is told again: pages forget a server that is silent for longer.
    const REPEAT: Duration = Duration::from_secs(60);

    /// Nothing was told yet.
    pub fn new() -> Self {
        let server = format!("{:x}", RandomState::new().hash_one(SystemTime::now()));
        Self { server, told: None }
    }

    /// The event for [`HERE`], given the clients of the hub, if it is time to tell.
    ///
    /// # Errors
    /// Never: the name of the event is valid.
    pub fn news(&mut self, clients: &[(String, usize)]) -> Result<Option<Event>, InvalidField> {
        let names: Vec<&str> = clients.iter().map(|(name, _)| name.as_str()).collect();
        let names = serde_json::Value::from(names).to_string();
        let is_new = match &self.told {
            Some((told, at)) => *told != names || names != "[]" && at.elapsed() > Self::REPEAT,
            None => names != "[]",
        };
        if !is_new {
            return Ok(None);
        }
        let event = Event::new(format!(r#"{{"server":"{}","names":{names}}}"#, self.server));
        self.told = Some((names, Instant::now()));
        event.with_name("here").map(Some)
    }

    /// The news could not be published.
    pub fn forget(&mut self) {
        self.told = None;
    }
}

impl Default for Presence {
    fn default() -> Self {
        Self::new()
    }
}

fn direct_topic(username: &str) -> String {
    format!("to/{username}")
}

fn sent_topic(username: &str) -> String {
    format!("from/{username}")
}
