//! Every file in `deploy/` is parsed, and what is generated is as it would be generated now.
//!
//! `REDRESS_WRITE_TOPOLOGY=1 cargo test -p system --test stories topology` writes `deploy/nats/topology.toml` anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chassis::topology::{
    ACK_PENDING_MAX, ACK_WAIT, GROUP, SERVICES, STREAMS, Stream, TAKE_OVER, consumer_name, stream_name,
};
use proto::policy::Pack;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_file_is_parsed() {
    let mut found = Vec::new();
    files(&deploy(), &mut found);
    let mut packs = 0;
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        let folder = path.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => {}
            Some("toml") if folder == "policies" => {
                Pack::parse(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
                packs += 1;
            }
            Some("toml") => {
                drop(text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            }
            other => panic!("{}: nothing parses a file of kind {other:?}", path.display()),
        }
    }
    assert!(packs > 0);
}

/// Streams, consumers and permissions, as the one table has them.
fn topology() -> String {
    let mut text = String::from(
        "# Streams, consumers and permissions of the broker for prefix `redress`: generated from the table in\n\
         # services/chassis/src/topology.rs, which `provision` creates them from. Do not edit.\n",
    );
    for stream in STREAMS {
        let config = stream.config("redress", 20 * 1024);
        write!(
            text,
            "\n[[streams]]\nname = \"{}\"\nsubjects = {:?}\ndiscard = \"new\"\nmax_age_s = {}\nmax_bytes = {}\n\
             max_message_size = {}\nduplicate_window_s = {}\n",
            config.name,
            config.subjects,
            config.max_age.as_secs(),
            config.max_bytes,
            config.max_message_size,
            config.duplicate_window.as_secs()
        )
        .unwrap();
    }
    for row in SERVICES {
        let consumer = consumer_name(row.service);
        let stream = stream_name("redress", row.stream);
        let mut publish: Vec<String> = row.publishes.iter().map(|subject| format!("redress.v1.{subject}")).collect();
        // The relay reads back what it has published, and looks whether its database is older; the consumer looks whether
        // the broker lost what it has got; readiness compares all that is used with the table.
        let used = |kept: &&Stream| {
            kept.name == row.stream || row.publishes.iter().any(|subject| subject.starts_with(kept.kind))
        };
        for kept in STREAMS.iter().filter(used) {
            let kept = stream_name("redress", kept.name);
            publish.push(format!("$JS.API.DIRECT.GET.{kept}"));
            publish.push(format!("$JS.API.STREAM.INFO.{kept}"));
        }
        // An event of a claim goes directly after the last one, which is asked for.
        if row.publishes.iter().any(|kind| kind.starts_with("claim.")) {
            publish.push(format!("$JS.API.STREAM.MSG.GET.{}", stream_name("redress", "CLAIMS")));
        }
        publish.push(format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"));
        publish.push(format!("$JS.API.CONSUMER.INFO.{stream}.{consumer}"));
        publish.push(format!("$JS.API.CONSUMER.UNPIN.{stream}.{consumer}"));
        // Where the broker lost messages, a service makes its own consumer anew.
        publish.push(format!("$JS.API.CONSUMER.DELETE.{stream}.{consumer}"));
        publish.push(format!("$JS.API.CONSUMER.CREATE.{stream}.{consumer}"));
        publish.push(format!("$JS.ACK.{stream}.{consumer}.>"));
        write!(
            text,
            "\n[[services]]\nname = \"{}\"\nstream = \"{stream}\"\nconsumer = \"{consumer}\"\n\
             filter = \"redress.v1.{}\"\nmax_deliver = -1\nmax_ack_pending = {ACK_PENDING_MAX}\nack_wait_s = {}\n\
             priority_policy = \"pinned_client\"\npriority_groups = [\"{GROUP}\"]\npriority_timeout_s = {}\n\
             publish = {publish:#?}\n",
            row.service,
            row.consumes,
            ACK_WAIT.as_secs(),
            TAKE_OVER.as_secs()
        )
        .unwrap();
    }
    text
}

#[test]
fn the_topology_is_that_of_the_table() {
    let path = deploy().join("nats/topology.toml");
    if std::env::var_os("REDRESS_WRITE_TOPOLOGY").is_some() {
        std::fs::write(&path, topology()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written, topology(), "see the head of this file");
    written.parse::<toml::Table>().unwrap();
}
