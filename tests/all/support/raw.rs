//! HTTP byte by byte, for what no client would send.

use super::server::TestApp;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection on which bytes are sent as they are.
#[derive(Debug)]
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) fn to(app: &TestApp) -> Self {
        let stream = TcpStream::connect(app.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time limit");
        stream.set_nodelay(true).expect("no delay");
        Self(stream)
    }

    /// Sends bytes; whether the other side still took them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// All that is answered until the connection is closed; empty when it was cut off without an answer.
    pub(crate) fn answer(mut self) -> String {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        // A reset after the answer takes nothing from it.
        while let Ok(read) = self.0.read(&mut part) {
            if read == 0 {
                break;
            }
            bytes.extend_from_slice(&part[..read]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends a byte at a time until the other side has had enough; gives its answer. Fails when it takes them all.
    pub(crate) fn drip(mut self, bytes: &[u8], pause: Duration) -> String {
        self.0.set_read_timeout(Some(pause)).expect("a time limit");
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        for byte in bytes {
            let sent = self.0.write_all(&[*byte]).is_ok();
            // Waiting for an answer is the pause.
            match self.0.read(&mut part) {
                Ok(0) => return String::from_utf8_lossy(&answer).into_owned(),
                Ok(read) => answer.extend_from_slice(&part[..read]),
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                }
                Err(_) => return String::from_utf8_lossy(&answer).into_owned(),
            }
            if !sent || !answer.is_empty() {
                return String::from_utf8_lossy(&answer).into_owned();
            }
        }
        panic!("{} bytes were taken, drop by drop", bytes.len());
    }
}

/// The status of an answer; 0 when none came.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}
