//! Group `passes`: operations that are one pass over memory.

use super::job::{Job, Pass};
use super::machine::Limits;
use super::products::threads;
use super::section::{Section, short};
use super::session::Session;
use super::worker::Contestant;

/// Name, and words read and written per element.
const PASSES: [(&str, f64); 9] = [
    ("exp", 2.0),
    ("sigmoid", 2.0),
    ("tanh", 2.0),
    ("relu", 2.0),
    ("softmax", 2.0),
    ("log_softmax", 2.0),
    ("sum", 1.0),
    ("sum_columns", 1.0),
    ("dropout", 2.0),
];

const SHAPE: (usize, usize) = (612, 1000);

pub(crate) fn passes(session: &mut Session, limits: &[Limits]) -> Section {
    let (rows, cols) = SHAPE;
    let mut section = Section::new("passes", "Passes over memory, measured");
    section.say(format!(
        "f32, {rows} × {cols}, into memory that is there already (torch's dropout takes new memory); GB/s of what must \
         be read and written, medians. The share is of the reading speed of the level that holds it."
    ));
    let all = [Contestant::Ours, Contestant::Torch];
    for limit in limits {
        let mut lines = Vec::new();
        for (name, words) in PASSES {
            let job = Job::Pass(Pass { name: name.to_owned(), rows, cols });
            let times = session.contest(&job, &all, limit.threads);
            let bytes = 4.0 * words * (rows * cols) as f64;
            let speed = |who| times.get(&who).map(|ns| bytes / ns);
            let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
            let ours = speed(Contestant::Ours);
            let share = ours.map(|ours| 100.0 * ours / limit.level(bytes).read);
            let ratio = ours.zip(speed(Contestant::Torch)).map(|(ours, torch)| ours / torch);
            lines.push(vec![
                name.to_owned(),
                shown(ours),
                share.map_or_else(|| "–".to_owned(), |share| format!("{share:.0} %")),
                shown(speed(Contestant::Torch)),
                shown(ratio),
            ]);
        }
        section.say(format!("**On {}**:", threads(limit.threads)));
        section.table(&["pass", "ours", "of bandwidth", "torch", "× torch"], &lines);
    }
    section
}
