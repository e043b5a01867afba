//! The vault: personal data are sealed under a key of their customer, and that key is wrapped by a key from a file. Who
//! destroys the customer's key forgets the customer, in every copy of the database at once (G23).
//!
//! - [`key_file`]: the wrapping keys. [`seal`]: what is sealed, and what is bound to it. [`tend`]: keys are wrapped anew
//!   after the first wrapping key has changed. [`erasures`]: keys that were destroyed stay destroyed when the database is
//!   restored from an older backup.
//!
//! XChaCha20-Poly1305, because its nonce is long enough to be drawn at random for ever: there is no counter that a crash
//! or a restored backup could set back, and it takes the same time on every processor.

pub mod erasures;
pub mod key_file;
pub mod seal;
pub mod tend;

use std::sync::Arc;

use anyhow::Context as _;
use chassis::Fault;
use proto::ids;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use sqlx::PgPool;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{config, store};
use key_file::KeyFile;
use seal::{Broken, DataKey};

/// What stands before a key when its fingerprint is made: the fingerprint is good for nothing else.
const FINGERPRINT: &[u8] = b"redress customer key fingerprint 1";
/// What is bound to a wrapped key.
const WRAPPING: &[u8] = b"redress customer key 1";

/// The vault. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    keys: Arc<KeyFile>,
}

/// A customer's key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    pub id: Uuid,
    pub customer_ref: String,
    /// Name of the wrapping key.
    pub kek: String,
    /// The key, sealed.
    pub wrapped: Vec<u8>,
}

/// A key that was just made.
#[derive(Debug)]
pub struct NewKey {
    /// As it is used.
    pub key: DataKey,
    /// As it is stored.
    pub wrapped: WrappedKey,
    /// By which it would be known again.
    pub fingerprint: Vec<u8>,
}

impl Vault {
    /// Reads the key file.
    pub fn open(settings: &config::Vault) -> anyhow::Result<Self> {
        Ok(Self { keys: Arc::new(KeyFile::read(settings.key_file.as_deref())?) })
    }

    /// Refuses to serve if a customer's key cannot be unwrapped: a wrapping key is missing, or is another.
    pub async fn check(&self, pool: &PgPool) -> anyhow::Result<()> {
        let samples = store::key_samples(pool).await.context("the keys of customers cannot be read")?;
        for sample in samples {
            let kek = &sample.kek;
            self.keys
                .find(kek)
                .with_context(|| format!("vault.key_file has no key {kek}, which keys of customers need"))?;
            let fits = self.unwrap(&sample);
            fits.map_err(|_| {
                anyhow::anyhow!("vault.key_file has another key {kek} than keys of customers were wrapped by")
            })?;
        }
        Ok(())
    }

    /// Makes a key for a customer.
    pub fn make(&self, customer_ref: &str, at: jiff::Timestamp) -> Result<NewKey, Fault> {
        let mut bytes = Zeroizing::new([0; 32]);
        let mut name = [0; 10];
        random(&mut *bytes)?;
        random(&mut name)?;
        let id = ids::v7(at, name);
        let wrapped = self.wrap(id, customer_ref, &bytes)?;
        let fingerprint = fingerprint(&bytes);
        Ok(NewKey { key: DataKey::new(id, bytes), wrapped, fingerprint })
    }

    fn wrap(&self, id: Uuid, customer_ref: &str, bytes: &[u8; 32]) -> Result<WrappedKey, Fault> {
        let (kek, key) = self.keys.first();
        let wrapped = seal::seal(key, &bound(kek, id, customer_ref), bytes)?;
        Ok(WrappedKey { id, customer_ref: customer_ref.to_owned(), kek: kek.to_owned(), wrapped })
    }

    /// A key, to be used.
    pub fn unwrap(&self, key: &WrappedKey) -> Result<DataKey, Broken> {
        Ok(DataKey::new(key.id, self.bytes(key)?))
    }

