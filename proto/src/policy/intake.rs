//! Rules of intake: on which channels a person of ours answers the report, and by when (S0-15, S1-08).

use serde::Deserialize;

use super::Problems;
use crate::claim::Channel;

/// Nothing has more time than this: a year of working minutes.
const MINUTES_MAX: u32 = 366 * 24 * 60;

/// Nobody looks further back for what was reported twice.
const DUPLICATE_DAYS_MAX: u32 = 400;

/// Section `[intake]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// When two reports may be the same.
    pub duplicates: Duplicates,
    /// What differs on single channels. What is promised elsewhere is what the clocks of escalation allow.
    #[serde(default)]
    pub promises: Promises,
}

/// When two reports may be the same: those of one customer about one order line.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duplicates {
    /// Days between the two at the most.
    pub days: u32,
}

/// What differs on single channels.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    /// Telephone hotline.
    pub phone: Option<Promise>,
    /// E-mail.
    pub email: Option<Promise>,
    /// Online customer-service chat.
    pub chat: Option<Promise>,
    /// Form or message board of the company site.
    pub web: Option<Promise>,
    /// An e-commerce platform.
    pub platform: Option<Promise>,
    /// Another system.
    pub api: Option<Promise>,
    /// The supervision mailbox or telephone.
    pub supervision: Option<Promise>,
}

/// What is promised on one channel, in working minutes of the clock that watches it. The clock's own target for a severity
/// counts where it is shorter.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Until a person of ours has answered the report; absent: the receipt in writing is answer enough on this channel.
    pub acknowledgement_minutes: Option<u32>,
    /// Until the first feedback (S0-15); absent: as the clock has it.
    pub first_feedback_minutes: Option<u32>,
}

impl Promises {
    /// What differs on a channel.
    pub fn on(&self, channel: Channel) -> Option<&Promise> {
        match channel {
            Channel::Phone => self.phone.as_ref(),
            Channel::Email => self.email.as_ref(),
            Channel::Chat => self.chat.as_ref(),
            Channel::Web => self.web.as_ref(),
            Channel::Platform => self.platform.as_ref(),
            Channel::Api => self.api.as_ref(),
            Channel::Supervision => self.supervision.as_ref(),
            Channel::Unspecified => None,
        }
    }

    /// Whether a person of ours must answer a report on this channel, because it leaves nothing in writing or the policy
    /// wants it (S0-13, S1-08).
    pub fn is_acknowledged(&self, channel: Channel) -> bool {
        self.on(channel).is_some_and(|promise| promise.acknowledgement_minutes.is_some())
    }
}

impl Intake {
    pub(super) fn check(&self, problems: &mut Problems) {
        let days = self.duplicates.days;
        problems.require((1..=DUPLICATE_DAYS_MAX).contains(&days), "intake.duplicates.days", "must be 1 to 400");
        for channel in (1..).map_while(|number| Channel::try_from(number).ok()) {
            let Some(promise) = self.promises.on(channel) else { continue };
            let name = channel.word();
            promise.check(&format!("intake.promises.{name}"), problems);
        }
    }
}

impl Promise {
    fn check(&self, path: &str, problems: &mut Problems) {
        let range = "must be 1 to 527040 working minutes";
        for (field, minutes) in [
            ("acknowledgement_minutes", self.acknowledgement_minutes),
            ("first_feedback_minutes", self.first_feedback_minutes),
        ] {
            let fits = minutes.is_none_or(|minutes| (1..=MINUTES_MAX).contains(&minutes));
            problems.require(fits, format!("{path}.{field}"), range);
        }
        if let (Some(acknowledgement), Some(first)) = (self.acknowledgement_minutes, self.first_feedback_minutes) {
            let field = format!("{path}.acknowledgement_minutes");
            problems.require(acknowledgement <= first, field, "must not be after the first feedback");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pack, SUPPLY_CHAIN};
    use super::*;

    /// The shipped pack with another text for the promise of a channel; the line number of its first key.
    fn spoilt(channel: &str, keys: &str) -> (String, usize) {
        let head = format!("[intake.promises.{channel}]\n");
        let (before, after) = SUPPLY_CHAIN.split_once(&head).unwrap();
        let after = &after[after.find("\n\n").unwrap()..];
        (format!("{before}{head}{keys}{after}"), before.matches('\n').count() + 2)
    }

    #[test]
    fn people_answer_where_nothing_is_left_in_writing() {
        let promises = Pack::load(None).unwrap().intake.promises;
        let channels: Vec<Channel> = (1..).map_while(|number| Channel::try_from(number).ok()).collect();
        let answered: Vec<Channel> =
            channels.into_iter().filter(|channel| promises.is_acknowledged(*channel)).collect();
        assert_eq!(answered, [Channel::Phone, Channel::Email, Channel::Supervision]);
        assert!(!promises.is_acknowledged(Channel::Unspecified));
    }

    #[test]
    fn a_wrong_promise_is_told_with_its_line() {
        for (keys, reason) in [
            ("first_feedback_minutes = 0", "first_feedback_minutes: must be 1 to 527040 working minutes"),
            ("acknowledgement_minutes = 527041", "acknowledgement_minutes: must be 1 to 527040 working minutes"),
            (
                "acknowledgement_minutes = 61\nfirst_feedback_minutes = 60",
                "acknowledgement_minutes: must not be after the first feedback",
            ),
        ] {
            let (text, line) = spoilt("email", keys);
            let error = Pack::parse("pack.toml", &text).unwrap_err().to_string();
            assert_eq!(error, format!("pack.toml:{line}: intake.promises.email.{reason}"));
        }
    }

    #[test]
    fn days_of_duplicates_are_few_and_not_none() {
        let at = SUPPLY_CHAIN.lines().position(|line| line == "[intake.duplicates]").unwrap() + 2;
        for days in ["days = 0", "days = 401"] {
            let text = SUPPLY_CHAIN.replacen("days = 30 # our default: duplicates", &format!("{days} #"), 1);
            let error = Pack::parse("pack.toml", &text).unwrap_err().to_string();
            assert!(error.contains(&format!("pack.toml:{at}: intake.duplicates.days")), "{error}");
        }
    }

    #[test]
    fn an_unknown_channel_or_key_is_refused() {
        let (text, _) = spoilt("email", "first_feedback_hours = 1");
        assert!(Pack::parse("pack.toml", &text).is_err());
        let text = SUPPLY_CHAIN.replacen("[intake.promises.email]", "[intake.promises.fax]", 1);
        assert!(Pack::parse("pack.toml", &text).unwrap_err().to_string().contains("fax"));
    }
}
