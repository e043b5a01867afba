//! Which return is meant.

use anyhow::Result;
use proto::claim::Job;
use proto::inventory::{ListReturnsRequest, Return, ReturnState};
use tonic::Request;

use crate::claim;
use crate::connect::Session;
use crate::exit::Failure;
use crate::pages::Limit;

/// A return by its claim.
#[derive(Clone, Debug, clap::Args)]
pub struct Named {
    /// The claim, by number or id.
    pub claim: String,
    /// The line of the claim, from 1; needed if several lines come back.
    #[arg(long)]
    pub line: Option<u32>,
    /// The round of the claim; without it the newest.
    #[arg(long)]
    pub round: Option<u32>,
    /// The attempt of the return; without it the newest.
    #[arg(long)]
    pub attempt: Option<u32>,
}

impl Named {
    fn means(&self, job: &Job) -> bool {
        let fits = |wanted: Option<u32>, number: u32| wanted.is_none_or(|wanted| wanted == number);
        fits(self.line, job.line) && fits(self.round, job.round) && fits(self.attempt, job.attempt)
    }
}

/// All returns that a name may mean, oldest first, and the id of their claim.
pub async fn all(named: &Named, session: &Session) -> Result<(String, Vec<Return>)> {
    let claim_id = claim::id(Some(&named.claim), session).await?;
    let mut service = session.clients.inventory()?;
    let found = Limit::ALL.read(async |page_size, page_token| {
        let request = ListReturnsRequest { claim_id: claim_id.clone(), page_size, page_token, ..Default::default() };
        let page = service.list_returns(Request::new(request)).await?.into_inner();
        Ok((page.returns, page.next_page_token))
    });
    let mut returns = found.await?.rows;
    returns.retain(|goods| goods.job.as_ref().is_some_and(|job| named.means(job)));
    Ok((claim_id, returns))
}

/// The one return that is meant: of one line the newest that was not called off, whatever has come of it. So the same
/// command again means the same return.
pub async fn one(named: &Named, session: &Session) -> Result<Return> {
    let (_, returns) = all(named, session).await?;
    choose(returns, &named.claim)
}

fn choose(mut returns: Vec<Return>, claim: &str) -> Result<Return> {
    let job = |goods: &Return| goods.job.clone().unwrap_or_default();
    let mut lines: Vec<u32> = returns.iter().map(|goods| job(goods).line).collect();
    lines.sort_unstable();
    lines.dedup();
    if lines.len() > 1 {
        let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
        let text = format!("lines {} of {claim} come back: say which by --line", lines.join(", "));
        return Err(Failure::Usage(text).into());
    }
    returns.sort_by_key(|goods| {
        let job = job(goods);
        (goods.state() != ReturnState::Cancelled, job.round, job.attempt)
    });
    Ok(returns.pop().ok_or_else(|| Failure::NotFound(format!("no such return of {claim} is expected")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goods(line: u32, round: u32, attempt: u32, state: ReturnState) -> Return {
        let job = Job { claim_id: "c".to_owned(), round, line, attempt };
        Return { job: Some(job), state: state.into(), ..Return::default() }
    }

    #[test]
    fn a_return_is_the_newest_of_its_line_that_was_not_called_off() {
        use ReturnState::{Cancelled, ClosedShort, Expected};
        let chosen = |returns| choose(returns, "RD-1").map(|goods: Return| goods.job.unwrap());
        let job =
            chosen(vec![goods(1, 1, 1, Expected), goods(1, 1, 2, ClosedShort), goods(1, 1, 3, Cancelled)]).unwrap();
        assert_eq!((job.round, job.attempt), (1, 2));
        assert_eq!(chosen(vec![goods(1, 2, 1, Expected), goods(1, 1, 9, Expected)]).unwrap().round, 2);
        assert_eq!(chosen(vec![goods(1, 1, 1, Cancelled)]).unwrap().attempt, 1);
    }

    #[test]
    fn several_lines_are_asked_about_and_none_is_not_found() {
        let two = vec![goods(2, 1, 1, ReturnState::Expected), goods(1, 1, 1, ReturnState::Expected)];
        let error = choose(two, "RD-1").unwrap_err();
        assert_eq!(
            (crate::exit::code(&error), error.to_string()),
            (2, "lines 1, 2 of RD-1 come back: say which by --line".into())
        );
        assert_eq!(crate::exit::code(&choose(Vec::new(), "RD-1").unwrap_err()), 3);
    }
}
