#!/usr/bin/env python3
"""Checks the dependency arrows of the workspace (ARCHITECTURE.md tells why).

Reads `cargo metadata` for the arrows between our crates and `cargo tree` for what a crate drags in when it is built
alone. It does not look at source code. Prints one line per violation; exits 1 if there is any.
"""

import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Which of our crates may name which in [dependencies] and [build-dependencies]. Keys and values are folders.
BASE = {"btc-staking/crypto", "btc-staking/protocol", "btc-staking/api"}
ALLOWED = {
    "btc-staking/crypto": set(),
    "btc-staking/protocol": {"btc-staking/crypto"},
    "btc-staking/api/derive": set(),
    "btc-staking/api": {"btc-staking/crypto", "btc-staking/protocol", "btc-staking/api/derive"},
    "btc-staking/clients": BASE,
    "btc-staking/staker": BASE | {"btc-staking/clients"},
    "btc-staking/cli": BASE | {"btc-staking/clients", "btc-staking/staker"},
    "bridge/relay": BASE,
    "bridge/attest": BASE,
    "bridge/daemon": BASE | {"btc-staking/clients", "bridge/relay", "bridge/attest"},
    "covenants/committee": BASE,
    "covenants/signer": BASE | {"covenants/committee"},
    "covenants/agent": BASE | {"btc-staking/clients", "covenants/committee"},
    "contracts/host": BASE | {"btc-staking/api/derive"},
    "contracts/accounting": {"btc-staking/api"},  # feature `store` only
}
CONTRACT = BASE | {"contracts/host", "contracts/accounting"}

# Crates without IO: nothing that opens sockets, files or threads of its own may be below them.
NO_IO = [
    "btc-staking/crypto", "btc-staking/protocol", "btc-staking/api", "bridge/relay", "bridge/attest",
    "covenants/committee", "contracts/host", "contracts/accounting",
]
IO = {"tokio", "mio", "async-std", "ureq", "hyper", "reqwest", "axum", "redb", "rusqlite", "socket2", "fs2"}

# no_std crates, built without default features: the Bitcoin and secp C code must stay out of contracts.
NO_STD = ["btc-staking/crypto", "btc-staking/protocol", "contracts/accounting"]
NOT_IN_WASM = {"bitcoin", "secp256k1", "secp256k1-sys", "miniscript", "getrandom", "rand", "wasm-bindgen"} | IO

problems = []


def cargo(*args):
    out = subprocess.run(["cargo", *args], cwd=TOP, capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit("layers: cargo %s failed:\n%s" % (" ".join(args), out.stderr.strip()))
    return out.stdout


def folder(package):
    return os.path.relpath(os.path.dirname(package["manifest_path"]), TOP)


def allowed(where):
    if where.startswith("tests/"):
        return None  # a suite may see everything
    if where in ALLOWED:
        return ALLOWED[where]
    if where.startswith("contracts/") and where.count("/") == 1:
        return CONTRACT
    problems.append(f"{where}: a crate the layout does not know")
    return None


def arrows(packages):
    """Our crates' arrows: folder -> {folder}, dev-dependencies left out (they do not ship)."""
    by_name = {p["name"]: folder(p) for p in packages}
    return {
        folder(p): {by_name[d["name"]] for d in p["dependencies"] if d["name"] in by_name and d["kind"] != "dev"}
        for p in packages
    }


def check_arrows(graph):
    for where, targets in sorted(graph.items()):
        may = allowed(where)
        for target in sorted(targets):
            if may is not None and target not in may:
                problems.append(f"{where} depends on {target}: not an arrow of the layout")


def check_acyclic(graph):
    done, path = set(), []

    def visit(node):
        if node in path:
            problems.append("a cycle: " + " -> ".join(path[path.index(node):] + [node]))
        elif node not in done:
            path.append(node)
            for target in sorted(graph.get(node, ())):
                visit(target)
            path.pop()
            done.add(node)

    for node in sorted(graph):
        visit(node)


def below(name, *options):
    """Names of everything a crate drags in when it is built alone."""
    lines = cargo("tree", "-p", name, "-e", "normal", "--prefix", "none", "--format", "{p}", *options).splitlines()
    return {line.split()[0] for line in lines[1:] if line.strip()}


def check_contents(packages):
    names = {folder(p): p["name"] for p in packages}
    for where in NO_IO:
        if where in names:
            for bad in sorted(below(names[where]) & IO):
                problems.append(f"{where} must do no IO but drags in {bad}")
    wasm = ["--target", "wasm32-unknown-unknown"]
    for where in NO_STD:
        if where in names:
            for bad in sorted(below(names[where], "--no-default-features", *wasm) & NOT_IN_WASM):
                problems.append(f"{where} without features must not need {bad}")
    for where, name in sorted(names.items()):
        if where.startswith("contracts/"):
            for bad in sorted(below(name, *wasm) & NOT_IN_WASM):
                problems.append(f"{where} drags {bad} into wasm")


def check_manifests(packages):
    for p in packages:
        with open(p["manifest_path"], encoding="utf-8") as f:
            text = f.read()
        if "[lints]\nworkspace = true" not in text:
            problems.append(f"{folder(p)}: does not take the workspace's lints")
        if p["publish"] != []:
            problems.append(f"{folder(p)}: publish must come from the workspace")


def main():
    packages = json.loads(cargo("metadata", "--format-version", "1", "--no-deps"))["packages"]
    graph = arrows(packages)
    check_arrows(graph)
    check_acyclic(graph)
    check_contents(packages)
    check_manifests(packages)
    for problem in problems:
        print("layers:", problem)
    print(f"layers: {len(graph)} crates, {sum(map(len, graph.values()))} arrows, {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
