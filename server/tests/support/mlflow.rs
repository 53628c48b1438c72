//! A real MLflow server for the tests of one process, and what the real MLflow client logs into a store. A shell starts the server,
//! and kills it when our end of a pipe closes: also when a test panics or the process is killed.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{LazyLock, Mutex, PoisonError},
};

use serde_json::Value;

use crate::postgres::Database;

/// A running `mlflow server` on a port of its own.
#[derive(Debug)]
pub struct MlflowProcess {
    /// Its address, with the path prefix.
    pub address: String,
    shell: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// Where its data is, unless that is SQLite.
    database: Option<Held>,
}

/// A database that lasts as long as it is held.
#[derive(Debug)]
enum Held {
    Postgres(Database),
    MariaDb(ChildStdin),
}

/// A server with what `mlflow_fixture.py` logged.
#[derive(Debug)]
pub struct FilledServer {
    pub server: MlflowProcess,
    /// What the real client reads of it.
    pub logged: Value,
}

static ON_SQLITE: LazyLock<FilledServer> = LazyLock::new(|| FilledServer::of(MlflowProcess::start(None, None, &[])));
static ON_POSTGRES: LazyLock<FilledServer> =
    LazyLock::new(|| FilledServer::of(MlflowProcess::start(Some(Database::new()), None, &[])));

static ON_MARIADB: LazyLock<FilledServer> = LazyLock::new(|| FilledServer::of(MlflowProcess::on_mariadb()));

impl FilledServer {
    fn of(server: MlflowProcess) -> Self {
        let logged = log_fixture(&server.address);
        Self { server, logged }
    }

    /// The one of this process whose data is in SQLite.
    pub fn on_sqlite() -> &'static Self {
        &ON_SQLITE
    }

    /// The one of this process whose data is in Postgres.
    pub fn on_postgres() -> &'static Self {
        &ON_POSTGRES
    }

    /// The one of this process whose data is in MariaDB, which `scripts/setup test soak` installs.
    pub fn on_mariadb() -> &'static Self {
        &ON_MARIADB
    }
}

/// The Python of `scripts/setup test`.
pub fn python() -> String {
    let installed = || Some(format!("{}/.cache/guardianflow/py/bin/python", std::env::var("HOME").ok()?));
    let there = |path: &String| std::path::Path::new(path).exists();
    std::env::var("GF_PYTHON").ok().or_else(|| installed().filter(there)).unwrap_or_else(|| "python3".into())
}

/// Logs experiments and runs by the real client into a server, an SQLite file (`sqlite:////…/mlflow.db`) or a folder, and returns
/// what the client reads of them.
pub fn log_fixture(uri: &str) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/mlflow_fixture.py");
    // MLflow may make a database of its own where it is started.
    let place = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(python());
    command.args([script, uri]).current_dir(place.path()).stdin(Stdio::null());
    let output = command.output().expect("Python");
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last)
        .unwrap_or_else(|e| panic!("no fixture ({e}): {last}\n{}", String::from_utf8_lossy(&output.stderr)))
}

impl MlflowProcess {
    /// Starts a server over a database, or over SQLite, below a path prefix such as `/mlflow`.
    pub fn start(database: Option<Database>, prefix: Option<&str>, arguments: &[&str]) -> Self {
        let backend = database.as_ref().map(|d| d.url().replace("postgres:", "postgresql+psycopg:"));
        Self::over(backend.as_deref().unwrap_or("-"), database.map(Held::Postgres), prefix, arguments)
    }

    fn on_mariadb() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/mariadb.sh");
        let (stdin, _, folder) = shell(&[script], "/tmp/gf-mariadb-");
        let backend = format!("mysql+pymysql://root@localhost/mlflow?unix_socket={folder}/socket");
        Self::over(&backend, Some(Held::MariaDb(stdin)), None, &[])
    }

    fn over(backend: &str, database: Option<Held>, prefix: Option<&str>, arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/mlflow.sh");
        let python = python();
        let own = [script, &python, backend, prefix.unwrap_or("-")];
        let (stdin, stdout, address) = shell(&[&own, arguments].concat(), "http://127.0.0.1:");
        Self { address, shell: Mutex::new((stdin, stdout)), database }
    }

    /// Ends it as a power cut does.
    pub fn kill(&self) {
        self.tell("kill");
    }

    /// Starts it again at the same address, with all that was logged.
    pub fn start_again(&self) {
        self.tell("start");
    }

    /// Stops its time: it accepts connections and answers nobody.
    pub fn freeze(&self) {
        self.tell("freeze");
    }

    pub fn thaw(&self) {
        self.tell("thaw");
    }

    fn tell(&self, what: &str) {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(shell.0, "{what}").expect("a shell that reads");
        let mut outcome = String::new();
        shell.1.read_line(&mut outcome).expect("a shell that answers");
        assert_eq!(outcome.trim(), "0", "{what}");
    }
}

/// Starts a script, and reads its first line, which begins as given when all is well. It ends when its input is closed.
fn shell(arguments: &[&str], begins: &str) -> (ChildStdin, BufReader<ChildStdout>, String) {
    let mut child = Command::new("bash")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash");
    let stdin = child.stdin.take().expect("an input");
    let mut stdout = BufReader::new(child.stdout.take().expect("an output"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    // The shell ends by itself, behind us.
    drop(child);
    let line = line.trim().to_owned();
    assert!(line.starts_with(begins), "{} does not start: {line}", arguments[0]);
    (stdin, stdout, line)
}
