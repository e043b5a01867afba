//! The bench itself works: a short run, in this process, ends with a report in which everything adds up.

use clap::Parser;
use load::bench;
use load::options::Options;

#[tokio::test(flavor = "multi_thread")]
async fn a_short_run_adds_up() {
    let arguments = ["load", "--quick", "--in-process", "--own-baseline", "--point", "closed:4", "--point", "open:50%"];
    let report = bench::run(Options::parse_from(arguments)).await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.points.len(), 2);
    assert!(report.claims > 0 && report.ratio.unwrap() > 0.0);
    for point in &report.points {
        assert!(point.ack_ms.p50 > 0.0 && point.closed_ms.p99 >= point.closed_ms.p50, "{point:?}");
        assert!(point.commits_per_claim >= point.write_commits_per_claim.min(1.0), "{point:?}");
        assert!(point.messages_per_claim > 5.0, "{point:?}");
    }
    assert!(report.table().contains("everything adds up"));
}
