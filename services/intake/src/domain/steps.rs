//! The single decisions, and what they leave behind.

use jiff::Timestamp;
use proto::claim::Plan;

use super::{
    Answer, Claim, EVIDENCE_MAX, Event, Evidence, Moved, Promised, Proposal, ProposalState, QUESTIONS_MAX, Question,
    ReadBack, Refusal, Rules,
};

type Decided = Result<Vec<Event>, Refusal>;

/// What callers ask for.
impl Claim {
    pub(super) fn confirm_read_back(&self, now: Timestamp, by: &str, version: Option<i64>) -> Decided {
        self.going()?;
        if self.read_back.is_some() {
            return Err(Refusal::AlreadyConfirmed);
        }
        if version.is_some_and(|read| read != self.version) {
            return Err(Refusal::EtagMismatch);
        }
        Ok(vec![Event::ReadBackConfirmed(ReadBack { at: now, by: by.to_owned() })]) // S0-13
    }

    pub(super) fn add_evidence(&self, evidence: &[Evidence]) -> Decided {
        self.going()?;
        let lines = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        if let Some(piece) = evidence.iter().find(|piece| piece.line > lines) {
            return Err(Refusal::NoSuchLine { line: piece.line });
        }
        if self.evidence.len() + evidence.len() > EVIDENCE_MAX {
            return Err(Refusal::TooMuchEvidence { held: self.evidence.len() });
        }
        Ok(vec![Event::EvidenceAdded(evidence.to_vec())])
    }

    pub(super) fn answer_question(&self, now: Timestamp, id: &str, order_no: &str, address_given: bool) -> Decided {
        self.live()?;
        let question = self.question(id).filter(|question| question.is_open());
        let question = question.ok_or_else(|| Refusal::QuestionNotOpen { question_id: id.to_owned() })?;
        let (question_id, line) = (id.to_owned(), question.line);
        let answer = Answer::Question { question_id, line, order_no: order_no.to_owned(), address_given };
        Ok(vec![Event::Answered(answer, now)])
    }

    /// `never_by`: who must not have proposed the plan, if that is ruled: whoever proposes does not agree for the customer.
    pub(super) fn answer_plan(
        &self,
        now: Timestamp,
        plan_number: u32,
        accepted: bool,
        never_by: Option<&str>,
    ) -> Decided {
        self.live()?;
        let open = self.open_plan().filter(|plan| plan.number == plan_number);
        let open = open.ok_or(Refusal::PlanNotOpen { plan_number })?;
        if accepted && never_by == Some(open.proposed_by.as_str()) {
            return Err(Refusal::OwnPlan);
        }
        Ok(vec![Event::Answered(Answer::Plan { plan_number, accepted }, now)])
    }

    pub(super) fn answer_follow_up(&self, now: Timestamp, score: u32) -> Decided {
        // To a claim that has ended in the meantime the contract says the same as to one that was never asked about.
        if self.end.is_none() {
            self.live()?;
        }
        let round = self.open_follow_up().ok_or(Refusal::FollowUpNotOpen)?;
        Ok(vec![Event::Answered(Answer::FollowUp { round, score }, now)])
    }
}

/// What the orchestrator asks for.
impl Claim {
    pub(super) fn ask(&self, now: Timestamp, id: &str, reason: &str, line: u32) -> Decided {
        if let Some(known) = self.question(id) {
            let (question_id, line) = (id.to_owned(), known.line);
            let (order_no, address_given) = (known.order_no.clone(), known.address_given);
            let answer = Answer::Question { question_id, line, order_no, address_given };
            return Ok(known.answered_at.map(|_| Event::AnsweredBefore(answer)).into_iter().collect());
        }
        self.room_for_question()?;
        let question = Question { reason: reason.to_owned(), line, asked_at: Some(now), ..Question::unasked(id) };
        Ok(vec![Event::QuestionAsked(question)])
    }

    pub(super) fn close_question(&self, now: Timestamp, id: &str) -> Decided {
        match self.question(id) {
            Some(known) if !known.is_open() => return Ok(Vec::new()),
            Some(_) => {}
            None => self.room_for_question()?,
        }
        Ok(vec![Event::QuestionClosed { question_id: id.to_owned(), at: now }])
    }

