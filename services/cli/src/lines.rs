//! Lines of claims and plans, as people read them.

use proto::claim::{Category, LinePlan, ReportedLine, Resolution};

use crate::output::table;
use crate::words::plain;
use crate::{money, reasons};

/// What was reported of each line.
pub fn reported(lines: &[ReportedLine]) -> comfy_table::Table {
    let mut table = table(["line", "SKU", "units", "order", "category", "wish"]);
    for line in lines {
        table.add_row([
            line.line.to_string(),
            line.sku.clone(),
            line.quantity.to_string(),
            line.order_no.clone(),
            plain::<Category>(line.category),
            plain::<Resolution>(line.wish),
        ]);
    }
    table
}

/// What is done for each line.
pub fn planned(lines: &[LinePlan]) -> comfy_table::Table {
    let mut table = table(["line", "what", "units", "order", "price paid", "freight kept", "promised", "reason"]);
    for line in lines {
        table.add_row([
            line.line.to_string(),
            plain::<Resolution>(line.resolution),
            line.quantity.to_string(),
            line.order_no.clone(),
            money::show(line.unit_price.as_ref()),
            money::show(line.freight_kept.as_ref()),
            line.promised_on.clone(),
            reasons::told(&line.reason),
        ]);
    }
    table
}
