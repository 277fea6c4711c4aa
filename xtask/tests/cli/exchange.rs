//! `export`, `import` and npy predictions: what other programs get and give.

use crate::support::{done, folder, refused, run, text, version_0, write_cohort};
use std::fs;
use std::path::{Path, PathBuf};

/// A model of the small cohort, whose scaling is fitted on all training rows.
fn trained(dir: &Path, flags: &[&str]) -> String {
    let args = ["train", "--epochs", "3", "--data", ".", "--validation", "0", "--quiet"];
    done(dir, &[&args[..], flags].concat());
    let last = version_0(dir).join("checkpoints/last.ckpt");
    fs::copy(last, dir.join("last.ckpt")).expect("a copy");
    "last.ckpt".to_owned()
}

fn cohort() -> tempfile::TempDir {
    let dir = folder();
    write_cohort(dir.path());
    dir
}

/// The three arrays that `predict` can write, as files in `out`.
fn predict(dir: &Path, checkpoint: &str, data: &[&str], out: &str) -> Vec<Vec<u8>> {
    fs::create_dir_all(dir.join(out)).expect("a folder");
    let array = |what: &str| {
        let file = format!("{out}/{what}.npy");
        done(dir, &[&["predict", checkpoint, "--what", what, "--out", &file][..], data].concat());
        fs::read(dir.join(file)).expect("the array")
    };
    ["probabilities", "class", "confidences"].map(array).to_vec()
}

#[test]
fn weights_that_go_out_and_come_back_predict_the_same_bits() {
    let dir = cohort();
    let dir = dir.path();
    let last = trained(dir, &["--hidden-dim", "8,5"]);
    let said = done(dir, &["export", "weights", &last, "--out", "w.safetensors"]).stdout;
    assert_eq!(said, "w.safetensors: 20 arrays, 255 numbers\n");
    let expected = predict(dir, &last, &["--data", "."], "before");
    for (origin, name) in [(["--scaler-from", &last], "a.ckpt"), (["--data", "."], "b.ckpt")] {
        let said = done(dir, &[&["import", "weights", "w.safetensors", "--out", name], &origin[..]].concat());
        let models = "views of width [4, 3], hidden [8, 5], classes healthy, ill, badly\n";
        assert_eq!(said.stdout, format!("{name}: {models}"));
        assert_eq!(predict(dir, name, &["--data", "."], "after"), expected, "{origin:?}");
    }
}

#[test]
fn unscaled_weights_take_data_as_it_is() {
    let dir = cohort();
    let dir = dir.path();
    let last = trained(dir, &["--hidden-dim", "8"]);
    done(dir, &["export", "weights", &last, "--out", "w.safetensors"]);
    done(dir, &["import", "weights", "w.safetensors", "--unscaled", "--out", "raw.ckpt"]);
    let views = ["--views", "1_te.csv", "2_te.csv"];
    let table = done(dir, &[&["predict", "raw.ckpt"], &views[..]].concat()).stdout;
    assert!(table.starts_with("row,sample,class,probability_0,probability_1,confidence_view1"), "{table}");
    // Rows that are scaled already, by the figures of the training rows: what the scaler would have made of them.
    for view in ["1", "2"] {
        let read = |part: &str| -> Vec<Vec<f64>> {
            let csv = fs::read_to_string(dir.join(format!("{view}_{part}.csv"))).expect("a view");
            let row = |line: &str| line.split(',').map(|cell| cell.parse().expect("a number")).collect();
            csv.lines().map(row).collect()
        };
        let (train, test) = (read("tr"), read("te"));
        let scaled = |(column, &x): (usize, &f64)| {
            let cells = train.iter().map(|row| f64::from(row[column] as f32));
            let (low, high) = cells.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
            (((f64::from(x as f32) - low) / (high - low + 1e-10)) as f32).to_string()
        };
        let line = |row: &Vec<f64>| row.iter().enumerate().map(scaled).collect::<Vec<_>>().join(",") + "\n";
        let csv: String = test.iter().map(line).collect();
        fs::write(dir.join(format!("{view}_scaled.csv")), csv).expect("written");
    }
    let raw = predict(dir, &last, &views, "raw");
    assert_eq!(predict(dir, "raw.ckpt", &["--views", "1_scaled.csv", "2_scaled.csv"], "scaled"), raw);
}

