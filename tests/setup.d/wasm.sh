# Part wasm: a Rust toolchain whose wasm32-unknown-unknown std uses the MVP instruction set only.
#
# Debian's rustc-web brings the compiler and the sources of std; std is built here with target-cpu=mvp, for size, and with
# panics that abort at once: a contract that panics is undone by the chain whatever it says, so it carries no texts for them,
# nor the 27 kB that print backtraces, of which there are none in wasm.
# Beside the compiler is Debian's wasm-opt (binaryen), where there is one: contracts/build does without it too.
# Nothing is installed system-wide. Where rustup is, the result is also linked as the toolchain "mesh-wasm".
. "$parts/wasm-rustc.sh"

wasm_dir() { printf '%s/wasm-toolchain' "$CACHE"; }
wasm_key() { sum_of "$parts/wasm.sh"; }

wasm_present() {
    if up_to_date "$(wasm_dir)" "$(wasm_key)"; then link_toolchain; return; fi
    [ -n "${MESH_WASM_TOOLCHAIN:-}" ] || [ ! -e "$(wasm_dir)" ] || return 1
    wasm_rustc >/dev/null
}

link_toolchain() {
    have rustup || return 0
    [ "$(readlink -f "$(rustup run mesh-wasm rustc --print sysroot 2>/dev/null || true)")" = "$(readlink -f "$(wasm_dir)")" ] ||
        logged rustup-link rustup toolchain link mesh-wasm "$(wasm_dir)" || die "rustup cannot link mesh-wasm" "see above" ""
}

wasm_install() {
    check_rust
    [ "$(uname -m)" = x86_64 ] || die "no wasm toolchain for $(uname -m)" "this route was proven on x86_64 only" \
        "set MESH_WASM_TOOLCHAIN to a rustup toolchain with an MVP std for wasm32-unknown-unknown"
    apt_world "set MESH_WASM_TOOLCHAIN to a rustup toolchain with an MVP std for wasm32-unknown-unknown"
    scratch
    need_space 4000 "the wasm toolchain"
    local root=$scratch/root sys=$scratch/sys build=$scratch/target version
    version=${RUST_WEB_VERSION:-$(candidate rustc-web)}
    [ -n "$version" ] || die "no package rustc-web here" "this machine's apt sources do not offer it (Debian 12 security does)" \
        "set MESH_WASM_TOOLCHAIN to a rustup toolchain with an MVP std for wasm32-unknown-unknown"
    say "making the wasm toolchain from rustc-web $version (140 MB, a minute or two)"
    wasm_unpack "$root" "$version"
    wasm_sysroot "$root" "$sys"
    without_backtraces "$root/usr/src/rustc-${version%%+*}/library/std/src/backtrace.rs"
    wasm_std "$root/usr/src/rustc-${version%%+*}" "$sys" "$build"
    mvp_std "$sys/bin/rustc" || die "the std built for wasm is not MVP" "the probe found bulk memory in it" "report this with $CACHE/log/wasm-std.log"
    wasm_key >"$sys/.key"
    put_in_place "$sys" "$(wasm_dir)"
}

wasm_unpack() { # ROOT VERSION
    local short=${2%%+*} llvm
    short=${short%.*}
    llvm=$(apt-cache "${apt_opts[@]}" depends "libstd-rust-web-$short=$2" | awk '/Depends: libllvm/ {print $2}')
    [ -n "$llvm" ] || die "libstd-rust-web-$short $2 names no libllvm" "the package layout changed" "set RUST_WEB_VERSION to another version"
    unpack_packages "$1" "rustc-web=$2" "libstd-rust-web-dev=$2" "libstd-rust-web-$short=$2" "rust-web-src=$2" "$llvm" "lld-${llvm#libllvm}"
    [ -z "$(candidate binaryen)" ] || unpack_packages "$1" binaryen
}

