//! All contracts by name, as native code for the embedded chains.

use mesh_harness::chain::{ContractSet, IbcHandlers, NativeContract};

/// The contracts' own entry points.
pub(crate) fn native() -> ContractSet {
    ContractSet::new()
        .native(
            "btc-light-client",
            NativeContract::new(
                btc_light_client::instantiate,
                btc_light_client::execute,
                btc_light_client::query,
            )
            .with_migrate(btc_light_client::migrate),
        )
        .native(
            "btc-staking",
            NativeContract::new(btc_staking::instantiate, btc_staking::execute, btc_staking::query)
                .with_reply(btc_staking::reply)
                .with_migrate(btc_staking::migrate),
        )
        .native(
            "btc-finality",
            NativeContract::new(btc_finality::instantiate, btc_finality::execute, btc_finality::query)
                .with_reply(btc_finality::reply)
                .with_migrate(btc_finality::migrate),
        )
        .native(
            "btc-vault",
            NativeContract::new(btc_vault::instantiate, btc_vault::execute, btc_vault::query)
                .with_reply(btc_vault::reply)
                .with_migrate(btc_vault::migrate),
        )
        .native("external-staking", external_staking())
        .native("converter", converter())
        .native(
            "virtual-staking",
            NativeContract::new(
                virtual_staking::instantiate,
                virtual_staking::execute,
                virtual_staking::query,
            )
            .with_reply(virtual_staking::reply)
            .with_sudo(virtual_staking::sudo)
            .with_migrate(virtual_staking::migrate),
        )
        .native(
            "price-feed",
            NativeContract::new(price_feed::instantiate, price_feed::execute, price_feed::query)
                .with_sudo(price_feed::sudo)
                .with_migrate(price_feed::migrate),
        )
}

fn external_staking() -> NativeContract {
    NativeContract::new(external_staking::instantiate, external_staking::execute, external_staking::query)
        .with_reply(external_staking::reply)
        .with_migrate(external_staking::migrate)
        .with_ibc(IbcHandlers {
            open: external_staking::ibc_channel_open,
            connect: external_staking::ibc_channel_connect,
            close: external_staking::ibc_channel_close,
            receive: external_staking::ibc_packet_receive,
            ack: external_staking::ibc_packet_ack,
            timeout: external_staking::ibc_packet_timeout,
        })
}

fn converter() -> NativeContract {
    NativeContract::new(converter::instantiate, converter::execute, converter::query)
        .with_reply(converter::reply)
        .with_migrate(converter::migrate)
        .with_ibc(IbcHandlers {
            open: converter::ibc_channel_open,
            connect: converter::ibc_channel_connect,
            close: converter::ibc_channel_close,
            receive: converter::ibc_packet_receive,
            ack: converter::ibc_packet_ack,
            timeout: converter::ibc_packet_timeout,
        })
}
