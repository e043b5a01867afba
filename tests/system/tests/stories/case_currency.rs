//! Claims in the currency of their order.
