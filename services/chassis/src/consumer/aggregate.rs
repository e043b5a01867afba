//! Which claim a message is about: the header says it for the order and for parking, the payload for the effect.

use prost::Message;
use proto::claim::Job;
use uuid::Uuid;

use crate::Malformed;

/// Field 1 of most messages between services.
#[derive(Clone, PartialEq, Eq, Message)]
struct ByText {
    #[prost(string, tag = "1")]
    claim_id: String,
}

/// Field 1 of those about one piece of work.
#[derive(Clone, PartialEq, Eq, Message)]
struct ByJob {
    #[prost(message, optional, tag = "1")]
    job: Option<Job>,
}

/// Every message between services names its claim in field 1 (a test looks into the contract). If the header named
/// another one, the message would overtake those of its claim, and be parked where nobody looks for it.
pub(super) fn agree(header: Uuid, payload: &[u8]) -> Result<(), Malformed> {
    match named(payload) {
        Some(claim) if claim != header => Err(Malformed(format!("it is about {claim}, and its header names {header}"))),
        Some(_) | None => Ok(()),
    }
}

fn named(payload: &[u8]) -> Option<Uuid> {
    let text = ByText::decode(payload).ok().and_then(|message| proto::ids::parse(&message.claim_id).ok());
    text.or_else(|| proto::ids::parse(&ByJob::decode(payload).ok()?.job?.claim_id).ok())
}

#[cfg(test)]
mod tests {
    use proto::intake::IntakeCommand;
    use proto::logistics::LogisticsCommand;

    use super::*;

    #[test]
    fn header_and_payload_name_the_same_claim() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let text = IntakeCommand { claim_id: one.to_string(), kind: None }.encode_to_vec();
        let job = Job { claim_id: one.to_string(), round: 1, line: 1, attempt: 1 };
        let job = LogisticsCommand { job: Some(job), kind: None, policy_version: 0 }.encode_to_vec();
        for payload in [text, job] {
            assert!(agree(one, &payload).is_ok());
            assert!(agree(other, &payload).is_err());
            assert!(agree(Uuid::nil(), &payload).is_err());
        }
        // What names no claim is judged by its reader.
        assert!(agree(one, b"").is_ok() && agree(one, &[0xff; 5]).is_ok());
    }
}
