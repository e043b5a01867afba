//! What went wrong that is neither the caller's fault nor a rule's.

/// A message that cannot be read. It is parked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// It did not work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// Not this time: rolled back, tried again.
    #[error("{0}")]
    Transient(String),
    /// Never: the command is parked, its neighbours go on.
    #[error("{0}")]
    Permanent(String),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else { return Self::Transient(error.to_string()) };
        // A race for the same request: the second try finds the answer of the first.
        if matches!(database.constraint(), Some("inbox_pkey" | "parked_consumer_event_id_key")) {
            return Self::Transient(error.to_string());
        }
        let code = database.code().unwrap_or_default();
        match code.get(..2) {
            // Data exception, integrity constraint violation, program limit exceeded, or raised by a rule of ours.
            Some("22" | "23" | "54" | "P0") => Self::Permanent(format!("{code}: {}", database.message())),
            _ => Self::Transient(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Fault {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Transient(error.to_string())
    }
}
