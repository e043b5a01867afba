//! A flame graph of the services, PostgreSQL and NATS while a point is measured, by perf.
//!
//! Whole stacks need frame pointers: `RUSTFLAGS="-C force-frame-pointers=yes"`. Without them the innermost functions are
//! right and what called them is cut off.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::processes::{self, Group};

const WIDTH: f64 = 1200.0;
const ROW: f64 = 17.0;
/// Narrower frames are left out.
const NARROWEST: f64 = 0.4;

/// A recording that runs.
pub struct Profile {
    perf: Child,
    folder: TempDir,
    file: PathBuf,
}

/// Records for about so many seconds.
pub fn start(file: &Path, seconds: u64) -> Result<Profile> {
    let measured = processes::all().into_iter().filter(|process| process.group != Group::Driver);
    let pids: Vec<String> = measured.map(|process| process.pid.to_string()).collect();
    let folder = tempfile::tempdir()?;
    let mut command = Command::new("perf");
    command.args(["record", "-q", "-F", "199", "-g", "-p", &pids.join(","), "-o"]).arg(folder.path().join("perf.data"));
    command.args(["--", "sleep", &(seconds + 1).to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let perf = command.spawn().context("--profile needs the program perf")?;
    Ok(Profile { perf, folder, file: file.to_owned() })
}

impl Profile {
    /// Waits for the end and draws; says what was written, or why nothing was.
    pub async fn finish(self) -> Result<String> {
        let recorded = self.perf.wait_with_output().await?;
        if !recorded.status.success() {
            let why = String::from_utf8_lossy(&recorded.stderr).into_owned();
            return Ok(format!("no profile: perf says {}", why.lines().next().unwrap_or("nothing")));
        }
        let data = self.folder.path().join("perf.data");
        let script = Command::new("perf").args(["script", "-F", "comm,ip,sym", "-i"]).arg(&data).output().await?;
        ensure!(script.status.success(), "perf script failed: {}", String::from_utf8_lossy(&script.stderr));
        let root = fold(&String::from_utf8_lossy(&script.stdout));
        if root.count == 0 {
            return Ok("no profile: perf took no samples".to_owned());
        }
        tokio::fs::write(&self.file, draw(&root)).await?;
        Ok(format!("wrote {} of {} samples", self.file.display(), root.count))
    }
}

#[derive(Default)]
struct Frame {
    count: u64,
    calls: BTreeMap<String, Frame>,
}

/// Samples of `perf script`: a line with the program, then its stack from the inside out, then an empty line.
fn fold(script: &str) -> Frame {
    let mut root = Frame::default();
    for sample in script.split("\n\n") {
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
        let Some(program) = lines.next() else { continue };
        let symbol = |line: &str| {
            let line = line.trim();
            let name = line.split_once(' ').map_or(line, |(_, name)| name);
            name.split("+0x").next().unwrap_or(name).to_owned()
        };
        let mut stack: Vec<String> = lines.map(symbol).collect();
        stack.push(program.trim().trim_end_matches(':').to_owned());
        root.count += 1;
        let mut frame = &mut root;
        for name in stack.into_iter().rev() {
            frame = frame.calls.entry(name).or_default();
            frame.count += 1;
        }
    }
    root
}

fn depth(frame: &Frame) -> usize {
    frame.calls.values().map(|call| 1 + depth(call)).max().unwrap_or(0)
}

fn draw(root: &Frame) -> String {
    let height = ROW * (depth(root) as f64 + 1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"11\">\n"
    );
    let unit = WIDTH / root.count as f64;
    draw_calls(&mut svg, root, 0.0, height - ROW, unit, root.count);
    svg + "</svg>\n"
}

fn draw_calls(svg: &mut String, frame: &Frame, mut x: f64, y: f64, unit: f64, all: u64) {
    for (name, call) in &frame.calls {
        let width = call.count as f64 * unit;
        if width >= NARROWEST {
            let share = 100.0 * call.count as f64 / all as f64;
            let name = name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let hue = name.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % 40;
            let fits = (width / 6.8) as usize;
            let label: String = if fits > 3 { name.chars().take(fits).collect() } else { String::new() };
            // An entity that was cut would not be one any more.
            let label = match label.rfind('&') {
                Some(at) if !label[at..].contains(';') => label[..at].to_owned(),
                _ => label,
            };
            // Writing to a string does not fail.
            let _ = writeln!(
                svg,
                "<g><title>{name} {share:.2} %</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" \
                 fill=\"hsl({},80%,65%)\"/><text x=\"{:.1}\" y=\"{:.1}\">{label}</text></g>",
                ROW - 1.0,
                hue + 15,
                x + 2.0,
                y + 12.0
            );
            draw_calls(svg, call, x, y - ROW, unit, all);
        }
        x += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "redress \n\t  55d5 b::inner+0x12\n\t  55d4 a::outer\n\nredress \n\t  55d4 a::outer\n\n";

    #[test]
    fn samples_are_folded_from_the_outside_in() {
        let root = fold(SCRIPT);
        let outer = &root.calls["redress"].calls["a::outer"];
        assert_eq!((root.count, outer.count, outer.calls["b::inner"].count), (2, 2, 1));
        assert_eq!(depth(&root), 3);
        assert!(draw(&root).contains("<title>b::inner 50.00 %</title>"));
    }
}
