//! Who acts: people by this program, systems by gRPC.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use local::Stack;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::fill::{filled, filled_json};
use super::story::{Act, Step, Story, when, words};
use super::{Played, expect};
use crate::connect::{Clients, Identity};
use crate::exit;
use crate::installation::Installation;
use crate::trust::Trust;
use crate::wire::Method;

/// How long it is looked again until all is as expected.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Longest a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
/// What says where an installation is, or who asks: of the rehearsal only.
const VARIABLES: [&str; 7] = [
    "REDRESS_ENDPOINTS",
    "REDRESS_TOKEN",
    "REDRESS_TOKEN_FILE",
    "REDRESS_ACTOR",
    "REDRESS_ROLES",
    "REDRESS_CUSTOMER",
    "REDRESS_CA_FILE",
];

/// Plays the steps of a story.
pub struct Player<'a> {
    stack: &'a Stack,
    clients: Clients,
    folder: TempDir,
    values: BTreeMap<String, String>,
}

/// What came of an act: its exit code and its JSON.
struct Answer {
    exit: u8,
    json: Value,
}

impl<'a> Player<'a> {
    /// For the steps of a story on an installation.
    pub fn new(story: &Story, stack: &'a Stack, installation: &Installation) -> Result<Self> {
        let folder = TempDir::with_prefix("redress-rehearsal-")?;
        let mut values = BTreeMap::new();
        for (name, text) in &story.files {
            let path = folder.path().join(name);
            std::fs::write(&path, text)?;
            values.insert(format!("file:{name}"), path.display().to_string());
        }
        std::fs::write(stack_file(folder.path()), serde_json::to_string(installation)?)?;
        let clients = Clients::new(installation, Identity::default(), &Trust::default())?;
        Ok(Self { stack, clients, folder, values })
    }

    /// Plays a step up to its first difference.
    pub async fn step(&mut self, step: &Step) -> Result<Played> {
        let mut played =
            Played { step: step.step.clone(), ids: step.ids.clone(), ok: true, expected: Vec::new(), got: Vec::new() };
        for act in &step.acts {
            self.act(act, &mut played).await?;
            if !played.ok {
                break;
            }
        }
        Ok(played)
    }