    pub(super) fn propose(&self, plan: &Plan, solution: Option<Timestamp>) -> Vec<Event> {
        let known = self.proposal.as_ref().filter(|known| known.number >= plan.number);
        let Some(known) = known else { return vec![Event::PlanProposed(Box::new(plan.clone()), solution)] };
        // An older plan is void; the same one is told again what was answered.
        let accepted = match known.state {
            ProposalState::Accepted => true,
            ProposalState::Refused => false,
            ProposalState::Open | ProposalState::Withdrawn => return Vec::new(),
        };
        let same = known.number == plan.number;
        let answer = Answer::Plan { plan_number: plan.number, accepted };
        same.then_some(Event::AnsweredBefore(answer)).into_iter().collect()
    }

    pub(super) fn withdraw_plan(&self, number: u32) -> Vec<Event> {
        let waits = |known: &Proposal| known.number == number && known.state == ProposalState::Open;
        let moot = self.proposal.as_ref().is_some_and(|known| known.number >= number && !waits(known));
        if moot { Vec::new() } else { vec![Event::PlanWithdrawn(number)] }
    }

    pub(super) fn start_follow_up(&self, round: u32) -> Vec<Event> {
        let known = self.follow_up.filter(|known| known.round >= round);
        let Some(known) = known else { return vec![Event::FollowUpStarted(round)] };
        let score = known.score.filter(|_| known.round == round);
        score.map(|score| Event::AnsweredBefore(Answer::FollowUp { round, score })).into_iter().collect()
    }

    pub(super) fn move_promises(&self, rules: &Rules, moved: &[Moved]) -> Vec<Event> {
        let mut promises = self.promises.clone();
        for (promised, until) in moved {
            let promise = match promised {
                Promised::Acknowledgement => &mut promises.acknowledgement,
                Promised::FirstFeedback => &mut promises.first_feedback,
                Promised::Solution => &mut promises.solution,
            };
            *promise = until.and_then(|until| rules.until(until));
        }
        let changed = promises != self.promises;
        changed.then(|| Event::PromisesMoved(promises, self.promises.clone())).into_iter().collect()
    }

    fn room_for_question(&self) -> Result<(), Refusal> {
        if self.questions.len() >= QUESTIONS_MAX { Err(Refusal::TooManyQuestions) } else { Ok(()) }
    }
}

/// What events leave behind.
impl Claim {
    pub(super) fn answered(&mut self, answer: &Answer, at: Timestamp) {
        match answer {
            Answer::Question { question_id, line: _, order_no, address_given } => {
                if let Some(question) = self.questions.iter_mut().find(|question| question.id == *question_id) {
                    question.answered_at = Some(at);
                    question.order_no.clone_from(order_no);
                    question.address_given = *address_given;
                }
                if *address_given {
                    self.address_known = Some(true);
                }
            }
            Answer::Plan { plan_number: _, accepted } => {
                if let Some(proposal) = &mut self.proposal {
                    proposal.state = if *accepted { ProposalState::Accepted } else { ProposalState::Refused };
                }
                if !accepted {
                    self.promises.solution = None;
                }
            }
            Answer::FollowUp { round: _, score } => {
                if let Some(follow_up) = &mut self.follow_up {
                    follow_up.score = Some(*score);
                }
                self.scores.push(*score);
            }
            Answer::Withdrawal => self.withdrawal_requested = true,
            Answer::Duplicate { of, number } => self.duplicate_of = Some((*of, number.clone())),
        }
    }

    pub(super) fn question_closed(&mut self, id: &str, at: Timestamp) {
        match self.questions.iter_mut().find(|question| question.id == id) {
            Some(question) => question.closed_at = Some(at),
            None => self.questions.push(Question { closed_at: Some(at), ..Question::unasked(id) }),
        }
    }
}

impl Question {
    fn unasked(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            reason: String::new(),
            line: 0,
            asked_at: None,
            answered_at: None,
            closed_at: None,
            order_no: String::new(),
            address_given: false,
        }
    }
}
