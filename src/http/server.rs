//! The server: how long it waits for whom, and how it stops.

use crate::app::App;
use crate::http::middleware::around;
use crate::http::telemetry::{self, Telemetry};
use crate::http::{Draining, Edge, routes};
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, web};
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Connections that wait to be taken up.
const BACKLOG: u32 = 2048;

/// Serves requests until `shutdown` comes to its end. Then `readyz` turns red at once; after the time for draining nobody new is
/// let in, and requests under way are given what is left of the time for stopping; the caller exits at once on a second signal by dropping this future.
///
/// # Errors
/// When a listener can't be used.
pub async fn run(
    app: Arc<App>,
    listener: TcpListener,
    metrics: Option<TcpListener>,
    shutdown: impl Future,
) -> io::Result<()> {
    let draining = Arc::new(Draining::default());
    let telemetry = Arc::new(Telemetry::new(&app).map_err(io::Error::other)?);
    let settings = app.settings.server.clone();
    let edge = Edge::new(&app, Arc::clone(&draining), Arc::clone(&telemetry)).map_err(io::Error::other)?;
    let edge = web::Data::new(edge);
    let metrics = match metrics {
        Some(listener) => Some(telemetry::server(Arc::clone(&app), telemetry, listener)?),
        None => None,
    };
    let data = web::Data::from(app);
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        workers => workers,
    };
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(data.clone())
            .app_data(edge.clone())
            .wrap(from_fn(around))
            .configure(routes::configure)
    })
    .workers(workers)
    .max_connections(settings.max_connections)
    .backlog(BACKLOG)
    .keep_alive(KeepAlive::Timeout(Duration::from_secs(75)))
    .client_request_timeout(Duration::from_secs(settings.header_timeout_seconds))
    .client_disconnect_timeout(Duration::from_secs(5))
    .shutdown_timeout(settings.shutdown_seconds.saturating_sub(settings.drain_seconds))
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    let metrics = metrics.map(|server| (server.handle(), tokio::spawn(server)));
    let mut serving = pin!(server);
    tokio::select! {
        end = &mut serving => return end,
        _ = shutdown => {}
    }
    draining.begin();
    tracing::info!("stopping: readiness is red, requests are still taken");
    // Whoever sends requests here learns from readiness to send them elsewhere, before the door is shut.
    tokio::select! {
        end = &mut serving => return end,
        () = tokio::time::sleep(Duration::from_secs(settings.drain_seconds)) => {}
    }
    tracing::info!("stopping: requests under way are answered first");
    let (end, ()) = tokio::join!(serving, handle.stop(true));
    // Last, so that the end of the drain can be watched too.
    if let Some((handle, server)) = metrics {
        handle.stop(false).await;
        drop(server.await);
    }
    end
}
