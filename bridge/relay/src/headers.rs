//! Which headers to submit: from the last block both chains share, in batches, lowest first.

use crate::{Hash, action::Hold};

/// The hub's light client: its tip and enough blocks below it to find a fork.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightClientView {
    /// Consecutive blocks of the light client's best chain, highest first; the first is the tip.
    pub recent: Vec<(u32, Hash)>,
}

/// Our node's best chain over the same heights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Height of the node's best block.
    pub tip: u32,
    /// Hashes of the node's best chain at the heights of [`LightClientView::recent`], where it has them.
    pub at: Vec<(u32, Hash)>,
}

/// What to do about headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderPlan {
    /// Submit the node's headers of these heights, in this order, in one message.
    Submit {
        /// First height.
        from: u32,
        /// Last height, inclusive.
        to: u32,
    },
    /// Submit nothing.
    Hold(Hold),
}

/// Limits of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Most headers in a message. A fork is submitted whole even when it is longer, since it must outweigh the tip.
    pub batch: u32,
    /// Deepest fork submitted without a human, in blocks. Below k, since at k the contract quarantines stakes.
    pub max_fork: u32,
}

/// Decides which headers the light client needs.
pub fn plan_headers(light_client: &LightClientView, node: &NodeView, limits: HeaderLimits) -> HeaderPlan {
    let Some(&(lc_tip, _)) = light_client.recent.first() else { return HeaderPlan::Hold(Hold::UpToDate) };
    let Some(common) = last_common(light_client, node) else {
        let depth = u32::try_from(light_client.recent.len()).unwrap_or(u32::MAX);
        return HeaderPlan::Hold(if node.tip < lc_tip {
            behind(node, lc_tip)
        } else {
            Hold::DeepFork { depth }
        });
    };
    let undone = lc_tip.saturating_sub(common);
    if undone > limits.max_fork && node.tip > lc_tip {
        return HeaderPlan::Hold(Hold::DeepFork { depth: undone });
    }
    if node.tip <= lc_tip {
        // Equal heights on two branches: the first one seen stays until one outgrows the other.
        return HeaderPlan::Hold(if node.tip < lc_tip { behind(node, lc_tip) } else { Hold::UpToDate });
    }
    let first = common.saturating_add(1);
    let batch_end = common.saturating_add(limits.batch.max(1));
    let outweighs = lc_tip.saturating_add(u32::from(undone > 0));
    HeaderPlan::Submit { from: first, to: node.tip.min(batch_end.max(outweighs)) }
}

fn behind(node: &NodeView, light_client: u32) -> Hold {
    Hold::NodeBehind { node: node.tip, light_client }
}

fn last_common(light_client: &LightClientView, node: &NodeView) -> Option<u32> {
    light_client.recent.iter().find(|block| node.at.contains(block)).map(|(height, _)| *height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: HeaderLimits = HeaderLimits { batch: 100, max_fork: 5 };

    fn hash(height: u32, branch: u8) -> Hash {
        let mut h = [branch; 32];
        h[..4].copy_from_slice(&height.to_be_bytes());
        h
    }

    fn light_client(tip: u32, fork_at: u32, window: u32) -> LightClientView {
        let low = tip.saturating_sub(window);
        let recent = (low..=tip).rev().map(|h| (h, hash(h, u8::from(h > fork_at)))).collect();
        LightClientView { recent }
    }

    fn node(tip: u32, lc: &LightClientView) -> NodeView {
        let at = lc.recent.iter().map(|(h, _)| *h).filter(|h| *h <= tip).map(|h| (h, hash(h, 0))).collect();
        NodeView { tip, at }
    }

    #[test]
    fn new_blocks_are_submitted_in_batches_from_the_tip() {
        let lc = light_client(100, 100, 10);
        assert_eq!(plan_headers(&lc, &node(350, &lc), LIMITS), HeaderPlan::Submit { from: 101, to: 200 });
        assert_eq!(plan_headers(&lc, &node(101, &lc), LIMITS), HeaderPlan::Submit { from: 101, to: 101 });
        assert_eq!(plan_headers(&lc, &node(100, &lc), LIMITS), HeaderPlan::Hold(Hold::UpToDate));
    }

    #[test]
    fn a_fork_is_submitted_whole_even_when_longer_than_a_batch() {
        let lc = light_client(100, 96, 10);
        let limits = HeaderLimits { batch: 2, max_fork: 5 };
        assert_eq!(plan_headers(&lc, &node(101, &lc), limits), HeaderPlan::Submit { from: 97, to: 101 });
    }

    /// Reliability R3: nothing is sent on a fork of k or more blocks.
    #[test]
    fn a_deep_fork_waits_for_a_human() {
        let lc = light_client(100, 90, 20);
        assert_eq!(
            plan_headers(&lc, &node(120, &lc), LIMITS),
            HeaderPlan::Hold(Hold::DeepFork { depth: 10 })
        );
        let beyond = light_client(100, 10, 20);
        assert!(matches!(
            plan_headers(&beyond, &node(120, &beyond), LIMITS),
            HeaderPlan::Hold(Hold::DeepFork { depth: 21 })
        ));
    }

    /// Reliability fault 8: the light client may be ahead of our node.
    #[test]
    fn a_node_behind_submits_nothing() {
        let lc = light_client(100, 100, 10);
        assert_eq!(
            plan_headers(&lc, &node(95, &lc), LIMITS),
            HeaderPlan::Hold(Hold::NodeBehind { node: 95, light_client: 100 })
        );
    }

    proptest! {
        #[test]
        fn what_is_submitted_always_connects_and_outgrows(tip in 20u32..500, fork in 0u32..10, ahead in 0u32..300, batch in 1u32..150) {
            let lc = light_client(tip, tip - fork, 12);
            let node = node(tip + ahead, &lc);
            if let HeaderPlan::Submit { from, to } = plan_headers(&lc, &node, HeaderLimits { batch, max_fork: 5 }) {
                prop_assert_eq!(from, tip - fork + 1);
                prop_assert!(to > tip || fork == 0);
                prop_assert!(to >= from && to <= node.tip);
            }
        }
    }
}
