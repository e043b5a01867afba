//! The words of the contract as people write them: `ROLE_SUPERVISOR` is `supervisor`.

use proto::{Enumeration, Word};

/// The word of a number on the wire; empty for the unspecified one.
pub fn plain<E: Enumeration>(number: i32) -> String {
    match E::Word::try_from(number) {
        Ok(word) => word.word().to_owned(),
        Err(_) if number == 0 => String::new(),
        Err(_) => number.to_string(),
    }
}

/// Reads a word, also with dashes or in capitals; says which there are if it is none of them.
pub fn parse<E: Enumeration>(text: &str) -> Result<E, String> {
    let word = E::Word::from_word(&text.to_lowercase().replace('-', "_"));
    word.map(E::from).ok_or_else(|| {
        let words: Vec<&str> = E::Word::ALL.iter().map(|word| word.word()).collect();
        format!("it is one of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use proto::claim::{Resolution, Role, WaitingFor};
    use proto::escalation::Ruling;

    use super::*;

    #[test]
    fn a_word_is_written_and_read() {
        assert_eq!(parse::<Role>("supervisor"), Ok(Role::Supervisor));
        assert_eq!(parse::<Resolution>("return-refund"), Ok(Resolution::ReturnRefund));
        assert_eq!(plain::<WaitingFor>(7), "finance");
        assert_eq!(plain::<WaitingFor>(0), "");
        assert_eq!(plain::<WaitingFor>(99), "99");
    }

    #[test]
    fn what_is_no_word_is_answered_with_the_words() {
        let error = parse::<Ruling>("maybe").unwrap_err();
        assert_eq!(error, "it is one of approve, deny, retry");
        assert!(parse::<Role>("unspecified").is_err());
    }
}
