//! Code of the user's: called without a lock, and free to panic.

use std::future::Ready;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sse_proto::http1::Response;
use sse_proto::http1::server::Closed;
use sse_proto::{AsEvent, EventRef};

use super::{GET, LONG, Running, read_until, silent, soon, with};
use crate::adapter::{Adapter, BoxError, EventSender, Incoming, Server, ServerHandle};

/// A sender and a server, for code that is called with neither.
type Shared<A> = Arc<Mutex<Option<(<A as Adapter>::EventSender, <A as Adapter>::ServerHandle)>>>;

/// Whoever converts an event, or encodes a keep-alive, may ask the sender for something: the lock is not held then.
pub fn code_of_the_users_is_called_without_a_lock<A: Adapter>() {
    struct Curious<'s, S>(&'s S);
    impl<S: EventSender> AsEvent for Curious<'_, S> {
        fn as_event(&self) -> EventRef<'_> {
            assert!(!self.0.is_closed() && !self.0.is_draining());
            EventRef::new("seen")
        }
    }
    struct Body<H>(H);
    impl<H: ServerHandle> AsRef<[u8]> for Body<H> {
        fn as_ref(&self) -> &[u8] {
            self.0.connections();
            b"seen"
        }
    }
    let shared: Shared<A> = Arc::default();
    let server = A::server(with(shared.clone(), |shared, incoming: A::Incoming| async move {
        if incoming.path() == "/plain" {
            let handle = shared.lock().unwrap().as_ref().unwrap().1.clone();
            incoming.respond(&Response::new(200), Body(handle));
            return Ok(());
        }
        let events = incoming.open(Response::new(200));
        if let Some((sender, _)) = shared.lock().unwrap().as_mut() {
            *sender = events.clone();
        }
        events.send(Curious(&events)).await?;
        assert!(events.try_send(Curious(&events))?);
        events.closed().await;
        Ok(())
    }));
    let handle = server.handle();
    let mut config = silent();
    config.stream.keep_alive = Some(Duration::from_millis(20));
    let asked = Arc::clone(&shared);
    config.stream.set_keep_alive(move |mut encoder| {
        let (sender, handle) = asked.lock().unwrap().clone().unwrap();
        assert!(!sender.is_closed() && handle.connections() > 0);
        encoder.comment("still here");
    });
    // A sender of another stream, to begin with.
    let other = A::server(with(
        (shared.clone(), handle.clone()),
        |(shared, handle), incoming: A::Incoming| async move {
            *shared.lock().unwrap() = Some((incoming.open(Response::new(200)), handle));
            Ok(())
        },
    ));
    let other = Running::<A>::new(silent(), other);
    read_until(&mut other.connect(GET), "\r\n\r\n");
    let server = Running::<A>::new(config, server);
    let mut socket = server.connect("GET / HTTP/1.0\r\n\r\n");
    read_until(&mut socket, "data: seen\n\ndata: seen\n\n:still here\n:still here\n");
    assert!(server.ask("GET /plain HTTP/1.0\r\n\r\n").ends_with("\r\n\r\nseen"));
    *shared.lock().unwrap() = None;
    drop(socket);
    server.stop();
    other.stop();
}

pub fn what_panics_costs_its_connection_and_no_place<A: Adapter>() {
    /// Panics when it is dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("as the test wants it");
        }
    }
    /// An error that does so.
    struct Failure(Bomb);
    impl std::fmt::Debug for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let Self(Bomb) = self;
            f.write_str("failure")
        }
    }
    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("failure")
        }
    }
    impl std::error::Error for Failure {}
    let server = A::server(|incoming| async move {
        let (bomb, path) = (Bomb, incoming.path().to_owned());
        if path == "/stream" {
            let events = incoming.open(Response::new(200));
            events.closed().await;
        } else if path == "/error" {
            // Told as the reason of the end, and dropped then.
            std::mem::forget(bomb);
            let events = incoming.open(Response::new(200));
            events.comment("so far").await?;
            return Err(Box::new(Failure(Bomb)) as BoxError);
        } else {
            incoming.respond(&Response::new(200), "");
        }
        drop(bomb);
        Ok(())
    });
    let server = server.with_on_closed(|_, _| panic!("as the test wants it"));
    let mut config = silent();
    config.connections = 3;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, handle) = (listener.local_addr().unwrap(), server.handle());
    let server = server.with_config(config);
    let thread = thread::spawn(move || A::serve(server, listener));
    let ask = |path: &str| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        write!(socket, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        socket
    };
    for _ in 0..2 {
        for path in ["/stream", "/error", "/plain"] {
            for _ in 0..3 {
                read_until(&mut ask(path), "HTTP/1.1 200 OK\r\n");
            }
            soon(|| handle.connections() == 0);
        }
    }
    handle.shutdown();
    thread.join().unwrap();
}

pub fn a_handler_that_panics_before_it_waits_is_answered<A: Adapter>() {
    fn handle<I>(_: I) -> Ready<Result<(), BoxError>> {
        panic!("as the test wants it")
    }
    let server = Running::<A>::new(silent(), A::server(handle));
    for _ in 0..2 {
        let answer = server.ask(GET);
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(matches!(server.closed(), Closed::Failed(_)));
    }
    server.stop();
}

pub fn a_keep_alive_that_panics_fails_its_stream_alone<A: Adapter>() {
    let server = A::server(|incoming| async move {
        let events = incoming.open(Response::new(200));
        events.send("one").await?;
        events.closed().await;
        Ok(())
    });
    let mut config = silent();
    config.stream.keep_alive = Some(Duration::from_millis(50));
    config.stream.set_keep_alive(|_| panic!("as the test wants it"));
    let server = Running::<A>::new(config, server);
    for _ in 0..2 {
        let answer = server.ask(GET);
        assert!(answer.ends_with("data: one\n\n\r\n"), "{answer}");
        let closed = server.closed();
        assert!(
            matches!(&closed, Closed::Failed(error) if error.to_string().contains("panicked")),
            "{closed:?}"
        );
    }
    server.stop();
}
