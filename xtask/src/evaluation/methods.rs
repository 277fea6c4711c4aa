//! Means over runs, a row for each method: this model, and the baselines that every run has.

use crate::results::{MeanScore, MethodScores, RunResults, Score};
use metrics::{MeanInterval, MetricError};

/// What this model is called in tables of methods.
pub(crate) const MODEL: &str = "MMDynamic";

/// The rows of a table of methods; `spread` says how well the mean of some values is known.
pub(crate) fn methods(
    runs: &[&RunResults],
    spread: impl Fn(&[f64]) -> Result<MeanInterval, MetricError>,
) -> Result<Vec<MethodScores>, MetricError> {
    let model = runs.iter().map(|run| run.scores.as_slice()).collect();
    let mut methods = vec![method(MODEL, model, &spread)?];
    for name in runs.first().into_iter().flat_map(|run| &run.baselines).map(|baseline| &baseline.name) {
        let of = |run: &&RunResults| {
            let baseline = run.baselines.iter().position(|baseline| baseline.name == *name)?;
            Some(baseline)
        };
        let places: Option<Vec<usize>> = runs.iter().map(of).collect();
        if let Some(places) = places {
            let scores =
                runs.iter().zip(places).map(|(run, at)| run.baselines[at].scores.as_slice()).collect();
            methods.push(method(name, scores, &spread)?);
        }
    }
    Ok(methods)
}

fn method(
    name: &str,
    runs: Vec<&[Score]>,
    spread: impl Fn(&[f64]) -> Result<MeanInterval, MetricError>,
) -> Result<MethodScores, MetricError> {
    let first = runs.first().copied().unwrap_or_default();
    let mean_of = |score: &Score| {
        let same =
            |run: &&[Score]| run.iter().find(|other| other.name == score.name).map(|other| other.value);
        let values: Vec<f64> = runs.iter().filter_map(same).collect();
        let MeanInterval { mean, sd, interval } = spread(&values)?;
        Ok(MeanScore { name: score.name.clone(), label: score.label.clone(), values, mean, sd, interval })
    };
    Ok(MethodScores { name: name.into(), scores: first.iter().map(mean_of).collect::<Result<_, _>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics::mean_interval;

    fn score(value: f64) -> Score {
        Score { name: "acc".into(), label: "ACC".into(), value, interval: None }
    }

    #[test]
    fn a_method_has_the_value_of_each_run_and_their_mean() {
        let runs = [vec![score(0.8)], vec![score(0.9)]];
        let runs = runs.iter().map(Vec::as_slice).collect();
        let found = method("neighbours", runs, |values| mean_interval(values, 0.95)).expect("a mean");
        assert_eq!((found.name.as_str(), found.scores.len()), ("neighbours", 1));
        assert_eq!(found.scores[0].values, [0.8, 0.9]);
        assert!((found.scores[0].mean - 0.85).abs() < 1e-12);
        let [lower, upper] = found.scores[0].interval.expect("two values");
        assert!((upper - lower - 2.0 * 12.706 * 0.05).abs() < 1e-4, "{lower} {upper}");
    }
}
