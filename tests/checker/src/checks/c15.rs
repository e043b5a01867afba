//! C15: nobody gains alone: what is instructed without a person is no more than the policy lets rules give, and whoever
//! confirms a payment had no hand in it (G5).

use std::collections::{BTreeMap, BTreeSet};

use proto::claim::{Plan, claim_event};
use proto::intake::AnswerPlanRequest;
use proto::orchestrator::{ConfirmSettlementRequest, Settlement, SettlementState};

use crate::evidence::{Evidence, Violation, plan_told};
use crate::log::Call;

const RULES: &str = "rules";

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = given_without_a_person(evidence);
    found.extend(paid_by_who_decided(evidence));
    found
}

/// All plans of a claim, oldest first.
fn plans<'a>(evidence: &'a Evidence, claim: &str) -> impl Iterator<Item = &'a Plan> {
    evidence.timeline(claim).iter().filter_map(plan_told)
}

/// Over all claims of an order and of a customer, what finance was told to pay by plans of the rules that nobody approved.
/// Only claims all of whose plans were such: of others a person has looked at some.
fn given_without_a_person(evidence: &Evidence) -> Vec<Violation> {
    let Some(policy) = &evidence.policy else { return Vec::new() };
    let (mut of_order, mut of_customer) = (BTreeMap::<String, i64>::new(), BTreeMap::<String, i64>::new());
    let is_told = |row: &&Settlement| matches!(row.state(), SettlementState::Instructed | SettlementState::Paid);
    for row in evidence.settlements.iter().filter(is_told) {
        let Some(job) = &row.job else { continue };
        let alone = plans(evidence, &job.claim_id).all(|plan| plan.automatic && plan.proposed_by == RULES);
        let amount = row.amount.as_ref().filter(|amount| amount.currency == policy.currency);
        let (true, Some(amount)) = (alone, amount) else { continue };
        let orders: BTreeSet<&str> =
            evidence.planned(job).iter().flat_map(|line| &line.takes).map(|take| take.order_no.as_str()).collect();
        // Which order a settlement of several is booked on is not told.
        if let (Some(order), 1) = (orders.first(), orders.len()) {
            *of_order.entry((*order).to_owned()).or_default() += amount.minor_units;
        }
        if let Some(claim) = evidence.claims.get(&job.claim_id) {
            *of_customer.entry(claim.customer_ref.clone()).or_default() += amount.minor_units;
        }
    }
    let sums = &policy.orchestrator.sums;
    let beyond = |what: &'static str, sums: BTreeMap<String, i64>, most: i64| {
        let beyond = sums.into_iter().filter(move |(_, sum)| *sum > most);
        beyond.map(move |(name, sum)| {
            Violation::general("C15", format!("{what} {name} got {sum} without a person, and the policy says {most}"))
        })
    };
    let orders = beyond("order", of_order, sums.order_max);
    orders.chain(beyond("customer", of_customer, sums.customer_max)).collect()
}

/// Whoever reported, proposed, approved or agreed for the customer does not confirm the payment.
fn paid_by_who_decided(evidence: &Evidence) -> Vec<Violation> {
    if evidence.policy.as_ref().is_some_and(|policy| !policy.four_eyes.payment) {
        return Vec::new();
    }
    let of: BTreeMap<&str, &str> = evidence
        .settlements
        .iter()
        .filter_map(|row| Some((row.settlement_id.as_str(), row.job.as_ref()?.claim_id.as_str())))
        .collect();
    let mut found = Vec::new();
    for call in evidence.log.calls.iter().filter(|call| call.is_ok("ConfirmSettlement")) {
        let Some(asked) = call.asked::<ConfirmSettlementRequest>().filter(|asked| asked.paid) else { continue };
        let Some(claim) = of.get(asked.settlement_id.as_str()) else { continue };
        if let Some(how) = hand_in(evidence, claim, &call.actor) {
            let what = format!("settlement {} was paid by {}, who {how}", asked.settlement_id, call.actor);
            found.push(Violation::of("C15", claim, what));
        }
    }
    found
}

