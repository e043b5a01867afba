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

# format, lint, size of files, pages
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    python3 .ci/sizes.py
    python3 .ci/pages.py

# the programs that later upgrades start from, as target/release-files/redress-VERSION-TARGET.tar.gz with its SHA-256
release *args:
    .ci/release {{args}}

# what CI runs
ci:
    .ci/run

# lint the contract (needs buf)
proto-lint:
    cd proto && buf lint

# licences, bans, sources, known holes (needs cargo-deny 0.20 and the network, for the list of holes)
deny *args:
    python3 .ci/exceptions.py
    cargo deny check {{args}}

# what is in it, as CycloneDX: one file beside each package (needs cargo-cyclonedx 0.5)
sbom:
    cargo cyclonedx --format json --spec-version 1.5 --all --target all

# look for inputs that break a reader, as event_decode (needs nightly Rust and cargo-fuzz)
fuzz target *args:
    mkdir -p tests/fuzz/cargo-fuzz/corpus/{{target}}
    cargo run --quiet --package fuzz --example seeds -- {{target}} tests/fuzz/cargo-fuzz/corpus/{{target}}
    cargo +nightly fuzz run --fuzz-dir tests/fuzz/cargo-fuzz {{target}} -- -max_len=65536 -max_total_time=300 {{args}}

# idle memory, time to ready, commits and messages of the automatic path: the figures of tests/load
measure:
    cargo build --release --package cli
    cargo run --release --package system --bin measure

# The build of another checkout must be there: cargo build --release --package cli.
# load: claims a second as a ratio to naked PostgreSQL, latency, cost; --growth, --against another checkout in turn
bench *args:
    cargo build --release --package cli --package load
    cargo run --release --package load -- {{args}}

# print stage x event of the claim process into its table
process-table:
    REDRESS_WRITE_TABLES=1 cargo test --package orchestrator --lib table

# write deploy/nats/topology.toml and users.conf from the table in chassis
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
    cargo build --release --package faults
    cargo run --quiet --release --package faults --bin faults -- run {{args}}

# plant known mistakes, each of which the checker must find
fault-bugs *args:
    cargo build --release --package faults
    cargo run --quiet --release --package faults --bin faults -- bugs {{args}}

# the long rest that CI leaves out: lints of every feature, downloads, all faults, planted mistakes, figures
nightly:
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    just fetch-test
    just faults --all --claims 300
    just fault-bugs
    just bench
