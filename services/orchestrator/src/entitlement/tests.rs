//! The ledger under whatever claims and corrections do to it.

use proptest::prelude::*;

use super::*;
use crate::case::{Allowed, Part};

fn sale(sold: u32, total: i64, version: u32) -> Sale {
    Sale { sold, total, currency: "GBP".to_owned(), tax: Some(total / 6), version }
}

fn ledger(sold: u32, unit_price: i64) -> Ledger {
    Ledger::new(sale(sold, unit_price * i64::from(sold), 1))
}

fn apply(line: &mut Ledger, command: Command) -> Option<Event> {
    let event = decide(line, command).ok()?;
    evolve(line, &event);
    Some(event)
}

fn give(line: &mut Ledger, units: u32) -> i64 {
    give_taxed(line, units).0
}

/// What was given, and the tax in it.
fn give_taxed(line: &mut Ledger, units: u32) -> (i64, i64) {
    let amount = line.worth(units);
    let event = apply(line, Command::Give { units, amount, goods: false }).expect("it is held");
    (amount, event.tax())
}

#[test]
fn shortage_is_an_answer() {
    let mut line = ledger(5, 100);
    for (wanted, got) in [(3, 3), (3, 2), (1, 0)] {
        assert_eq!(apply(&mut line, Command::Grant { units: wanted }), Some(Event::Granted { units: got }));
    }
    assert_eq!((line.held, line.free()), (5, 0));
}

#[test]
fn each_refusal_has_its_case() {
    let mut line = ledger(2, 100);
    let give = |units, amount| Command::Give { units, amount, goods: false };
    assert_eq!(decide(&line, Command::GiveBack { units: 1 }), Err(Refusal::NotHeld));
    assert_eq!(decide(&line, give(1, 0)), Err(Refusal::NotHeld));
    let back = Command::TakeBack { units: 1, amount: 0, tax: 0, goods: false };
    assert_eq!(decide(&line, back), Err(Refusal::NotGiven));
    evolve(&mut line, &Event::Granted { units: 2 });
    assert_eq!(decide(&line, give(1, 201)), Err(Refusal::AbovePaid));
    assert_eq!(decide(&line, give(1, -1)), Err(Refusal::AbovePaid));
    assert_eq!(decide(&line, Command::Correct(sale(2, 200, 1))), Err(Refusal::NotFollowed));
    let euros = Sale { currency: "EUR".to_owned(), ..sale(2, 200, 2) };
    assert_eq!(decide(&line, Command::Correct(euros)), Err(Refusal::NotFollowed), "pounds are held");
}

#[test]
fn a_corrected_price_is_that_of_the_units_that_are_left() {
    let mut line = ledger(3, 50_000);
    apply(&mut line, Command::Grant { units: 1 });
    assert_eq!(give(&mut line, 1), 50_000);
    apply(&mut line, Command::Correct(sale(3, 12_000, 2)));
    apply(&mut line, Command::Grant { units: 2 });
    assert_eq!((line.worth(1), line.worth(2), line.paid), (4_000, 8_000, 58_000));
    // What was given before the correction and comes back is worth the corrected price, too.
    apply(&mut line, Command::TakeBack { units: 1, amount: 50_000, tax: 8_333, goods: false });
    assert_eq!((line.worth(1), line.paid), (4_000, 12_000));
}

#[test]
fn sold_follows_the_facts_and_takes_nothing_away() {
    let mut line = ledger(1, 1_000);
    apply(&mut line, Command::Grant { units: 1 });
    give(&mut line, 1);
    apply(&mut line, Command::Correct(sale(3, 3_000, 2)));
    assert_eq!((line.sold(), line.free(), line.worth(2)), (3, 2, 2_000));
    apply(&mut line, Command::Grant { units: 1 });
    apply(&mut line, Command::Correct(sale(1, 1_000, 3)));
    assert_eq!((line.sold(), line.free()), (2, 0), "what is held is held");
    assert_eq!(line.worth(1), 0, "and worth nothing: the one that was sold is paid");
    apply(&mut line, Command::GiveBack { units: 1 });
    assert_eq!((line.sold(), line.free()), (1, 0));
}

