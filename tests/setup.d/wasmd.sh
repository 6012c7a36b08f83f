# Part wasmd: a plain CosmWasm chain, built from the Go module proxy with the sums of setup.d/wasmd/go.sum.

wasmd_dir() { printf '%s/wasmd-%s' "$CACHE" "$WASMD_VERSION"; }
wasmd_key() { sum_of "$parts/wasmd/go.mod" "$parts/wasmd/go.sum" "$parts/wasmd.sh"; }

wasmd_present() {
    [ -z "${WASMD_EXE:-}" ] || { [ -x "$WASMD_EXE" ] && return 0; die "WASMD_EXE=$WASMD_EXE is not a program" "" "unset or correct it"; }
    up_to_date "$(wasmd_dir)" "$(wasmd_key)"
}

check_go() {
    have go || die "Go is missing" "wasmd is built from source" "install Go $MIN_GO or newer, or set WASMD_EXE to a wasmd you have"
    local got
    got=$(go env GOVERSION | sed 's/^go//')
    at_least "$MIN_GO" "$got" || die "Go is too old" "$got, at least $MIN_GO is needed" "install a newer Go, or set WASMD_EXE"
}

wasmd_install() {
    check_go
    scratch
    need_space 4000 wasmd
    local b=$scratch/build out=$scratch/out lib
    mkdir -p "$b" "$out"
    cp "$parts/wasmd/go.mod" "$parts/wasmd/go.sum" "$b/"
    say "downloading the modules of wasmd $WASMD_VERSION"
    (cd "$b" && logged wasmd-fetch retry go mod download) ||
        die "cannot download wasmd's modules" "see above" "check the network and GOPROXY (go env), then start again"
    say "building wasmd $WASMD_VERSION (about 8 minutes on 2 cores)"
    (cd "$b" && logged wasmd-build go build -mod=readonly -tags netgo -ldflags '-s -w' \
        -o "$out/wasmd.bin" github.com/CosmWasm/wasmd/cmd/wasmd) ||
        die "wasmd does not build" "see above" "a C compiler is needed (tests/setup demo); then start again"
    lib=$(cd "$b" && go list -mod=readonly -m -f '{{.Dir}}' github.com/CosmWasm/wasmvm/v3)/internal/api/libwasmvm.$(uname -m).so
    [ -r "$lib" ] || die "no wasmvm library for $(uname -m)" "$lib does not exist" "set WASMD_EXE to a wasmd you have"
    cp "$lib" "$out/"
    chmod 644 "$out/$(basename "$lib")"
    write_wasmd_wrapper "$out/wasmd"
    "$out/wasmd" version >/dev/null 2>&1 || die "the built wasmd does not start" "$("$out/wasmd" version 2>&1 | head -n 3)" ""
    wasmd_key >"$out/.key"
    put_in_place "$out" "$(wasmd_dir)"
}

# The binary finds its library through the wrapper, so callers need no environment.
write_wasmd_wrapper() {
    cat >"$1" <<'W'
#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd -P) || exit 1
LD_LIBRARY_PATH="$here${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/wasmd.bin" "$@"
W
    chmod 755 "$1"
}
