//! Contacts with the customer, as those who had them say.

use jiff::Timestamp;
use proto::claim::Channel;
use proto::intake::ContactDirection;

use super::{CONTACTS_MAX, Claim, Event, Refusal};

/// A contact with the customer. What was said is with the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedContact {
    /// When it was.
    pub at: Timestamp,
    /// How.
    pub channel: Channel,
    /// Who sought it.
    pub direction: ContactDirection,
    /// Subject of who logged it.
    pub by: String,
    /// When it was logged.
    pub logged_at: Timestamp,
}

impl Claim {
    pub(super) fn log_contact(&self, contact: LoggedContact) -> Result<Vec<Event>, Refusal> {
        self.going()?;
        if contact.at < self.received_at {
            return Err(Refusal::ContactBeforeClaim { received_at: self.received_at });
        }
        let same = |known: &LoggedContact| {
            (known.at, known.channel, known.direction) == (contact.at, contact.channel, contact.direction)
        };
        if let Some(known) = self.contacts.iter().position(same) {
            return Err(Refusal::ContactKnown { number: known + 1 });
        }
        if self.contacts.len() >= CONTACTS_MAX {
            return Err(Refusal::TooManyContacts);
        }
        Ok(vec![Event::ContactLogged(contact)])
    }

    /// A person has answered: what was promised of that is kept (S0-15).
    pub(super) fn contact_logged(&mut self, contact: &LoggedContact) {
        self.contacts.push(contact.clone());
        self.promises.acknowledgement = None;
        self.promises.first_feedback = None;
    }
}
