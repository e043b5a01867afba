//! What a local installation keeps secret: made once in a folder of its own, and told to each service by variables.
//!
//! The folder can be read by this user only. A folder that is kept is used again, so that tokens and ciphertexts of
//! yesterday still hold.

mod rotation;
mod token;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

pub use rotation::AnotherKey;
pub use token::{Who, mint_ended};

/// Issuer of the tokens of a local installation.
pub const ISSUER: &str = "redress-local";
/// Audience of every token.
pub const AUDIENCE: &str = "redress";

const KEY: &str = "token-key.pk8";
const JWKS: &str = "jwks.json";
/// Signs references to evidence files.
const EVIDENCE_KEY: &str = "evidence-key.hex";
/// Wraps the keys of customers.
const VAULT_KEYS: &str = "vault-keys.txt";
/// Subjects whose access has ended.
const ENDED: &str = "ended";
/// Signs checkpoints of audit chains.
const AUDIT_KEY: &str = "audit-key.pk8";
/// Its public half: one key a line.
const AUDIT_KEYS: &str = "audit-keys.txt";
/// Where checkpoints are kept.
const CHECKPOINTS: &str = "audit";
/// Where intake keeps evidence files.
const EVIDENCE: &str = "evidence";

/// What a local installation keeps secret.
#[derive(Clone, Debug)]
pub struct Secrets {
    folder: PathBuf,
}

