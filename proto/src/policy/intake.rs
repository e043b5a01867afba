//! Rules of intake: what is promised to the customer when a claim is recorded (S0-15, S1-08).

use serde::Deserialize;

use super::Problems;
use crate::claim::Channel;

/// Nothing is promised for later than this: 60 days.
const MINUTES_MAX: u32 = 60 * 24 * 60;

/// Nobody looks further back for what was reported twice.
const DUPLICATE_DAYS_MAX: u32 = 400;

/// Section `[intake]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// When two reports may be the same.
    pub duplicates: Duplicates,
    /// What is promised on each channel. Plain hours; the business clocks are those of escalation.
    pub promises: Promises,
}

/// When two reports may be the same: those of one customer about one order line.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duplicates {
    /// Days between the two at the most.
    pub days: u32,
}

/// What is promised on each channel: every channel is named, none is forgotten.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promises {
    /// Telephone hotline.
    pub phone: Promise,
    /// E-mail.
    pub email: Promise,
    /// Online customer-service chat.
    pub chat: Promise,
    /// Form or message board of the company site.
    pub web: Promise,
    /// An e-commerce platform.
    pub platform: Promise,
    /// Another system.
    pub api: Promise,
    /// The supervision mailbox or telephone.
    pub supervision: Promise,
}

/// What is promised on one channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Minutes to the acknowledgement; absent: the channel shows by itself that the claim was received.
    pub acknowledgement_minutes: Option<u32>,
    /// Minutes to the first feedback (S0-15).
    pub first_feedback_minutes: u32,
}

impl Promises {
    /// What is promised on a channel; a channel that is not given is refused long before.
    pub fn on(&self, channel: Channel) -> &Promise {
        match channel {
            Channel::Phone => &self.phone,
            Channel::Email => &self.email,
            Channel::Chat => &self.chat,
            Channel::Web => &self.web,
            Channel::Platform => &self.platform,
            Channel::Api | Channel::Unspecified => &self.api,
            Channel::Supervision => &self.supervision,
        }
    }

    fn all(&self) -> [(&'static str, &Promise); 7] {
        [
            ("phone", &self.phone),
            ("email", &self.email),
            ("chat", &self.chat),
            ("web", &self.web),
            ("platform", &self.platform),
            ("api", &self.api),
            ("supervision", &self.supervision),
        ]
    }
}

impl Intake {
    pub(super) fn check(&self, problems: &mut Problems) {
        let days = self.duplicates.days;
        problems.require((1..=DUPLICATE_DAYS_MAX).contains(&days), "intake.duplicates.days", "must be 1 to 400");
        for (channel, promise) in self.promises.all() {
            promise.check(&format!("intake.promises.{channel}"), problems);
        }
    }
}

impl Promise {
    fn check(&self, path: &str, problems: &mut Problems) {
        let range = format!("must be 1 to {MINUTES_MAX}");
        let first = self.first_feedback_minutes;
        problems.require((1..=MINUTES_MAX).contains(&first), format!("{path}.first_feedback_minutes"), &range);
        let Some(acknowledgement) = self.acknowledgement_minutes else { return };
        let field = format!("{path}.acknowledgement_minutes");
        problems.require((1..=MINUTES_MAX).contains(&acknowledgement), &field, range);
        problems.require(acknowledgement <= first, field, "must not be after the first feedback");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pack, SUPPLY_CHAIN};
    use super::*;

    /// The shipped pack with one line of a channel replaced; the line number of that line.
    fn spoilt(channel: &str, key: &str, value: &str) -> (String, usize) {
        let mut lines: Vec<String> = SUPPLY_CHAIN.lines().map(str::to_owned).collect();
        let head = format!("[intake.promises.{channel}]");
        let from = lines.iter().position(|line| *line == head).unwrap();
        let at = from + lines[from..].iter().position(|line| line.starts_with(key)).unwrap();
        lines[at] = value.to_owned();
        (lines.join("\n"), at + 1)
    }

    #[test]
    fn every_channel_has_its_promise() {
        let pack = Pack::load(None).unwrap();
        for channel in 1..=7 {
            let promise = pack.intake.promises.on(Channel::try_from(channel).unwrap());
            assert!(promise.first_feedback_minutes > 0);
        }
        assert!(Channel::try_from(8).is_err(), "a new channel needs a promise");
    }

    #[test]
    fn a_wrong_promise_is_told_with_its_line() {
        for (key, value, reason) in [
            ("first_feedback_minutes", "first_feedback_minutes = 0", "must be 1 to 86400"),
            ("first_feedback_minutes", "first_feedback_minutes = 86401", "must be 1 to 86400"),
            ("acknowledgement_minutes", "acknowledgement_minutes = 86400", "must not be after the first feedback"),
        ] {
            let (text, line) = spoilt("email", key, value);
            let error = Pack::parse("pack.toml", &text).unwrap_err();
            assert!(error.to_string().contains(&format!("pack.toml:{line}: intake.promises.email.{key}")), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
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
    fn a_channel_without_a_promise_and_an_unknown_key_are_refused() {
        let (text, _) = spoilt("chat", "first_feedback_minutes", "");
        assert!(Pack::parse("pack.toml", &text).unwrap_err().to_string().contains("first_feedback_minutes"));
        let (text, _) = spoilt("chat", "first_feedback_minutes", "first_feedback_hours = 1");
        assert!(Pack::parse("pack.toml", &text).is_err());
        let text = SUPPLY_CHAIN.replacen("[intake.promises.web]", "[intake.promises.fax]", 1);
        assert!(Pack::parse("pack.toml", &text).unwrap_err().to_string().contains("fax"));
    }
}
