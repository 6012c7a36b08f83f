# Part relayer: hermes, built from its published crate with the Cargo.lock that the crate ships.
#
# One dependency, penumbra-sdk-proof-params, downloads proving keys while it is built. Cosmos chains never use them
# and a build must not depend on a third server, so a copy without that line is patched in; nothing else differs.

hermes_dir() { printf '%s/hermes-%s' "$CACHE" "$HERMES_VERSION"; }
hermes_key() { printf '%s %s' "$HERMES_LOCK_SHA256" "$(sum_of "$parts/relayer.sh")"; }
hermes_patched=penumbra-sdk-proof-params

relayer_present() {
    [ -z "${HERMES_EXE:-}" ] || { [ -x "$HERMES_EXE" ] && return 0; die "HERMES_EXE=$HERMES_EXE is not a program" "" "unset or correct it"; }
    up_to_date "$(hermes_dir)" "$(hermes_key)"
}

relayer_install() {
    check_rust
    cxx_works || demo_install
    scratch
    need_space 6000 hermes
    # Kept until the build has succeeded: what a killed run compiled is not compiled again.
    local top=$CACHE/build-hermes-$HERMES_VERSION out=$scratch/out
    local src=$top/src
    mkdir -p "$top"
    rm -rf -- "$src"
    hermes_source "$src"
    hermes_patch "$src"
    hermes_build_tools "$top/tools"
    say "building hermes $HERMES_VERSION (10 to 20 minutes on 2 cores)"
    # opt-level 1: a relayer waits for chains, and the build is what costs.
    (cd "$src" && CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=symbols \
        CARGO_TARGET_DIR=$top/target logged hermes-build cargo build --locked --release --bin hermes) ||
        die "hermes does not build" "see above" "start again: it goes on where it stopped"
    mkdir -p "$out/bin"
    cp "$top/target/release/hermes" "$out/bin/"
    "$out/bin/hermes" version >/dev/null 2>&1 || die "the built hermes does not start" "" "start again"
    hermes_key >"$out/.key"
    put_in_place "$out" "$(hermes_dir)"
    rm -rf -- "$top"
}

crate_source() {
    local d
    for d in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1"; do
        [ -d "$d" ] && { printf '%s' "$d"; return 0; }
    done
    return 1
}

hermes_source() {
    local name=ibc-relayer-cli-$HERMES_VERSION from
    say "downloading hermes $HERMES_VERSION"
    (cd "$CACHE" && logged hermes-info retry cargo info "ibc-relayer-cli@$HERMES_VERSION") || die "cannot download $name" "see above" \
        "check the network and cargo's source configuration, or set HERMES_EXE to a hermes you have"
    from=$(crate_source "$name") || die "cargo did not unpack $name" "its source is replaced by a vendored folder" \
        "set HERMES_EXE to a hermes you have"
    [ "$(sum_of "$from/Cargo.lock")" = "$HERMES_LOCK_SHA256" ] ||
        die "the Cargo.lock of $name is not the expected one" "the registry served other bytes" "do not use this registry"
    cp -R "$from" "$1"
    printf '\n[workspace]\n' >>"$1/Cargo.toml"
    (cd "$1" && logged hermes-fetch retry cargo fetch --locked) ||
        die "cannot download hermes' dependencies" "see above" "check the network, then start again"
}

hermes_patch() {
    local from
    from=$(crate_source "$hermes_patched-$(awk -v n="name = \"$hermes_patched\"" '$0==n {f=1} f && /^version/ {gsub(/"/,"",$3); print $3; exit}' \
        "$1/Cargo.lock")") || die "cargo did not unpack $hermes_patched" "" "start again"
    cp -R "$from" "$1/patched"
    sed -i '/^ *download_proving_key(&f)?;$/d' "$1/patched/build.rs"
    printf '\n[patch.crates-io]\n%s = { path = "patched" }\n' "$hermes_patched" >>"$1/Cargo.toml"
    # What only other kinds of chains use (a database in C++ among it) is most of the build: compile it, do not optimise it.
    awk -F'"' '/^name = "(namada|masp_|penumbra-|ark-|decaf377|cnidarium|librocksdb-sys|rocksdb|bellman|bls12_381|jubjub|jmt)/ &&
        !seen[$2]++ && $2 !~ /-(asm|macros|derive)$/ { printf "\n[profile.release.package.%s]\nopt-level = 0\n", $2 }' "$1/Cargo.lock" >"$1/profile"
    cat "$1/profile" >>"$1/Cargo.toml"
    # A path source has no checksum in the lock file; every other line stays as it was shipped.
    awk -v n="name = \"$hermes_patched\"" '/^\[\[package\]\]/ {p=0} $0==n {p=1} p && /^(source|checksum) = / {next} {print}' \
        "$1/Cargo.lock" >"$1/Cargo.lock.new"
    mv "$1/Cargo.lock.new" "$1/Cargo.lock"
}

# protoc and libclang, from this system or unpacked from Debian packages for the time of the build.
hermes_build_tools() { # DIR
    # A bare libclang has no headers of its own; the C compiler's will do.
    export BINDGEN_EXTRA_CLANG_ARGS="-isystem $("${CC:-cc}" -print-file-name=include)"
    have protoc && { [ -n "${LIBCLANG_PATH:-}" ] || ldconfig -p 2>/dev/null | grep -q 'libclang\(-[0-9.]*\)\?\.so'; } && return 0
    local root=$1/root libs
    # namada_tx wants protoc's own .proto files beside it.
    [ -d "$root/usr/include/google/protobuf" ] || hermes_unpack_tools "$1"
    libs=$(find "$root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
    export PROTOC=$1/bin/protoc PROTOC_INCLUDE=$root/usr/include
    LIBCLANG_PATH=$(dirname "$(find "$root" -name 'libclang-*.so*' | sort | head -n1)")
    export LIBCLANG_PATH LD_LIBRARY_PATH=$libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

hermes_unpack_tools() { # DIR
    local clang root=$1/root
    rm -rf -- "$1"
    apt_world "install protoc and libclang, or set HERMES_EXE to a hermes you have"
    clang=$(apt-cache "${apt_opts[@]}" depends libclang1 | awk '/Depends:/ {print $2; exit}')
    [ -n "$clang" ] || die "no libclang among this machine's packages" "" "install libclang and set LIBCLANG_PATH"
    # shellcheck disable=SC2046
    unpack_packages "$root" $(with_missing_libraries protobuf-compiler "$clang"; already protobuf-compiler "$clang"; echo libprotobuf-dev)
    mkdir -p "$1/bin"
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' \
        "$(find "$root" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)" "$root/usr/bin/protoc" >"$1/bin/protoc"
    chmod 755 "$1/bin/protoc"
}

# already PKG…: those that are installed (and so not in with_missing_libraries), for a complete copy.
already() {
    local p
    for p in "$@"; do
        if dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed'; then printf '%s\n' "$p"; fi
    done
}
