//! Asks a language model and prints its answer as it arrives: a POST to any service with OpenAI's
//! chat completions API.
//!
//! ```sh
//! API_KEY=... cargo run -p sse-tokio --features rustls --example chat -- https://llm.example/v1 MODEL "Why?"
//! cargo run -p sse-tokio --example chat -- http://127.0.0.1:11434/v1 MODEL "Why?"
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use sse_tokio::{EndMarker, EventSource, Request, SourceConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, model, question] = &args[..] else {
        return Err("usage: chat URL MODEL QUESTION".into());
    };
    let body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": question }],
        "stream": true,
    });
    let mut request = Request::new("POST", &format!("{}/chat/completions", url.trim_end_matches('/')))?
        .with_header("Content-Type", "application/json")?
        .with_body(body.to_string());
    if let Ok(key) = std::env::var("API_KEY") {
        request.set_header("Authorization", &format!("Bearer {key}"))?;
    }

    let mut config = SourceConfig::default();
    // A stream that ends without the marker was cut. The source never repeats a POST by default,
    // because repeating it may cost money.
    config.end = EndMarker::Data("[DONE]".into());
    config.timeouts.silence = Some(Duration::from_secs(60));
    let mut source = EventSource::new(request).with_config(config);

    let mut out = io::stdout();
    while let Some(event) = source.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                // The body of a refused response usually explains the error.
                eprintln!("{error}\n{}", String::from_utf8_lossy(source.machine().refused_body()));
                return Ok(ExitCode::FAILURE);
            }
        };
        let chunk: Value = serde_json::from_str(event.data())?;
        if let Some(text) = chunk["choices"][0]["delta"]["content"].as_str() {
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
    }
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}
