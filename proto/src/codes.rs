//! Codes of others, as people type them: order numbers, SKUs, references of customers. One rule for orders and claims.
//!
//! [`tidy`] is how a code is kept and shown, [`key`] how codes are compared. What is compared must still leave exactly
//! one candidate of the same customer; references of customers are compared as they are kept, never by their key.

use unicode_normalization::UnicodeNormalization as _;

/// What may stand between the parts of a code, besides blanks: hyphens of all kinds, underscore, dot, slash.
const SEPARATORS: [char; 13] = [
    '-', '_', '.', '/', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2043}', '\u{2212}',
    '\u{fe58}',
];

/// Longest reference of a customer.
const CUSTOMER_MAX: usize = 64;

/// What [`customer_ref`] asks for, as callers are told.
pub const CUSTOMER_REF: &str = "may have A-Z, a-z, 0-9, . _ - : / # and single blanks inside, and with a blank at least one \
                                digit: it is a number, not a name";

/// The spelling in which a code is kept: letters of full width as usual ones (NFKC), no blanks around it, single ones
/// inside, and nothing that cannot be seen. Control characters stay: what has them is refused.
pub fn tidy(code: &str) -> String {
    if code.bytes().all(|byte| byte.is_ascii_graphic()) {
        return code.to_owned();
    }
    until_it_stays(code.to_owned(), |code| {
        let plain: String = code.nfkc().filter(|letter| !is_unseen(*letter)).collect();
        let words = plain.split(|letter: char| letter.is_whitespace() && !letter.is_control());
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    })
}

/// What two spellings of one code have in common: upper and lower case, separators, blanks and a leading # make no
/// difference. A code of nothing else is itself. Empty: the code is.
pub fn key(code: &str) -> String {
    // Nearly all codes: what is left of them is what it stays.
    if code.bytes().all(|byte| byte.is_ascii_graphic()) {
        let bare: String = code.chars().filter(|letter| !SEPARATORS.contains(letter)).collect();
        let bare = bare.trim_start_matches('#');
        return if bare.is_empty() { code } else { bare }.to_ascii_lowercase();
    }
    key_of_any(code)
}

fn key_of_any(code: &str) -> String {
    until_it_stays(tidy(code), |code| {
        let lower = tidy(&code.chars().flat_map(char::to_lowercase).collect::<String>());
        let parts = |letter: &char| !letter.is_whitespace() && !SEPARATORS.contains(letter);
        let bare: String = lower.chars().filter(parts).collect();
        match bare.trim_start_matches('#') {
            "" => lower,
            bare => bare.to_owned(),
        }
    })
}

/// What is taken away may bring together what belongs together: once more, until nothing changes. Each time it is shorter
/// or composed, so it ends.
fn until_it_stays(mut code: String, plainer: impl Fn(&str) -> String) -> String {
    loop {
        let next = plainer(&code);
        if next == code {
            return code;
        }
        code = next;
    }
}

/// A reference of a customer as it is kept; none if it cannot be one ([`CUSTOMER_REF`] says why).
///
/// References travel through logs, audit records and lists outside of the vault: no letters that could mean anything
/// there, and nothing that looks like a name.
pub fn customer_ref(text: &str) -> Option<String> {
    let tidy = tidy(text);
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':' | b'/' | b'#' | b' ');
    let is_number = !tidy.contains(' ') || tidy.bytes().any(|byte| byte.is_ascii_digit());
    ((1..=CUSTOMER_MAX).contains(&tidy.len()) && tidy.bytes().all(fits) && is_number).then_some(tidy)
}