    fn bytes(&self, key: &WrappedKey) -> Result<Zeroizing<[u8; 32]>, Broken> {
        let by = self.keys.find(&key.kek).ok_or(Broken)?;
        let bytes = Zeroizing::new(seal::open(by, &bound(&key.kek, key.id, &key.customer_ref), &key.wrapped)?);
        Ok(Zeroizing::new(bytes.as_slice().try_into().map_err(|_| Broken)?))
    }

    /// The same key, wrapped by the first wrapping key.
    pub fn rewrap(&self, key: &WrappedKey) -> Result<WrappedKey, Fault> {
        let bytes =
            self.bytes(key).map_err(|Broken| Fault::Permanent(format!("key {} cannot be unwrapped", key.id)))?;
        self.wrap(key.id, &key.customer_ref, &bytes)
    }

    /// Name of the wrapping key that wraps.
    pub fn kek(&self) -> &str {
        self.keys.first().0
    }

    /// Names of the other wrapping keys.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.keys.others()
    }
}

/// The wrapping key's name, the key's id and the customer: none of them can be another.
fn bound(kek: &str, id: Uuid, customer_ref: &str) -> Vec<u8> {
    let length = u8::try_from(kek.len()).unwrap_or(u8::MAX);
    [WRAPPING, &[length], kek.as_bytes(), id.as_bytes(), customer_ref.as_bytes()].concat()
}

/// By which a key would be known again. The key is random: nothing of it can be guessed from this.
fn fingerprint(key: &[u8; 32]) -> Vec<u8> {
    let marked = Zeroizing::new([FINGERPRINT, key].concat());
    digest(&SHA256, &marked).as_ref().to_vec()
}

fn random(bytes: &mut [u8]) -> Result<(), Fault> {
    SystemRandom::new().fill(bytes).map_err(|_| Fault::Transient("there is no randomness".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(text: &str) -> Vault {
        Vault { keys: Arc::new(KeyFile::parse(text).unwrap()) }
    }

    fn line(name: &str, byte: &str) -> String {
        format!("{name} {}\n", byte.repeat(32))
    }

    #[test]
    fn a_key_is_unwrapped_by_its_wrapping_key_and_for_its_customer_only() {
        let (old, new) = (line("a", "01"), line("b", "02"));
        let before = vault(&old);
        let made = before.make("17850", jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(made.wrapped.wrapped.len(), 73);
        let fits = |vault: &Vault, key: &WrappedKey| vault.bytes(key).map(|bytes| fingerprint(&bytes));
        assert_eq!(fits(&before, &made.wrapped), Ok(made.fingerprint.clone()));
        // The file is turned: the new key wraps, the old one still unwraps.
        let turned = vault(&(new.clone() + &old));
        assert_eq!(fits(&turned, &made.wrapped), Ok(made.fingerprint.clone()));
        let anew = turned.rewrap(&made.wrapped).unwrap();
        assert_eq!(anew.kek, "b");
        let after = vault(&new);
        assert_eq!(fits(&after, &anew), Ok(made.fingerprint.clone()), "the old key is not needed any more");
        assert_eq!(fits(&after, &made.wrapped), Err(Broken));
        assert_eq!(fits(&vault(&line("a", "03")), &made.wrapped), Err(Broken), "another key of the same name");
        for other in [
            WrappedKey { customer_ref: "17851".to_owned(), ..made.wrapped.clone() },
            WrappedKey { id: Uuid::from_u128(7), ..made.wrapped.clone() },
            WrappedKey { kek: "b".to_owned(), ..made.wrapped.clone() },
        ] {
            assert_eq!(fits(&turned, &other), Err(Broken), "{other:?}");
        }
    }

    #[test]
    fn key_material_does_not_print() {
        let vault = vault(&line("a", "2a"));
        let made = vault.make("17850", jiff::Timestamp::UNIX_EPOCH).unwrap();
        let printed = format!("{vault:?} {:?}", made.key);
        // The id of a key may have any two digits.
        assert!(!printed.contains("42, 42") && !printed.contains("2a2a2a2a"), "{printed}");
    }
}
