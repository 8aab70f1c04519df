//! The path of the bytes: from the buffer through the framing to the decoder.

use alloc::vec::Vec;
#[cfg(feature = "http1")]
use core::ops::Range;

use super::{Gunzip, ReceiveError, Receiver, text};
use crate::decode::{Beginning, Found};
#[cfg(feature = "http1")]
use crate::http1::{ResponseDecoder, ResponseError, ResponsePart};
use crate::{Decoder, End, LimitExceeded};

/// A result of processing the available bytes.
#[derive(Debug)]
pub(crate) enum Step {
    /// The head of the response has arrived.
    #[cfg(feature = "http1")]
    Head,
    /// An event or another item was found.
    Found,
    /// The next step needs a read.
    Empty,
    /// The body has ended, according to its framing.
    End,
}

/// A [`ResponsePart`] whose bytes lie in the buffer.
#[cfg(feature = "http1")]
enum Part {
    Head,
    Interim,
    Body(Range<usize>),
}

/// Consumes unread bytes of the buffer up to the next part of the response.
#[cfg(feature = "http1")]
fn decode_part(
    response: &mut ResponseDecoder,
    buffer: &[u8],
    unread: &mut Range<usize>,
) -> Result<Option<Part>, ResponseError> {
    let mut input = buffer.get(unread.clone()).unwrap_or_default();
    let part = response.decode(&mut input)?;
    unread.start = unread.end - input.len();
    Ok(part.map(|part| match part {
        ResponsePart::Head(_) => Part::Head,
        ResponsePart::Interim(_) => Part::Interim,
        // The bytes lie in the input, right before its remainder.
        ResponsePart::Body(bytes) => Part::Body(unread.start - bytes.len()..unread.start),
    }))
}

/// The steps that a receiver and a [`Session`](crate::source::Session) share.
impl Receiver {
    /// Takes the next step.
    #[inline]
    pub(crate) fn advance<const OBSERVE: bool>(&mut self) -> Result<Step, ReceiveError> {
        loop {
            if self.decode::<OBSERVE>()? {
                return Ok(Step::Found);
            }
            if let Some(step) = self.unframe()? {
                return Ok(step);
            }
        }
    }

    /// Like [`advance`](Self::advance), as far as the bytes that have been read make an event. Everything
    /// else is left to `advance`.
    #[inline]
    pub(crate) fn advance_buffered(&mut self) -> Result<bool, LimitExceeded> {
        loop {
            if self.decode::<false>()? {
                return Ok(true);
            }
            // An error of the framing is returned again by the next call; one of gzip is not.
            let is_plain = !self.unread.is_empty() && self.gunzip.is_none();
            if !is_plain || !matches!(self.unframe(), Ok(None)) {
                return Ok(false);
            }
        }
    }

    /// Decodes the available body bytes up to the next item.
    #[inline]
    pub(crate) fn decode<const OBSERVE: bool>(&mut self) -> Result<bool, LimitExceeded> {
        self.found = None;
        // Nothing to decode, and nothing that the decoder is to give back.
        if self.body.is_empty() && !self.decoder.lends() {
            return Ok(false);
        }
        self.chunk = self.body.clone();
        let mut input = text(&self.gunzip, &self.buffer).get(self.chunk.clone()).unwrap_or_default();
        let found = self.decoder.advance::<OBSERVE>(&mut input);
        self.body.start = self.body.end - input.len();
        self.found = found?;
        if matches!(self.found, Some(Found::Event)) {
            self.idle_reads = 0;
        }
        Ok(self.found.is_some())
    }

    /// Finds the next body bytes in the bytes read, and decompresses them. `None` means that there
    /// are some.
    pub(crate) fn unframe(&mut self) -> Result<Option<Step>, ReceiveError> {
        if self.gunzip.is_some() {
            return self.gunzip();
        }
        let step = self.unframe_coded()?;
        if step.is_none() {
            self.recognize();
        }
        Ok(step)
    }

    /// Finds the next bytes of a compressed body.
    fn gunzip(&mut self) -> Result<Option<Step>, ReceiveError> {
        loop {
            let Some(gunzip) = &mut self.gunzip else { return Ok(None) };
            let count = gunzip.next(&self.buffer)?;
            if count > 0 {
                self.body = 0..count;
                self.recognize();
                return Ok(None);
            }
            let step = self.unframe_coded()?;
            let Some(gunzip) = &mut self.gunzip else { return Ok(step) };
            match step {
                None => gunzip.push(core::mem::replace(&mut self.body, 0..0)),
                Some(Step::End) => {
                    gunzip.finish()?;
                    return Ok(step);
                }
                Some(_) => return Ok(step),
            }
        }
    }

    /// Decompresses the body from here on.
    pub(crate) fn expect_gzip(&mut self) {
        self.gunzip = Gunzip::new(self.capacity);
    }

