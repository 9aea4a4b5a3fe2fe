//! How h11 reads the same bytes: a Python beside us, asked over pipes.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::reading::{Reading, Request, Stop};

/// A running Python with h11.
pub struct H11 {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl H11 {
    /// Start a Python that has h11 installed.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn start(python: &Path) -> io::Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/h11_peer.py");
        let mut child =
            Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a child without pipes"));
        };
        Ok(Self { child, questions, answers: BufReader::new(answers) })
    }

    /// Read a connection with h11.
    ///
    /// # Errors
    /// When Python is gone, most likely because it has no h11.
    pub fn read(&mut self, bytes: &[u8]) -> io::Result<Reading> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.questions.write_all(&[&length.to_le_bytes(), bytes].concat())?;
        self.questions.flush()?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "Python ended (is h11 installed in it?)",
            ));
        }
        let answer: Answer = serde_json::from_str(&line)?;
        Ok(answer.into())
    }
}

impl Drop for H11 {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is to leave no zombie.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(serde::Deserialize)]
struct Answer {
    requests: Vec<Heard>,
    stop: String,
}

#[derive(serde::Deserialize)]
struct Heard {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
    body: Option<String>,
}

impl From<Answer> for Reading {
    fn from(answer: Answer) -> Self {
        let stop = match answer.stop.as_str() {
            "waits" => Stop::Waits,
            "closes" => Stop::Closes,
            other => Stop::Refuses(other.to_owned()),
        };
        Self { requests: answer.requests.into_iter().map(Request::from).collect(), stop }
    }
}

impl From<Heard> for Request {
    fn from(heard: Heard) -> Self {
        let fields = heard.fields.iter().map(|(name, value)| (latin1(name), latin1(value))).collect();
        let mut request = Self {
            method: latin1(&heard.method),
            target: Some(latin1(&heard.target)),
            resource: None,
            fields,
            body: heard.body.as_deref().map(latin1),
        };
        request.sort_fields();
        request
    }
}

/// The bytes whose Latin-1 characters these are.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
}
