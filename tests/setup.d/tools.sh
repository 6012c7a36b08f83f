# Parts deny, check and fuzz: cargo programs, each with the lock file of its crate.

tool_bin() { printf '%s/tools/%s-%s/bin/%s' "$CACHE" "$1" "$2" "$1"; }

tool_install() { # NAME VERSION [CARGO OPTION…]
    local name=$1 version=$2
    shift 2
    [ ! -x "$(tool_bin "$name" "$version")" ] || return 0
    check_rust
    scratch
    local out=$scratch/out
    mkdir -p "$CACHE/tools"
    say "building $name $version"
    logged "$name" retry cargo install --locked --root "$out" --target-dir "$CACHE/build-$name" "$@" --version "=$version" "$name" ||
        die "cannot install $name $version" "see above" "check the network and cargo's source configuration, then start again"
    put_in_place "$out" "$CACHE/tools/$name-$version"
    rm -rf -- "$CACHE/build-$name"
}

deny_present() { [ -x "$(tool_bin cargo-deny "$CARGO_DENY_VERSION")" ]; }
deny_install() { tool_install cargo-deny "$CARGO_DENY_VERSION" --no-default-features; }

# Contains the virtual machine, so it compiles for minutes; only built contracts need it.
check_present() { [ -x "$(tool_bin cosmwasm-check "$COSMWASM_CHECK_VERSION")" ]; }
check_install() { tool_install cosmwasm-check "$COSMWASM_CHECK_VERSION"; }

fuzz_present() { [ -x "$(tool_bin cargo-fuzz "$CARGO_FUZZ_VERSION")" ]; }
fuzz_install() { tool_install cargo-fuzz "$CARGO_FUZZ_VERSION"; }
