//! What can be wrong with a message, made from the types of its fields: one thing at a time, or all at once.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

use crate::dynamic::{at_seconds, is_time};

/// A message with one bad field.
pub struct Bad {
    /// The path by which an error names the field: `lines[0].sku`.
    pub path: String,
    /// Full name of the field in the contract: `redress.intake.v1.NewLine.sku`.
    pub field: String,
    /// What is wrong.
    pub case: &'static str,
    /// The message.
    pub message: DynamicMessage,
}

/// Year 0 and year 20000: no calendar of ours has them, PostgreSQL takes the one and JSON neither.
const LONG_AGO: i64 = -62_167_219_200;
const FAR: i64 = 568_971_820_800;

/// Every message that differs from a valid one in one bad field.
pub fn one_by_one(message: &DynamicMessage) -> Vec<Bad> {
    within(message, "")
}

fn within(message: &DynamicMessage, at: &str) -> Vec<Bad> {
    let mut all = Vec::new();
    for field in message.descriptor().fields() {
        let path = if at.is_empty() { field.name().to_owned() } else { format!("{at}.{}", field.name()) };
        // Of a choice only what was chosen.
        if field.containing_oneof().is_some() && !message.has_field(&field) {
            continue;
        }
        let mut add = |path: String, name: String, case, put: &dyn Fn(&mut DynamicMessage)| {
            let mut message = message.clone();
            put(&mut message);
            all.push(Bad { path, field: name, case, message });
        };
        let name = field.full_name().to_owned();
        let now = message.get_field(&field).into_owned();
        if field.is_list() {
            let entries = now.as_list().unwrap();
            if !entries.is_empty() {
                add(path.clone(), name.clone(), "none", &|message| message.clear_field(&field));
            }
            let many = vec![Value::default_value(&field.kind()); 10_000];
            add(path.clone(), name.clone(), "many", &|message| message.set_field(&field, Value::List(many.clone())));
            let below = entries.first().map(|first| values(&field, first, &format!("{path}[0]")));
            for wrong in below.unwrap_or_default() {
                let mut entries = entries.to_vec();
                entries[0] = wrong.value;
                add(wrong.path, wrong.field, wrong.case, &|message| {
                    message.set_field(&field, Value::List(entries.clone()));
                });
            }
            continue;
        }
        if message.has_field(&field) && matches!(field.kind(), Kind::Message(_)) {
            add(path.clone(), name, "absent", &|message| message.clear_field(&field));
        }
        for wrong in values(&field, &now, &path) {
            add(wrong.path, wrong.field, wrong.case, &|message| message.set_field(&field, wrong.value.clone()));
        }
    }
    all
}

/// A bad value of a field, or of something below it.
struct Wrong {
    path: String,
    field: String,
    case: &'static str,
    value: Value,
}

fn values(field: &FieldDescriptor, now: &Value, path: &str) -> Vec<Wrong> {
    let cases: Vec<(&'static str, Value)> = match field.kind() {
        Kind::String => strings(field, now.as_str().unwrap()),
        Kind::Enum(_) => [("unknown", 999), ("negative", -1), ("unspecified", 0)].map(enumerated).into(),
        Kind::Uint32 => vec![("zero", Value::U32(0)), ("max", Value::U32(u32::MAX))],
        Kind::Int32 => vec![("zero", Value::I32(0)), ("negative", Value::I32(-1)), ("max", Value::I32(i32::MAX))],
        Kind::Int64 => {
            let all = [("zero", 0), ("negative", -1), ("min", i64::MIN), ("max", i64::MAX)];
            all.map(|(case, number)| (case, Value::I64(number))).into()
        }
        Kind::Uint64 => vec![("zero", Value::U64(0)), ("max", Value::U64(u64::MAX))],
        Kind::Bool => vec![("false", Value::Bool(false))],
        Kind::Message(kind) if is_time(&kind) => times(&kind),
        Kind::Message(_) => {
            let below = within(now.as_message().unwrap(), path);
            let wrong = |bad: Bad| Wrong {
                path: bad.path,
                field: bad.field,
                case: bad.case,
                value: Value::Message(bad.message),
            };
            return below.into_iter().map(wrong).collect();
        }
        other => panic!("{}: nobody says what is wrong with {other:?}", field.full_name()),
    };
    let name = field.full_name();
    let wrong = |(case, value)| Wrong { path: path.to_owned(), field: name.to_owned(), case, value };
    // What the example says is not bad.
    cases.into_iter().filter(|(_, value)| value != now).map(wrong).collect()
}

