//! Canaries: claims that intake submits to itself all the time (P54), also while everything is read. Those that had
//! their time are judged as every claim is, but no customer may hear of them; of the others nothing is judged.

use std::collections::BTreeSet;

use proto::intake::{Claim, ListClaimsRequest};

use crate::evidence::{Evidence, ms};

/// Time after which a canary is judged.
const TIME_MS: u64 = 10_000;

/// Question for canaries: they are listed under their customer only.
pub fn question() -> ListClaimsRequest {
    ListClaimsRequest { customer_ref: proto::canary::CUSTOMER_REF.to_owned(), ..ListClaimsRequest::default() }
}

/// Takes those that had their time for claims; gives the names of the others.
pub fn take(evidence: &mut Evidence, listed: Vec<Claim>, now_ms: u64) -> BTreeSet<String> {
    let is_young = |claim: &Claim| ms(claim.received_at.as_ref()) + TIME_MS > now_ms;
    let (young, old): (Vec<_>, Vec<_>) = listed.into_iter().partition(is_young);
    evidence.claims.extend(old.into_iter().map(|claim| (claim.claim_id.clone(), claim)));
    young.into_iter().map(|claim| claim.claim_id).collect()
}

/// Forgets what was read about young canaries, and about those that were submitted while this was read.
pub fn leave_out(evidence: &mut Evidence, mut young: BTreeSet<String>) {
    let seen = [&evidence.live, &evidence.fresh, &evidence.bulk].into_iter().flat_map(|feed| &feed.canaries);
    young.extend(seen.filter(|id| !evidence.claims.contains_key(*id)).cloned());
    for feed in [&mut evidence.live, &mut evidence.fresh, &mut evidence.bulk] {
        feed.claims.retain(|id, _| !young.contains(id));
    }
    evidence.escalations.retain(|row| !young.contains(&row.claim_id));
    evidence.tasks.retain(|row| !young.contains(&row.claim_id));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checks, sample};

    fn canary(id: &str, received_ms: u64) -> Claim {
        Claim {
            claim_id: id.to_owned(),
            customer_ref: proto::canary::CUSTOMER_REF.to_owned(),
            received_at: Some(sample::at(received_ms)),
            ..Claim::default()
        }
    }

    fn read(received_ms: u64) -> Evidence {
        let mut evidence = sample::good();
        for feed in [&mut evidence.live, &mut evidence.fresh, &mut evidence.bulk] {
            for id in ["listed", "just now"] {
                let first = feed.claims[sample::CLAIM][..1].to_vec();
                feed.claims.insert(id.to_owned(), first);
                feed.canaries.insert(id.to_owned());
            }
        }
        let now_ms = evidence.now_ms;
        let young = take(&mut evidence, vec![canary("listed", received_ms)], now_ms);
        leave_out(&mut evidence, young);
        evidence
    }

    #[test]
    fn a_young_canary_is_not_judged() {
        let evidence = read(sample::good().now_ms - TIME_MS + 1);
        assert_eq!(checks::run(&evidence), Vec::new());
        assert_eq!(evidence.live.claims.len(), 2);
    }

    #[test]
    fn an_old_canary_that_got_lost_is_found() {
        let evidence = read(sample::START);
        let found = checks::run(&evidence);
        assert!(found.iter().any(|violation| violation.check == "C9"), "{found:?}");
        assert!(found.iter().all(|violation| violation.claim.as_deref() == Some("listed")), "{found:?}");
        assert!(evidence.is_canary("listed") && !evidence.is_canary(sample::CLAIM));
    }
}
