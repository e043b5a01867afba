//! The customers' first word: claims are reported, some of them twice, some of them badly.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proto::claim::Channel;
use proto::intake::{
    AddEvidenceRequest, ConfirmReadBackRequest, ContactDirection, Evidence, LogContactRequest, MarkDuplicateRequest,
    SubmitClaimRequest,
};
use tokio::task::JoinSet;

use super::call::{About, Actor, Answer, customer};
use super::goods;
use super::life::{Life, Moment, Repeat};
use super::world::{Case, World};

/// A new claim comes so often.
const EVERY: Duration = Duration::from_millis(40);

/// Reports every claim, one after the other comes in.
pub async fn arrive(world: Arc<World>, lives: Vec<Arc<Life>>) {
    let mut reports = JoinSet::new();
    for life in lives {
        if world.lines.is_over() {
            break;
        }
        reports.spawn(report(Arc::clone(&world), life));
        tokio::time::sleep(EVERY).await;
    }
    reports.join_all().await;
    world.all_reported.store(true, Ordering::Relaxed);
}

async fn report(world: Arc<World>, life: Arc<Life>) {
    if life.clumsy {
        let mut bad = request(&world, &life, "bad");
        bad.attested = false;
        bad.lines[0].description = "x".repeat(4_001);
        let answer = world.lines.insist(&about(&life, "bad report"), bad).await;
        expect(&world, &life, &answer, "MALFORMED");
    }
    let first = request(&world, &life, "0");
    let twin = life.repeat == Repeat::Same && world.dice.percent(u64::from(life.index), "at once", 50);
    let case = if twin {
        tokio::join!(submit(&world, &life, 0, first.clone()), submit(&world, &life, 0, first.clone())).0
    } else {
        submit(&world, &life, 0, first.clone()).await
    };
    world.submitted.fetch_add(1, Ordering::Relaxed);
    let Some(case) = case else {
        world.unknown.fetch_add(1, Ordering::Relaxed);
        return;
    };
    match life.repeat {
        Repeat::Same if !twin => drop(submit(&world, &life, 0, first).await),
        Repeat::Other => {
            let other = SubmitClaimRequest { importance: (first.importance + 1) % 4, ..first };
            let answer = world.lines.insist(&about(&life, "reused id"), other).await;
            expect(&world, &life, &answer, "REQUEST_ID_REUSED");
        }
        Repeat::Twice => {
            world.submitted.fetch_add(1, Ordering::Relaxed);
            match submit(&world, &life, 1, request(&world, &life, "1")).await {
                Some(copy) if life.merged => merge(&world, &copy, &case).await,
                Some(_) => {}
                None => drop(world.unknown.fetch_add(1, Ordering::Relaxed)),
            }
        }
        Repeat::Same | Repeat::No => {}
    }
    tokio::join!(afterwards(&world, &case), goods::correct(&world, &life));
}

/// Somebody sees that it was reported twice. By then either may have ended.
async fn merge(world: &World, copy: &Case, first: &Case) {
    let request = MarkDuplicateRequest {
        request_id: world.id(copy, "duplicate"),
        claim_id: copy.claim.clone(),
        of_claim_id: first.claim.clone(),
        etag: String::new(),
    };
    let clerk = Actor::new("specialist.1", "specialist");
    let answer = world.act(copy, &clerk, "duplicate", request).await;
    if let Answer::Refused(reason) = answer
        && !matches!(reason.as_str(), "CLAIM_ENDED" | "ALREADY_WITHDRAWN" | "ALREADY_SOLVED" | "NOT_MERGEABLE")
    {
        world.surprise(format!("claim {}: a duplicate was refused: {reason}", copy.claim));
    }
}

/// What follows the report by itself.
async fn afterwards(world: &World, case: &Case) {
    let customer = customer();
    let chance = world.dice.about(case.key(), "read back").number();
    if case.life.proves {
        let evidence = Evidence {
            sha256: format!("{chance:064x}"),
            media_type: "video/mp4".to_owned(),
            size: 4_096,
            name: "it hums.mp4".to_owned(),
            line: 0,
            audience: 0,
        };
        let (request_id, claim_id) = (world.id(case, "evidence"), case.claim.clone());
        world
            .act(case, &customer, "evidence", AddEvidenceRequest { request_id, claim_id, evidence: vec![evidence] })
            .await;
    }
    if case.life.confirms {
        let confirm = |what: &str| ConfirmReadBackRequest {
            request_id: world.id(case, what),
            claim_id: case.claim.clone(),
            etag: String::new(),
        };
        world.act(case, &customer, "read back", confirm("read back")).await;
        // Confirmed before, or ended: refused either way.
        if chance.is_multiple_of(5)
            && let Answer::Done(_) = world.act(case, &customer, "read back twice", confirm("read back twice")).await
        {
            world.surprise(format!("claim {}: the read-back was confirmed twice", case.claim));
        }
    }
    if chance.is_multiple_of(6) {
        let request = LogContactRequest {
            request_id: world.id(case, "talk"),
            claim_id: case.claim.clone(),
            at: None,
            channel: Channel::Phone.into(),
            direction: ContactDirection::Outbound.into(),
            note: "it still hums".to_owned(),
        };
        world.act(case, &Actor::new("specialist.1", "specialist"), "talk", request).await;
    }
    world.withdraw_at(case, Moment::Submitted).await;
}

fn about(life: &Life, what: &str) -> About {
    let tag = format!("c{}.0/{:?}/{what}", life.index, life.story);
    About { actor: customer(), claim: None, tag }
}

fn request(world: &World, life: &Life, which: &str) -> SubmitClaimRequest {
    let request_id = world.dice.request_id(&["submit", &life.index.to_string(), which]);
    SubmitClaimRequest { request_id, ..life.report.clone() }
}

/// Submits a claim; gives it once it is acknowledged.
async fn submit(world: &World, life: &Arc<Life>, copy: u32, request: SubmitClaimRequest) -> Option<Arc<Case>> {
    let about = About { tag: format!("c{}.{copy}/{:?}/submit", life.index, life.story), ..about(life, "") };
    match world.lines.insist(&about, request).await {
        Answer::Done(reply) => Some(world.admit(&reply.claim.unwrap_or_default().claim_id, life, copy)),
        Answer::Refused(reason) => {
            world.surprise(format!("claim {} of the plan was refused: {reason}", life.index));
            None
        }
        Answer::Unknown => None,
    }
}

fn expect<R>(world: &World, life: &Life, answer: &Answer<R>, reason: &str) {
    let as_planned = match answer {
        Answer::Refused(told) => told == reason,
        Answer::Done(_) => false,
        Answer::Unknown => true,
    };
    if !as_planned {
        let told = match answer {
            Answer::Refused(told) => told.as_str(),
            Answer::Done(_) | Answer::Unknown => "OK",
        };
        world.surprise(format!("claim {} of the plan: {told} instead of {reason}", life.index));
    }
}
