//! Which blocks to vote for: agreed by all sources asked, covered by usable randomness, above the watermark.

/// A block as one source reports it.
pub type AppHash = [u8; 32];

/// One height as all sources asked report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Block height on the consumer.
    pub height: u64,
    /// The application hash each source gave. More than one source is asked where more than one is configured.
    pub reports: Vec<AppHash>,
}

/// What a provider knows before voting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteView {
    /// Blocks not voted for yet, lowest first.
    pub candidates: Vec<Candidate>,
    /// Heights (inclusive ranges) whose randomness is committed and timestamped.
    pub usable: Vec<(u64, u64)>,
    /// Highest height the signer has signed; heights at or below it are never signed anew.
    pub watermark: Option<u64>,
    /// Reports needed for each height.
    pub quorum: usize,
}

/// A vote to ask the signer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Block height.
    pub height: u64,
    /// What is voted for.
    pub app_hash: AppHash,
}

/// Why a height is not voted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// Sources disagree about the block: no vote until they agree.
    Disagreement,
    /// Fewer sources answered than the operator asked for.
    TooFewReports,
    /// No usable randomness covers it.
    NoRandomness,
    /// At or below the watermark: it stays unvoted for ever, also after a rollback of the chain.
    BelowWatermark,
}

/// Votes to make and heights skipped with their reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VotePlan {
    /// Votes, lowest height first.
    pub votes: Vec<Vote>,
    /// Heights without a vote.
    pub skipped: Vec<(u64, Skip)>,
}

/// Decides what to vote for, at most `batch` votes.
pub fn plan_votes(view: &VoteView, batch: usize) -> VotePlan {
    let mut plan = VotePlan::default();
    for candidate in &view.candidates {
        if plan.votes.len() >= batch {
            break;
        }
        match judge(candidate, view) {
            Ok(app_hash) => plan.votes.push(Vote { height: candidate.height, app_hash }),
            Err(skip) => plan.skipped.push((candidate.height, skip)),
        }
    }
    plan
}

fn judge(candidate: &Candidate, view: &VoteView) -> Result<AppHash, Skip> {
    if view.watermark.is_some_and(|w| candidate.height <= w) {
        return Err(Skip::BelowWatermark);
    }
    let first = candidate.reports.first().ok_or(Skip::TooFewReports)?;
    if candidate.reports.iter().any(|report| report != first) {
        return Err(Skip::Disagreement);
    }
    if candidate.reports.len() < view.quorum {
        return Err(Skip::TooFewReports);
    }
    if !view.usable.iter().any(|(low, high)| (*low..=*high).contains(&candidate.height)) {
        return Err(Skip::NoRandomness);
    }
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(reports: Vec<AppHash>) -> VoteView {
        VoteView {
            candidates: vec![Candidate { height: 10, reports }],
            usable: vec![(5, 20)],
            watermark: Some(9),
            quorum: 1,
        }
    }

    #[test]
    fn an_agreed_block_is_voted_for() {
        let plan = plan_votes(&view(vec![[1; 32], [1; 32]]), 5);
        assert_eq!(plan.votes, [Vote { height: 10, app_hash: [1; 32] }]);
    }

    /// Reliability Y1: two nodes with different blocks at one height mean no vote.
    #[test]
    fn disagreeing_nodes_mean_no_vote() {
        let plan = plan_votes(&view(vec![[1; 32], [2; 32]]), 5);
        assert_eq!(plan.skipped, [(10, Skip::Disagreement)]);
    }

    #[test]
    fn one_answer_is_not_enough_where_two_are_asked_for() {
        let asked = VoteView { quorum: 2, ..view(vec![[1; 32]]) };
        assert_eq!(plan_votes(&asked, 5).skipped, [(10, Skip::TooFewReports)]);
    }

    /// Reliability R9: after a rollback the old heights stay unvoted.
    #[test]
    fn heights_at_or_below_the_watermark_stay_unvoted() {
        let rolled_back = VoteView { watermark: Some(10), ..view(vec![[3; 32]]) };
        assert_eq!(plan_votes(&rolled_back, 5).skipped, [(10, Skip::BelowWatermark)]);
    }

    #[test]
    fn no_vote_without_usable_randomness_and_no_more_than_a_batch() {
        let bare = VoteView { usable: vec![(11, 20)], ..view(vec![[1; 32]]) };
        assert_eq!(plan_votes(&bare, 5).skipped, [(10, Skip::NoRandomness)]);
        assert!(plan_votes(&view(vec![[1; 32]]), 0).votes.is_empty());
    }
}
