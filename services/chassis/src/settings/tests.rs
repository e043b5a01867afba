use super::*;

fn from(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
    let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Settings::read("intake", &["canary"], None, Some(variables))
}

#[test]
fn variables_reach_every_section() {
    let settings = from(&[
        ("REDRESS_INTAKE__DATABASE__URL", "postgres://intake:sesame@db/intake?sslmode=verify-full"),
        ("REDRESS_INTAKE__LANES__COUNT", "2"),
        ("REDRESS_INTAKE__SHUTDOWN", "5s"),
        ("REDRESS_TRIAGE__LANES__COUNT", "9"),
    ])
    .unwrap();
    assert_eq!(settings.lanes.count, 2);
    assert_eq!(settings.shutdown, SignedDuration::from_secs(5));
    assert!(!format!("{settings:?}").contains("sesame"), "a secret is printed");
    assert!(!settings.database.unsafe_durability_for_tests);
    let missing = settings.database.owner().unwrap_err().to_string();
    assert!(missing.contains("database.owner_url"), "{missing}");
}

#[test]
fn sr29_no_link_leaves_the_machine_in_clear_unless_it_is_said_why() {
    let told = |variables: &[(&str, &str)]| {
        let url = ("REDRESS_INTAKE__DATABASE__URL", "postgres://127.0.0.1/intake");
        let variables: Vec<_> =
            variables.iter().map(|(key, value)| (format!("REDRESS_INTAKE__{key}"), *value)).collect();
        let variables: Vec<_> = variables.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        from(&[&[url][..], &variables].concat()).map(drop).map_err(|error| format!("{error:#}"))
    };
    for (section, key, open, closed) in [
        ("GRPC", "LISTEN", "0.0.0.0:7000", "127.0.0.1:7000"),
        ("GRPC", "LISTEN", "[::]:7000", "[::1]:7000"),
        ("NATS", "URL", "nats://broker:4222", "tls://broker:4222"),
        ("NATS", "URL", "nats://127.0.0.1:4222,nats://broker:4222", "nats://127.0.0.1:4222,tls://broker:4222"),
        ("DATABASE", "URL", "postgres://intake@db/intake", "postgres://intake@db/intake?sslmode=verify-full"),
        ("DATABASE", "URL", "postgres://db/intake?sslmode=prefer", "postgres://db/intake?sslmode=require"),
        ("DATABASE", "OWNER_URL", "postgres://db/intake", "postgres://localhost/intake"),
    ] {
        let link = format!("{section}__{key}");
        let refused = told(&[(&link, open)]).unwrap_err();
        let keys = (format!("{section}.{key}").to_lowercase(), format!("{}.plain_behind", section.to_lowercase()));
        assert!(refused.contains(&keys.0) && refused.contains(&keys.1), "{open}: {refused}");
        let behind = format!("{section}__PLAIN_BEHIND");
        assert!(told(&[(&link, open), (&behind, " ")]).is_err(), "{open}: nothing is said");
        told(&[(&link, open), (&behind, "proxy")]).unwrap();
        told(&[(&link, closed)]).unwrap();
    }
    told(&[("NATS__URL", "nats://broker:4222"), ("NATS__CA_FILE", "/ca.pem")]).unwrap();
}

#[test]
fn a_typo_is_an_error() {
    let url = ("REDRESS_INTAKE__DATABASE__URL", "postgres:///intake");
    let error = from(&[url, ("REDRESS_INTAKE__LANES__COUMT", "2")]).unwrap_err();
    assert!(format!("{error:#}").contains("coumt"), "{error:#}");
    assert!(from(&[]).is_err(), "the database has no default");
    let canary = ("REDRESS_INTAKE__CANARY__EVERY", "1m");
    assert!(from(&[url, canary]).is_ok(), "a section of its own is the service's to judge");
    let variables = [
        ("REDRESS_TRIAGE__DATABASE__URL".to_owned(), "postgres:///triage".to_owned()),
        ("REDRESS_TRIAGE__CANARY__EVERY".to_owned(), "1m".to_owned()),
    ];
    let error = Settings::read("triage", &[], None, Some(variables.into())).unwrap_err();
    assert!(format!("{error:#}").contains("canary"), "only intake has canaries: {error:#}");
    assert!(from(&[url, ("REDRESS_INTAKE__NATS__PREFIX", "a.b")]).is_err());
    assert!(from(&[url, ("REDRESS_INTAKE__NATS__BATCH_MAX", "0")]).is_err());
    assert!(from(&[url, ("REDRESS_INTAKE__NATS__BATCH_MAX", "257")]).is_err(), "nobody would read it");
    let told = from(&[url, ("REDRESS_INTAKE__NATS__URL", "nats://intake:sesame@broker:4222")]).unwrap_err();
    assert!(told.to_string().contains("nats.password_file") && !format!("{told:?}").contains("sesame"), "{told:?}");
}

#[test]
fn a_pack_is_a_file_or_in_a_folder_and_not_both() {
    let here = || Some(std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/policies"));
    let file = || here().map(|folder| folder.join("tile-warehouse.toml"));
    let load = |file, path, pack: Option<&str>| Policy { file, path, pack: pack.map(str::to_owned) }.load();
    let name = |file, path, pack| load(file, path, pack).unwrap().name().to_owned();
    assert_eq!(name(None, None, None), "supply-chain");
    assert_eq!(name(file(), None, None), "tile-warehouse");
    assert_eq!(name(None, here(), Some("tile-warehouse")), "tile-warehouse");
    for (given, folder, pack, why) in [
        (file(), here(), None, "exclude each other"),
        (file(), None, Some("tile-warehouse"), "chooses a pack in policy.path"),
        (None, file(), None, "must be a folder"),
        (None, here(), None, "say which one: supply-chain, tile-warehouse"),
    ] {
        let error = load(given, folder, pack).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
