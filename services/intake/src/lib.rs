//! Intake: takes claims from customers on any channel, asks the customer what the process needs to know, and is the
//! only place with contact data (N13). It decides nothing about a claim.
//!
//! - [`domain`]: the claim as intake knows it; pure.
//! - [`handle`]: the one path, from a batch of commands to rows and messages.
//! - [`vault`]: how personal data are sealed, and how customers are forgotten.
//! - [`store`]: SQL. [`grpc`]: calls. [`events`]: messages.
//! - [`evidence`]: files of evidence, in a store of their own.
//! - [`admission`]: how many reports are let in when there are too many.
//! - [`config`]: the settings that only intake has.
//! - [`canary`]: claims that it submits to itself, to see that claims get through.

pub mod admission;
pub mod canary;
pub mod config;
pub mod domain;
pub mod events;
pub mod evidence;
pub mod grpc;
pub mod handle;
pub mod store;
pub mod vault;

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::REQUEST_BYTES_MAX;
use proto::intake::intake_service_server::IntakeServiceServer;
use proto::intake::vault_service_server::VaultServiceServer;
use vault::erasures::Erasures;

/// The migrations of its own tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

pub static SERVICE: chassis::Service = chassis::Service {
    name: "intake",
    migrations: &MIGRATIONS,
    grants: store::GRANTS,
    own: config::OWN,
    long: &[("redress.intake.v1.EvidenceService/UploadEvidence", Duration::from_secs(135))],
    build,
};

fn build(ctx: &chassis::Context) -> chassis::Building<'_> {
    Box::pin(async move {
        let config = config::Config::read(ctx.own())?;
        let vault = vault::Vault::open(&config.vault)?;
        vault.check(&ctx.reads()).await?;
        let erasures = Erasures::open(ctx.checkpoints()?, ctx.reads(), ctx.clock()).await?;
        let customers = &config.customers;
        let quota =
            domain::Quota { claims: u64::from(customers.claims_per_day), bytes: customers.evidence_bytes_per_day };
        let rules = Arc::new(ctx.packs().map(|pack| domain::Rules::new(pack)));
        let reads_of_day = Arc::new(chassis::Day::new("reads", customers.reads_per_day));
        let handle = handle::Handle { rules: Arc::clone(&rules), vault: vault.clone(), quota, clock: ctx.clock() };
        let lanes = ctx.lanes(handle);
        ctx.consume(&lanes, events::command);
        let (packs, clock, every) = (Arc::clone(ctx.packs()), ctx.clock(), config.evidence.sweep.unsigned_abs());
        ctx.sweep("customers whose time has passed", every, &lanes, move |pool, offset| {
            handle::customers_over(pool, offset, packs.in_force(clock.now()).rules.retention.personal_days)
        });
        ctx.audit(&store::SOURCES, Some(store::DIFFERS));
        ctx.in_use(store::VERSIONS);
        canary::start(ctx, config.canary.every, &lanes);
        let readers = grpc::Reads {
            contacts: Arc::new(ctx.packs().map(|pack| pack.contacts.clone())),
            pool: ctx.reads(),
            clock: ctx.clock(),
            lanes: lanes.clone(),
            parcels: ctx.ask(chassis::topology::PARCELS),
            told: ctx.ask(chassis::topology::TOLD),
            one: Arc::default(),
        };
        let evidence =
            evidence::serve(ctx, config.evidence, &lanes, quota, Arc::clone(&reads_of_day), readers.clone())?;
        ctx.task("the keys of customers", vault::tend::run(vault.clone(), ctx.reads()));
        ctx.task("the file of erasures", erasures.clone().run());
        let (reads, clock) = (ctx.reads(), ctx.clock());
        let customers = grpc::vault::Api {
            lanes: lanes.clone(),
            reads,
            clock,
            vault: vault.clone(),
            readers: readers.clone(),
            erasures,
            reads_of_day: Arc::clone(&reads_of_day),
        };
        let customers = VaultServiceServer::new(customers).max_decoding_message_size(REQUEST_BYTES_MAX);
        let limits = config.admission;
        let admission = admission::Admission::new(limits.begun_within.unsigned_abs(), limits.ahead);
        let begun = admission.clone();
        ctx.overhear(move |claim| begun.begun(claim, Instant::now()));
        let (told, paced) = (admission.clone(), admission.clone());
        ctx.pace(chassis::Backpressure {
            told: Box::new(move |claim| told.told(claim)),
            open: admission.open(),
            given_up: Box::new(move || paced.given_up()),
            rows: limits.ahead,
        });
        let day = ctx.packs().zone().clone();
        let (reads, clock) = (ctx.reads(), ctx.clock());
        let api = grpc::Api { lanes, reads, clock, day, rules, vault, readers, admission, reads_of_day };
        let intake = IntakeServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX);
        Ok(ctx.routes(intake).add_service(evidence).add_service(customers))
    })
}
