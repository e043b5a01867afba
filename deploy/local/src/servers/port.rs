//! Ports to listen on.
//!
//! They are taken from below the range the kernel hands out to outgoing connections. A port from
//! inside that range could be lost while a server is down in a fault test: a client that keeps
//! reconnecting is sooner or later given that very port as its own, and connects to itself.

use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// Everything listens here and nowhere else.
pub(super) const HOST: &str = "127.0.0.1";

const LOWEST: u16 = 10_000;

/// What was handed out by this process: a port is free until its new owner listens, which may be a while.
static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port that was free a moment ago; whoever uses it must be ready to ask again.
pub fn free() -> Result<u16> {
    let end = outgoing_range_start();
    if end > LOWEST + 2_000 {
        for _ in 0..50 {
            let random = RandomState::new().build_hasher().finish();
            let port = LOWEST + (random % u64::from(end - LOWEST)) as u16;
            if take(port) && TcpListener::bind((HOST, port)).is_ok() {
                return Ok(port);
            }
        }
    }
    let listener = TcpListener::bind((HOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn take(port: u16) -> bool {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let taken = taken.get_or_insert_default();
    // A process that has used very many begins again.
    if taken.len() > 10_000 {
        taken.clear();
    }
    taken.insert(port)
}

fn outgoing_range_start() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