#[test]
fn an_npy_file_holds_the_numbers_of_the_table() {
    let dir = cohort();
    let dir = dir.path();
    let last = trained(dir, &["--hidden-dim", "8"]);
    let arrays = predict(dir, &last, &["--data", "."], "npy");
    let table = done(dir, &["predict", &last, "--data", "."]).stdout;
    for (array, shape, last) in [(&arrays[0], "(4, 2)", 4), (&arrays[2], "(4, 2)", 2)] {
        assert!(array.starts_with(b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False"));
        assert!(String::from_utf8_lossy(&array[..128]).contains(&format!("'shape': {shape}, }}")));
        let (cells, rest) = array[128..].as_chunks::<8>();
        assert!(rest.is_empty() && cells.len() == 8);
        for (line, pair) in table.lines().skip(1).zip(cells.chunks(2)) {
            let cells: Vec<&str> = line.rsplit(',').take(4).collect();
            let printed = pair.iter().map(|cell| format!("{:.6}", f64::from_le_bytes(*cell)));
            assert_eq!(printed.collect::<Vec<_>>(), [cells[last - 1], cells[last - 2]], "{line}");
        }
    }
    let classes: Vec<i64> =
        arrays[1][128..].as_chunks().0.iter().map(|cell| i64::from_le_bytes(*cell)).collect();
    for (line, class) in table.lines().skip(1).zip(classes) {
        assert!(line.contains([",healthy,", ",\"ill, badly\","][class as usize]), "{line} {class}");
    }
    let forced = done(dir, &["predict", &last, "--data", ".", "--format", "csv", "--out", "t.npy"]);
    assert_eq!(forced.stdout, "");
    assert_eq!(fs::read_to_string(dir.join("t.npy")).expect("the table"), table);
    refused(
        dir,
        &["predict", &last, "--format", "npy"],
        2,
        "npy is no text for a terminal; add --out FILE.npy",
    );
    refused(dir, &["predict", &last, "--what", "class"], 2, "--what chooses the array of an npy file");
}

#[test]
fn wrong_files_are_refused_with_what_is_wrong_and_what_to_do() {
    let dir = cohort();
    let dir = dir.path();
    let last = trained(dir, &["--hidden-dim", "8"]);
    done(dir, &["export", "weights", &last, "--out", "w.safetensors"]);
    fs::write(dir.join("pickle.pt"), b"PK\x03\x04 archive/data.pkl").expect("written");
    fs::write(dir.join("cut.safetensors"), &fs::read(dir.join("w.safetensors")).expect("weights")[..300])
        .expect("written");
    renamed(dir, "module.safetensors", |name| name.replace("View", "").replacen("", "module.", 1));
    renamed(dir, "renamed.safetensors", |name| name.replace("TCPConfidenceLayer.1", "Confidence.1"));
    for (file, message) in [
        (
            "pickle.pt",
            "it is a file of torch.save, which holds pickle and is never read here; convert it in Python",
        ),
        ("cut.safetensors", "cut.safetensors: not a usable checkpoint"),
        ("1_tr.csv", "no safetensors file"),
        ("last.ckpt", "it is a whole checkpoint, which needs no conversion"),
        ("none.safetensors", "none.safetensors: No such file"),
        (".", "not a regular file"),
        ("module.safetensors", "its names begin with `module.`: take that off before saving"),
        (
            "renamed.safetensors",
            "missing TCPConfidenceLayer.1.clf.0.weight, TCPConfidenceLayer.1.clf.0.bias; unexpected Confidence.1.clf.0",
        ),
    ] {
        refused(dir, &["import", "weights", file, "--unscaled", "--out", "o.ckpt"], 4, message);
    }
    let import = ["import", "weights", "w.safetensors", "--out", "o.ckpt"];
    let with = |flags: &[&'static str]| [&import[..], flags].concat();
    refused(dir, &import, 2, "required arguments were not provided");
    refused(dir, &with(&["--unscaled", "--data", "."]), 2, "cannot be used with");
    refused(dir, &with(&["--data", "none"]), 3, "none: cannot be read");
    refused(dir, &with(&["--scaler-from", "1_tr.csv"]), 4, "1_tr.csv: not a usable checkpoint");
    done(dir, &["train", "--epochs", "1", "--hidden-dim", "4", "--out", "other", "--quiet"]);
    let other = version_0(&dir.join("other")).join("checkpoints/last.ckpt");
    let message = "views of width [200, 150, 100] and 2 classes, the weights are for [4, 3] and 2";
    refused(dir, &[&import[..], &["--scaler-from", text(&other)]].concat(), 3, message);

    for export in [["export", "weights"], ["export", "onnx"]] {
        let export = |checkpoint, out| [&export[..], &[checkpoint, "--out", out]].concat();
        refused(dir, &export("1_tr.csv", "o"), 4, "1_tr.csv: not a usable checkpoint");
        refused(dir, &export("none.ckpt", "o"), 4, "none.ckpt: No such file");
        refused(dir, &export("last.ckpt", "no/such/folder/o"), 5, "no/such/folder/o: cannot be written");
        refused(dir, &export("last.ckpt", "other"), 5, "other: cannot be written");
    }
    assert_eq!(run(dir, &["export", "onnx", "last.ckpt"]).code, Some(2));
}

/// The weights under other names.
fn renamed(dir: &Path, file: &str, rename: impl Fn(&str) -> String) {
    let bytes = fs::read(dir.join("w.safetensors")).expect("weights");
    let len = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..len]).expect("a header");
    let entries = header.as_object().expect("entries").iter().map(|(name, entry)| {
        (if name == "__metadata__" { name.clone() } else { rename(name) }, entry.clone())
    });
    let header = serde_json::Value::Object(entries.collect()).to_string().into_bytes();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(dir.join(file), [&length[..], &header, &bytes[len..]].concat()).expect("written");
}

/// The part of an ONNX file that is looked at here, with onnx.proto's numbers.
mod onnx {
    use prost::Message;

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Model {
        #[prost(int64, tag = "1")]
        pub(super) ir_version: i64,
        #[prost(string, tag = "2")]
        pub(super) producer_name: String,
        #[prost(message, required, tag = "7")]
        pub(super) graph: Graph,
        #[prost(message, repeated, tag = "14")]
        pub(super) metadata: Vec<Entry>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Entry {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(string, tag = "2")]
        pub(super) value: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Graph {
        #[prost(message, repeated, tag = "1")]
        pub(super) nodes: Vec<Node>,
        #[prost(message, repeated, tag = "5")]
        pub(super) initializers: Vec<Tensor>,
        #[prost(message, repeated, tag = "11")]
        pub(super) inputs: Vec<Value>,
        #[prost(message, repeated, tag = "12")]
        pub(super) outputs: Vec<Value>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Node {
        #[prost(string, repeated, tag = "1")]
        pub(super) inputs: Vec<String>,
        #[prost(string, repeated, tag = "2")]
        pub(super) outputs: Vec<String>,
        #[prost(string, tag = "4")]
        pub(super) op_type: String,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Tensor {
        #[prost(int64, repeated, tag = "1")]
        pub(super) dims: Vec<i64>,
        #[prost(int32, tag = "2")]
        pub(super) data_type: i32,
        #[prost(string, tag = "8")]
        pub(super) name: String,
        #[prost(bytes = "vec", tag = "9")]
        pub(super) raw_data: Vec<u8>,
    }

    #[derive(Clone, PartialEq, Message)]
    pub(super) struct Value {
        #[prost(string, tag = "1")]
        pub(super) name: String,
    }
}

#[test]
fn an_onnx_graph_is_whole_in_order_and_holds_every_weight_bit_for_bit() {
    use prost::Message;
    let dir = cohort();
    let dir = dir.path();
    let last = trained(dir, &["--hidden-dim", "8,5"]);
    let said = done(dir, &["export", "onnx", &last, "--out", "m.onnx", "--gates"]).stdout;
    assert_eq!(
        said,
        "m.onnx: view1 (rows, 4), view2 (rows, 3) -> probabilities (rows, 2), class (rows), confidences (rows, 2), \
         gates1 (rows, 4), gates2 (rows, 3)\n"
    );
    let model = onnx::Model::decode(&fs::read(dir.join("m.onnx")).expect("the model")[..]).expect("a model");
    assert_eq!((model.ir_version, model.producer_name.as_str()), (8, "mmdynamic"));
    let entry = |key: &str| model.metadata.iter().find(|entry| entry.key == key).expect(key).value.as_str();
    assert_eq!(entry("class_names"), r#"["healthy","ill, badly"]"#);
    assert!(entry("feature_names").starts_with(r#"[["view1_0","view1_1""#), "{}", entry("feature_names"));

    let graph = model.graph;
    // ONNX wants each value to be there before it is used, and each name to be given once.
    let mut known: Vec<&String> = graph.inputs.iter().map(|input| &input.name).collect();
    known.extend(graph.initializers.iter().map(|tensor| &tensor.name));
    for node in &graph.nodes {
        assert!(node.inputs.iter().all(|input| known.contains(&input)), "{node:?}");
        known.extend(&node.outputs);
    }
    let count = known.len();
    assert!(graph.outputs.iter().all(|output| known.contains(&&output.name)));
    known.sort();
    known.dedup();
    assert_eq!(known.len(), count, "a name is given twice");
    let ops = |op: &str| graph.nodes.iter().filter(|node| node.op_type == op).count();
    // Two views with gate, encoder and confidence; a classifier of two layers.
    assert_eq!((ops("Gemm"), ops("Sigmoid"), ops("Relu"), ops("Softmax")), (2 * 3 + 2, 2, 3, 1));

    done(dir, &["export", "weights", &last, "--out", "w.safetensors"]);
    let bytes = fs::read(dir.join("w.safetensors")).expect("weights");
    let len = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("a length")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..len]).expect("a header");
    let weights = graph.initializers.iter().filter(|tensor| header.get(&tensor.name).is_some());
    let mut found = 0;
    for tensor in weights {
        let entry = &header[&tensor.name];
        let offset = |i: usize| entry["data_offsets"][i].as_u64().expect("an offset") as usize;
        assert_eq!(serde_json::json!(tensor.dims), entry["shape"], "{}", tensor.name);
        assert_eq!(tensor.data_type, 1, "{}", tensor.name);
        assert!(tensor.raw_data == bytes[len..][offset(0)..offset(1)], "{}", tensor.name);
        found += 1;
    }
    // All but each view's own classifier, which no prediction needs.
    assert_eq!(found, header.as_object().expect("entries").len() - 1 - 2 * 2);
}

#[test]
fn what_was_written_is_told_as_json_too() {
    let dir = cohort();
    let dir = dir.path();
    let last = trained(dir, &["--hidden-dim", "8"]);
    let told = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&done(dir, &[args, &["--json"]].concat()).stdout).expect("JSON")
    };
    let onnx = told(&["export", "onnx", &last, "--out", "m.onnx"]);
    assert_eq!(onnx["inputs"][1], serde_json::json!({ "name": "view2", "width": 3 }));
    assert_eq!(onnx["outputs"][1], serde_json::json!({ "name": "class", "width": null }));
    let weights = told(&["export", "weights", &last, "--out", "w.safetensors"]);
    assert_eq!(weights["arrays"], 18);
    let import = told(&["import", "weights", "w.safetensors", "--data", ".", "--out", "o.ckpt"]);
    assert_eq!(import["classes"], serde_json::json!(["healthy", "ill, badly"]));
}

/// Commands of `docs/exchange.md`, in a folder that has what they name.
#[test]
fn the_documented_commands_run() {
    let dir = cohort();
    let dir = dir.path();
    trained(dir, &["--hidden-dim", "8"]);
    fs::create_dir(dir.join("COHORT")).expect("a folder");
    write_cohort(&dir.join("COHORT"));
    let text = fs::read_to_string(root("../docs/exchange.md")).expect("the document");
    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("cargo xtask ")).collect();
    assert_eq!(commands.len(), 7);
    for command in commands {
        done(dir, &command.split_whitespace().collect::<Vec<_>>());
    }
    for file in ["model.onnx", "predictions.csv", "probabilities.npy", "confidences.npy", "class.npy"] {
        assert!(dir.join(file).is_file(), "{file}");
    }
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
