//! What all who work on the claims know together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::claim::ClaimState;
use proto::intake::WithdrawClaimRequest;

use super::call::{About, Actor, Answer, Lines, customer};
use super::dice::Dice;
use super::life::{Life, Moment};
use super::texts;
use proto::method::Mutation;

/// Of a hundred calls so many are sent twice at once.
const TWICE: u32 = 8;

/// An acknowledged claim, and its plan.
#[derive(Debug)]
pub struct Case {
    /// The claim.
    pub claim: String,
    /// Its plan.
    pub life: Arc<Life>,
    /// 1: the same content was reported before.
    pub copy: u32,
    withdrawn: AtomicBool,
    failures: Mutex<BTreeMap<u32, Vec<String>>>,
}

impl Case {
    /// What chance is asked about: two claims with the same content have different fates.
    pub fn key(&self) -> u64 {
        u64::from(self.life.index) * 2 + u64::from(self.copy)
    }

    /// How many other failures of a line were put before a person earlier than this one.
    pub fn failures_before(&self, line: u32, item: &str) -> usize {
        let mut failures = lock(&self.failures);
        let items = failures.entry(line).or_default();
        if let Some(at) = items.iter().position(|known| known == item) {
            return at;
        }
        items.push(item.to_owned());
        items.len() - 1
    }
}

/// The world around Redress.
#[derive(Debug)]
pub struct World {
    /// Chance.
    pub dice: Dice,
    /// The lines to the services.
    pub lines: Lines,
    /// Deeds that are being done.
    pub busy: AtomicUsize,
    /// Every report was made.
    pub all_reported: AtomicBool,
    /// Reports that were sent, and those whose outcome was never known.
    pub submitted: AtomicUsize,
    /// Submissions whose outcome was never known.
    pub unknown: AtomicUsize,
    /// The last state that was seen of each claim, and why it ended.
    pub states: Mutex<BTreeMap<String, (ClaimState, String)>>,
    board: Mutex<BTreeMap<String, Arc<Case>>>,
    arrived: Mutex<BTreeSet<(String, u32, u32)>>,
    surprises: Mutex<Vec<String>>,
}

impl World {
    /// A world without claims.
    pub fn new(dice: Dice, lines: Lines) -> Self {
        Self {
            dice,
            lines,
            busy: AtomicUsize::new(0),
            all_reported: AtomicBool::new(false),
            submitted: AtomicUsize::new(0),
            unknown: AtomicUsize::new(0),
            states: Mutex::default(),
            board: Mutex::default(),
            arrived: Mutex::default(),
            surprises: Mutex::default(),
        }
    }

    /// A claim was acknowledged. The same claim may be acknowledged again.
    pub fn admit(&self, claim: &str, life: &Arc<Life>, copy: u32) -> Arc<Case> {
        let case = || Case {
            claim: claim.to_owned(),
            life: Arc::clone(life),
            copy,
            withdrawn: AtomicBool::new(false),
            failures: Mutex::default(),
        };
        let mut board = lock(&self.board);
        let case = board.entry(claim.to_owned()).or_insert_with(|| Arc::new(case()));
        if (case.life.index, case.copy) != (life.index, copy) {
            self.surprise(format!("claim {claim} was acknowledged to {} and to {}", case.life.index, life.index));
        }
        Arc::clone(case)
    }

    /// An acknowledged claim of ours.
    pub fn case(&self, claim: &str) -> Option<Arc<Case>> {
        lock(&self.board).get(claim).cloned()
    }

    /// All of them.
    pub fn cases(&self) -> Vec<Arc<Case>> {
        lock(&self.board).values().cloned().collect()
    }

    /// Goods of a line have come back to the warehouse.
    pub fn arrive(&self, claim: &str, round: u32, line: u32) {
        lock(&self.arrived).insert((claim.to_owned(), round, line));
    }

    /// Whether they have.
    pub fn has_arrived(&self, claim: &str, round: u32, line: u32) -> bool {
        lock(&self.arrived).contains(&(claim.to_owned(), round, line))
    }

    /// Something was not as planned.
    pub fn surprise(&self, text: String) {
        lock(&self.surprises).push(text);
    }

    /// What was not as planned.
    pub fn surprises(&self) -> Vec<String> {
        lock(&self.surprises).clone()
    }

    /// A request id for an act about a claim.
    pub fn id(&self, case: &Case, what: &str) -> String {
        self.dice.request_id(&[&case.key().to_string(), &case.claim, what])
    }

    /// Something is done about a claim, now and then by a caller who sends everything twice.
    pub async fn act<M: Mutation>(&self, case: &Case, actor: &Actor, what: &str, request: M) -> Answer<M::Reply> {
        let tag = format!("c{}.{}/{:?}/{what}", case.life.index, case.copy, case.life.story);
        let about = About { actor: actor.clone(), claim: Some(case.claim.clone()), tag };
        if self.dice.percent(case.key(), &format!("twice/{what}"), TWICE) {
            let again = About { tag: format!("{}/again", about.tag), ..about.clone() };
            let both = (self.lines.insist(&about, request.clone()), self.lines.insist(&again, request));
            return tokio::join!(both.0, both.1).0;
        }
        self.lines.insist(&about, request).await
    }

    /// The customer withdraws, if this is the moment that was planned for it.
    pub async fn withdraw_at(&self, case: &Case, moment: Moment) -> bool {
        if case.life.withdraws != Some(moment) || case.withdrawn.swap(true, Ordering::Relaxed) {
            return false;
        }
        let text = texts::description(&mut self.dice.about(case.key(), "why"));
        let request = WithdrawClaimRequest {
            request_id: self.id(case, "withdraw"),
            claim_id: case.claim.clone(),
            text: text.chars().take(1_000).collect(),
        };
        let answer = self.act(case, &customer(), &format!("withdraw {moment:?}"), request).await;
        if let Answer::Refused(reason) = answer
            && !matches!(reason.as_str(), "CLAIM_ENDED" | "ALREADY_WITHDRAWN" | "ALREADY_DUPLICATE")
        {
            self.surprise(format!("claim {}: a withdrawal was refused: {reason}", case.claim));
        }
        true
    }
}

/// What a panicking deed left behind is still true.
pub fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
