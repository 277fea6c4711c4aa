//! `report` and `report compare`: pages from run folders.

use crate::support::{SHORT, best, done, files, folder, refused, run, text, version_0, write_cohort};
use std::fs;
use std::path::Path;

fn trained(dir: &Path) {
    done(dir, &[&SHORT[..], &["--quiet"]].concat());
}

#[test]
fn a_training_leaves_a_page_that_needs_nothing_else() {
    let dir = folder();
    trained(dir.path());
    let run = version_0(dir.path());
    let page = fs::read_to_string(run.join("report.html")).expect("a page");
    assert!(page.starts_with("<!DOCTYPE html>") && page.len() < 500_000, "{} bytes", page.len());
    for outside in ["http://", "https://", "<script", "<link", "<img", "url("] {
        assert!(!page.contains(outside), "the page asks for {outside}");
    }
    for figure in ["confusion", "roc", "reliability", "risk-coverage", "confidences", "learning-curves"] {
        assert!(page.contains(&format!("<figure id=\"{figure}\"")), "no {figure}");
        let svg = fs::read_to_string(run.join(format!("figures/{figure}.svg"))).expect("a figure");
        assert!(svg.contains("xmlns=\"http://www.w3.org/2000/svg\"") && !svg.contains("var("), "{figure}");
    }
}

#[test]
fn the_page_can_be_made_again_and_comes_out_the_same() {
    let dir = folder();
    trained(dir.path());
    let run = version_0(dir.path());
    let first = fs::read(run.join("report.html")).expect("a page");
    fs::remove_file(run.join("report.html")).expect("removed");
    fs::remove_dir_all(run.join("figures")).expect("removed");
    let ended = done(dir.path(), &["report", text(&run)]);
    assert_eq!(ended.stdout, format!("Report    {}\n", run.join("report.html").display()));
    assert!(fs::read(run.join("report.html")).expect("a page") == first);
    assert!(run.join("figures/roc.svg").is_file());
}

#[test]
fn names_from_files_are_shown_as_they_are() {
    let dir = folder();
    write_cohort(dir.path());
    fs::write(dir.path().join("classes.csv"), "<script>alert(1)</script>\n'ill' & \"badly ]]>\n")
        .expect("a file");
    done(dir.path(), &[&SHORT[..], &["--quiet", "--data", "."]].concat());
    let page = fs::read_to_string(version_0(dir.path()).join("report.html")).expect("a page");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"));
    assert!(page.contains("'ill' &amp; &quot;badly ]]&gt;"));
}

#[test]
fn what_is_no_finished_run_is_refused_and_nothing_is_written() {
    let dir = folder();
    let at = dir.path();
    refused(at, &["report", "nowhere"], 3, "nowhere: no such run folder");
    fs::create_dir(at.join("empty")).expect("a folder");
    refused(at, &["report", "empty"], 3, "not a run folder");
    fs::write(at.join("empty/hparams.yaml"), "").expect("a file");
    refused(at, &["report", "empty"], 3, "the run is not finished, or an older version");
    trained(at);
    refused(at, &["report", "."], 3, "for example ./lightning_logs/version_0");
    let run = version_0(at);
    let checkpoint = best(&run);
    refused(at, &["report", text(&checkpoint)], 4, "is a checkpoint, not a run folder; give for example");
    refused(at, &["report", text(&run.join("results.csv"))], 3, "is a file, not a run folder");
    refused(at, &["report"], 2, "");
}

#[test]
fn a_damaged_file_is_named_and_the_page_that_was_there_stays() {
    let dir = folder();
    trained(dir.path());
    let run = version_0(dir.path());
    let (results, metrics) = (run.join("results.json"), run.join("metrics.csv"));
    let whole = fs::read_to_string(&results).expect("results");
    let page = fs::read(run.join("report.html")).expect("a page");
    let refused_with = |content: &str, message: &str| {
        fs::write(&results, content).expect("written");
        refused(dir.path(), &["report", text(&run)], 3, message);
        assert!(fs::read(run.join("report.html")).expect("a page") == page);
    };
    refused_with(&whole[..whole.len() / 2], "results.json: not usable");
    refused_with("", "results.json: not usable");
    refused_with("[]", "results.json: not usable");
    refused_with(
        &whole.replacen("\"format\": 1", "\"format\": 7", 1).replacen("\"format\":1", "\"format\":7", 1),
        "has format 7, this program reads 1",
    );
    let mut shorter: serde_json::Value = serde_json::from_str(&whole).expect("results");
    shorter["test"]["labels"].as_array_mut().expect("labels").pop();
    refused_with(&shorter.to_string(), "rows of `test.labels`");
    let mut outside: serde_json::Value = serde_json::from_str(&whole).expect("results");
    outside["test"]["labels"][0] = 99.into();
    refused_with(&outside.to_string(), "a label of 99 among 2 classes");
    fs::write(&results, &whole).expect("written");
    let curves = fs::read_to_string(&metrics).expect("metrics");
    fs::write(&metrics, curves.replacen("val,0", "val,x", 1)).expect("written");
    refused(dir.path(), &["report", text(&run)], 3, "metrics.csv: damaged: row 2");
    fs::remove_file(&metrics).expect("removed");
    done(dir.path(), &["report", text(&run)]);
    assert!(!fs::read_to_string(run.join("report.html")).expect("a page").contains("learning-curves"));
}

#[test]
fn png_without_its_feature_says_how_to_get_it() {
    let dir = folder();
    trained(dir.path());
    let run = version_0(dir.path());
    if cfg!(feature = "png") {
        done(dir.path(), &["report", text(&run), "--png"]);
        let pixels = fs::read(run.join("figures/roc.png")).expect("a picture");
        assert!(pixels.starts_with(b"\x89PNG") && pixels.len() > 5_000);
    } else {
        refused(dir.path(), &["report", text(&run), "--png"], 2, "--features png");
    }
}

#[test]
fn runs_beside_each_other_show_what_differs() {
    let dir = folder();
    let at = dir.path();
    trained(at);
    done(at, &[&SHORT[..], &["--quiet", "--lr", "0.02"]].concat());
    write_cohort(at);
    done(at, &[&SHORT[..], &["--quiet", "--data", "."]].concat());
    let logs = |n: usize| format!("lightning_logs/version_{n}");
    let ended = done(at, &["report", "compare", &logs(0), &logs(1), "--out", "both.html"]);
    assert_eq!(ended.stdout, "Report    both.html\n");
    let page = fs::read_to_string(at.join("both.html")).expect("a page");
    assert!(
        page.contains("version_0") && page.contains("version_1") && page.contains("0.02"),
        "no names, no lr"
    );
    assert!(!page.contains("Not comparable"));
    done(at, &["report", "compare", &logs(0), &logs(2), "--out", "other.html"]);
    let page = fs::read_to_string(at.join("other.html")).expect("a page");
    assert!(page.contains("Not comparable") && page.contains("version_2 has other classes than version_0"));
    let before = files(at);
    assert_eq!(run(at, &["report", "compare", &logs(0)]).code, Some(2));
    assert_eq!(run(at, &["report", "compare", &logs(0), "nowhere"]).code, Some(3));
    assert_eq!(run(at, &["report", "compare", &logs(0), &logs(1), "--out", "lightning_logs"]).code, Some(2));
    assert_eq!(files(at), before);
}
