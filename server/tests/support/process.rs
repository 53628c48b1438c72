//! The product as other programs see it: its binary run to its end, or serving until it is dropped.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::postgres::Database;

/// The binary under test.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_guardianflow")
}

/// A command that no setting of the tester's own shell reaches.
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if ["GF_", "LEPTOS_", "PG", "DATABASE_", "MLFLOW_"].iter().any(|ours| name.starts_with(ours)) {
            command.env_remove(&key);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }
    #[track_caller]
    pub fn fine(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

/// Runs a prepared command to its end.
pub fn finish(mut command: Command) -> Ran {
    let out = command.output().expect("a program that starts");
    Ran {
        code: out.status.code(),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

/// Runs `guardianflow` with these arguments.
pub fn run(args: &[&str]) -> Ran {
    let mut command = clean(binary());
    command.args(args);
    finish(command)
}

/// Runs `guardianflow` with these arguments and feeds it `input`.
pub fn run_fed(args: &[&str], input: &[u8]) -> Ran {
    let mut command = clean(binary());
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program that starts");
    let mut stdin = child.stdin.take().expect("an input");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let out = child.wait_with_output().expect("an end");
    feeder.join().expect("the feeder").expect("input that is read");
    Ran {
        code: out.status.code(),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

/// A folder of a test with its data folder in it; deleted at the end.
#[derive(Debug)]
pub struct Folder {
    dir: TempDir,
    /// Where the state is; `None` means SQLite in the data folder.
    pub postgres: Option<Database>,
    /// Counts from 0 while `make soak` repeats a test; seeds what is random in it.
    pub repetition: u64,
}

impl Folder {
    pub fn new() -> Self {
        Self { dir: TempDir::with_prefix("gf-test-").expect("a folder"), postgres: None, repetition: 0 }
    }
    pub fn repeated(self, repetition: u64) -> Self {
        Self { repetition, ..self }
    }
    /// With its state in Postgres.
    pub fn with(database: Database) -> Self {
        Self { postgres: Some(database), ..Self::new() }
    }
    /// A command with the settings of this folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = clean(binary());
        command.args(args);
        self.set(&mut command);
        command
    }
    fn set(&self, command: &mut Command) {
        command.env("GF_DATA", self.data());
        if let Some(database) = &self.postgres {
            command.env("DATABASE_URL", database.url());
        }
    }
    /// Runs `guardianflow` with the settings of this folder.
    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args))
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub fn text(&self, name: &str) -> String {
        text(&self.path(name))
    }
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }
    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        text(&path)
    }
    /// `guardianflow ingest --json` of these paths into the data folder.
    pub fn ingest(&self, paths: &[&str]) -> Ran {
        self.run(&[&["ingest", "--json"], paths].concat())
    }
    /// The refused rows of all sources.
    pub fn rejected(&self) -> Vec<serde_json::Value> {
        let folder = std::fs::read_dir(self.data().join("rejected")).into_iter().flatten();
        let files = folder.map(|f| std::fs::read_to_string(f.expect("an entry").path()).expect("UTF-8"));
        files.collect::<String>().lines().map(|l| serde_json::from_str(l).expect("each line is an object")).collect()
    }
}

pub fn text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}

/// A running `guardianflow serve`; killed by its own id when dropped.
#[derive(Debug)]
pub struct Served {
    child: Child,
    pub port: u16,
    lines: Receiver<String>,
    log: PathBuf,
    pub client: reqwest::Client,
}

impl Served {
    /// Serves a folder on a free port and waits until pages can answer.
    pub async fn start(folder: &Folder, env: &[(&str, &str)]) -> Self {
        Self::start_by(clean(binary()), folder, env).await
    }

    /// The same by a command of its own that leads to our binary, such as one for another user.
    pub async fn start_by(mut command: Command, folder: &Folder, env: &[(&str, &str)]) -> Self {
        let log = folder.path(&format!("serve-{:?}.log", Instant::now()).replace([' ', ':'], ""));
        folder.set(&mut command);
        command
            .arg("serve")
            .env("GF_ADDR", "127.0.0.1:0")
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).expect("a log"));
        let mut child = command.spawn().expect("a server that starts");
        let out = child.stdout.take().expect("an output");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let first = lines.recv_timeout(Duration::from_secs(60));
        let port = first.as_ref().ok().and_then(|l| l.rsplit_once(':')?.1.trim_end_matches('/').parse().ok());
        registry::egress::use_ring();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            // A connection that the server is about to close is not used again.
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client");
        // From here on a failure kills the child.
        let served = Self { child, port: port.unwrap_or_default(), lines, log, client };
        assert!(served.port > 0, "no address was printed: {first:?}\n{}", served.log());
        served.wait_ready(Duration::from_secs(30)).await;
        served
    }

    async fn wait_ready(&self, patience: Duration) {
        let begun = Instant::now();
        loop {
            let answer = self.client.get(self.url("/readyz")).send().await;
            if answer.is_ok_and(|a| a.status() == 200) {
                return;
            }
            assert!(begun.elapsed() < patience, "not ready after {patience:?}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
    /// A GET request, to be finished by the test.
    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path))
    }
    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path))
    }
    /// The JSON of an answer that must be a success.
    #[track_caller]
    pub fn json(&self, path: &str) -> impl Future<Output = serde_json::Value> {
        let (request, path) = (self.get(path), path.to_owned());
        async move {
            let answer = request.send().await.expect("an answer");
            let status = answer.status();
            let body = answer.text().await.expect("a body");
            assert_eq!(status, 200, "{path}: {body}");
            serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e} in {body}"))
        }
    }
    /// Status and text of a page asked for as a browser does.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.get(path).header("Accept", "text/html").send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }
    /// What was written to standard error so far, without its colours.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let mut parts = text.split('\u{1b}');
        let plain = parts.next().unwrap_or_default().to_owned();
        parts.fold(plain, |plain, part| plain + part.split_once('m').map_or(part, |p| p.1))
    }
    /// Further lines on standard output, waited for a moment.
    pub fn line(&self) -> Option<String> {
        self.lines.recv_timeout(Duration::from_secs(2)).ok()
    }
    /// The most memory that it ever had, in bytes.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a status");
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    }
    #[track_caller]
    pub fn lives_without_panic(&mut self) {
        assert!(self.child.try_wait().expect("a state").is_none(), "the server ended:\n{}", self.log());
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
    }
    /// Tells it to stop, as a service manager does. Returns how it ended and how long that took.
    pub fn stop(mut self) -> (std::process::ExitStatus, Duration) {
        let begun = Instant::now();
        finish({
            let mut c = clean("kill");
            c.args(["-TERM", &self.child.id().to_string()]);
            c
        });
        let patience = Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().expect("a state") {
                return (status, begun.elapsed());
            }
            assert!(begun.elapsed() < patience, "it does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    /// Kills it at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("an end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
