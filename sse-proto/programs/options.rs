//! What the example programs are started with.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

/// What is left of the arguments.
pub(crate) struct Options(Vec<String>);

impl Options {
    pub(crate) fn from_args() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Takes the value of this option.
    pub(crate) fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(place) = self.0.iter().position(|arg| arg == name) else { return Ok(None) };
        self.0.remove(place);
        let value = if place < self.0.len() { self.0.remove(place) } else { String::new() };
        value.parse().map(Some).map_err(|error| format!("{value:?} is no value for {name}: {error}"))
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("cannot do anything with {}", self.0.join(" "))) }
    }
}

/// Why the program ends at once, most often.
pub(crate) fn no_port(port: u16, error: impl Error) -> String {
    format!("cannot listen on port {port}: {error}; try another one with --port")
}
