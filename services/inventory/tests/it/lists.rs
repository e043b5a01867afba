//! Lists: paging, order, filters.

use proto::inventory::*;
use testkit::request_id;

use crate::shop::{Shop, expect_return, job, release, reserve};

#[tokio::test(flavor = "multi_thread")]
async fn movements_are_listed_newest_first_with_who_and_why() {
    let mut shop = Shop::with(0).await;
    for units in 1..=5 {
        shop.receive(units).await;
    }
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let request = ListMovementsRequest { sku: "TILE".to_owned(), page_size: 2, page_token: token };
        let page = shop.api.list_movements(request).await.unwrap().into_inner();
        assert!(page.movements.len() <= 2);
        seen.extend(page.movements);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.iter().map(|movement| movement.quantity).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    let newest = &seen[0];
    assert_eq!((newest.actor.as_str(), &newest.document[..3]), ("keeper", "PO-"));
    assert_eq!((newest.kind(), newest.zone()), (MovementKind::Receipt, Zone::Qualified));
    assert!(newest.moved_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_are_listed_oldest_first_and_can_be_narrowed() {
    let mut shop = Shop::with(3).await;
    let jobs = [job(), job(), job(), job()];
    for job in &jobs[..3] {
        shop.say(job, reserve(2)).await;
    }
    shop.say(&jobs[3], release()).await;
    let all = ListReservationsRequest { page_size: 2, ..ListReservationsRequest::default() };
    let first = shop.api.list_reservations(all.clone()).await.unwrap().into_inner();
    let next = ListReservationsRequest { page_token: first.next_page_token.clone(), ..all };
    let second = shop.api.list_reservations(next).await.unwrap().into_inner();
    let listed: Vec<_> = first.reservations.iter().chain(&second.reservations).cloned().collect();
    assert_eq!(listed.iter().map(|it| it.job.clone().unwrap()).collect::<Vec<_>>(), jobs[..3]);
    assert_eq!(listed.iter().map(|it| it.held).collect::<Vec<_>>(), [2, 1, 0]);
    assert!(second.next_page_token.is_empty());
    assert_eq!(listed[1].expected_on.len(), 10);
    assert!(listed[1].expires_at.is_some() && listed[0].expires_at.is_none());

    let state = ReservationState::HeldPartly.into();
    let partly = ListReservationsRequest { state, ..ListReservationsRequest::default() };
    assert_eq!(shop.api.list_reservations(partly).await.unwrap().into_inner().reservations.len(), 2);
    let claim_id = jobs[0].claim_id.clone();
    let of_claim = ListReservationsRequest { claim_id, ..ListReservationsRequest::default() };
    assert_eq!(shop.api.list_reservations(of_claim).await.unwrap().into_inner().reservations.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_are_listed_and_can_be_narrowed() {
    let mut shop = Shop::with(0).await;
    let jobs = [job(), job()];
    for job in &jobs {
        shop.say(job, expect_return(2)).await;
    }
    let state = ReturnState::Expected.into();
    let expected = ListReturnsRequest { state, page_size: 1, ..ListReturnsRequest::default() };
    let first = shop.api.list_returns(expected.clone()).await.unwrap().into_inner();
    assert_eq!(first.returns[0].job, Some(jobs[0].clone()));
    assert_eq!(first.returns[0].etag, "\"1\"");
    let next = ListReturnsRequest { page_token: first.next_page_token, ..expected };
    assert_eq!(shop.api.list_returns(next).await.unwrap().into_inner().returns[0].job, Some(jobs[1].clone()));
    let none = ListReturnsRequest { claim_id: request_id(), ..ListReturnsRequest::default() };
    assert!(shop.api.list_returns(none).await.unwrap().into_inner().returns.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_are_refused_with_every_field() {
    let mut shop = Shop::with(0).await;
    let request =
        ListReservationsRequest { claim_id: "1".to_owned(), state: 99, page_size: -1, page_token: "x".to_owned() };
    let status = shop.api.list_reservations(request).await.unwrap_err();
    let mut fields = testkit::bad_fields(&status);
    fields.sort();
    assert_eq!(fields, ["claim_id", "page_size", "page_token", "state"]);
    let request = ListMovementsRequest::default();
    assert_eq!(testkit::bad_fields(&shop.api.list_movements(request).await.unwrap_err()), ["sku"]);
    let request = ListReturnsRequest { state: -1, ..ListReturnsRequest::default() };
    assert_eq!(testkit::bad_fields(&shop.api.list_returns(request).await.unwrap_err()), ["state"]);
    let unknown = GetAvailabilityRequest { sku: "?".to_owned(), batch: String::new() };
    let status = shop.api.get_availability(unknown).await.unwrap_err();
    assert_eq!((status.code(), testkit::reason(&status).as_str()), (tonic::Code::NotFound, "NOT_FOUND"));
}
