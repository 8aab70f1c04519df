//! The client's types of `sse-blocking`.

use std::io::Read;
use std::time::Duration;

use sse_proto::http::{HeaderError, Request, ResponseHead};
use sse_proto::source::{Session, Signal, SourceConfig, SourceError};
use sse_proto::{End, Event, EventRef, Item};

use crate::adapter::{BoxError, CloseHandle, ReadError, Reader, Source};

impl CloseHandle for sse_blocking::CloseHandle {
    fn close(&self) {
        self.close();
    }

    fn is_closed(&self) -> bool {
        self.is_closed()
    }
}

macro_rules! source {
    ($source:ty) => {
        impl Source for $source {
            type CloseHandle = sse_blocking::CloseHandle;

            fn with_config(self, config: SourceConfig) -> Self {
                self.with_config(config)
            }

            fn with_prepare(
                self,
                prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
            ) -> Self {
                self.with_prepare(prepare)
            }

            fn configure(self, change: impl FnOnce(&mut SourceConfig)) -> Self {
                self.configure(change)
            }

            fn with_header(self, name: &str, value: &str) -> Result<Self, HeaderError> {
                self.with_header(name, value)
            }

            async fn open(&mut self) -> Result<&ResponseHead, SourceError> {
                self.open()
            }

            async fn next(&mut self) -> Option<Result<Event, SourceError>> {
                Iterator::next(self)
            }

            async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
                self.next_ref()
            }

            async fn next_signal(&mut self) -> Option<Signal> {
                self.next_signal()
            }

            async fn listen(&mut self, handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError> {
                self.listen(handler)
            }

            fn last_event_id(&self) -> &str {
                self.last_event_id()
            }

            fn machine(&self) -> &Session {
                self.machine()
            }

            fn close_handle(&self) -> sse_blocking::CloseHandle {
                self.close_handle()
            }

            fn restart(&mut self) {
                self.restart();
            }

            fn close(&mut self) {
                self.close();
            }
        }
    };
}

source!(sse_blocking::EventSource);
source!(sse_blocking::HttpSource);

impl<S: Read + sse_blocking::Shutdown + std::fmt::Debug> Reader for sse_blocking::EventReader<S> {
    type CloseHandle = sse_blocking::CloseHandle;

    async fn next(&mut self) -> Option<Result<Event, ReadError>> {
        Iterator::next(self)
    }

    async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError>> {
        self.next_ref()
    }

    async fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError>> {
        self.next_item()
    }

    fn response(&self) -> Option<&ResponseHead> {
        self.response()
    }

    fn last_event_id(&self) -> &str {
        self.last_event_id()
    }

    fn retry(&self) -> Option<Duration> {
        self.retry()
    }

    fn end(&self) -> Option<End> {
        self.end()
    }

    fn close_handle(&mut self) -> sse_blocking::CloseHandle {
        self.close_handle().unwrap()
    }

    fn close(&mut self) {
        self.close();
    }
}
