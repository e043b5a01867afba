//! Messages with personal data do not print it: whoever logs a request by mistake logs stars (S23).

use std::fmt;

use crate::intake::{
    AnswerFollowUpRequest, AnswerPlanRequest, AnswerQuestionRequest, Contact, Evidence, EvidenceHeader, NewLine,
    WithdrawClaimRequest, Word,
};

macro_rules! personal {
    ($($name:ident),* $(,)?) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    )*};
}

personal!(
    AnswerFollowUpRequest,
    AnswerPlanRequest,
    AnswerQuestionRequest,
    Contact,
    Evidence,
    EvidenceHeader,
    NewLine,
    WithdrawClaimRequest,
    Word,
);

#[cfg(test)]
mod tests {
    use crate::intake::{Contact, NewLine, SubmitClaimRequest};

    #[test]
    fn s23_a_request_does_not_print_personal_data() {
        let contact = Contact { customer_name: "Ada".to_owned(), ..Contact::default() };
        let line = NewLine { description: "Ada says so".to_owned(), ..NewLine::default() };
        let request = SubmitClaimRequest { contact: Some(contact), lines: vec![line], ..SubmitClaimRequest::default() };
        assert!(!format!("{request:?} {request:#?}").contains("Ada"), "{request:?}");
    }
}
