//! A call of any method of the contract by its JSON, as a system makes it.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow, bail};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ReflectMessage, Value,
};
use proto::WireTime;
use serde_json::{Map, Value as Json};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

use crate::connect::{Clients, fresh_id};
use crate::exit::Failure;

static CONTRACT: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).ok());
const TIME: &str = "google.protobuf.Timestamp";

/// Calls a method, as `redress.triage.v1.TriageService/RecordOrders`; gives the JSON of its answer.
pub async fn call(clients: &Clients, method: &str, body: &Json) -> Result<Json> {
    let (service, known) = find(method)?;
    let mut request = message(&known.input(), body)?;
    if let Some(field) = known.input().get_field_by_name("request_id").filter(|field| !request.has_field(field)) {
        request.set_field(&field, Value::String(fresh_id()));
    }
    let mut client = Grpc::new(clients.wire(&service)?);
    client.ready().await.map_err(|error| Failure::Unavailable(error.to_string()))?;
    let path = PathAndQuery::try_from(format!("/{method}"))?;
    let answer = client.unary(Request::new(request.encode_to_vec()), path, Bytes).await?.into_inner();
    Ok(json(&DynamicMessage::decode(known.output(), &answer[..])?))
}

/// Whether there is such a method, and at which service.
fn find(method: &str) -> Result<(String, MethodDescriptor)> {
    let contract = CONTRACT.as_ref().context("the contract cannot be read")?;
    let found = method.split_once('/').and_then(|(service, name)| {
        let service = contract.get_service_by_name(service)?;
        service.methods().find(|known| known.name() == name)
    });
    let known = found.ok_or_else(|| Failure::Malformed(format!("there is no method {method}")))?;
    Ok((method.split('.').nth(1).unwrap_or_default().to_owned(), known))
}

fn message(kind: &MessageDescriptor, json: &Json) -> Result<DynamicMessage> {
    let mut message = DynamicMessage::new(kind.clone());
    let none = Map::new();
    let fields = match json {
        Json::Null => &none,
        Json::Object(fields) => fields,
        other => bail!(Failure::Malformed(format!("{} is no {}", other, kind.full_name()))),
    };
    for (name, json) in fields {
        let field = kind.get_field_by_name(name).or_else(|| kind.get_field_by_json_name(name));
        let field = field.ok_or_else(|| Failure::Malformed(format!("{} has no {name}", kind.full_name())))?;
        let one = |json| value(&field, json).ok_or_else(|| wrong(&field, json));
        let value = match json {
            Json::Array(entries) if field.is_list() => Value::List(entries.iter().map(one).collect::<Result<_>>()?),
            json => match field.kind() {
                Kind::Message(kind) if kind.full_name() != TIME => Value::Message(self::message(&kind, json)?),
                _ => one(json)?,
            },
        };
        message.set_field(&field, value);
    }
    Ok(message)
}

fn wrong(field: &FieldDescriptor, json: &Json) -> anyhow::Error {
    anyhow!(Failure::Malformed(format!("{}: {json} cannot be read", field.full_name())))
}

fn value(field: &FieldDescriptor, json: &Json) -> Option<Value> {
    // Whole numbers of 64 bits may be texts.
    let whole = || json.as_i64().or_else(|| json.as_str()?.parse().ok());
    Some(match field.kind() {
        Kind::String => Value::String(json.as_str()?.to_owned()),
        Kind::Bool => Value::Bool(json.as_bool()?),
        Kind::Uint32 => Value::U32(u32::try_from(whole()?).ok()?),
        Kind::Int32 => Value::I32(i32::try_from(whole()?).ok()?),
        Kind::Int64 => Value::I64(whole()?),
        Kind::Uint64 => Value::U64(u64::try_from(whole()?).ok()?),
        Kind::Enum(kind) => Value::EnumNumber(kind.get_value_by_name(json.as_str()?)?.number()),
        Kind::Message(kind) if kind.full_name() == TIME => Value::Message(time(&kind, json.as_str()?)?),
        Kind::Message(kind) => Value::Message(message(&kind, json).ok()?),
        _ => return None,
    })
}

fn time(kind: &MessageDescriptor, text: &str) -> Option<DynamicMessage> {
    let time = proto::to_wire(text.parse().ok()?);
    DynamicMessage::decode(kind.clone(), &time.encode_to_vec()[..]).ok()
}

/// A message as the JSON of the contract has it.
fn json(message: &DynamicMessage) -> Json {
    Json::Object(
        message.fields().map(|(field, value)| (field.json_name().to_owned(), json_of(&field, value))).collect(),
    )
}

fn json_of(field: &FieldDescriptor, value: &Value) -> Json {
    match value {
        Value::List(entries) => Json::Array(entries.iter().map(|entry| json_of(field, entry)).collect()),
        Value::Bool(one) => (*one).into(),
        Value::I32(one) => (*one).into(),
        Value::U32(one) => (*one).into(),
        Value::I64(one) => one.to_string().into(),
        Value::U64(one) => one.to_string().into(),
        Value::String(one) => one.clone().into(),
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(kind) => kind.get_value(*number).map_or((*number).into(), |value| value.name().into()),
            _ => (*number).into(),
        },
        Value::Message(one) if one.descriptor().full_name() == TIME => {
            let time = WireTime::decode(&one.encode_to_vec()[..]).ok();
            time.as_ref().and_then(proto::from_wire).map_or(Json::Null, |time| time.to_string().into())
        }
        Value::Message(one) => json(one),
        // Bytes and maps are in no answer that a story looks at.
        _ => Json::Null,
    }
}

#[derive(Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_made_of_its_json_and_back() {
        let (service, method) = find("redress.triage.v1.TriageService/RecordOrders").unwrap();
        assert_eq!(service, "triage");
        let body = json!({ "lines": [{ "order_no": "O-1", "quantity": 2,
            "unitPrice": { "minorUnits": 24000, "currency": "GBP" } }] });
        let made = message(&method.input(), &body).unwrap();
        let line = &json(&made)["lines"][0];
        assert_eq!((&line["orderNo"], &line["unitPrice"]["minorUnits"]), (&json!("O-1"), &json!("24000")));
        assert!(message(&method.input(), &json!({ "rows": [] })).unwrap_err().to_string().contains("has no rows"));
        assert!(find("redress.triage.v1.TriageService/Guess").is_err());
    }

    #[test]
    fn times_are_instants() {
        let (_, method) = find("redress.logistics.v1.LogisticsService/ReportTracking").unwrap();
        let body = json!({ "trackingNo": "T", "event": { "occurredAt": "2026-09-28T09:00+08:00", "state": "SHIPMENT_STATE_DELIVERED" } });
        let event = &json(&message(&method.input(), &body).unwrap())["event"];
        assert_eq!(
            (&event["occurredAt"], &event["state"]),
            (&json!("2026-09-28T01:00:00Z"), &json!("SHIPMENT_STATE_DELIVERED"))
        );
    }
}
