//! A refusal is one row: what it is called, what the caller gets as code, reason and sentence, and what is told beside it.

/// Makes the refusals of a noun from their rows. Each field of a row is told beside the reason, under its name. A row of the
/// reason `NOT_FOUND` has one field, which is named after the thing that is not there.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident $({ $($field:ident: $type:ty),* })? = $code:ident, $reason:literal, $sentence:literal;)*) => {
        /// Why a command is refused.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Refusal {
            $($(#[$doc])* #[error($sentence)] $name $({ $(#[doc = "What it is about."] $field: $type),* })?,)*
        }

        impl Refusal {
            /// The reason of the contract.
            pub fn reason(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $reason,)*
                }
            }
        }

        impl From<Refusal> for chassis::Refusal {
            fn from(refusal: Refusal) -> Self {
                match refusal {
                    $(Refusal::$name $({ $($field),* })? => {
                        let told: &[(&str, String)] = &[$($((stringify!($field), $field.to_string())),*)?];
                        match ($reason, told) {
                            ("NOT_FOUND", [(kind, id)]) => Self::not_found(kind, id),
                            (reason, told) => told
                                .iter()
                                .fold(Self::new(tonic::Code::$code, reason, $sentence), |refusal, (key, value)| refusal.with(key, value)),
                        }
                    })*
                }
            }
        }
    };
}

pub(crate) use refusals;
