//! Goods, where they are: articles, warehouses, deliveries, stock and its ledger.

pub mod calls;
pub mod domain;
pub mod store;
