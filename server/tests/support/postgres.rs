//! A real Postgres server for the tests of one process. A shell starts it, and stops it when our end of a pipe closes: also when
//! a test panics or the process is killed.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// A server. It has a user `gf` who needs no password.
#[derive(Debug)]
pub struct Cluster {
    /// Where its socket lies.
    folder: String,
    port: u16,
    shell: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    databases: AtomicU32,
}

/// Fast, and broken by a power cut.
static FAST: LazyLock<Arc<Cluster>> = LazyLock::new(|| Cluster::start("off", None));
/// As people run it.
static DURABLE: LazyLock<Arc<Cluster>> = LazyLock::new(|| Cluster::start("on", None));

impl Cluster {
    fn start(fsync: &str, port: Option<u16>) -> Arc<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");
        let mut command = Command::new("bash");
        command
            .args([script, fsync])
            .args(port.map(|p| p.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("bash");
        let stdin = child.stdin.take().expect("an input");
        let mut stdout = BufReader::new(child.stdout.take().expect("an output"));
        let mut folder = String::new();
        stdout.read_line(&mut folder).expect("a line");
        let folder = folder.trim().to_owned();
        assert!(folder.starts_with("/tmp/gf-postgres-"), "Postgres does not start: {folder}");
        // The shell ends by itself, behind us.
        drop(child);
        let shell = Mutex::new((stdin, stdout));
        Arc::new(Self { folder, port: port.unwrap_or(5432), shell, databases: AtomicU32::new(0) })
    }

    /// A server that a test may stop.
    pub fn own() -> Arc<Self> {
        Self::start("on", None)
    }

    /// A server that can also be reached by TCP, encrypted alone, as localhost.
    pub fn encrypted() -> Arc<Self> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        Self::start("off", Some(free.port()))
    }

    /// The port, and the certificate with which it answers there.
    pub fn by_tcp(&self) -> (u16, String) {
        (self.port, format!("{}/data/server.crt", self.folder))
    }

    /// Stops the server, as its administrator does; whoever is connected is thrown out.
    pub fn stop(&self) {
        self.tell("stop");
    }

    /// Starts it again, with all that was committed.
    pub fn start_again(&self) {
        self.tell("start");
    }

    fn tell(&self, what: &str) {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(shell.0, "{what}").expect("a shell that reads");
        let mut outcome = String::new();
        shell.1.read_line(&mut outcome).expect("a shell that answers");
        assert_eq!(outcome.trim(), "0", "{what}: {}", self.log());
    }

    pub fn log(&self) -> String {
        let read = |path: String| std::fs::read_to_string(path).unwrap_or_default();
        read(format!("{}/server.log", self.folder)) + &read(format!("{}.log", self.folder))
    }

    pub fn database(self: &Arc<Self>) -> Database {
        let name = format!("gf{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.tell(&format!("create {name}"));
        Database { cluster: Arc::clone(self), name }
    }
}

/// An empty database of its own, gone at the end.
#[derive(Debug)]
pub struct Database {
    pub cluster: Arc<Cluster>,
    pub name: String,
}

impl Database {
    /// On the server that all fast tests of the process share.
    pub fn new() -> Self {
        FAST.database()
    }

    /// On one that writes what it has acknowledged, for tests that kill processes.
    pub fn durable() -> Self {
        DURABLE.database()
    }

    pub fn url(&self) -> String {
        self.url_as("gf")
    }

    pub fn url_as(&self, user: &str) -> String {
        format!("postgres:///{}?host={}&port={}&user={user}", self.name, self.cluster.folder, self.cluster.port)
    }

    /// A connection beside the product.
    pub async fn connect(&self) -> sqlx::PgConnection {
        use sqlx::ConnectOptions;
        let options: sqlx::postgres::PgConnectOptions = self.url().parse().expect("a URL");
        options.connect().await.expect("a connection")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.cluster.tell(&format!("drop {}", self.name));
        }
    }
}
