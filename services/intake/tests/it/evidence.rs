//! Evidence files: S15 (what may be uploaded), S16 (who may download), G25 (where the bytes go).

mod bucket;
mod crash;
mod download;
mod mutated;
mod quota;
mod refused;
mod retention;
mod samples;
mod store;
mod upload;
mod world;
