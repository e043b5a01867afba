#!/usr/bin/env bash
# price-parser 0.3.4 reads a price in Swiss notation as its thousands only.
#
# Expected: an apostrophe between groups of three digits separates thousands, as in Swiss invoices and price lists, so
# "1'250.00 CHF" is 1250.00; blanks, dots and commas between groups are understood so.
# Seen: it is 1, without an error, with the straight and with the typographic apostrophe; "1 250.00 CHF" is 1250.00. What is
# imported as the price that was paid is a thousandth of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check price-parser==0.3.4
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from price_parser import Price

texts = ["1 250.00 CHF", "1,250.00 CHF", "1'250.00 CHF", "1\u2019250.00 CHF"]
seen = {text: str(Price.fromstring(text).amount) for text in texts}
print("price-parser", version("price-parser"), seen)
assert [seen[text] for text in texts] == ["1250.00", "1250.00", "1", "1"], seen
PY
