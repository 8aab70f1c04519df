//! What is said in a chat, and by which requests, for the programs `chat_tokio`, `chat_smol` and `chat_blocking`.

use std::borrow::Cow;
use std::time::SystemTime;

use sse_proto::http1::{HeaderError, RequestHead, Response};
use sse_proto::hub::{self, SubscribeError, Subscription};
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

/// The configuration of a hub that holds enough for clients that were away for a moment.
pub fn hub_config() -> hub::HubConfig {
    let mut config = hub::HubConfig::default();
    config.events = 10_000;
    config
}

/// The subscription of this user.
pub fn subscription(username: &str, is_page: bool) -> Subscription {
    let direct = direct_topic(username);
    let topics = [EVERYBODY, &direct, HERE];
    Subscription::to(&topics[..if is_page { 3 } else { 2 }])
}

/// Who is here, given the clients of the hub, as an event for [`HERE`].
///
/// # Errors
/// Never: the name of the event is valid.
pub fn here(clients: &[(String, usize)]) -> Result<Event, InvalidField> {
    let names: Vec<&str> = clients.iter().map(|(name, _)| name.as_str()).collect();
    Event::new(serde_json::Value::from(names).to_string()).with_name("here")
}

fn direct_topic(username: &str) -> String {
    format!("to/{username}")
}