    async fn act(&mut self, act: &Act, played: &mut Played) -> Result<()> {
        let name = if act.call.is_empty() { &act.redress } else { &act.call };
        if let Err(why) = self.go_to(&act.at).await? {
            played.differs(format!("{name} at {}", act.at), why);
            return Ok(());
        }
        self.values.insert("now".to_owned(), self.stack.clock().now().to_string());
        let begun = Instant::now();
        let looked = loop {
            match self.try_once(act).await? {
                Err(why) => {
                    played.differs(name.clone(), why);
                    return Ok(());
                }
                Ok((answer, looked)) => {
                    let ok = looked.iter().all(|(ok, ..)| *ok);
                    if ok || !act.wait || begun.elapsed() > PATIENCE {
                        if ok {
                            self.keep(act, &answer);
                        }
                        break looked;
                    }
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        for (ok, expected, got) in looked {
            played.expected.push(expected);
            played.got.push(got);
            if !ok {
                played.ok = false;
                break;
            }
        }
        // What is not there cannot be kept: who needs it tells.
        Ok(())
    }

    /// Moves the clock; what has begun within the last minutes is now.
    async fn go_to(&self, at: &str) -> Result<Result<(), String>> {
        let now = self.stack.clock().now();
        let to = match when(at, now) {
            Ok(Some(to)) => to,
            Ok(None) => return Ok(Ok(())),
            Err(why) => return Ok(Err(why)),
        };
        if to > now {
            self.stack.forward_to(to).await?;
        } else if now.duration_since(to) > expect::LATER {
            return Ok(Err(format!("it is {now} already: time never goes back")));
        }
        Ok(Ok(()))
    }

    /// Does it once; each expectation with whether it is so. `Err`: it could not be done at all.
    async fn try_once(&self, act: &Act) -> Result<Result<(Answer, Vec<(bool, String, String)>), String>> {
        let answer = if act.call.is_empty() { self.command(act).await? } else { self.call(act).await? };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(why)),
        };
        let name = if act.call.is_empty() { &act.redress } else { &act.call };
        let why = if answer.exit == act.exit { String::new() } else { format!(": {}", answer.json) };
        let mut looked = vec![(
            answer.exit == act.exit,
            format!("exit {} of {name}", act.exit),
            format!("exit {}{why}", answer.exit),
        )];
        for expected in &act.expect {
            match expected.filled(&self.values) {
                Ok(expected) => {
                    let (ok, got) = expected.look(&answer.json);
                    looked.push((ok, expected.told(), got));
                }
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok((answer, looked)))
    }

    /// A person's command, in a process of its own.
    async fn command(&self, act: &Act) -> Result<Result<Answer, String>> {
        let mut words = match words(&act.redress) {
            Ok(words) => words,
            Err(why) => return Ok(Err(why)),
        };
        for word in &mut words {
            match filled(word, &self.values) {
                Ok(filled) => *word = filled,
                Err(why) => return Ok(Err(why)),
            }
        }
        let mut command = Command::new(std::env::current_exe()?);
        VARIABLES.iter().for_each(|variable| {
            command.env_remove(variable);
        });
        command.env("REDRESS_STACK", stack_file(self.folder.path())).env("REDRESS_OUTPUT", "json");
        for (option, value) in [("--actor", &act.by), ("--roles", &act.roles), ("--as-customer", &act.customer)] {
            if !value.is_empty() {
                command.args([option, value]);
            }
        }
        if act.roles.is_empty() && !act.customer.is_empty() {
            command.args(["--roles", "customer"]);
        }
        command.args(words).kill_on_drop(true).current_dir(self.folder.path());
        let run = tokio::time::timeout(COMMAND_LIMIT, command.output()).await;
        let run = run.with_context(|| format!("`redress {}` does not end", act.redress))??;
        let text = if run.stdout.is_empty() { &run.stderr } else { &run.stdout };
        let exit = run.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
        let json = serde_json::from_slice(text);
        Ok(Ok(Answer { exit, json: json.unwrap_or_else(|_| String::from_utf8_lossy(text).into()) }))
    }

    /// A system's call.
    async fn call(&self, act: &Act) -> Result<Result<Answer, String>> {
        let body = match filled_json(&act.body, &self.values) {
            Ok(body) => body,
            Err(why) => return Ok(Err(why)),
        };
        let clients = match act.customer.as_str() {
            "" => self.clients.acting(&act.by, &act.roles),
            customer => self.clients.acting_customer(customer),
        };
        let clients = match clients {
            Ok(clients) => clients,
            Err(why) => return Ok(Err(format!("{why:#}"))),
        };
        Ok(Ok(match called(&clients, &act.call, &body).await {
            Ok(json) => Answer { exit: 0, json },
            Err(error) => Answer { exit: exit::code(&error), json: json!({ "error": exit::as_json(&error) }) },
        }))
    }

    fn keep(&mut self, act: &Act, answer: &Answer) {
        for (name, place) in &act.keep {
            let place = filled(place, &self.values).unwrap_or_default();
            match expect::find(&answer.json, &place) {
                Some(Value::String(text)) => self.values.insert(name.clone(), text.clone()),
                Some(other) if !other.is_null() => self.values.insert(name.clone(), other.to_string()),
                _ => self.values.remove(name),
            };
        }
    }
}

impl Played {
    fn differs(&mut self, expected: String, got: String) {
        self.ok = false;
        self.expected.push(expected);
        self.got.push(got);
    }
}

fn stack_file(folder: &Path) -> std::path::PathBuf {
    folder.join("stack.json")
}

async fn called(clients: &Clients, method: &str, body: &Value) -> Result<Value> {
    Method::find(method)?.call(clients, body).await
}
