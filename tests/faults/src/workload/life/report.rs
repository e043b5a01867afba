//! What a customer reports, and what was sold before.

use jiff::Span;
use jiff::civil::Date;
use proto::claim::{Category, Channel, Money, Resolution};
use proto::intake::{Contact, Evidence, NewLine, SubmitClaimRequest};
use proto::triage::OrderLine;

use super::Story;
use crate::random::Random;
use crate::workload::dice::Dice;
use crate::workload::{goods, texts};

/// Categories that rules decide, by what they lead to.
const FAULTS: [Category; 5] = [
    Category::QualityPerformance,
    Category::QualityAppearance,
    Category::QualityColour,
    Category::QualitySize,
    Category::PartReplacement,
];
const ARRIVALS: [Category; 3] = [Category::WrongItem, Category::PackagingDamage, Category::TransitDamage];
const MISSING: [Category; 3] = [Category::Shortage, Category::MissingAccessory, Category::TransitLoss];
const REGRETS: [Category; 2] = [Category::ReturnRequest, Category::ExchangeRequest];
const ADVICE: [Category; 3] = [Category::InstallationGuidance, Category::UsageQuestion, Category::LateDelivery];
const JUDGED: [Category; 4] =
    [Category::ContractDispute, Category::ServiceComplaint, Category::Replenishment, Category::Other];
const CHANNELS: [Channel; 7] = [
    Channel::Web,
    Channel::Phone,
    Channel::Email,
    Channel::Chat,
    Channel::Platform,
    Channel::Api,
    Channel::Supervision,
];

/// One line that is to be told.
struct Wanted {
    category: Category,
    wish: Resolution,
    sku: String,
    quantity: u32,
    price: i64,
    days_ago: i64,
    /// Whether the order number is reported.
    numbered: bool,
}

/// A report that is being written.
pub(super) struct Report<'d> {
    dice: &'d Dice,
    index: u32,
    today: Date,
    lines: Vec<NewLine>,
    /// What was sold.
    pub(super) orders: Vec<OrderLine>,
    /// The order number that the customer did not give.
    pub(super) hidden_order: String,
}

impl<'d> Report<'d> {
    pub(super) fn new(dice: &'d Dice, index: u32, today: Date) -> Self {
        Self { dice, index, today, lines: Vec::new(), orders: Vec::new(), hidden_order: String::new() }
    }

    /// Tells a story.
    pub(super) fn tell(&mut self, chance: &mut Random, story: Story) {
        let lines = if story == Story::Several { chance.between(2, 5) } else { 1 };
        for _ in 0..lines {
            let story = if story == Story::Several { several(chance) } else { story };
            let wanted = self.wanted(chance, story);
            self.add(chance, wanted, story);
        }
        if story == Story::WholeOrder {
            self.deliver_for_a_fee(chance);
        }
    }

    /// The delivery of the order was paid for, too: its fee goes back with the whole order.
    fn deliver_for_a_fee(&mut self, chance: &mut Random) {
        let (Some(sold), Some(line)) = (self.orders.first_mut(), self.lines.first_mut()) else { return };
        // Now and then a part is kept.
        if chance.percent(70) {
            sold.line_id.clear();
            sold.quantity = line.quantity;
            (sold.paid_total, sold.unit_price) = (None, Some(pounds(700)));
        }
        line.order_no.clone_from(&sold.order_no);
        let fee = OrderLine {
            sku: goods::POSTAGE.to_owned(),
            line_id: String::new(),
            quantity: 1,
            unit_price: Some(pounds(605)),
            paid_total: None,
            ..sold.clone()
        };
        let claimed = NewLine { sku: fee.sku.clone(), quantity: 1, ..line.clone() };
        self.orders.truncate(1);
        self.orders.push(fee);
        self.lines.push(claimed);
    }

