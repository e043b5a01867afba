//! Every file in `deploy/` is parsed, and what is generated is as it would be generated now.
//!
//! `REDRESS_WRITE_TOPOLOGY=1 cargo test -p system --test stories topology` writes the files in `deploy/nats` anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use chassis::topology::{
    ACK_PENDING_MAX, ACK_WAIT, GROUP, SERVICES, STREAMS, TAKE_OVER, authorization, consumer_name, stream_name, users,
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
            Some("rs" | "md") => {}
            Some("toml") if folder == "policies" => {
                Pack::parse(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
                packs += 1;
            }
            Some("conf") => accepted(&path),
            Some("sql") => run_by_psql(&path),
            Some("toml") => {
                drop(text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            }
            other => panic!("{}: nothing parses a file of kind {other:?}", path.display()),
        }
    }
    assert!(packs > 0);
}

/// Makes the database of a service with a script for operators, as superuser, and looks at what became of it.
fn run_by_psql(path: &Path) {
    let servers = testkit::servers();
    let (service, password) = (format!("shop{}", std::process::id()), "open sesame");
    let psql = |arguments: &[&str]| {
        let mut command = Command::new(servers.postgres_programs().join("psql"));
        command.args(["-X", "-q", "-d", &servers.postgres_url("postgres")]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let given =
        [format!("service={service}"), format!("app_password={password}"), format!("owner_password={password}")];
    let [service_is, app_is, owner_is] = given.each_ref().map(String::as_str);
    psql(&["-v", service_is, "-v", app_is, "-v", owner_is, "-f", path.to_str().unwrap()]);
    let made = format!("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{service}'");
    assert_eq!(psql(&["-At", "-c", &made]).trim(), format!("{service}_owner"));
}

/// Whether the broker takes a file as its configuration.
fn accepted(path: &Path) {
    let mut server = Command::new(testkit::servers().nats_program());
    server.arg("-t").arg("-c").arg(path);
    for user in users("redress") {
        server.env(variable(&user.name), "$2a$11$0123456789012345678901.123456789012345678901234567890.");
    }
    let output = server.output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
}

/// The variable of the broker's environment that holds the password of a user.
fn variable(user: &str) -> String {
    format!("REDRESS_NATS_{}", user.to_uppercase())
}

/// The users of the broker and what each may do.
fn broker_users() -> String {
    let head = "# Users of the broker and what each may do, for prefix `redress`: generated from the table in\n\
        # services/chassis/src/topology.rs. Do not edit. In the configuration of the broker: `include users.conf`.\n\
        #\n\
        # Passwords come from the environment of the broker, as bcrypt (`nats server passwd`). `subscriber` is a template:\n\
        # `redress subscriber NAME` prints the account of another one. In its account JetStream is the domain `redress`.\n\n";
    let users = users("redress");
    format!("{head}{}", authorization("redress", &users, |user| format!("${}", variable(user))))
}

#[test]
fn the_topology_gives_the_users_of_the_broker() {
    let path = deploy().join("nats/users.conf");
    if std::env::var_os("REDRESS_WRITE_TOPOLOGY").is_some() {
        std::fs::write(&path, broker_users()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), broker_users(), "see the head of this file");
    accepted(&path);
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
        if let Some(limits) = config.consumer_limits {
            let (most, pending) = (config.max_consumers, limits.max_ack_pending);
            let inactive = limits.inactive_threshold.as_secs();
            writeln!(
                text,
                "max_consumers = {most}\nconsumers_max_ack_pending = {pending}\nconsumers_inactive_threshold_s = {inactive}"
            )
            .unwrap();
        }
    }
    for row in SERVICES {
        let consumer = consumer_name(row.service);
        let stream = stream_name("redress", row.stream);
        let publish = row.user("redress").publish;
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
