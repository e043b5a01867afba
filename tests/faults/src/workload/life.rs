//! The plan of a claim: what is reported, and how the customer behaves. All of it follows from seed and number.

mod report;

use proto::claim::ClaimState;
use proto::intake::SubmitClaimRequest;
use proto::triage::OrderLine;

use super::dice::Dice;
use crate::random::Random;

/// What kind of claim it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Replaced by the rules alone.
    Replace,
    /// Sent again by the rules alone.
    Resend,
    /// Returned and refunded by the rules alone.
    ReturnRefund,
    /// Refunded by the rules alone.
    RefundOnly,
    /// Advised.
    Support,
    /// About something that is no goods.
    NotGoods,
    /// Too late.
    TooLate,
    /// Out of the window, inside the warranty, or for a person.
    Late,
    /// The order number is not given.
    NoOrder,
    /// Too dear for the rules.
    Dear,
    /// A person judges.
    Judged,
    /// Without a wish: the customer is asked for consent.
    Unwished,
    /// Several lines.
    Several,
    /// Goods that the warehouse does not know.
    Ghost,
    /// Goods of which there are few.
    Scarce,
    /// Somebody may be hurt.
    Urgent,
    /// A whole order comes back, and what was paid for its delivery.
    WholeOrder,
}

/// How often each story is told, of 100.
const STORIES: [(Story, u64); 17] = [
    (Story::Replace, 14),
    (Story::Resend, 10),
    (Story::ReturnRefund, 12),
    (Story::RefundOnly, 8),
    (Story::Support, 7),
    (Story::NotGoods, 2),
    (Story::TooLate, 2),
    (Story::Late, 4),
    (Story::NoOrder, 7),
    (Story::Dear, 7),
    (Story::Judged, 8),
    (Story::Unwished, 5),
    (Story::Several, 6),
    (Story::Ghost, 2),
    (Story::Scarce, 4),
    (Story::Urgent, 2),
    (Story::WholeOrder, 4),
];

/// When the customer withdraws, if ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At once.
    Submitted,
    /// Instead of answering a question.
    Question,
    /// While a person judges.
    Judging,
    /// While somebody approves.
    Approval,
    /// While the plan is answered.
    Consent,
    /// While the carrier collects the parcel.
    Booked,
    /// While the parcel is under way.
    UnderWay,
    /// While finance pays.
    Settlement,
    /// When it is asked whether all is well.
    FollowUp,
}

const MOMENTS: [Moment; 9] = [
    Moment::Submitted,
    Moment::Question,
    Moment::Judging,
    Moment::Approval,
    Moment::Consent,
    Moment::Booked,
    Moment::UnderWay,
    Moment::Settlement,
    Moment::FollowUp,
];

/// What is reported twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing.
    No,
    /// The same request with the same id.
    Same,
    /// Another request with the same id: refused.
    Other,
    /// The same content with another id: another claim.
    Twice,
}

/// How a customer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As one would hope.
    Good,
    /// As one would fear, the first time.
    Bad,
    /// With something that is wrong.
    Wrong,
    /// Never.
    Silent,
}

/// The plan of a claim.
#[derive(Clone, Debug)]
pub struct Life {
    /// Number of the claim in the plan, from 0.
    pub index: u32,
    /// What kind of claim it is to be.
    pub story: Story,
    /// The report; without a request id.
    pub report: SubmitClaimRequest,
    /// What was sold before.
    pub orders: Vec<OrderLine>,
    /// What is recorded about it while the claim runs: each so many milliseconds after the one before.
    pub corrections: Vec<(u64, OrderLine)>,
    /// The order number the customer finds when asked.
    pub order_no: String,
    /// What is reported twice.
    pub repeat: Repeat,
    /// Somebody sees that the same content came twice, and merges the second claim into the first.
    pub merged: bool,
    /// A report with bad fields comes first.
    pub clumsy: bool,
    /// When the customer withdraws.
    pub withdraws: Option<Moment>,
    /// How questions are answered; `Bad`: there is no order number.
    pub answers: Manner,
    /// How plans are answered.
    pub consents: Manner,
    /// How the follow-up is answered.
    pub scores: Manner,
    /// The main points are confirmed.
    pub confirms: bool,
    /// Evidence comes later.
    pub proves: bool,
}