/// Whether a letter cannot be seen, turns the direction of what follows, or ends a line although it is no control character
/// (SR34): format characters and separators of Unicode 16 (Cf, Zl, Zp), and letters that show nothing. Two
/// codes may look alike and be different by them. [`joins`] says which of them have a place in names.
pub fn deceives(letter: char) -> bool {
    is_unseen(letter)
        || matches!(letter,
            '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2028}' | '\u{2029}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}'
            | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a letter that [`deceives`] is part of how people write names: joiners of Persian and Indian scripts and of
/// emoji, signs of Arabic and Mongolian, which picture of an emoji is meant.
pub fn joins(letter: char) -> bool {
    matches!(letter,
        '\u{200c}' | '\u{200d}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{110bd}' | '\u{110cd}' | '\u{e0100}'..='\u{e01ef}')
}

/// Letters that nobody sees or types: of no width, of direction, soft hyphens.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The short way is the long way.
        #[test]
        fn usual_codes_have_the_key_that_any_code_has(code in "[-_./#A-Za-z0-9!~]{0,12}") {
            prop_assert_eq!(key(&code), key_of_any(&code));
        }
    }

    #[test]
    fn codes_as_people_type_them_are_one_code() {
        for typed in [
            "AB-1001",
            "ab-1001",
            "#AB-1001",
            " AB-1001 ",
            "AB1001",
            "AB 1001",
            "ab.1001",
            "ab_1001",
            "AB/1001",
            "# AB 1001",
            "ＡＢ－１００１",
            "AB\u{2011}1001",
            "AB\u{2013}1001",
            "AB\u{200b}-1001",
            "AB\u{a0}1001",
        ] {
            assert_eq!(key(typed), "ab1001", "{typed:?}");
        }
        for other in ["AB-1002", "AB-10011", "B-1001", "AB#1001", ""] {
            assert_ne!(key(other), "ab1001", "{other:?}");
        }
        assert_eq!((key(""), key(" \u{200b}")), (String::new(), String::new()));
        assert_ne!(key("-"), key("/"), "codes of separators only are different ones");
    }

    #[test]
    fn a_code_is_kept_as_it_is_spelled() {
        assert_eq!(tidy(" ＡＢ－1001  x "), "AB-1001 x");
        assert_eq!(tidy("ab_1001"), "ab_1001");
    }

    #[test]
    fn a_reference_of_a_customer_is_a_number_and_no_name() {
        for good in ["C-1", "C 42", "shop:42", "DE/0042", "#7", "Ada", "a.b_c-d", " C  42 ", "Ｃ－１"] {
            assert!(customer_ref(good).is_some(), "{good}");
        }
        assert_eq!(customer_ref("  C  42").as_deref(), Some("C 42"));
        for bad in ["", " ", "Anna Berg", "a b", "ada@example.com", "a+b", "C\n1*", "C*1", "C>1", "é1", &"x".repeat(65)]
        {
            assert_eq!(customer_ref(bad), None, "{bad}");
        }
    }

    #[test]
    fn sr34_what_cannot_be_seen_deceives_and_joiners_have_a_place_in_names() {
        for letter in [
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{2028}',
            '\u{2029}',
            '\u{ad}',
            '\u{feff}',
            '\u{61c}',
            '\u{3164}',
            '\u{e0041}',
        ] {
            assert!(deceives(letter) && !joins(letter), "{letter:?}");
        }
        for letter in ['\u{200c}', '\u{200d}', '\u{fe0f}'] {
            assert!(deceives(letter) && joins(letter), "{letter:?}");
        }
        for letter in "Łódź נכון محمد 田中 Zoë O'Neil ＡＢ１ 📷\u{a0}\u{301}".chars() {
            assert!(!deceives(letter), "{letter:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn what_is_tidy_stays_so(code in "\\PC{0,20}") {
            let tidy = tidy(&code);
            prop_assert_eq!(super::tidy(&tidy), tidy.clone());
            prop_assert!(!tidy.starts_with(' ') && !tidy.ends_with(' ') && !tidy.contains("  "));
            let key = key(&code);
            prop_assert_eq!(super::key(&key), key.clone());
            prop_assert_eq!(super::key(&tidy), key);
        }

        #[test]
        fn spelling_makes_no_difference(
            parts in proptest::collection::vec("[A-Za-z0-9]{1,5}", 1..5),
            separators in proptest::collection::vec("[-_./ ]{0,2}", 5),
            hash in any::<bool>(),
            upper in any::<bool>(),
        ) {
            let typed = parts.iter().zip(&separators).map(|(part, by)| format!("{part}{by}")).collect::<String>();
            let typed = if upper { typed.to_uppercase() } else { typed.to_lowercase() };
            let typed = format!("{}{typed}", if hash { "#" } else { "" });
            prop_assert_eq!(key(&typed), parts.concat().to_lowercase());
        }

        #[test]
        fn a_reference_has_no_letters_that_mean_anything(text in "\\PC{0,70}") {
            if let Some(known) = customer_ref(&text) {
                prop_assert!((1..=64).contains(&known.len()) && known.is_ascii());
                prop_assert_eq!(customer_ref(&known), Some(known.clone()));
                prop_assert!(!known.contains(['*', '>', '\\', '"', '\'', '@', '+', '<', '%', ';']));
            }
        }
    }
}
