//! Files of the field through the real command line: what they become, and what a claim on it then decides.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stack::Up;

const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";

/// A day so many days ago.
fn day(ago: i64) -> String {
    let today = jiff::tz::TimeZone::UTC.to_datetime(chassis::Clock::default().now()).date();
    today.saturating_sub(jiff::ToSpan::days(ago)).to_string()
}

struct Desk {
    up: Up,
    home: tempfile::TempDir,
}

impl Desk {
    fn open(options: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let up = Up::start(home.path(), options);
        Self { up, home }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn orders(&self, lines: &str, options: &[&str]) -> (i32, Value) {
        let file = self.file("orders.csv", &format!("{HEAD}\n{lines}"));
        self.up.ask(&[&["import", "orders", file.as_str()], options].concat())
    }

    /// The first line of the plan for a claim about an order.
    fn plan(&self, order: &str, sku: &str, quantity: &str, more: &[&str]) -> Value {
        let submit = ["claim", "submit", "--customer", "C1", "--name", "Customer 1", "--email", "c1@example.com"];
        let address = ["--address", "1 Example Road", "--order", order, "--sku", sku, "--quantity", quantity];
        let (exit, answer) = self.up.ask(&[&submit[..], &address[..], more].concat());
        assert_eq!(exit, 0, "{answer}");
        let number = answer["claim"]["claimNumber"].as_str().unwrap().to_owned();
        let begun = Instant::now();
        loop {
            let (_, shown) = self.up.ask(&["claim", "show", &number]);
            let events = shown["timeline"].as_array().cloned().unwrap_or_default();
            if let Some(planned) = events.iter().rev().find_map(|event| event.get("planned")) {
                return planned["plan"]["lines"][0].clone();
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "there is no plan: {shown:#}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

const RETURN: [&str; 4] = ["--category", "return_request", "--wish", "return_refund"];

fn amount(plan: &Value) -> (&str, &str) {
    let text = |name: &str| plan["amount"][name].as_str().unwrap_or_else(|| panic!("{plan:#}"));
    (text("minorUnits"), text("currency"))
}

fn reasons(report: &Value) -> Vec<(u64, &str)> {
    let rows = report["rows"].as_array().unwrap();
    rows.iter().map(|row| (row["row"].as_u64().unwrap(), row["reason"].as_str().unwrap())).collect()
}

#[test]
fn files_of_orders_become_what_was_paid() {
    let desk = Desk::open(&[]);
    let (d10, d7, day) = (day(10), day(7), day(10));

    // case_discount_line_on_the_invoice
    let lines = format!(
        "9001,ART-1,x,1,{day},6.00,C1,United Kingdom\n9001,ART-2,y,1,{day},4.00,C1,United Kingdom\n\
         9001,D,Discount,-1,{day},1.00,C1,United Kingdom\n"
    );
    let (exit, report) = desk.orders(&lines, &[]);
    assert_eq!((exit, reasons(&report)), (0, vec![(4, "DISCOUNT_SPREAD")]), "{report:#}");
    assert_eq!(amount(&desk.plan("9001", "ART-1", "1", &RETURN)), ("540", "GBP"));

    // case_unit_price_is_no_whole_penny
    let (exit, report) = desk.orders(&format!("7001,ART-3,mug,10,{day},17.925,C1,United Kingdom\n"), &[]);
    assert_eq!(exit, 0, "{report:#}");
    assert_eq!(amount(&desk.plan("7001", "ART-3", "10", &RETURN)), ("17925", "GBP"));

    // case_one_article_at_two_prices
    let lines =
        format!("7002,ART-4,mug,2,{day},10.00,C1,United Kingdom\n7002,ART-4,mug,1,{day},7.00,C1,United Kingdom\n");
    assert_eq!(desk.orders(&lines, &[]).0, 0);
    assert_eq!(amount(&desk.plan("7002", "ART-4", "3", &RETURN)), ("2700", "GBP"));

    // case_order_in_two_files
    let (monday, thursday) =
        (format!("9100,ART-5,x,2,{d10},10.00,C1,Germany\n"), format!("9100,ART-5,x,1,{d7},10.00,C1,Germany\n"));
    assert_eq!(desk.orders(&monday, &[]).0, 0);
    let (exit, report) = desk.orders(&thursday, &[]);
    assert_eq!((exit, reasons(&report)), (0, vec![(2, "ADDED")]), "{report:#}");
    // The same file again changes nothing; another number of the same day is asked about.
    let (exit, report) = desk.orders(&thursday, &[]);
    assert_eq!((exit, reasons(&report).len()), (0, 0), "{report:#}");
    let corrected = format!("9100,ART-5,x,4,{d10},10.00,C1,Germany\n");
    let (exit, report) = desk.orders(&corrected, &[]);
    assert_eq!((exit, reasons(&report)), (6, vec![(2, "RECORDED_OTHERWISE")]), "{report:#}");
    let plan = desk.plan("9100", "ART-5", "3", &RETURN);
    assert_eq!((&plan["quantity"], amount(&plan)), (&Value::from(3), ("3000", "GBP")), "{plan:#}");

    // case_free_goods_can_be_faulty
    assert_eq!(desk.orders(&format!("7017,ART-6,gift,3,{day},0.00,C1,Germany\n"), &[]).0, 0);
    let plan = desk.plan("7017", "ART-6", "1", &["--category", "quality_appearance", "--wish", "replace"]);
    assert_eq!((&plan["orderNo"], &plan["resolution"]), (&Value::from("7017"), &Value::from("RESOLUTION_REPLACE")));

    // case_delivery_day_is_not_known: bought before the window, delivered in it.
    let (bought, delivered) = (crate::import::day(45), crate::import::day(5));
    let text = format!("{HEAD},DeliveredOn\n7050,ART-7,x,1,{bought},10.00,C1,Germany,{delivered}\n");
    let file = desk.file("delivered.csv", &text);
    assert_eq!(desk.up.ask(&["import", "orders", &file]).0, 0);
    assert_eq!(amount(&desk.plan("7050", "ART-7", "1", &RETURN)), ("1000", "GBP"));

    // case_month_and_day_changed_places
    let months = "7006,ART-8,x,2,11/25/2010,12.50,C1,United States\n7018,ART-8,x,1,04/03/2010,12.50,C1,United States\n";
    let (exit, told) = desk.orders(months, &[]);
    assert_eq!(exit, 4, "{told:#}");
    assert!(told["error"]["message"].as_str().unwrap().contains("--dates"), "{told:#}");
    let (exit, report) = desk.orders(months, &["--dates", "mdy"]);
    assert_eq!((exit, &report["taken"]), (0, &Value::from(2)), "{report:#}");

    // case_fractions_of_a_unit
    let lines = format!("7008,TILE-1,x,2.5,{day},12.50,C1,Germany\n7009,TILE-1,x,5.0,{day},12.50,C1,Germany\n");
    let (exit, report) = desk.orders(&lines, &[]);
    assert_eq!((exit, &report["taken"], reasons(&report)), (6, &Value::from(1), vec![(2, "NOT_A_NUMBER")]));
    assert!(report["rows"][0]["text"].as_str().unwrap().contains("only whole units"), "{report:#}");
    desk.up.stop();
}

#[test]
fn files_of_stock_are_taken_row_by_row() {
    let desk = Desk::open(&[]);
    let stock =
        |text: &str| desk.file("stock.csv", &format!("sku,description,batch,warehouse,quantity,document\n{text}"));

    // ff1c: what is refused as the warehouse is not known is taken when it is.
    let early = stock("ART-1,x,,SOUTH,4,LS-1\n");
    let (exit, report) = desk.up.ask(&["import", "stock", &early]);
    assert_eq!((exit, reasons(&report)), (6, vec![(2, "UNKNOWN_WAREHOUSE")]), "{report:#}");
    let (exit, report) = desk.up.ask(&["import", "stock", &early, "--register", "GB"]);
    assert_eq!((exit, &report["made"]), (0, &Value::from(1)), "{report:#}");
    assert_eq!(desk.up.available("ART-1"), 4);

    // case_one_bad_row_ends_the_stock_import
    let bad = stock(
        "ART-3,x,,MAIN,5,\nART-3,x,,main,3,\nART-3,x,,MAIN,2.5,\nART-3,x,,MAIN,\"1,000\",\nART-4,x,,SOUTH,1,LS-2\n",
    );
    let (exit, report) = desk.up.ask(&["import", "stock", &bad, "--register", "GB"]);
    let refused = vec![(4, "NOT_A_NUMBER"), (5, "NOT_A_NUMBER"), (3, "MALFORMED")];
    assert_eq!((exit, &report["taken"], reasons(&report)), (6, &Value::from(2), refused), "{report:#}");
    assert!(report["rows"][2]["text"].as_str().unwrap().contains("\"main\""), "{report:#}");
    assert_eq!((desk.up.available("ART-3"), desk.up.available("ART-4")), (5, 1));

    // The same document again is a repetition and said to be one; another is another delivery.
    let again = stock("ART-4,x,,SOUTH,1,LS-2\n");
    let (exit, report) = desk.up.ask(&["import", "stock", &again]);
    assert_eq!((exit, &report["made"], desk.up.available("ART-4")), (0, &Value::from(0), 1), "{report:#}");
    assert!(report["notes"][0].as_str().unwrap().contains("LS-2"), "{report:#}");
    let more = stock("ART-4,x,,SOUTH,1,LS-3\n");
    assert_eq!((desk.up.ask(&["import", "stock", &more]).0, desk.up.available("ART-4")), (0, 2));
    let other = stock("ART-4,x,,SOUTH,7,LS-3\n");
    let (exit, report) = desk.up.ask(&["import", "stock", &other]);
    assert_eq!((exit, reasons(&report)), (6, vec![(2, "DOCUMENT_REUSED")]), "{report:#}");
    desk.up.stop();
}

#[test]
fn case_currencies_without_pence() {
    let policy = tempfile::NamedTempFile::new().unwrap();
    let francs = proto::policy::SUPPLY_CHAIN.replacen("currency = \"GBP\"", "currency = \"XOF\"", 1);
    std::fs::write(policy.path(), francs).unwrap();
    let desk = Desk::open(&["--policy", policy.path().to_str().unwrap()]);
    let day = day(10);
    let line = format!("7100,ART-1,x,1,{day},9899,C1,Senegal\n");
    assert_eq!(desk.orders(&line, &["--currency", "XOF"]).0, 0);
    assert_eq!(amount(&desk.plan("7100", "ART-1", "1", &RETURN)), ("9899", "XOF"));
    let (exit, report) = desk.orders(&format!("7101,ART-1,x,1,{day},5000.5,C1,Senegal\n"), &["--currency", "XOF"]);
    assert_eq!((exit, reasons(&report)), (6, vec![(2, "NOT_A_PRICE")]), "{report:#}");
    // ff2: no money, and money no more.
    for code in ["QQQ", "XXX"] {
        assert_eq!(desk.orders(&line, &["--currency", code]).0, 2, "{code}");
    }
    let (exit, report) = desk.orders(&format!("7102,ART-1,x,1,{day},10,C1,Bulgaria\n"), &["--currency", "BGN"]);
    assert_eq!((exit, reasons(&report)), (6, vec![(2, "MALFORMED")]), "{report:#}");
    assert!(report["rows"][0]["text"].as_str().unwrap().contains("withdrawn"), "{report:#}");
    desk.up.stop();
}
