//! A call of any method of the contract by its JSON, as a system makes it: for scripts, and for the stories of a rehearsal.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use chassis::contract::{self, CONTRACT};
use prost::Message;
use prost_reflect::{DynamicMessage, MethodDescriptor, ServiceDescriptor, Value};
use proto::method::Bytes;
use serde_json::Value as Json;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;

use crate::connect::{Clients, fresh_id};
use crate::exit::Failure;

/// The packages that several services serve: what every service offers to operators, and the work list of those that have one.
const SHARED: [&str; 2] = ["operations", "work"];

/// A method, and the service that is asked.
#[derive(Clone, Debug)]
pub struct Method {
    /// The service, as `triage`.
    pub service: String,
    /// What the contract says of it.
    pub known: MethodDescriptor,
}

impl Method {
    /// Finds a method by its name: `redress.triage.v1.TriageService/RecordOrders`, `triage.RecordOrders`, or `RecordOrders` if
    /// one service has it. What every service offers to operators is asked of one, as `intake.ListParked`.
    pub fn find(name: &str) -> Result<Self> {
        let mut found = all().into_iter().filter(|method| method.is_named(name));
        let first = found.next().ok_or_else(|| Failure::NotFound(format!("there is no method {name}")))?;
        let others: Vec<String> = found.map(|method| method.short()).collect();
        if !others.is_empty() {
            let all = [vec![first.short()], others].concat().join(", ");
            return Err(Failure::Usage(format!("{name} is one of several: {all}")).into());
        }
        Ok(first)
    }

    fn is_named(&self, name: &str) -> bool {
        // Of what several services have the full name says not whose.
        let shared = SHARED.contains(&segment(self.known.parent_service().package_name()).as_str());
        name == self.short() || name == self.known.name() || (!shared && name == self.full())
    }

    /// `triage.RecordOrders`.
    pub fn short(&self) -> String {
        format!("{}.{}", self.service, self.known.name())
    }

    /// `redress.triage.v1.TriageService/RecordOrders`.
    pub fn full(&self) -> String {
        format!("{}/{}", self.known.parent_service().full_name(), self.known.name())
    }

    /// Whether request or answer come in pieces.
    pub fn is_stream(&self) -> bool {
        self.known.is_client_streaming() || self.known.is_server_streaming()
    }

    /// The valid requests that the contract has for it, as JSON; an id is written `@`.
    pub fn examples(&self) -> Vec<String> {
        contract::examples(&self.known)
    }

    /// A request from its JSON; without any it is empty.
    pub fn request(&self, body: &Json) -> Result<DynamicMessage> {
        let kind = self.known.input();
        if body.is_null() {
            return Ok(DynamicMessage::new(kind));
        }
        let read = DynamicMessage::deserialize(kind.clone(), body);
        read.map_err(|error| anyhow!(Failure::Malformed(format!("{}: {error}", kind.full_name()))))
    }

    /// Calls it; gives the JSON of its answer. A request without an id gets a fresh one.
    pub async fn call(&self, clients: &Clients, body: &Json) -> Result<Json> {
        let mut request = self.request(body)?;
        if let Some(field) =
            self.known.input().get_field_by_name("request_id").filter(|field| !request.has_field(field))
        {
            request.set_field(&field, Value::String(fresh_id()));
        }
        let mut client = Grpc::new(clients.wire(&self.service)?);
        client.ready().await.map_err(|error| Failure::Unavailable(error.to_string()))?;
        let path = PathAndQuery::try_from(format!("/{}", self.full()))?;
        let answer = client.unary(Request::new(request.encode_to_vec()), path, Bytes).await?.into_inner();
        Ok(serde_json::to_value(DynamicMessage::decode(self.known.output(), &answer[..])?)?)
    }
}

/// Every method, those that several services have once for each.
pub fn all() -> Vec<Method> {
    let services = CONTRACT.services().filter(|service| service.package_name().starts_with("redress."));
    let services: Vec<_> = services.map(|service| (segment(service.package_name()), service)).collect();
    let names: BTreeSet<String> =
        services.iter().map(|(name, _)| name.clone()).filter(|name| !SHARED.contains(&name.as_str())).collect();
    let of = |name: &String, service: &ServiceDescriptor| {
        let owned = name.clone();
        service.methods().map(move |known| Method { service: owned.clone(), known }).collect::<Vec<_>>()
    };
    let mut methods = Vec::new();
    for (name, service) in &services {
        match name.as_str() {
            "operations" => methods.extend(names.iter().flat_map(|name| of(name, service))),
            "work" => methods.extend(proto::WORK_LISTS.iter().flat_map(|name| of(&(*name).to_owned(), service))),
            _ => methods.extend(of(name, service)),
        }
    }
    methods.sort_by_key(Method::short);
    methods
}

/// Whose package it is: `redress.triage.v1` is triage's.
fn segment(package: &str) -> String {
    package.split('.').nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_made_of_its_json_and_back() {
        let method = Method::find("redress.triage.v1.TriageService/RecordOrders").unwrap();
        assert_eq!(method.service, "triage");
        let body = json!({ "lines": [{ "order_no": "O-1", "quantity": 2,
            "unitPrice": { "minorUnits": 24000, "currency": "GBP" } }] });
        let made = method.request(&body).unwrap();
        let line = &serde_json::to_value(&made).unwrap()["lines"][0];
        assert_eq!((&line["orderNo"], &line["unitPrice"]["minorUnits"]), (&json!("O-1"), &json!("24000")));
        assert!(method.request(&json!({ "rows": [] })).unwrap_err().to_string().contains("rows"));
    }

    #[test]
    fn a_method_is_found_by_any_of_its_names_that_says_which() {
        for name in ["redress.triage.v1.TriageService/RecordOrders", "triage.RecordOrders", "RecordOrders"] {
            assert_eq!(Method::find(name).unwrap().short(), "triage.RecordOrders");
        }
        assert_eq!(
            Method::find("intake.ListParked").unwrap().full(),
            "redress.operations.v1.OperationsService/ListParked"
        );
        assert_eq!(Method::find("escalation.TakeWork").unwrap().full(), "redress.work.v1.WorkService/TakeWork");
        assert!(Method::find("intake.TakeWork").is_err(), "intake has no work list");
        let several = Method::find("ListParked").unwrap_err().to_string();
        assert!(several.contains("intake.ListParked, inventory.ListParked"), "{several}");
        assert!(Method::find("redress.triage.v1.TriageService/Guess").is_err());
        assert!(Method::find("").is_err());
    }

    #[test]
    fn every_example_is_a_request() {
        for method in all() {
            assert!(method.is_stream() || !method.examples().is_empty(), "{} has no example", method.short());
            for example in method.examples() {
                let body = serde_json::from_str(&example).unwrap();
                method.request(&body).unwrap_or_else(|error| panic!("{}: {error}", method.short()));
            }
        }
    }

    #[test]
    fn times_are_instants() {
        let method = Method::find("logistics.ReportTracking").unwrap();
        let body = json!({ "trackingNo": "T", "event": { "occurredAt": "2026-09-28T09:00:00+08:00", "state": "SHIPMENT_STATE_DELIVERED" } });
        let event = &serde_json::to_value(method.request(&body).unwrap()).unwrap()["event"];
        assert_eq!(
            (&event["occurredAt"], &event["state"]),
            (&json!("2026-09-28T01:00:00Z"), &json!("SHIPMENT_STATE_DELIVERED"))
        );
    }
}
