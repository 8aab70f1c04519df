//! The client's types of `sse_async`.

use std::fmt;
use std::future::ready;
use std::time::Duration;

use sse_async::Reads;
use sse_proto::http::{HeaderError, Request, ResponseHead};
use sse_proto::source::{Session, Signal, SourceConfig, SourceError};
use sse_proto::{End, Event, EventRef, Item};

use crate::adapter::{BoxError, CloseHandle, Executor, ReadError, Reader, Source};

impl CloseHandle for sse_async::CloseHandle {
    fn close(&self) {
        self.close();
    }

    fn is_closed(&self) -> bool {
        self.is_closed()
    }
}

macro_rules! source {
    ($source:ty) => {
        impl<R: Executor> Source for $source {
            type CloseHandle = sse_async::CloseHandle;

            fn with_config(self, config: SourceConfig) -> Self {
                self.with_config(config)
            }

            fn with_prepare(
                self,
                mut prepare: impl FnMut(Request) -> Result<Request, BoxError> + Send + 'static,
            ) -> Self {
                self.with_prepare(move |request| ready(prepare(request)))
            }

            fn configure(self, change: impl FnOnce(&mut SourceConfig)) -> Self {
                self.configure(change)
            }

            fn with_header(self, name: &str, value: &str) -> Result<Self, HeaderError> {
                self.with_header(name, value)
            }

            async fn open(&mut self) -> Result<&ResponseHead, SourceError> {
                self.open().await
            }

            async fn next(&mut self) -> Option<Result<Event, SourceError>> {
                self.next().await
            }

            async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, SourceError>> {
                self.next_ref().await
            }

            async fn next_signal(&mut self) -> Option<Signal> {
                self.next_signal().await
            }

            async fn listen(&mut self, handler: impl FnMut(EventRef<'_>)) -> Result<(), SourceError> {
                self.listen(handler).await
            }

            fn last_event_id(&self) -> &str {
                self.last_event_id()
            }

            fn machine(&self) -> &Session {
                self.machine()
            }

            fn close_handle(&self) -> sse_async::CloseHandle {
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

source!(sse_async::EventSource<R>);
source!(sse_async::HttpSource<R>);

impl<S: Unpin + fmt::Debug, R: Reads<S>> Reader for sse_async::EventReader<S, R> {
    type CloseHandle = sse_async::CloseHandle;

    async fn next(&mut self) -> Option<Result<Event, ReadError>> {
        self.next().await
    }

    async fn next_ref(&mut self) -> Option<Result<EventRef<'_>, ReadError>> {
        self.next_ref().await
    }

    async fn next_item(&mut self) -> Option<Result<Item<'_>, ReadError>> {
        self.next_item().await
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

    fn close_handle(&mut self) -> sse_async::CloseHandle {
        self.close_handle()
    }

    fn close(&mut self) {
        self.close();
    }
}
