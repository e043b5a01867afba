//! Which request goes to which method, which of them change something, and which are lists.

use std::fmt::Write;

use heck::{ToSnakeCase, ToUpperCamelCase};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet, MethodDescriptorProto};

/// The code of all methods of one request and one answer.
pub fn of(files: &FileDescriptorSet) -> String {
    let mut code = String::new();
    for file in files.file.iter().filter(|file| file.package().starts_with("redress.")) {
        for service in &file.service {
            let full = format!("{}.{}", file.package(), service.name());
            for method in
                service.method.iter().filter(|method| !method.client_streaming() && !method.server_streaming())
            {
                fact(&mut code, files, &full, method);
            }
        }
    }
    code
}

fn fact(code: &mut String, files: &FileDescriptorSet, service: &str, method: &MethodDescriptorProto) {
    let (request, reply) = (rust(method.input_type()), rust(method.output_type()));
    let name = method.name();
    let owner = service.split('.').nth(1).expect("a package of our own");
    let _ = writeln!(
        code,
        "impl Method for {request} {{
    type Reply = {reply};
    const SERVICE: &'static str = \"{owner}\";
    const NAME: &'static str = \"{name}\";
    const PATH: &'static str = \"/{service}/{name}\";
}}"
    );
    let (input, output) = (message(files, method.input_type()), message(files, method.output_type()));
    if has(input, "request_id") {
        let _ = writeln!(
            code,
            "impl Mutation for {request} {{
    fn request_id(&self) -> &str {{
        &self.request_id
    }}
}}"
        );
    }
    if has(input, "page_token") && has(output, "next_page_token") {
        let rows =
            output.field.iter().find(|field| field.label() == Label::Repeated && field.r#type() == Type::Message);
        let rows = rows.unwrap_or_else(|| panic!("{service}.{name} lists no messages"));
        let (field, row) = (rows.name(), rust(rows.type_name()));
        let _ = writeln!(
            code,
            "impl Listing for {request} {{
    type Row = {row};

    fn turn_to(&mut self, page_size: i32, page_token: String) {{
        (self.page_size, self.page_token) = (page_size, page_token);
    }}

    fn rows(page: Self::Reply) -> (Vec<Self::Row>, String) {{
        (page.{field}, page.next_page_token)
    }}
}}"
        );
    }
}

fn has(message: &DescriptorProto, field: &str) -> bool {
    message.field.iter().any(|known| known.name() == field)
}

/// The message of a name as descriptors write it: `.redress.intake.v1.Claim`.
fn message<'a>(files: &'a FileDescriptorSet, name: &str) -> &'a DescriptorProto {
    let found = files.file.iter().find_map(|file| {
        let short = name.strip_prefix(&format!(".{}.", file.package()))?;
        file.message_type.iter().find(|message| message.name() == short)
    });
    found.unwrap_or_else(|| panic!("{name} is no message"))
}

/// Where a message is in Rust: `crate::intake::v1::Claim`.
fn rust(name: &str) -> String {
    let parts: Vec<&str> = name.trim_start_matches(".redress.").split('.').collect();
    let (message, modules) = parts.split_last().expect("a name");
    let modules: Vec<String> = modules.iter().map(|module| module.to_snake_case()).collect();
    format!("crate::{}::{}", modules.join("::"), message.to_upper_camel_case())
}
