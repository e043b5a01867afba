//! The form of a story: a TOML file. Whatever cannot be read is named before anything is started.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::expect::Expectation;
use super::fill::names;
use crate::exit::Failure;

/// A story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// The pack: the name of one that ships, or a file beside the story.
    pub pack: String,
    /// What it is about.
    pub title: String,
    /// When its time begins.
    pub from: Timestamp,
    /// Files that commands read, by name: `{file:NAME}` is where one is.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The steps, in their order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// A step: what it shows, and who does what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, as `5.1`.
    pub step: String,
    /// What happens.
    pub what: String,
    /// The requirements that it shows.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Who does what.
    #[serde(rename = "act")]
    pub acts: Vec<Act>,
}

/// Somebody does something, or looks at something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Act {
    /// When: an instant, or so much later, as `+90m`. None: now.
    pub at: String,
    /// The person or the system.
    pub by: String,
    /// Its roles, with commas; none: those that the command needs.
    pub roles: String,
    /// The customer who acts.
    pub customer: String,
    /// A command of this program without its name.
    pub redress: String,
    /// A method, as `redress.triage.v1.TriageService/RecordOrders`.
    pub call: String,
    /// The request, in the JSON of the contract.
    pub body: Value,
    /// Whether it only looks, and looks again until all is as expected.
    pub wait: bool,
    /// The exit code.
    pub exit: u8,
    /// What the answer has.
    pub expect: Vec<Expectation>,
    /// What is kept of the answer for later, by the name under which `{NAME}` has it.
    pub keep: BTreeMap<String, String>,
}

impl Story {
    /// Reads a story; `name` is how it is called in errors.
    pub fn read(name: &str, text: &str) -> Result<Self> {
        let story: Self = toml::from_str(text).map_err(|error| Failure::Malformed(format!("{name}: {error}")))?;
        let wrong = story.wrong();
        if wrong.is_empty() {
            Ok(story)
        } else {
            Err(Failure::Malformed(format!("{name}: {}", wrong.join("; "))).into())
        }
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut names = BTreeSet::new();
        let mut kept = BTreeSet::from(["now".to_owned()]);
        kept.extend(self.files.keys().map(|file| format!("file:{file}")));
        if self.steps.is_empty() {
            wrong.push("there is no step".to_owned());
        }
        if let Some(name) = self.files.keys().find(|name| name.contains(['/', '\\']) || name.starts_with('.')) {
            wrong.push(format!("file {name}: a name without folders is meant"));
        }
        for step in &self.steps {
            if !names.insert(&step.step) {
                wrong.push(format!("step {} is there twice", step.step));
            }
            if step.acts.is_empty() {
                wrong.push(format!("step {}: nobody does anything", step.step));
            }
            for (at, act) in step.acts.iter().enumerate() {
                let problems = act.wrong(&kept);
                wrong.extend(problems.into_iter().map(|why| format!("step {}, act {}: {why}", step.step, at + 1)));
                kept.extend(act.keep.keys().cloned());
            }
        }
        wrong
    }
}

impl Act {
    fn wrong(&self, kept: &BTreeSet<String>) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.redress.is_empty() == self.call.is_empty() {
            wrong.push("it is either `redress` or `call`".to_owned());
        }
        if !self.call.is_empty() && (self.roles.is_empty() || self.by.is_empty()) && self.customer.is_empty() {
            wrong.push("a call needs `by` and `roles`, or a `customer`".to_owned());
        }
        if self.call.is_empty() && !self.body.is_null() {
            wrong.push("`body` belongs to a `call`".to_owned());
        }
        if let Err(why) = when(&self.at, Timestamp::UNIX_EPOCH) {
            wrong.push(why);
        }
        match words(&self.redress) {
            Ok(words) => wrong.extend(words.iter().flat_map(|word| unknown(word, kept))),
            Err(why) => wrong.push(why),
        }
        wrong.extend(unknown(&self.body.to_string(), kept));
        for expected in &self.expect {
            wrong.extend(expected.wrong());
            wrong.extend(expected.texts().iter().flat_map(|text| unknown(text, kept)));
        }
        if self.wait && self.expect.is_empty() {
            wrong.push("it waits for nothing: `wait` needs `expect`".to_owned());
        }
        wrong
    }
}

/// When an act is: an instant, or so much after now. None: now.
pub fn when(at: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    if at.is_empty() {
        return Ok(None);
    }
    if let Some(later) = at.strip_prefix('+') {
        let by = crate::clock::by(later).map_err(|why| format!("at {at}: {why}"))?;
        return now.checked_add(by).map(Some).map_err(|error| format!("at {at}: {error}"));
    }
    at.parse().map(Some).map_err(|_| format!("at {at}: write it as 2026-09-28T09:00+08:00 or +90m"))
}

/// The words of a command: quotes keep spaces together.
pub fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut open) = (Vec::new(), None::<String>, None);
    for letter in text.chars() {
        match (open, letter) {
            (Some(quote), _) if quote == letter => open = None,
            (None, '\'' | '"') => {
                open = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if open.is_some() { Err(format!("a quote is open in {text:?}")) } else { Ok(words) }
}

fn unknown(text: &str, kept: &BTreeSet<String>) -> Vec<String> {
    names(text).filter(|name| !kept.contains(*name)).map(|name| format!("{{{name}}} was not kept before")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = r#"
        pack = "supply-chain"
        title = "short"
        from = "2026-09-28T09:00+08:00"
        [files]
        "a.csv" = "a,b"
        [[step]]
        step = "1"
        what = "somebody reports"
        ids = ["S0-01"]
        [[step.act]]
        redress = "claim submit --name 'Ada Example' --file {file:a.csv}"
        keep = { number = "claim.claimNumber" }
        [[step.act]]
        at = "+2h"
        redress = "claim show {number}"
        wait = true
        expect = [{ at = "claim.state", is = "CLAIM_STATE_CLOSED" }]
    "#;

    fn refused(from: &str, to: &str) -> String {
        assert!(SHORT.contains(from));
        Story::read("short", &SHORT.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_story_is_read() {
        let story = Story::read("short", SHORT).unwrap();
        assert_eq!(story.from, "2026-09-28T01:00:00Z".parse().unwrap());
        assert_eq!(words(&story.steps[0].acts[0].redress).unwrap()[3], "Ada Example");
    }

    #[test]
    fn what_is_wrong_is_named_before_anything_starts() {
        assert!(
            refused("claim show {number}", "claim show {nummer}")
                .contains("step 1, act 2: {nummer} was not kept before")
        );
        assert!(refused("{file:a.csv}", "{file:b.csv}").contains("{file:b.csv} was not kept"));
        assert!(refused("'Ada Example'", "'Ada Example").contains("a quote is open"));
        assert!(refused("\"+2h\"", "\"-2h\"").contains("write it as"));
        assert!(refused("wait = true", "wait = true\n call = \"a/b\"").contains("either `redress` or `call`"));
        assert!(refused("is =", "was =").contains("unknown field `was`"));
        assert!(refused(", is = \"CLAIM_STATE_CLOSED\"", "").contains("claim.state"));
    }
}
