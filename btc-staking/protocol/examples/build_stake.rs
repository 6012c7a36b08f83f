//! Builds a stake: from parameters and keys to the address to pay and the transactions to sign.
//!
//! `cargo run -p staking-protocol --features bitcoin --example build_stake`

use staking_crypto::curve::Libsecp;
use staking_protocol::delegation::{StakeTerms, check_terms, derive};
use staking_protocol::keys::{ProviderKey, StakerKey};
use staking_protocol::params::ParamsUnchecked;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::{OutPoint, Sat, Txid};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = |i: u8| staking_crypto::SecretKey::from_bytes(&[i; 32]).map(|key| key.x_only());
    let params = ParamsUnchecked {
        covenant_pks: vec![key(1)?.to_bytes(), key(2)?.to_bytes(), key(3)?.to_bytes()],
        covenant_quorum: 2,
        min_staking_value_sat: 50_000,
        max_staking_value_sat: 5_000_000_000,
        min_staking_time_blocks: 1_000,
        max_staking_time_blocks: 64_000,
        slashing_pk_script: b"\x6a\x07babylon".to_vec(),
        min_slashing_tx_fee_sat: 10_000,
        slashing_rate: "0.001".into(),
        unbonding_time_blocks: 1_008,
        unbonding_fee_sat: 2_000,
        ..ParamsUnchecked::default()
    }
    .check()?;

    let terms = StakeTerms {
        stakers: StakerKey::from(key(10)?).into(),
        providers: ProviderKey::from(key(20)?).into(),
        staking_time: StakingTime::new(64_000)?,
        value: Sat(1_000_000),
    };
    check_terms(&params, &terms)?;
    let scripts = terms.scripts(&Libsecp, &params)?;
    println!("pay {} to {}", terms.value, scripts.staking.output_key().address(bitcoin::Network::Regtest));

    // Once the wallet has built (not yet sent) the paying transaction, everything else follows from its outpoint.
    let outpoint = OutPoint { txid: Txid([7; 32]), vout: 0 };
    let presigned = derive(&Libsecp, &params, &terms, outpoint)?;
    println!("unbonding tx {} pays {}", presigned.unbonding().txid(), presigned.unbonding().value());
    println!("slashing tx {} takes {}", presigned.slashing().txid(), presigned.slashing().slashed());
    println!("staker signs {:?}", presigned.sighashes().slashing);
    Ok(())
}
