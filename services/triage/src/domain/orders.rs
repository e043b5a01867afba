//! Order facts, and which purchase a line is about.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use proto::claim::Money;

use super::ask::{Ask, Line};

/// One order line: what was sold to whom at what price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Order number.
    pub order_no: String,
    /// Stock-keeping unit.
    pub sku: String,
    /// Opaque reference of the customer; empty: sold to nobody known.
    pub customer_ref: String,
    /// Units sold.
    pub quantity: u32,
    /// Price paid per unit after discounts.
    pub unit_price: Money,
    /// Day of purchase.
    pub purchased_on: Date,
    /// Day of delivery, if it is known.
    pub delivered_on: Option<Date>,
    /// Last day of the warranty that was sold with the goods, if it is not that of the rules.
    pub warranty_until: Option<Date>,
    /// Day the goods were repaired, if they were.
    pub repaired_on: Option<Date>,
}

/// The order facts that a batch of commands looks at.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    by_order: BTreeMap<(String, String), Order>,
    by_customer: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Orders {
    /// Adds an order line; the same line again replaces the facts.
    pub fn record(&mut self, order: Order) {
        let key = (order.order_no.clone(), order.sku.clone());
        let customer = (order.customer_ref.clone(), order.sku.clone());
        if let Some(before) = self.by_order.get(&key)
            && before.customer_ref != order.customer_ref
            && let Some(numbers) = self.by_customer.get_mut(&(before.customer_ref.clone(), before.sku.clone()))
        {
            numbers.remove(&order.order_no);
        }
        self.by_customer.entry(customer).or_default().insert(order.order_no.clone());
        self.by_order.insert(key, order);
    }

    /// The purchase that a line is about.
    ///
    /// With an order number it is that one, if customer and SKU fit. Without, it is the newest purchase of the SKU by
    /// the customer that is not later than claim and problem and has the units, else the newest.
    pub fn find(&self, ask: &Ask, line: &Line, claimed_on: Date) -> Option<&Order> {
        let customer = ask.customer_ref();
        if !line.order_no.is_empty() {
            let order = self.by_order.get(&(line.order_no.clone(), line.sku.clone()))?;
            // An order of nobody known is a receipt: who has its number and the goods has bought it.
            return (order.customer_ref.is_empty() || order.customer_ref == customer).then_some(order);
        }
        if customer.is_empty() {
            return None;
        }
        let latest = line.occurred_on.map_or(claimed_on, |day| day.min(claimed_on));
        let numbers = self.by_customer.get(&(customer.to_owned(), line.sku.clone()))?;
        let purchases = numbers.iter().filter_map(|number| self.by_order.get(&(number.clone(), line.sku.clone())));
        purchases
            .filter(|order| order.purchased_on <= latest)
            .max_by_key(|order| (order.quantity >= line.quantity, order.purchased_on, &order.order_no))
    }
}
