//! What looks like a way to reach somebody.

/// Digits that a number with a country code has at least.
const DIGITS_MIN: usize = 8;

/// Whether a text has a mail address, or a telephone number with its country code. Numbers without one look like any other
/// number, so they are not found.
pub(super) fn is_in(text: &str) -> bool {
    has_address(text) || has_number(text)
}

fn has_address(text: &str) -> bool {
    let letter = |letter: char| letter.is_alphanumeric();
    text.match_indices('@').any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(letter);
        let domain = text[at + 1..].split(|c: char| !letter(c) && !matches!(c, '.' | '-')).next().unwrap_or_default();
        before && domain.trim_end_matches('.').contains('.')
    })
}

fn has_number(text: &str) -> bool {
    text.match_indices('+').any(|(at, _)| {
        let sum = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        let rest = text[at + 1..].chars();
        let number = rest.take_while(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '/' | '.' | '(' | ')'));
        !sum && number.filter(char::is_ascii_digit).count() >= DIGITS_MIN
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_reach_somebody_are_found_and_codes_are_not() {
        let found = [
            "ada@example.org",
            "call Ada <ada.l@mail.example.org>, please",
            "ä@münchen.de.",
            "+44 20 7946 0018",
            "tel.: +1 (415) 555-2671",
            "+4915112345678",
        ];
        for text in found {
            assert!(is_in(text), "{text}");
        }
        let not = [
            "",
            "85123A",
            "C536379",
            "gift_0001_20",
            "3 @ 2.55",
            "@home",
            "x@y",
            "+20 units",
            "A+B",
            "1Z999AA10123456784",
            "00340434161094042557",
            "10 + 20 = 30",
            "batch 7+8 / 2026-11-01",
        ];
        for text in not {
            assert!(!is_in(text), "{text}");
        }
    }
}
