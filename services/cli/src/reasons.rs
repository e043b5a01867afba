//! Stable reason codes in plain words, for people who meet them for the first time.

mod words;

use anyhow::Result;
use serde_json::json;

use crate::exit::Failure;
use crate::output::{self, Output, table};
use words::WORDS;

/// Say in plain words what a stable code means.
#[derive(Clone, Debug, clap::Args)]
pub struct Reasons {
    /// The code, as OUTSIDE_WINDOW; without it all of them.
    code: Option<String>,
}

/// A code with what it means; a code that is not known here as it is.
pub fn told(code: &str) -> String {
    match words(code) {
        Some(words) => format!("{code} ({words})"),
        None => code.to_owned(),
    }
}

fn words(code: &str) -> Option<&'static str> {
    WORDS.iter().find(|(known, _)| *known == code).map(|(_, words)| *words)
}

/// Prints codes with their words.
pub fn run(reasons: &Reasons, output: Output) -> Result<()> {
    let wanted = reasons.code.as_deref().map(str::to_uppercase);
    let found: Vec<_> =
        WORDS.iter().filter(|(code, _)| wanted.as_deref().is_none_or(|wanted| wanted == *code)).collect();
    if let Some(wanted) = wanted.filter(|_| found.is_empty()) {
        return Err(Failure::NotFound(format!("{wanted} is no code of Redress")).into());
    }
    if output.is_json() {
        let reasons: Vec<_> = found.iter().map(|(code, words)| json!({ "code": code, "words": words })).collect();
        return output::json(&json!({ "reasons": reasons }));
    }
    let mut table = table(["code", "what it means"]);
    found.into_iter().for_each(|(code, words)| {
        table.add_row([*code, *words]);
    });
    output::line(table)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// The files below a folder of the repository, in the order of their names.
    fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_str().unwrap().ends_with(ending) {
                    found.push(path);
                }
            }
        }
        found.sort();
        assert!(!found.is_empty(), "{folder}");
        found
    }

    /// Words of capitals with an underscore in them.
    fn capitals(text: &str) -> impl Iterator<Item = &str> {
        let parts = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let fits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        parts.filter(fits).filter(|part| part.trim_matches('_').contains('_'))
    }

    fn nameless<'a>(codes: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let codes: BTreeSet<&str> = codes.into_iter().collect();
        assert!(codes.len() > 5, "hardly any code was found: {codes:?}");
        codes.into_iter().filter(|code| words(code).is_none()).collect()
    }

    fn all(paths: &[PathBuf]) -> String {
        paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    #[test]
    fn u17_a_known_code_is_explained_and_another_is_shown() {
        assert!(told("ORDER_NUMBER_UNKNOWN").contains("no purchase of this customer has the order number"));
        for code in ["ADDRESS_NEEDED", "NO_ANSWER", "ALREADY_COMPENSATED"] {
            assert!(told(code).starts_with(&format!("{code} (")), "{}", told(code));
        }
        assert_eq!(told("SOMETHING_NEW"), "SOMETHING_NEW");
        let codes: BTreeSet<_> = WORDS.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), WORDS.len(), "a code has words twice");
    }

    #[test]
    fn every_reason_of_an_error_has_words() {
        let contract = all(&files("proto/redress", ".proto"));
        let values = contract.lines().filter_map(|line| line.split_once("ERROR_REASON_")?.1.split_once(" = "));
        let codes = values.map(|(code, _)| code).filter(|code| *code != "UNSPECIFIED");
        assert_eq!(nameless(codes), Vec::<&str>::new());
    }

    #[test]
    fn every_reason_of_a_carrier_has_words() {
        use proto::logistics::words::TrackingReason;
        let reasons: Vec<String> = TrackingReason::ALL.iter().map(|reason| reason.word().to_uppercase()).collect();
        assert_eq!(nameless(reasons.iter().map(String::as_str)), Vec::<&str>::new());
    }

    /// What the contract says beside the codes: gRPC's own, values of enumerations, kinds of promises.
    fn is_no_code(word: &str) -> bool {
        let grpc =
            ["INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED", "ALREADY_EXISTS", "RESOURCE_EXHAUSTED"];
        let more =
            ["OUT_OF_RANGE", "DATA_LOSS", "UPPER_SNAKE", "FIRST_FEEDBACK", "COMPENSATION_FAILED", "RETURN_MISMATCH"];
        let values = ["CLOCK_KIND_", "WORK_KIND_", "LEG_SH", "LEG_PI", "LEG_RE", "RESOLUTION_", "EVIDENCE_KIND_"];
        grpc.contains(&word) || more.contains(&word) || values.iter().any(|prefix| word.starts_with(prefix))
    }

    #[test]
    fn every_code_that_the_contract_names_has_words() {
        let contract = all(&files("proto/redress", ".proto"));
        // Comments that speak of codes or reasons.
        let lines: Vec<Option<&str>> = contract.lines().map(|line| line.trim_start().strip_prefix("//")).collect();
        let comments = lines.split(|line| line.is_none()).map(|block| block.iter().flatten().copied());
        let about = |line: &str| ["code", "reason", "Errors:", "\"why\""].iter().any(|word| line.contains(word));
        let told = comments.filter(|comment| comment.clone().any(about));
        let codes = told.flatten().flat_map(capitals).filter(|word| !is_no_code(word));
        assert_eq!(nameless(codes), Vec::<&str>::new());
    }

    #[test]
    fn every_reason_for_which_the_policy_names_a_role_has_words() {
        let policy = proto::policy::SUPPLY_CHAIN;
        let roles = policy.split_once("[triage.work_items.roles]").unwrap().1.split_once("\n[").unwrap().0;
        let keys = roles.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_uppercase());
        let keys: Vec<String> = keys.collect();
        assert_eq!(nameless(keys.iter().map(String::as_str)), Vec::<&str>::new());
    }

    #[test]
    fn every_code_that_a_service_sends_has_words() {
        let folders = [
            ("services/triage/src/domain", ".rs"),
            ("services/orchestrator/src/claim_process", ".rs"),
            ("services/orchestrator/src/events", "notices.rs"),
            ("services/escalation/src/domain", ".rs"),
            ("services/inventory/src", "events.rs"),
            ("services/inventory/src", "grpc.rs"),
            ("services/logistics/src", "events.rs"),
            ("services/logistics/src", "grpc.rs"),
            ("services/intake/src/domain", "refusal.rs"),
            ("services/chassis/src/auth", "gate.rs"),
            ("services/chassis/src/lane", "batch.rs"),
            ("services/chassis/src/lane", "worker.rs"),
        ];
        let files = folders.into_iter().flat_map(|(folder, ending)| files(folder, ending));
        let files: Vec<PathBuf> =
            files.filter(|path| !path.components().any(|part| part.as_os_str() == "tests")).collect();
        let text = all(&files);
        let literals = text.split('"').skip(1).step_by(2).filter(|literal| capitals(literal).eq([*literal]));
        let codes = literals.filter(|word| {
            let values = ["CLOCK_KIND_", "WORK_KIND_", "ROLE_", "TRACKING_REASON_", "FIRST_FEEDBACK"];
            !values.iter().any(|prefix| word.starts_with(prefix))
        });
        assert_eq!(nameless(codes), Vec::<&str>::new());
        // Those of one word, and those that are about to be sent.
        let more = [
            "DENIED",
            "REOPENED",
            "LOST",
            "REFUSED",
            "ADVICE",
            "DUPLICATE",
            "WITHDRAWN",
            "CANARY",
            "BOOKED",
            "HELD",
            "DELAYED",
            "OVERDUE",
            "CARRIER",
            "DESTROYED",
            "UNDECODABLE",
            "BROKEN",
            "BATCH_UNKNOWN",
            "WRONG_ITEM_RETURNED",
            "RETURN_NOT_AS_CLAIMED",
            "NOTHING_RETURNED",
            "RETURN_EXCESS",
            "RETURN_NOT_ACCEPTED",
            "LATE_RETURN",
        ];
        assert_eq!(nameless(more), Vec::<&str>::new());
    }
}
