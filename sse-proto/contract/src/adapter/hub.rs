//! The hub's types.

use std::fmt;

use sse_proto::hub::{
    Delivery, HubConfig, PublishError, Published, Resume, Stats, SubscribeError, Subscription,
};
use sse_proto::{AsEvent, Frame};

/// A `Hub`.
pub trait Hub: Clone + Send + Sync + 'static {
    /// Its `Subscriber`.
    type Subscriber: Subscriber;

    /// An empty hub.
    fn new(config: HubConfig) -> Self;
    /// An empty hub with ids of this generation.
    fn with_generation(generation: u64, config: HubConfig) -> Self;
    /// Publishes an event.
    fn publish(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError>;
    /// Publishes an event; waits for subscribers that want that.
    async fn publish_waiting(&self, topic: &str, event: impl AsEvent) -> Result<Published, PublishError>;
    /// Subscribes from now on.
    fn subscribe(&self, subscription: &Subscription) -> Self::Subscriber;
    /// Subscribes from the oldest event on.
    fn replay(&self, subscription: &Subscription) -> Self::Subscriber;
    /// Subscribes after the event with this id.
    fn resume(&self, subscription: &Subscription, last_event_id: &str) -> (Self::Subscriber, Resume);
    /// Subscribes for a client of this name.
    fn subscribe_as(
        &self,
        client: &str,
        subscription: &Subscription,
        last_event_id: Option<&str>,
    ) -> Result<(Self::Subscriber, Resume), SubscribeError>;
    /// Closes the streams of a client.
    fn close_client(&self, client: &str) -> usize;
    /// The clients with streams.
    fn clients(&self) -> Vec<(String, usize)>;
    /// Closes a topic.
    fn close_topic(&self, topic: &str) -> bool;
    /// The number of subscribers to a topic.
    fn subscribers(&self, topic: &str) -> usize;
    /// The numbers now.
    fn stats(&self) -> Stats;
    /// Ends the stream.
    fn close(&self);
}

/// A `Subscriber`.
pub trait Subscriber: Send + 'static {
    /// What holds the bytes of a frame.
    type Bytes: AsRef<[u8]> + fmt::Debug + PartialEq;

    /// Waits for the next delivery.
    async fn recv(&mut self) -> Delivery<Frame<Self::Bytes>>;
    /// The next delivery, if there is one.
    fn try_recv(&mut self) -> Option<Delivery<Frame<Self::Bytes>>>;
}
