//! The program as a child process, with data of its own.

use super::client::{Call, Client, Session};
use super::contents::Contents;
use super::engine::{Database, Engine};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to answer `/readyz`: debug builds on a busy machine are slow.
const READY: Duration = Duration::from_secs(90);

/// A running server with its data.
#[derive(Debug)]
pub(crate) struct TestApp {
    child: Mutex<Option<Child>>,
    pub(crate) client: Client,
    pub(crate) engine: Engine,
    program: PathBuf,
    settings: Vec<(String, String)>,
    database: Option<Database>,
    /// Accounts that were made.
    pub(crate) accounts: Mutex<BTreeSet<String>>,
    home: TempDir,
}

/// What a server of the tests can be started with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    engine: Engine,
    program: PathBuf,
    settings: Vec<(String, String)>,
}

impl Start {
    pub(crate) fn on(engine: Engine) -> Self {
        let settings = [
            ("FANGXIN__AUTH__TOTP_REQUIRED", "false"),
            ("FANGXIN__LIMITS__ENABLED", "false"),
            ("FANGXIN__LOG__LEVEL", "warn"),
            ("FANGXIN__SERVER__WORKERS", "2"),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        Self { engine, program: PathBuf::from(env!("CARGO_BIN_EXE_fangxin")), settings }
    }

    /// The clock starts there and runs on.
    pub(crate) fn at(self, instant: &str) -> Self {
        self.set("CLOCK__START", instant).set("CLOCK__ALLOW_START", "true")
    }

    /// A setting, `SECTION__KEY`.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push((format!("FANGXIN__{key}"), value.to_owned()));
        self
    }

    /// Another build of the program.
    pub(crate) fn program(mut self, program: &Path) -> Self {
        program.clone_into(&mut self.program);
        self
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(self) -> TestApp {
        let mut app = self.prepare();
        app.serve();
        app
    }

    /// Its folder and database, empty, with nobody serving them yet.
    pub(crate) fn prepare(self) -> TestApp {
        let database = (self.engine == Engine::Postgres).then(Database::create);
        let home = tempfile::Builder::new().prefix("fangxin-test").tempdir().expect("a temporary folder");
        TestApp {
            child: Mutex::new(None),
            client: Client::new(String::new()),
            engine: self.engine,
            program: self.program,
            settings: self.settings,
            database,
            accounts: Mutex::default(),
            home,
        }
    }
}

impl TestApp {
    pub(crate) fn start(engine: Engine) -> Self {
        Start::on(engine).start()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// What the server writes.
    pub(crate) fn log(&self) -> PathBuf {
        self.home.path().join("stderr.log")
    }

    /// A command of the program with this server's settings; the folder and the database are added.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("FANGXIN__")) {
            command.env_remove(key);
        }
        command.envs(self.settings.iter().cloned()).args(arguments).arg("--data").arg(self.data());
        if let Some(database) = &self.database {
            command.arg("--database").arg(&database.url);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command of the program beside the server.
    pub(crate) fn run(&self, arguments: &[&str], input: Option<&str>) -> Output {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let Some(input) = input else { return command.output().expect("the program runs") };
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the program runs");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads its input");
        child.wait_with_output().expect("the program ends")
    }

    /// Starts a command of the program, and leaves it running.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs")
    }

    /// Starts the server on the data that is there, as after a crash.
    pub(crate) fn serve(&mut self) {
        assert!(self.child.get_mut().unwrap().is_none(), "it runs already");
        // The port is free when it is picked; should another process be quicker, another one is picked.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
            let log = File::options().create(true).append(true).open(self.log()).expect("a log");
            let listen = format!("127.0.0.1:{port}");
            let mut command = self.command(&["serve", "--listen", &listen]);
            command.stdout(Stdio::null()).stderr(Stdio::from(log));
            *self.child.get_mut().unwrap() = Some(command.spawn().expect("the program starts"));
            self.client = Client::new(format!("http://{listen}"));
            if self.became_ready() {
                return;
            }
            if !self.log_tail().contains("in use") {
                break;
            }
        }
        panic!("{}: the server did not become ready:\n{}", self.engine, self.log_tail());
    }

    /// Ends the server and starts it again with its clock at an instant.
    pub(crate) fn restart_at(&mut self, instant: &str) {
        self.kill();
        for (key, value) in [("FANGXIN__CLOCK__START", instant), ("FANGXIN__CLOCK__ALLOW_START", "true")] {
            self.settings.retain(|(known, _)| known != key);
            self.settings.push((key.to_owned(), value.to_owned()));
        }
        self.serve();
    }

    fn became_ready(&mut self) -> bool {
        let since = Instant::now();
        while since.elapsed() < READY {
            let child = self.child.get_mut().unwrap();
            if child.as_mut().expect("it was started").try_wait().expect("its state").is_some() {
                *child = None;
                return false;
            }
            let reply = self.client.get("/readyz", &Session::anonymous()).try_send();
            if reply.is_some_and(|reply| reply.status == 200) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Ends the server at once, as a crash would (SIGKILL), also while others are talking to it. Whether there was one.
    pub(crate) fn kill(&self) -> bool {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut child) = child else { return false };
        // One that ended by itself was no crash.
        let ran = child.try_wait().expect("its state").is_none();
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        ran
    }

    /// Asks the server to stop (SIGTERM).
    pub(crate) fn ask_to_stop(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let id = child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    }

    /// Waits until the server that was asked to stop has ended; gives its exit code.
    pub(crate) fn ended(&self) -> Option<i32> {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        child.expect("it ran").wait().expect("it ends").code()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        self.client.base().trim_start_matches("http://")
    }

    /// Asks the server to end (SIGTERM), and waits until it has.
    pub(crate) fn stop(&self) {
        if self.child.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            self.ask_to_stop();
            assert_eq!(self.ended(), Some(0), "it did not end in peace:\n{}", self.log_tail());
        }
    }

    /// From the next start on its data lies there.
    pub(crate) fn moved(&mut self, database: Database) {
        self.engine = Engine::Postgres;
        self.database = Some(database);
    }

    /// Another setting for the next start.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.settings.push((format!("FANGXIN__{key}"), value.to_owned()));
    }

    /// Runs a statement past the service, as an intruder with the database would; the server must not run on SQLite.
    pub(crate) fn tamper(&self, statement: &str) {
        self.contents().run(statement);
    }

    /// The database, to be looked into past the service.
    pub(crate) fn contents(&self) -> Contents {
        match &self.database {
            Some(database) => Contents::of_url(&database.url),
            None => Contents::of_file(&self.data().join("fangxin.db")),
        }
    }

    /// The end of what the server wrote.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    pub(crate) fn get(&self, path: &str, by: &Session) -> Call {
        self.client.get(path, by)
    }

    pub(crate) fn post(&self, path: &str, by: &Session) -> Call {
        self.client.post(path, by)
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            println!("--- what the server on {} wrote:\n{}", self.engine, self.log_tail());
        }
    }
}
