//! Order facts, and which purchases a line may be about.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use proto::claim::Money;
use proto::policy::Pack;
use proto::triage::LineKind;
use proto::{codes, share};

use super::ask::{Ask, Line};
use super::plan;

/// Names an order line: order number, SKU, and line id where an order has several of one article.
pub type Key = (String, String, String);

/// One order line: what was sold to whom at what price, by one version of its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Order number.
    pub order_no: String,
    /// Stock-keeping unit.
    pub sku: String,
    /// Line of the order; empty: the only one of the article.
    pub line_id: String,
    /// Version of the facts, from 1.
    pub version: u32,
    /// Opaque reference of the customer; empty: sold to nobody known.
    pub customer_ref: String,
    /// Units sold.
    pub quantity: u32,
    /// What was paid for all of them after discounts.
    pub paid: Money,
    /// The tax in it, if it is known.
    pub tax: Option<i64>,
    /// The line's share of discounts of the whole order, if it is known.
    pub discount: Option<i64>,
    /// What it is about.
    pub kind: LineKind,
    /// Day of purchase.
    pub purchased_on: Date,
    /// Day of delivery, if it is known.
    pub delivered_on: Option<Date>,
    /// Last day of the warranty that was sold with the goods, if it is not that of the rules.
    pub warranty_until: Option<Date>,
    /// Day the goods were repaired, if they were.
    pub repaired_on: Option<Date>,
}

/// Facts as they were recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The facts.
    pub order: Order,
    /// Who recorded them; empty: recorded before there were versions.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Order {
    /// Its name.
    pub fn key(&self) -> Key {
        (self.order_no.clone(), self.sku.clone(), self.line_id.clone())
    }

    /// Paid per unit, rounded down.
    pub fn unit_price(&self) -> i64 {
        self.paid.minor_units / i64::from(self.quantity.max(1))
    }

    /// The most that so many units may be worth.
    pub fn most(&self, units: u32) -> i64 {
        share::first(self.paid.minor_units, self.quantity, units)
    }

    /// Whether the facts are the same, whatever their version.
    fn says_the_same(&self, other: &Self) -> bool {
        *self == Self { version: self.version, ..other.clone() }
    }
}

/// The order facts that a batch of commands looks at: the newest version of each line.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    lines: BTreeMap<Key, Order>,
    by_customer: BTreeMap<(String, String), BTreeSet<Key>>,
    /// Dearest unit of an article in each currency, and the day it was bought; by the key of its code.
    dearest: BTreeMap<String, Vec<(Money, Date)>>,
}

impl Orders {
    /// Adds a version of an order line; the highest counts.
    pub fn record(&mut self, order: Order) {
        let key = order.key();
        if let Some(before) = self.lines.get(&key) {
            if before.version > order.version {
                return;
            }
            let customer = (before.customer_ref.clone(), before.sku.clone());
            if let Some(lines) = self.by_customer.get_mut(&customer) {
                lines.remove(&key);
            }
        }
        self.by_customer.entry((order.customer_ref.clone(), order.sku.clone())).or_default().insert(key.clone());
        self.lines.insert(key, order);
    }

    /// The next version of an order line; none if its facts are known.
    pub fn next(&self, said: &Order) -> Option<Order> {
        match self.lines.get(&said.key()) {
            Some(known) if known.says_the_same(said) => None,
            known => Some(Order { version: known.map_or(1, |known| known.version + 1), ..said.clone() }),
        }
    }

    /// The order lines that a line of a claim may be about: those of one article that the customer has bought.
    ///
    /// With an order number they are of that order. Without, they are all purchases that are not later than claim and
    /// problem. Spelling makes no difference where that leaves one order and one article ([`codes::key`]).
    pub fn of(&self, ask: &Ask, line: &Line, claimed_on: Date) -> Vec<&Order> {
        if !line.order_no.is_empty() {
            return self.of_order(ask.customer_ref(), line);
        }
        if ask.customer_ref().is_empty() {
            return Vec::new();
        }
        let latest = line.occurred_on.map_or(claimed_on, |day| day.min(claimed_on));
        self.of_customer(ask.customer_ref(), &line.sku)
            .into_iter()
            .filter(|order| order.purchased_on <= latest)
            .collect()
    }

