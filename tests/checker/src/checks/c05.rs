//! C5: every subscriber sees the events of a claim as 1, 2, 3 … without gaps, and all see the same (G7, G15).

use proto::claim::ClaimEvent;

use crate::evidence::{Evidence, Violation, ms};
use crate::feed::{Feed, Oddity, Seen};

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    let (live, fresh, bulk) = (&evidence.live, &evidence.fresh, &evidence.bulk);
    for (who, feed) in [("the subscriber", live), ("a new subscriber", fresh), ("a reader of the feed", bulk)] {
        found.extend(odd(evidence, who, feed));
        found.extend(feed.claims.iter().filter_map(|(claim, seen)| order(claim, who, seen)));
        found.extend(
            evidence.timelines.iter().filter_map(|(claim, timeline)| missing(evidence, who, feed, claim, timeline)),
        );
        for (claim, seen) in &feed.claims {
            if !evidence.timelines.contains_key(claim) {
                let what = format!("{who} has {} events of a claim that the orchestrator does not know", seen.len());
                found.push(Violation::of("C5", claim, what));
            }
        }
    }
    for (claim, timeline) in &evidence.timelines {
        found.extend(same(evidence, claim, timeline));
    }
    found
}

/// What was sent by the rig on purpose is no fault of the services.
fn odd(evidence: &Evidence, who: &str, feed: &Feed) -> Vec<Violation> {
    let poison = evidence.log.poisonous();
    let ours = feed.odd.iter().filter(|odd| !poison.contains(odd.event_id.as_str()));
    ours.map(|Oddity { claim, what, .. }| Violation::of("C5", claim, format!("{who}: {what}"))).collect()
}

/// What comes for the first time is the next number.
fn order(claim: &str, who: &str, seen: &[Seen]) -> Option<Violation> {
    let numbers: Vec<u32> = seen.iter().map(|seen| seen.number).collect();
    let at = numbers.iter().zip(1..).position(|(number, due)| *number != due)?;
    let from = at.saturating_sub(2);
    let around = &numbers[from..numbers.len().min(at + 3)];
    let what = format!("{who} got number {} where {} was due (… {around:?} …)", numbers[at], at + 1);
    Some(Violation::of("C5", claim, what))
}

/// What the timeline has must have come, soon after it happened.
fn missing(evidence: &Evidence, who: &str, feed: &Feed, claim: &str, timeline: &[ClaimEvent]) -> Option<Violation> {
    let seen = feed.claims.get(claim).map_or(&[][..], Vec::as_slice);
    let first = timeline.iter().find(|event| !seen.iter().any(|seen| seen.number == event.number))?;
    let what = format!("{who} never got event {} of {}", first.number, timeline.len());
    let soon = evidence.soon(ms(first.occurred_at.as_ref()).max(evidence.started_ms));
    Some(Violation::of("C5", claim, what).unless_mended_by(soon))
}

