//! A runtime of the smallest kind: a thread for each task, and a clock that wakes every waiting task each millisecond. What an
//! adapter to another runtime has to bring is the part before the tests.

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Mutex, Once};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use socket2::SockRef;
use sse_async::{Reads, Runtime, Timer, Writes};

#[derive(Debug)]
enum Toy {}

impl Runtime for Toy {
    const USER_AGENT: &'static str = "toy/1.0";

    type Socket = TcpStream;
    type Listener = TcpListener;
    type Timer = ToyTimer;
    type Tasks = ();

    async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.collect())
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let connecting = thread::spawn(move || TcpStream::connect(address));
        poll_fn(|cx| if connecting.is_finished() { Poll::Ready(()) } else { wait(cx) }).await;
        let socket = connecting.join().map_err(|_| io::ErrorKind::Other)??;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    fn poll_accept(
        listener: &TcpListener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        listener.set_nonblocking(true)?;
        poll_io(cx, || {
            let (socket, peer) = listener.accept()?;
            socket.set_nonblocking(true)?;
            Ok((socket, peer))
        })
    }

    fn socket_ref(socket: &TcpStream) -> SockRef<'_> {
        SockRef::from(socket)
    }

    fn spawn((): &(), task: impl Future<Output = ()> + Send + 'static) {
        thread::spawn(|| block_on(task));
    }
}

#[derive(Default)]
struct ToyTimer;

impl Timer for ToyTimer {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        if Instant::now() >= deadline { Poll::Ready(()) } else { wait(cx) }
    }
}

impl<S: Read + Unpin> Reads<S> for Toy {
    fn poll_read(mut stream: Pin<&mut S>, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_io(cx, || stream.read(space))
    }
}

impl<S: Write + Closes + Unpin> Writes<S> for Toy {
    fn poll_write(mut stream: Pin<&mut S>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        poll_io(cx, || stream.write(bytes))
    }

    fn poll_flush(mut stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_io(cx, || stream.flush())
    }

    fn poll_shutdown(stream: Pin<&mut S>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(stream.close())
    }
}

/// `std::io` has no trait for this.
trait Closes {
    fn close(&self) -> io::Result<()>;
}

impl Closes for TcpStream {
    fn close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

fn poll_io<T>(cx: &Context<'_>, mut call: impl FnMut() -> io::Result<T>) -> Poll<io::Result<T>> {
    match call() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(cx),
        done => Poll::Ready(done),
    }
}

/// Wakes the task within a millisecond.
fn wait<T>(cx: &Context<'_>) -> Poll<T> {
    static WAITING: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
    static CLOCK: Once = Once::new();
    CLOCK.call_once(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_millis(1));
                let woken = std::mem::take(&mut *WAITING.lock().unwrap());
                woken.into_iter().for_each(Waker::wake);
            }
        });
    });
    WAITING.lock().unwrap().push(cx.waker().clone());
    Poll::Pending
}

mod programs {
    use sse_async::proto::Event;
    use sse_async::proto::http1::Response;
    use sse_async::proto::hub::{HubConfig, Subscription};
    use sse_async::proto::source::Signal;

    use super::*;

    type EventSource = sse_async::EventSource<Toy>;
    type Server = sse_async::Server<Toy>;
    type Hub = sse_async::Hub<Toy>;

    #[test]
    fn a_source_follows_a_server_over_a_cut() {
        let hub = Hub::new(HubConfig::default());
        let publisher = hub.clone();
        let server = Server::new(move |incoming| {
            let hub = hub.clone();
            async move {
                assert_eq!(incoming.head().header("user-agent"), Some(&b"toy/1.0"[..]));
                let events = incoming.subscribe(&hub, &Subscription::to(["prices"]));
                let is_first = incoming.last_event_id().is_none();
                let stream = incoming.open(Response::new(200));
                let mut events = events;
                if is_first {
                    let sse_async::proto::hub::Delivery::Event(frame) = events.recv().await else {
                        return Err("an event".into());
                    };
                    stream.send_frame(frame).await?;
                    stream.finish_with_retry();
                    return Ok(());
                }
                Ok(stream.forward(&mut events).await?)
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/sse", listener.local_addr().unwrap());
        let handle = server.handle();
        let serving = thread::spawn(move || block_on(server.serve(listener)));

        let mut source = EventSource::get(&url).unwrap();
        let received = block_on(async {
            while !matches!(source.next_signal().await, Some(Signal::Opened(_))) {}
            for price in ["1", "2", "3"] {
                publisher.publish("prices", price).unwrap();
            }
            let mut received = Vec::new();
            while received.len() < 3 {
                let event: Event = source.next().await.unwrap().unwrap();
                received.push(event.data().to_owned());
            }
            received
        });
        assert_eq!(received, ["1", "2", "3"]);
        drop(source);
        handle.shutdown();
        serving.join().unwrap();
    }
}
