//! A plot of throughput and latency over load, as SVG written by hand: two panels over the points in their order.

use std::fmt::Write as _;

use crate::report::Report;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 620.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 140.0;
const PANEL: f64 = 210.0;
const COLOURS: [&str; 4] = ["#1b6ca8", "#d1495b", "#2e8b57", "#8a5a9e"];

struct Series {
    name: &'static str,
    values: Vec<f64>,
}

/// The plot of a report.
pub fn svg(report: &Report) -> String {
    let points = &report.points;
    let names: Vec<&str> = points.iter().map(|point| point.point.as_str()).collect();
    let series = |name, value: &dyn Fn(usize) -> f64| Series { name, values: (0..points.len()).map(value).collect() };
    let throughput = [series("claims/s", &|at| points[at].claims_per_s), series("B6", &|_| report.b6_claims_per_s)];
    let latency = [
        series("ack p50", &|at| points[at].ack_ms.p50),
        series("ack p99", &|at| points[at].ack_ms.p99),
        series("closed p50", &|at| points[at].closed_ms.p50),
        series("closed p99", &|at| points[at].closed_ms.p99),
    ];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let machine = &report.machine;
    let title =
        format!("{} · {} cores · PostgreSQL {} · NATS {}", machine.cpu, machine.cores, machine.postgres, machine.nats);
    text(&mut svg, LEFT, 20.0, "start", &title);
    panel(&mut svg, 50.0, "claims closed a second", &names, &throughput, false);
    panel(&mut svg, 340.0, "latency in ms", &names, &latency, true);
    svg + "</svg>\n"
}

fn panel(svg: &mut String, top: f64, title: &str, names: &[&str], series: &[Series], logarithmic: bool) {
    let scale = |value: f64| if logarithmic { value.max(0.1).log10() } else { value };
    let highest = series.iter().flat_map(|series| &series.values).copied().fold(1.0, f64::max);
    let low = if logarithmic { -1.0 } else { 0.0 };
    let high = if logarithmic { highest.log10().ceil() } else { highest * 1.1 };
    let y = |value: f64| top + PANEL - (scale(value) - low) / (high - low) * PANEL;
    let step = (WIDTH - LEFT - RIGHT) / names.len().max(1) as f64;
    let x = |at: usize| LEFT + step * (at as f64 + 0.5);
    text(svg, LEFT, top - 8.0, "start", title);
    for mark in marks(highest, logarithmic) {
        let (at, right) = (y(mark), WIDTH - RIGHT);
        line(svg, &format!("M{LEFT} {at:.1} H{right}"), "#dddddd");
        text(svg, LEFT - 6.0, at + 4.0, "end", &format!("{mark}"));
    }
    for (at, name) in names.iter().enumerate() {
        text(svg, x(at), top + PANEL + 18.0, "middle", name);
    }
    for (number, series) in series.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let corner =
            |(at, value): (usize, &f64)| format!("{}{:.1} {:.1}", if at == 0 { "M" } else { "L" }, x(at), y(*value));
        let path: Vec<String> = series.values.iter().enumerate().map(corner).collect();
        line(svg, &path.join(" "), colour);
        for (at, value) in series.values.iter().enumerate() {
            dot(svg, x(at), y(*value), colour, &format!("{} {}: {value:.1}", series.name, names[at]));
        }
        let place = top + 14.0 + 18.0 * number as f64;
        dot(svg, WIDTH - RIGHT + 16.0, place - 4.0, colour, series.name);
        text(svg, WIDTH - RIGHT + 26.0, place, "start", series.name);
    }
}

/// Round values for the axis.
fn marks(highest: f64, logarithmic: bool) -> Vec<f64> {
    if logarithmic {
        let top = highest.log10().ceil() as i32;
        return (-1..=top).map(|power| 10_f64.powi(power)).collect();
    }
    let rough = highest / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    (0_u32..).map(|times| f64::from(times) * step).take_while(|mark| *mark <= highest * 1.1).collect()
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a string does not fail.
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn line(svg: &mut String, path: &str, colour: &str) {
    let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
}

fn dot(svg: &mut String, x: f64, y: f64, colour: &str, title: &str) {
    let _ = writeln!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"><title>{title}</title></circle>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_reach_the_top() {
        assert_eq!(marks(380.0, false), [0.0, 100.0, 200.0, 300.0, 400.0]);
        assert_eq!(marks(90.0, true), [0.1, 1.0, 10.0, 100.0]);
    }
}