fn enumerated((case, number): (&'static str, i32)) -> (&'static str, Value) {
    (case, Value::EnumNumber(number))
}

fn strings(field: &FieldDescriptor, now: &str) -> Vec<(&'static str, Value)> {
    let mut all = vec![
        ("nul", "a\0b".to_owned()),
        ("control", "a\u{1b}[2Jb".to_owned()),
        ("c1", "a\u{85}b".to_owned()),
        ("long", "x".repeat(10_000)),
        ("wide", "\u{1F4A5}".repeat(5_000)),
        ("empty", String::new()),
    ];
    let mut shape = |text: &str| all.push(("shape", text.to_owned()));
    match field.name() {
        _ if proto::ids::parse(now).is_ok() => {
            shape("not-a-uuid");
            shape(&now.to_uppercase());
            shape(&now.replace('-', ""));
        }
        "currency" | "country" => {
            shape("gb");
            shape("ГБ");
        }
        "sha256" => shape("12"),
        "media_type" => shape("text/html"),
        "email" => shape("nobody"),
        "page_token" => {
            shape("00");
            shape("0000000000000000.00");
        }
        name if name.ends_with("_on") => {
            for day in ["2026-02-30", "20261122", "0000-01-01", "9999-12-31", "today"] {
                shape(day);
            }
        }
        _ => {}
    }
    all.into_iter().map(|(case, text)| (case, Value::String(text))).collect()
}

fn times(kind: &MessageDescriptor) -> Vec<(&'static str, Value)> {
    let all = [
        ("long_ago", LONG_AGO, 0),
        ("far", FAR, 0),
        ("min", i64::MIN, 0),
        ("max", i64::MAX, 0),
        ("nanos", 1_780_000_000, 1_000_000_000),
        ("nanos", 1_780_000_000, -1),
    ];
    let value = |(case, seconds, nanos)| (case, Value::Message(at_seconds(kind, seconds, nanos)));
    all.map(value).into()
}

/// Full names of the fields of a message and of all below it, as far as one can be bad.
pub fn fields(descriptor: &MessageDescriptor) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for field in descriptor.fields() {
        match field.kind() {
            Kind::Message(kind) if !is_time(&kind) => all.extend(fields(&kind)),
            Kind::Bool => {}
            _ => drop(all.insert(field.full_name().to_owned())),
        }
    }
    all
}

/// The message with every text and every enumeration bad, and the paths of all of them.
pub fn all_at_once(message: &DynamicMessage, at: &str) -> (DynamicMessage, Vec<String>) {
    let mut all = message.clone();
    let mut paths = Vec::new();
    for field in message.descriptor().fields().filter(|field| message.has_field(field)) {
        let path = if at.is_empty() { field.name().to_owned() } else { format!("{at}.{}", field.name()) };
        let now = message.get_field(&field).into_owned();
        let value = match now {
            Value::List(entries) => {
                let worse = entries.into_iter().enumerate();
                Value::List(worse.map(|(place, one)| worst(one, &format!("{path}[{place}]"), &mut paths)).collect())
            }
            one => worst(one, &path, &mut paths),
        };
        all.set_field(&field, value);
    }
    (all, paths)
}

fn worst(now: Value, path: &str, paths: &mut Vec<String>) -> Value {
    match now {
        Value::String(_) => {
            paths.push(path.to_owned());
            Value::String("\0".to_owned())
        }
        Value::EnumNumber(_) => {
            paths.push(path.to_owned());
            Value::EnumNumber(999)
        }
        Value::Message(message) if is_time(&message.descriptor()) => Value::Message(message),
        Value::Message(message) => {
            let (message, below) = all_at_once(&message, path);
            paths.extend(below);
            Value::Message(message)
        }
        other => other,
    }
}
