//! Stable reason codes in plain words, for people who meet them for the first time.

/// A code with what it means; a code that is not known here as it is.
pub fn told(code: &str) -> String {
    match words(code) {
        Some(words) => format!("{code} ({words})"),
        None => code.to_owned(),
    }
}

fn words(code: &str) -> Option<&'static str> {
    Some(match code {
        // What the customer is asked.
        "ORDER_NUMBER_NEEDED" => "the order number is needed to find the purchase",
        "ORDER_NUMBER_UNKNOWN" => "no purchase of this customer has the order number that was given; look at it again",
        "ADDRESS_NEEDED" => "goods are to be sent or collected, and no delivery address is known",
        "PHOTO_NEEDED" => "a photo is needed",
        // Why a person decides.
        "VALUE_HIGH" => "worth more than rules may decide",
        "OUTSIDE_WINDOW" => "reported too late for the return window or the warranty",
        "CATEGORY_UNCLEAR" => "it is not clear what is wrong",
        "JUDGEMENT_NEEDED" => "a matter that rules never decide",
        "CURRENCY_UNKNOWN" => "sold in a currency that rules cannot compare",
        "ANONYMOUS_ORDER" => "the order names no customer: anybody who finds its number could ask",
        "ORDER_NOT_FOUND" => "no such purchase is known",
        "DENIED" => "the plan was denied",
        "CONSENT_REFUSED" => "the customer refused the plan",
        "LEG_FAILED" => "the plan could not be carried out",
        "REOPENED" => "the customer is not satisfied",
        "ADVICE" => "the customer wants advice",
        "NOT_RESERVABLE" => "the goods cannot be reserved",
        "NOT_BOOKABLE" => "no carrier takes the parcel",
        "LOST" => "lost or damaged on the way too often",
        "REFUSED" => "the receiver refused the parcel",
        "NOT_PAID" => "finance could not pay",
        "NOT_ADVISED" => "nobody could advise the customer",
        "CANNOT_BE_UNDONE" => "what was done cannot be taken back",
        // Why it ended, or a line got less.
        "NO_ANSWER" => "the customer did not answer in time",
        "ALREADY_COMPENSATED" => "all units of the purchase were refunded or replaced before",
        "NOTHING_DUE" => "nothing was due for any line",
        "NOT_GOODS" => "a fee or a service: nothing to return",
        "QUANTITY_REDUCED" => "fewer units were sold than claimed",
        "WITHDRAWN" => "the customer wants no more of it",
        "DUPLICATE" => "it goes on as another claim",
        "ROUNDS_EXHAUSTED" => "opened again too often",
        "CLAIM_TOO_LARGE" => "the claim has grown too large to go on",
        "CANARY" => "made by Redress itself to see that claims get through",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u17_a_known_code_is_explained_and_another_is_shown() {
        assert!(told("ORDER_NUMBER_UNKNOWN").contains("no purchase of this customer has the order number"));
        for code in ["ADDRESS_NEEDED", "NO_ANSWER", "ALREADY_COMPENSATED"] {
            assert!(told(code).starts_with(&format!("{code} (")), "{}", told(code));
        }
        assert_eq!(told("SOMETHING_NEW"), "SOMETHING_NEW");
    }
}
