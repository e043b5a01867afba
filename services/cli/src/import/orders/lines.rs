//! Order lines of an invoice: rows of one article, day and price are one; discounts are spread over them.

use std::collections::{BTreeMap, BTreeSet};

use proto::claim::Money;
use proto::codes;
use proto::triage::OrderLine;

use super::super::Entry;
use super::super::invoice::Line;
use super::super::report::{Kind, Report};
use super::paid;

/// Articles that stand for a discount on the invoice.
const DISCOUNTS: [&str; 2] = ["D", "DISCOUNT"];
/// Units of an order line at the most.
const UNITS_MAX: i64 = 1_000_000;

/// An order line, and how much it is worth before discounts.
struct Draft {
    entry: Entry<OrderLine>,
    value: i64,
}

/// The order lines of all rows of a file.
pub fn of(lines: Vec<Line>, currency: &str, discounts: &[String], report: &mut Report) -> Vec<Entry<OrderLine>> {
    let known = discounts.iter().map(String::as_str).chain(DISCOUNTS);
    let known: BTreeSet<String> = known.map(codes::key).collect();
    let mut invoices: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in lines {
        invoices.entry(codes::tidy(&line.invoice)).or_default().push(line);
    }
    invoices.into_iter().flat_map(|(order_no, lines)| invoice(&order_no, lines, currency, &known, report)).collect()
}

fn invoice(
    order_no: &str,
    lines: Vec<Line>,
    currency: &str,
    discounts: &BTreeSet<String>,
    report: &mut Report,
) -> Vec<Entry<OrderLine>> {
    let (sales, others): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| line.quantity > 0 && !line.price.is_sign_negative());
    let is_sold = !sales.is_empty();
    let mut articles: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in sales {
        articles.entry(codes::tidy(&line.sku)).or_default().push(line);
    }
    let mut drafts: Vec<Draft> =
        articles.into_iter().flat_map(|(sku, lines)| article(order_no, &sku, lines, currency, report)).collect();
    let mut less: Vec<(u64, i64)> = Vec::new();
    for line in others {
        let amount = paid::of(line.quantity, line.price, currency);
        let is_discount = discounts.contains(&codes::key(&line.sku));
        match amount {
            Ok(amount) if is_sold && is_discount && amount < 0 => less.push((line.row, -amount)),
            Err(why) if is_sold && is_discount => report.add(line.row, Kind::Refused, "NOT_A_PRICE", why),
            Ok(amount) if is_sold && amount < 0 => report.add(
                line.row,
                Kind::Skipped,
                "CREDIT_ON_INVOICE",
                format!(
                    "{} is credited on an invoice with sales: --discount says that it is a discount on them",
                    line.sku
                ),
            ),
            _ => {
                report.add(line.row, Kind::Skipped, "NOT_A_SALE", format!("{} units at {}", line.quantity, line.price));
            }
        }
    }
    if !less.is_empty() && !take_off(&mut drafts, &less, currency, report) {
        return Vec::new();
    }
    drafts.into_iter().map(|draft| draft.entry).collect()
}

/// Takes discounts off the lines of their invoice; false, and all is refused, if they are not worth it.
fn take_off(drafts: &mut [Draft], less: &[(u64, i64)], currency: &str, report: &mut Report) -> bool {
    let rows: Vec<u64> = less.iter().map(|(row, _)| *row).collect();
    let discount = less.iter().try_fold(0_i64, |sum, (_, amount)| sum.checked_add(*amount));
    let values: Vec<i64> = drafts.iter().map(|draft| draft.value).collect();
    let Some(parts) = discount.and_then(|discount| paid::spread(discount, &values)) else {
        let why = "the discounts of this invoice are more than its lines are worth";
        report.rows_add(&rows, Kind::Refused, "DISCOUNT_TOO_LARGE", why);
        drafts.iter().for_each(|draft| report.rows_add(&draft.entry.rows, Kind::Refused, "DISCOUNT_TOO_LARGE", why));
        return false;
    };
    let money = |minor_units| Some(Money { minor_units, currency: currency.to_owned() });
    for (draft, part) in drafts.iter_mut().zip(parts) {
        if part > 0 {
            let line = &mut draft.entry.value;
            (line.unit_price, line.paid_total) = (None, money(draft.value - part));
            line.discount_total = money(part);
        }
    }
    let over = format!("spread over the {} line(s) of its invoice by value", drafts.len());
    report.rows_add(&rows, Kind::Noted, "DISCOUNT_SPREAD", &over);
    // They are taken with the lines that they are a part of.
    report.taken += rows.len() as u64;
    true
}

