//! What customers report, and how their claims get in.

use proto::claim::{Category, Channel, ClaimState, Resolution};
use proto::intake::{
    AnswerFollowUpRequest, AnswerPlanRequest, Claim, Contact, GetClaimRequest, NewLine, SubmitClaimRequest,
    WithdrawClaimRequest,
};
use proto::triage::{OrderLine, RecordOrdersRequest};
use testkit::{eventually, request_id};

use crate::World;

/// What a customer reports.
pub type Report = SubmitClaimRequest;

/// One line of a report.
pub fn line(order: &str, sku: &str, quantity: u32, category: Category, wish: Resolution) -> NewLine {
    NewLine {
        order_no: order.to_owned(),
        sku: sku.to_owned(),
        quantity,
        category: category.into(),
        wish: wish.into(),
        description: "it does not work as it should".to_owned(),
        ..NewLine::default()
    }
}

impl World {
    /// A report of a customer on the web.
    pub fn report(&self, customer: &str, lines: Vec<NewLine>) -> Report {
        let contact = Contact {
            customer_name: "Ada Example".to_owned(),
            email: "ada@example.com".to_owned(),
            address: "1 Example Road".to_owned(),
            ..Contact::default()
        };
        SubmitClaimRequest {
            request_id: request_id(),
            channel: Channel::Web.into(),
            customer_ref: customer.to_owned(),
            contact: Some(contact),
            lines,
            country: "GB".to_owned(),
            attested: true,
            ..SubmitClaimRequest::default()
        }
    }

    /// Submits a report; gives the claim's id.
    pub async fn submit(&self, report: Report) -> String {
        let submitted = self.intake().await.submit_claim(report).await.expect("the claim is accepted").into_inner();
        submitted.claim.expect("the claim comes back").claim_id
    }

    /// Submits a claim of one line by the customer who bought the goods.
    pub async fn claim(&self, order: &str, sku: &str, quantity: u32, category: Category, wish: Resolution) -> String {
        self.submit(self.report("C-1", vec![line(order, sku, quantity, category, wish)])).await
    }

    /// The customer withdraws.
    pub async fn withdraw(&self, claim: &str) {
        let ask = WithdrawClaimRequest { request_id: request_id(), claim_id: claim.to_owned(), text: String::new() };
        self.intake().await.withdraw_claim(ask).await.expect("it can be withdrawn");
    }

    /// The claim as the customer sees it, once it is as wanted: what the orchestrator knows reaches intake a little later.
    pub async fn seen_by_customer(&self, claim: &str, wanted: impl Fn(&Claim) -> bool) -> Claim {
        eventually(async || {
            let ask = GetClaimRequest { claim_id: claim.to_owned(), claim_number: String::new() };
            self.intake().await.get_claim(ask).await.ok()?.into_inner().claim.filter(|claim| wanted(claim))
        })
        .await
    }

    /// The customer answers the plan that was proposed.
    pub async fn answer_plan(&self, claim: &str, plan_number: u32, accepted: bool) {
        let is_open = |seen: &Claim| seen.open_plan.as_ref().is_some_and(|plan| plan.number == plan_number);
        self.seen_by_customer(claim, is_open).await;
        let answer = AnswerPlanRequest {
            request_id: request_id(),
            claim_id: claim.to_owned(),
            plan_number,
            accepted,
            text: String::new(),
        };
        self.intake().await.answer_plan(answer).await.expect("the plan waits for an answer");
    }

    /// The customer tells how satisfied they are.
    pub async fn score(&self, claim: &str, score: u32) {
        self.seen_by_customer(claim, |seen| seen.state() == ClaimState::FollowingUp).await;
        let answer =
            AnswerFollowUpRequest { request_id: request_id(), claim_id: claim.to_owned(), score, text: String::new() };
        self.intake().await.answer_follow_up(answer).await.expect("the follow-up is open");
    }

    /// Goods were sold to customer C-1 and delivered some days ago.
    pub async fn sold(&self, order: &str, sku: &str, quantity: u32, price_minor: i64, days_ago: i64) {
        self.sold_to("C-1", order, sku, quantity, price_minor, days_ago).await;
    }

    /// The same of another customer; empty: of nobody known.
    pub async fn sold_to(
        &self,
        customer: &str,
        order: &str,
        sku: &str,
        quantity: u32,
        price_minor: i64,
        days_ago: i64,
    ) {
        let day = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date() - jiff::Span::new().days(days_ago);
        let line = OrderLine {
            order_no: order.to_owned(),
            sku: sku.to_owned(),
            customer_ref: customer.to_owned(),
            quantity,
            unit_price: Some(proto::claim::Money { minor_units: price_minor, currency: "GBP".to_owned() }),
            purchased_on: day.to_string(),
            delivered_on: day.to_string(),
            ..OrderLine::default()
        };
        let orders = RecordOrdersRequest { request_id: request_id(), lines: vec![line] };
        self.triage().await.record_orders(orders).await.expect("orders are recorded");
    }
}
