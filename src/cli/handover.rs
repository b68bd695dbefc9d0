//! Hands work over to the process that serves the data, over a socket in the data folder.
//!
//! One connection is one piece of work. The command sends a line, `{"version": 1, "work": {"command": …}}`; the server answers
//! with lines `{"progress": [done, of]}` and at last `{"done": …}` or `{"failed": …}`. When the command goes away, the work is
//! given up between two of its units. The folder and the socket are their owner's alone, so nobody else can ask.

use super::data::{DataDir, private_file};
use super::jobs::{self, Work};
use super::output::{Failure, Outcome, Progress};
use crate::ambient::Stopwatch;
use crate::app::App;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

/// Version of the two lines; a command of another one is told to stop the server first.
const VERSION: u32 = 1;

/// Longest request: a year's calendar is some kilobytes.
const LONGEST: u64 = 1 << 20;

/// How long a command waits for a server that is starting.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that a socket's path may have on every system.
const SHORT: usize = 100;

#[derive(Serialize, Deserialize)]
struct Request {
    version: u32,
    work: Work,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Progress(u64, Option<u64>),
    Done(Outcome),
    Failed(Failure),
}

/// A way to the socket that is short enough for the system, valid while the folder stays open.
struct Way {
    path: PathBuf,
    _folder: Option<File>,
}

fn way(socket: &Path) -> io::Result<Way> {
    if socket.as_os_str().len() <= SHORT {
        return Ok(Way { path: socket.to_owned(), _folder: None });
    }
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let folder = File::open(folder)?;
    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok(Way { path, _folder: Some(folder) })
}

/// Opens the socket. The caller holds the folder's lock, so that one that lies there is a dead process's.
pub(super) fn listen(data: &DataDir) -> Result<UnixListener, Failure> {
    let socket = data.socket();
    let fault = |error: io::Error| Failure::found(format!("{}: {error}", socket.display()));
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
        _ => {}
    }
    let way = way(&socket).map_err(fault)?;
    let listener = UnixListener::bind(&way.path).map_err(fault)?;
    private_file(&socket).map_err(fault)?;
    Ok(listener)
}

/// Takes work until it is dropped.
pub(super) async fn serve(listener: UnixListener, app: Arc<App>, data: DataDir) {
    // A set of its own, so that the work under way ends with this task.
    let mut at_work = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (app, data) = (Arc::clone(&app), data.clone());
                at_work.spawn(async move {
                    if let Err(error) = answer(stream, &app, &data).await {
                        tracing::warn!(%error, "a command went away");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no command could be taken");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        while at_work.try_join_next().is_some() {}
    }
}

async fn answer(stream: UnixStream, app: &Arc<App>, data: &DataDir) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut reader = BufReader::new(read.take(LONGEST));
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let request: Request = match serde_json::from_str(&line) {
        Ok(Request { version: VERSION, work }) => Request { version: VERSION, work },
        _ => {
            let failure = Failure::found("the serving process is of another version: stop it first");
            return send(&mut write, &Answer::Failed(failure)).await;
        }
    };
    let (tell, mut told) = mpsc::channel(16);
    // What the command doesn't read in time is left out: only the newest matters.
    let progress = Progress::to(move |done, of| {
        let _ = tell.try_send((done, of));
    });
    let work = jobs::run(request.work, app, data, &progress);
    tokio::pin!(work);
    let mut gone = String::new();
    let end = loop {
        tokio::select! {
            end = &mut work => break end,
            Some((done, of)) = told.recv() => send(&mut write, &Answer::Progress(done, of)).await?,
            // A command says nothing more; its end of the line is that it went away.
            read = reader.read_line(&mut gone) => {
                read?;
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
        }
    };
    send(&mut write, &end.map_or_else(Answer::Failed, Answer::Done)).await
}

async fn send(write: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// Lets the serving process do it.
pub(super) async fn ask(data: &DataDir, work: Work, progress: &Progress) -> Result<Outcome, Failure> {
    let lost = |error: io::Error| {
        Failure::found(format!("the serving process ended before the work did ({error}): run it again"))
    };
    let stream = connect(data).await?;
    let (read, mut write) = stream.into_split();
    let mut line =
        serde_json::to_vec(&Request { version: VERSION, work }).map_err(|error| Failure::found(error.to_string()))?;
    if line.len() as u64 >= LONGEST {
        return Err(Failure::usage("too large to be handed over to the serving process"));
    }
    line.push(b'\n');
    write.write_all(&line).await.map_err(lost)?;
    let mut lines = BufReader::new(read).lines();
    loop {
        let line = lines.next_line().await.map_err(lost)?;
        let line = line.ok_or_else(|| lost(io::Error::from(io::ErrorKind::UnexpectedEof)))?;
        match serde_json::from_str(&line) {
            Ok(Answer::Progress(done, of)) => progress.tell(done, of),
            Ok(Answer::Done(outcome)) => return Ok(outcome),
            Ok(Answer::Failed(failure)) => return Err(failure),
            Err(error) => return Err(Failure::found(format!("the serving process answered: {error}"))),
        }
    }
}

async fn connect(data: &DataDir) -> Result<UnixStream, Failure> {
    let socket = data.socket();
    let waiting = Stopwatch::start();
    loop {
        let tried = match way(&socket) {
            Ok(way) => UnixStream::connect(&way.path).await,
            Err(error) => Err(error),
        };
        match tried {
            Ok(stream) => return Ok(stream),
            Err(_) if waiting.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(_) => {
                let folder = data.path().display();
                return Err(Failure::found(format!("another command is using {folder}: try again when it has ended")));
            }
        }
    }
}
