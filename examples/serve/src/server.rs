//! The server: an event loop for the connections, a few threads for the predictions.

use crate::prediction::answer;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use mmdynamic::Trained;
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// What a server takes on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's body; a longer one is refused without being read. In memory it takes up to sixteen times
    /// as much.
    pub body: usize,
    /// Predictions at a time; further ones wait.
    pub predictions: usize,
    /// How long open requests have to end when the server stops.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 8 << 20,
            predictions: thread::available_parallelism().map_or(1, usize::from),
            farewell: Duration::from_secs(10),
        }
    }
}

/// A running server. It stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Server {
    /// Listens at an address, such as `127.0.0.1:8080`; with port 0 the system chooses one.
    ///
    /// # Errors
    /// If it cannot listen there or start threads.
    pub fn start(trained: Arc<Trained>, address: &str, limits: &Limits) -> io::Result<Self> {
        let threads = limits.predictions.max(1);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(threads)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let app = router(trained, limits.body);
        let farewell = limits.farewell;
        let thread = thread::Builder::new()
            .name("server".into())
            .spawn(move || serve(&runtime, listener, app, stopped, farewell))?;
        Ok(Server { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connection, answers the requests that are under way, and returns.
    ///
    /// # Errors
    /// What ended the server before, if something did.
    pub fn stop(mut self) -> io::Result<()> {
        self.finish()
    }

    fn finish(&mut self) -> io::Result<()> {
        // Nobody listens to a server that has ended.
        let _ = self.stop.send(true);
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(ended) => ended.unwrap_or_else(|_| Err(io::Error::other("the server's thread panicked"))),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

fn serve(
    runtime: &Runtime,
    listener: TcpListener,
    app: Router,
    stopped: watch::Receiver<bool>,
    farewell: Duration,
) -> io::Result<()> {
    let wish = |mut stopped: watch::Receiver<bool>| async move {
        // An error says that the sender is gone, which is a wish, too.
        let _ = stopped.wait_for(|&stop| stop).await;
    };
    // Answers are short: waiting for more to send with them would only add to the latency.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let (stop, last_call) = (wish(stopped.clone()), wish(stopped));
    runtime.block_on(async {
        tokio::select! {
            ended = axum::serve(listener, app).with_graceful_shutdown(stop) => ended,
            () = async { last_call.await; tokio::time::sleep(farewell).await } => Ok(()),
        }
    })
}

fn router(trained: Arc<Trained>, body: usize) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/predict", post(predict))
        .fallback(|| async { error(StatusCode::NOT_FOUND, "there are GET /health and POST /predict") })
        .layer(DefaultBodyLimit::max(body))
        .with_state(trained)
}

/// What the model takes and gives.
async fn health(State(trained): State<Arc<Trained>>) -> Response {
    let (views, classes) = (&trained.model.hparams().in_dim, &trained.data.class_names);
    let text = json!({ "status": "ok", "views": views, "classes": classes }).to_string();
    respond(StatusCode::OK, text.into_bytes())
}

/// Class, probabilities and confidences of each row.
async fn predict(State(trained): State<Arc<Trained>>, body: Bytes) -> Response {
    match spawn_blocking(move || answer(&trained, &body)).await {
        Ok(Ok(text)) => respond(StatusCode::OK, text),
        Ok(Err(reason)) => error(StatusCode::BAD_REQUEST, &reason),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the prediction failed"),
    }
}

fn error(status: StatusCode, reason: &str) -> Response {
    respond(status, json!({ "error": reason }).to_string().into_bytes())
}

fn respond(status: StatusCode, json: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], json).into_response()
}
