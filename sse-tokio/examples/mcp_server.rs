//! A server of the Model Context Protocol, version 2025-11-25, over its transport "Streamable HTTP".
//!
//! ```sh
//! cargo run -p sse-tokio --example mcp_server -- 8888      # and give http://127.0.0.1:8888/mcp to a client
//! ```
//!
//! Two tools show the two kinds of answers. `add` is answered with JSON. `count` takes its time, and
//! is answered with an event stream: progress notifications, then the result. If the connection is
//! lost, the tool continues, and the client resumes the stream with its last event id.
//!
//! | request | answer |
//! |---|---|
//! | `POST` `initialize` | JSON, with the session in `Mcp-Session-Id` |
//! | `POST` another request | JSON, or the event stream of a tool |
//! | `POST` a notification | status 202 |
//! | `GET` | the event stream of the session: messages that belong to no request |
//! | `GET` with `Last-Event-ID` | the rest of the stream with that event |
//! | `DELETE` | ends the session |

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use sse_tokio::{BoxError, Hub, HubConfig, Incoming, Response, Server, ServerConfig, Subscription};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

type Result<T> = std::result::Result<T, BoxError>;

/// The first one is offered to clients that want another one.
const VERSIONS: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
/// A server for the public also ends sessions that have been idle for long.
const MAX_SESSIONS: usize = 1000;
/// The number of tool calls per session that run, or whose streams can be resumed.
const MAX_CALLS: usize = 16;

// Error codes of JSON-RPC 2.0.
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
// One of those that servers may define.
const TOO_MANY_CALLS: i32 = -32000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8888), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}/mcp", listener.local_addr()?);
    let mut config = ServerConfig::default();
    config.methods = &["GET", "POST", "DELETE"];
    let mcp = Arc::new(Mcp::default());
    let server = Server::new(move |incoming| Arc::clone(&mcp).answer(incoming)).with_config(config);
    let shutdown = async { drop(tokio::signal::ctrl_c().await) };
    server.serve_with_shutdown(listener, shutdown).await;
    Ok(())
}

#[derive(Default)]
struct Mcp {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

impl Mcp {
    async fn answer(self: Arc<Self>, incoming: Incoming) -> Result<()> {
        if incoming.path() != "/mcp" {
            return refuse(incoming, 404, "there is only /mcp here");
        }
        // Otherwise a page of any origin could use this server through the user's browser, by DNS
        // rebinding.
        if !header(&incoming, "Origin").is_none_or(is_local) {
            return refuse(incoming, 403, "pages of this origin have no access");
        }
        if !header(&incoming, "MCP-Protocol-Version").is_none_or(|version| VERSIONS.contains(&version)) {
            return refuse(incoming, 400, "unsupported protocol version");
        }
        let message = match incoming.method() {
            "POST" => match serde_json::from_slice::<Value>(incoming.body()) {
                Ok(message) => Some(message),
                Err(error) => return refuse(incoming, 400, &error.to_string()),
            },
            _ => None,
        };
        if let Some(request) = message.as_ref().filter(|message| message["method"] == "initialize") {
            return self.initialize(incoming, request);
        }
        let Some(id) = header(&incoming, "Mcp-Session-Id").map(str::to_owned) else {
            return refuse(incoming, 400, "no Mcp-Session-Id");
        };
        // The client starts a new session after this status.
        let Some(session) = self.sessions().get(&id).cloned() else {
            return refuse(incoming, 404, "no such session");
        };
        match message {
            Some(message) => session.handle(incoming, message).await,
            None if incoming.method() == "GET" => session.listen(incoming).await,
            None => {
                self.sessions().remove(&id);
                session.close();
                incoming.respond(&Response::new(204), "");
                Ok(())
            }
        }
    }

