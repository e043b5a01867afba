//! A day in the warehouse, at the carrier's gateway and at the desk, on an installation that runs already: goods are moved,
//! a return is fetched, counted and disposed of, and who did it, when and why can be read.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stack::Up;

/// Asks until the answer is as it should be.
fn until(up: &Up, arguments: &[&str], fits: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let (_, answer) = up.ask(arguments);
        if fits(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{arguments:?}: {answer:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What was asked and done, or why not.
fn done(up: &Up, arguments: &[&str]) -> Value {
    let (exit, answer) = up.ask(arguments);
    assert_eq!(exit, 0, "{arguments:?}: {answer:#}");
    answer
}

/// The bad fields of a refused request.
fn bad_fields(answer: &(i32, Value)) -> (i32, Vec<&str>) {
    let violations = answer.1["error"]["violations"].as_array().unwrap_or_else(|| panic!("{answer:#?}"));
    let mut fields: Vec<_> = violations.iter().map(|violation| violation["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    (answer.0, fields)
}

/// All of it, for articles and customers of its own.
pub fn a_day(up: &Up, home: &Path) {
    let file = |name: &str, text: &str| {
        let path = home.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    goods_are_received_moved_and_corrected(up);
    let claim = an_order_has_versions(up, &file);
    a_plan_is_read_and_approved(up, &claim);
    a_file_of_tracking_is_answered_row_by_row(up, &claim, &file);
    a_return_is_counted_and_disposed_of(up, &claim);
    clocks_and_reasons_are_shown(up, &claim);
    people_read_tables(up, &claim);
    any_call_is_made_by_its_json(up);
}

/// The same request twice is one; what a role may not do is refused; what is no request names its field.
fn any_call_is_made_by_its_json(up: &Up) {
    let body = r#"{"requestId": "0190a000-0000-7000-8000-0000000000c1", "warehouse": "EAST", "zone": "ZONE_QUALIFIED",
        "document": "LS-10", "lines": [{"sku": "VASE-1", "batch": "B8", "quantity": 2}]}"#;
    let receive = ["call", "inventory.ReceiveGoods", "--json", body];
    let first = done(up, &receive);
    assert_eq!((&first["units"], done(up, &receive)), (&json!("2"), first.clone()));
    let shown = done(up, &["call", "GetAvailability", "--json", r#"{"sku": "VASE-1", "batch": "B8"}"#]);
    assert_eq!(shown["available"], "2");
    let methods = done(up, &["call"]);
    let all = methods["methods"].as_array().unwrap();
    assert!(
        all.iter()
            .any(|method| method["method"] == "triage.ListParked" && method["roles"].to_string().contains("operator"))
    );
    assert_eq!(up.ask(&["call", "GetAvailability", "--json", r#"{"sku": ""}"#]).0, 4);
    assert_eq!(up.ask(&["call", "GetAvailability", "--json", r#"{"skew": "X"}"#]).0, 4);
    assert_eq!(up.ask(&["--roles", "finance", "call", "inventory.ReceiveGoods", "--json", body]).0, 3);
    assert_eq!(up.ask(&["call", "ListParked"]).0, 2, "every service has that");
}

fn goods_are_received_moved_and_corrected(up: &Up) {
    done(up, &["stock", "warehouse", "EAST", "--country", "GB", "--custodian", "staff-7"]);
    done(up, &["stock", "article", "VASE-1", "Vase"]);
    let receive =
        ["stock", "receive", "VASE-1", "--warehouse", "EAST", "--units", "10", "--batch", "B7", "--document", "LS-9"];
    assert_eq!(done(up, &receive)["units"], "10");
    assert_eq!(done(up, &receive)["repeated"], true, "the same delivery note is a repetition");

    let change = ["stock", "move", "VASE-1", "--warehouse", "EAST", "--batch", "B7", "--from", "qualified"];
    // Every bad field is named, and nothing has moved.
    let bad = up.ask(&[&change[..], &["--to", "qualified", "--units", "0", "--reason", ""]].concat());
    assert_eq!(bad_fields(&bad), (4, vec!["quantity", "reason", "to_zone"]), "{bad:#?}");
    let named = ["--actor", "keeper", "--request-id", "01890000-0000-7000-8000-0000000000a1"];
    let good =
        [&named[..], &change[..], &["--to", "unqualified", "--units", "4", "--reason", "cracked glaze"]].concat();
    let moved = done(up, &good);
    assert_eq!((done(up, &good), &moved["onHand"]), (moved.clone(), &json!("4")), "the same request again");
    let count = ["stock", "adjust", "VASE-1", "--warehouse", "EAST", "--batch", "B7", "--zone", "qualified", "--by"];
    assert_eq!(done(up, &[&count[..], &["-1", "--reason", "counted"]].concat())["onHand"], "5");
    let (exit, refused) = up.ask(&[&count[..], &["-9", "--reason", "counted"]].concat());
    assert_eq!((exit, &refused["error"]["reason"]), (3, &json!("OUT_OF_STOCK")), "{refused:#}");

    assert_eq!(done(up, &["stock", "show", "VASE-1", "--batch", "B7"])["available"], "5");
    assert_eq!(up.ask(&["stock", "show", "NO-SUCH"]).0, 3);
    let told = done(up, &["stock", "movements", "VASE-1"]);
    let entries = told["movements"].as_array().unwrap();
    let entry = |at: usize| {
        let text = |name: &str| entries[at][name].as_str().unwrap().to_owned();
        (text("kind"), text("quantity"), text("document"))
    };
    let told = |kind: &str, units: &str, why: &str| (format!("MOVEMENT_KIND_{kind}"), units.to_owned(), why.to_owned());
    assert_eq!(entries.len(), 4, "{entries:#?}");
    assert_eq!((entry(0), entry(3)), (told("ADJUSTMENT", "-1", "counted"), told("RECEIPT", "10", "LS-9")));
    assert_eq!((entry(1).2, entry(2).2), ("cracked glaze".to_owned(), "cracked glaze".to_owned()));
    assert!(entries[1]["actor"].as_str().unwrap().contains("keeper") && entries[1]["movedAt"].is_string());
    assert_eq!(done(up, &["stock", "movements", "VASE-1", "--limit", "1"])["more"], true);
    assert_eq!(done(up, &["stock", "reservations", "--state", "held_partly"])["reservations"], json!([]));
}

/// Gives the number of a claim on the order.
fn an_order_has_versions(up: &Up, file: &dyn Fn(&str, &str) -> String) -> String {
    let head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
    let sold =
        |units: u32| file("vases.csv", &format!("{head}\n7300,VASE-1,Vase,{units},1/12/2010,12.50,C3,Germany\n"));
    done(up, &["import", "orders", &sold(3), "--until", "today"]);
    done(up, &["import", "orders", &sold(4), "--until", "today", "--existing", "replace"]);
    let facts = done(up, &["order", "show", "7300"])["facts"].clone();
    let version = |at: usize| (facts[at]["version"].clone(), facts[at]["line"]["quantity"].clone());
    assert_eq!((version(0), version(1)), ((json!(1), json!(3)), (json!(2), json!(4))), "{facts:#}");
    assert!(facts[0]["recordedBy"].is_string() && facts[0]["recordedAt"].is_string(), "{facts:#}");
    assert_eq!(up.ask(&["order", "facts", "NO-SUCH"]).0, 3);

    let who = ["claim", "submit", "--customer", "C3", "--name", "Customer 3", "--email", "c3@example.com"];
    let what = ["--address", "3 Example Road", "--order", "7300", "--sku", "VASE-1", "--quantity", "4"];
    let wish = ["--category", "return_request", "--wish", "return_refund"];
    let answer = done(up, &[&who[..], &what[..], &wish[..]].concat());
    let claim = answer["claim"]["claimNumber"].as_str().unwrap().to_owned();
    let noted = done(up, &["evidence", "note", &claim, &file("crack.tiff", "II*"), "--content-type", "image/tiff"]);
    assert_eq!(noted["claim"]["evidence"][0]["mediaType"], "image/tiff", "{noted:#}");
    let left = until(up, &["order", "left", "7300", "VASE-1"], |left| left["sold"] == 4);
    assert_eq!((&left["version"], &left["paid"]["minorUnits"]), (&json!(2), &json!("5000")), "{left:#}");
    claim
}

/// The most urgent open work item of a claim.
fn task(up: &Up, claim: &str) -> Value {
    let waits = |listed: &Value| listed["workItems"].as_array().is_some_and(|items| !items.is_empty());
    until(up, &["work", "list", "--claim", claim], waits)["workItems"][0]["item"].clone()
}

fn a_plan_is_read_and_approved(up: &Up, claim: &str) {
    let item = task(up, claim);
    let id = item["workItemId"].as_str().unwrap();
    let shown = done(up, &["work", "show", id]);
    assert_eq!(shown["workItem"]["item"]["plan"]["lines"][0]["quantity"], 4, "{shown:#}");
    assert_eq!(up.ask(&["work", "show", "01890000-0000-7000-8000-0000000000a3"]).0, 3);
    let decide = ["--actor", "anna", "work", "decide", id, "--ruling", "approve", "--note", "a good customer"];
    done(up, &decide);
    // Who decided what, and why, can be read.
    let decisions = done(up, &["claim", "decisions", claim]);
    assert_eq!(decisions["assessments"][0]["judgedBy"], "rules", "{decisions:#}");
    let decided = &decisions["workItems"][0]["item"];
    assert!(decided["decidedBy"].as_str().unwrap().contains("anna") && decided["decidedAt"].is_string(), "{decided:#}");
    assert_eq!((&decided["note"], &decided["ruling"]), (&json!("a good customer"), &json!("RULING_APPROVE")));
}

fn a_file_of_tracking_is_answered_row_by_row(up: &Up, claim: &str, file: &dyn Fn(&str, &str) -> String) {
    let quote = done(up, &["shipment", "quote", "--country", "DE", "--units", "4", "--pickup"]);
    assert!(quote["carrier"].is_string() && quote["cost"]["minorUnits"].is_string(), "{quote:#}");
    let bad = up.ask(&["shipment", "quote", "--country", "Germany", "--units", "0"]);
    assert_eq!(bad_fields(&bad), (4, vec!["country", "quantity"]));

    let list = ["shipment", "list", "--claim", claim, "--way", "return"];
    let listed = until(up, &list, |listed| listed["shipments"].as_array().is_some_and(|all| !all.is_empty()));
    let waybill = listed["shipments"][0]["trackingNo"].as_str().unwrap().to_owned();
    let confirmed = done(up, &["shipment", "confirm", &waybill, "DHL-77"]);
    assert_eq!(confirmed["shipment"]["carrierTrackingNo"], "DHL-77");

    let now = chassis::Clock::default().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let head = "tracking_no,carrier_event_id,state,occurred_at,reason,held_until";
    let events = file(
        "tracking.csv",
        &format!(
            "{head}\nDHL-77,E-1,handed_over,{now},,\nRX-NOBODY,E-1,delivered,{now},,\nDHL-77,E-2,flying,soon,tired,\n\
             DHL-77,redress.3,delivered,{now},customs_hold,2026-13-01\nDHL-77,red/ress,delivered,{now},customs_hold,\n\
             {waybill},E-4,delivered,{now},,\n"
        ),
    );
    let request = ["--request-id", "01890000-0000-7000-8000-0000000000a4", "shipment", "report", "--file", &events];
    let (exit, report) = up.ask(&request);
    let outcomes = |report: &Value| {
        let rows = report["rows"].as_array().unwrap_or_else(|| panic!("{report:#}"));
        let row = |row: &Value| {
            format!("{} {} {}", row["row"], row["outcome"].as_str().unwrap(), row["reason"].as_str().unwrap())
        };
        rows.iter().map(|answer| row(answer).trim_end().to_owned()).collect::<Vec<_>>()
    };
    let refused = ["3 refused NOT_FOUND", "4 refused MALFORMED", "5 refused MALFORMED", "6 refused MALFORMED"];
    assert_eq!(exit, 6, "{report:#}");
    assert_eq!(outcomes(&report), [&["2 changed"][..], &refused, &["7 changed"]].concat(), "{report:#}");
    let text = |at: usize| report["rows"][at]["text"].as_str().unwrap();
    for (at, fields) in [(2, &["state", "occurred_at", "reason"][..]), (4, &["carrier_event_id", "reason"])] {
        assert!(fields.iter().all(|field| text(at).contains(field)), "{}", text(at));
    }
    assert_eq!(up.ask(&request), (exit, report), "the same request again");
    // The same file again changes nothing.
    let (_, report) = up.ask(&["shipment", "report", "--file", &events]);
    assert_eq!(outcomes(&report), [&["2 unchanged"][..], &refused, &["7 unchanged"]].concat(), "{report:#}");
    let nobody = file("empty.csv", "tracking_no,state\n");
    let (exit, told) = up.ask(&["shipment", "report", "--file", &nobody]);
    assert!(exit == 4 && told["error"]["message"].as_str().unwrap().contains("carrier_event_id"), "{told:#}");
    assert_eq!(up.ask(&["shipment", "report", &waybill]).0, 2);
}

fn a_return_is_counted_and_disposed_of(up: &Up, claim: &str) {
    let expected = |listed: &Value| listed["returns"].as_array().is_some_and(|all| all.len() == 1);
    until(up, &["return", "list", "--claim", claim, "--state", "expected"], expected);
    let receive = ["--actor", "keeper", "return", "receive", claim, "--warehouse"];
    // Every bad field is named, and nothing is counted.
    let bad = up.ask(&[&receive[..], &["east", "--other-sku", "VASE-2"]].concat());
    assert_eq!(bad_fields(&bad), (4, vec!["accepted", "warehouse", "wrong_item"]));
    let first = done(up, &[&receive[..], &["EAST", "--accepted", "1", "--damaged", "1"]].concat());
    assert_eq!(first["return"]["state"], "RETURN_STATE_PARTLY_RECEIVED", "{first:#}");
    let other = ["EAST", "--wrong-item", "1", "--other-sku", "LAMP-1", "--last"];
    let request = ["--request-id", "01890000-0000-7000-8000-0000000000a2"];
    let last = done(up, &[&request[..], &receive[..], &other[..]].concat());
    assert_eq!(done(up, &[&request[..], &receive[..], &other[..]].concat()), last, "the same request again");
    let goods = &last["return"];
    assert_eq!(goods["state"], "RETURN_STATE_CLOSED_SHORT", "{last:#}");
    let count = |name: &str| goods["count"][name].as_u64().unwrap_or_default();
    assert_eq!((count("accepted"), count("damaged"), count("wrongItem"), count("missing")), (1, 1, 1, 1), "{last:#}");
    assert_eq!(goods["waiting"], 2, "{last:#}");
    assert_eq!(&done(up, &["return", "list", "--claim", claim])["returns"][0], goods, "a list says the same");

    let dispose = ["--actor", "inspector", "return", "dispose", claim];
    let restock = [&dispose[..], &["--units", "1", "--as", "restock", "--other-sku", "LAMP-1"]].concat();
    assert_eq!(done(up, &restock)["waiting"], 1);
    let scrap = [&dispose[..], &["--line", "1", "--units", "1", "--as", "scrap"]].concat();
    assert_eq!(done(up, &scrap)["waiting"].as_u64().unwrap_or_default(), 0);
    let (exit, refused) = up.ask(&scrap);
    assert_eq!((exit, &refused["error"]["reason"]), (3, &json!("NOTHING_TO_DISPOSE")), "{refused:#}");
    let bad = up.ask(&[&dispose[..], &["--units", "0", "--as", "scrap", "--other-sku", "LAMP-1"]].concat());
    assert_eq!(bad_fields(&bad), (4, vec!["other_sku", "quantity"]));

    // Who counted what, and who decided, is in the ledger; the goods of other claims are not shown.
    let shown = done(up, &["return", "show", claim]);
    let entries = shown["movements"].as_array().unwrap();
    let by = |who: &str| entries.iter().filter(|entry| entry["actor"].as_str().unwrap().contains(who)).count();
    assert_eq!(shown["returns"].as_array().unwrap().len(), 1);
    assert!(by("keeper") >= 3 && by("inspector") >= 2 && by("keeper") + by("inspector") == entries.len(), "{shown:#}");
    assert_eq!(done(up, &["--roles", "specialist", "return", "show", claim])["movements"], Value::Null);
    assert_eq!(up.ask(&["return", "show", claim, "--line", "2"]).0, 3);
}

fn clocks_and_reasons_are_shown(up: &Up, claim: &str) {
    let clocks = done(up, &["claim", "clocks", claim]);
    assert!(!clocks["clocks"].as_array().unwrap().is_empty(), "{clocks:#}");
    assert_eq!(done(up, &["work", "escalations"])["escalations"], json!([]));
    let told = done(up, &["reasons", "return_excess"]);
    assert_eq!(told["reasons"][0]["words"], "more came back than was announced");
    assert_eq!(up.ask(&["reasons", "NO_SUCH_CODE"]).0, 3);
}

/// Each table with something that must stand in it.
fn people_read_tables(up: &Up, claim: &str) {
    for (arguments, words) in [
        (&["stock", "show", "VASE-1"][..], &["available", "unqualified"][..]),
        (&["stock", "movements", "VASE-1"], &["cracked glaze", "keeper", "+10"]),
        (&["stock", "reservations"], &["which batch"]),
        (&["order", "show", "7300"], &["12.50 GBP", "recorded"]),
        (&["order", "left", "7300", "VASE-1"], &["50.00 GBP"]),
        (&["return", "list"], &["closed_short", "change_of_mind", "1 damaged", "the other article is LAMP-1"]),
        (&["return", "show", claim], &["LAMP-1", "inspector", "scrapped"]),
        (&["shipment", "list", "--limit", "1"], &["there are more: raise --limit"]),
        (&["claim", "decisions", claim], &["anna", "a good customer", "APPROVAL_NEEDED (the plan is beyond"]),
        (&["claim", "clocks", claim], &["first_feedback", "working time"]),
        (&["work", "escalations"], &["was due"]),
        (&["reasons", "LATE_RETURN"], &["after the return was closed"]),
    ] {
        let told = up.tell(arguments);
        assert!(words.iter().all(|word| told.contains(word)), "{arguments:?}: {told}");
    }
}