impl Secrets {
    /// Makes what is missing in a folder.
    pub fn make(folder: &Path) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| cannot("make", folder))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).with_context(|| cannot("close", folder))?;
        let secrets = Self { folder: folder.to_owned() };
        if !secrets.signing_key().exists() {
            secrets.make_signing_key()?;
        }
        if !folder.join(AUDIT_KEY).exists() {
            secrets.make_audit_key()?;
        }
        if !folder.join(EVIDENCE_KEY).exists() {
            let key: [u8; 32] = random()?;
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            write(&folder.join(EVIDENCE_KEY), key.as_bytes())?;
        }
        if !folder.join(ENDED).exists() {
            write(&folder.join(ENDED), b"# subjects whose access has ended, one on a line\n")?;
        }
        if !folder.join(VAULT_KEYS).exists() {
            let key: [u8; 32] = random()?;
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            write(&folder.join(VAULT_KEYS), format!("local {key}\n").as_bytes())?;
        }
        Ok(secrets)
    }

    /// Those of an installation that runs.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The key that signs tokens: Ed25519, PKCS #8.
    pub fn signing_key(&self) -> PathBuf {
        self.folder.join(KEY)
    }

    /// The key by which services check tokens.
    pub fn key_set(&self) -> PathBuf {
        self.folder.join(JWKS)
    }

    /// The public keys by which checkpoints of audit chains are verified.
    pub fn audit_keys(&self) -> PathBuf {
        self.folder.join(AUDIT_KEYS)
    }

    /// Folder of the checkpoints of audit chains.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join(CHECKPOINTS)
    }

    /// The variables that tell a service its secrets.
    pub fn variables(&self, service: &str) -> Vec<(String, String)> {
        let prefix = format!("REDRESS_{}", service.to_uppercase());
        let mut variables = vec![
            (format!("{prefix}__AUTH__ISSUER"), ISSUER.to_owned()),
            (format!("{prefix}__AUTH__AUDIENCE"), AUDIENCE.to_owned()),
            // As long as `redress token` makes them: here issuer and caller are one person.
            (format!("{prefix}__AUTH__LIFETIME_MAX"), "720h".to_owned()),
            (format!("{prefix}__AUTH__JWKS"), self.key_set().display().to_string()),
            (format!("{prefix}__AUTH__ENDED"), self.folder.join(ENDED).display().to_string()),
            (format!("{prefix}__DATABASE__PASSWORD_FILE"), self.postgres_password_file(service).display().to_string()),
            (format!("{prefix}__NATS__PASSWORD_FILE"), self.nats_password_file(service).display().to_string()),
            (format!("{prefix}__AUDIT__KEY_FILE"), self.folder.join(AUDIT_KEY).display().to_string()),
            (format!("{prefix}__AUDIT__CHECKPOINTS"), self.checkpoints().display().to_string()),
        ];
        if service == "intake" {
            let evidence = format!("file://{}", self.folder.join(EVIDENCE).display());
            let key = self.folder.join(EVIDENCE_KEY).display().to_string();
            variables.extend([
                (format!("{prefix}__EVIDENCE__URL"), evidence),
                (format!("{prefix}__EVIDENCE__KEY_FILE"), key),
            ]);
            let keys = self.folder.join(VAULT_KEYS).display().to_string();
            variables.push((format!("{prefix}__VAULT__KEY_FILE"), keys));
        }
        variables
    }

    /// File with the password of a user of the broker.
    pub fn nats_password_file(&self, user: &str) -> PathBuf {
        self.folder.join(format!("nats-{user}.password"))
    }

    /// The password of a user of the broker, made if it is missing.
    pub fn nats_password(&self, user: &str) -> Result<String> {
        password(&self.nats_password_file(user))
    }

    /// The password of a role of PostgreSQL, made if it is missing.
    pub fn postgres_password(&self, role: &str) -> Result<String> {
        password(&self.postgres_password_file(role))
    }

    /// File with the password of a role of PostgreSQL.
    pub fn postgres_password_file(&self, role: &str) -> PathBuf {
        self.folder.join(format!("postgres-{role}.password"))
    }

    /// The address of a database for a role: for clients in memory and for variables, never for a command line.
    pub fn postgres_url(&self, host: &str, role: &str, database: &str) -> Result<String> {
        Ok(format!("postgres://{role}:{}@{host}/{database}", self.postgres_password(role)?))
    }

    /// The address of a broker for a user: for clients in memory, never for a command line.
    pub fn nats_url(&self, url: &str, user: &str) -> Result<String> {
        let (scheme, host) = url.split_once("://").context("it is not an address of NATS")?;
        Ok(format!("{scheme}://{user}:{}@{host}", self.nats_password(user)?))
    }

    /// A token for somebody.
    pub fn token(&self, who: &Who<'_>) -> Result<String> {
        token::mint(&self.signing_key_bytes()?, who)
    }

    fn signing_key_bytes(&self) -> Result<Vec<u8>> {
        let key = self.signing_key();
        fs::read(&key).with_context(|| cannot("read", &key))
    }

    fn make_signing_key(&self) -> Result<()> {
        let random = ring::rand::SystemRandom::new();
        let key = Ed25519KeyPair::generate_pkcs8(&random).ok().context("there is no randomness")?;
        // The public half first: who finds the key finds all of it.
        write(&self.key_set(), token::key_set(&[key.as_ref()])?.as_bytes())?;
        write(&self.signing_key(), key.as_ref())
    }

    fn make_audit_key(&self) -> Result<()> {
        let random = ring::rand::SystemRandom::new();
        let key = Ed25519KeyPair::generate_pkcs8(&random).ok().context("there is no randomness")?;
        let pair = Ed25519KeyPair::from_pkcs8(key.as_ref()).ok().context("it was just made")?;
        let public: String = pair.public_key().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        write(&self.audit_keys(), format!("{public}\n").as_bytes())?;
        write(&self.folder.join(AUDIT_KEY), key.as_ref())
    }
}

/// The password in a file, made if it is missing.
fn password(file: &Path) -> Result<String> {
    if !file.exists() {
        write(file, random_hex()?.as_bytes())?;
    }
    fs::read_to_string(file).with_context(|| cannot("read", file))
}

/// 256 random bits as text.
pub(crate) fn random_hex() -> Result<String> {
    let bytes: [u8; 32] = random()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let random = ring::rand::SystemRandom::new();
    ring::rand::SecureRandom::fill(&random, &mut bytes).ok().context("there is no randomness")?;
    Ok(bytes)
}

/// Writes a file that this user only can read; it is there whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = path.with_extension("draft");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft);
    file.and_then(|mut file| file.write_all(bytes)).with_context(|| cannot("write", &draft))?;
    fs::rename(&draft, path).with_context(|| cannot("write", path))
}

fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_for_this_user_only_and_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("secrets");
        let secrets = Secrets::make(&folder).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for file in fs::read_dir(&folder).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
        let before = fs::read(secrets.signing_key()).unwrap();
        Secrets::make(&folder).unwrap();
        assert_eq!(fs::read(secrets.signing_key()).unwrap(), before);
    }
}