    fn initialize(&self, incoming: Incoming, request: &Value) -> Result<()> {
        let wanted = request["params"]["protocolVersion"].as_str();
        let version = VERSIONS.into_iter().find(|version| wanted == Some(version)).unwrap_or(VERSIONS[0]);
        let session = Session {
            messages: Hub::new(HubConfig::default()),
            calls: Mutex::default(),
            // Clients of older versions take an event without data for a faulty message.
            is_primed: version >= "2025-11-25",
        };
        let id = secret();
        let mut sessions = self.sessions();
        if sessions.len() == MAX_SESSIONS {
            drop(sessions);
            return refuse(incoming, 503, "too many sessions");
        }
        sessions.insert(id.clone(), Arc::new(session));
        drop(sessions);
        let result = json!({
            "protocolVersion": version,
            "capabilities": { "tools": {}, "logging": {} },
            "serverInfo": { "name": "sse-tokio", "version": env!("CARGO_PKG_VERSION") },
        });
        respond(incoming, Response::new(200).with_header("Mcp-Session-Id", &id)?, &success(request, result))
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Session {
    /// The messages that belong to no request.
    messages: Hub,
    /// Recent calls, the newest last.
    calls: Mutex<VecDeque<Call>>,
    /// Whether a stream starts with an event without data, so that the client can resume even if it
    /// has received no message.
    is_primed: bool,
}

/// A call of a tool that is answered with an event stream. The hub holds the messages of the call,
/// also for clients that reconnect after the end.
struct Call {
    request_id: Value,
    stream: Hub,
    task: AbortHandle,
}

impl Session {
    async fn handle(self: Arc<Self>, incoming: Incoming, message: Value) -> Result<()> {
        let params = &message["params"];
        if message["id"].is_null() || message["method"].is_null() {
            if message["method"] == "notifications/cancelled" {
                self.cancel(&params["requestId"]);
            }
            incoming.respond(&Response::new(202), "");
            return Ok(());
        }
        let arguments = &params["arguments"];
        let answer = match (message["method"].as_str(), params["name"].as_str()) {
            (Some("ping" | "logging/setLevel"), _) => success(&message, json!({})),
            (Some("tools/list"), _) => success(&message, json!({ "tools": tools() })),
            (Some("tools/call"), Some("add")) => match (arguments["a"].as_f64(), arguments["b"].as_f64()) {
                (Some(a), Some(b)) => success(&message, text(&(a + b).to_string(), false)),
                // An error of a tool is a result: the model should see it.
                _ => success(&message, text("a and b must be numbers", true)),
            },
            (Some("tools/call"), Some("count")) => return self.call(incoming, message).await,
            (Some("tools/call"), _) => failure(&message, INVALID_PARAMS, "unknown tool"),
            _ => failure(&message, METHOD_NOT_FOUND, "unknown method"),
        };
        respond(incoming, Response::new(200), &answer)
    }

    /// Answers with the event stream of a call. The call runs in a task of its own, because it
    /// continues when the connection is lost.
    async fn call(self: Arc<Self>, incoming: Incoming, request: Value) -> Result<()> {
        if !self.make_room() {
            return respond(
                incoming,
                Response::new(200),
                &failure(&request, TOO_MANY_CALLS, "too many calls"),
            );
        }
        let stream = Hub::new(HubConfig::default());
        // Subscribes at once, so the client receives everything from here on.
        let answer = incoming.forward(&stream, &Subscription::to_all(), Response::new(200));
        if self.is_primed {
            stream.publish("", "")?;
        }
        let request_id = request["id"].clone();
        let (session, hub) = (Arc::clone(&self), stream.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = session.count(&hub, &request).await {
                eprintln!("mcp_server: {error}");
            }
            hub.close();
        });
        self.calls().push_back(Call { request_id, stream, task: task.abort_handle() });
        Ok(answer.await?)
    }

    /// Forgets the oldest calls that are over, beyond the limit. Returns whether there is room for
    /// another one: a call that runs can be cancelled, so it is not forgotten.
    fn make_room(&self) -> bool {
        let mut calls = self.calls();
        while calls.len() >= MAX_CALLS {
            let Some(over) = calls.iter().position(|call| call.task.is_finished()) else { return false };
            calls.remove(over);
        }
        true
    }

    /// The tool `count`.
    async fn count(&self, stream: &Hub, request: &Value) -> Result<()> {
        let params = &request["params"];
        let token = &params["_meta"]["progressToken"];
        let to = params["arguments"]["to"].as_u64().unwrap_or(10).min(1000);
        for number in 1..=to {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if !token.is_null() {
                let progress = json!({ "progressToken": token, "progress": number, "total": to });
                stream.publish("", notification("notifications/progress", &progress))?;
            }
        }
        stream.publish("", success(request, text(&format!("counted to {to}"), false)).to_string())?;
        let log = json!({ "level": "info", "data": format!("a count to {to} is over") });
        self.messages.publish("", notification("notifications/message", &log))?;
        Ok(())
    }

    /// Answers with the stream of the session, or with the rest of the stream that has the last
    /// event of the client.
    async fn listen(&self, incoming: Incoming) -> Result<()> {
        let stream = match incoming.last_event_id() {
            None => Some(self.messages.clone()),
            Some(id) => {
                let calls = self.calls();
                let mut streams = calls.iter().map(|call| &call.stream).chain([&self.messages]);
                streams.find(|stream| stream.topic_of(&id).is_some()).cloned()
            }
        };
        let Some(stream) = stream else { return refuse(incoming, 400, "the stream cannot be resumed") };
        Ok(incoming.forward(&stream, &Subscription::to_all(), Response::new(200)).await?)
    }

    fn cancel(&self, request_id: &Value) {
        for call in self.calls().iter().filter(|call| call.request_id == *request_id) {
            call.task.abort();
            call.stream.close();
        }
    }

    fn close(&self) {
        for call in self.calls().drain(..) {
            call.task.abort();
            call.stream.close();
        }
        self.messages.close();
    }

    fn calls(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tools() -> Value {
    let number = json!({ "type": "number" });
    json!([{
        "name": "add",
        "description": "Adds two numbers.",
        "inputSchema": {
            "type": "object", "properties": { "a": number, "b": number }, "required": ["a", "b"],
        },
    }, {
        "name": "count",
        "description": "Counts, 20 numbers a second, and reports its progress.",
        "inputSchema": {
            "type": "object", "properties": { "to": { "type": "integer", "maximum": 1000 } }, "required": ["to"],
        },
    }])
}

/// The result of a tool.
fn text(text: &str, is_error: bool) -> Value {
    json!({ "content": [{ "type": "text", "text": text }], "isError": is_error })
}

fn success(request: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })
}

fn failure(request: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": code, "message": message } })
}

fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

fn respond(incoming: Incoming, head: Response, body: &Value) -> Result<()> {
    incoming.respond(&head.with_header("Content-Type", "application/json")?, body.to_string());
    Ok(())
}

fn refuse(incoming: Incoming, status: u16, why: &str) -> Result<()> {
    incoming.respond(&Response::new(status).with_header("Content-Type", "text/plain; charset=utf-8")?, why);
    Ok(())
}

fn header<'a>(incoming: &'a Incoming, name: &str) -> Option<&'a str> {
    incoming.head().header(name).and_then(|value| std::str::from_utf8(value).ok())
}

/// Returns whether a page of this origin comes from this machine.
fn is_local(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// Returns 128 bits that cannot be guessed: the standard library keys its hashes with secrets of the
/// system. With a crate for random numbers, use that.
fn secret() -> String {
    let half = || RandomState::new().hash_one(std::time::SystemTime::now());
    format!("{:016x}{:016x}", half(), half())
}
