//! One connection through the proxy: two pumps, each a reader that decides and a writer that keeps the time.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{Either, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::Instant;

use super::frames::{self, Frames};
use super::postgres::Talk;
use super::{Link, Mode, Speaks, Way};
use crate::random::Random;

/// How long the other way may go on after one has ended.
const HALF_OPEN: Duration = Duration::from_secs(10);

/// How a pump ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The sender closed, or is gone.
    Closed,
    /// The connection is to be reset.
    Cut,
}

/// Something to send.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
    /// The connection is reset when this was sent.
    cut: bool,
}

pub(super) async fn run(mut caller: TcpStream, link: Arc<Link>) {
    let _ = caller.set_nodelay(true);
    if *link.mode.borrow() == Mode::Reset {
        return reset(&caller);
    }
    if link.mode.borrow().swallows(Way::Up) {
        // Not even the server hears of it.
        return silence(&mut caller, &link).await;
    }
    let Some(mut server) = link.connect().await else { return reset(&caller) };
    let _ = server.set_nodelay(true);
    let end = pass(&mut caller, &mut server, &link).await;
    if end == End::Cut {
        reset(&caller);
        // The server is to see what was sent before the cut, so it is not reset.
    }
}

async fn pass(caller: &mut TcpStream, server: &mut TcpStream, link: &Link) -> End {
    let forwarded = AtomicU64::new(0);
    let (from_caller, to_caller) = caller.split();
    let (from_server, to_server) = server.split();
    let up = Pump { way: Way::Up, link, forwarded: &forwarded };
    let down = Pump { way: Way::Down, link, forwarded: &forwarded };
    let up = pin!(up.run(from_caller, to_server));
    let down = pin!(down.run(from_server, to_caller));
    let (first, other) = match select(up, down).await {
        Either::Left((end, other)) => (end, Either::Left(other)),
        Either::Right((end, other)) => (end, Either::Right(other)),
    };
    if first == End::Cut {
        return End::Cut;
    }
    let rest = async {
        match other {
            Either::Left(down) => down.await,
            Either::Right(up) => up.await,
        }
    };
    tokio::time::timeout(HALF_OPEN, rest).await.unwrap_or(End::Closed)
}

/// Swallows all a caller says, until it goes and the link is not black any more.
async fn silence(caller: &mut TcpStream, link: &Link) {
    let mut waste = [0; 4096];
    while !matches!(caller.read(&mut waste).await, Ok(0) | Err(_)) {}
    wait_for_light(&mut link.mode.subscribe(), Way::Up).await;
}

async fn wait_for_light(mode: &mut watch::Receiver<Mode>, way: Way) {
    let _ = mode.wait_for(|mode| !mode.swallows(way)).await;
}

fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// One way of a connection.
struct Pump<'a> {
    way: Way,
    link: &'a Link,
    forwarded: &'a AtomicU64,
}

