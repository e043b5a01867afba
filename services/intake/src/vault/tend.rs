//! Keys of customers are wrapped anew when another wrapping key has become the first.

use std::time::Duration;

use chassis::Fault;
use sqlx::PgPool;

use super::Vault;
use crate::store;

/// How often is looked: another replica may still wrap by the old key during a roll-out.
const EVERY: Duration = Duration::from_secs(60);

/// Tends the keys until the service stops.
pub async fn run(vault: Vault, pool: PgPool) {
    loop {
        match rewrap(&vault, &pool).await {
            Ok(0) => {}
            Ok(keys) => {
                tracing::info!(keys, kek = vault.kek(), "all keys of customers are wrapped by the first wrapping key")
            }
            Err(fault) => tracing::warn!(%fault, "keys of customers will be wrapped anew later"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Wraps anew what is wrapped by another key of the file than the first; gives how many keys that were.
pub async fn rewrap(vault: &Vault, pool: &PgPool) -> Result<usize, Fault> {
    let mut count = 0;
    for kek in vault.others() {
        loop {
            let keys = store::keys_wrapped_by(pool, kek).await?;
            if keys.is_empty() {
                break;
            }
            for key in keys {
                // One that was destroyed or wrapped by another replica meanwhile stays as it is.
                store::rewrapped(pool, &key, &vault.rewrap(&key)?).await?;
                count += 1;
            }
        }
    }
    Ok(count)
}
