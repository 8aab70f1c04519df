//! The command line of the example programs.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

/// The arguments that are left.
#[derive(Debug)]
pub struct Options(Vec<String>);

impl Options {
    /// The arguments of this program.
    pub fn from_args() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Takes the value of this option.
    ///
    /// # Errors
    /// If there is no value, or one of another type.
    pub fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(place) = self.0.iter().position(|arg| arg == name) else { return Ok(None) };
        self.0.remove(place);
        let value = if place < self.0.len() { self.0.remove(place) } else { String::new() };
        value.parse().map(Some).map_err(|error| format!("{value:?} is no value for {name}: {error}"))
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// If there is an argument that nobody took.
    pub fn finish(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("cannot do anything with {}", self.0.join(" "))) }
    }
}

/// The error of a port that is in use, the most frequent reason why a server does not start.
pub fn no_port(port: u16, error: impl Error) -> String {
    format!("cannot listen on port {port}: {error}; try another one with --port")
}
