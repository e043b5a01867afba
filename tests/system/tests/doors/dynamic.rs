//! Messages of the contract made from JSON, without their Rust types.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::Value as Json;

/// The whole contract.
pub static CONTRACT: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).unwrap());

/// An id that names nothing anywhere; `@` in an example.
pub const NOBODY: &str = "01900000-0000-7000-8000-0000000000aa";

/// A message by its JSON: names of fields as in the contract, enumerations by name, times as text.
pub fn message(descriptor: &MessageDescriptor, text: &str, claim: &str) -> DynamicMessage {
    let json: Json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", descriptor.full_name()));
    filled(descriptor, &json, claim)
}

fn filled(descriptor: &MessageDescriptor, json: &Json, claim: &str) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, json) in json.as_object().unwrap() {
        let field = descriptor.get_field_by_name(name);
        let field = field.unwrap_or_else(|| panic!("{} has no {name}", descriptor.full_name()));
        let value = match json {
            Json::Array(entries) => Value::List(entries.iter().map(|entry| value(&field, entry, claim)).collect()),
            one => value(&field, one, claim),
        };
        message.set_field(&field, value);
    }
    message
}

fn value(field: &FieldDescriptor, json: &Json, claim: &str) -> Value {
    match field.kind() {
        Kind::String if json == "@" => Value::String(claim.to_owned()),
        Kind::String => Value::String(json.as_str().unwrap().to_owned()),
        Kind::Bool => Value::Bool(json.as_bool().unwrap()),
        Kind::Uint32 => Value::U32(json.as_u64().unwrap().try_into().unwrap()),
        Kind::Int32 => Value::I32(json.as_i64().unwrap().try_into().unwrap()),
        Kind::Int64 => Value::I64(json.as_i64().unwrap()),
        // As proto JSON has it.
        Kind::Uint64 => Value::U64(json.as_str().unwrap().parse().unwrap()),
        Kind::Enum(kind) => {
            let name = json.as_str().unwrap();
            let known = kind.get_value_by_name(name).unwrap_or_else(|| panic!("{name} is unknown"));
            Value::EnumNumber(known.number())
        }
        Kind::Message(kind) if is_time(&kind) => Value::Message(time(&kind, json.as_str().unwrap())),
        Kind::Message(kind) => Value::Message(filled(&kind, json, claim)),
        other => panic!("{}: no example is made of {other:?}", field.full_name()),
    }
}

/// Whether a message is a point in time.
pub fn is_time(kind: &MessageDescriptor) -> bool {
    kind.full_name() == "google.protobuf.Timestamp"
}

fn time(kind: &MessageDescriptor, text: &str) -> DynamicMessage {
    let at: jiff::Timestamp = text.parse().unwrap();
    at_seconds(kind, at.as_second(), 0)
}

/// A point in time, possible or not.
pub fn at_seconds(kind: &MessageDescriptor, seconds: i64, nanos: i32) -> DynamicMessage {
    let mut message = DynamicMessage::new(kind.clone());
    message.set_field_by_name("seconds", Value::I64(seconds));
    message.set_field_by_name("nanos", Value::I32(nanos));
    message
}
