//! Reading a request.

use alloc::vec::Vec;
use core::time::Duration;

use super::closed::Fault;
use super::config::ServerConfig;
use crate::Instant;
use crate::http::Version;
use crate::http1::{BodyDecoder, Framing, RequestDecoder, RequestHead, Response};

/// The state that is needed only until the request is answered.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) config: ServerConfig,
    pub(super) seed: u64,
    /// When the wait for the head, then for the body, began.
    since: Option<Instant>,
    decoder: RequestDecoder,
    pub(super) head: Option<RequestHead>,
    /// The framing of a stream that answers the request.
    pub(super) framing: Framing,
    /// The decoder of the body, once the head has arrived.
    body_decoder: Option<BodyDecoder>,
    pub(super) body: Vec<u8>,
    /// The deadline for the answer, set when the client has shut down its side.
    pub(super) answer_by: Option<Instant>,
    pub(super) wall_clock: Option<WallClock>,
    /// The unwritten rest of the interim response.
    pub(super) interim: &'static [u8],
}

impl Intake {
    const CONTINUE: &'static [u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

    pub(super) fn new(config: ServerConfig, seed: u64) -> Self {
        Self {
            seed,
            since: None,
            decoder: RequestDecoder::new().with_limits(config.head_limits),
            config,
            head: None,
            framing: Framing::None,
            body_decoder: None,
            body: Vec::new(),
            answer_by: None,
            wall_clock: None,
            interim: b"",
        }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let timeout = match self.body_decoder {
            None => self.config.head_timeout,
            Some(_) => self.config.body_timeout,
        };
        Some(self.since?.after(timeout))
    }

    /// Consumes bytes of the request from the front of `input`, and returns whether the request is
    /// complete.
    pub(super) fn read(&mut self, now: Instant, input: &mut &[u8]) -> Result<bool, Fault> {
        if self.body_decoder.is_none() {
            let Some(head) = self.decoder.decode(input)? else { return Ok(false) };
            self.accept(now, head, input.is_empty())?;
        }
        let Some(decoder) = &mut self.body_decoder else { return Ok(false) };
        loop {
            let part = decoder.decode(input)?;
            // Rejects a chunk as soon as its size is known.
            let announced = part.map_or(0, <[u8]>::len) as u64;
            let announced = announced.saturating_add(decoder.chunk_left());
            if (self.body.len() as u64).saturating_add(announced) > self.config.body_bytes as u64 {
                return Err(self.too_large());
            }
            match part {
                Some(part) => self.body.extend_from_slice(part),
                None => return Ok(decoder.is_complete()),
            }
        }
    }

    /// Reports that the client has closed its side: a fault, unless it has sent nothing at all.
    pub(super) fn handle_eof(&mut self) -> Result<(), Fault> {
        match &mut self.body_decoder {
            None => Ok(self.decoder.handle_eof()?),
            Some(decoder) => Ok(decoder.handle_eof()?),
        }
    }

    /// Adds the date to a response, if the time is known.
    pub(super) fn dated(&self, now: Instant, response: Response) -> Response {
        match self.wall_clock {
            Some(clock) => response.with_date(clock.since_unix_epoch(now)),
            None => response,
        }
    }

    fn accept(&mut self, now: Instant, head: RequestHead, nothing_follows: bool) -> Result<(), Fault> {
        if !self.config.methods.contains(&head.method()) {
            return Err(Fault::Method { method: head.method().into() });
        }
        let limit = self.config.body_bytes as u64;
        if matches!(head.framing(), Framing::Length(length) if length > limit) {
            return Err(self.too_large());
        }
        let decoder = BodyDecoder::for_request(&head).with_limits(self.config.head_limits);
        // RFC 9110 section 10.1.1.
        let expects = head.header("expect").is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
        if expects && nothing_follows && !decoder.is_complete() && head.version() == Version::Http11 {
            self.interim = Self::CONTINUE;
        }
        self.since = Some(now);
        self.framing = head.stream_framing();
        self.body_decoder = Some(decoder);
        self.head = Some(head);
        Ok(())
    }

    fn too_large(&self) -> Fault {
        Fault::BodyTooLarge { limit: self.config.body_bytes }
    }
}

/// The wall clock time, and when it was reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    at: Instant,
    since_unix_epoch: Duration,
}

impl WallClock {
    pub(super) fn new(at: Instant, since_unix_epoch: Duration) -> Self {
        Self { at, since_unix_epoch }
    }

    fn since_unix_epoch(self, now: Instant) -> Duration {
        self.since_unix_epoch.saturating_add(now.since(self.at))
    }
}
