//! A client of event streams for pages that need more than the browser's `EventSource`: headers, other
//! methods, a bound on attempts, reasons. `fetch` does the HTTP, the machine of `sse-proto` decides when
//! to connect, to wait and to stop.
//!
//! ```js
//! import init, { follow } from "./sse_wasm.js";
//! await init();
//! const reason = await follow(url, [["Authorization", "Bearer …"]],
//!   (name, data, id) => …, change => console.log(change));
//! ```

use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use sse_proto::Instant;
use sse_proto::http::{Request, ResponseHead};
use sse_proto::source::{Change, Session, Signal, Want};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestCache, RequestInit, Response, Window,
};

/// Follows a stream. Calls `on_event` with the name, the data and the last event id of each event, and
/// `on_change` with a text for all else that happens. Resolves with the reason when the stream is over.
///
/// # Errors
/// If the URL or a header is not valid, or there is no window.
#[wasm_bindgen]
pub async fn follow(
    url: String,
    headers: Vec<Array>,
    on_event: Function,
    on_change: Function,
) -> Result<String, JsError> {
    let window = web_sys::window().ok_or_else(|| JsError::new("there is no window"))?;
    let mut request = Request::get(&url)?;
    for header in headers {
        let text = |index| header.get(index).as_string().unwrap_or_default();
        request = request.with_header(&text(0), &text(1))?;
    }
    let clock = window.performance().ok_or_else(|| JsError::new("there is no clock"))?;
    let now = || Instant::from_epoch(Duration::from_secs_f64(clock.now() / 1000.0));
    let mut session = Session::new(request, js_sys::Math::random().to_bits());
    let mut connection = None;
    loop {
        let (want, deadline) = session.want_signal(now());
        let left = deadline.map(|deadline| deadline.since(now()));
        match want {
            Want::Prepare => session.handle_prepared(now()),
            Want::Request => {
                let (head, opened) = match within(&window, left, connect(&window, session.request())).await {
                    None => {
                        session.handle_deadline(now());
                        continue;
                    }
                    Some(Err(error)) => {
                        session.handle_failed(now(), error);
                        continue;
                    }
                    Some(Ok(answer)) => answer,
                };
                connection = Some(opened);
                session.handle_connected(now());
                session.handle_response(now(), head);
            }
            Want::Read => {
                let Some(connection) = &mut connection else {
                    session.handle_end(now());
                    continue;
                };
                match within(&window, left, connection.read()).await {
                    None => session.handle_deadline(now()),
                    Some(Err(error)) => session.handle_failed(now(), error),
                    Some(Ok(bytes)) if bytes.is_empty() => session.handle_end(now()),
                    Some(Ok(mut bytes)) => {
                        let taken = session.handle_bytes(now(), &bytes);
                        connection.rest = bytes.split_off(taken);
                    }
                }
            }
            Want::Wait => {
                connection = None;
                within(&window, left, std::future::pending::<()>()).await;
                session.handle_deadline(now());
            }
            Want::Yield => drop(within(&window, Some(Duration::ZERO), std::future::pending::<()>()).await),
            _ => match session.take_signal() {
                Some(Signal::Event(event)) => {
                    let id = session.last_event_id().to_owned();
                    let _ = on_event.call3(
                        &JsValue::NULL,
                        &event.name().into(),
                        &event.data().into(),
                        &id.into(),
                    );
                }
                Some(Signal::Opened(head)) => tell(&on_change, Change::Opened(&head)),
                Some(Signal::Reconnecting { cause, attempt, delay }) => {
                    tell(&on_change, Change::Reconnecting { cause: &cause, attempt, delay });
                }
                Some(Signal::Closed(reason)) => return Ok(reason.to_string()),
                _ => {}
            },
        }
    }
}

fn tell(on_change: &Function, change: Change<'_>) {
    let _ = on_change.call1(&JsValue::NULL, &change.to_string().into());
}

/// A response whose body is read. Dropping it ends the request.
struct Connection {
    reader: ReadableStreamDefaultReader,
    abort: AbortController,
    /// The read that is under way, also when nobody waits for it.
    reading: Option<JsFuture>,
    /// What was read and not taken.
    rest: Vec<u8>,
}

impl Connection {
    /// Returns some of the body, or nothing at its end.
    async fn read(&mut self) -> Result<Vec<u8>, JsValue> {
        if !self.rest.is_empty() {
            return Ok(std::mem::take(&mut self.rest));
        }
        let reading = self.reading.get_or_insert_with(|| JsFuture::from(self.reader.read()));
        let part = reading.await;
        self.reading = None;
        let part = part?;
        let bytes = Reflect::get(&part, &"value".into())?;
        Ok(if bytes.is_undefined() { Vec::new() } else { Uint8Array::new(&bytes).to_vec() })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

async fn connect(window: &Window, request: &Request) -> Result<(ResponseHead, Connection), JsValue> {
    let (headers, abort) = (Headers::new()?, AbortController::new()?);
    for (name, value) in request.headers_to_send() {
        headers.append(name, &String::from_utf8_lossy(&value))?;
    }
    let init = RequestInit::new();
    init.set_method(request.method());
    init.set_headers(&headers);
    init.set_cache(RequestCache::NoStore);
    init.set_signal(Some(&abort.signal()));
    let request = web_sys::Request::new_with_str_and_init(&request.url().to_string(), &init)?;
    let response: Response = JsFuture::from(window.fetch_with_request(&request)).await?.dyn_into()?;
    let mut head = ResponseHead::new(response.status());
    // The browser has followed redirects, and decoded the body.
    for name in ["content-type", "retry-after", "date"] {
        if let Some(value) = response.headers().get(name)? {
            head = head.with_header(name, value.as_bytes());
        }
    }
    let body = response.body().ok_or("the response has no body")?;
    let reader = body.get_reader().dyn_into()?;
    Ok((head, Connection { reader, abort, reading: None, rest: Vec::new() }))
}

/// Waits for a future, but no longer than this.
async fn within<T>(window: &Window, limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    let Some(limit) = limit else { return Some(future.await) };
    // Rounded up, so that the deadline has passed.
    let millis = i32::try_from(limit.as_millis().saturating_add(1)).unwrap_or(i32::MAX);
    let mut timer = None;
    let expired = Promise::new(&mut |resolve, _| {
        timer = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis).ok();
    });
    let (mut future, mut expired) = (Box::pin(future), JsFuture::from(expired));
    let result = std::future::poll_fn(|cx| {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(cx) {
            return std::task::Poll::Ready(Some(value));
        }
        std::pin::Pin::new(&mut expired).poll(cx).map(|_| None)
    });
    let result = result.await;
    timer.into_iter().for_each(|timer| window.clear_timeout_with_handle(timer));
    result
}