#[test]
fn a_replacement_that_fails_can_be_helped_again() {
    let mut line = ledger(1, 3_000);
    let goods = |units| Command::Give { units, amount: 3_000, goods: true };
    apply(&mut line, Command::Grant { units: 1 });
    apply(&mut line, goods(1));
    assert_eq!((line.free(), line.replaced), (0, 1));
    // The faulty unit comes back: what was sent in its place may be replaced like any other.
    apply(&mut line, Command::TakeBack { units: 1, amount: 3_000, tax: 500, goods: true });
    assert_eq!((line.free(), line.replaced, line.worth(1)), (1, 0, 3_000));
    // The next one does not: only who knows of it may grant it again, and it is paid once.
    apply(&mut line, Command::Grant { units: 1 });
    apply(&mut line, goods(1));
    assert_eq!(apply(&mut line, Command::Grant { units: 1 }), Some(Event::Granted { units: 0 }));
    let again = apply(&mut line, Command::GrantAgain { units: 1 });
    assert_eq!(again, Some(Event::GrantedAgain { units: 1, amount: 3_000, tax: 500 }));
    assert_eq!(give(&mut line, 1), 3_000);
    assert_eq!((line.compensated, line.paid, line.replaced), (3_000, 3_000, 0));
    // What the earlier claim would close is not there any more.
    let late = apply(&mut line, Command::TakeBack { units: 1, amount: 3_000, tax: 500, goods: true });
    assert_eq!(late, Some(Event::TakenBack { units: 0, amount: 0, tax: 0, goods: true }));
}

/// What claims, warehouses and shops do, each for one of six claims.
#[derive(Clone, Debug)]
enum Act {
    /// A plan by the facts of now takes units.
    Plan(usize, u32),
    Give(usize, u32, bool),
    GiveBack(usize, u32),
    TakeBack(usize, u32),
    /// A person helps with what was given as goods.
    Again(usize, u32),
    Correct(u32, i64),
}

fn acts(corrections: bool) -> impl Strategy<Value = Vec<Act>> {
    let claim = || (0_usize..6, 0_u32..8);
    let act = prop_oneof![
        3 => claim().prop_map(|(claim, units)| Act::Plan(claim, units)),
        3 => (claim(), any::<bool>()).prop_map(|((claim, units), goods)| Act::Give(claim, units, goods)),
        1 => claim().prop_map(|(claim, units)| Act::GiveBack(claim, units)),
        2 => claim().prop_map(|(claim, units)| Act::TakeBack(claim, units)),
        1 => claim().prop_map(|(claim, units)| Act::Again(claim, units)),
        u32::from(corrections) => (0_u32..20, 0_i64..50_000).prop_map(|(sold, total)| Act::Correct(sold, total)),
    ];
    prop::collection::vec(act, 0..80)
}

/// The claims of one order line, and what the world sees of them.
struct Claims {
    line: Ledger,
    /// The plans of each claim, newest last, each with what it allows.
    plans: [Vec<Part>; 6],
    /// Units that left us as goods, and that came back for them; those that a person gave again.
    out: u32,
    back: u32,
    again: u32,
}

impl Claims {
    fn new(line: Ledger) -> Self {
        Self { line, plans: [const { Vec::new() }; 6], out: 0, back: 0, again: 0 }
    }

    fn ask(&mut self, command: Command) -> Event {
        apply(&mut self.line, command).expect("a correct process asks nothing that is refused")
    }

