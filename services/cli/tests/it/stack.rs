//! `redress up`, and a day at the desk with the other commands.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proto::inventory::GetAvailabilityRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use serde_json::Value;
use tonic::Request;

use crate::{code, redress};

/// A running installation; ended by SIGTERM as a service manager would.
pub struct Up {
    child: Child,
    stack: tempfile::NamedTempFile,
}

impl Up {
    pub fn start(home: &Path, options: &[&str]) -> Self {
        let arguments = [&["up", "--fast", "--output", "json"], options].concat();
        let mut child = redress(&arguments).env("XDG_RUNTIME_DIR", home).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let json: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["services"].as_object().unwrap().len(), 6, "{json}");
        let stack = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(stack.path(), line).unwrap();
        Self { child, stack }
    }

    pub fn ask(&self, arguments: &[&str]) -> (i32, Value) {
        let stack = self.stack.path().to_str().unwrap();
        let output = redress(&[&["--output", "json", "--stack", stack], arguments].concat()).output().unwrap();
        let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
        (code(&output), serde_json::from_slice(text).unwrap_or(Value::Null))
    }

    /// What people see.
    pub fn tell(&self, arguments: &[&str]) -> String {
        let stack = self.stack.path().to_str().unwrap();
        let output = redress(&[&["--stack", stack], arguments].concat()).output().unwrap();
        assert_eq!(code(&output), 0, "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Units of an article that are available, asked as any client would.
    pub fn available(&self, sku: &str) -> u64 {
        let json: Value = serde_json::from_slice(&std::fs::read(self.stack.path()).unwrap()).unwrap();
        let address = json["services"]["inventory"].as_str().unwrap().to_owned();
        let (_, told) = self.ask(&["token", "--role", "warehouse", "--subject", "keeper", "--ttl", "5m"]);
        let mut request = Request::new(GetAvailabilityRequest { sku: sku.to_owned(), batch: String::new() });
        let bearer = format!("Bearer {}", told["token"].as_str().unwrap());
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
            InventoryServiceClient::new(channel).get_availability(request).await.unwrap().into_inner().available
        })
    }

    pub fn stop(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ORDERS: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
    7001,LAMP-1,Lamp,4,1/12/2010,12.50,C1,United Kingdom\n7001,LAMP-1,Lamp,x,1/12/2010,12.50,C1,United Kingdom\n";
const STOCK: &str = "sku,description,batch,warehouse,quantity\nLAMP-1,Lamp,,MAIN,10\n";

#[test]
fn a_claim_is_reported_imported_shown_and_withdrawn() {
    let home = tempfile::tempdir().unwrap();
    let up = Up::start(home.path(), &[]);
    assert!(home.path().join("redress/stack.json").exists(), "other commands cannot find it");
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (orders, stock) = (file("orders.csv", ORDERS), file("stock.csv", STOCK));

    let (exit, report) = up.ask(&["import", "orders", &orders, "--until", "today"]);
    assert_eq!((exit, &report["taken"]), (6, &Value::from(1)), "{report}");
    assert_eq!(report["rows"][0]["reason"], "NOT_A_NUMBER");
    for _ in 0..2 {
        let (exit, report) = up.ask(&["import", "stock", &stock, "--register", "GB"]);
        assert_eq!((exit, &report["taken"]), (0, &Value::from(1)), "{report}");
    }

    assert_eq!(up.available("LAMP-1"), 10, "the same file imported again changes nothing");

    let who = ["--customer", "C1", "--name", "Customer 1", "--email", "c1@example.com", "--address", "1 Example Road"];
    let submit = [&["claim", "submit"][..], &who[..]].concat();
    let goods = ["--sku", "LAMP-1", "--quantity", "2", "--category", "return_request", "--wish", "return_refund"];
    let (exit, answer) = up.ask(&[&submit[..], &goods[..]].concat());
    assert_eq!(exit, 0, "{answer}");
    let number = answer["claim"]["claimNumber"].as_str().unwrap().to_owned();
    let (exit, shown) = up.ask(&["claim", "show", &number]);
    assert_eq!((exit, &shown["claim"]["claimNumber"]), (0, &Value::from(number.clone())));
    // Reported once more, it is found, merged, and listed where it is.
    let (_, twice) = up.ask(&[&submit[..], &goods[..], &["--channel", "phone"]].concat());
    assert_eq!(twice["claim"]["possibleDuplicates"], serde_json::json!([number]), "{twice}");
    let copy = twice["claim"]["claimNumber"].as_str().unwrap();
    let (exit, merged) = up.ask(&["claim", "duplicate", copy, "--of", &number]);
    assert_eq!((exit, &merged["claim"]["duplicateOf"]), (0, &Value::from(number.clone())), "{merged}");
    let stack = up.stack.path().to_str().unwrap();
    assert_eq!(code(&redress(&["--stack", stack, "claim", "watch", copy]).output().unwrap()), 0);
    let listed = |options: &[&str]| {
        let (exit, listed) = up.ask(&[&["claim", "list"], options].concat());
        assert_eq!(exit, 0, "{listed}");
        let claims = listed["claims"].as_array().unwrap().clone();
        claims.iter().map(|claim| claim["claimNumber"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--state", "duplicate"]), [copy]);
    assert_eq!(listed(&["--customer", "C1", "--state", "duplicate"]), [copy]);
    assert_eq!(listed(&["--customer", "C1", "--state", "submitted"]), Vec::<String>::new());
    assert_eq!(listed(&["--waiting-for", "carrier"]), [number.as_str()]);
    // That the customer was called is logged, once, and is shown.
    let talk = ["claim", "log", &number, "--channel", "phone", "--note", "Ada waits for a van"];
    let (exit, logged) = up.ask(&talk);
    let contact = &logged["claim"]["contacts"][0];
    assert_eq!((exit, &contact["channel"]), (0, &Value::from("CHANNEL_PHONE")), "{logged}");
    assert_eq!(contact["direction"], "CONTACT_DIRECTION_OUTBOUND");
    let again = [&talk[..], &["--at", contact["at"].as_str().unwrap()]].concat();
    let (exit, known) = up.ask(&again);
    assert_eq!((exit, &known["error"]["reason"]), (3, &Value::from("CONTACT_KNOWN")), "{known}");
    assert_eq!(up.ask(&["claim", "log", &number]).0, 2, "a channel is needed");
    let (_, shown) = up.ask(&["claim", "show", &number]);
    assert_eq!(&shown["claim"]["contacts"][0], contact);
    let table = redress(&["--stack", stack, "claim", "show", &number]).output().unwrap();
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("outbound"), "{table}");
    let pdf = home.path().join("bill.pdf");
    std::fs::write(&pdf, b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n")
        .unwrap();
    let (exit, added) = up.ask(&["evidence", "add", &number, pdf.to_str().unwrap()]);
    assert_eq!(exit, 0, "{added}");
    let (exit, _) = up.ask(&["claim", "withdraw", &number]);
    assert_eq!(exit, 0);
    let (exit, refused) = up.ask(&["claim", "withdraw", &number]);
    assert_eq!(exit, 3, "{refused}");
    // It ends when everything was compensated; its last event is the end.
    let watched = redress(&["--output", "json", "--stack", stack, "claim", "watch", &number]).output().unwrap();
    assert_eq!(code(&watched), 0, "{}", String::from_utf8_lossy(&watched.stderr));
    let last: Value = serde_json::from_str(String::from_utf8_lossy(&watched.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(last["state"], "CLAIM_STATE_WITHDRAWN");

    // Personal data are read with a reason, on record, and are gone once the customer is forgotten.
    let contact = ["claim", "contact", number.as_str(), "--purpose", "delivery"];
    let (exit, found) = up.ask(&contact);
    assert_eq!((exit, &found["contact"]["email"]), (0, &Value::from("c1@example.com")), "{found}");
    assert_eq!(up.ask(&["claim", "contact", &number]).0, 2);
    assert_eq!(up.ask(&["claim", "words", &number, "--purpose", "assessment"]).0, 0);
    // All that is kept is exported, with the files; a second time none is fetched again.
    let files = home.path().join("files");
    let export = ["customer", "export", "C1", "--files", files.to_str().unwrap()];
    let (exit, told) = up.ask(&export);
    assert_eq!((exit, told["claims"].as_array().unwrap().len()), (0, 2), "{told}");
    let claims = told["claims"].as_array().unwrap();
    let one = claims.iter().find(|claim| claim["claim"]["claimNumber"] == number.as_str()).unwrap();
    for part in ["contact", "process"] {
        assert!(one[part].is_object(), "{part}: {one:#}");
    }
    for part in ["words", "timeline", "evidence"] {
        assert!(!one[part].as_array().unwrap().is_empty(), "{part}: {one:#}");
    }
    for part in ["clocks", "escalations", "work_items"] {
        assert!(one["escalation"][part].is_array(), "{part}: {one:#}");
    }
    assert!(!one["escalation"]["clocks"].as_array().unwrap().is_empty(), "{one:#}");
    let fetched: Vec<_> = std::fs::read_dir(&files).unwrap().map(|entry| entry.unwrap().path()).collect();
    let id = one["evidence"][0]["evidenceId"].as_str().unwrap();
    assert_eq!(fetched, [files.join(format!("evidence-{id}.pdf"))]);
    assert_eq!(std::fs::read(&fetched[0]).unwrap(), std::fs::read(&pdf).unwrap());
    assert_eq!(up.ask(&export).0, 0, "it can be run again");
    let reads = up.ask(&["customer", "accesses", "C1"]).1["accesses"].as_array().unwrap().len();

    let (exit, hold) = up.ask(&["customer", "hold", "C1", "--reason", "dispute", "--reference", "L-1"]);
    assert_eq!(exit, 0, "{hold}");
    let erase = ["customer", "erase", "C1", "--reason", "asked_for", "--reference", "P-1"];
    let (exit, refused) = up.ask(&erase);
    assert_eq!((exit, &refused["error"]["reason"]), (3, &Value::from("LEGAL_HOLD")), "{refused}");
    assert_eq!(up.ask(&["customer", "release", hold["hold"]["holdId"].as_str().unwrap()]).0, 0);
    // Who has released the hold leaves the rest to another person.
    let (exit, refused) = up.ask(&erase);
    assert_eq!((exit, &refused["error"]["reason"]), (3, &Value::from("OWN_PROPOSAL")), "{refused}");
    assert_eq!(up.ask(&[&["--actor", "lou"][..], &erase[..]].concat()).0, 0);
    let (exit, refused) = up.ask(&contact);
    assert_eq!((exit, &refused["error"]["reason"]), (3, &Value::from("CUSTOMER_ERASED")), "{refused}");
    let (exit, proof) = up.ask(&["customer", "erasure", "C1"]);
    assert_eq!(
        (exit, &proof["unreadableClaims"], proof["erasures"].as_array().unwrap().len()),
        (0, &Value::from(2), 1)
    );
    assert_eq!(up.ask(&["customer", "accesses", "C1"]).1["accesses"].as_array().unwrap().len(), reads);

    assert_eq!(up.ask(&["claim", "show", "RD-2026-999999"]).0, 3);
    // Who asks counts: another customer's claim is as absent as one that never was, and finance is no operator.
    let as_customer =
        |customer: &str| up.ask(&["--roles", "customer", "--as-customer", customer, "claim", "show", &number]).0;
    assert_eq!((as_customer("C1"), as_customer("C2")), (0, 3));
    let (exit, denied) = up.ask(&["--roles", "finance", "parked", "list"]);
    assert_eq!((exit, &denied["error"]["reason"]), (3, &Value::from("FORBIDDEN")), "{denied}");
    let (exit, unknown) = up.ask(&["--token", "a.b.c", "claim", "list"]);
    assert_eq!((exit, &unknown["error"]["reason"]), (3, &Value::from("UNAUTHENTICATED")), "{unknown}");
    assert_eq!(up.ask(&["token", "--role", "king"]).0, 4);
    assert_eq!(up.ask(&["work", "list"]).0, 0);
    crate::warehouse::a_day(&up, home.path());
    let (exit, audit) = up.ask(&["audit", "verify"]);
    assert_eq!(
        (exit, &audit["ok"], audit["services"].as_array().unwrap().len()),
        (0, &Value::from(true), 6),
        "{audit}"
    );
    // The first checkpoint is due some seconds after the first link.
    let begun = Instant::now();
    while up.ask(&["audit", "verify", "--service", "intake"]).1["services"][0]["chain"]["signed"] == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing was signed");
        std::thread::sleep(Duration::from_millis(500));
    }
    let nobody = file("nobody.txt", &"00".repeat(32));
    let (exit, audit) = up.ask(&["audit", "verify", "--service", "intake", "--keys", &nobody]);
    assert_eq!((exit, &audit["services"][0]["first_bad"]["kind"]), (7, &Value::from("CHECKPOINT_FORGED")), "{audit}");
    assert_eq!(up.ask(&["parked", "list"]).1["parked"], Value::Array(Vec::new()));
    assert_eq!(up.ask(&["settlement", "list"]).0, 0);
    assert_eq!(up.ask(&["shipment", "track", "NO-SUCH"]).0, 3);
    // A broker that has lost nothing takes no harm.
    let (exit, rebuilt) = up.ask(&["rebuild", "--since", "2020-01-01T00:00:00Z"]);
    assert_eq!((exit, rebuilt["messages"].as_object().unwrap().len()), (0, 6), "{rebuilt}");
    assert!(rebuilt["messages"]["intake"].as_u64().unwrap() > 0, "{rebuilt}");
    assert_eq!(up.ask(&["rebuild", "--since", "yesterday"]).0, 2);
    assert_eq!(up.ask(&["rebuild", "--accept-restored-databases"]).0, 2, "the services run");
    let (_, shown) = up.ask(&["claim", "show", &number]);
    assert_eq!(shown["claim"]["state"], "CLAIM_STATE_WITHDRAWN", "nothing is processed twice");
    up.stop();
    assert!(!home.path().join("redress/stack.json").exists(), "an ended installation is still announced");
}

#[test]
fn six_processes_serve_as_one_does() {
    let home = tempfile::tempdir().unwrap();
    let up = Up::start(home.path(), &["--processes"]);
    assert_eq!(up.ask(&["claim", "list"]), (0, serde_json::json!({ "claims": [], "processes": [] })));
    up.stop();
}
