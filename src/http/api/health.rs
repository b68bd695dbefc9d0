//! Whether the service lives, whether it can work, and what it is.

use crate::app::App;
use crate::http::Edge;
use crate::store::{Target, users};
use actix_web::{HttpResponse, web};
use include_dir::{Dir, include_dir};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations/sqlite");

/// How long the database may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alive {
    /// `ok`
    pub status: &'static str,
}

/// Whether the service can work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// It can.
    pub ready: bool,
    /// Why not: `draining`, `database_damaged`, `database_read`, `database_write` (docs/operations.md says what each means).
    pub causes: Vec<&'static str>,
}

/// What the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Name.
    pub name: &'static str,
    /// Version of the build.
    pub version: &'static str,
    /// `sqlite` or `postgres`.
    pub database: &'static str,
    /// Version of that engine, as it says itself; null while it can't be asked.
    pub database_version: Option<String>,
    /// The newest step of the schema. A service that runs has brought its database to it.
    pub schema: String,
    /// Version of the calendar in force.
    pub calendar: String,
    /// Version of the classifier.
    pub model: String,
}

/// Lives: asks nothing else.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, body = Alive)))]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Alive { status: "ok" })
}

/// Can work: reads and writes are tried.
#[utoipa::path(get, path = "/readyz", tag = "service",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub async fn readyz(app: web::Data<App>, edge: web::Data<Edge>) -> HttpResponse {
    let mut causes = Vec::new();
    if edge.draining.has_begun() {
        causes.push("draining");
    }
    if app.store.is_damaged() {
        causes.push("database_damaged");
    }
    let (read, write) = tokio::join!(
        tokio::time::timeout(PATIENCE, app.store.read(users::any)),
        // An empty unit takes the whole way of a write: the queue, the lock, the commit.
        tokio::time::timeout(PATIENCE, app.store.write(|_| Ok(()))),
    );
    if !matches!(read, Ok(Ok(_))) {
        causes.push("database_read");
    }
    if !matches!(write, Ok(Ok(()))) {
        causes.push("database_write");
    }
    let ready = causes.is_empty();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header(("cache-control", "no-store")).json(Readiness { ready, causes })
}

/// What is running.
#[utoipa::path(get, path = "/version", tag = "service", responses((status = 200, body = Version)))]
pub async fn version(app: web::Data<App>) -> HttpResponse {
    let newest = MIGRATIONS.dirs().filter_map(|dir| dir.path().file_name()?.to_str()).max().unwrap_or_default();
    HttpResponse::Ok().json(Version {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        database: match app.store.target() {
            Target::Sqlite(_) => "sqlite",
            Target::Postgres(_) => "postgres",
        },
        database_version: app.store.engine_version().await.ok(),
        schema: newest.to_owned(),
        calendar: app.catalogue().calendar.version.clone(),
        model: app.model().version().to_owned(),
    })
}
