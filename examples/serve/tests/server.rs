//! What a client of the server may rely on.

use lightning_core::Seed;
use lightning_core::nn::Module;
use mmdynamic::data::{Missing, Preprocessing, ScalingKind, generate};
use mmdynamic::{Config, Hyperparameters, MmDynamic, SavedData, Trained};
use serde_json::{Value, json};
use serve::load::{Client, Load};
use serve::{Limits, Server};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Fresh weights behind the scaler of the generated cohort.
fn model() -> Arc<Trained> {
    let train = generate(&Default::default()).expect("a cohort").cohort.train;
    let config = Config { hidden_dim: vec![64], ..Config::default() };
    let hparams = Hyperparameters { in_dim: train.widths(), num_class: 2, binary: true, config };
    let data = SavedData {
        source: "generated".into(),
        seed: 0,
        validation: None,
        rows: train.rows(),
        class_names: vec!["healthy".into(), "ill".into()],
        feature_names: train.feature_names.clone(),
        columns: None,
        preprocessing: Preprocessing::fit(&train, Missing::Mean, ScalingKind::MinMax).expect("figures"),
    };
    let model = MmDynamic::new(hparams, Seed(3)).expect("a model");
    model.eval();
    Arc::new(Trained { model, data })
}

fn started(trained: &Arc<Trained>) -> Server {
    let limits = Limits { body: 100_000, ..Limits::default() };
    Server::start(trained.clone(), "127.0.0.1:0", &limits).expect("a server")
}

fn post(server: &Server, body: &str) -> (u16, Value) {
    let mut client = Client::connect(server.address()).expect("a connection");
    let (status, answer) = client.send("POST", "/predict", body.as_bytes()).expect("an answer");
    (status, serde_json::from_slice(&answer).unwrap_or_default())
}

#[test]
fn parallel_requests_get_the_bits_of_a_single_thread() {
    let trained = model();
    let server = Server::start(trained.clone(), "127.0.0.1:0", &Limits::default()).expect("a server");
    let report = Load { clients: 16, requests: 40 }.fire(server.address(), &trained).expect("answers");
    println!("{report}");
    assert_eq!((report.wrong, report.latencies.len()), (0, 16 * 40));
    server.stop().expect("its end");
}

#[test]
fn health_says_what_the_model_takes_and_gives() {
    let server = started(&model());
    let mut client = Client::connect(server.address()).expect("a connection");
    let (status, answer) = client.send("GET", "/health", b"").expect("an answer");
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(status, 200);
    assert_eq!(answer, json!({ "status": "ok", "views": [200, 150, 100], "classes": ["healthy", "ill"] }));
}

#[test]
fn each_row_gets_class_probabilities_and_confidences_of_the_model_itself() {
    let trained = model();
    let server = started(&trained);
    let rows = generate(&Default::default()).expect("a cohort").cohort.test.subset(&[0, 1, 2]).expect("rows");
    let views: Vec<Vec<Vec<f32>>> =
        rows.views.iter().map(|view| view.rows().into_iter().map(|row| row.to_vec()).collect()).collect();
    let (status, answer) = post(&server, &json!({ "views": views }).to_string());
    assert_eq!(status, 200, "{answer}");
    let expected = trained.predict(&rows.views).expect("a prediction");
    for (row, got) in answer["predictions"].as_array().expect("rows").iter().enumerate() {
        let numbers = |name: &str| -> Vec<f64> {
            let numbers = got[name].as_array().expect("numbers").iter();
            numbers.map(|number| f64::from(number.as_f64().expect("a number") as f32)).collect()
        };
        assert_eq!(numbers("probabilities"), expected.probabilities.row(row).to_vec());
        assert_eq!(numbers("confidences"), expected.confidences.row(row).to_vec());
        let index = got["index"].as_u64().expect("an index") as usize;
        assert!(expected.probabilities[[row, index]] >= 0.5);
        assert_eq!(got["class"], ["healthy", "ill"][index]);
    }
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let server = started(&model());
    let row = |width: usize| vec![0.5; width];
    let body = |views: Value| json!({ "views": views }).to_string();
    let good = [vec![row(200)], vec![row(150)], vec![row(100)]];
    type Views = [Vec<Vec<f64>>; 3];
    let with = |change: &dyn Fn(&mut Views)| {
        let mut views = good.clone();
        change(&mut views);
        body(json!(views))
    };
    for (body, message) in [
        ("".to_owned(), "expected {\"views\":"),
        ("{\"views\": [[[1,".to_owned(), "EOF while parsing"),
        ("{\"rows\": []}".to_owned(), "unknown field `rows`, expected `views`"),
        (body(json!([])), "found 0 views, expected 3"),
        (body(json!([[], [], []])), "view 1: found no row, expected at least one"),
        (body(json!([[["a"]], [], []])), "invalid type: string \"a\", expected f64"),
        (with(&|views| views[1].push(row(150))), "view 2: found 2 rows, view 1 has 1"),
        (with(&|views| views[2][0].truncate(99)), "view 3, row 1: found 99 numbers, expected 100"),
        (
            with(&|views| views[0][0][6] = 1e39),
            "view 1, row 1, column 7: found 1e39, expected a number that fits",
        ),
        ("[".repeat(90_000), "expected"),
    ] {
        let (status, answer) = post(&server, &body);
        let said = answer["error"].as_str().unwrap_or_default();
        assert!(status == 400 && said.contains(message), "{status} {said}");
    }
    let (status, _) = post(&server, &"x".repeat(100_001));
    assert_eq!(status, 413);
    assert_eq!(post(&server, &body(json!(good))).0, 200, "it goes on");
    let mut client = Client::connect(server.address()).expect("a connection");
    assert_eq!(client.send("GET", "/predict", b"").expect("an answer").0, 405);
    let (status, answer) = client.send("GET", "/", b"").expect("an answer");
    assert_eq!(status, 404);
    assert!(String::from_utf8_lossy(&answer).contains("GET /health and POST /predict"));
}

#[test]
fn a_stop_lets_requests_under_way_end_and_takes_no_new_ones() {
    let trained = model();
    let server = started(&trained);
    let address = server.address();
    let body = json!({ "views": [[vec![0.5; 200]], [vec![0.5; 150]], [vec![0.5; 100]]] }).to_string();
    let head = format!("POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    let (first, rest) = body.as_bytes().split_at(100);
    let mut client = Client::connect(address).expect("a connection");
    client.write(&[head.as_bytes(), first].concat()).expect("half a request");
    // The server must have seen the request before it is told to stop.
    assert_eq!(
        Client::connect(address).and_then(|mut other| other.send("GET", "/health", b"")).expect("health").0,
        200
    );
    thread::sleep(Duration::from_millis(100));
    let stopping = thread::spawn(move || server.stop());
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < deadline, "it still takes connections");
        thread::sleep(Duration::from_millis(10));
    }
    client.write(rest).expect("the other half");
    assert_eq!(client.read().expect("an answer").0, 200);
    stopping.join().expect("no panic").expect("its end");
}

#[test]
fn a_request_that_never_ends_does_not_hold_up_a_stop_for_ever() {
    let limits = Limits { farewell: Duration::from_millis(200), ..Limits::default() };
    let server = Server::start(model(), "127.0.0.1:0", &limits).expect("a server");
    let mut client = Client::connect(server.address()).expect("a connection");
    client.write(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{").expect("a start");
    let start = Instant::now();
    server.stop().expect("its end");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
