//! Wrapping keys: nothing works without them, and they can be changed while the service runs elsewhere.

use testkit::{Home, TestService, eventually};

use crate::world::{World, contact};

async fn start(home: &Home) -> Result<(), String> {
    match chassis::start(home.service, home.settings(), chassis::Clock::default()).await {
        Ok(running) => running.stop().await.map_err(|error| error.to_string()),
        Err(error) => Err(format!("{error:#}")),
    }
}

fn line(name: &str, byte: &str) -> String {
    format!("{name} {}\n", byte.repeat(32))
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_intake_does_not_start_without_a_key() {
    let home = Home::new(&intake::SERVICE).await;
    let folder = tempfile::tempdir().unwrap();
    let weak = folder.path().join("weak");
    std::fs::write(&weak, "secret").unwrap();
    for file in ["/nowhere".to_owned(), weak.display().to_string()] {
        let mut home = home.clone();
        home.variables.push(("VAULT__KEY_FILE".to_owned(), file));
        let why = start(&home).await.unwrap_err();
        assert!(why.contains("vault.key_file"), "{why}");
    }
    let mut settings = home.settings();
    settings.own = chassis::settings::Sections::default();
    let none = chassis::start(home.service, settings, chassis::Clock::default()).await;
    let why = none.err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(why.contains("vault.key_file must name"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_wrapping_keys_are_changed_and_old_ones_are_not_needed_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let mut home = Home::new(&intake::SERVICE).await;
    home.variables.push(("VAULT__KEY_FILE".to_owned(), file.display().to_string()));
    let (old, new) = (line("2026a", "1a"), line("2026b", "2b"));
    let world = async |keys: String| {
        std::fs::write(&file, keys).unwrap();
        let service = TestService::at(home.clone(), chassis::Clock::default()).await;
        let client = proto::intake::intake_service_client::IntakeServiceClient::new(service.channel());
        World { service, client }
    };
    let mut first = world(old.clone()).await;
    let mut claims = Vec::new();
    for n in 0..120 {
        claims.push(first.submit_for(&format!("c-{n}")).await);
    }
    let before: Vec<Vec<u8>> = sqlx::query_scalar("SELECT email FROM contact ORDER BY claim_id")
        .fetch_all(first.service.pool())
        .await
        .unwrap();
    first.service.stop().await;

    let mut turned = world(new.clone() + &old).await;
    let left = "SELECT count(*) FROM customer_key WHERE kek <> '2026b'";
    eventually(|| async { (turned.count(left).await == 0).then_some(()) }).await;
    turned.service.stop().await;

    let mut after = world(new.clone()).await;
    assert_eq!(after.contact_of(&claims[0]).await.unwrap(), contact());
    assert_eq!(after.contact_of(&claims[119]).await.unwrap(), contact());
    let now: Vec<Vec<u8>> = sqlx::query_scalar("SELECT email FROM contact ORDER BY claim_id")
        .fetch_all(after.service.pool())
        .await
        .unwrap();
    assert_eq!(now, before, "only keys are wrapped anew");
    after.service.stop().await;

    for (keys, expected) in [(old, "has no key 2026b"), (line("2026b", "3c"), "has another key 2026b")] {
        std::fs::write(&file, keys).unwrap();
        let why = start(&home).await.unwrap_err();
        assert!(why.contains(expected) && !why.contains("3c3c"), "{why}");
    }
}
