#!/usr/bin/env python3
"""Runs the test programs of `cargo test`, several at a time: most of them wait for servers most of the time.

cargo builds the programs and says how each is called: this file is its runner, which writes the calls down instead of making them.
Then they are made, those that last longest first; another one is begun as long as cores have nothing to do. What a program prints
comes in one piece, when it has ended. Its processor time is also that of the servers that it has started.
"""

import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import time

# The longest: whatever runs beside them ends before they do.
FIRST = ["chassis it", "system stories", "faults quick", "orchestrator unit", "system doors", "intake it", "cli it", "faults workload"]
# Those that measure how long somebody waits at the most: they run at the end, with nothing beside them.
ALONE = ["inventory abuse"]
# As many at once at least, and at most; in between as many as keep the cores at work.
LEAST, MOST = os.cpu_count() or 2, 2 * (os.cpu_count() or 2)
IDLE = 0.25
PR_SET_CHILD_SUBREAPER = 36
# How long servers may take to end after the program that had started them.
AFTER = 20
# By how much tests of pure functions, and stories, which wait as long as need be, stand back behind tests that are about time.
NICE = 10


def note(folder, call):
    """As cargo's runner: writes down what is to be run, where and with which variables."""
    package = os.environ["CARGO_PKG_NAME"]
    program = re.sub(r"-[0-9a-f]{16}$", "", pathlib.Path(call[0]).name)
    name = f"{package} {'unit' if program == package.replace('-', '_') else program}"
    call = {"name": name, "call": call, "folder": os.getcwd(), "variables": dict(os.environ)}
    with (pathlib.Path(folder) / f"{name}.json").open("x") as file:
        json.dump(call, file)


def asked(arguments, folder):
    """What `cargo test` with these arguments would run."""
    for old in folder.glob("*"):
        old.unlink()
    runner = json.dumps([sys.executable, str(pathlib.Path(__file__).resolve()), "note", str(folder)])
    subprocess.run(["cargo", "test", *arguments, "--config", f'target."cfg(all())".runner = {runner}'], check=True)
    calls = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    place = lambda call: FIRST.index(call["name"]) if call["name"] in FIRST else len(FIRST) + (call["name"] in ALONE)
    if not calls:
        sys.exit("cargo had no test to run")
    return sorted(calls, key=place)


def begin(call, output):
    """Runs a program in a process of its own, which waits for all that the program leaves behind; gives its number."""
    child = os.fork()
    if child:
        return child
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if call["name"].endswith(" unit") or call["name"].startswith("system "):
        os.nice(NICE)
    with output.open("wb") as file:
        ended = subprocess.run(
            call["call"], cwd=call["folder"], env=call["variables"], stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    until = time.monotonic() + AFTER
    while time.monotonic() < until:
        try:
            number, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        time.sleep(0 if number else 0.05)
    os._exit(0 if ended.returncode == 0 else 1)


def idle_ticks():
    """What the cores have spent doing nothing, and altogether, so far."""
    ticks = [int(number) for number in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3], sum(ticks)


def run(calls, folder):
    """Runs them; gives whether all went well."""
    waiting, running, failed = list(calls), {}, []
    begun, looked = time.monotonic(), 0.0
    idle, all_of = idle_ticks()
    rows = []
    while waiting or running:
        now = time.monotonic()
        free = False
        if now - looked > 2:
            idle_now, all_now = idle_ticks()
            free = idle_now - idle > IDLE * (all_now - all_of)
            idle, all_of, looked = idle_now, all_now, now
        room = len(running) < LEAST or (free and len(running) < MOST)
        if waiting and (not running if waiting[0]["name"] in ALONE else room):
            call = waiting.pop(0)
            output = folder / f"{call['name']}.txt"
            running[begin(call, output)] = (call["name"], output, time.monotonic())
            continue
        number, status, used = os.wait4(-1, os.WNOHANG)
        if not number:
            time.sleep(0.05)
            continue
        name, output, since = running.pop(number)
        cpu = used.ru_utime + used.ru_stime
        print(f"-- {name}: {time.monotonic() - since:.0f} s, {cpu:.0f} s of a core, ended at {time.monotonic() - begun:.0f} s", flush=True)
        print(output.read_text(errors="replace"), flush=True)
        rows.append((cpu, name))
        if status:
            failed.append(name)
    print(f"-- {len(rows)} programs: {time.monotonic() - begun:.0f} s, {sum(cpu for cpu, _ in rows):.0f} s of a core")
    for name in failed:
        print(f"-- FAILED: {name}")
    return not failed


def main():
    if sys.argv[1:2] == ["note"]:
        return note(sys.argv[2], sys.argv[3:])
    folder = pathlib.Path("target/ci-tests").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sys.exit(0 if run(asked(sys.argv[1:], folder), folder) else 1)


if __name__ == "__main__":
    main()
