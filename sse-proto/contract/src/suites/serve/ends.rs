//! How streams and servers end.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sse_proto::Event;
use sse_proto::http1::Response;
use sse_proto::http1::server::ServerConfig;
use sse_proto::hub::Subscription;

use super::{GET, LONG, Running, SOON, events, read_all, read_until, silent, soon, with};
use crate::adapter::{Adapter, EventSender, Hub, Incoming};

pub fn a_client_that_leaves_ends_the_work_though_nothing_is_written<A: Adapter>() {
    /// Tells when it is dropped.
    struct Work(mpsc::Sender<&'static str>);
    impl Drop for Work {
        fn drop(&mut self) {
            let _ = self.0.send("ended");
        }
    }
    let (tell, told) = mpsc::channel();
    let tell = Arc::new(Mutex::new(tell));
    let hub = A::Hub::new(Default::default());
    let server =
        A::server(with((tell.clone(), hub.clone()), |(tell, hub), incoming: A::Incoming| async move {
            let work = Work(tell.lock().unwrap().clone());
            if incoming.path() == "/hub" {
                incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
            } else {
                let events = incoming.open(Response::new(200));
                work.0.send("begun")?;
                events.closed().await;
            }
            drop(work);
            Ok(())
        }));
    let server = Running::<A>::new(silent(), server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    assert_eq!(told.recv_timeout(LONG), Ok("begun"));
    assert!(told.try_recv().is_err());
    let left = Instant::now();
    drop(socket);
    assert_eq!(told.recv_timeout(LONG), Ok("ended"));
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());

    let mut socket = server.connect("GET /hub HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(&mut socket, "\r\n\r\n");
    soon(|| hub.stats().subscribers == 1);
    let left = Instant::now();
    drop(socket);
    assert_eq!(told.recv_timeout(LONG), Ok("ended"));
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    soon(|| hub.stats().subscribers == 0);
    server.stop();
}

pub fn a_server_that_stops_under_load_cuts_nobody<A: Adapter>() {
    const CLIENTS: usize = 50;
    let hub = A::Hub::new(Default::default());
    let server = A::server(with(hub.clone(), |hub, incoming: A::Incoming| async move {
        incoming.forward(&hub, &Subscription::to_all(), Response::new(200)).await?;
        Ok(())
    }));
    let mut config = ServerConfig::default();
    config.stream.drain_window = SOON;
    config.drain_timeout = LONG;
    config.stream.final_retry = Some((Duration::from_secs(1), Duration::from_secs(9)));
    let server = Running::<A>::new(config, server);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let socket = server.connect(GET);
            thread::spawn(move || (read_all(socket), Instant::now()))
        })
        .collect();
    soon(|| hub.stats().subscribers == CLIENTS);
    let publisher = hub.clone();
    let publishing = thread::spawn(move || {
        let mut event = 0_u64;
        while publisher.publish("", format!("{event}\n{}", "x".repeat(1000))).is_ok() {
            event += 1;
            thread::sleep(Duration::from_millis(1));
        }
    });
    thread::sleep(SOON);
    let idle = server.connect("");
    let start = Instant::now();
    let took = server.stop();
    assert!(took < LONG, "{took:?}");
    hub.close();
    publishing.join().unwrap();
    let answer = read_all(idle);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let mut retries = Vec::new();
    for client in clients {
        let (answer, ended) = client.join().unwrap();
        let (events, is_whole) = events(&answer);
        assert!(is_whole, "a clean end");
        assert!(ended < start + took + SOON);
        let number = |event: &Event| event.data().split('\n').next().unwrap().parse::<u64>().unwrap();
        assert!(events.len() > 10 && events.iter().all(|event| event.data().ends_with(&"x".repeat(1000))));
        assert!(events.windows(2).all(|two| number(&two[0]) + 1 == number(&two[1])));
        let retry = answer.rsplit_once("retry: ").unwrap().1;
        retries.push(retry.split('\n').next().unwrap().parse::<u64>().unwrap());
    }
    retries.sort_unstable();
    assert!(retries.iter().all(|retry| (1000..9000).contains(retry)));
    assert!(retries[0] + 2000 < retries[CLIENTS - 1], "spread: {retries:?}");
}

pub fn handlers_are_told_that_the_server_stops<A: Adapter>() {
    let server = A::server(|incoming| async move {
        let events = incoming.open(Response::new(200));
        events.draining().await;
        assert!(events.is_draining());
        events.send("farewell").await?;
        events.finish();
        assert!(events.is_closed() && events.send("late").await.is_err());
        Ok(())
    });
    let mut config = silent();
    config.stream.drain_window = LONG;
    let server = Running::<A>::new(config, server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    let client = thread::spawn(move || read_all(socket));
    server.stop();
    assert_eq!(client.join().unwrap(), "10\r\ndata: farewell\n\n\r\n0\r\n\r\n");
}

pub fn a_server_that_stops_waits_for_nobody_for_ever<A: Adapter>() {
    let server = A::server(|incoming| async move {
        let events = incoming.open(Response::new(200));
        events.closed().await;
        Ok(())
    });
    let mut config = silent();
    config.stream.drain_window = Duration::from_secs(1_000_000);
    config.drain_timeout = SOON;
    let server = Running::<A>::new(config, server);
    let mut socket = server.connect(GET);
    read_until(&mut socket, "\r\n\r\n");
    let took = server.stop();
    assert!(took >= SOON && took < SOON + Duration::from_secs(5), "{took:?}");
    assert_eq!(read_all(socket), "", "without an end");
}
