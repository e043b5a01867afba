//! For each enumeration a closed twin: the same words without "unspecified", so that a `match` over it is about words
//! alone. Databases, packs, subjects and people spell a word as the contract does, without the prefix, in small letters.

use std::fmt::Write;

use heck::{ToShoutySnakeCase, ToSnakeCase, ToTitleCase, ToUpperCamelCase};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// The code of a package.
pub fn of(files: &FileDescriptorSet, package: &str) -> String {
    let files = || files.file.iter().filter(|file| file.package() == package);
    let mut code = String::new();
    for kind in files().flat_map(|file| &file.enum_type) {
        code.push_str(&spelling(kind));
    }
    code.push_str("/// The words of the enumerations, without \"unspecified\".\npub mod words {\n");
    for kind in files().flat_map(|file| &file.enum_type) {
        code.push_str(&twin(kind));
    }
    code.push_str("}\n");
    for message in files().flat_map(|file: &FileDescriptorProto| &file.message_type) {
        code.push_str(&names(message));
    }
    code
}

/// The words of an enumeration: as Rust names it, as people spell it, and its number.
fn cases(kind: &EnumDescriptorProto) -> Vec<(String, String, i32)> {
    let prefix = format!("{}_", kind.name().to_shouty_snake_case());
    let cases = kind.value.iter().map(|value| {
        let name = value.name();
        let word = name.strip_prefix(&prefix).unwrap_or_else(|| panic!("{name} does not begin with {prefix}"));
        (word.to_upper_camel_case(), word.to_ascii_lowercase(), value.number())
    });
    cases.collect()
}

/// The spelling of what comes over the wire, where nothing may have been said.
fn spelling(kind: &EnumDescriptorProto) -> String {
    let name = kind.name().to_upper_camel_case();
    let mut arms = String::new();
    for (case, word, number) in cases(kind) {
        let word = if number == 0 { "" } else { &word };
        let _ = writeln!(arms, "            Self::{case} => \"{word}\",");
    }
    format!(
        "impl {name} {{
    /// The word as it is spelt everywhere; empty if nothing was said.
    pub const fn word(self) -> &'static str {{
        match self {{
{arms}        }}
    }}

    /// The word; `None` if nothing was said.
    pub fn said(self) -> Option<words::{name}> {{
        words::{name}::try_from(self).ok()
    }}
}}

impl crate::Enumeration for {name} {{
    type Word = words::{name};
}}
"
    )
}

fn twin(kind: &EnumDescriptorProto) -> String {
    let name = kind.name().to_upper_camel_case();
    let what = kind.name().to_title_case().to_lowercase();
    let mut cases = cases(kind);
    cases.retain(|(_, _, number)| *number != 0);
    let each = |line: &dyn Fn(&str, &str, i32) -> String| -> String {
        cases.iter().map(|(case, word, number)| line(case, word, *number)).collect()
    };
    let variants = each(&|case, word, number| format!("        /// `{word}`.\n        {case} = {number},\n"));
    let all = each(&|case, _, _| format!("Self::{case}, "));
    let spelt = each(&|case, word, _| format!("                Self::{case} => \"{word}\",\n"));
    let open = each(&|case, _, _| format!("                {name}::{case} => Self::{case},\n"));
    let closed = each(&|case, _, _| format!("                super::{name}::{case} => Ok(Self::{case}),\n"));
    format!(
        "    /// The words of [`super::{name}`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(i32)]
    pub enum {name} {{
{variants}    }}

    impl {name} {{
        /// Every word, in the order of the contract.
        pub const ALL: &'static [Self] = &[{all}];

        /// Its spelling.
        pub const fn word(self) -> &'static str {{
            match self {{
{spelt}            }}
        }}
    }}

    impl crate::Word for {name} {{
        const ALL: &'static [Self] = Self::ALL;
        const WHAT: &'static str = \"{what}\";

        fn word(self) -> &'static str {{
            self.word()
        }}
    }}

    impl<'de> serde::Deserialize<'de> for {name} {{
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {{
            crate::word::deserialize(from)
        }}
    }}

    impl From<{name}> for super::{name} {{
        fn from(word: {name}) -> Self {{
            match word {{
{open}            }}
        }}
    }}

    impl From<{name}> for i32 {{
        fn from(word: {name}) -> Self {{
            word as Self
        }}
    }}

    impl TryFrom<super::{name}> for {name} {{
        type Error = ();

        fn try_from(wire: super::{name}) -> Result<Self, ()> {{
            match wire {{
                super::{name}::Unspecified => Err(()),
{closed}            }}
        }}
    }}

    impl TryFrom<i32> for {name} {{
        type Error = ();

        fn try_from(number: i32) -> Result<Self, ()> {{
            super::{name}::try_from(number).map_err(|_| ())?.try_into()
        }}
    }}
"
    )
}

/// What the alternatives of a message are called: the name of a message between services is the field it is in.
fn names(message: &DescriptorProto) -> String {
    let mut code = String::new();
    for (number, choice) in message.oneof_decl.iter().enumerate() {
        let fields = message.field.iter().filter(|field| {
            !field.proto3_optional() && field.oneof_index.is_some_and(|index| usize::try_from(index) == Ok(number))
        });
        let arms: String = fields
            .map(|field| {
                let name = field.name();
                format!("            Self::{}(_) => \"{name}\",\n", name.to_upper_camel_case())
            })
            .collect();
        if !arms.is_empty() {
            let path = format!("{}::{}", message.name().to_snake_case(), choice.name().to_upper_camel_case());
            let _ = writeln!(
                code,
                "impl {path} {{
    /// The field that it is in.
    pub const fn name(&self) -> &'static str {{
        match self {{
{arms}        }}
    }}
}}"
            );
        }
    }
    code
}
