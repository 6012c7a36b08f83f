//! Watches a stake with BDK: the descriptor of the staking output is a wallet of its own.
//!
//! `cargo run -p staking-protocol --features bitcoin --example watch_stake`

use bdk_wallet::{KeychainKind, Wallet};
use bitcoin::Network;
use staking_crypto::curve::Libsecp;
use staking_protocol::descriptor::{self, StakerExpressions};
use staking_protocol::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::script::ScriptTemplates;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::{OutPoint, Sat, StakingTx, TxIn, Txid};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = |i: u8| staking_crypto::SecretKey::from_bytes(&[i; 32]).map(|key| key.x_only());
    let members = vec![CovenantKey::from(key(1)?), key(2)?.into(), key(3)?.into()];
    let covenants = Covenants::new(members, 2)?;
    let stakers: Stakers = StakerKey::from(key(10)?).into();
    let providers: Providers = ProviderKey::from(key(20)?).into();
    let time = StakingTime::new(64_000)?;
    let templates = ScriptTemplates::new(covenants.clone());
    let output = templates.staking_output(&Libsecp, &stakers, &providers, time)?;

    let plain = StakerExpressions::plain(&stakers);
    let descriptor = descriptor::staking(&output, &stakers, &plain, &providers, &covenants, time)?;
    println!("{descriptor}");
    let mut wallet =
        Wallet::create_single(descriptor.to_string()).network(Network::Regtest).create_wallet_no_persist()?;
    let address = wallet.reveal_next_address(KeychainKind::External).address;
    assert_eq!(address, output.output_key().address(Network::Regtest));

    let input = TxIn::unsigned(OutPoint { txid: Txid([1; 32]), vout: 0 }, TxIn::SEQUENCE_FINAL);
    let stake = StakingTx::build(&output.pk_script(), Sat(1_000_000), vec![input], vec![])?;
    wallet.apply_unconfirmed_txs([(bitcoin::Transaction::from(stake.transaction()), 1_700_000_000)]);
    println!("{address} holds {} (unconfirmed)", wallet.balance().untrusted_pending);
    Ok(())
}
