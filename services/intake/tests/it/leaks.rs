//! What a process says: nothing that is secret (S21), and nothing that somebody else makes it say (S14).

use std::collections::BTreeMap;
use std::process::Stdio;

use testkit::frames::{Connection, END_HEADERS, END_STREAM, HEADERS, block, frame};
use testkit::{Home, Process, Somebody, actor, secrets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::world::submit_request;
use proto::intake::intake_service_client::IntakeServiceClient;

const PROGRAM: &str = env!("CARGO_BIN_EXE_redress-intake");
/// A password that is given and is wrong.
const PASSWORD: &str = "canary-sesame-5f0c1d";

/// A home whose service says all it can.
async fn home() -> Home {
    let mut home = Home::new(&intake::SERVICE).await;
    home.variables = vec![("TELEMETRY__LOG".to_owned(), "trace".to_owned())];
    home
}

/// The password in the address of the database.
fn database_password(home: &Home) -> Vec<u8> {
    let variables = home.environment();
    let (_, url) = variables.iter().rev().find(|(key, _)| key.ends_with("DATABASE__URL")).unwrap();
    let (user, _) = url.split_once("://").unwrap().1.split_once('@').unwrap();
    let password = user.split_once(':').unwrap().1;
    assert!(password.len() >= 16, "the database has no password");
    password.into()
}

/// What must not be said, and what it is.
fn canaries(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let mut canaries = BTreeMap::from([
        ("password of the database".to_owned(), database_password(home)),
        ("wrong password".to_owned(), PASSWORD.into()),
    ]);
    let files: Vec<_> = home.environment().into_iter().map(|(_, value)| value).collect();
    for entry in std::fs::read_dir(secrets().folder()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let is_ours = files.iter().any(|value| value.ends_with(&name));
        if entry.file_type().unwrap().is_file() && name != "jwks.json" && is_ours {
            let bytes = std::fs::read(entry.path()).unwrap();
            let text = bytes.trim_ascii().to_vec();
            assert!(text.len() >= 16, "{name} is short");
            canaries.insert(name, text);
        }
    }
    let token = Somebody::default().token(secrets());
    let signature = token.rsplit('.').next().unwrap().to_owned();
    canaries.insert("signature of a token".to_owned(), signature.into());
    canaries
}

fn silent(what: &str, said: &[u8], canaries: &BTreeMap<String, Vec<u8>>) {
    assert!(!said.is_empty(), "{what} said nothing: nothing was tested");
    for (name, secret) in canaries {
        let place = said.windows(secret.len()).position(|part| part == secret);
        let around = place.map(|place| String::from_utf8_lossy(&said[place.saturating_sub(200)..place]).into_owned());
        assert_eq!(around, None, "{what} says the {name}");
    }
}

/// Runs the binary to its end; gives all that it says.
async fn run(home: &Home, arguments: &[&str], more: &[(&str, &str)]) -> Vec<u8> {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).envs(home.environment()).env("RUST_BACKTRACE", "full");
    let output = command.envs(more.iter().copied()).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(testkit::PATIENCE, output).await.expect("it ends").unwrap();
    [output.stdout, output.stderr].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_no_secret_is_in_a_dump_of_the_configuration_an_error_or_a_panic() {
    let home = home().await;
    let mut canaries = canaries(&home);
    canaries.remove("signature of a token");
    let dump = run(&home, &["check"], &[]).await;
    assert!(String::from_utf8_lossy(&dump).contains("policy"), "{}", String::from_utf8_lossy(&dump));
    silent("the dump of the configuration", &dump, &canaries);
    for (what, arguments, more) in [
        ("a typo", &["check"][..], &[("REDRESS_INTAKE__DATABASE__URLS", PASSWORD)][..]),
        ("a wrong value", &["check"], &[("REDRESS_INTAKE__DATABASE__READS", "many")]),
        (
            "an address with a password",
            &["check"],
            &[("REDRESS_INTAKE__NATS__URL", "nats://a:canary-sesame-5f0c1d@b:1")],
        ),
        (
            "an address that is none",
            &["migrate"],
            &[("REDRESS_INTAKE__DATABASE__URL", "postgres://a:canary-sesame-5f0c1d@b:x/c")],
        ),
        ("a wrong argument", &["serve", "--nothing"], &[]),
        (
            "a database that is not there",
            &["migrate"],
            &[("REDRESS_INTAKE__DATABASE__URL", "postgres://a:canary-sesame-5f0c1d@127.0.0.1:1/c")],
        ),
        ("a broker that is not there", &["provision"], &[("REDRESS_INTAKE__NATS__URL", "nats://127.0.0.1:1")]),
    ] {
        silent(what, &run(&home, arguments, more).await, &canaries);
    }
    // Nobody reads what it prints: that panics.
    let mut command = Command::new(PROGRAM);
    command.arg("check").envs(home.environment()).env("RUST_BACKTRACE", "full");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut said).await.unwrap();
    assert!(String::from_utf8_lossy(&said).contains("panicked"), "{}", String::from_utf8_lossy(&said));
    silent("a panic", &said, &canaries);
    // The same for whoever prints it in a panic of his own.
    let settings = home.settings();
    let panic = std::panic::catch_unwind(|| panic!("{settings:#?}")).unwrap_err();
    silent("settings in a panic", panic.downcast_ref::<String>().unwrap().as_bytes(), &canaries);
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_no_secret_is_in_the_log_of_a_service_at_its_loudest_nor_on_its_pages() {
    let home = home().await;
    let canaries = canaries(&home);
    let process = Process::start(&home, PROGRAM).await;
    let channel = process.channel().await;
    let mut client = IntakeServiceClient::new(channel.clone());
    client.submit_claim(testkit::as_somebody(submit_request(), Somebody::default())).await.unwrap();
    // Refused in several ways.
    client.submit_claim(actor(submit_request(), "anna", &["auditor"])).await.unwrap_err();
    let malformed = proto::intake::SubmitClaimRequest::default();
    client.submit_claim(testkit::as_somebody(malformed, Somebody::default())).await.unwrap_err();
    for page in ["/livez", "/readyz", "/version", "/metrics", "/nothing"] {
        let mut stream = tokio::net::TcpStream::connect(process.admin).await.unwrap();
        stream.write_all(format!("GET {page} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        silent(page, &answer, &canaries);
    }
    let words = std::fs::read(format!("/proc/{}/cmdline", process.pid())).unwrap();
    silent("the command line", &words, &canaries);
    let (status, said) = process.stop().await;
    assert_eq!(status.code(), Some(0));
    let text = String::from_utf8_lossy(&said);
    assert!(text.contains("\"level\":\"TRACE\""), "the log is not at its loudest");
    silent("the log", &said, &canaries);
}

/// Words that would be a line of a log, if they were let.
const FORGED: &str = "x\",\"level\":\"ERROR\",\"message\":\"all is paid";

#[tokio::test(flavor = "multi_thread")]
async fn s14_nobody_writes_into_the_log() {
    let home = home().await;
    let process = Process::start(&home, PROGRAM).await;
    let token = format!("Bearer {}", Somebody::default().token(secrets()));
    let method = "/redress.intake.v1.IntakeService/GetClaim";
    let newline = format!("x\n{{\"level\":\"ERROR\",\"fields\":{{\"message\":\"{FORGED}\"}}}}\n");
    let ansi = "x\u{1b}[2J\u{1b}[31mred\u{7}\u{9b}";
    for text in [FORGED, newline.as_str(), ansi, "\u{2028}a\u{85}b\r\nc\0"] {
        for name in
            ["user-agent", "traceparent", "grpc-timeout", "x-anything", "authorization", ":path", "content-type"]
        {
            let mut headers = vec![
                (":method", "POST"),
                (":scheme", "http"),
                (":path", method),
                (":authority", "shop"),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("authorization", token.as_str()),
            ];
            let path = format!("/{text}");
            match headers.iter_mut().find(|(known, _)| *known == name) {
                Some(header) if name == ":path" => header.1 = &path,
                Some(header) => header.1 = text,
                None => headers.push((name, text)),
            }
            let mut connection = Connection::open(process.grpc).await;
            connection.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&headers))).await;
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        // In every field of a request, too.
        let mut request = submit_request();
        request.customer_ref = text.to_owned();
        request.lines[0].sku = text.to_owned();
        request.lines[0].description = text.to_owned();
        request.contact.as_mut().unwrap().address = text.to_owned();
        let mut client = IntakeServiceClient::new(process.channel().await);
        let _ = client.submit_claim(testkit::as_somebody(request, Somebody::default())).await;
    }
    let (status, said) = process.stop().await;
    assert_eq!(status.code(), Some(0));
    let mut lines = 0;
    for line in said.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(line);
        let shown = String::from_utf8_lossy(line);
        let parsed = parsed.unwrap_or_else(|error| panic!("not one line of JSON: {error}: {shown:?}"));
        assert!(line.iter().all(|byte| *byte >= b' '), "a control character is in the log: {shown:?}");
        let is_forged = parsed["fields"]["message"] == "all is paid" || parsed["message"] == "all is paid";
        assert!(!is_forged, "somebody wrote into the log: {shown}");
        lines += 1;
    }
    assert!(lines > 100, "only {lines} lines");
}
