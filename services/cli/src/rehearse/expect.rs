//! What an answer is compared with.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::fill::{filled, filled_json};

/// The time of a rehearsal goes on while it is played: an instant is as expected if it is that one or so much later.
pub const LATER: SignedDuration = SignedDuration::from_mins(2);

/// What is at one place of an answer. One of the others says what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The place: `claim.lines.0.sku`, or `clocks[kind=CLOCK_KIND_FIRST_FEEDBACK].deadline`.
    pub at: String,
    /// It is this value; a table: it has all of this.
    is: Option<Value>,
    /// It is a text with this in it.
    has: Option<String>,
    /// It is a list, and one of it is this.
    some: Option<Value>,
    /// It is a list or is not there, and none of it is this.
    none: Option<Value>,
    /// It is a list of so many.
    count: Option<usize>,
    /// Whether it is not there.
    absent: Option<bool>,
}

impl Expectation {
    /// What is wrong with it.
    pub fn wrong(&self) -> Vec<String> {
        let given = [
            self.is.is_some(),
            self.has.is_some(),
            self.some.is_some(),
            self.none.is_some(),
            self.count.is_some(),
            self.absent.is_some(),
        ];
        let mut wrong = Vec::new();
        if given.into_iter().filter(|given| *given).count() != 1 {
            wrong.push(format!("{}: it needs one of is, has, some, none, count and absent", self.at));
        }
        if segments(&self.at).is_none() {
            wrong.push(format!("{:?} is no place", self.at));
        }
        wrong
    }

    /// Every text in it.
    pub fn texts(&self) -> Vec<String> {
        let values = [&self.is, &self.some, &self.none].into_iter().flatten().map(ToString::to_string);
        values.chain(self.has.clone()).chain([self.at.clone()]).collect()
    }

    /// The same with the values of the names in it.
    pub fn filled(&self, values: &BTreeMap<String, String>) -> Result<Self, String> {
        let json = |json: &Option<Value>| json.as_ref().map(|json| filled_json(json, values)).transpose();
        Ok(Self {
            at: filled(&self.at, values)?,
            is: json(&self.is)?,
            has: self.has.as_ref().map(|text| filled(text, values)).transpose()?,
            some: json(&self.some)?,
            none: json(&self.none)?,
            count: self.count,
            absent: self.absent,
        })
    }

    /// What is expected, in words.
    pub fn told(&self) -> String {
        let Self { at, is, has, some, none, count, absent } = self;
        let shown = |value: &Value| value.to_string();
        let what = is.as_ref().map(|is| format!("is {}", shown(is)));
        let what = what.or(has.as_ref().map(|has| format!("has {has:?}")));
        let what = what.or(some.as_ref().map(|some| format!("has one with {}", shown(some))));
        let what = what.or(none.as_ref().map(|none| format!("has none with {}", shown(none))));
        let what = what.or(count.map(|count| format!("has {count}")));
        let is_absent = if *absent == Some(false) { "is there" } else { "is not there" };
        format!("{at} {}", what.unwrap_or_else(|| is_absent.to_owned()))
    }

    /// Whether an answer is so, and what is there.
    pub fn look(&self, answer: &Value) -> (bool, String) {
        let found = find(answer, &self.at).filter(|found| !found.is_null());
        let entries = || found.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let ok = match self {
            Self { is: Some(is), .. } => found.is_some_and(|found| fits(is, found)),
            Self { has: Some(has), .. } => {
                found.and_then(Value::as_str).is_some_and(|text| text.contains(has.as_str()))
            }
            Self { some: Some(some), .. } => entries().iter().any(|entry| fits(some, entry)),
            Self { none: Some(none), .. } => !entries().iter().any(|entry| fits(none, entry)),
            Self { count: Some(count), .. } => entries().len() == *count,
            Self { absent, .. } => found.is_none() != (*absent == Some(false)),
        };
        (ok, format!("{} is {}", self.at, found.map_or_else(|| "not there".to_owned(), ToString::to_string)))
    }
}

/// Whether a value is as expected: tables may have more, numbers may be texts, as in the JSON of the contract, and instants a
/// little later.
fn fits(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(key, value)| found.get(key).is_some_and(|found| fits(value, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(one, other)| fits(one, other))
        }
        (Value::Number(number), Value::String(text)) => number.to_string() == *text,
        (Value::String(one), Value::String(other)) if one != other => {
            let instants = one.parse::<Timestamp>().ok().zip(other.parse::<Timestamp>().ok());
            instants.is_some_and(|(one, other)| (SignedDuration::ZERO..=LATER).contains(&other.duration_since(one)))
        }
        (one, other) => one == other,
    }
}

