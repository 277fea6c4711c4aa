//! Groups `step`, `adam` and `inference`: what a training and a prediction take.

use super::job::{Job, Layout, Product};
use super::products::threads;
use super::section::{Mark, Section, ms, short};
use super::session::{Session, Times};
use super::shapes::{BRCA, Data, ROSMAP, STEPS};
use super::worker::Contestant;

const TRAINERS: [Contestant; 6] = [
    Contestant::Ours,
    Contestant::Torch,
    Contestant::TorchFused,
    Contestant::Lightning,
    Contestant::Burn,
    Contestant::Candle,
];

/// Times faster than a peer that a step must be.
type Promise = (Contestant, f64);

/// What is promised of a step: data set, rows, times the speed of peers, times the floor at most.
const STEP_MARKS: [(&str, usize, &[Promise], Option<f64>); 6] = [
    ("BRCA", 612, &[(Contestant::Torch, 1.8), (Contestant::TorchFused, 1.6)], Some(1.3)),
    ("BRCA", 128, &[(Contestant::Torch, 2.5), (Contestant::TorchFused, 1.8)], None),
    ("BRCA", 32, &[(Contestant::Torch, 3.5), (Contestant::TorchFused, 2.0)], Some(1.5)),
    ("ROSMAP", 245, &[(Contestant::Torch, 5.0)], None),
    ("ROSMAP", 32, &[(Contestant::Torch, 8.0), (Contestant::TorchFused, 4.0), (Contestant::Burn, 4.0)], None),
    ("ROSMAP", 8, &[(Contestant::Torch, 10.0), (Contestant::Burn, 6.0)], None),
];

/// Bytes that Adam moves a parameter: value, gradient and both moments read, all but the gradient written.
const ADAM_BYTES: f64 = 28.0;

/// Whole training steps.
pub(crate) fn step(session: &mut Session, counts: &[usize]) -> Section {
    let mut section = Section::new("step", "Training steps");
    section.say(
        "Milliseconds a step (forward, backward, Adam with weight decay), medians. The floor is the step's products at \
         the speed of the fastest 1024 × 1024 × 1024 product of this run, whoever gave it, and Adam's seven words a \
         parameter at the machine's limit. It counts products in full; ours pass over zeros behind a rectifier and \
         dropout, so that a step may take less. candle has AdamW only. Lightning's step ends with the loop's own work.",
    );
    for &count in counts {
        let peak = fastest_product(session, count);
        let mut rows = Vec::new();
        for (data, batches) in STEPS {
            for batch in batches {
                let model = data.model(batch);
                let limit = session.contest(&Job::Update(model.clone()), &[Contestant::Limit], count);
                let adam = limit.get(&Contestant::Limit).copied().unwrap_or(f64::NAN);
                let floor = model.step_flops() / peak + adam;
                let times = session.contest(&Job::Step(model), &TRAINERS, count);
                let name = format!("{} hidden {}, {batch} rows", data.name, data.hidden[0]);
                if count > 1 {
                    section.marks.extend(step_marks(&data, batch, &name, &times, floor));
                }
                rows.push(step_row(name, &times, floor));
            }
        }
        section.say(format!("**On {}**, fastest product {} GFLOP/s:", threads(count), short(peak)));
        section.table(&step_head(), &rows);
    }
    section
}

fn step_head() -> Vec<String> {
    let mut head = vec!["step".to_owned(), "floor".to_owned()];
    head.extend(TRAINERS.iter().map(Contestant::to_string));
    head.extend(["× torch", "× fused", "× Lightning", "× burn", "of floor"].map(str::to_owned));
    head
}

fn step_row(name: String, times: &Times, floor: f64) -> Vec<String> {
    let mut cells = vec![name, ms(Some(&floor))];
    cells.extend(TRAINERS.iter().map(|who| ms(times.get(who))));
    let peers = [Contestant::Torch, Contestant::TorchFused, Contestant::Lightning, Contestant::Burn];
    cells.extend(peers.map(|who| ratio(times, who).map_or_else(|| "–".to_owned(), short)));
    cells.push(times.get(&Contestant::Ours).map_or_else(|| "–".to_owned(), |ours| short(ours / floor)));
    cells
}

fn step_marks(data: &Data, batch: usize, name: &str, times: &Times, floor: f64) -> Vec<Mark> {
    let promised = STEP_MARKS.iter().find(|mark| (mark.0, mark.1) == (data.name, batch));
    let Some(&(_, _, peers, of_floor)) = promised else { return Vec::new() };
    let mut marks = faster(&format!("step {name}"), times, peers);
    if let (Some(most), Some(ours)) = (of_floor, times.get(&Contestant::Ours)) {
        marks.push(Mark::at_most(format!("step {name}"), ours / floor, most, "× floor"));
    }
    marks
}