    /// Finds the next body bytes as they were sent.
    fn unframe_coded(&mut self) -> Result<Option<Step>, ReceiveError> {
        #[cfg(feature = "http1")]
        if let Some(response) = &mut self.response {
            let part = decode_part(response, &self.buffer, &mut self.unread)?;
            match part {
                Some(Part::Head) => return Ok(Some(Step::Head)),
                Some(Part::Body(body)) => {
                    self.body = body;
                    self.join_chunks();
                    return Ok(None);
                }
                Some(Part::Interim) => return Ok(None),
                None => {}
            }
            if self.ended {
                response.handle_eof()?;
            }
            return Ok(Some(if response.is_complete() { Step::End } else { Step::Empty }));
        }
        if !self.unread.is_empty() {
            self.body = core::mem::replace(&mut self.unread, 0..0);
            return Ok(None);
        }
        Ok(Some(if self.ended { Step::End } else { Step::Empty }))
    }

    /// Moves the data of all further chunks that have been read behind the data of the first one. Servers
    /// send an event a chunk, and to decode many events at once is faster than to start again for each.
    #[cfg(feature = "http1")]
    fn join_chunks(&mut self) {
        let Some(response) = &mut self.response else { return };
        while !self.unread.is_empty() {
            // An error is returned again by the next call, after the events before it.
            let Ok(Some(Part::Body(next))) = decode_part(response, &self.buffer, &mut self.unread) else {
                return;
            };
            let end = self.body.end + next.len();
            // Cannot panic: the data only moves to the front, past its framing.
            self.buffer.copy_within(next, self.body.end);
            self.body.end = end;
        }
    }

    /// Looks for the first field or comment in new body bytes.
    fn recognize(&mut self) {
        if let Some(beginning) = &mut self.beginning {
            if beginning.push(text(&self.gunzip, &self.buffer).get(self.body.clone()).unwrap_or_default()) {
                self.beginning = None;
            }
        }
    }

    /// Reports that no more bytes will arrive.
    pub(crate) fn handle_end(&mut self) {
        self.ended = true;
    }

    /// Keeps up to `bytes` bytes of the stream until a line is recognised.
    pub(crate) fn keep_beginning(&mut self, bytes: usize) {
        self.beginning = Some(Beginning::new(bytes));
    }

    /// At the end of the stream: returns its beginning if no line was recognised.
    pub(crate) fn take_unrecognized(&mut self) -> Option<Vec<u8>> {
        self.beginning.take()?.finish()
    }

    /// At the end of the stream: completes first the last line, then the last block, one per call.
    /// Returns `false` if nothing is incomplete.
    pub(crate) fn complete(&mut self) -> bool {
        let is_complete = self.decoder.end() == End::Clean;
        let first = match &mut self.gunzip {
            Some(gunzip) => gunzip.plain_mut().first_mut(),
            None => self.space().first_mut(),
        };
        if let (false, Some(first)) = (is_complete, first) {
            *first = b'\n';
            self.body = 0..1;
        }
        !is_complete
    }

    /// Moves available body bytes to `kept` instead of decoding them, up to a length of `limit`.
    /// Drops the bytes beyond.
    pub(crate) fn move_body(&mut self, kept: &mut Vec<u8>, limit: usize) -> Result<Step, ReceiveError> {
        loop {
            let body = core::mem::replace(&mut self.body, 0..0);
            let bytes = text(&self.gunzip, &self.buffer).get(body).unwrap_or_default();
            let room = limit.saturating_sub(kept.len());
            kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            if let Some(step) = self.unframe()? {
                return Ok(step);
            }
        }
    }

    /// Returns whether to read now. Returns `false` once after many idle reads, so that other tasks
    /// can run.
    pub(crate) fn may_read(&mut self) -> bool {
        let may = self.idle_reads < Self::MOST_IDLE_READS;
        if !may {
            self.idle_reads = 0;
        }
        may
    }

    /// Returns whether all available bytes have been processed.
    pub(crate) fn is_empty(&self) -> bool {
        if self.gunzip.as_ref().is_some_and(|gunzip| !gunzip.is_empty()) {
            return false;
        }
        self.unread.is_empty() && self.body.is_empty()
    }

    pub(crate) fn forget_found(&mut self) {
        self.found = None;
    }

    /// Drops the rest of a response, to prepare for the next one.
    pub(crate) fn clear(&mut self) {
        (self.unread, self.body, self.found) = (0..0, 0..0, None);
        (self.beginning, self.ended, self.idle_reads) = (None, false, 0);
        self.gunzip = None;
        #[cfg(feature = "http1")]
        {
            self.response = None;
        }
    }

    pub(crate) fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    #[cfg(feature = "http1")]
    pub(crate) fn is_http1(&self) -> bool {
        self.response.is_some()
    }

    /// Expects an HTTP/1.1 response next.
    #[cfg(feature = "http1")]
    pub(crate) fn expect(&mut self, response: ResponseDecoder) {
        self.response = Some(response);
    }
}
