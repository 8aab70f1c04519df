//! Servers of their own for each test, which end with it.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sse_redis::{RedisConfig, RedisLog};

/// A port that is free, below those that the system gives to connections.
pub(crate) fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let port =
            20_000 + (std::process::id() as u16 % 100) * 100 + NEXT.fetch_add(1, Ordering::Relaxed) % 2000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until something is true.
pub(crate) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process that is killed when it is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_owned();
        Self(command.stdout(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{name:?}: {error}")))
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A Redis.
pub(crate) struct Redis {
    pub(crate) process: Process,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    arguments: Vec<String>,
    /// Options of `redis-cli`.
    pub(crate) client: Vec<String>,
}

impl Redis {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_on(free_port(), arguments)
    }

    pub(crate) fn start_on(port: u16, arguments: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("sse-redis-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut all = vec!["--dir".to_owned(), folder.to_str().unwrap().to_owned()];
        all.extend(["--save", "", "--bind", "127.0.0.1", "--port"].map(str::to_owned));
        all.push(port.to_string());
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let client = vec!["-p".to_owned(), port.to_string()];
        let this = Self { process: Self::spawn(&all), port, folder, arguments: all, client };
        wait_until("redis-server accepts connections", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        this
    }

    fn spawn(arguments: &[String]) -> Process {
        Process::start(Command::new("redis-server").args(arguments))
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn restart(&mut self) {
        self.process = Self::spawn(&self.arguments);
        let ready = |this: &Self| this.ask(&["ping"]).stdout.starts_with(b"PONG");
        wait_until("redis-server is back", || ready(self));
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn log(&self) -> RedisLog {
        self.log_with(RedisConfig::default())
    }

    pub(crate) fn log_with(&self, config: RedisConfig) -> RedisLog {
        RedisLog::with_config(self.url(), "news", config).unwrap()
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        Command::new("redis-cli").args(&self.client).args(arguments).output().unwrap()
    }

    /// Runs a command, and returns the answer.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success() && !answer.starts_with("ERR"), "{arguments:?}: {answer}");
        answer
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The folder in which cargo has built the examples.
pub(crate) fn examples() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).map(|folder| Path::join(folder, "examples")).unwrap()
}
