//! `redress up`, and a day at the desk with the other commands.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proto::inventory::GetAvailabilityRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use serde_json::Value;

use crate::{code, redress};

/// A running installation; ended by SIGTERM as a service manager would.
struct Up {
    child: Child,
    stack: tempfile::NamedTempFile,
}

impl Up {
    fn start(home: &Path, options: &[&str]) -> Self {
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

    fn ask(&self, arguments: &[&str]) -> (i32, Value) {
        let stack = self.stack.path().to_str().unwrap();
        let output = redress(&[&["--output", "json", "--stack", stack], arguments].concat()).output().unwrap();
        let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
        (code(&output), serde_json::from_slice(text).unwrap_or(Value::Null))
    }

    /// Units of an article that are available, asked as any client would.
    fn available(&self, sku: &str) -> u64 {
        let json: Value = serde_json::from_slice(&std::fs::read(self.stack.path()).unwrap()).unwrap();
        let address = json["services"]["inventory"].as_str().unwrap().to_owned();
        let request = GetAvailabilityRequest { sku: sku.to_owned(), batch: String::new() };
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
            InventoryServiceClient::new(channel).get_availability(request).await.unwrap().into_inner().available
        })
    }

    fn stop(mut self) {
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
        assert_eq!((exit, &report["made"]), (0, &Value::from(1)), "{report}");
    }

    assert_eq!(up.available("LAMP-1"), 10, "the same file imported again changes nothing");

    let submit = ["claim", "submit", "--customer", "C1", "--name", "Customer 1", "--email", "c1@example.com"];
    let goods = ["--sku", "LAMP-1", "--quantity", "2", "--category", "return_request", "--wish", "return_refund"];
    let (exit, answer) = up.ask(&[&submit[..], &goods[..]].concat());
    assert_eq!(exit, 0, "{answer}");
    let number = answer["claim"]["claimNumber"].as_str().unwrap().to_owned();
    let (exit, shown) = up.ask(&["claim", "show", &number]);
    assert_eq!((exit, &shown["claim"]["claimNumber"]), (0, &Value::from(number.clone())));
    let (exit, _) = up.ask(&["claim", "withdraw", &number]);
    assert_eq!(exit, 0);
    let (exit, refused) = up.ask(&["claim", "withdraw", &number]);
    assert_eq!(exit, 3, "{refused}");
    // It ends when everything was compensated; its last event is the end.
    let stack = up.stack.path().to_str().unwrap();
    let watched = redress(&["--output", "json", "--stack", stack, "claim", "watch", &number]).output().unwrap();
    assert_eq!(code(&watched), 0, "{}", String::from_utf8_lossy(&watched.stderr));
    let last: Value = serde_json::from_str(String::from_utf8_lossy(&watched.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(last["state"], "CLAIM_STATE_WITHDRAWN");

    assert_eq!(up.ask(&["claim", "show", "RD-2026-999999"]).0, 3);
    assert_eq!(up.ask(&["work", "list"]).0, 0);
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
    assert_eq!(up.ask(&["claim", "list"]), (0, serde_json::json!({ "claims": [] })));
    up.stop();
}
