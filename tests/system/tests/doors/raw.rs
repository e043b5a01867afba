//! A gRPC client that sends bytes and reads bytes: any method, any payload.

use proto::method::Bytes;
use testkit::Wire;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

/// Sends bytes to a method, as `redress.intake.v1.IntakeService/GetClaim`; gives the bytes of the answer.
pub async fn call(channel: &Wire, method: &str, payload: Vec<u8>) -> Result<Vec<u8>, Status> {
    call_with(channel, method, Request::new(payload)).await
}

/// The same with metadata or somebody of one's choice.
pub async fn call_with(channel: &Wire, method: &str, request: Request<Vec<u8>>) -> Result<Vec<u8>, Status> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.expect("the service answers");
    let path = PathAndQuery::try_from(format!("/{method}")).expect("a path");
    client.unary(request, path, Bytes).await.map(tonic::Response::into_inner)
}