/// What somebody did in a claim that keeps them from paying it.
fn hand_in(evidence: &Evidence, claim: &str, who: &str) -> Option<&'static str> {
    if plans(evidence, claim).last().is_some_and(|plan| plan.proposed_by == who) {
        return Some("made the plan");
    }
    let approved = |kind: &claim_event::Kind| matches!(kind, claim_event::Kind::Approved(step) if step.by == who);
    if evidence.timeline(claim).iter().filter_map(|event| event.kind.as_ref()).any(approved) {
        return Some("approved it");
    }
    let reported = |call: &&Call| call.is_ok("SubmitClaim") && call.actor == who;
    let of_claim =
        |call: &Call| call.response.as_ref().and_then(|told| told["claim"]["claimId"].as_str()) == Some(claim);
    if evidence.log.calls.iter().filter(reported).any(of_claim) {
        return Some("reported it");
    }
    let agreed = evidence.log.calls.iter().filter(|call| call.is_ok("AnswerPlan") && call.actor == who);
    let agreed = agreed.filter_map(Call::asked::<AnswerPlanRequest>).any(|asked| asked.claim_id == claim);
    agreed.then_some("agreed for the customer")
}

#[cfg(test)]
mod tests {
    use proto::claim::{Money, Take};

    use super::*;
    use crate::sample;

    /// The good run, with a refund of an order that nobody approved.
    fn automatic(amount: i64) -> Evidence {
        let mut evidence = sample::good();
        for event in evidence.timelines.get_mut(sample::CLAIM).unwrap() {
            if let Some(claim_event::Kind::Planned(planned)) = &mut event.kind {
                let plan = planned.plan.as_mut().unwrap();
                plan.automatic = true;
                for line in &mut plan.lines {
                    line.takes = vec![Take { order_no: "o".into(), ..Take::default() }];
                }
            }
        }
        for row in &mut evidence.settlements {
            row.amount = Some(Money { minor_units: amount, currency: "GBP".into() });
        }
        evidence
    }

    #[test]
    fn claims_that_are_each_small_and_together_beyond_what_rules_give() {
        assert_eq!(check(&automatic(500)), Vec::new());
        assert_eq!(check(&automatic(10_000)), Vec::new());
        let mut split = automatic(4_000);
        let first = split.settlements[0].clone();
        for _ in 0..2 {
            split.settlements.push(first.clone());
        }
        let found = check(&split);
        assert!(found.len() == 1 && found[0].what.contains("order o got 12000"), "{found:?}");
        // What a person looked at is theirs.
        for event in split.timelines.get_mut(sample::CLAIM).unwrap() {
            if let Some(claim_event::Kind::Planned(planned)) = &mut event.kind {
                planned.plan.as_mut().unwrap().automatic = false;
            }
        }
        assert_eq!(check(&split), Vec::new());
    }

    #[test]
    fn a_payment_by_somebody_who_had_a_hand_in_it() {
        let evidence = sample::good();
        let paid = |actor: &str| {
            let mut evidence = evidence.clone();
            let settlement = &evidence.settlements[0];
            let asked = ConfirmSettlementRequest {
                settlement_id: settlement.settlement_id.clone(),
                paid: true,
                amount: settlement.amount.clone(),
                ..ConfirmSettlementRequest::default()
            };
            let asked = serde_json::to_value(asked).unwrap();
            let mut call = sample::call("orchestrator", "ConfirmSettlement", "pay", asked, None);
            actor.clone_into(&mut call.actor);
            evidence.log.calls.push(call);
            check(&evidence)
        };
        assert_eq!(paid("fay"), Vec::new());
        assert_eq!(paid("rules").len(), 1, "who made the plan");
        assert!(paid("anna")[0].what.contains("anna"), "who reported it");
    }
}
