//! What is said in a chat, and by which requests, for the programs `chat_tokio`, `chat_smol` and `chat_blocking`.

use std::borrow::Cow;
use std::time::SystemTime;

use sse_proto::http1::RequestHead;
use sse_proto::hub::{self, Subscription};
use sse_proto::{Event, InvalidField};

pub const PAGE: &str = include_str!("chat.html");

/// The topic that everybody subscribes to.
pub const EVERYBODY: &str = "broadcast";

/// What a message that was passed on is answered with.
pub const SUCCESS: &str = "{\"message\":\"success\"}\n";

/// What a request asks for.
pub enum Ask<'r> {
    Page,
    /// What is said to everybody, and to this user.
    Listen { username: Cow<'r, str> },
    Say(Message<'r>),
    /// Something that cannot be answered but with this status.
    Nonsense { status: u16, text: &'static str },
}

impl<'r> Ask<'r> {
    pub fn read(request: &'r RequestHead) -> Self {
        let is_post = request.method() == "POST";
        let parameter = |name| request.query_param(name).filter(|value| !value.is_empty());
        let missing = |text| Self::Nonsense { status: 400, text };
        match (request.path(), is_post) {
            ("/", false) => Self::Page,
            ("/chat/sse", false) => match parameter("username") {
                Some(username) => Self::Listen { username },
                None => missing("who listens? /chat/sse?username=\n"),
            },
            ("/chat/broadcast", true) => match (parameter("from"), parameter("message")) {
                (Some(from), Some(text)) => Self::Say(Message { from, to: None, text }),
                _ => missing("who says what? /chat/broadcast?from=&message=\n"),
            },
            ("/chat/direct", true) => match (parameter("from"), parameter("to"), parameter("message")) {
                (Some(from), Some(to), Some(text)) => Self::Say(Message { from, to: Some(to), text }),
                _ => missing("who says what to whom? /chat/direct?from=&to=&message=\n"),
            },
            ("/" | "/chat/sse", true) => Self::Nonsense { status: 405, text: "this is to be had with GET\n" },
            ("/chat/broadcast" | "/chat/direct", false) => {
                Self::Nonsense { status: 405, text: "messages come with POST\n" }
            }
            _ => Self::Nonsense { status: 404, text: "there is only /, /chat/sse, /chat/broadcast and /chat/direct here\n" },
        }
    }
}

/// Something that is said.
pub struct Message<'r> {
    from: Cow<'r, str>,
    /// `None`: to everybody.
    to: Option<Cow<'r, str>>,
    text: Cow<'r, str>,
}

impl Message<'_> {
    pub fn topic(&self) -> Cow<'static, str> {
        self.to.as_deref().map_or(EVERYBODY.into(), |to| direct_topic(to).into())
    }

    /// Whether it is to one user, who must be there to get it.
    pub fn is_direct(&self) -> bool {
        self.to.is_some()
    }

    pub fn to_event(&self) -> Result<Event, InvalidField> {
        let kind = if self.is_direct() { "direct" } else { "broadcast" };
        let to = self.to.as_deref().unwrap_or_default();
        let timestamp = humantime::format_rfc3339_nanos(SystemTime::now());
        // Of a string, `Value` is the JSON.
        let [from, to, text] = [&self.from, to, &self.text].map(serde_json::Value::from);
        let data = format!(
            r#"{{"Type":"{kind}","From":{from},"To":{to},"Message":{text},"Timestamp":"{timestamp}"}}"#
        );
        Event::new(data).with_name(kind)
    }
}

/// How much a hub has to hold, so that one who was gone for a moment misses nothing.
pub fn hub_config() -> hub::Config {
    let mut config = hub::Config::default();
    config.events = 10_000;
    config
}

/// What this user gets.
pub fn subscription(username: &str) -> Subscription {
    Subscription::to([EVERYBODY, &direct_topic(username)])
}

fn direct_topic(username: &str) -> String {
    format!("to/{username}")
}
