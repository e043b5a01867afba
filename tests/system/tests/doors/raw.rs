//! A gRPC client that sends bytes and reads bytes: any method, any payload.

use prost::bytes::{Buf, BufMut};
use testkit::Wire;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
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
