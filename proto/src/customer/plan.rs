//! A plan that was proposed or agreed.

use crate::claim::{LinePlan, Plan, Take};

/// A plan that was proposed or agreed: what is done, by when, and what the customer gets and pays.
pub fn plan(plan: &Plan) -> Plan {
    Plan {
        number: plan.number,
        lines: plan.lines.iter().map(line).collect(),
        consented: plan.consented,
        ..Plan::default()
    }
}

fn line(line: &LinePlan) -> LinePlan {
    LinePlan {
        line: line.line,
        resolution: line.resolution,
        sku: line.sku.clone(),
        quantity: line.quantity,
        collect: line.collect,
        order_no: line.order_no.clone(),
        unit_price: line.unit_price.clone(),
        promised_on: line.promised_on.clone(),
        reason: line.reason.clone(),
        takes: line.takes.iter().map(take).collect(),
        amount: line.amount.clone(),
        freight_kept: line.freight_kept.clone(),
        return_reason: line.return_reason,
        only_with: line.only_with.clone(),
        ..LinePlan::default()
    }
}

fn take(take: &Take) -> Take {
    Take {
        order_no: take.order_no.clone(),
        sku: take.sku.clone(),
        line_id: take.line_id.clone(),
        quantity: take.quantity,
        amount: take.amount.clone(),
        ..Take::default()
    }
}
