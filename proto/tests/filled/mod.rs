//! Messages of the contract with every field set.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

pub fn pool() -> DescriptorPool {
    DescriptorPool::decode(proto::DESCRIPTORS).unwrap()
}

/// Every sample of a message: one per variant of its first oneof, or one.
pub fn samples(message: &MessageDescriptor) -> BTreeMap<String, DynamicMessage> {
    let fill = |variant: Option<&FieldDescriptor>| {
        let mut sample = DynamicMessage::new(message.clone());
        for field in message.fields() {
            if field.containing_oneof().is_none() || Some(&field) == variant {
                sample.set_field(&field, value(&field, 3));
            }
        }
        sample
    };
    let variants: Vec<_> = message.oneofs().next().map(|oneof| oneof.fields().collect()).unwrap_or_default();
    if variants.is_empty() {
        return [(message.full_name().to_owned(), fill(None))].into();
    }
    variants.iter().map(|field| (format!("{}/{}", message.full_name(), field.name()), fill(Some(field)))).collect()
}

fn value(field: &FieldDescriptor, depth: u32) -> Value {
    let one = single(field, depth);
    if field.is_map() {
        return Value::Map([(MapKey::String("key".to_owned()), Value::String("value".to_owned()))].into());
    }
    if field.is_list() { Value::List(vec![one.clone(), one]) } else { one }
}

fn single(field: &FieldDescriptor, depth: u32) -> Value {
    let number = field.number();
    match field.kind() {
        Kind::String => Value::String(format!("{}-{number}", field.name())),
        Kind::Bytes => Value::Bytes(vec![1, 2, 3].into()),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 => Value::I32(number.cast_signed()),
        Kind::Int64 => Value::I64(i64::from(number) + 4_000_000_000),
        Kind::Uint32 => Value::U32(number),
        Kind::Uint64 => Value::U64(u64::from(number) + 9_000_000_000),
        Kind::Enum(of) => Value::EnumNumber(of.values().last().unwrap().number()),
        Kind::Message(of) => {
            let mut message = DynamicMessage::new(of.clone());
            let fields = of.fields().filter(|inner| inner.containing_oneof().is_none() && depth > 0);
            for inner in fields {
                let value = match (of.full_name(), inner.name()) {
                    ("google.protobuf.Timestamp", "seconds") => Value::I64(1_790_000_000),
                    ("google.protobuf.Timestamp", "nanos") => Value::I32(123_000_000),
                    _ => value(&inner, depth - 1),
                };
                message.set_field(&inner, value);
            }
            Value::Message(message)
        }
        other => panic!("the contract has no {other:?}"),
    }
}
