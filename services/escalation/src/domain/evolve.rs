//! What an event does to a claim. It never fails and never decides.

use chassis::work::Ended;

use super::{Approval, ApprovalState, Claim, Clock, ClockKey, ClockState, Event, Item, ItemState};

/// Applies an event.
pub fn evolve(claim: &mut Claim, event: &Event) {
    match event {
        Event::RoundBegun(round) => claim.head.round = *round,
        Event::ChannelKnown(channel) => claim.head.channel = *channel,
        Event::InvolvedKnown(involved) => claim.head.involved.clone_from(involved),
        Event::KindStopped(kind, round) => drop(claim.head.stopped.insert(*kind, *round)),
        Event::Paused(at) => claim.head.paused_since = Some(*at),
        Event::Resumed => claim.head.paused_since = None,
        Event::ClockStarted(clock) => drop(claim.clocks.insert(clock.key, clock.clone())),
        Event::ClockRetargeted(clock) | Event::ClockReckoned(clock, _) | Event::ClockResumed(clock) => {
            change(claim, &clock.key, |known| known.clone_from(clock))
        }
        Event::ClockPaused(key, left) => change(claim, key, |clock| {
            (clock.state, clock.left, clock.next_at) = (ClockState::Paused, *left, None);
        }),
        Event::ClockStopped(key, at) => change(claim, key, |clock| {
            (clock.state, clock.next_at, clock.stopped_at) = (ClockState::Stopped, None, Some(*at));
            clock.provisional = false;
        }),
        Event::KeptAfterBreach(key, at) => change(claim, key, |clock| clock.stopped_at = Some(*at)),
        Event::ClockWarned(key, percent, _, next_at) => change(claim, key, |clock| {
            (clock.warned, clock.next_at) = (*percent, Some(*next_at));
        }),
        Event::ClockBreached(key, deadline, _) => change(claim, key, |clock| {
            (clock.state, clock.breached_at) = (ClockState::Breached, Some(*deadline));
            clock.provisional = false;
        }),
        Event::LevelRaised(escalation, next_at) => {
            change(claim, &escalation.clock, |clock| {
                (clock.level, clock.next_at) = (escalation.level, *next_at);
            });
            claim.raised.push(escalation.clone());
        }
        Event::LadderEnded(key) => change(claim, key, |clock| clock.next_at = None),
        Event::ApprovalRequested(approval) => drop(claim.approvals.insert(approval.plan_number, approval.clone())),
        Event::ApprovalGranted(plan, by) => settle(claim, *plan, ApprovalState::Granted, by),
        Event::ApprovalDenied(plan, by) => settle(claim, *plan, ApprovalState::Denied, by),
        Event::ApprovalCancelled(plan) => settle(claim, *plan, ApprovalState::Cancelled, ""),
        Event::ItemOpened(item) => drop(claim.items.insert(item.work.id, item.clone())),
        Event::ItemDecided(id, ruling, ended) => item(claim, id, |item| {
            item.ruling = Some(*ruling);
            item.work.end(ItemState::Decided, ended.clone());
        }),
        Event::ItemClosed(id, at) => item(claim, id, |item| {
            item.work.end(ItemState::Closed, Ended { by: String::new(), note: String::new(), at: *at });
        }),
        Event::ItemMoved(change) => {
            item(claim, &change.item, |item| item.work.apply(change));
            claim.moved.push(change.clone());
        }
        // Who has read it may still decide: its version stays.
        Event::ItemOverdue(id, role, at) => item(claim, id, |item| {
            item.overdue = true;
            item.work.raised = Some((*role, *at));
        }),
        Event::TaskWithdrawn(task) => drop(claim.withdrawn.insert(*task)),
        // Answers to the orchestrator: nothing changes by telling.
        Event::TaskDecided(_) | Event::TaskClosed(_) => {}
    }
}

fn change(claim: &mut Claim, key: &ClockKey, how: impl FnOnce(&mut Clock)) {
    if let Some(clock) = claim.clocks.get_mut(key) {
        how(clock);
    }
}

fn item(claim: &mut Claim, id: &uuid::Uuid, how: impl FnOnce(&mut Item)) {
    if let Some(item) = claim.items.get_mut(id) {
        how(item);
    }
}

fn settle(claim: &mut Claim, plan: u32, state: ApprovalState, by: &str) {
    let approval = claim.approvals.entry(plan).or_insert_with(|| Approval {
        plan_number: plan,
        state,
        plan: None,
        chain: Vec::new(),
        decided_by: String::new(),
    });
    approval.state = state;
    by.clone_into(&mut approval.decided_by);
}