/// The lines of one article: one for each day and price.
fn article(order_no: &str, sku: &str, lines: Vec<Line>, currency: &str, report: &mut Report) -> Vec<Draft> {
    if lines.iter().any(|line| line.customer != lines[0].customer) {
        let rows: Vec<u64> = lines.iter().map(|line| line.row).collect();
        report.rows_add(&rows, Kind::Refused, "CUSTOMERS_DIFFER", "one invoice has several customers");
        return Vec::new();
    }
    let mut alike: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        let same = |group: &&mut Vec<Line>| {
            let first = &group[0];
            (first.day, first.price, first.delivered) == (line.day, line.price, line.delivered)
        };
        match alike.iter_mut().find(same) {
            Some(group) => group.push(line),
            None => alike.push(vec![line]),
        }
    }
    let drafts = alike.into_iter().filter_map(|lines| draft(order_no, sku, &lines, currency, report));
    let mut drafts: Vec<Draft> = drafts.collect();
    // The first has no id, as where it is the only one.
    for (at, draft) in drafts.iter_mut().enumerate().skip(1) {
        draft.entry.value.line_id = (at + 1).to_string();
    }
    drafts
}

fn draft(order_no: &str, sku: &str, lines: &[Line], currency: &str, report: &mut Report) -> Option<Draft> {
    let rows: Vec<u64> = lines.iter().map(|line| line.row).collect();
    let first = lines.first()?;
    let sum = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.quantity));
    let sum = sum.filter(|sum| (1..=UNITS_MAX).contains(sum));
    let Some(quantity) = sum.and_then(|sum| u32::try_from(sum).ok()) else {
        report.rows_add(&rows, Kind::Refused, "TOO_MANY_UNITS", "the units of this order line are too many");
        return None;
    };
    let value = match paid::of(i64::from(quantity), first.price, currency) {
        Ok(value) => value,
        Err(why) => {
            report.rows_add(&rows, Kind::Refused, "NOT_A_PRICE", &why);
            return None;
        }
    };
    let money = |minor_units| Some(Money { minor_units, currency: currency.to_owned() });
    let by_unit = value % i64::from(quantity) == 0 && paid::of(1, first.price, currency).is_ok();
    let line = OrderLine {
        order_no: order_no.to_owned(),
        sku: sku.to_owned(),
        customer_ref: first.customer.clone(),
        quantity,
        unit_price: if by_unit { money(value / i64::from(quantity)) } else { None },
        paid_total: if by_unit { None } else { money(value) },
        purchased_on: first.day.to_string(),
        delivered_on: first.delivered.map(|day| day.to_string()).unwrap_or_default(),
        ..OrderLine::default()
    };
    Some(Draft { entry: Entry { rows, value: line }, value })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{orders, wanted};
    use super::*;

    const HEAD_9001: &str =
        "9001,ART-1,x,1,2026-11-20,6.00,C1,United Kingdom\n9001,ART-2,y,1,2026-11-20,4.00,C1,United Kingdom\n";

    fn paid_of(entries: &[Entry<OrderLine>]) -> Vec<(&str, i64)> {
        entries.iter().map(|entry| (entry.value.sku.as_str(), paid::total(&entry.value).unwrap())).collect()
    }

    #[test]
    fn case_discount_line_on_the_invoice() {
        let text = format!("{HEAD_9001}9001,D,Discount,-1,2026-11-20,1.00,C1,United Kingdom\n");
        let (entries, report) = orders(&text, &wanted(None));
        assert_eq!(paid_of(&entries), [("ART-1", 540), ("ART-2", 360)]);
        assert_eq!(entries[0].value.discount_total.as_ref().unwrap().minor_units, 60);
        assert_eq!((report.rows[0].row, report.rows[0].reason), (4, "DISCOUNT_SPREAD"));
    }

    #[test]
    fn a_discount_may_be_a_negative_price_or_have_a_name_of_its_own() {
        let text = format!("{HEAD_9001}9001,voucher,ten off,1,2026-11-20,-1.00,C1,United Kingdom\n");
        let (entries, report) = orders(&text, &wanted(None));
        assert_eq!(paid_of(&entries), [("ART-1", 600), ("ART-2", 400)]);
        assert_eq!(report.rows[0].reason, "CREDIT_ON_INVOICE", "a return on an invoice takes nothing off the others");
        let mut named = wanted(None);
        named.discounts = vec!["VOUCHER".to_owned()];
        assert_eq!(paid_of(&orders(&text, &named).0), [("ART-1", 540), ("ART-2", 360)]);
    }

    #[test]
    fn a_discount_without_an_invoice_or_above_it_is_no_price() {
        let (entries, report) = orders("C9001,D,Discount,-1,2026-11-20,1.00,C1,United Kingdom\n", &wanted(None));
        assert!(entries.is_empty());
        assert_eq!(report.rows[0].reason, "NOT_A_SALE");
        let text = format!("{HEAD_9001}9001,D,Discount,-1,2026-11-20,10.01,C1,United Kingdom\n");
        let (entries, report) = orders(&text, &wanted(None));
        assert!(entries.is_empty());
        assert_eq!(report.rows.iter().map(|row| row.reason).collect::<Vec<_>>(), ["DISCOUNT_TOO_LARGE"; 3]);
    }

    #[test]
    fn one_invoice_has_one_customer() {
        let (entries, report) =
            orders("1,A,x,1,2026-11-20,1,C1,Germany\n1,A,x,1,2026-11-20,1,C2,Germany\n", &wanted(None));
        assert!(entries.is_empty());
        assert_eq!(report.rows.iter().map(|row| row.reason).collect::<Vec<_>>(), ["CUSTOMERS_DIFFER"; 2]);
    }
}
