//! Programs from PyPI that `scripts/setup-tests.sh` installs into an environment of their own.

use super::say;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server of a package may take to listen: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// A program of that environment, when its package is there; says what isn't run without it.
pub(crate) fn program(package: &str, what: &str) -> Option<Command> {
    let python = root().join("target/test-venv/bin/python");
    let look = format!("import importlib.util, sys; sys.exit(importlib.util.find_spec('{package}') is None)");
    let found = python.exists() && Command::new(&python).args(["-c", &look]).status().is_ok_and(|end| end.success());
    if !found {
        say(&format!("{what} not run: {package} is missing, run scripts/setup-tests.sh"));
        return None;
    }
    Some(Command::new(python))
}

/// A file of the tests' data.
pub(crate) fn data(name: &str) -> PathBuf {
    root().join("tests/data").join(name)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A server of a package, as a child process. It ends with the test.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    _home: TempDir,
}

impl Server {
    /// Starts a script that writes its port into the file that it is given; `None` when its package isn't there.
    pub(crate) fn start(package: &str, script: &str, what: &str) -> Option<Self> {
        let mut command = program(package, what)?;
        let home = tempfile::tempdir().expect("a folder");
        let port = home.path().join("port");
        command.arg(data(script)).arg(&port).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it starts");
        let since = Instant::now();
        let mut server = Self { child, port: 0, _home: home };
        while server.port == 0 {
            assert!(since.elapsed() < PATIENCE, "{script} doesn't listen");
            assert!(server.child.try_wait().expect("its state").is_none(), "{script} ended");
            std::thread::sleep(Duration::from_millis(50));
            server.port = fs::read_to_string(&port).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        }
        Some(server)
    }

    /// Ends it at once: nobody listens on its port any more.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
