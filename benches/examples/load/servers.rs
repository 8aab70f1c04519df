//! The servers, each in a separate process.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::{get, post};
use sse_proto::http1::{Response, server};
use sse_proto::hub::{self, Subscription};
use sse_tokio::{Hub, Incoming};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;

use crate::Result;

/// A running server. Dropping it kills the process.
pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    /// Starts a server, or with `upstream` a proxy in front of that port.
    pub(crate) fn start(name: &str, upstream: Option<u16>) -> Result<Self> {
        // The port was free a moment ago, and no other process competes for ports here.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = match (name, upstream) {
            ("nginx", Some(upstream)) => {
                nginx(port, &format!("location / {{ proxy_pass http://127.0.0.1:{upstream}; }}"))?
            }
            ("haproxy", Some(upstream)) => haproxy(port, upstream)?,
            ("nchan", None) => nginx(
                port,
                "location = /sub { nchan_subscriber eventsource; nchan_channel_id load; }
                 location = /first { nchan_subscriber eventsource; nchan_channel_id load; nchan_subscriber_first_message oldest; }
                 location = /pub { nchan_publisher; nchan_channel_id load; client_max_body_size 1m; }",
            )?,
            (_, None) => {
                let mut itself = Command::new(env::current_exe()?);
                itself.args(["serve", name, &port.to_string()]);
                itself
            }
            (_, Some(_)) => return Err(format!("unknown proxy {name}").into()),
        };
        let server = Self { process: command.stdin(Stdio::null()).spawn()?, port };
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if begin.elapsed() > Duration::from_secs(10) {
                return Err(format!("{name} did not start within 10 s").into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM instead of SIGKILL, so that nginx also stops its workers.
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let _ = self.process.wait();
    }
}

/// Runs one of the servers that are part of this program.
pub(crate) fn serve(name: &str, port: &str) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?))?;
    match name {
        "floor" => floor(&listener),
        "ours" => ours(listener, Builder::new_current_thread()),
        "ours-multi" => ours(listener, Builder::new_multi_thread()),
        "ours-smol" => ours_on_smol(listener),
        "ours-threads" => ours_on_threads(listener),
        "tasks" => tasks(listener, Builder::new_current_thread()),
        "axum" => with_axum(listener, Builder::new_current_thread()),
        "axum-multi" => with_axum(listener, Builder::new_multi_thread()),
        _ => Err(format!("unknown server {name}").into()),
    }
}

/// The floor: an accepting thread, a thread per publish request, and one write per subscriber.
fn floor(listener: &TcpListener) -> Result<()> {
    let subscribers = Arc::new(Mutex::new(Vec::new()));
    loop {
        let (mut socket, _) = listener.accept()?;
        let subscribers = Arc::clone(&subscribers);
        let mut request = Vec::new();
        let Some(head) = read_head(&mut socket, &mut request) else { continue };
        if request.starts_with(b"GET") {
            socket.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
            )?;
            socket.set_nonblocking(true)?;
            subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
            continue;
        }
        thread::spawn(move || {
            let body = read_body(&mut socket, &request, head);
            let event = format!("data: {body}\n\n");
            let chunk = format!("{:x}\r\n{event}\r\n", event.len());
            for subscriber in subscribers.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
                // A subscriber whose socket is full misses the event.
                let _ = subscriber
                    .write(chunk.as_bytes())
                    .is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            }
            let _ =
                socket.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        });
    }
}

fn read_head(socket: &mut TcpStream, request: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            return Some(end + 4);
        }
        let mut space = [0; 2048];
        let count = socket.read(&mut space).ok().filter(|count| *count > 0)?;
        request.extend_from_slice(&space[..count]);
    }
}

fn read_body(socket: &mut TcpStream, request: &[u8], head: usize) -> String {
    let fields = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = fields.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = request[head..].to_vec();
    let _ = socket.take(length.unwrap_or(0) - body.len() as u64).read_to_end(&mut body);
    String::from_utf8_lossy(&body).into_owned()
}

fn config() -> server::ServerConfig {
    let mut config = server::ServerConfig::default();
    config.connections = 20_000;
    config
}

fn ours(listener: TcpListener, mut runtime: Builder) -> Result<()> {
    let hub = Hub::new(hub::HubConfig::default());
    let server = sse_tokio::Server::new(move |incoming: Incoming| {
        let hub = hub.clone();
        async move {
            if incoming.path() == "/sub" {
                incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
            } else if incoming.path() == "/first" {
                let mut events = hub.replay(&Subscription::to_all());
                incoming.open(Response::new(200)).forward(&mut events).await?;
            } else {
                hub.publish("", &*String::from_utf8_lossy(incoming.body()))?;
                incoming.respond(&Response::new(202), "");
            }
            Ok(())
        }
    });
    runtime.enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let mut terminated = signal(SignalKind::terminate())?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        server
            .with_config(config())
            .serve_with_shutdown(listener, async move { terminated.recv().await.unwrap_or_default() })
            .await;
        Ok(())
    })
}

