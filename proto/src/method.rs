//! What the contract says of its methods: which request goes where, which of them change something, which are lists.

use prost::Message;
use prost::bytes::{Buf, BufMut};
use serde::Serialize;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// Bytes of an answer that a caller of [`call`] takes: a service cuts every list far below.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A request, and where it goes.
pub trait Method: Message + Clone + Serialize + 'static {
    /// What is answered.
    type Reply: Message + Default + Serialize + 'static;
    /// Whose it is, as `intake`; `operations` is in every service, `work` in every one with a work list.
    const SERVICE: &'static str;
    /// The method, as `SubmitClaim`.
    const NAME: &'static str;
    /// The path of the method, as `/redress.intake.v1.IntakeService/SubmitClaim`.
    const PATH: &'static str;
}

/// A request that changes something: it has a request id.
pub trait Mutation: Method {
    /// The idempotency key.
    fn request_id(&self) -> &str;
}

/// A request for a list, which comes page by page.
pub trait Listing: Method {
    /// What is listed.
    type Row;
    /// Asks for this page, of so many rows; an empty token: for the first.
    fn turn_to(&mut self, page_size: i32, page_token: String);
    /// What is on a page, and the token of the next one; empty: it is the last.
    fn rows(page: Self::Reply) -> (Vec<Self::Row>, String);
}

/// Calls a method on a channel, whichever service is behind it.
pub async fn call<M: Method>(channel: Channel, request: Request<M>) -> Result<Response<M::Reply>, Status> {
    let mut client = Grpc::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let codec = ProstCodec::<M, M::Reply>::default();
    client.unary(request, PathAndQuery::from_static(M::PATH), codec).await
}

/// Messages as bytes, for who calls any method with what is known only when it runs.
#[derive(Clone, Copy, Debug)]
pub struct Bytes;

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

include!(concat!(env!("OUT_DIR"), "/facts.rs"));
