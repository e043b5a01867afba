# The habits of this repository. Every recipe is a thin call of something that works without just.

# list the recipes
default:
    @just --list

# the main job on real input, on private servers
demo *args:
    cargo demo {{args}}

# all of Redress in the foreground, until Ctrl-C
up *args:
    cargo redress up {{args}}

# every test
test *args:
    cargo test {{args}}

# format, lint, size of files
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    python3 .ci/sizes.py

# what CI runs
ci:
    .ci/run

# lint the contract (needs buf)
proto-lint:
    cd proto && buf lint

# licences, bans, sources (needs cargo-deny)
deny:
    cargo deny check

# idle memory, time to ready, commits and messages of the automatic path: the measured section of the README
measure:
    cargo build --release --package cli
    cargo run --release --package system --bin measure

# load: claims a second as a ratio to naked PostgreSQL, latency, cost; --growth for what grows or breaks
bench *args:
    cargo build --release --package cli --package load
    cargo run --release --package load -- {{args}}

# print stage x event of the claim process into its table
process-table:
    REDRESS_WRITE_TABLES=1 cargo test --package orchestrator --lib table

# write deploy/nats/topology.toml from the table in chassis
topology:
    REDRESS_WRITE_TOPOLOGY=1 cargo test --package system --test stories topology

# freeze samples of new messages; never changes an existing one
samples:
    REDRESS_ADD_SAMPLES=1 cargo test --package proto --test samples

# tests that download what is pinned, whatever is installed
fetch-test:
    cargo test --package local --features download-tests

# break everything around Redress, under load, and let the checker judge (needs no servers): --all, --only F07, --seed N
faults *args:
    cargo build --release --package faults --package checker
    cargo run --quiet --release --package faults --bin faults -- run {{args}}

# plant known mistakes, each of which the checker must find
fault-bugs *args:
    cargo build --release --package faults --package checker
    cargo run --quiet --release --package faults --bin faults -- bugs {{args}}