impl Life {
    /// The plan of a claim. `today` in days is what order dates are counted from.
    pub fn new(dice: &Dice, index: u32, today: jiff::civil::Date) -> Self {
        let mut chance = dice.about(u64::from(index), "life");
        let story = story(&mut chance);
        let mut report = report::Report::new(dice, index, today);
        report.tell(&mut chance, story);
        let order_no = report.hidden_order.clone();
        let repeat = match chance.below(100) {
            0..10 => Repeat::Same,
            10..16 => Repeat::Other,
            16..21 => Repeat::Twice,
            _ => Repeat::No,
        };
        let orders = std::mem::take(&mut report.orders);
        Self {
            index,
            story,
            corrections: corrections(&mut dice.about(u64::from(index), "corrections"), &orders),
            orders,
            report: report.finish(&mut chance),
            order_no,
            repeat,
            merged: dice.percent(u64::from(index), "merged", 60),
            clumsy: chance.percent(4),
            withdraws: withdraws(&mut chance),
            answers: manner(&mut chance, [65, 77, 85]),
            consents: manner(&mut chance, [70, 88, 88]),
            scores: manner(&mut chance, [75, 92, 92]),
            confirms: chance.percent(50),
            proves: chance.percent(15),
        }
    }

    /// Whether it is planned that a claim stays in a state until what was asked lapses, which may be long after the run.
    pub fn rests(&self, state: ClaimState) -> bool {
        match state {
            ClaimState::AwaitingCustomer => self.answers == Manner::Silent,
            ClaimState::AwaitingConsent => self.consents == Manner::Silent,
            ClaimState::FollowingUp => self.scores == Manner::Silent,
            _ => false,
        }
    }

    /// Whether a claim may end so.
    pub fn may_end(&self, state: ClaimState, reason: &str) -> bool {
        match state {
            // Also of one who answers: a fault may keep the answer away for longer than a customer has.
            ClaimState::Withdrawn if reason == "NO_ANSWER" => true,
            // Nobody is withdrawn who did not want to be.
            ClaimState::Withdrawn => self.withdraws.is_some(),
            ClaimState::Duplicate => self.repeat == Repeat::Twice && self.merged,
            // What is clear gets no second opinion.
            ClaimState::Closed => !matches!(self.story, Story::NotGoods | Story::TooLate),
            ClaimState::Rejected => true,
            _ => false,
        }
    }
}

/// Prices and units of an order line are corrected up or down, now and then twice.
fn corrections(chance: &mut Random, orders: &[OrderLine]) -> Vec<(u64, OrderLine)> {
    let mut all = Vec::new();
    let Some(mut line) = chance.pick(orders).cloned().filter(|_| chance.percent(30)) else { return all };
    for _ in 0..if chance.percent(30) { 2 } else { 1 } {
        line = report::corrected(chance, &line);
        all.push((chance.between(0, 1_500), line.clone()));
    }
    all
}

fn story(chance: &mut Random) -> Story {
    let all = STORIES.iter().map(|(_, weight)| weight).sum();
    let mut draw = chance.below(all);
    for (story, weight) in STORIES {
        if draw < weight {
            return story;
        }
        draw -= weight;
    }
    Story::Replace
}

fn withdraws(chance: &mut Random) -> Option<Moment> {
    // Most moments never come for a given claim: so there are more plans to withdraw than withdrawals.
    if chance.percent(35) { chance.pick(&MOMENTS).copied() } else { None }
}

