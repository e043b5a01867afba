//! What the contract says of its methods beside their types.

use prost_reflect::{MethodDescriptor, Value};

/// The valid requests that the contract has for a method, as JSON; an id is written `@`.
///
/// # Panics
/// If the contract has no such option.
pub fn examples(method: &MethodDescriptor) -> Vec<String> {
    let option = method.parent_pool().get_extension_by_name("redress.access.v1.example").expect("the contract has it");
    let options = method.options();
    let examples = options.get_extension(&option);
    let examples = examples.as_list().unwrap_or_default().iter().filter_map(Value::as_str);
    examples.map(str::to_owned).collect()
}
