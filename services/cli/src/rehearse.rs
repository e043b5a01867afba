//! `redress rehearse`: the story of a policy pack, played on an installation of its own whose clock is moved. People act by the
//! commands of this program, each in a process of its own, systems by gRPC; what they get is compared with what the story expects.
//!
//! - [`story`]: the form of a story. [`fill`]: what it keeps. [`expect`]: what an answer is compared with.
//! - [`play`]: who acts. [`crate::wire`]: calls by their JSON.

mod expect;
mod fill;
mod play;
mod story;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chassis::Clock;
use local::{Stack, StackOptions};
use proto::policy::Pack;
use serde::Serialize;

use crate::clock::Server;
use crate::exit::Failure;
use crate::global::Global;
use crate::output::{self, Output};
use crate::up::{self, Signals};
use play::Player;
use story::Story;

/// The stories that ship, by the name of their pack.
const STORIES: &[(&str, &str)] =
    &[("supply-chain", include_str!("../../../tests/system/rehearsals/supply-chain.toml"))];

/// Play the story of a policy pack on a private installation, and compare each step with what is expected.
///
/// Prints each step with the requirements that it shows, and a check mark or what differs; ends with 1 if any step differs. With
/// `--output json` one object: pack, steps (step, ids, ok, expected, got), passed, failed, and ids: the requirements of which no
/// step has failed. How a story is written: tests/system/README.md, "Rehearsals".
#[derive(Clone, Debug, clap::Args)]
pub struct Rehearse {
    /// The pack: the name of one that ships, or a file. With --story the pack of the story unless another one is named.
    #[arg(required_unless_present = "story")]
    pub pack: Option<String>,
    /// A story of one's own.
    #[arg(long, value_name = "FILE")]
    pub story: Option<PathBuf>,
    /// What the services log to standard error.
    #[arg(long, default_value = "off")]
    pub log: String,
}

/// What has come of a rehearsal.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name and version of the pack.
    pub pack: String,
    /// The steps, in their order.
    pub steps: Vec<Played>,
    /// Steps in which all was as expected.
    pub passed: usize,
    /// The others.
    pub failed: usize,
    /// Requirements that were shown, and of which no step has failed.
    pub ids: BTreeSet<String>,
}

/// What has come of a step.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    /// The step of the story, as `5.1`.
    pub step: String,
    /// The requirements that it shows.
    pub ids: Vec<String>,
    /// Whether all was as expected.
    pub ok: bool,
    /// What was expected, in the order of the story, up to the first difference.
    pub expected: Vec<String>,
    /// What there was instead, or as well: as many.
    pub got: Vec<String>,
}

impl Report {
    fn new(pack: String) -> Self {
        Self { pack, steps: Vec::new(), passed: 0, failed: 0, ids: BTreeSet::new() }
    }

    fn add(&mut self, played: Played) {
        *(if played.ok { &mut self.passed } else { &mut self.failed }) += 1;
        self.steps.push(played);
        let ids =
            |ok: bool| self.steps.iter().filter(move |step| step.ok == ok).flat_map(|step| step.ids.iter().cloned());
        let failed: BTreeSet<String> = ids(false).collect();
        self.ids = ids(true).filter(|id| !failed.contains(id)).collect();
    }
}

/// Plays it.
pub async fn run(command: Rehearse, global: &Global) -> Result<()> {
    let (story, policy) = found(&command)?;
    let pack = Pack::load(policy.as_deref())?.label();
    let mut signals = Signals::new()?;
    let output = global.output;
    output.tell(format!("{pack}: {}", story.title))?;
    let options = StackOptions {
        durable: false,
        policy,
        log: command.log.clone(),
        clock: Clock::rehearsal(story.from),
        ..StackOptions::default()
    };
    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = signals.any() => return Err(interrupted()),
    };
    let clock = Server::open(&stack)?;
    let report = tokio::select! {
        report = play(&story, pack, &stack, &clock, output) => report,
        () = Server::run(Some(&clock), &stack) => Err(interrupted()),
        () = signals.any() => Err(interrupted()),
    };
    drop(clock);
    let stopped = stack.stop().await;
    let report = report?;
    stopped?;
    if output.is_json() {
        output::json(&report)?;
    } else {
        let ids: Vec<&str> = report.ids.iter().map(String::as_str).collect();
        output::line(format!("\n{} passed, {} failed; shown: {}", report.passed, report.failed, ids.join(" ")))?;
    }
    if report.failed == 0 { Ok(()) } else { Err(Failure::Differs(report.failed).into()) }
}

