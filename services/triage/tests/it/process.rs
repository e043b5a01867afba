//! The real binary.

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_serves_and_stops_in_order() {
    let status = testkit::serve_and_stop(&triage::SERVICE, env!("CARGO_BIN_EXE_redress-triage")).await;
    assert_eq!(status.code(), Some(0));
}