fn ours_on_smol(listener: TcpListener) -> Result<()> {
    let hub = sse_smol::Hub::new(hub::HubConfig::default());
    let server = sse_smol::Server::new(move |incoming: sse_smol::Incoming| {
        let hub = hub.clone();
        async move {
            if incoming.path() == "/sub" {
                incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
            } else if incoming.path() == "/first" {
                let mut events = hub.replay(&Subscription::to_all());
                incoming.open(Response::new(200)).forward(&mut events).await?;
            } else {
                hub.publish("", &*String::from_utf8_lossy(incoming.body()))?;
                incoming.respond(&Response::new(202), "");
            }
            Ok(())
        }
    });
    smol::block_on(server.with_config(config()).serve(listener.try_into()?));
    Ok(())
}

fn ours_on_threads(listener: TcpListener) -> Result<()> {
    let hub = sse_blocking::Hub::new(hub::HubConfig::default());
    let server = sse_blocking::Server::new(move |incoming: sse_blocking::Incoming| {
        if incoming.path() == "/sub" {
            incoming.forward(&hub, &Subscription::to_all(), Response::new(200))?;
        } else if incoming.path() == "/first" {
            let mut events = hub.replay(&Subscription::to_all());
            incoming.open(Response::new(200)).forward(&mut events)?;
        } else {
            hub.publish("", &*String::from_utf8_lossy(incoming.body()))?;
            incoming.respond(&Response::new(202), "");
        }
        Ok(())
    });
    server.with_config(config()).serve(listener);
    Ok(())
}

/// The cost of a connection in the runtime alone: a task that answers, then waits for the client to
/// leave.
fn tasks(listener: TcpListener, mut runtime: Builder) -> Result<()> {
    runtime.enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (mut socket, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut request = [0; 64];
                while let Ok(1..) = socket.read(&mut request).await {
                    let _ =
                        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
                }
            });
        }
    })
}

fn with_axum(listener: TcpListener, mut runtime: Builder) -> Result<()> {
    let app = Router::new()
        .route(
            "/sub",
            get(async |State(events): State<broadcast::Sender<Arc<str>>>| {
                let events = BroadcastStream::new(events.subscribe());
                Sse::new(events.map(|event| event.map(|data| Event::default().data(data))))
            }),
        )
        .route(
            "/first",
            get(async |State(events): State<broadcast::Sender<Arc<str>>>| {
                let first = tokio_stream::once(Ok(Arc::from("the first event")));
                let events = first.chain(BroadcastStream::new(events.subscribe()));
                Sse::new(events.map(|event| event.map(|data: Arc<str>| Event::default().data(data))))
            }),
        )
        .route(
            "/pub",
            post(async |State(events): State<broadcast::Sender<Arc<str>>>, body: String| {
                let _ = events.send(body.into());
            }),
        )
        .with_state(broadcast::channel(1024).0);
    runtime.enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        Ok(axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?)
    })
}

/// Returns nginx with these locations and otherwise its defaults.
fn nginx(port: u16, locations: &str) -> Result<Command> {
    let folder = env::temp_dir().join(format!("sse-load-nginx-{port}"));
    fs::create_dir_all(&folder)?;
    let module = if locations.contains("nchan") {
        "load_module /usr/lib/nginx/modules/ngx_nchan_module.so;"
    } else {
        ""
    };
    let config = folder.join("nginx.conf");
    fs::write(
        &config,
        format!(
            "{module}
            user root; daemon off; worker_processes auto; worker_rlimit_nofile 20000; error_log stderr crit;
            pid {folder}/pid;
            events {{ worker_connections 20000; }}
            http {{
                access_log off;
                client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                server {{
                    listen 127.0.0.1:{port} backlog=4096;
                    {locations}
                }}
            }}
            ",
            folder = folder.display()
        ),
    )?;
    let mut nginx = Command::new("nginx");
    nginx.args(["-p", &folder.to_string_lossy(), "-c", &config.to_string_lossy()]);
    Ok(nginx)
}

/// Returns haproxy with the timeouts of the first example in its manual, because it has no default
/// timeouts.
fn haproxy(port: u16, upstream: u16) -> Result<Command> {
    let config = env::temp_dir().join(format!("sse-load-haproxy-{port}.cfg"));
    fs::write(
        &config,
        format!(
            "defaults
                mode http
                timeout connect 5s
                timeout client 50s
                timeout server 50s
            listen load
                bind 127.0.0.1:{port}
                server upstream 127.0.0.1:{upstream}\n"
        ),
    )?;
    let mut haproxy = Command::new("haproxy");
    haproxy.args(["-db", "-f", &config.to_string_lossy()]);
    Ok(haproxy)
}
