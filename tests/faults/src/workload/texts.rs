//! Odd words, as customers write them: none of them may mean anything to a database, a subject or a log.

use proto::codes;

use crate::random::Random;

/// Words that are easy to get wrong.
const ODD: [&str; 12] = [
    "It hums.",
    "😀🛠️ 𝒷𝓇𝑜𝓀𝑒𝓃 𠜎𠜱",
    "المنتج مكسور ولا يعمل \u{202e}txt.exe\u{202c}",
    "'; DROP TABLE claim; --",
    "\"quoted\" and 'quoted' and `ticked`",
    "redress.v1.claim.*.> >",
    "100 % of \\u0000 \\n ${jndi:ldap://x} {{7*7}}",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "first line\nsecond\tline",
    "e\u{301}\u{323} \u{200d}\u{feff}zero width",
    "NULL",
];

/// A description of 0 to 4,000 characters.
pub fn description(chance: &mut Random) -> String {
    match chance.below(20) {
        0 => String::new(),
        // As long as it may be, in letters of four bytes.
        1 => "🧨".repeat(4_000),
        2 => "a'\"".repeat(1_333),
        _ => chance.pick(&ODD).copied().unwrap_or_default().to_owned(),
    }
}

/// One line as a name may be: without control characters and what turns directions or cannot be seen.
pub fn line(chance: &mut Random) -> String {
    let line = chance.pick(&ODD).copied().unwrap_or_default().replace(['\n', '\t'], " ");
    line.chars().filter(|letter| !codes::deceives(*letter) || codes::joins(*letter)).collect()
}
