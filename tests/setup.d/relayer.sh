# Part relayer: hermes, built from its published crate with the Cargo.lock that the crate ships.
#
# The 1.10 series relays for Cosmos chains only; from 1.11 on, other kinds of chains triple what has to be compiled and
# bring a C++ database with it.

hermes_dir() { printf '%s/hermes-%s' "$CACHE" "$HERMES_VERSION"; }
hermes_key() { printf '%s %s' "$HERMES_LOCK_SHA256" "$(sum_of "$parts/relayer.sh")"; }

relayer_present() {
    [ -z "${HERMES_EXE:-}" ] || { [ -x "$HERMES_EXE" ] && return 0; die "HERMES_EXE=$HERMES_EXE is not a program" "" "unset or correct it"; }
    up_to_date "$(hermes_dir)" "$(hermes_key)"
}

relayer_install() {
    check_rust
    cxx_works || demo_install
    scratch
    need_space 3000 hermes
    hermes_lock
    local out=$scratch/out target=$CACHE/build-hermes-$HERMES_VERSION
    say "building hermes $HERMES_VERSION (432 crates)"
    # opt-level 1: a relayer waits for chains, and the build is what costs.
    # The target folder is kept until the build has succeeded: what a killed run compiled is not compiled again.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=symbols \
        logged hermes-build retry cargo install --locked --bin hermes --root "$out" --target-dir "$target" \
        "ibc-relayer-cli@$HERMES_VERSION" || die "hermes does not build" "see above" "start again: it goes on where it stopped"
    "$out/bin/hermes" version >/dev/null 2>&1 || die "the built hermes does not start" "" "start again"
    hermes_key >"$out/.key"
    put_in_place "$out" "$(hermes_dir)"
    rm -rf -- "$target"
}

# Downloads the crate, and holds the lock file in it against the sum we know.
hermes_lock() {
    local name=ibc-relayer-cli-$HERMES_VERSION from
    (cd "$CACHE" && logged hermes-info retry cargo info "ibc-relayer-cli@$HERMES_VERSION") || die "cannot download $name" "see above" \
        "check the network and cargo's source configuration, or set HERMES_EXE to a hermes you have"
    from=$(crate_source "$name") || die "cargo did not unpack $name" "its source is replaced by a vendored folder" \
        "set HERMES_EXE to a hermes you have"
    [ "$(sum_of "$from/Cargo.lock")" = "$HERMES_LOCK_SHA256" ] ||
        die "the Cargo.lock of $name is not the expected one" "the registry served other bytes" "do not use this registry"
}

crate_source() {
    local d
    for d in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1"; do
        [ -d "$d" ] && { printf '%s' "$d"; return 0; }
    done
    return 1
}