/// Timeline, subscriber, new subscriber and feed know the same events.
fn same(evidence: &Evidence, claim: &str, timeline: &[ClaimEvent]) -> Vec<Violation> {
    let mut found = Vec::new();
    let soon = evidence.soon(timeline.last().map_or(0, |last| ms(last.occurred_at.as_ref())));
    let mut bad = |what: String| found.push(Violation::of("C5", claim, what).unless_mended_by(soon));
    if let Some((event, due)) = timeline.iter().zip(1..).find(|(event, due)| event.number != *due) {
        bad(format!("the timeline has number {} where {due} is due", event.number));
    }
    let none = Vec::new();
    let mut unknown = Vec::new();
    let (live, fresh) = (&evidence.live, &evidence.fresh);
    let (live, fresh) = (live.claims.get(claim).unwrap_or(&none), fresh.claims.get(claim).unwrap_or(&none));
    for seen in fresh {
        let told = timeline.iter().find(|event| event.number == seen.number);
        match (told, &seen.event) {
            (Some(told), Some(event)) if told != event => {
                bad(format!("event {} on the stream is not that of the timeline", seen.number));
            }
            // The timeline may have been read a moment earlier: then the next reading knows it.
            (None, event) => {
                let told_at = event.as_ref().map_or(0, |event| ms(event.occurred_at.as_ref()));
                let what = format!("event {} of the stream is not in the timeline", seen.number);
                unknown.push(Violation::of("C5", claim, what).unless_mended_by(evidence.soon(told_at)));
            }
            _ => {}
        }
    }
    for early in live {
        let late = fresh.iter().find(|late| late.number == early.number);
        if let Some(late) = late.filter(|late| (&late.event_id, late.digest) != (&early.event_id, early.digest)) {
            bad(format!(
                "number {} was {} and is {} now, or its content differs",
                early.number, early.event_id, late.event_id
            ));
        }
        if !timeline.iter().any(|event| event.number == early.number) && fresh.is_empty() {
            bad(format!("number {} was received, and nobody knows of it", early.number));
        }
    }
    for fed in evidence.bulk.claims.get(claim).unwrap_or(&none) {
        let alone = fresh.iter().find(|alone| alone.number == fed.number);
        if alone.is_some_and(|alone| (&alone.event_id, &alone.event) != (&fed.event_id, &fed.event)) {
            found.push(Violation::of("C5", claim, format!("number {} is another one in the feed", fed.number)));
        }
    }
    found.append(&mut unknown);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_gap_an_exchange_and_a_missing_end() {
        let gap = sample::found(check, |evidence| drop(evidence.live.claims.get_mut(sample::CLAIM).unwrap().remove(1)));
        assert!(gap.len() == 2 && gap[0].contains("got number 3 where 2 was due"), "{gap:?}");
        let exchange =
            sample::found(check, |evidence| evidence.fresh.claims.get_mut(sample::CLAIM).unwrap().swap(1, 2));
        assert_eq!(exchange.len(), 1, "{exchange:?}");
        let end = sample::found(check, |evidence| drop(evidence.fresh.claims.get_mut(sample::CLAIM).unwrap().pop()));
        assert!(end.len() == 1 && end[0].contains("never got event"), "{end:?}");
        let bulk =
            sample::found(check, |evidence| drop(evidence.bulk.claims.get_mut(sample::CLAIM).unwrap().remove(1)));
        assert!(bulk.len() == 2 && bulk[0].starts_with("a reader of the feed got number 3"), "{bulk:?}");
    }

    #[test]
    fn another_content_or_id_is_found() {
        let content = sample::found(check, |evidence| evidence.timelines.get_mut(sample::CLAIM).unwrap()[1].round = 9);
        assert_eq!(content.len(), 1, "{content:?}");
        let id = sample::found(check, |evidence| {
            evidence.live.claims.get_mut(sample::CLAIM).unwrap()[1].event_id = "x".into()
        });
        assert_eq!(id.len(), 1, "{id:?}");
        let fed = sample::found(check, |evidence| {
            evidence.bulk.claims.get_mut(sample::CLAIM).unwrap()[1].event.as_mut().unwrap().round = 9;
        });
        assert_eq!(fed.len(), 1, "{fed:?}");
    }

    #[test]
    fn an_event_that_nobody_committed_is_found() {
        let found = sample::found(check, |evidence| drop(evidence.timelines.remove(sample::CLAIM)));
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn what_happened_after_the_timeline_was_read_is_no_violation_yet() {
        let mut evidence = sample::good();
        let (now, calm) = (evidence.now_ms, evidence.log.calm_since());
        assert!(calm + 30_000 < now, "the sample is read long after the last fault");
        let last = evidence.timelines.get_mut(sample::CLAIM).unwrap().pop().unwrap();
        let again = |evidence: &Evidence| check(evidence).into_iter().all(|violation| violation.until_ms > now);
        assert!(!again(&evidence), "event {} is old", last.number);
        let seen = evidence.fresh.claims.get_mut(sample::CLAIM).unwrap().last_mut().unwrap();
        seen.event.as_mut().unwrap().occurred_at = Some(sample::at(now));
        let fresh = evidence.fresh.claims[sample::CLAIM].clone();
        evidence.live.claims.insert(sample::CLAIM.to_owned(), fresh.clone());
        evidence.bulk.claims.insert(sample::CLAIM.to_owned(), fresh);
        assert!(again(&evidence));
    }

    #[test]
    fn poison_is_not_ours() {
        let poison = |evidence: &mut Evidence| {
            let odd = Oddity { claim: String::new(), event_id: "p".into(), what: "an event that is no event".into() };
            evidence.live.odd.push(odd);
        };
        assert_eq!(sample::found(check, poison).len(), 1);
        let known = |evidence: &mut Evidence| {
            poison(evidence);
            evidence.log.poison.push(crate::log::Poison { event_id: "p".into(), ..Default::default() });
        };
        assert_eq!(sample::found(check, known), Vec::<String>::new());
    }
}
