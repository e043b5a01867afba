//! Wrong usage: every argument that cannot be read is named at once, not only the first.

use std::ffi::{OsStr, OsString};

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::json;

use crate::args::Args;

/// Reads the arguments, or ends the program: with help that was asked for, or with what is wrong.
pub fn parse(arguments: Vec<OsString>) -> Args {
    let is_json = wants_json(&arguments, std::env::var_os("REDRESS_OUTPUT").as_deref());
    match read(arguments) {
        Ok(args) => args,
        Err(Wrong::One(error)) if !is_json || !error.use_stderr() => error.exit(),
        Err(wrong) => {
            let lines = wrong.lines();
            if is_json {
                let problems: Vec<&str> = lines.iter().map(|line| line.trim_start_matches("error: ")).collect();
                eprintln!(
                    "{}",
                    json!({ "error": { "exit": 2, "message": problems.join("; "), "problems": problems } })
                );
            } else {
                lines.iter().for_each(|line| eprintln!("{line}"));
                eprintln!("\nFor more information, try '--help'.");
            }
            std::process::exit(2)
        }
    }
}

/// Whether a script asks: what cannot be read may still say so.
fn wants_json(arguments: &[OsString], by_default: Option<&OsStr>) -> bool {
    let pair = [OsStr::new("--output"), OsStr::new("json")];
    let said = arguments.iter().any(|argument| argument.to_string_lossy().starts_with("--output"));
    let json = arguments.windows(2).any(|two| two == pair) || arguments.iter().any(|one| one == "--output=json");
    json || !said && by_default.is_some_and(|output| output == "json")
}

/// What is wrong.
#[derive(Debug)]
enum Wrong {
    /// One thing, in the words of the parser; or help.
    One(clap::Error),
    /// Several, in a line each.
    Several(Vec<String>),
}

impl Wrong {
    /// Each thing in a line.
    fn lines(self) -> Vec<String> {
        match self {
            Self::Several(lines) => lines,
            Self::One(error) => match missing(&error, &[]) {
                Some(line) if error.kind() == ErrorKind::MissingRequiredArgument => vec![line],
                _ => error.render().to_string().lines().next().map(str::to_owned).into_iter().collect(),
            },
        }
    }
}

/// The parser stops at the first value that it cannot read: without it the next one shows.
fn read(mut arguments: Vec<OsString>) -> Result<Args, Wrong> {
    let (mut first, mut lines, mut taken) = (None, Vec::new(), Vec::new());
    loop {
        let error = match Args::try_parse_from(&arguments) {
            Ok(args) if first.is_none() => return Ok(args),
            Ok(_) => break,
            Err(error) => error,
        };
        let bad = bad_value(&error);
        match error.kind() {
            ErrorKind::MissingRequiredArgument => lines.extend(missing(&error, &taken)),
            _ => lines.extend(error.render().to_string().lines().next().map(str::to_owned)),
        }
        first.get_or_insert(error);
        let Some((option, value)) = bad else { break };
        if !take_away(&mut arguments, &option, &value) {
            break;
        }
        taken.push(option);
    }
    match first {
        Some(error) if lines.len() < 2 => Err(Wrong::One(error)),
        _ => Err(Wrong::Several(lines)),
    }
}

/// The option whose value cannot be read, as `--from <FROM>`, and the value.
fn bad_value(error: &clap::Error) -> Option<(String, String)> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    Some((text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?))
}

/// What is missing, in a line; those that were taken away are not.
fn missing(error: &clap::Error, taken: &[String]) -> Option<String> {
    let Some(ContextValue::Strings(names)) = error.get(ContextKind::InvalidArg) else { return None };
    let names: Vec<&str> = names.iter().filter(|name| !taken.contains(name)).map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("error: missing: {}", names.join(", ")))
}

/// Takes an option away with its value. One without a name cannot be: what comes after it would take its place.
fn take_away(arguments: &mut Vec<OsString>, option: &str, value: &str) -> bool {
    let Some(name) = option.split([' ', '=']).next().filter(|name| name.starts_with("--")) else { return false };
    let joined = OsString::from(format!("{name}={value}"));
    if let Some(at) = arguments.iter().position(|argument| *argument == joined) {
        arguments.remove(at);
        return true;
    }
    let pair = [OsStr::new(name), OsStr::new(value)];
    let Some(at) = arguments.windows(2).position(|two| two == pair) else { return false };
    arguments.drain(at..at + 2);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(arguments: &[&str]) -> Vec<String> {
        match read([&["redress"], arguments].concat().iter().map(OsString::from).collect()) {
            Ok(_) => Vec::new(),
            Err(wrong) => wrong.lines(),
        }
    }

    #[test]
    fn every_argument_that_cannot_be_read_is_named_at_once() {
        let told = wrong(&["stock", "move", "A", "--warehouse", "W", "--from", "moon", "--to=sun", "--units", "x"]);
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(
            told[0].contains("'moon' for '--from <FROM>'") && told[0].contains("it is one of qualified"),
            "{told:#?}"
        );
        assert!(told[1].contains("'sun' for '--to <TO>'"), "{told:#?}");
        assert!(told[2].contains("--units <UNITS>") && told[3] == "error: missing: --reason <REASON>", "{told:#?}");
        let told = wrong(&["stock", "move", "A", "--from", "moon", "--units", "-1"]);
        assert!(told.len() == 2 && told[1].contains("'-1'"), "{told:#?}");
        let told = wrong(&["claim", "list", "--state", "flying", "--waiting-for", "godot"]);
        assert_eq!(told.len(), 2, "{told:#?}");
    }

    #[test]
    fn one_thing_is_told_in_the_words_of_the_parser_and_nothing_is_fine() {
        assert_eq!(wrong(&["claim", "list", "--state", "closed"]), Vec::<String>::new());
        let told = wrong(&["claim", "list", "--state", "flying"]);
        assert!(told.len() == 1 && told[0].starts_with("error: invalid value 'flying'"), "{told:#?}");
        assert!(wrong(&["fly"])[0].contains("unrecognized subcommand"));
        assert!(wrong(&["stock", "move"])[0].starts_with("error: missing: --warehouse <WAREHOUSE>, --from <FROM>"));
        assert_eq!(wrong(&["shipment", "report", "RX1", "flying", "--event", "E", "--reason", "tired"]).len(), 1);
    }

    #[test]
    fn a_script_is_told_in_json() {
        let wants = |arguments: &[&str], by_default: Option<&str>| {
            wants_json(&arguments.iter().map(OsString::from).collect::<Vec<_>>(), by_default.map(OsStr::new))
        };
        assert!(
            wants(&["redress", "--output", "json", "fly"], None) && wants(&["redress", "fly", "--output=json"], None)
        );
        assert!(wants(&["redress", "fly"], Some("json")) && !wants(&["redress", "fly"], None));
        assert!(!wants(&["redress", "fly", "--output", "table"], Some("json")));
    }
}
