#!/usr/bin/env python3
"""Checks what `mesh-devnet demo --json` printed: one file per seed, one JSON object in each.

Holds the object against the schema mesh-devnet/demo/1, adds the satoshi up once more, and makes sure that different
seeds gave different transactions. Prints one line per file; exits 1 if anything is wrong.
"""

import json
import sys

HEX64 = "hex64"
STR, INT, BOOL = str, int, bool
SCHEMA = {
    "schema": STR,
    "ok": BOOL,
    "steps": [{"name": STR, "seconds": (int, float)}],
    "bitcoin": {"node": STR, "tip_height": INT},
    "stakes": [{"owner": STR, "txid": HEX64, "vout": INT, "amount_sat": INT, "states": [STR]}],
    "mesh": {"collateral_sat": INT, "lien_sat": INT, "power_before": INT, "power_staked": INT, "power_after_slash": INT},
    "finality": {"hub_finalized_height": INT, "consumer_finalized_height": INT, "votes": INT},
    "slashing": {
        "fp_pk": HEX64, "extracted_key_matches": BOOL, "evidence_height": INT, "slashing_txid": HEX64,
        "burned_sat": INT, "change_sat": INT,
    },
    "exit": {"unbonding_txid": HEX64, "withdraw_txids": [HEX64]},
    "audit": {"sat_in": INT, "sat_out": INT, "fees_sat": INT, "burned_sat": INT, "balanced": BOOL},
}


def shape(value, want, where, problems):
    """Holds a value against a shape: a type, a hex string, a non-empty list of one shape, or an object."""
    if isinstance(want, dict):
        if not isinstance(value, dict):
            return problems.append(f"{where}: not an object")
        for key in want:
            if key in value:
                shape(value[key], want[key], f"{where}.{key}", problems)
            else:
                problems.append(f"{where}.{key} is missing")
    elif isinstance(want, list):
        if not isinstance(value, list) or not value:
            return problems.append(f"{where}: not a filled list")
        for i, item in enumerate(value):
            shape(item, want[0], f"{where}[{i}]", problems)
    elif want == HEX64:
        if not (isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")):
            problems.append(f"{where}: not 32 bytes of hex: {value!r}")
    elif not isinstance(value, want) or (isinstance(value, bool) and want is not BOOL):
        problems.append(f"{where}: wrong type: {value!r}")


def meaning(o, problems):
    """The claims of the story that can be checked from the numbers alone."""
    mesh, audit, slashing = o["mesh"], o["audit"], o["slashing"]
    claims = {
        "schema is mesh-devnet/demo/1": o["schema"] == "mesh-devnet/demo/1",
        "ok": o["ok"] is True,
        "balanced": audit["balanced"] is True,
        "sat_in = sat_out + fees + burned": audit["sat_in"] == audit["sat_out"] + audit["fees_sat"] + audit["burned_sat"],
        "the extracted key matches": slashing["extracted_key_matches"] is True,
        "something was burned": slashing["burned_sat"] > 0,
        "holders A and B staked": {s["owner"] for s in o["stakes"]} >= {"A", "B"},
        "staking raised the consumer's power": mesh["power_staked"] > mesh["power_before"],
        "slashing lowered it": mesh["power_after_slash"] < mesh["power_staked"],
        "hub blocks were finalised": o["finality"]["hub_finalized_height"] > 0,
        "consumer blocks were finalised": o["finality"]["consumer_finalized_height"] > 0,
        "A and B withdrew": len(o["exit"]["withdraw_txids"]) >= 2,
    }
    problems.extend(f"does not hold: {claim}" for claim, holds in claims.items() if not holds)


def check(path):
    problems = []
    try:
        with open(path, encoding="utf-8") as f:
            o = json.load(f)
    except (OSError, ValueError) as e:
        return None, [f"not exactly one JSON object: {e}"]
    shape(o, SCHEMA, "", problems)
    if not problems:
        meaning(o, problems)
    return o, problems


def main(paths):
    failed, seen = 0, {}
    for path in paths:
        o, problems = check(path)
        if not problems:
            for txid in [s["txid"] for s in o["stakes"]] + [o["slashing"]["slashing_txid"]]:
                if txid in seen:
                    problems.append(f"{txid} is also in {seen[txid]}: the seed changes nothing")
                seen[txid] = path
        for problem in problems:
            print(f"{path}: {problem}")
        failed += bool(problems)
    print(f"{len(paths) - failed} passed, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
