//! `redress demo --output json`: its promises, on a part of its data.

use crate::{code, redress};

#[test]
fn the_demo_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    // From anywhere: the data are in the program.
    let output = redress(&["demo", "--lines", "150", "--output", "json"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(code(&output), 0, "{json:#} {said}");
    let number = |name: &str| json[name].as_i64().unwrap_or_else(|| panic!("{name} is missing in {json:#}"));
    assert_eq!(number("stuck"), 0, "{json:#}");
    let waiting: i64 = json["waiting"].as_object().unwrap().values().filter_map(serde_json::Value::as_i64).sum();
    assert_eq!(number("closed") + number("rejected") + number("withdrawn") + waiting, number("claims"), "{json:#}");
    let paid = number("refunded_minor_units") + number("freight_kept_minor_units");
    assert_eq!(paid, number("owed_minor_units"), "{json:#}");
    assert!(paid > 0, "{json:#}");
    // Every credit line has one fate, and most that have a purchase are refunded as the shop credited them.
    let credits = &json["credits"];
    let count = |name: &str| credits[name].as_i64().unwrap();
    let sum =
        |name: &str| -> i64 { credits[name].as_object().unwrap().values().filter_map(serde_json::Value::as_i64).sum() };
    let refunded = count("refunded_as_credited") + sum("refunded_otherwise");
    assert_eq!((count("lines"), refunded + sum("not_refunded")), (150, 150), "{credits:#}");
    assert!(count("matched") >= refunded && count("refunded_as_credited") * 10 >= refunded * 8, "{credits:#}");
    assert!(json["commits_per_claim"].as_f64().unwrap() > 0.0, "{json:#}");
    assert!(json["messages_per_claim"].as_f64().unwrap() > 0.0, "{json:#}");
    assert_eq!(json["problems"].as_array().unwrap().len(), 0, "{json:#}");
}