    fn name() -> OrderLine {
        OrderLine { order_no: "A".to_owned(), sku: "B".to_owned(), line_id: String::new() }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Plan(claim, units) => {
                let allowed = share::first(self.line.sale.total, self.line.sale.sold, units);
                let (held, _) = self.ask(Command::Grant { units }).amounts();
                let allowed = Allowed { units, amount: allowed };
                self.plans[claim].push(Part::new(Self::name(), held, Some(allowed)));
            }
            Act::Again(claim, units) => {
                let allowed = share::first(self.line.sale.total, self.line.sale.sold, units);
                let (again, again_worth) = self.ask(Command::GrantAgain { units }).amounts();
                let part = Part::new(Self::name(), again, Some(Allowed { units, amount: allowed }));
                self.plans[claim].push(Part { again, again_worth, ..part });
                self.again += again;
            }
            Act::Give(claim, units, goods) => {
                let Some(mut part) = self.plans[claim].pop() else { return };
                let units = units.min(part.held);
                if part.given == 0 || part.goods == goods {
                    let amount = self.line.worth(units).min(part.cap(units));
                    part.tax += self.ask(Command::Give { units, amount, goods }).tax();
                    part.forget_again(part.again.saturating_sub(part.held - units));
                    (part.held, part.given, part.amount) =
                        (part.held - units, part.given + units, part.amount + amount);
                    part.goods = goods;
                    self.out += if goods { units } else { 0 };
                }
                self.plans[claim].push(part);
            }
            Act::GiveBack(claim, units) => {
                let Some(mut part) = self.plans[claim].pop() else { return };
                let units = units.min(part.held);
                let again = units.min(part.again);
                let left = self.line.paid - self.line.compensated;
                let amount = share::first(part.again_worth, part.again, again).min(left);
                if again > 0 {
                    self.ask(Command::Give { units: again, amount, goods: true });
                    self.again -= again;
                }
                self.ask(Command::GiveBack { units: units - again });
                part.forget_again(again);
                part.held -= units;
                self.plans[claim].push(part);
            }
            Act::TakeBack(claim, units) => {
                let Some(mut part) = self.plans[claim].pop() else { return };
                let units = units.min(part.given);
                let (amount, tax, goods) = (part.share(units), part.tax_share(units), part.goods);
                let left = self.line.taxed;
                self.ask(Command::TakeBack { units, amount, tax: tax.min(left), goods });
                self.back += if part.goods { units } else { 0 };
                (part.given, part.amount, part.tax) = (part.given - units, part.amount - amount, part.tax - tax);
                self.plans[claim].push(part);
            }
            Act::Correct(sold, total) => {
                let version = self.line.sale.version + 1;
                self.ask(Command::Correct(sale(sold, total, version)));
            }
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.plans.iter().flatten()
    }

    /// What finance was told to pay and has not got back.
    fn money(&self) -> i64 {
        self.parts().filter(|part| !part.goods).map(|part| part.amount).sum()
    }
}

/// Tax is not kept by units: of goods that are given again its share is taken, whether or not it was booked for them.
#[test]
fn a_refund_of_before_a_correction_is_taken_back_after_goods_were_given_again() {
    let mut claims = Claims::new(ledger(2, 6_300));
    let acts = [
        Act::Plan(0, 2),
        Act::Give(0, 2, false),
        Act::Correct(3, 21),
        Act::Plan(5, 1),
        Act::Give(5, 1, true),
        Act::Again(1, 1),
        Act::TakeBack(0, 2),
    ];
    acts.iter().for_each(|act| claims.act(act));
    assert_eq!((claims.line.given, claims.line.compensated, claims.line.taxed), (0, 0, 0));
}