/// The value at a place of an answer.
pub fn find<'a>(answer: &'a Value, place: &str) -> Option<&'a Value> {
    segments(place)?.into_iter().try_fold(answer, |at, segment| match segment {
        Segment::Key(key) => match at {
            Value::Array(all) => all.get(key.parse::<usize>().ok()?),
            at => at.get(key),
        },
        Segment::With(place, wanted) => at.as_array()?.iter().find(|entry| {
            find(entry, place).is_some_and(|found| match found {
                Value::String(text) => text == wanted,
                other => {
                    let text = other.to_string();
                    text == wanted
                }
            })
        }),
    })
}

enum Segment<'a> {
    Key(&'a str),
    With(&'a str, &'a str),
}

fn segments(place: &str) -> Option<Vec<Segment<'_>>> {
    let (mut segments, mut rest) = (Vec::new(), place);
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (condition, after) = inner.split_once(']')?;
            let (key, wanted) = condition.split_once('=')?;
            segments.push(Segment::With(key, wanted));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            if key.is_empty() {
                return None;
            }
            segments.push(Segment::Key(key));
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() {
                return None;
            }
            rest = after;
        }
    }
    (!segments.is_empty()).then_some(segments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        json!({
            "claim": { "state": "CLOSED", "cost": "1200", "lines": [{ "sku": "A" }, { "sku": "B", "line": 2 }] },
            "clocks": [{ "kind": "FIRST", "deadline": "2026-10-08T06:00:03Z" }],
        })
    }

    fn is_so(expectation: Value) -> bool {
        let expectation: Expectation = serde_json::from_value(expectation).unwrap();
        assert_eq!(expectation.wrong(), Vec::<String>::new());
        expectation.look(&answer()).0
    }

    #[test]
    fn places_are_found() {
        assert!(is_so(json!({ "at": "claim.lines.1.sku", "is": "B" })));
        assert!(is_so(json!({ "at": "claim.lines[line=2].sku", "is": "B" })));
        assert!(!is_so(json!({ "at": "claim.lines[line=3].sku", "is": "B" })));
        for odd in ["", ".", "a.", "a..b", "a[b", "a[b]"] {
            assert!(segments(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn values_are_compared_as_people_mean_them() {
        assert!(is_so(json!({ "at": "claim.cost", "is": 1200 })));
        assert!(is_so(json!({ "at": "claim", "is": { "state": "CLOSED" } })));
        assert!(!is_so(json!({ "at": "claim", "is": { "state": "CLOSED", "other": 1 } })));
        assert!(is_so(json!({ "at": "claim.lines", "some": { "sku": "A" } })));
        assert!(!is_so(json!({ "at": "claim.lines", "none": { "sku": "A" } })));
        assert!(is_so(json!({ "at": "claim.plans", "none": { "sku": "A" } })));
        assert!(is_so(json!({ "at": "claim.lines", "count": 2 })));
        assert!(is_so(json!({ "at": "claim.state", "has": "LOSE" })));
        assert!(is_so(json!({ "at": "claim.plan", "absent": true })));
        assert!(!is_so(json!({ "at": "claim.state", "absent": true })));
        assert!(is_so(json!({ "at": "claim.state", "absent": false })));
    }

    #[test]
    fn an_instant_is_that_one_or_a_little_later() {
        let deadline = "clocks[kind=FIRST].deadline";
        assert!(is_so(json!({ "at": deadline, "is": "2026-10-08T14:00+08:00" })));
        assert!(!is_so(json!({ "at": deadline, "is": "2026-10-08T14:01+08:00" })));
        assert!(!is_so(json!({ "at": deadline, "is": "2026-10-08T13:57+08:00" })));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |expectation| serde_json::from_value::<Expectation>(expectation).unwrap().wrong().len();
        assert_eq!(wrong(json!({ "at": "a" })), 1);
        assert_eq!(wrong(json!({ "at": "a", "is": 1, "count": 1 })), 1);
        assert_eq!(wrong(json!({ "at": "a.", "count": 1 })), 1);
    }
}
