//! What an event source over an HTTP client of the user's must do, in every adapter. The server is plain `std::net` sockets on threads.

mod responses;
mod streams;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use sse_proto::http::Request;
use sse_proto::source::{Backoff, EndMarker, SourceConfig};

pub use self::responses::*;
pub use self::streams::*;
use crate::adapter::{HttpClient, Source};
use crate::faults::{EVENT_STREAM, sees_close};

/// Makes test functions of the suite.
#[macro_export]
macro_rules! http_source_suite {
    ($adapter:ty) => {
        $crate::async_tests! {
            http_source, $adapter as $crate::adapter::HttpClient;
            it_connects_again_with_the_last_event_id
            a_retry_after_date_is_compared_with_the_clock_of_the_system
            it_follows_redirects_without_what_is_not_meant_for_others
            a_body_goes_along_with_a_redirect_unless_it_is_vetoed
            a_refused_response_says_why
            a_response_without_a_media_type_is_read_on_request
            status_204_stops_it
            failures_of_the_client_are_transient
            a_body_that_is_cut_gives_its_events_first
            a_last_event_without_its_blank_line_counts_at_a_clean_end_only
            a_body_in_which_nothing_is_recognised_shows_it
            silence_times_out
            a_limit_does_not_end_it
            closing_from_elsewhere_ends_what_waits
            closing_ends_the_wait_for_the_next_attempt
            a_restart_asks_again_at_once
            every_attempt_is_prepared
        }
    };
}

pub type Script = Box<dyn FnOnce(&mut TcpStream) + Send>;

/// A server that does these scripts, each on a connection of its own. Gives its URL, and the requests as they come.
pub fn serve(scripts: impl IntoIterator<Item = Script>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sse", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::channel();
    let scripts: Vec<Script> = scripts.into_iter().collect();
    thread::spawn(move || {
        for script in scripts {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = seen.send(read_request(&mut socket).to_lowercase());
            thread::spawn(move || script(&mut socket));
        }
    });
    (url, requests)
}

fn read_request(socket: &mut TcpStream) -> String {
    let mut reader = BufReader::with_capacity(1, socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

pub fn respond(response: impl Into<String>) -> Script {
    let response = response.into();
    Box::new(move |socket| socket.write_all(response.as_bytes()).unwrap())
}

pub fn events(body: &str) -> Script {
    respond(format!("{EVENT_STREAM}{body}"))
}

/// Sends this, and nothing more.
pub fn until_close(before: &'static str) -> Script {
    Box::new(move |socket| {
        socket.write_all(before.as_bytes()).unwrap();
        sees_close(socket);
    })
}

pub fn get(url: &str) -> Request {
    Request::get(url).unwrap()
}

/// Waits as little as may be, and ends with an event called `bye`.
pub fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.backoff.base = Backoff::FLOOR;
    config.backoff.factor = 1;
    config.end = EndMarker::Name("bye".into());
    config
}

pub fn source<C: HttpClient>(url: &str, config: SourceConfig) -> C::Source {
    C::source(get(url)).with_config(config)
}
