//! A service that speaks TLS, asked by certificate and by token.

use chassis::Clock;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use testkit::{Home, Somebody};

use crate::{code, redress};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_tls_is_asked_by_certificate_and_by_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(file("root.pem"), root.pem()).unwrap();
    let write = |name: &str, params: CertificateParams| {
        let key = KeyPair::generate().unwrap();
        std::fs::write(file(&format!("{name}.pem")), params.signed_by(&key, &root).unwrap().pem()).unwrap();
        std::fs::write(file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    };
    write("server", CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap());
    let mut gateway = CertificateParams::new(Vec::new()).unwrap();
    gateway.subject_alt_names = vec![SanType::URI("spiffe://shop/desk".try_into().unwrap())];
    write("desk", gateway);

    let mut home = Home::new(local::SERVICES[0]).await;
    home.variables = [
        ("GRPC__TLS__CERTIFICATE_FILE", file("server.pem")),
        ("GRPC__TLS__KEY_FILE", file("server.key")),
        ("GRPC__TLS__CLIENT_CA_FILE", file("root.pem")),
        ("AUTH__IDENTITIES", "spiffe://shop/desk=specialist".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let running = chassis::start(home.service, home.settings(), Clock::default()).await.unwrap();
    let endpoints = format!(r#"{{"intake":"https://{}"}}"#, running.grpc());
    let token = Somebody::with("anna", &["specialist"]).token(testkit::secrets());
    let (root, cert, key) = (file("root.pem"), file("desk.pem"), file("desk.key"));
    for (options, wanted) in [
        (vec!["--ca", &root, "--cert", &cert, "--key", &key], 0),
        (vec!["--ca", &root, "--token", &token], 0),
        (vec!["--token", &token], 2),
        (vec!["--ca", &root, "--cert", &cert], 2),
        (vec!["--ca", &cert, "--token", &token], 5),
        (vec!["--ca", "/nowhere", "--token", &token], 5),
        (vec!["--ca", &root], 3),
    ] {
        let asked = [options.as_slice(), &["claim", "list"]].concat();
        let output = redress(&asked).env("REDRESS_ENDPOINTS", &endpoints).output().unwrap();
        assert_eq!(code(&output), wanted, "{asked:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // Without TLS nobody would see the certificate: that is said, and neither is left out.
    let plain = endpoints.replace("https", "http");
    for option in [vec!["--cert", &cert, "--key", &key], vec!["--cert", &cert], vec!["--key", &key]] {
        let asked = [option.as_slice(), &["--token", &token, "claim", "list"]].concat();
        let output = redress(&asked).env("REDRESS_ENDPOINTS", &plain).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 2, "{told}");
        let address = format!("http://{}", running.grpc());
        assert!([option[0], option[1], &address].iter().all(|part| told.contains(part)), "{told}");
    }
    running.stop().await.unwrap();
}
