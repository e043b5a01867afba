//! Mistakes that the tests plant, to see that the walk over every past finds them. Outside tests none is ever planted.

/// A plausible mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// Stock is not given back when a claim is given up.
    ForgetRelease,
    /// Answers are taken without looking at the attempt.
    AcceptStale,
    /// Every plan is taken as approved.
    SkipApproval,
    /// What was announced is refunded, not what was counted.
    SettleAnnounced,
    /// Stock is asked for before the ledger grants it.
    SkipEntitlement,
    /// A repeated message is told again.
    AskTwice,
    /// A withdrawn claim ends without undoing anything.
    EndAtOnce,
    /// Work that was asked and not answered counts as not done.
    ForgetInDoubt,
    /// The next attempt has the name of the last.
    ReuseName,
    /// A parcel under way is not brought back.
    LetItGo,
    /// What was promised and not given stays promised.
    KeepEntitlement,
    /// What was replaced stays given although the faulty unit came back.
    KeepReplaced,
    /// What is not as the claim says counts for it, and nobody is asked.
    SkipJudgement,
    /// What depends on other lines is paid whatever becomes of them.
    SkipOthers,
    /// A plan that does not fit is carried out.
    SkipBasis,
    /// What was to be sent in the place of a parcel that turns up is not called off.
    SendTwice,
}

#[cfg(not(test))]
pub(super) const fn planted(_: Mistake) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    /// The mistake of the running test.
    pub(super) static PLANTED: std::cell::Cell<Option<Mistake>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
pub(super) fn planted(mistake: Mistake) -> bool {
    PLANTED.get() == Some(mistake)
}