    /// Whether the order is known that the customer has named, whatever was bought by it.
    pub fn knows_order(&self, ask: &Ask, line: &Line) -> bool {
        !line.order_no.is_empty() && {
            let number = codes::key(&line.order_no);
            let theirs = |order: &&Order| {
                let of_nobody = order.customer_ref.is_empty() && ask.message.by_staff;
                of_nobody || order.customer_ref == ask.customer_ref()
            };
            self.lines.values().filter(theirs).any(|order| codes::key(&order.order_no) == number)
        }
    }

    /// What an article was sold for at most, in one currency.
    pub fn record_dearest(&mut self, sku_key: String, price: Money, on: Date) {
        self.dearest.entry(sku_key).or_default().push((price, on));
    }

    /// What a unit of an article was sold for at most, in the pack's currency; none: it is not known.
    pub fn highest(&self, pack: &Pack, sku: &str) -> Option<i64> {
        let known = self.dearest.get(&codes::key(sku))?;
        known.iter().filter_map(|(price, on)| plan::in_pack(pack, price, *on)).max()
    }

    /// All order lines.
    pub fn all(&self) -> impl Iterator<Item = &Order> {
        self.lines.values()
    }

    /// All lines of an order, of all articles.
    pub fn whole(&self, order_no: &str) -> impl Iterator<Item = &Order> {
        let first = (order_no.to_owned(), String::new(), String::new());
        self.lines.range(first..).map(|(_, order)| order).take_while(move |order| order.order_no == order_no)
    }

    /// Those of the customer; if there are none, those that were sold to nobody known: such an order is a receipt, and who
    /// has its number and the goods has bought it.
    fn of_order(&self, customer: &str, line: &Line) -> Vec<&Order> {
        let typed = (&line.order_no, &line.sku);
        let first = (line.order_no.clone(), line.sku.clone(), String::new());
        let wanted = (codes::key(&line.order_no), codes::key(&line.sku));
        let key = |order: &&Order| (codes::key(&order.order_no), codes::key(&order.sku)) == wanted;
        for whose in [customer, ""] {
            let theirs = |order: &&Order| order.customer_ref == whose;
            let exact = self.lines.range(first.clone()..).map(|(_, order)| order);
            let exact = exact.take_while(|order| (&order.order_no, &order.sku) == typed);
            let exact: Vec<_> = exact.filter(theirs).collect();
            if !exact.is_empty() {
                return exact;
            }
            let alike: Vec<_> = self.lines.values().filter(theirs).filter(key).collect();
            if !alike.is_empty() {
                return only(alike, &line.order_no, &line.sku);
            }
        }
        Vec::new()
    }

    fn of_customer(&self, customer: &str, sku: &str) -> Vec<&Order> {
        let of = |sku: &str| self.by_customer.get(&(customer.to_owned(), sku.to_owned())).into_iter().flatten();
        let exact: Vec<_> = of(sku).filter_map(|key| self.lines.get(key)).collect();
        if !exact.is_empty() {
            return exact;
        }
        let wanted = codes::key(sku);
        let bought = self.by_customer.range((customer.to_owned(), String::new())..);
        let mut skus = bought
            .take_while(|((of, _), _)| of == customer)
            .filter(|((_, sku), keys)| !keys.is_empty() && codes::key(sku) == wanted);
        match (skus.next(), skus.next()) {
            (Some((_, keys)), None) => keys.iter().filter_map(|key| self.lines.get(key)).collect(),
            _ => Vec::new(),
        }
    }
}

/// What is left when exactly one order number and one article fit: as they were typed, or the only ones.
fn only<'o>(mut fits: Vec<&'o Order>, order_no: &str, sku: &str) -> Vec<&'o Order> {
    for (typed, of) in [(order_no, (|order| &order.order_no) as fn(&Order) -> &String), (sku, |order| &order.sku)] {
        if fits.iter().any(|order| of(order) == typed) {
            fits.retain(|order| of(order) == typed);
        } else if fits.iter().any(|order| of(order) != of(fits[0])) {
            return Vec::new();
        }
    }
    fits
}
