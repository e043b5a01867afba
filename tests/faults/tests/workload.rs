//! The workload on a stack that nobody breaks: everything ends as planned.

use std::time::{Duration, Instant};

use faults::log::Log;
use faults::workload::{self, Plan, Summary};
use local::secrets::Who;
use local::{Stack, StackOptions};
use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;

/// Number from the environment, for larger runs by hand.
fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn parked(stack: &Stack) -> Vec<String> {
    let mut all = Vec::new();
    for (service, address) in stack.endpoints() {
        let mut client = OperationsServiceClient::connect(address.clone()).await.expect("the service answers");
        let mut request = tonic::Request::new(ListParkedRequest::default());
        let who = Who { subject: "test", roles: &["operator"], customer: None, ttl: Duration::from_secs(600) };
        let token = stack.secrets().token(&who).expect("there is a key");
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("it is ASCII"));
        let parked = client.list_parked(request).await.expect("it can be listed").into_inner();
        all.extend(
            parked
                .parked
                .into_iter()
                .map(|row| format!("{service} {} {} {} {}", row.subject, row.aggregate_id, row.reason, row.detail)),
        );
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_claim_of_a_quiet_day_ends_as_planned() {
    let log = std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned());
    let folder = tempfile::tempdir().expect("there is room");
    // With clocks of a minute where a larger run by hand wants deadlines that pass.
    let short = number("WORKLOAD_SHORT_CLOCKS", 0) > 0;
    let policy = short.then(|| workload::write_policy(folder.path()).expect("it can be written"));
    let options = StackOptions { log, policy, ..StackOptions::default() };
    let stack = Stack::start(options).await.expect("the stack starts");
    let file = std::env::var_os("WORKLOAD_LOG").map_or_else(|| folder.path().join("workload.jsonl"), Into::into);
    let log = Log::open(&file).expect("it can be written");
    let claims = number("WORKLOAD_CLAIMS", 40);
    let plan = Plan { seed: number("WORKLOAD_SEED", 1).into(), claims, seconds_max: 120 };
    let begun = Instant::now();
    let summary = workload::run(plan, stack.endpoints(), stack.secrets(), log).await.expect("it runs");
    let seconds = begun.elapsed().as_secs_f64();
    let lines = std::fs::read_to_string(&file).expect("there is a log");
    println!("{claims} claims in {seconds:.1} s, {} calls: {summary:#?}", lines.lines().count());
    assert_eq!(parked(&stack).await, Vec::<String>::new());
    let as_planned = Summary { open: 0, unknown: 0, surprises: Vec::new(), ..summary.clone() };
    assert_eq!(summary, as_planned);
    assert_eq!(summary.acknowledged, summary.submitted);
    let ended = summary.closed + summary.rejected + summary.withdrawn + summary.waiting;
    assert_eq!(ended, summary.acknowledged);
    assert!(summary.submitted >= usize::try_from(claims).expect("a small number"));
    stack.stop().await.expect("it stops");
}
