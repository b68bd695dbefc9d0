//! Files that the pages use, inside the binary. The address holds the hash of the content, so that a browser keeps a file
//! for a year and still never has an old one.

use crate::http::error::Problem;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

/// An embedded file, ready to be sent.
struct Asset {
    name: &'static str,
    address: String,
    kind: &'static str,
    plain: Bytes,
    gzip: Bytes,
}

const FILES: &[(&str, &str, &str)] = &[
    ("app.css", "text/css; charset=utf-8", include_str!("../../../assets/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../../../assets/app.js")),
    ("desk.css", "text/css; charset=utf-8", include_str!("../../../assets/desk.css")),
    ("desk.js", "text/javascript; charset=utf-8", include_str!("../../../assets/desk.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../../assets/icon.svg")),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.iter().map(|file| prepare(*file)).collect());

fn prepare((name, kind, content): (&'static str, &'static str, &'static str)) -> Asset {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let mut address = format!("/assets/{stem}.");
    for byte in &Sha256::digest(content.as_bytes())[..6] {
        // Writing to a string doesn't fail.
        let _ = write!(address, "{byte:02x}");
    }
    let _ = write!(address, ".{extension}");
    Asset { name, address, kind, plain: Bytes::from_static(content.as_bytes()), gzip: gzip(content.as_bytes()) }
}

fn gzip(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory doesn't fail; should it, the plain file is sent.
    let packed = encoder.write_all(content).and_then(|()| encoder.finish());
    packed.map(Bytes::from).unwrap_or_default()
}

/// The address of a file; empty for one that isn't there, which a test finds.
pub fn address(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.address.as_str())
}

/// A file that pages use.
pub async fn asset(request: HttpRequest, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let wanted = format!("/assets/{path}");
    let asset = ASSETS.iter().find(|asset| asset.address == wanted).ok_or_else(Problem::not_found)?;
    Ok(send(&request, asset.kind, "public, max-age=31536000, immutable", &asset.plain, &asset.gzip))
}

fn send(request: &HttpRequest, kind: &'static str, cache: &'static str, plain: &Bytes, gzip: &Bytes) -> HttpResponse {
    let accepts = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let packed = !gzip.is_empty() && accepts.split(',').any(|encoding| encoding.trim().starts_with("gzip"));
    let mut response = HttpResponse::Ok();
    response
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::VARY, "accept-encoding"));
    if packed {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    response.body(if packed { gzip.clone() } else { plain.clone() })
}

static WORKER: LazyLock<String> = LazyLock::new(|| {
    // What belongs to staff isn't put on a consumer's phone.
    let shell = ASSETS.iter().filter(|asset| !asset.name.starts_with("desk."));
    let shell: Vec<String> = shell.map(|asset| format!("\"{}\"", asset.address)).collect();
    include_str!("../../../assets/sw.js").replace("/*SHELL*/", &shell.join(", "))
});

/// The service worker: it stands at the root, since it may serve only what lies below it.
pub async fn worker(request: HttpRequest) -> HttpResponse {
    let plain = Bytes::from_static(WORKER.as_bytes());
    send(&request, "text/javascript; charset=utf-8", "no-cache", &plain, &Bytes::new())
}

/// What makes the service installable.
pub async fn manifest(request: HttpRequest) -> HttpResponse {
    let manifest = include_str!("../../../assets/manifest.json").replace("/*ICON*/", address("icon.svg"));
    send(&request, "application/manifest+json", "no-cache", &Bytes::from(manifest), &Bytes::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_template_names_is_there() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for name in text.split("f.asset(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(!address(name).is_empty(), "{}: {name}", path.display());
            }
        }
        assert!(WORKER.contains(address("app.css")) && !WORKER.contains("/*SHELL*/"));
    }

    #[test]
    fn an_address_names_its_content_and_a_script_is_small() {
        let script = ASSETS.iter().find(|asset| asset.name == "app.js").unwrap();
        assert!(script.gzip.len() <= 25_000 && script.gzip.len() < script.plain.len());
        let address = &script.address;
        assert!(address.starts_with("/assets/app.") && address.len() == "/assets/app..js".len() + 12, "{address}");
    }
}
