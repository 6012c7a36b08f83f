//! Coins and keys.

use super::Answer;
use crate::session::{Session, aux};
use anyhow::{Context, Result};
use serde_json::json;
use std::io::Read;

/// Draws twelve words. They are shown once, on the terminal only.
pub(crate) fn new(session: &Session) -> Result<Answer> {
    let entropy = aux()?;
    let words = bip39::Mnemonic::from_entropy(entropy.get(..16).context("entropy")?)
        .map_err(|e| anyhow::anyhow!("no words of this entropy: {e}"))?;
    let words = zeroize::Zeroizing::new(words.to_string());
    session.settings.keep_words(&words)?;
    eprintln!(
        "write these words down; whoever has them has the coins, and without them nobody has:\n\n  {}\n",
        *words
    );
    Ok(Answer { schema: "mesh-btc/wallet.new/1", data: json!({}), text: "the wallet is made".to_owned() })
}

/// Takes words from standard input.
pub(crate) fn import(session: &Session) -> Result<Answer> {
    let mut words = zeroize::Zeroizing::new(String::new());
    std::io::stdin().read_to_string(&mut words).context("cannot read standard input")?;
    session.settings.keep_words(words.trim())?;
    Ok(Answer { schema: "mesh-btc/wallet.import/1", data: json!({}), text: "the wallet is made".to_owned() })
}

/// A fresh address.
pub(crate) fn address(session: &Session) -> Result<Answer> {
    let seed = session.settings.seed()?;
    let (mut wallet, mut db) = session.wallet(&seed)?;
    let address = staker::wallet::receive_address(&mut wallet).to_string();
    wallet.persist(&mut db)?;
    Ok(Answer { schema: "mesh-btc/wallet.address/1", data: json!({"address": address}), text: address })
}

/// Spendable coins, after following the chain.
pub(crate) fn balance(session: &Session) -> Result<Answer> {
    session.check_network()?;
    let seed = session.settings.seed()?;
    let (mut wallet, mut db) = session.wallet(&seed)?;
    let height = staker::wallet::sync(&mut wallet, &session.node)?;
    wallet.persist(&mut db)?;
    let sat = staker::wallet::balance(&wallet).0;
    Ok(Answer {
        schema: "mesh-btc/wallet.balance/1",
        data: json!({"spendable_sat": sat, "height": height}),
        text: format!("{sat} sat spendable at block {height}"),
    })
}
