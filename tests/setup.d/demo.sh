# Part demo: what cargo needs to build the embedded Bitcoin node (libbitcoinkernel is C++20 built by cmake).

cxx() { "${CXX:-c++}" "$@"; }
cxx_works() { have "${CXX:-c++}" && echo '#include <span>' | cxx -std=c++20 -x c++ -fsyntax-only - 2>/dev/null; }
cmake_works() { have cmake && at_least "$MIN_CMAKE" "$(cmake --version | awk 'NR==1 {print $3}')"; }
boost_works() {
    echo '#include <boost/multi_index_container.hpp>' | cxx -std=c++20 -x c++ -fsyntax-only - 2>/dev/null
}
build_program() { have ninja || have make; }

rust_works() { have cargo && have rustc && at_least "$MIN_RUSTC" "$(rustc --version | awk '{print $2}')"; }
check_rust() {
    rust_works && return 0
    have rustc || die "Rust is missing" "cargo and rustc are not on PATH" "install rustup, or Rust $MIN_RUSTC or newer"
    die "Rust is too old" "$(rustc --version), at least $MIN_RUSTC is needed" \
        "rustup update stable (the project does not pin a toolchain, it only names the oldest one)"
}

demo_present() { rust_works && cxx_works && cmake_works && build_program && boost_works; }

demo_install() {
    check_rust
    [ -z "${CXX:-}" ] || cxx_works || die "CXX=$CXX does not do C++20" "$(cxx --version 2>&1 | tail -n1)" \
        "unset it or set it to g++ 12 or clang 16 or newer"
    local want=()
    cxx_works || want+=(g++)
    cmake_works || want+=(cmake)
    build_program || want+=(make)
    ! cxx_works || boost_works || want+=(libboost-dev)
    cxx_works || want+=(libboost-dev)
    [ ${#want[@]} -eq 0 ] || system_packages "${want[*]}" "the embedded Bitcoin node" "${want[@]}"
    cxx_works || die "the C++ compiler does not do C++20" "$(cxx --version 2>&1 | head -n1)" "set CXX to g++ 12 or clang 16 or newer"
    cmake_works || die "cmake is too old" "$(cmake --version | head -n1), at least $MIN_CMAKE is needed" "install a newer cmake"
}
