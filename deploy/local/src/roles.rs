//! The two roles that a service has on PostgreSQL: one owns its tables and changes the schema, one serves and may do no
//! more than `migrate` grants it. For a deployment the same is in `deploy/postgres/roles.sql`.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

use crate::Secrets;
use crate::secrets::random;

/// Rounds of hashing. They slow down whoever guesses a password; these have 256 random bits, so more rounds would only
/// slow down each connection.
const ROUNDS: u32 = 1;
/// What a role may be: none of the two may do more than log in and what it owns or is granted.
/// The owner inherits what the owner of a database may do in its schema: PostgreSQL 15 asks for that.
const FLAGS: &str = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";

/// Name of the role that owns the tables of a service. The one that serves is called as the service.
pub fn owner(service: &str) -> String {
    format!("{service}_owner")
}

/// SQL for the superuser: makes both roles of a service, with the passwords that the secrets have, and closes the databases
/// that every server has.
pub fn make(secrets: &Secrets, service: &str) -> Result<String> {
    let mut sql = "REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC; ".to_owned();
    for role in [service.to_owned(), owner(service)] {
        let secret = verifier(&secrets.postgres_password(&role)?)?;
        let inherits = if role == service { "NOINHERIT" } else { "INHERIT" };
        // Names are ours: no text of a user reaches this SQL.
        sql += &format!(
            "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
             ALTER ROLE {role} {FLAGS} {inherits} PASSWORD '{secret}'; "
        );
    }
    Ok(sql)
}

/// SQL for the superuser: makes a database of a service, from a template that is named with how it is copied.
pub fn database(service: &str, database: &str, template: &str) -> String {
    format!("CREATE DATABASE \"{database}\" OWNER {} TEMPLATE {template}", owner(service))
}

/// SQL for the superuser: closes a database to all but the roles of a service. `migrate` does so too; a copy of a
/// migrated database is open again.
pub fn close(service: &str, database: &str) -> String {
    format!("REVOKE ALL ON DATABASE \"{database}\" FROM PUBLIC; GRANT CONNECT ON DATABASE \"{database}\" TO {service}")
}

/// What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5803), so that no statement and no log has the password.
pub(crate) fn verifier(password: &str) -> Result<String> {
    let salt: [u8; 16] = random()?;
    let rounds = ROUNDS.try_into().expect("it is not zero");
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut salted);
    let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client = hmac::sign(&salted, b"Client Key");
    let stored = digest::digest(&digest::SHA256, client.as_ref());
    let server = hmac::sign(&salted, b"Server Key");
    let [salt, stored, server] = [salt.as_slice(), stored.as_ref(), server.as_ref()].map(|part| STANDARD.encode(part));
    Ok(format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored}:{server}"))
}
