#!/usr/bin/env python3
"""Fails if an exception of deny.toml does not say why, or if its time is over: the reason ends with "until YYYY-MM-DD"."""

import datetime
import pathlib
import re
import sys
import tomllib

deny = tomllib.loads(pathlib.Path("deny.toml").read_text())
exceptions = (
    deny.get("advisories", {}).get("ignore", [])
    + deny.get("bans", {}).get("skip", [])
    + deny.get("bans", {}).get("skip-tree", [])
    # cargo-deny takes no reason there, so there are none.
    + deny.get("licenses", {}).get("exceptions", [])
    + deny.get("licenses", {}).get("clarify", [])
)
wrong = []
for entry in exceptions:
    name = entry if isinstance(entry, str) else entry.get("id") or entry.get("crate") or entry.get("name")
    reason = "" if isinstance(entry, str) else entry.get("reason", "")
    until = re.search(r"\S.* until (\d{4}-\d{2}-\d{2})$", reason)
    if not until:
        wrong.append(f'{name}: no reason that ends with "until YYYY-MM-DD"')
    elif datetime.date.fromisoformat(until[1]) < datetime.date.today():
        wrong.append(f"{name}: its time was over on {until[1]}")
print(f"{len(exceptions)} exceptions in deny.toml")
sys.exit("\n".join(wrong) or None)
