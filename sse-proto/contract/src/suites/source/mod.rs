//! What the event source of every adapter must do, on real sockets and against the worst servers, in bounded memory. What is decided,
//! and when, is tested in virtual time by `sse-proto/tests/source`.

mod attempts;
mod closing;
mod streams;

use std::io;
use std::time::Duration;

use sse_proto::http::Request;
use sse_proto::source::{Cause, CloseReason, Signal, SourceConfig};

use crate::adapter::{Adapter, Source};

pub use self::attempts::*;
pub use self::closing::*;
pub use self::streams::*;

/// Makes test functions of the suite. The test program needs `allocation-counter`, to limit the memory of the client.
#[macro_export]
macro_rules! source_suite {
    ($adapter:ty) => {
        mod source {
            use super::*;

            $crate::source_suite! {
                $adapter, MEMORY;
                nobody_listens
                a_connection_that_is_never_made_is_given_up
                a_response_that_never_comes_is_given_up
                a_head_that_drips_is_too_late
                framing_that_servers_really_send_is_read
                a_retry_after_date_is_compared_with_the_clock_of_the_system
                requests_name_the_library_unless_the_user_names_another
                an_id_that_is_too_long_for_servers_is_kept_and_not_sent
                a_head_without_end_is_refused
                redirects_without_end_are_refused
                a_refused_response_without_end_is_cut_off
                a_response_without_a_media_type_is_read_on_request
                a_server_that_answers_and_closes_is_asked_less_and_less
                a_reset_inside_an_event_loses_only_that
                a_peer_that_vanishes_is_noticed_by_its_silence
                while_it_waits_there_is_no_connection
                bytes_that_drip_are_events_in_the_end_and_no_silence
                comments_without_end_are_no_events
                an_event_without_end_is_skipped_once
                the_time_for_the_whole_is_kept_whatever_the_server_does
                the_plain_stream_has_no_error_for_a_normal_end
                a_marker_without_its_blank_line_counts_at_a_clean_end_only
                a_body_in_which_nothing_is_recognised_shows_it
                a_name_with_several_addresses_is_tried_through
                an_address_with_a_zone_is_connected_to_and_named_without_it
                opening_waits_for_the_answer
                an_event_can_be_a_failure
                each_attempt_is_prepared_anew
                a_token_stays_at_home_whatever_a_hook_makes_of_the_url
                restarting_leaves_the_stream_for_a_new_one_that_goes_on
                a_handler_can_close_the_source_while_more_events_wait
                closing_ends_whatever_blocks_at_once
                dropping_a_source_frees_its_socket
            }
            $crate::source_suite! { $adapter, MEMORY_FOR_A_BODY; a_request_that_nobody_reads_is_given_up }
        }
    };
    ($adapter:ty, $memory:ident; $($test:ident)*) => {
        $(
            #[test]
            fn $test() {
                let measured = allocation_counter::measure(|| {
                    <$adapter as $crate::adapter::Adapter>::block_on($crate::suites::source::$test::<$adapter>());
                });
                let (held, most) = (measured.bytes_max, $crate::suites::source::$memory);
                assert!(held <= most, "{held} bytes were held");
            }
        )*
    };
}

/// Some time that is short for a test, and long for a socket of this machine.
pub(super) const SOON: Duration = Duration::from_millis(200);

/// Three attempts, without much delay in between.
pub fn config() -> SourceConfig {
    let mut config = SourceConfig::default();
    config.backoff.base = Duration::from_millis(10);
    config.backoff.jitter_percent = 0;
    config.max_attempts = Some(3);
    config
}

fn source<A: Adapter>(url: &str, config: SourceConfig) -> A::Source {
    A::source(Request::get(url).unwrap()).with_config(config)
}

/// What happened, in a few words.
pub fn tell(signal: Signal) -> String {
    match signal {
        Signal::Opened(head) => format!("open {}", head.status()),
        Signal::Event(event) => event.into_data(),
        Signal::Comment(text) => format!(":{text}"),
        Signal::Reconnecting { cause, attempt, .. } => format!("failure {attempt}: {}", name(&cause)),
        Signal::Closed(CloseReason::Lost { cause, attempts }) => {
            format!("lost after {attempts}: {}", name(&cause))
        }
        Signal::Closed(reason) => format!("closed: {reason}"),
        other => format!("{other:?}"),
    }
}

/// The cause; an error of the transport without the wording of the system.
fn name(cause: &Cause) -> String {
    match cause {
        Cause::Transport(error) => match error.downcast_ref::<io::Error>() {
            Some(error) => format!("{:?}", error.kind()),
            None => error.to_string(),
        },
        other => other.to_string(),
    }
}

/// Asserts what happens, to the end or as far as it is told.
async fn check(source: &mut impl Source, expected: impl IntoIterator<Item = &str>) {
    for expected in expected {
        assert_eq!(source.next_signal().await.map(tell).as_deref(), Some(expected));
    }
}

/// The memory that the client may hold in a test, in bytes.
pub const MEMORY: u64 = 512 * 1024;

/// The same for a large request: its body four times, as the user gave it, for the attempt, for the hook, as bytes to be sent.
pub const MEMORY_FOR_A_BODY: u64 = 4 * BODY as u64 + MEMORY;

/// The length of a body that is larger than the buffers of both sides.
const BODY: usize = 16 << 20;