# Lays the files out like a rustup toolchain; programs find their libraries through wrappers, relative to themselves.
wasm_sysroot() { # ROOT SYS
    local bin=$2/lib/rustlib/x86_64-unknown-linux-gnu/bin b
    mkdir -p "$2/bin" "$2/lib"
    cp -a "$1"/usr/lib/x86_64-linux-gnu/lib*.so* "$2/lib/"
    cp -a "$1/usr/lib/rustlib" "$2/lib/"
    rm -rf "$2/lib/rustlib/src" "$bin"
    mkdir -p "$bin"
    cp "$1"/usr/lib/llvm-*/bin/lld "$bin/rust-lld"
    # wasm-opt finds its library relative to itself.
    if [ -x "$1/usr/bin/wasm-opt" ]; then
        mkdir -p "$2/lib/x86_64-linux-gnu"
        cp "$1/usr/bin/wasm-opt" "$2/bin/"
        cp "$1"/usr/lib/x86_64-linux-gnu/libbinaryen.so* "$2/lib/x86_64-linux-gnu/"
    fi
    for b in rustc rustdoc; do
        cp "$1/usr/bin/$b" "$2/bin/.$b.bin"
        printf '%s\n' '#!/bin/sh' 'here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd -P) || exit 1' \
            "LD_LIBRARY_PATH=\"\$here/../lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\" exec \"\$here/.$b.bin\" \"\$@\"" >"$2/bin/$b"
        chmod 755 "$2/bin/$b"
    done
    abort_at_once "$2/bin/rustc" "$2/bin/.rustc.bin"
    ln -s "$(rustup which cargo 2>/dev/null || command -v cargo)" "$2/bin/cargo"
    "$2/bin/rustc" -vV >/dev/null || die "the unpacked rustc does not start" "a system library is older than Debian's" "set MESH_WASM_TOOLCHAIN"
}

# Immediate abort is a panic strategy without a stable flag, and std and what is linked with it must agree on it: the
# wrapper says it for the wasm target only.
abort_at_once() { # WRAPPER PROGRAM
    printf '%s\n' '#!/bin/sh' 'here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd -P) || exit 1' \
        "export LD_LIBRARY_PATH=\"\$here/../lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\"" 'case " $* " in' \
        '*" --target wasm32-unknown-unknown "*) export RUSTC_BOOTSTRAP=1; set -- "$@" -Zunstable-options -Cpanic=immediate-abort ;;' \
        'esac' "exec \"\$here/$(basename "$2")\" \"\$@\"" >"$1"
}

# cosmwasm-std puts a disabled backtrace into each of its errors, and so the code that would print one into every contract.
# The two places that begin to print a captured one say that they will not.
without_backtraces() { # FILE
    sed -i -e 's/let capture = match &self.inner {/let capture: \&Capture = match \&self.inner {/' \
        -e 's/Inner::Captured(c) => &\*\*c,/Inner::Captured(_) => return fmt.write_str("<not printed>"),/' "$1"
    [ "$(grep -c '<not printed>' "$1")" = 2 ] || die "std prints backtraces otherwise than expected" "another version of Rust in Debian" \
        "set RUST_WEB_VERSION to the version before"
}

# Paths of this machine are kept out of std, so that contracts come out the same anywhere.
wasm_std() { # SOURCE SYS TARGET_DIR
    local out=$2/lib/rustlib/wasm32-unknown-unknown/lib
    (cd "$1/library" && RUSTC_BOOTSTRAP=1 RUSTC=$2/bin/rustc CARGO_TARGET_DIR=$3 __CARGO_DEFAULT_LIB_METADATA=meshwasm \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_DEBUG=0 \
        RUSTFLAGS="-Zforce-unstable-if-unmarked -Ctarget-cpu=mvp -Cembed-bitcode=yes --remap-path-prefix=$1=/rustc --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
        logged wasm-std cargo build --locked --release --target wasm32-unknown-unknown --manifest-path sysroot/Cargo.toml \
        -p std --features std/optimize_for_size) ||
        die "std does not build for wasm32-unknown-unknown" "see above" "start again, or set RUST_WEB_VERSION to another version"
    rm -rf "$out"
    mkdir -p "$out"
    cp "$3"/wasm32-unknown-unknown/release/deps/*.rlib "$3"/wasm32-unknown-unknown/release/deps/*.rmeta "$out/"
}
