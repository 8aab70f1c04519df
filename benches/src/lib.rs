//! Inputs of the benches: event streams like those of real services, generated identically each
//! time.

use std::fmt::Write;

/// A stream to decode, and a description of it.
#[derive(Debug)]
pub struct Input {
    /// The short name, as in `--only "decode llm 1460"`.
    pub name: &'static str,
    /// The kind of events.
    pub description: &'static str,
    /// The bytes.
    pub stream: String,
    /// The number of events.
    pub events: usize,
}

/// Returns all inputs, each a whole number of events of about `size` bytes in total.
pub fn inputs(size: usize) -> Vec<Input> {
    let input = |name, description, event: &dyn Fn(usize) -> String| {
        let mut stream = String::with_capacity(size + (2 << 20));
        let mut events = 0;
        while stream.len() < size {
            stream.push_str(&event(events));
            events += 1;
        }
        Input { name, description, stream, events }
    };
    vec![
        input("llm", "LLM chunks, 250 B of JSON", &|n| format!("data: {}\n\n", chunk(n, "text of a token"))),
        input("named", "named events, 120 B", &named),
        input("ticks", "price ticks: id, event, data", &|n| {
            format!("id: {}\nevent: AAPL\ndata: {}.{:06}\n\n", 1_700_000 + n, n % 500, n % 1_000_000)
        }),
        input("line-64k", "one line of 64 KiB per event", &|n| line_of(n, 64 << 10)),
        input("line-1m", "one line of 1 MiB per event", &|n| line_of(n, 1 << 20)),
        input("lines", "40 lines of 80 B per event", &many_lines),
        input("llm-crlf", "LLM chunks, CRLF", &|n| format!("data: {}\r\n\r\n", chunk(n, "text of a token"))),
        input("heartbeats", "heartbeats, an event for every 50", &|n| {
            ":\n\n".repeat(50) + &format!("data: {n}\n\n")
        }),
        input("llm-mixed", "LLM chunks, a third CJK and emoji", &|n| {
            format!(
                "data: {}\n\n",
                chunk(n, "我們看到的東西🙂比較多，也比較好看，再說一次：我們看到的🙂東西")
            )
        }),
        input("llm-cjk", "LLM chunks, nearly all CJK", &|n| {
            format!("data: {n}{}\n\n", "我們看到的東西比較多也比較好看再說一次".repeat(5))
        }),
        input("named-cr", "named events, CR", &|n| named(n).replace('\n', "\r")),
    ]
}

fn chunk(number: usize, text: &str) -> String {
    let mut json = format!(
        "{{\"id\":\"chatcmpl-{number:08x}\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\
         \"model\":\"model-1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]"
    );
    let padding = 248_usize.saturating_sub(json.len() + 10);
    let _ = write!(json, ",\"pad\":\"{}\"}}", "-".repeat(padding));
    json
}

fn named(number: usize) -> String {
    format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{},\"delta\":{{\"text\":\"token {:07}, and so on.\"}}}}\n\n",
        number % 10,
        number
    )
}

fn line_of(number: usize, len: usize) -> String {
    let fill = "0123456789abcdef".repeat(len / 16);
    format!("data: {number}{fill}\n\n")
}

fn many_lines(number: usize) -> String {
    let line = format!("data: {number:08}{}\n", "x".repeat(65));
    line.repeat(40) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_what_they_say() {
        for input in inputs(100_000) {
            assert!(input.stream.len() >= 100_000 && input.events > 0, "{}", input.name);
        }
        assert_eq!(named(5).len(), 120);
        assert_eq!(chunk(5, "text of a token").len(), 248);
        assert_eq!(many_lines(0).lines().filter(|line| line.len() == 79).count(), 40);
    }
}
