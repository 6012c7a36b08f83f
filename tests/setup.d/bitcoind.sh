# Part bitcoind: Debian's bitcoin-knots, unpacked without root by setup.d/install-bitcoind. Regtest only.

bitcoind_present() {
    if [ -n "${BITCOIND_EXE:-}" ]; then
        [ -x "$BITCOIND_EXE" ] && return 0
        die "BITCOIND_EXE=$BITCOIND_EXE is not a program" "" "unset or correct it"
    fi
    [ -x "$CACHE/bitcoind/bin/bitcoind" ] && "$CACHE/bitcoind/bin/bitcoind" -version >/dev/null 2>&1
}

bitcoind_install() {
    say "unpacking bitcoind (about 40 MB)"
    logged bitcoind retry "$parts/install-bitcoind" "$CACHE/bitcoind" ||
        die "bitcoind is not installed" "see above" "set BITCOIND_APT_MIRROR, or BITCOIND_EXE to a bitcoind you have"
}
