//! Several runs one after the other, each on servers of its own: the middle of each figure is what counts.

use anyhow::Result;
use serde_json::{Map, Number, Value};

use crate::bench::{self, say};
use crate::options::Options;
use crate::plot;
use crate::report::Report;

/// As many runs as are asked for.
pub async fn all(options: Options) -> Result<Report> {
    let mut reports = Vec::new();
    for run in 1..=options.runs {
        say(&format!("run {run} of {}", options.runs));
        reports.push(bench::run(options.clone()).await?);
    }
    let report = middle(&reports)?;
    if let Some(file) = &options.plot {
        tokio::fs::write(file, plot::svg(&report)).await?;
        say(&format!("wrote {}", file.display()));
    }
    Ok(report)
}

/// The middle of each figure; what is wrong in any run is wrong.
fn middle(reports: &[Report]) -> Result<Report> {
    let values = reports.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let mut report: Report = serde_json::from_value(of(&values.iter().collect::<Vec<_>>()))?;
    report.runs = reports.len();
    report.unsteady = reports.iter().filter(|report| report.unsteady).count() * 2 > reports.len();
    report.problems = reports.iter().flat_map(|report| report.problems.iter().cloned()).collect();
    Ok(report)
}

fn of(values: &[&Value]) -> Value {
    match values.first() {
        Some(Value::Object(first)) => {
            let field = |name: &String| of(&values.iter().filter_map(|value| value.get(name)).collect::<Vec<_>>());
            Value::Object(first.keys().map(|name| (name.clone(), field(name))).collect::<Map<_, _>>())
        }
        Some(Value::Array(first)) => {
            let entry = |at| of(&values.iter().filter_map(|value| value.get(at)).collect::<Vec<_>>());
            Value::Array((0..first.len()).map(entry).collect())
        }
        Some(Value::Number(_)) => {
            let mut numbers: Vec<&Number> = values.iter().filter_map(|value| value.as_number()).collect();
            numbers.sort_by(|a, b| a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)));
            Value::Number(numbers[numbers.len() / 2].clone())
        }
        Some(other) => (*other).clone(),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_figure_is_the_middle_of_its_own() {
        let runs = [
            json!({"a": 1, "b": [{"c": 2.5, "d": "x"}], "e": null, "f": {"g": 9}}),
            json!({"a": 3, "b": [{"c": 0.5, "d": "x"}], "e": 1.0, "f": {"g": 7}}),
            json!({"a": 2, "b": [{"c": 1.5, "d": "x"}], "e": 2.0, "f": {}}),
        ];
        let middle = of(&runs.iter().collect::<Vec<_>>());
        assert_eq!(middle, json!({"a": 2, "b": [{"c": 1.5, "d": "x"}], "e": null, "f": {"g": 9}}));
    }
}
