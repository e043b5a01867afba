//! Reading a message of another service: whatever it is, it either has the shape that the contract gives it, or is
//! malformed and parked. What decodes can still be impossible to store (P30) or come from a newer version (P31).

use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use proto::{Subject, WireTime};

use crate::Malformed;
use crate::contract::CONTRACT;

/// Characters of a text in a message between services: none of them carries prose.
const TEXT_MAX: usize = 300;
/// Entries of a list in such a message.
const LIST_MAX: usize = 500;

/// Reads a message of the contract by its full name: no text has control characters or is too long, every enumeration
/// and time is known, and the subject says what the message says. A service still checks what its rules need.
pub fn read<M: Message + Default>(name: &str, subject: &Subject, payload: &[u8]) -> Result<M, Malformed> {
    let message = M::decode(payload).map_err(|error| Malformed(error.to_string()))?;
    let descriptor = CONTRACT.get_message_by_name(name);
    let descriptor = descriptor.ok_or_else(|| Malformed(format!("{name} is not in the contract")))?;
    let whole = DynamicMessage::decode(descriptor, payload).map_err(|error| Malformed(error.to_string()))?;
    let kind = whole.fields().find(|(field, _)| field.containing_oneof().is_some_and(|one| one.name() == "kind"));
    match kind {
        Some((kind, _)) if kind.name() == subject.name() => {}
        Some((kind, _)) => {
            return Err(Malformed(format!("the message is {}, its subject says {}", kind.name(), subject.name())));
        }
        None => return Err(Malformed("it says nothing, or says it in words of a newer version".to_owned())),
    }
    legible(&whole)?;
    Ok(message)
}

fn legible(message: &DynamicMessage) -> Result<(), Malformed> {
    if message.descriptor().full_name() == "google.protobuf.Timestamp" {
        let at = message.transcode_to::<WireTime>().ok();
        return match at.as_ref().and_then(proto::from_wire) {
            Some(_) => Ok(()),
            None => Err(Malformed("a time is not between 1970 and 2200".to_owned())),
        };
    }
    for (field, value) in message.fields() {
        let wrong = |what: &str| Malformed(format!("{} {what}", field.full_name()));
        if value.as_list().is_some_and(|list| list.len() > LIST_MAX) {
            return Err(wrong("has too many entries"));
        }
        let one = std::slice::from_ref(value);
        for value in value.as_list().unwrap_or(one) {
            match value {
                Value::String(text) if text.chars().any(char::is_control) => {
                    return Err(wrong("has control characters"));
                }
                Value::String(text) if text.chars().count() > TEXT_MAX => return Err(wrong("is too long")),
                Value::EnumNumber(number) if is_unknown(&field.kind(), *number) => {
                    return Err(wrong(&format!("is {number}, which is not known here")));
                }
                Value::Message(below) => legible(below)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_unknown(kind: &prost_reflect::Kind, number: i32) -> bool {
    kind.as_enum().is_none_or(|kind| kind.get_value(number).is_none())
}

#[cfg(test)]
mod tests {
    use proto::intake::{AskCustomer, EndClaim, IntakeCommand, intake_command::Kind};

    use super::*;

    const NAME: &str = "redress.intake.v1.IntakeCommand";

    fn subject(name: &str) -> Subject {
        Subject::Command { service: "intake".to_owned(), name: name.to_owned() }
    }

    fn taken(name: &str, kind: Option<Kind>) -> bool {
        let message = IntakeCommand { claim_id: "c".to_owned(), kind };
        read::<IntakeCommand>(NAME, &subject(name), &message.encode_to_vec()).is_ok()
    }

    #[test]
    fn what_cannot_be_kept_is_not_read() {
        let ask =
            |reason: &str| Some(Kind::AskCustomer(AskCustomer { reason: reason.to_owned(), ..Default::default() }));
        assert!(taken("ask_customer", ask("ORDER_NUMBER_NEEDED")));
        for reason in ["a\u{0}b", "a\nb", &"x".repeat(301)] {
            assert!(!taken("ask_customer", ask(reason)), "{reason:?}");
        }
        let end = |outcome| Some(Kind::EndClaim(EndClaim { outcome, reason: String::new() }));
        assert!(taken("end_claim", end(10)));
        assert!(!taken("end_claim", end(999)) && !taken("end_claim", end(-1)));
        assert!(!taken("ask_customer", end(10)) && !taken("end_claim", None));
        assert!(read::<IntakeCommand>(NAME, &subject("end_claim"), &[0xff; 5]).is_err());
    }
}