/// A mark for each peer that was measured.
fn faster(work: &str, times: &Times, peers: &[Promise]) -> Vec<Mark> {
    let mark =
        |&(who, least): &Promise| Some(Mark::at_least(work, ratio(times, who)?, least, &format!("× {who}")));
    peers.iter().filter_map(mark).collect()
}

/// How many times faster we are.
fn ratio(times: &Times, who: Contestant) -> Option<f64> {
    Some(times.get(&who)? / times.get(&Contestant::Ours)?)
}

/// GFLOP/s of the fastest large product, whoever made it.
fn fastest_product(session: &mut Session, count: usize) -> f64 {
    let product = Product { double: false, layout: Layout::Nn, m: 1024, n: 1024, k: 1024 };
    let who = [Contestant::Ours, Contestant::Torch, Contestant::Numpy, Contestant::Faer];
    let times = session.contest(&Job::Product(product), &who, count);
    times.values().map(|ns| product.flops() / ns).fold(0.0, f64::max)
}

/// Adam alone.
pub(crate) fn adam(session: &mut Session, counts: &[usize]) -> Section {
    let mut section = Section::new("adam", "Adam");
    let model = BRCA.model(8);
    let bytes = ADAM_BYTES * model.parameters() as f64;
    section.say(format!(
        "GB/s on {:.1} million parameters, medians, counting seven words a parameter; the limit is the same reading \
         and writing with next to no arithmetic, in one plain loop a thread.",
        model.parameters() as f64 / 1e6
    ));
    let all =
        [Contestant::Limit, Contestant::Ours, Contestant::Torch, Contestant::TorchFused, Contestant::Candle];
    let mut rows = Vec::new();
    for &count in counts {
        let times = session.contest(&Job::Update(model.clone()), &all, count);
        if let Some(limit) = times.get(&Contestant::Limit)
            && let Some(ours) = times.get(&Contestant::Ours)
            && count > 1
        {
            let share = 100.0 * limit / ours;
            section.marks.push(Mark::at_least("Adam, 3.5 M parameters", share, 95.0, "% of the limit"));
            let peers = [(Contestant::Torch, 3.0), (Contestant::TorchFused, 1.0)];
            section.marks.extend(faster("Adam, 3.5 M parameters", &times, &peers));
        }
        let mut cells = vec![threads(count)];
        cells.extend(
            all.iter().map(|who| times.get(who).map_or_else(|| "–".to_owned(), |ns| short(bytes / ns))),
        );
        rows.push(cells);
    }
    let mut head = vec![String::new()];
    head.extend(all.iter().map(Contestant::to_string));
    section.table(&head, &rows);
    section
}

/// Class probabilities of a full batch and of one row.
pub(crate) fn inference(session: &mut Session, counts: &[usize]) -> Section {
    let mut section = Section::new("inference", "Predictions");
    section.say("Milliseconds from a batch to its class probabilities, medians.");
    let all = [Contestant::Ours, Contestant::Torch, Contestant::Burn, Contestant::Candle];
    let promises: [(Data, usize, &[Promise]); 4] = [
        (BRCA, 612, &[(Contestant::Torch, 1.2)]),
        (BRCA, 1, &[(Contestant::Torch, 3.0), (Contestant::Burn, 1.6)]),
        (ROSMAP, 245, &[(Contestant::Torch, 1.5)]),
        (ROSMAP, 1, &[(Contestant::Torch, 12.0), (Contestant::Burn, 2.0)]),
    ];
    let mut rows = Vec::new();
    for &count in counts {
        for (data, batch, peers) in &promises {
            let times = session.contest(&Job::Inference(data.model(*batch)), &all, count);
            let what = if *batch == 1 { "one row".to_owned() } else { format!("{batch} rows") };
            let name = format!("{} hidden {}, {what}", data.name, data.hidden[0]);
            if count > 1 {
                section.marks.extend(faster(&format!("prediction {name}"), &times, peers));
            }
            let mut cells = vec![name, threads(count)];
            cells.extend(all.iter().map(|who| ms(times.get(who))));
            cells
                .extend(all[1..].iter().map(|&who| ratio(&times, who).map_or_else(|| "–".to_owned(), short)));
            rows.push(cells);
        }
    }
    let mut head = vec!["prediction".to_owned(), String::new()];
    head.extend(all.iter().map(Contestant::to_string));
    head.extend(all[1..].iter().map(|who| format!("× {who}")));
    section.table(&head, &rows);
    section
}
