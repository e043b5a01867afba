//! A call of any method of the contract by its JSON, as a system makes it.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, Value};
use proto::method::Bytes;
use serde_json::Value as Json;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;

use crate::connect::{Clients, fresh_id};
use crate::exit::Failure;

static CONTRACT: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).ok());

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
    Ok(serde_json::to_value(DynamicMessage::decode(known.output(), &answer[..])?)?)
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

/// A request from its JSON; without any it is empty.
fn message(kind: &MessageDescriptor, json: &Json) -> Result<DynamicMessage> {
    if json.is_null() {
        return Ok(DynamicMessage::new(kind.clone()));
    }
    let read = DynamicMessage::deserialize(kind.clone(), json);
    read.map_err(|error| anyhow!(Failure::Malformed(format!("{}: {error}", kind.full_name()))))
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
        let line = &serde_json::to_value(&made).unwrap()["lines"][0];
        assert_eq!((&line["orderNo"], &line["unitPrice"]["minorUnits"]), (&json!("O-1"), &json!("24000")));
        assert!(message(&method.input(), &json!({ "rows": [] })).unwrap_err().to_string().contains("rows"));
        assert!(find("redress.triage.v1.TriageService/Guess").is_err());
    }

    #[test]
    fn times_are_instants() {
        let (_, method) = find("redress.logistics.v1.LogisticsService/ReportTracking").unwrap();
        let body = json!({ "trackingNo": "T", "event": { "occurredAt": "2026-09-28T09:00:00+08:00", "state": "SHIPMENT_STATE_DELIVERED" } });
        let event = &serde_json::to_value(message(&method.input(), &body).unwrap()).unwrap()["event"];
        assert_eq!(
            (&event["occurredAt"], &event["state"]),
            (&json!("2026-09-28T01:00:00Z"), &json!("SHIPMENT_STATE_DELIVERED"))
        );
    }
}