    fn wanted(&self, chance: &mut Random, story: Story) -> Wanted {
        let category = category(chance, story);
        let wish = wish(chance, story, category);
        let quantity = u32::try_from(chance.between(1, 3)).unwrap_or(1);
        let price = match story {
            // From one approval to three, and once in a while more than the rules look at.
            Story::Dear => [15_000, 40_000, 60_000, 250_000, 600_000][usize::try_from(chance.below(5)).unwrap_or(0)],
            Story::Urgent => 3_000,
            _ => i64::try_from(chance.between(100, 1_400)).unwrap_or(500),
        };
        let days_ago = match story {
            Story::TooLate => chance.between(60, 300),
            Story::Late => chance.between(40, 500),
            _ => chance.between(1, 20),
        };
        let days_ago = i64::try_from(days_ago).unwrap_or(5);
        let sku = goods::sku(self.dice, chance, story);
        Wanted { category, wish, sku, quantity, price, days_ago, numbered: story != Story::NoOrder }
    }

    fn add(&mut self, chance: &mut Random, wanted: Wanted, story: Story) {
        let at = self.lines.len() + 1;
        // Wildcards of subjects, quotes and spaces are letters like any other.
        let odd = if chance.percent(5) { " '*.>\" 😀" } else { "" };
        let order_no = format!("O-{}-{}-{at}{odd}", self.dice.run(), self.index);
        let day = (self.today - Span::new().days(wanted.days_ago)).to_string();
        // Sometimes more is claimed than was sold, sometimes less.
        let sold = match chance.below(20) {
            0 if wanted.quantity > 1 => wanted.quantity - 1,
            1..5 => wanted.quantity + 2,
            _ => wanted.quantity,
        };
        // What was given away was sold, too.
        let price = if chance.percent(3) { 0 } else { wanted.price };
        let sold = OrderLine {
            order_no: order_no.clone(),
            sku: wanted.sku.clone(),
            // An order of nobody known is found by its number only.
            customer_ref: if wanted.numbered { self.customer() } else { String::new() },
            quantity: sold,
            unit_price: Some(pounds(price)),
            purchased_on: day.clone(),
            delivered_on: if chance.percent(50) { day.clone() } else { String::new() },
            ..OrderLine::default()
        };
        if !wanted.numbered {
            self.hidden_order.clone_from(&order_no);
        }
        // The purchase of a known customer is found without its number, too; there may be another one of the same goods.
        let told = wanted.numbered && chance.percent(80);
        if wanted.numbered && !told && chance.percent(50) {
            let order_no = format!("{order_no} b").trim().to_owned();
            let unit_price = Some(pounds(price + 7));
            self.orders.push(OrderLine { order_no, quantity: 1, unit_price, ..sold.clone() });
        }
        self.orders.extend(lines_of(chance, sold, price));
        self.lines.push(NewLine {
            order_no: if told { order_no } else { String::new() },
            sku: wanted.sku,
            quantity: wanted.quantity,
            category: wanted.category.into(),
            wish: wanted.wish.into(),
            delivered_on: day,
            description: texts::description(chance),
            safety_risk: story == Story::Urgent,
            operation_stopped: chance.percent(3),
            ..NewLine::default()
        });
    }

    fn customer(&self) -> String {
        format!("c.{}.{}", self.dice.run(), self.index)
    }

    /// The whole report.
    pub(super) fn finish(self, chance: &mut Random) -> SubmitClaimRequest {
        let customer_ref = self.customer();
        let evidence = Evidence {
            sha256: format!("{:064x}", self.index),
            media_type: "image/jpeg".to_owned(),
            size: 1 + i64::from(self.index),
            name: texts::line(chance),
            line: 1,
            audience: 0,
        };
        SubmitClaimRequest {
            announced_on: String::new(),
            request_id: String::new(),
            channel: chance.pick(&CHANNELS).copied().unwrap_or(Channel::Web).into(),
            customer_ref,
            contact: Some(Contact {
                customer_name: texts::line(chance),
                company: texts::line(chance),
                email: format!("customer{}@example.com", self.index),
                phone: "+44 1632 960000".to_owned(),
                // Some forget to say where they live.
                address: if chance.percent(8) { String::new() } else { texts::line(chance) },
                ..Contact::default()
            }),
            lines: self.lines,
            evidence: if chance.percent(20) { vec![evidence] } else { Vec::new() },
            country: if chance.percent(80) { "GB".to_owned() } else { "DE".to_owned() },
            attested: true,
            importance: u32::try_from(chance.below(4)).unwrap_or(0),
            upset: chance.percent(20),
        }
    }
}

fn pounds(minor_units: i64) -> Money {
    Money { minor_units, currency: "GBP".to_owned() }
}

