//! The headers part: keeps the hub's light client at our node's best chain.

use anyhow::Result;
use bitcoin::BlockHash;
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash as _;
use bridge_relay::action::Hold;
use bridge_relay::headers::{HeaderLimits, HeaderPlan, LightClientView, NodeView, plan_headers};
use staking_api::Binary;
use staking_api::light_client::{Blocks, ExecuteMsg, QueryMsg};
use staking_clients::bitcoin::BitcoinSource;
use staking_clients::cosmos::{Writer, smart_query};

/// Blocks of the light client looked at for a fork; more than any reorg that is followed without a human.
const WINDOW: u32 = 60;

/// Where headers come from and go to.
pub struct Headers<'a> {
    /// Our node.
    pub bitcoin: &'a dyn BitcoinSource,
    /// The hub, and the account that pays.
    pub hub: &'a Writer<'a>,
    /// Address of `btc-light-client`.
    pub light_client: &'a str,
    /// Batch size and deepest fork.
    pub limits: HeaderLimits,
}

/// What a round did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// Headers of these heights, inclusive.
    Range(u32, u32),
    /// Nothing, and why.
    Nothing(Hold),
}

impl Headers<'_> {
    /// Submits one batch, if one is due.
    ///
    /// # Errors
    /// When node or hub cannot be reached, or the contract refuses.
    pub fn round(&self) -> Result<Submitted> {
        let light_client = self.light_client_view()?;
        let node = self.node_view(&light_client)?;
        match plan_headers(&light_client, &node, self.limits) {
            HeaderPlan::Hold(hold) => Ok(Submitted::Nothing(hold)),
            HeaderPlan::Submit { from, to } => {
                let headers = Binary(self.headers(from, to)?);
                self.hub.execute(
                    self.light_client,
                    &ExecuteMsg::SubmitHeaders { headers, limit: None },
                    &[],
                )?;
                Ok(Submitted::Range(from, to))
            }
        }
    }

    /// Submits batches until nothing is due.
    ///
    /// # Errors
    /// As [`Self::round`].
    pub fn catch_up(&self) -> Result<Hold> {
        loop {
            if let Submitted::Nothing(hold) = self.round()? {
                return Ok(hold);
            }
        }
    }

    fn light_client_view(&self) -> Result<LightClientView> {
        let query = QueryMsg::Headers { start_after: None, limit: Some(WINDOW), descending: true };
        let page: Blocks = smart_query(self.hub.chain(), self.light_client, &query)?;
        Ok(LightClientView { recent: page.blocks.iter().map(|b| (b.height, b.hash.to_bytes())).collect() })
    }

    /// Asks the node from the top down, and stops at the first block both have.
    fn node_view(&self, light_client: &LightClientView) -> Result<NodeView> {
        let tip = self.bitcoin.chain_info()?.blocks;
        let mut at = Vec::new();
        for &(height, hash) in light_client.recent.iter().filter(|(height, _)| *height <= tip) {
            let ours = self.bitcoin.block_hash(height)?.to_byte_array();
            at.push((height, ours));
            if ours == hash {
                break;
            }
        }
        Ok(NodeView { tip, at })
    }

    fn headers(&self, from: u32, to: u32) -> Result<Vec<u8>> {
        let mut raw = Vec::new();
        let mut parent: Option<BlockHash> = None;
        for height in from..=to {
            let hash = self.bitcoin.block_hash(height)?;
            let header = self.bitcoin.header(hash)?;
            // A reorg between two calls would give headers that do not connect: the next round sees it whole.
            if parent.is_some_and(|p| p != header.prev_blockhash) {
                anyhow::bail!("the node's chain changed while headers were read; nothing was sent");
            }
            parent = Some(hash);
            raw.extend_from_slice(&serialize(&header));
        }
        Ok(raw)
    }
}
