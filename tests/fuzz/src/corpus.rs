//! Good inputs to begin with: frozen samples of the contract, the shipped policy pack, the test data, small files.

use std::path::Path;

use chassis::Check;
use prost::Message as _;

use crate::targets::{ISSUER, corpus_query};

#[path = "../../../services/intake/tests/it/evidence/samples.rs"]
#[allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "it belongs to the tests of intake"
)]
mod samples;

/// What a good token says: for an hour, since none is taken that holds for long.
pub(crate) fn claims() -> String {
    let exp = jiff::Timestamp::now().as_second() + 3_600;
    format!(
        r#"{{"iss":"redress-local","aud":"redress","sub":"anna","exp":{exp},"nbf":1,"iat":1,"roles":["customer","finance"],"customer":"C-1"}}"#
    )
}

/// The same until the end of time.
const ENDLESS: &str =
    r#"{"iss":"redress-local","aud":"redress","sub":"anna","exp":9223372036854775807,"roles":["finance"]}"#;

/// The good inputs of a target, and those that were found to be bad before.
///
/// # Panics
/// If there are none, or if the repository cannot be read.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let mut all = match target {
        "event_decode" => events(),
        "claim_validation" => {
            frozen("redress.intake.v1.SubmitClaimRequest").chain(examples("intake.SubmitClaim")).collect()
        }
        "page_token" => tokens(),
        "policy_pack" => vec![read("deploy/policies/supply-chain.toml")],
        "csv_import" => tables(),
        "evidence_sniff" => files(),
        "token_parse" => vec![
            ISSUER.sign(claims().as_bytes()).into_bytes(),
            format!("\n{}", claims()).into_bytes(),
            format!("\n{ENDLESS}").into_bytes(),
        ],
        other => panic!("there is no target {other}"),
    };
    assert!(!all.is_empty(), "{target} has nothing to begin with");
    let found = root().join("tests/fuzz/found").join(target);
    for entry in std::fs::read_dir(found).into_iter().flatten().flatten() {
        all.push(std::fs::read(entry.path()).expect("what was found can be read"));
    }
    all
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The frozen samples whose name begins so.
fn frozen(name: &str) -> impl Iterator<Item = Vec<u8>> {
    lines("proto/tests/samples/protobuf.txt")
        .into_iter()
        .filter(move |(of, _)| of.starts_with(name))
        .map(|(_, hex)| unhex(&hex))
}

/// The examples that the contract has for a method, as requests.
fn examples(method: &str) -> Vec<Vec<u8>> {
    let method = cli::wire::Method::find(method).expect("the contract has the method");
    let request = |example: String| {
        let example = example.replace("\"@\"", "\"01900000-0000-7000-8000-0000000000aa\"");
        let json = serde_json::from_str(&example).expect("an example is JSON");
        method.request(&json).expect("an example is a request").encode_to_vec()
    };
    method.examples().into_iter().map(request).collect()
}

/// Names and contents of a file of samples.
fn lines(path: &str) -> Vec<(String, String)> {
    let text = String::from_utf8(read(path)).expect("samples are text");
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(name, content)| (name.to_owned(), content.to_owned())).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map_while(byte).collect()
}

/// Samples of commands and events, under their subjects; and of what is published.
fn events() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (name, hex) in lines("proto/tests/samples/protobuf.txt") {
        let Some((message, variant)) = name.split_once('/') else { continue };
        let service = message.split('.').nth(1).unwrap_or_default();
        let kind = match message {
            _ if message.ends_with("Command") => "command",
            _ if message.ends_with(".ClaimEvent") => continue,
            _ if message.ends_with("Event") => "event",
            _ => continue,
        };
        all.push([format!("{kind}.{service}.{variant}\n").into_bytes(), unhex(&hex)].concat());
    }
    for (name, json) in lines("proto/tests/samples/json.txt") {
        if name.starts_with("redress.claim.v1.ClaimEvent") {
            let subject = "claim.01900000-0000-7000-8000-0000000000aa.planned\n";
            all.push([subject.as_bytes(), json.as_bytes()].concat());
        }
    }
    all
}

fn tokens() -> Vec<Vec<u8>> {
    let keys = ["7", "01900000-0000-7000-8000-0000000000aa", "é"];
    let token = |key: &str| {
        let page = Check::new().page(1, "", corpus_query());
        page.finish([key, "more"], ToString::to_string, str::to_owned).1.into_bytes()
    };
    keys.into_iter().map(token).collect()
}

fn tables() -> Vec<Vec<u8>> {
    let few = |path: &str| {
        let bytes = read(path);
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let end = ends.take(12).last().unwrap_or(bytes.len());
        bytes[..end].to_vec()
    };
    let stock = b"sku,description,batch,warehouse,quantity\nMUG,\"a mug, red\",B-1,MAIN,12\nCUP,,,MAIN,1\n".to_vec();
    vec![few("tests/data/sales.csv"), few("tests/data/returns.csv"), stock]
}

/// A small file of each type, under its declared type.
fn files() -> Vec<Vec<u8>> {
    let exif = samples::exif();
    let one_box = |name: &[u8; 4], body: &[u8]| {
        let length = u32::try_from(8 + body.len()).expect("a sample is small").to_be_bytes();
        [&length[..], name, body].concat()
    };
    let heic = [one_box(b"ftyp", b"heic\0\0\0\0mif1heic"), one_box(b"meta", &[0; 32])].concat();
    let quicktime =
        [one_box(b"ftyp", b"qt  \0\0\0\0qt  "), one_box(b"moov", &[0; 16]), one_box(b"mdat", b"video")].concat();
    let files = [
        ("image/jpeg", samples::jpeg(&[(0xe1, exif)])),
        ("image/png", samples::png(3, 2, &[(b"tEXt", b"Comment\0hello".to_vec())])),
        ("image/webp", samples::webp(&[(b"EXIF", vec![1, 2, 3])])),
        ("image/heic", heic),
        ("video/mp4", samples::mp4()),
        ("video/quicktime", quicktime),
        ("application/pdf", samples::pdf("")),
        ("application/pdf", samples::pdf("/JavaScript (app.alert(1))")),
        ("image/png", samples::zip_bomb()),
        ("image/png", samples::svg()),
    ];
    files.map(|(declared, bytes)| [declared.as_bytes(), b"\n", &bytes].concat()).into()
}
