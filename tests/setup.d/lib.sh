# Helpers of tests/setup: messages, retries, apt without touching the system, atomic directories.
# Sourced, never run. Everything said goes to stderr; stdout stays empty.

say() { printf 'setup: %s\n' "$*" >&2; }

# die WHAT [WHY] [DO]: what failed, why, what to do about it.
die() {
    printf 'setup: error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'setup:   why: %s\n' "$2" >&2
    [ -z "${3:-}" ] || printf 'setup:   do:  %s\n' "$3" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least WANT GOT: dotted numbers compared.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n1)" = "$1" ]; }

# scratch: a temporary directory beside the final ones (same file system, so that mv is atomic).
# Its name is left in $scratch and it is removed on exit, whatever the reason.
scratch() {
    mkdir -p "$CACHE" 2>/dev/null || die "cannot create $CACHE" "no permission or no space" "set MESH_BTC_CACHE to a writable folder"
    scratch=$(mktemp -d "$CACHE/.tmp.$part.XXXXXX") || die "cannot write to $CACHE" "no permission or no space" \
        "set MESH_BTC_CACHE to a writable folder with 8 GB free"
    scratches+=("$scratch")
}
scratches=()
clean_up() { local d; for d in ${scratches[@]+"${scratches[@]}"}; do rm -rf -- "$d"; done; }

# need_space MB PART: stops before a long build rather than in the middle of it.
need_space() {
    local free
    free=$(df -Pm "$CACHE" | awk 'NR==2 {print $4}')
    [ "$free" -ge "$1" ] || die "not enough room for $2 in $CACHE" "$free MB free, $1 MB needed" \
        "free some space or set MESH_BTC_CACHE to another disk"
}

# logged NAME COMMAND…: quiet; the log's tail is printed on failure. Returns the command's status.
logged() {
    local name=$1 log rc=0
    shift
    mkdir -p "$CACHE/log"
    log=$CACHE/log/$name.log
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    [ $rc -eq 0 ] || { tail -n 25 "$log" | hide_logins | sed 's/^/    | /' >&2; say "(whole log: $log)"; }
    return $rc
}

# Mirror addresses may carry a login; it must not end up on a terminal or in a CI log.
hide_logins() { sed 's#//[^/@ ]*@#//***@#g'; }

# retry COMMAND…: three attempts, for what depends on the network.
retry() {
    local i
    for i in 1 2 3; do
        "$@" && return 0
        [ "$i" = 3 ] || { say "attempt $i of 3 failed, trying again"; sleep $((i * 3)); }
    done
    return 1
}

# put_in_place FROM TO: replaces a directory by a finished one.
put_in_place() {
    local old="$2.old.$$"
    [ ! -e "$2" ] || mv -T -- "$2" "$old"
    mv -T -- "$1" "$2"
    rm -rf -- "$old"
}

# up_to_date DIR KEY: the directory was finished from exactly these inputs.
up_to_date() { [ "$(cat "$1/.key" 2>/dev/null)" = "$2" ]; }
sum_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

# ---- Debian packages ---------------------------------------------------------------------------

# system_packages WHAT FOR PKG…: installs build tools system-wide, or says how.
system_packages() {
    local what=$1 for=$2 sudo=()
    shift 2
    have apt-get || die "$what is missing" "needed for $for" \
        "install it with this system's package manager (Debian's names: $*)"
    if [ "$(id -u)" != 0 ]; then
        sudo=(sudo -n)
        sudo -n true 2>/dev/null || die "$what is missing" "needed for $for" "sudo apt-get install $*"
    fi
    say "installing $* (for $for)"
    logged apt-update retry "${sudo[@]}" apt-get -q update || die "apt-get update failed" "see above" \
        "check the network and this machine's apt sources"
    logged apt-install "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" ||
        die "apt-get install $* failed" "see above" "install them by hand and start again"
}

# A private apt world: this machine's sources and installed list, our own index and archive folders. Needs no root.
apt_world() {
    [ -z "${apt_opts+x}" ] || return 0
    have apt-get && have dpkg-deb || die "apt is not here" "this part is unpacked from Debian packages" "$1"
    scratch
    local w=$scratch
    mkdir -p "$w/lists/partial" "$w/cache/archives/partial"
    apt_opts=(-q -o "Dir::State::lists=$w/lists" -o "Dir::Cache=$w/cache" -o Dir::Cache::pkgcache=pkgcache.bin
        -o Dir::Cache::srcpkgcache=srcpkgcache.bin -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=1
        -o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=60 -o Dpkg::Use-Pty=0)
    logged apt-world retry apt-get "${apt_opts[@]}" update ||
        die "apt cannot read this machine's package lists" "see above" "check the network and the apt sources"
}

candidate() { apt-cache "${apt_opts[@]}" policy "$1" 2>/dev/null | awk '/Candidate:/ && $2 != "(none)" {print $2}'; }

# unpack_packages DIR PKG…: downloads (apt checks the sums) and unpacks, installs nothing.
unpack_packages() {
    local to=$1 d
    shift
    mkdir -p "$to.debs" "$to"
    (cd "$to.debs" && logged apt-download retry apt-get "${apt_opts[@]}" download "$@") ||
        die "apt could not download $*" "see above" "check the network; then start again"
    for d in "$to.debs"/*.deb; do
        dpkg-deb -x "$d" "$to" || die "cannot unpack $(basename "$d")" "disk full, or a broken download" "start again"
    done
    rm -rf -- "$to.debs"
}
