//! `redress demo --output json`: its promises.

use crate::{code, redress};

#[test]
fn the_demo_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    // From anywhere: the data are in the program.
    let output = redress(&["demo", "--output", "json"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(code(&output), 0, "{json:#} {said}");
    let number = |name: &str| json[name].as_i64().unwrap_or_else(|| panic!("{name} is missing in {json:#}"));
    assert_eq!((number("claims"), number("stuck")), (100, 0), "{json:#}");
    let waiting: i64 = json["waiting"].as_object().unwrap().values().filter_map(serde_json::Value::as_i64).sum();
    assert_eq!(number("closed") + number("rejected") + number("withdrawn") + waiting, 100, "{json:#}");
    assert_eq!(number("refunded_minor_units"), number("owed_minor_units"), "{json:#}");
    assert!(number("refunded_minor_units") > 0, "{json:#}");
    // 14 return lines have a sale to their customer on or before their day; two are discounts.
    assert_eq!(number("closed"), 14, "{json:#}");
    assert_eq!(json["outcomes"]["rejected: NOT_GOODS"], 2, "{json:#}");
    assert!(json["commits_per_claim"].as_f64().unwrap() > 0.0, "{json:#}");
    assert!(json["messages_per_claim"].as_f64().unwrap() > 0.0, "{json:#}");
    assert!(json["seconds"].as_f64().unwrap() < 20.0, "{json:#}");
    assert_eq!(json["problems"].as_array().unwrap().len(), 0, "{json:#}");
}
