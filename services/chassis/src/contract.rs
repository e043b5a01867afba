//! The contract, as it describes itself.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MethodDescriptor, Value};

/// The contract, without its comments. Taken apart once in a process.
pub static CONTRACT: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(proto::BARE_DESCRIPTORS).expect("our own descriptors"));

/// The valid requests that the contract has for a method, as JSON; an id is written `@`.
pub fn examples(method: &MethodDescriptor) -> Vec<String> {
    let option = method.parent_pool().get_extension_by_name("redress.access.v1.example");
    let options = method.options();
    let examples = option.map(|option| options.get_extension(&option).into_owned());
    let examples = examples.as_ref().and_then(Value::as_list).unwrap_or_default();
    examples.iter().filter_map(|example| example.as_str().map(str::to_owned)).collect()
}
