//! Canaries: claims that a service makes itself, to see that claims still get through (P54). This is their mark.
//!
//! Who sums claims up, mails customers or draws statistics leaves out what [`is_marked`].

/// Customer reference of every canary.
pub const CUSTOMER_REF: &str = "canary";
/// Order number and SKU of every canary: nothing was ever sold under them.
pub const ORDER_NO: &str = "CANARY";
/// Stable reason code with which every canary ends, refused by a rule.
pub const REASON: &str = "CANARY";

/// Whether a customer reference has the mark. Nobody from outside may use it.
pub fn is_marked(customer_ref: &str) -> bool {
    customer_ref.starts_with(CUSTOMER_REF)
}
