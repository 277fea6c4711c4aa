//! `bench`: its workers answer line by line, and it says what it needs.

use crate::support::{Ended, folder, refused, xtask};
use std::io::Write;
use std::process::Stdio;

/// What our worker answers to these lines.
fn worker(lines: &str) -> Vec<String> {
    let dir = folder();
    let mut command = xtask(dir.path());
    command.args(["bench", "--worker", "ours"]).env("RAYON_NUM_THREADS", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes()).expect("it reads");
    let ended = Ended::from(child.wait_with_output().expect("it ends with its input"));
    assert_eq!(ended.code, Some(0));
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_worker_does_every_kind_of_job_and_answers_with_a_time_a_sample() {
    let jobs = [
        "product f32 nn 3 4 5",
        "product f64 nt 3 4 5",
        "product f32 tn 3 1 5",
        "step 5,4 2 3 6",
        "inference 5,4 2 3 1",
        "update 5,4 2 3 1",
        "fit 5,4 2 3 4 10 2",
        "pass dropout 3 4",
        "pass softmax 3 4",
        "pass sum_columns 3 4",
    ];
    let lines: String = jobs.iter().map(|job| format!("prepare {job}\nrun 2 3\n")).collect();
    let answers = worker(&lines);
    assert!(answers[0].starts_with("hello "), "{answers:?}");
    for (job, answer) in jobs.iter().zip(answers[1..].chunks(2)) {
        assert_eq!(answer[0], "ready", "{job}");
        let times: Vec<f64> = answer[1].split(' ').skip(1).map(|ns| ns.parse().expect("a number")).collect();
        assert!(times.len() == 3 && times.iter().all(|&ns| ns > 0.0), "{job}: {answer:?}");
    }
}

#[test]
fn a_worker_refuses_what_it_cannot_do_and_goes_on() {
    let answers = worker(
        "run 1 1\nprepare step 5 2\nprepare pass nonsense 3 4\nprepare pass exp 3 4\nrun 1 1\nmemory\n",
    );
    let starts =
        ["hello ", "cannot ", "cannot `step 5 2` is no job", "cannot ", "ready", "times ", "memory "];
    assert_eq!(answers.len(), starts.len());
    for (answer, start) in answers.iter().zip(starts) {
        assert!(answer.starts_with(start), "{answers:?}");
    }
}

#[test]
fn outside_of_the_workspace_there_is_nothing_to_measure() {
    refused(folder().path(), &["bench", "--quick"], 1, "no workspace here");
}
