#!/usr/bin/env python3
"""Fails if something cites an id that proto/ids.md does not list, if README.md passes 150 lines of 160 characters, or if a
relative link of a page or a file that it names leads nowhere."""

import pathlib
import re
import subprocess
import sys

IDS = "proto/ids.md"
LINES, WIDTH = 150, 160
# Kinds that are told apart wherever they stand, and kinds that look like other words: those count in comments only.
SURE = r"S\d-\d{2}|S\d{2}|SR\d{1,2}|N\d{1,2}|P\d{2}|G\d{1,2}|F\d{2}|[AB]-D\d{1,2}|domain rule \d{1,2}"
LOOSE = r"C\d{1,2}|B6"
CITED = re.compile(rf"(?<![\w-])({SURE})(?=[a-z]?\b)")
COMMENTED = re.compile(rf"(?<![\w-])({SURE}|{LOOSE})(?=[a-z]?\b)")
# Names of tests, as `fn s17_…` and `fn sr29_…`.
NAMED = re.compile(r"\b(?:fn|mod) (?:[a-z_]*_)?(sr\d{1,2}|s\d{2}|g\d{2}|[ab]_d\d{1,2})_")
COMMENT = re.compile(r"^\s*(?://|--|#|\*)")
CODE = (".rs", ".proto", ".sql", ".toml", ".py", ".conf", ".sh")
NOT_CODE = ("Cargo.toml", "deny.toml", ".ci/pages.py")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A file of ours in a page, as `lane/batch.rs`.
FILE = re.compile(r"`([\w./-]+\.(?:rs|proto|sql|toml|py|conf|txt|md))(?:::\w+)?`")


def cited(name, text):
    """Ids that a file cites, with the line of each."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in (COMMENTED if COMMENT.match(line) or name.endswith(".md") else CITED).findall(line):
            yield number, found
        for found in NAMED.findall(line):
            yield number, found.upper().replace("_", "-")


def main():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout.split("\n")
    files = [pathlib.Path(name) for name in names if name and pathlib.Path(name).is_file()]
    listed = set(re.findall(r"^\| `?([^|`]+?)`? \|", pathlib.Path(IDS).read_text(), re.MULTILINE))
    wrong, count = [], 0
    for file in files:
        name = str(file)
        if name.endswith(NOT_CODE) or name == IDS or not name.endswith((*CODE, ".md")):
            continue
        for number, found in cited(name, file.read_text()):
            count += 1
            if found not in listed:
                wrong.append(f"{name}:{number}: {found} is not listed in {IDS}")
    lines = pathlib.Path("README.md").read_text().splitlines()
    if len(lines) > LINES:
        wrong.append(f"README.md has {len(lines)} lines, more than {LINES}")
    wrong += [f"README.md:{at}: longer than {WIDTH} characters" for at, line in enumerate(lines, 1) if len(line) > WIDTH]
    pages = [file for file in files if file.suffix == ".md"]
    ends = {"/".join(file.parts[at:]) for file in files for at in range(len(file.parts))}
    for page in pages:
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for link in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                target = link.split("#")[0]
                if target and "://" not in link and not (page.parent / target).exists():
                    wrong.append(f"{page}:{number}: {link} leads nowhere")
            wrong += [f"{page}:{number}: no file is called {name}" for name in FILE.findall(line) if name not in ends]
    print(f"{count} ids cited, {len(lines)} lines in README.md, {len(pages)} pages")
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