proptest! {
    /// Whatever many claims and the shop do in any order, no unit is compensated twice, no plan pays more than it allows,
    /// and the ledger never exceeds itself.
    #[test]
    fn a_ledger_is_never_exceeded(sold in 0_u32..20, price in 0_i64..10_000, acts in acts(true)) {
        let mut claims = Claims::new(ledger(sold, price));
        for act in acts {
            claims.act(&act);
            let line = &claims.line;
            prop_assert!(line.held + line.given <= line.sold());
            prop_assert!((0..=line.paid).contains(&line.compensated), "{line:?}");
            prop_assert!(line.replaced <= line.given && (0..=line.compensated).contains(&line.goods), "{line:?}");
            prop_assert!((0..=line.compensated).contains(&line.taxed), "{line:?}");
            prop_assert_eq!(line.held, claims.parts().map(|part| part.held).sum::<u32>());
            for part in claims.parts() {
                let allowed = part.allowed.expect("it is kept");
                prop_assert!(part.amount <= share::first(allowed.amount, allowed.units, part.given), "{part:?}");
                prop_assert!((0..=part.amount).contains(&part.tax), "{part:?}");
            }
        }
    }

    /// Money over all claims is at most what was paid, however often goods were given, came back, and failed again; and
    /// but for what a person gives again no more goods are out than were sold.
    #[test]
    fn no_chain_of_replacements_multiplies_money(sold in 1_u32..6, price in 0_i64..10_000, acts in acts(false)) {
        let mut claims = Claims::new(ledger(sold, price));
        for act in acts {
            claims.act(&act);
            prop_assert!(claims.money() <= claims.line.sale.total);
            prop_assert!(claims.out <= claims.back + sold + claims.again, "{} out, {} back", claims.out, claims.back);
            prop_assert_eq!(claims.line.paid, claims.line.sale.total, "nothing was corrected");
        }
    }

    /// Refunds add up to what was paid, in whatever portions they come and whatever is taken back between them.
    #[test]
    fn the_parts_add_up(
        sold in 1_u32..100,
        total in 0_i64..1_000_000,
        portions in prop::collection::vec((1_u32..9, any::<bool>()), 1..100),
    ) {
        let mut line = Ledger::new(sale(sold, total, 1));
        let (mut paid, mut taxed) = (0, 0);
        for (units, back) in portions {
            let units = units.min(line.free());
            evolve(&mut line, &Event::Granted { units });
            let (amount, tax) = give_taxed(&mut line, units);
            prop_assert!((0..=amount).contains(&tax));
            prop_assert!(amount <= share::first(total, sold, units), "what is allowed for them covers it");
            if back {
                apply(&mut line, Command::TakeBack { units, amount, tax, goods: false }).expect("it was given");
            } else {
                (paid, taxed) = (paid + amount, taxed + tax);
            }
        }
        let rest = line.free();
        evolve(&mut line, &Event::Granted { units: rest });
        let (amount, tax) = give_taxed(&mut line, rest);
        prop_assert_eq!((paid + amount, taxed + tax), (total, total / 6), "refunds, and the tax in them");
    }

    /// Corrections between claims: each unit has the price of the facts when it was given, and the ledger follows.
    #[test]
    fn the_ledger_follows_the_facts(
        steps in prop::collection::vec((1_u32..30, 0_i64..100_000, 0_u32..4), 1..20),
    ) {
        let mut line = ledger(1, 100);
        for (sold, price, units) in steps {
            let version = line.sale.version + 1;
            apply(&mut line, Command::Correct(sale(sold, price * i64::from(sold), version)));
            prop_assert_eq!(line.sold(), sold.max(line.given));
            let units = units.min(line.free());
            apply(&mut line, Command::Grant { units });
            prop_assert_eq!(give(&mut line, units), price * i64::from(units));
        }
    }

    /// Nonsense is refused and changes nothing that matters.
    #[test]
    fn whatever_is_asked_the_limits_hold(
        sold in 0_u32..20,
        asked in prop::collection::vec((0_u8..6, 0_u32..30, -500_i64..5_000, any::<bool>()), 0..60),
    ) {
        let mut line = ledger(sold, 100);
        for (kind, units, amount, goods) in asked {
            let command = match kind {
                0 => Command::Grant { units },
                1 => Command::GiveBack { units },
                2 => Command::Give { units, amount, goods },
                3 => Command::GrantAgain { units },
                4 => Command::Correct(sale(units, amount.abs(), line.sale.version + 1)),
                _ => Command::TakeBack { units, amount, tax: 0, goods },
            };
            apply(&mut line, command);
            prop_assert!(line.held + line.given <= line.sold());
            prop_assert!((0..=line.paid).contains(&line.compensated), "{line:?}");
            prop_assert!(line.replaced <= line.given);
        }
    }
}
