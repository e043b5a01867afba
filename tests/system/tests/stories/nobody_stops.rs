//! Nobody stops the work of the others.

use futures::{StreamExt, stream};
use prost::Message;
use proto::claim::{Category, Resolution};
use proto::intake::{ListClaimsRequest, NewLine};
use proto::orchestrator::ListProcessesRequest;
use proto::triage::ListWorkItemsRequest;
use system::{World, line};
use testkit::eventually;

/// Bytes that a stock client reads are 4 MiB; a list stays well below.
const LIST_MAX: usize = 3 << 20;

/// Walks a list by its largest pages to the end: its rows.
macro_rules! walk {
    ($client:expr, $method:ident, $request:expr, $rows:ident) => {{
        let (mut request, mut rows, mut pages) = ($request, Vec::new(), 0);
        loop {
            let page = $client.await.$method(request.clone()).await.unwrap().into_inner();
            assert!(page.encoded_len() < LIST_MAX, "{} bytes", page.encoded_len());
            pages += 1;
            rows.extend(page.$rows);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break (rows, pages);
            }
        }
    }};
}

/// A claim of the largest size, which waits for a person.
async fn large(world: &World, number: usize) -> String {
    let serials = (0..98).map(|serial| format!("{serial:064}")).collect();
    let one = line("", "ART-1", 100, Category::Other, Resolution::RefundOnly);
    let lines = vec![NewLine { serials, ..one }; 9];
    world.submit(world.report(&format!("C-{number}"), lines)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sr20_claims_of_the_largest_size_close_no_list() {
    const CLAIMS: usize = 60;
    let world = World::new().await;
    let claims: Vec<String> =
        stream::iter(0..CLAIMS).map(|number| large(&world, number)).buffer_unordered(4).collect().await;
    assert_eq!(claims.len(), CLAIMS);
    let items = eventually(async || {
        let ask = ListWorkItemsRequest { page_size: 500, ..ListWorkItemsRequest::default() };
        let (items, pages) = walk!(world.triage(), list_work_items, ask, work_items);
        (items.len() == CLAIMS).then_some((items, pages))
    });
    let (items, pages) = items.await;
    assert!(pages > 1 && items.iter().map(Message::encoded_len).sum::<usize>() > 3 << 20, "they are not large enough");
    let ask = ListClaimsRequest { page_size: 500, ..ListClaimsRequest::default() };
    let (listed, pages) = walk!(world.intake(), list_claims, ask, claims);
    assert_eq!((listed.len(), pages > 1), (CLAIMS, true));
    let ask = ListProcessesRequest { page_size: 500, ..ListProcessesRequest::default() };
    let (processes, _) = walk!(world.orchestrator(), list_processes, ask, processes);
    assert_eq!(processes.len(), CLAIMS);
    world.stack.stop().await.unwrap();
}
