//! Rehearsals: every story that ships, end to end; and the clock, which only they can move.

use std::time::Instant;

use serde_json::{Value, json};

use crate::stack::Up;
use crate::{code, redress};

/// The stories that ship.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/system/rehearsals");

fn rehearse(arguments: &[&str]) -> (i32, Value) {
    let output = redress(&[&["--output", "json", "rehearse"], arguments].concat()).output().unwrap();
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    let text = String::from_utf8_lossy(text);
    (code(&output), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}")))
}

#[test]
fn every_story_goes_as_it_is_written() {
    let files = std::fs::read_dir(FOLDER).unwrap().flatten().map(|entry| entry.path());
    let stories: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    assert!(!stories.is_empty());
    for story in stories {
        let pack = story.file_stem().unwrap().to_str().unwrap();
        let begun = Instant::now();
        let (exit, report) = rehearse(&[pack]);
        let failed = report["steps"].as_array().into_iter().flatten().filter(|step| step["ok"] == false);
        assert_eq!(exit, 0, "{:#}", failed.cloned().collect::<Value>());
        let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["failed", "ids", "pack", "passed", "steps"]);
        let keys: Vec<&String> = report["steps"][0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["expected", "got", "ids", "ok", "step"]);
        assert!(report["pack"].as_str().unwrap().starts_with(&format!("{pack}@")), "{report}");
        assert_eq!(
            (&report["failed"], &report["passed"]),
            (&json!(0), &json!(report["steps"].as_array().unwrap().len()))
        );
        println!("{pack}: {} ids in {:?}", report["ids"].as_array().unwrap().len(), begun.elapsed());
    }
}

const WRONG: &str = r#"
pack = "supply-chain"
title = "not as it is written"
from = "2031-03-01T09:00Z"
[[step]]
step = "1"
what = "there is no claim yet"
ids = ["S0-02"]
[[step.act]]
redress = "claim list"
expect = [{ at = "claims", count = 0 }]
[[step]]
step = "2"
what = "the clock moves when a story says so"
ids = ["S0-15"]
[[step.act]]
at = "+3h"
redress = "clock show"
expect = [{ at = "now", is = "2031-03-01T12:00Z" }]
[[step.act]]
redress = "clock advance 1h"
expect = [{ at = "now", is = "2031-03-01T13:00Z" }, { at = "rehearsal", is = true }]
[[step]]
step = "3"
what = "somebody who is not there is expected"
ids = ["S0-02", "S0-03"]
[[step.act]]
redress = "claim show RD-2031-000001"
[[step]]
step = "4"
what = "time does not go back"
[[step.act]]
at = "2031-03-01T09:00Z"
redress = "claim list"
"#;

#[test]
fn a_story_that_goes_otherwise_says_where_and_fails() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), WRONG).unwrap();
    let (exit, report) = rehearse(&["--story", file.path().to_str().unwrap()]);
    assert_eq!((exit, &report["passed"], &report["failed"]), (1, &json!(2), &json!(2)), "{report:#}");
    assert_eq!(report["ids"], json!(["S0-15"]), "what has failed once is not shown");
    let third = &report["steps"][2];
    assert_eq!((&third["ok"], &third["expected"]), (&json!(false), &json!(["exit 0 of claim show RD-2031-000001"])));
    assert!(third["got"][0].as_str().unwrap().starts_with("exit 3"), "{third}");
    let fourth = &report["steps"][3]["got"][0];
    assert!(fourth.as_str().unwrap().contains("time never goes back"), "{fourth}");
    // What cannot be read is told before anything starts.
    std::fs::write(file.path(), WRONG.replace("count = 0", "counts = 0")).unwrap();
    let (exit, refused) = rehearse(&["--story", file.path().to_str().unwrap()]);
    assert_eq!(exit, 4);
    assert!(refused["error"]["message"].as_str().unwrap().contains("counts"), "{refused}");
}

#[test]
fn a_rehearsal_keeps_to_itself_and_its_time_goes_forward() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("rehearsal");
    let data = data.to_str().unwrap();
    let up = Up::start(home.path(), &["--data", data, "--from", "2026-09-28T09:00+08:00"]);
    let (exit, told) = up.ask(&["clock", "advance", "--to", "2026-10-08T14:00+08:00"]);
    assert_eq!((exit, &told["rehearsal"]), (0, &json!(true)), "{told}");
    assert!(told["now"].as_str().unwrap().starts_with("2026-10-08T06:00:"), "{told}");
    let (exit, told) = up.ask(&["clock", "advance", "--to", "2026-09-28T09:00+08:00"]);
    assert_eq!(exit, 3, "{told}");
    assert!(told["error"]["message"].as_str().unwrap().starts_with("CLOCK_BACKWARDS: "), "{told}");
    assert_eq!(up.ask(&["clock", "advance", "-3h"]).0, 2);
    assert_eq!(up.ask(&["audit", "verify"]).1["ok"], json!(true));
    up.stop();
    let start = |options: &[&str]| {
        let output = redress(&[&["up", "--fast", "--data", data, "--log", "off"], options].concat())
            .env("XDG_RUNTIME_DIR", home.path())
            .output()
            .unwrap();
        (code(&output), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (exit, told) = start(&[]);
    assert!(exit == 1 && told.contains("REHEARSAL_DATABASE"), "{told}");
    let (exit, told) = start(&["--from", "2026-10-08T13:00+08:00"]);
    assert!(exit == 1 && told.contains("CLOCK_BACKWARDS"), "{told}");
    assert_eq!(start(&["--from", "2026-10-08T14:10+08:00", "--processes"]).0, 2);
    let up = Up::start(home.path(), &["--data", data, "--from", "2026-10-08T14:10+08:00"]);
    assert!(up.ask(&["clock", "show"]).1["now"].as_str().unwrap().starts_with("2026-10-08T06:1"));
    up.stop();

    // The other way round: what was not made for it goes by the real clock for ever.
    let real = home.path().join("real");
    let real = real.to_str().unwrap();
    let up = Up::start(home.path(), &["--data", real]);
    let (exit, told) = up.ask(&["clock", "advance", "3h"]);
    assert_eq!(exit, 3, "{told}");
    assert!(told["error"]["message"].as_str().unwrap().starts_with("NOT_A_REHEARSAL: "), "{told}");
    assert_eq!(up.ask(&["clock", "show"]).1["rehearsal"], json!(false));
    up.stop();
    let moved = ["up", "--fast", "--data", real, "--log", "off", "--from", "2031-01-01T00:00Z"];
    let output = redress(&moved).env("XDG_RUNTIME_DIR", home.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("NOT_A_REHEARSAL"), "{output:?}");
}