fn interrupted() -> anyhow::Error {
    anyhow::anyhow!("interrupted")
}

async fn play(story: &Story, pack: String, stack: &Stack, clock: &Server, output: Output) -> Result<Report> {
    let mut installation = up::installation(stack);
    installation.clock = Some(clock.path().to_owned());
    let mut player = Player::new(story, stack, &installation)?;
    let mut report = Report::new(pack);
    for step in &story.steps {
        let played = player.step(step).await?;
        output.tell(told(&played, &step.what))?;
        report.add(played);
    }
    Ok(report)
}

/// A step, and if it differs in what.
fn told(played: &Played, what: &str) -> String {
    let ids = played.ids.join(" ");
    if played.ok {
        return format!("\u{2713} {:<6} {what}  [{ids}]", played.step);
    }
    let none = String::new();
    let last = |texts: &[String]| texts.last().unwrap_or(&none).clone();
    let (expected, got) = (last(&played.expected), last(&played.got));
    format!("\u{2717} {:<6} {what}  [{ids}]\n         expected  {expected}\n         got       {got}", played.step)
}

/// The story with the file of its pack; none: the shipped one.
fn found(command: &Rehearse) -> Result<(Story, Option<PathBuf>)> {
    let Some(file) = &command.story else {
        let name = command.pack.clone().unwrap_or_default();
        let story = STORIES.iter().find(|(pack, _)| *pack == name).ok_or_else(|| {
            let names: Vec<&str> = STORIES.iter().map(|(pack, _)| *pack).collect();
            Failure::Usage(format!("there is no story of {name:?}; it is one of {}, or --story FILE", names.join(", ")))
        })?;
        let story = Story::read(story.0, story.1)?;
        let policy = policy(&story.pack, Path::new(""));
        return Ok((story, policy));
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Malformed(format!("cannot read {}: {error}", file.display())))?;
    let story = Story::read(&file.display().to_string(), &text)?;
    let policy = match &command.pack {
        Some(pack) => policy(pack, Path::new("")),
        None => policy(&story.pack, file.parent().unwrap_or(Path::new(""))),
    };
    Ok((story, policy))
}

/// A pack that ships, or a file beside the story.
fn policy(pack: &str, folder: &Path) -> Option<PathBuf> {
    (pack != "supply-chain").then(|| folder.join(pack))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn played(step: &str, ids: &[&str], ok: bool) -> Played {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        Played { step: step.to_owned(), ids, ok, expected: vec!["exit 0".to_owned()], got: vec!["exit 3".to_owned()] }
    }

    #[test]
    fn the_json_has_exactly_these_fields() {
        let mut report = Report::new("supply-chain@1".to_owned());
        report.add(played("5.1", &["S0-03"], true));
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            json!({
                "pack": "supply-chain@1",
                "steps": [
                    { "step": "5.1", "ids": ["S0-03"], "ok": true, "expected": ["exit 0"], "got": ["exit 3"] },
                ],
                "passed": 1,
                "failed": 0,
                "ids": ["S0-03"],
            })
        );
    }

    #[test]
    fn a_requirement_is_shown_if_no_step_of_it_fails() {
        let mut report = Report::new(String::new());
        report.add(played("1", &["S0-01", "S0-02"], true));
        report.add(played("2", &["S0-02", "S0-03"], false));
        assert_eq!((report.passed, report.failed), (1, 1));
        assert_eq!(report.ids.into_iter().collect::<Vec<_>>(), ["S0-01"]);
    }

    #[test]
    fn what_differs_is_told_in_two_lines() {
        let told = told(&played("5.1", &["S0-03"], false), "it is reported");
        assert!(told.contains("expected  exit 0\n") && told.ends_with("got       exit 3"), "{told}");
    }

    #[test]
    fn every_story_that_ships_can_be_read_and_others_are_named() {
        for (pack, _) in STORIES {
            let command = Rehearse { pack: Some((*pack).to_owned()), story: None, log: String::new() };
            let (story, policy) = found(&command).unwrap();
            assert_eq!(Pack::load(policy.as_deref()).unwrap().name, *pack);
            assert!(!story.steps.is_empty());
        }
        let command = Rehearse { pack: Some("fairy-tales".to_owned()), story: None, log: String::new() };
        assert_eq!(crate::exit::code(&found(&command).unwrap_err()), 2);
    }
}