/// One of the four, by rising limits of 100.
fn manner(chance: &mut Random, limits: [u64; 3]) -> Manner {
    match chance.below(100) {
        draw if draw < limits[0] => Manner::Good,
        draw if draw < limits[1] => Manner::Bad,
        draw if draw < limits[2] => Manner::Wrong,
        _ => Manner::Silent,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn lives(seed: u64) -> Vec<Life> {
        let dice = Dice::new(seed, "t".to_owned());
        (0..400).map(|index| Life::new(&dice, index, jiff::civil::date(2026, 11, 22))).collect()
    }

    #[test]
    fn a_seed_gives_the_same_plan_and_all_stories_are_told() {
        assert_eq!(format!("{:?}", lives(3)), format!("{:?}", lives(3)));
        assert_ne!(format!("{:?}", lives(3)), format!("{:?}", lives(4)));
        let all = lives(3);
        for (story, _) in STORIES {
            assert!(all.iter().any(|life| life.story == story), "{story:?}");
        }
        for moment in MOMENTS {
            assert!(all.iter().any(|life| life.withdraws == Some(moment)), "{moment:?}");
        }
        let categories: BTreeSet<i32> =
            all.iter().flat_map(|life| &life.report.lines).map(|line| line.category).collect();
        assert_eq!(categories.len(), 21, "{categories:?}");
        let nowhere = |life: &Life| life.report.contact.as_ref().is_some_and(|contact| contact.address.is_empty());
        assert!(all.iter().any(|life| nowhere(life) && life.answers == Manner::Good));
        assert!(all.iter().any(|life| nowhere(life) && life.answers == Manner::Bad));
        let wishes: BTreeSet<i32> = all.iter().flat_map(|life| &life.report.lines).map(|line| line.wish).collect();
        assert!(wishes.len() >= 6, "{wishes:?}");
        for state in [ClaimState::AwaitingCustomer, ClaimState::AwaitingConsent, ClaimState::FollowingUp] {
            assert!(all.iter().any(|life| life.rests(state)), "{state:?}");
        }
        let calm = all.iter().find(|life| life.withdraws.is_none()).unwrap();
        assert!(calm.may_end(ClaimState::Withdrawn, "NO_ANSWER") && !calm.may_end(ClaimState::Withdrawn, "WITHDRAWN"));
    }

    #[test]
    fn no_order_line_is_sold_twice() {
        let all = lives(9);
        let lines = all.iter().flat_map(|life| &life.orders);
        let keys: Vec<_> = lines.map(|line| (&line.order_no, &line.sku, &line.line_id)).collect();
        assert_eq!(keys.len(), keys.iter().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn order_facts_of_every_kind_are_sold_and_corrected() {
        let all = lives(5);
        let sold = |is: fn(&OrderLine) -> bool| all.iter().flat_map(|life| &life.orders).any(is);
        assert!(sold(|line| line.line_id == "2") && sold(|line| line.sku == "POST"));
        assert!(sold(|line| line
            .paid_total
            .as_ref()
            .is_some_and(|paid| paid.minor_units % i64::from(line.quantity) > 0)));
        assert!(sold(|line| line.unit_price.as_ref().is_some_and(|price| price.minor_units == 0)));
        let open = |life: &Life| life.report.lines.len() == 1 && life.report.lines[0].order_no.is_empty();
        let several = |life: &Life| life.orders.iter().map(|line| &line.order_no).collect::<BTreeSet<_>>().len() > 1;
        assert!(all.iter().any(|life| open(life) && several(life)), "several purchases, and no order number");
        let name = |line: &OrderLine| (line.order_no.clone(), line.sku.clone(), line.line_id.clone());
        // Units and price before and after.
        let mut changes = Vec::new();
        for life in &all {
            for (_, after) in life.corrections.iter().take(1) {
                let before = life.orders.iter().find(|line| name(line) == name(after)).expect("it was sold");
                let price = |line: &OrderLine| line.unit_price.as_ref().map(|price| price.minor_units);
                changes
                    .extend(price(before).zip(price(after)).map(|prices| ((before.quantity, after.quantity), prices)));
            }
        }
        assert!(changes.iter().any(|((before, after), _)| before < after));
        assert!(changes.iter().any(|((before, after), _)| before > after));
        assert!(changes.iter().any(|(_, (before, after))| before < after));
        assert!(changes.iter().any(|(_, (before, after))| before > after));
        assert!(all.iter().any(|life| life.corrections.len() == 2));
    }
}
