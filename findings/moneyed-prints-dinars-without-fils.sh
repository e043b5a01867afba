#!/usr/bin/env bash
# py-moneyed 3.0 knows that an Iraqi dinar has 1,000 fils, and prints amounts of it without them.
#
# Expected: an amount is printed with as many digits as the library itself counts in it: 12.345 IQD is 12,345 fils, so
# "IQD 12.345", as ISO 4217 says (exponent 3).
# Seen: it counts 12345 sub-units and prints "IQD 12": formatting is left to Babel, whose data (CLDR) give the currency the
# digits that are used in cash. Tunisian dinars are printed with all three digits. Whoever puts str(amount) on a credit note
# tells the customer up to 999 fils too little, or too much.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check py-moneyed==3.0 Babel==2.17.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from moneyed import Money

seen = {code: (Money("12.345", code).get_amount_in_sub_unit(), str(Money("12.345", code))) for code in ("IQD", "TND")}
print("py-moneyed", version("py-moneyed"), "Babel", version("Babel"), {c: (n, t.replace("\xa0", " ")) for c, (n, t) in seen.items()})
assert [count for count, _ in seen.values()] == [12345, 12345], seen
assert "345" in seen["TND"][1], seen
assert "345" not in seen["IQD"][1] and "12" in seen["IQD"][1], seen
PY
