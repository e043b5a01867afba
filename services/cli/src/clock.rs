//! `redress clock`: the time of a rehearsal. The process of `redress up --from` owns it, and is asked over a socket in the folder
//! of its secrets, which only its user can open. Any other installation has no such socket and goes by the real clock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use local::Stack;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::exit::Failure;
use crate::global::Global;
use crate::installation::Installation;
use crate::output;

/// The longest that a question or its answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes of a question or an answer at the most.
const BYTES_MAX: usize = 4096;

/// The time of a rehearsal.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Clock {
    /// Show what time it is for the installation.
    Show,
    /// Move the time of a rehearsal forward, for all services at once: what is due by then happens. Any other installation refuses.
    Advance {
        /// By so much, as 90m, 3h or 2d.
        #[arg(required_unless_present = "to", conflicts_with = "to", value_parser = by)]
        duration: Option<SignedDuration>,
        /// To this instant, as 2026-10-08T14:00+08:00.
        #[arg(long, value_name = "INSTANT")]
        to: Option<Timestamp>,
    },
}

/// A question to the clock of a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Now,
    By(SignedDuration),
    To(Timestamp),
}

/// Its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Now(Timestamp),
    Refused(String),
}

/// Runs it.
pub async fn run(command: Clock, global: &Global) -> Result<()> {
    let installation = Installation::find(global.stack.as_deref())?;
    let now = match command {
        Clock::Show => now(&installation).await?,
        Clock::Advance { duration, to } => {
            let to = to.map(Ask::To).or(duration.map(Ask::By)).unwrap_or(Ask::Now);
            let refused = || Failure::Refused(chassis::Unmoved::NotARehearsal.to_string());
            ask(installation.clock.as_deref().ok_or_else(refused)?, to).await?
        }
    };
    if global.output.is_json() {
        return output::json(&json!({ "now": now, "rehearsal": installation.clock.is_some() }));
    }
    output::line(now)
}

/// What time it is for an installation.
pub async fn now(installation: &Installation) -> Result<Timestamp> {
    match &installation.clock {
        Some(socket) => ask(socket, Ask::Now).await,
        None => Ok(chassis::Clock::default().now()),
    }
}

/// Reads how far time is to go; never backwards.
pub fn by(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| "write it as 90m, 3h or 2d".to_owned())?;
    let by = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    if by.is_positive() { Ok(by) } else { Err("time goes forward only".to_owned()) }
}

async fn ask(socket: &Path, ask: Ask) -> Result<Timestamp> {
    let talk = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(format!("{}\n", serde_json::to_string(&ask)?).as_bytes()).await?;
        let line = line(&mut stream).await?;
        anyhow::Ok(serde_json::from_str::<Answer>(&line)?)
    };
    let answer = tokio::time::timeout(LIMIT, talk).await.map_err(anyhow::Error::from).flatten();
    match answer
        .map_err(|error| Failure::Unavailable(format!("the clock of the rehearsal does not answer: {error}")))?
    {
        Answer::Now(now) => Ok(now),
        Answer::Refused(why) => Err(Failure::Refused(why).into()),
    }
}

async fn line(stream: &mut UnixStream) -> Result<String> {
    let mut line = String::new();
    BufReader::new(tokio::io::AsyncReadExt::take(stream, BYTES_MAX as u64)).read_line(&mut line).await?;
    Ok(line)
}

/// The clock of a rehearsal as others of this user ask for it.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Opens the socket.
    pub fn open(stack: &Stack) -> Result<Self> {
        let path = stack.secrets().folder().join("clock.sock");
        // Whoever was killed has left it behind.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
        Ok(Self { listener, path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Answers; without a server nothing happens. It ends never.
    pub async fn run(server: Option<&Self>, stack: &Stack) {
        let Some(server) = server else { return std::future::pending().await };
        loop {
            let answered = match server.listener.accept().await {
                Ok((stream, _)) => tokio::time::timeout(LIMIT, answer(stream, stack)).await.ok(),
                Err(_) => None,
            };
            if answered.is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(mut stream: UnixStream, stack: &Stack) {
    let Ok(line) = line(&mut stream).await else { return };
    let answer = match serde_json::from_str(&line) {
        Ok(ask) => told(ask, stack).await,
        Err(error) => Answer::Refused(error.to_string()),
    };
    let text = serde_json::to_string(&answer).unwrap_or_default();
    let _ = stream.write_all(format!("{text}\n").as_bytes()).await;
}

async fn told(ask: Ask, stack: &Stack) -> Answer {
    let to = match ask {
        Ask::Now => return Answer::Now(stack.clock().now()),
        Ask::To(to) => to,
        Ask::By(by) => match stack.clock().now().checked_add(by) {
            Ok(to) => to,
            Err(error) => return Answer::Refused(error.to_string()),
        },
    };
    match stack.forward_to(to).await {
        Ok(now) => Answer::Now(now),
        Err(error) => Answer::Refused(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_is_read_and_never_backwards() {
        assert_eq!(by("90m"), Ok(SignedDuration::from_mins(90)));
        assert_eq!(by("2d 3h"), Ok(SignedDuration::from_hours(51)));
        for odd in ["", "soon", "3", "-3h", "0s", "1mo"] {
            assert!(by(odd).is_err(), "{odd}");
        }
    }

    #[tokio::test]
    async fn an_installation_with_the_real_clock_refuses_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), r#"{"services":{"intake":"http://127.0.0.1:1"}}"#).unwrap();
        let global = Global { stack: Some(file.path().to_owned()), ..Global::default() };
        let advance = Clock::Advance { duration: Some(SignedDuration::from_hours(1)), to: None };
        let error = run(advance, &global).await.unwrap_err();
        assert_eq!(crate::exit::code(&error), 3);
        assert!(error.to_string().starts_with("NOT_A_REHEARSAL: "), "{error}");
        run(Clock::Show, &global).await.unwrap();
    }
}
