//! What an operator watches, in Prometheus' text format, on a listener of its own: requests, the store's work, what waits.
//!
//! No number is of one case or one person: a label is a route pattern, a method, a status, a queue or a state.

use crate::app::App;
use crate::store::{Target, upkeep};
use actix_web::dev::Server;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpResponse, HttpServer, web};
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// Seconds of answering that are told apart.
const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How long the database may take to answer a scrape.
const PATIENCE: Duration = Duration::from_secs(5);

/// The numbers of a service.
pub struct Telemetry {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    waiting: IntGaugeVec,
    unsent: IntGaugeVec,
    bytes: IntGauge,
    up: IntGauge,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Telemetry")
    }
}

impl Telemetry {
    /// The numbers of an app, with those that its store counts.
    ///
    /// # Errors
    /// When two of them have one name.
    pub fn new(app: &App) -> prometheus::Result<Self> {
        let telemetry = Self {
            registry: Registry::new(),
            requests: IntCounterVec::new(
                Opts::new("fangxin_http_requests_total", "Requests answered."),
                &["method", "route", "status"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("fangxin_http_request_duration_seconds", "Time until a request was answered.")
                    .buckets(SECONDS.to_vec()),
                &["method", "route"],
            )?,
            waiting: IntGaugeVec::new(
                Opts::new("fangxin_store_queue_depth", "Units of work that wait for a connection, by queue."),
                &["queue"],
            )?,
            unsent: IntGaugeVec::new(
                Opts::new("fangxin_outbox_notices", "Notices that aren't sent, by state."),
                &["state"],
            )?,
            bytes: IntGauge::new("fangxin_database_size_bytes", "Size of the database on disk.")?,
            up: IntGauge::new("fangxin_database_up", "1 when the database answered this scrape.")?,
        };
        let info = IntGaugeVec::new(Opts::new("fangxin_info", "What is running."), &["version", "database"])?;
        let database = if matches!(app.store.target(), Target::Sqlite(_)) { "sqlite" } else { "postgres" };
        info.with_label_values(&[env!("CARGO_PKG_VERSION"), database]).set(1);
        telemetry.registry.register(Box::new(info))?;
        telemetry.registry.register(Box::new(telemetry.requests.clone()))?;
        telemetry.registry.register(Box::new(telemetry.seconds.clone()))?;
        telemetry.registry.register(Box::new(telemetry.waiting.clone()))?;
        telemetry.registry.register(Box::new(telemetry.unsent.clone()))?;
        telemetry.registry.register(Box::new(telemetry.bytes.clone()))?;
        telemetry.registry.register(Box::new(telemetry.up.clone()))?;
        app.store.meters().register(&telemetry.registry)?;
        Ok(telemetry)
    }

    /// Counts an answer. A route is a pattern of the list of routes, or `-`: an address would be of one case.
    pub(super) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = match *method {
            Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE | Method::OPTIONS => {
                method.as_str()
            }
            // Whoever sends requests can make up methods without end.
            _ => "other",
        };
        self.requests.with_label_values(&[method, route, status.as_str()]).inc();
        self.seconds.with_label_values(&[method, route]).observe(took.as_secs_f64());
    }

    /// All numbers, as they are now.
    async fn text(&self, app: &App) -> prometheus::Result<Vec<u8>> {
        for (queue, depth) in app.store.waiting() {
            self.waiting.with_label_values(&[queue]).set(i64::try_from(depth).unwrap_or(i64::MAX));
        }
        let load = tokio::time::timeout(PATIENCE, app.store.read(upkeep::load)).await;
        self.unsent.reset();
        self.up.set(i64::from(matches!(load, Ok(Ok(_)))));
        if let Ok(Ok(load)) = load {
            // A state that holds nothing says 0, so that an alert on it has something to compare.
            self.unsent.with_label_values(&["pending"]).set(0);
            for (state, notices) in &load.unsent {
                self.unsent.with_label_values(&[state.as_str()]).set(*notices);
            }
            self.bytes.set(load.bytes);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// A server of `GET /metrics` and nothing else.
///
/// # Errors
/// When the listener can't be used.
pub(super) fn server(app: Arc<App>, telemetry: Arc<Telemetry>, listener: TcpListener) -> io::Result<Server> {
    let (app, telemetry) = (web::Data::from(app), web::Data::from(telemetry));
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(telemetry.clone())
            .service(web::resource("/metrics").route(web::get().to(metrics)))
    });
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

async fn metrics(app: web::Data<App>, telemetry: web::Data<Telemetry>) -> HttpResponse {
    match telemetry.text(&app).await {
        Ok(text) => HttpResponse::Ok().insert_header((header::CONTENT_TYPE, prometheus::TEXT_FORMAT)).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
