# Which rustc builds contracts. Sourced by tests/setup, contracts/build and tests/run.
#
# cosmwasm-vm accepts the MVP instruction set only. The std that rustup ships for wasm32-unknown-unknown uses bulk
# memory since Rust 1.87, so having the target is not enough: the probe looks at what the linked std asks for.

mesh_cache() { printf '%s' "${MESH_BTC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesh-btc}"; }

# wasm_rustc: prints the path of a rustc that makes MVP wasm, or returns 1.
wasm_rustc() {
    local r
    if [ -n "${MESH_WASM_TOOLCHAIN:-}" ]; then
        rustup which --toolchain "$MESH_WASM_TOOLCHAIN" rustc
        return
    fi
    r=$(mesh_cache)/wasm-toolchain/bin/rustc
    [ ! -x "$r" ] || { printf '%s\n' "$r"; return 0; }
    r=$(command -v rustc) && mvp_std "$r" && printf '%s\n' "$r"
}

# mvp_std RUSTC: true if this rustc has a wasm32-unknown-unknown std without post-MVP instructions.
mvp_std() {
    local d rc=1
    [ -d "$("$1" --print sysroot 2>/dev/null)/lib/rustlib/wasm32-unknown-unknown/lib" ] || return 1
    d=$(mktemp -d) || return 1
    printf '%s\n' '#[no_mangle] pub extern "C" fn f(n: usize) -> *mut u8 { let mut v = vec![1u8; n]; v.extend_from_within(..);' \
        'String::from_utf8_lossy(&v).into_owned().leak().as_mut_ptr() }' >"$d/p.rs"
    if "$1" --edition 2021 -O --target wasm32-unknown-unknown -C target-cpu=mvp --crate-type cdylib -o "$d/p.wasm" "$d/p.rs" 2>/dev/null; then
        grep -aq 'bulk-memory' "$d/p.wasm" || rc=0
    fi
    rm -rf -- "$d"
    return $rc
}

# fresh_wasm_target RUSTC DIR: empties a target directory whose contents another std was linked into; cargo does not
# notice that a toolchain of the same version was made again.
fresh_wasm_target() {
    local id
    id=$("$1" -vV; find "$("$1" --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" -name 'libcore-*' -printf '%f %s %T@\n' | sort)
    if [ -d "$2" ] && [ "$(cat "$2/.toolchain" 2>/dev/null)" != "$id" ]; then rm -rf -- "$2"; fi
    mkdir -p "$2" && printf '%s\n' "$id" >"$2/.toolchain"
}
