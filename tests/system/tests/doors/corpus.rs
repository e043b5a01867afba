//! A valid request of every RPC, with every field set that can be set: what the bad ones are made from. The contract has them,
//! as examples of the methods. `@` names nobody.

use prost_reflect::{DynamicMessage, MethodDescriptor};

use crate::dynamic::{NOBODY, message};

/// The examples of a method.
pub fn requests(method: &MethodDescriptor) -> Vec<DynamicMessage> {
    let examples = testkit::examples(method).into_iter();
    examples.map(|text| message(&method.input(), &text.replace("$YESTERDAY", &yesterday()), NOBODY)).collect()
}

/// A day that is neither in the future nor long ago, anywhere.
fn yesterday() -> String {
    (jiff::Zoned::now().date() - jiff::Span::new().days(2)).to_string()
}
