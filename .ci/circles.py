#!/usr/bin/env python3
"""Finds circles of imports between the rooms of a crate: a room is a module at the root of the crate, with all below it.

A file imports another if it names it, by `crate::` or through what it takes by `use`. Tests do not count. A circle that is
meant is named below, with the reason; any other fails.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MEANT = {
    "services/intake: canary config evidence grpc handle store vault": "as others were: what a batch is, and what it looks like",
    "services/inventory: command domain refusal reservation returns stock store wire world": "a folder per noun, and beside them what "
    "the nouns share: one batch changes stock, reservations and returns together",
}


def rooms(source):
    """The rooms of a crate and what each names: {room: {room: [file]}}."""
    files = {}
    for path in source.rglob("*.rs"):
        parts = path.relative_to(source).with_suffix("").parts
        if "tests" in parts or parts[0] in ("lib", "main", "bin"):
            continue
        files.setdefault(parts[0], []).append(path)
    # What the root gives under a shorter name is in the room it comes from.
    root = source / "lib.rs"
    given = {}
    if root.exists():
        for room, names in re.findall(r"pub(?:\(crate\))? use (\w+)::([^;]+);", root.read_text()):
            for name in re.findall(r"\w+", names):
                given[name] = room
    graph = {room: {} for room in files}
    for room, paths in files.items():
        for path in paths:
            text = path.read_text()
            text = re.split(r"#\[cfg\(test\)\]\s*mod \w+ \{", text)[0]
            text = re.sub(r"//.*", "", text)
            named = set(re.findall(r"\bcrate::(\w+)", text))
            for group in re.findall(r"\bcrate::\{([^;]*)\}", text):
                depth, word = 0, ""
                for char in group + ",":
                    if char == "{":
                        depth += 1
                    elif char == "}":
                        depth -= 1
                    elif depth == 0 and char == ",":
                        named.add(word.strip().split("::")[0].split(" ")[0])
                        word = ""
                        continue
                    if depth == 0:
                        word += char
            for name in named:
                other = name if name in files else given.get(name)
                if other and other != room and other in files:
                    graph[room].setdefault(other, []).append(path)
    return graph


def circles(graph):
    """Strongly connected components of more than one room (Tarjan)."""
    index, low, stack, found, number = {}, {}, [], [], [0]

    def visit(room):
        index[room] = low[room] = number[0]
        number[0] += 1
        stack.append(room)
        for other in graph[room]:
            if other not in index:
                visit(other)
                low[room] = min(low[room], low[other])
            elif other in stack:
                low[room] = min(low[room], index[other])
        if low[room] == index[room]:
            part = []
            while True:
                part.append(stack.pop())
                if part[-1] == room:
                    break
            if len(part) > 1:
                found.append(sorted(part))

    for room in graph:
        if room not in index:
            visit(room)
    return found


def main():
    bad = 0
    for source in sorted([*ROOT.glob("services/*/src"), *ROOT.glob("proto/src"), *ROOT.glob("deploy/*/src")]):
        graph = rooms(source)
        for circle in circles(graph):
            name = f"{source.parent.relative_to(ROOT)}: {' '.join(circle)}"
            if name in MEANT:
                continue
            bad += 1
            print(f"circle: {name}")
            for room in circle:
                for other in circle:
                    for path in graph[room].get(other, []):
                        print(f"    {path.relative_to(source)} -> {other}")
    sys.exit(1 if bad else 0)


main()