impl Pump<'_> {
    async fn run(self, from: ReadHalf<'_>, to: WriteHalf<'_>) -> End {
        let (pieces, inbox) = mpsc::channel(64);
        let read = pin!(self.read(from, pieces));
        let write = pin!(self.write(to, inbox));
        match select(read, write).await {
            Either::Left((End::Cut, _)) => End::Cut,
            Either::Left((End::Closed, write)) => write.await,
            Either::Right((end, _)) => end,
        }
    }

    async fn read(&self, mut from: ReadHalf<'_>, pieces: mpsc::Sender<Piece>) -> End {
        let mut modes = self.link.mode.subscribe();
        let mut buffer = vec![0; 32 * 1024];
        let (mut frames, mut talk) = (Frames::default(), Talk::default());
        let mut shaper = Shaper::new();
        let mut swallowed = false;
        loop {
            let read = tokio::select! {
                biased;
                changed = modes.changed() => {
                    let mode = modes.borrow_and_update().clone();
                    if changed.is_err() || matches!(mode, Mode::Refuse | Mode::Reset) {
                        return End::Cut;
                    }
                    self.forwarded.store(0, Ordering::Relaxed);
                    continue;
                }
                read = from.read(&mut buffer) => read.unwrap_or(0),
            };
            let mode = modes.borrow().clone();
            if swallowed || mode.swallows(self.way) {
                swallowed = true;
                if read == 0 {
                    wait_for_light(&mut modes, self.way).await;
                    return End::Cut;
                }
                continue;
            }
            if read == 0 {
                return End::Closed;
            }
            for piece in self.shape(&mode, &buffer[..read], (&mut frames, &mut talk), &mut shaper) {
                if pieces.send(piece).await.is_err() {
                    return End::Closed;
                }
            }
        }
    }

    /// What is to be sent of the bytes that came, and when.
    fn shape(
        &self,
        mode: &Mode,
        bytes: &[u8],
        (frames, talk): (&mut Frames, &mut Talk),
        shaper: &mut Shaper,
    ) -> Vec<Piece> {
        let passed = &self.link.passed;
        passed.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if self.link.speaks == Speaks::Nats {
            let found = frames.take(bytes);
            return found.into_iter().flat_map(|frame| self.tamper(mode, frame, shaper)).collect();
        }
        let mut cut = false;
        if self.link.speaks == Speaks::Postgres && self.way == Way::Up && talk.commits(bytes) {
            let commits = passed.commits.fetch_add(1, Ordering::Relaxed) + 1;
            cut = matches!(mode, Mode::CutAtCommit(each) if commits.is_multiple_of((*each).max(1)));
        }
        vec![self.piece(mode, bytes.to_vec(), cut, shaper)]
    }

    fn tamper(&self, mode: &Mode, frame: Vec<u8>, shaper: &mut Shaper) -> Vec<Piece> {
        let passed = &self.link.passed;
        if self.way == Way::Up && frames::is_ack(&frame) {
            passed.acks.fetch_add(1, Ordering::Relaxed);
            if matches!(mode, Mode::LoseAcks(percent) if shaper.random.percent(*percent)) {
                passed.tampered.fetch_add(1, Ordering::Relaxed);
                return Vec::new();
            }
        }
        let delivery = self.way == Way::Down && frames::is_delivery(&frame);
        match mode {
            Mode::Reorder(most) if delivery => {
                passed.tampered.fetch_add(1, Ordering::Relaxed);
                let held = shaper.random.below(u64::try_from(most.as_millis()).unwrap_or(u64::MAX));
                vec![Piece { due: Instant::now() + Duration::from_millis(held), bytes: frame, cut: false }]
            }
            Mode::Repeat(percent) if delivery && shaper.random.percent(*percent) => {
                passed.tampered.fetch_add(1, Ordering::Relaxed);
                vec![
                    self.piece(mode, frame.clone(), false, shaper),
                    Piece { due: Instant::now() + Duration::from_millis(30), bytes: frame, cut: false },
                ]
            }
            _ => vec![self.piece(mode, frame, false, shaper)],
        }
    }

    fn piece(&self, mode: &Mode, bytes: Vec<u8>, cut: bool, shaper: &mut Shaper) -> Piece {
        let total = self.forwarded.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64;
        let cut = cut || matches!(mode, Mode::CutAfter(limit) if total >= *limit);
        Piece { due: shaper.due(mode, bytes.len()), bytes, cut }
    }

    async fn write(&self, mut to: WriteHalf<'_>, mut inbox: mpsc::Receiver<Piece>) -> End {
        let mut waiting: BTreeMap<(Instant, u64), Piece> = BTreeMap::new();
        let mut count = 0;
        let mut open = true;
        loop {
            let first = waiting.first_key_value().map(|((due, _), _)| *due);
            tokio::select! {
                piece = inbox.recv(), if open && waiting.len() < 4096 => match piece {
                    Some(piece) => {
                        count += 1;
                        waiting.insert((piece.due, count), piece);
                    }
                    None => open = false,
                },
                () = tokio::time::sleep_until(first.unwrap_or_else(Instant::now)), if first.is_some() => {
                    let Some((_, piece)) = waiting.pop_first() else { continue };
                    if to.write_all(&piece.bytes).await.is_err() {
                        return End::Closed;
                    }
                    if piece.cut {
                        return End::Cut;
                    }
                }
                else => break,
            }
        }
        let _ = to.shutdown().await;
        End::Closed
    }
}

/// When the next bytes are due: the order of a stream is kept.
struct Shaper {
    last: Instant,
    random: Random,
}

impl Shaper {
    fn new() -> Self {
        // What the network does in detail is not part of the plan of a seed.
        let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self { last: Instant::now(), random: Random::new(u64::from(seed.subsec_nanos())) }
    }

    fn due(&mut self, mode: &Mode, bytes: usize) -> Instant {
        let mut due = Instant::now();
        let mut sending = Duration::ZERO;
        if let Mode::Slow { delay, jitter, bytes_per_second } = mode {
            let jitter = self.random.below(u64::try_from(jitter.as_micros()).unwrap_or(u64::MAX).saturating_add(1));
            due += *delay + Duration::from_micros(jitter);
            if let Some(rate) = bytes_per_second {
                sending = Duration::from_secs_f64(bytes as f64 / (*rate).max(1) as f64);
            }
        }
        self.last = due.max(self.last) + sending;
        self.last
    }
}
