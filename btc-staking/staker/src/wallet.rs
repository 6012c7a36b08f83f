//! Coins: following the chain and funding a stake, on BDK. The wallet is watch-only; the seed signs.

use crate::seed::Seed;
use bdk_wallet::bitcoin::{Address, Amount, FeeRate, ScriptBuf, Transaction, psbt};
use bdk_wallet::{KeychainKind, SignOptions, TxOrdering, Wallet};
use staking_clients::ClientError;
use staking_clients::bitcoin::BitcoinSource;
use staking_protocol::tx::Sat;

/// Why coins cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// The descriptors do not make a wallet.
    #[error("wallet: {0}")]
    Descriptor(String),
    /// The node could not be asked.
    #[error(transparent)]
    Node(#[from] ClientError),
    /// A block does not connect to what the wallet knows.
    #[error("block {height} does not connect to the wallet's chain")]
    Disconnected {
        /// Height of the block.
        height: u32,
    },
    /// No transaction could be built.
    #[error("cannot fund: {0}")]
    Funding(String),
    /// The fee rate is above what is possible.
    #[error("fee rate of {0} sat per 1 000 vB is out of range")]
    FeeRate(u64),
    /// The seed did not sign everything.
    #[error("the wallet did not sign its own coins: {0}")]
    Signing(String),
}

/// Makes a watch-only wallet of a seed, without storage. A program with a database loads a persisted one instead.
///
/// # Errors
/// [`WalletError::Descriptor`].
pub fn watch_only(seed: &Seed) -> Result<Wallet, WalletError> {
    let wrong = |e: &dyn core::fmt::Display| WalletError::Descriptor(e.to_string());
    let (receive, change) = seed.descriptors().map_err(|e| wrong(&e))?;
    Wallet::create(receive, change).network(seed.network()).create_wallet_no_persist().map_err(|e| wrong(&e))
}

/// The next address nobody has paid to.
pub fn receive_address(wallet: &mut Wallet) -> Address {
    wallet.next_unused_address(KeychainKind::External).address
}

/// Spendable coins: confirmed ones and own change, satoshi.
pub fn balance(wallet: &Wallet) -> Sat {
    Sat(wallet.balance().trusted_spendable().to_sat())
}

/// Follows the node's best chain, through reorgs. Returns the height reached.
///
/// # Errors
/// [`WalletError::Node`], [`WalletError::Disconnected`].
pub fn sync(wallet: &mut Wallet, node: &dyn BitcoinSource) -> Result<u32, WalletError> {
    let tip = node.chain_info()?.blocks;
    let from = last_common(wallet, node, tip)?;
    for height in from.saturating_add(1)..=tip {
        let block = node.block(node.block_hash(height)?)?;
        wallet.apply_block(&block, height).map_err(|_| WalletError::Disconnected { height })?;
    }
    Ok(tip)
}

/// Highest checkpoint of the wallet that is on the node's best chain.
fn last_common(wallet: &Wallet, node: &dyn BitcoinSource, tip: u32) -> Result<u32, WalletError> {
    for checkpoint in wallet.latest_checkpoint().iter() {
        if checkpoint.height() <= tip && node.block_hash(checkpoint.height())? == checkpoint.hash() {
            return Ok(checkpoint.height());
        }
    }
    Ok(0)
}

/// Builds and signs a transaction that pays `value` to `script` in its first output. Nothing is sent.
///
/// # Errors
/// [`WalletError::Funding`] when coins do not suffice, [`WalletError::Signing`].
pub fn fund(
    wallet: &mut Wallet,
    seed: &Seed,
    script: &[u8],
    value: Sat,
    sat_per_kvb: u64,
) -> Result<Transaction, WalletError> {
    let rate = FeeRate::from_sat_per_kwu(sat_per_kvb.div_ceil(4));
    let mut builder = wallet.build_tx();
    builder
        .add_recipient(ScriptBuf::from_bytes(script.to_vec()), Amount::from_sat(value.0))
        .ordering(TxOrdering::Untouched)
        .fee_rate(rate);
    let mut unsigned = builder.finish().map_err(|e| WalletError::Funding(e.to_string()))?;
    sign(wallet, seed, &mut unsigned)
}

fn sign(wallet: &Wallet, seed: &Seed, unsigned: &mut psbt::Psbt) -> Result<Transaction, WalletError> {
    unsigned
        .sign(seed.master(), wallet.secp_ctx())
        .map_err(|(_, errors)| WalletError::Signing(format!("{errors:?}")))?;
    let done = wallet
        .finalize_psbt(unsigned, SignOptions::default())
        .map_err(|e| WalletError::Signing(e.to_string()))?;
    if !done {
        return Err(WalletError::Signing("some inputs are left unsigned".to_owned()));
    }
    unsigned.clone().extract_tx().map_err(|e| WalletError::Signing(e.to_string()))
}