/// An order line as it is recorded: now and then as two of one article, or with a sum that is no multiple of its units.
fn lines_of(chance: &mut Random, sold: OrderLine, price: i64) -> Vec<OrderLine> {
    if sold.quantity > 1 && chance.percent(15) {
        let line = |line_id: &str, quantity, price| OrderLine {
            line_id: line_id.to_owned(),
            quantity,
            unit_price: Some(pounds(price)),
            ..sold.clone()
        };
        return vec![line("1", 1, price), line("2", sold.quantity - 1, price + 11)];
    }
    if sold.quantity > 1 && chance.percent(25) {
        let units = i64::from(sold.quantity);
        let paid_total = Some(pounds(price * units + i64::try_from(chance.between(1, 2)).unwrap_or(1) % units));
        return vec![OrderLine { unit_price: None, paid_total, ..sold }];
    }
    vec![sold]
}

/// What is recorded about an order line later on, while the claim about it runs.
pub(super) fn corrected(chance: &mut Random, before: &OrderLine) -> OrderLine {
    let units = i64::from(before.quantity);
    let unit = before.unit_price.as_ref().map(|price| price.minor_units);
    let total = before.paid_total.as_ref().map(|total| total.minor_units);
    let price = unit.or(total.map(|total| total / units)).unwrap_or(0);
    let (quantity, price) = match chance.below(4) {
        0 => (before.quantity, price + price / 5 + 1),
        1 => (before.quantity, price - price / 4),
        2 => (before.quantity + 1, price),
        _ => ((before.quantity - 1).max(1), price),
    };
    OrderLine { quantity, unit_price: Some(pounds(price)), paid_total: None, ..before.clone() }
}

/// A line of a claim with several.
fn several(chance: &mut Random) -> Story {
    const LINES: [Story; 6] =
        [Story::Replace, Story::Resend, Story::ReturnRefund, Story::RefundOnly, Story::Support, Story::NotGoods];
    chance.pick(&LINES).copied().unwrap_or(Story::Replace)
}

fn category(chance: &mut Random, story: Story) -> Category {
    let of: &[Category] = match story {
        Story::Resend => &MISSING,
        Story::ReturnRefund | Story::TooLate => &REGRETS,
        Story::WholeOrder => &REGRETS[..1],
        Story::RefundOnly => &ARRIVALS,
        Story::Support => &ADVICE,
        Story::Judged => &JUDGED,
        // A wish alone may say what happened.
        Story::Unwished if chance.percent(30) => &[Category::Unspecified],
        Story::Replace | Story::Ghost | Story::Scarce if chance.percent(40) => &ARRIVALS,
        Story::Replace | Story::Ghost | Story::Scarce | Story::Dear | Story::Urgent | Story::Late => &FAULTS,
        Story::NotGoods | Story::NoOrder | Story::Unwished | Story::Several => &FAULTS[..4],
    };
    chance.pick(of).copied().unwrap_or(Category::Other)
}

fn wish(chance: &mut Random, story: Story, category: Category) -> Resolution {
    let of: &[Resolution] = match story {
        Story::Replace | Story::Ghost | Story::Scarce => &[Resolution::Replace],
        Story::Resend => &[Resolution::Resend],
        Story::ReturnRefund if category == Category::ExchangeRequest => {
            &[Resolution::ReturnRefund, Resolution::Replace]
        }
        Story::ReturnRefund | Story::TooLate | Story::WholeOrder => &[Resolution::ReturnRefund],
        Story::RefundOnly => &[Resolution::RefundOnly],
        Story::Support => &[Resolution::TechnicalSupport, Resolution::Unspecified],
        Story::Unwished => &[Resolution::Unspecified],
        Story::Dear if category == Category::PartReplacement => &[Resolution::Replace],
        Story::Dear => &[Resolution::Replace, Resolution::ReturnRefund, Resolution::RefundOnly],
        Story::Judged => &[Resolution::RefundOnly, Resolution::Unspecified, Resolution::ReturnRefund],
        Story::NotGoods | Story::NoOrder | Story::Several | Story::Urgent | Story::Late => {
            &[Resolution::Replace, Resolution::ReturnRefund, Resolution::RefundOnly]
        }
    };
    chance.pick(of).copied().unwrap_or(Resolution::Unspecified)
}
