//! Evidence in a bucket: against a real S3 server (moto, from PyPI) that is there, has lost a file, and is away.

use crate::evidence::{DOCUMENT, upload};
use crate::support::client::Client;
use crate::support::python::Server;
use crate::support::{FilingBuilder, Session, engines, server::Start};

/// Whom moto believes to be the bucket's owner: it looks at the name, not at the signature.
const OWNER: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260602/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none";

/// The keys in the bucket.
fn keys(bucket: &Client) -> Vec<String> {
    let reply = bucket.get("/evidence?list-type=2", &Session::anonymous()).header("Authorization", OWNER).send();
    assert_eq!(reply.status, 200, "{reply}");
    let keys = reply.text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
    keys.map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn evidence_lies_sealed_in_a_bucket_and_what_fails_is_told() {
    for engine in engines() {
        let Some(mut s3) = Server::start("moto", "s3_server.py", "evidence in an S3 bucket") else { return };
        let endpoint = format!("http://127.0.0.1:{}", s3.port);
        let bucket = Client::new(endpoint.clone());
        let settings = [
            ("URL", "s3://evidence/files"),
            ("ENDPOINT", &endpoint),
            ("REGION", "us-east-1"),
            ("ACCESS_KEY", "test"),
            ("SECRET_KEY", "test"),
        ];
        let start = settings
            .iter()
            .fold(Start::on(engine), |start, (key, value)| start.set(&format!("ATTACHMENTS__{key}"), value));
        let app = start.start();
        let case = FilingBuilder::complete().file(&app);
        let consumer = app.consumer(&case);
        let sent = || upload(&app, &case, &consumer, "file", "发票.pdf", DOCUMENT).send();
        let locations: Vec<String> = (0..2)
            .map(|_| {
                let added = sent();
                added.expect(201);
                added.header("location").to_owned()
            })
            .collect();

        // Under the prefix, and sealed: the bucket's owner reads nothing.
        let lying = keys(&bucket);
        assert_eq!(lying.len(), 2, "{engine}: {lying:?}");
        for key in &lying {
            assert!(key.starts_with("files/cases/"), "{engine}: {key}");
            let got =
                bucket.get(&format!("/evidence/{key}"), &Session::anonymous()).header("Authorization", OWNER).send();
            let bytes = &got.bytes;
            assert_eq!(got.status, 200, "{engine}: {got}");
            assert!(bytes.len() > DOCUMENT.len() && !bytes.windows(5).any(|five| five == b"%PDF-"), "{engine}: {key}");
        }
        let got = app.get(&locations[0], &consumer).send();
        assert_eq!((got.status, got.text.as_str()), (200, DOCUMENT), "{got}");

        // A backup takes them along.
        let to = app.data().parent().unwrap().join("backup");
        let made = app.run(&["backup", to.to_str().unwrap()], None);
        assert!(made.status.success(), "{engine}: {}", String::from_utf8_lossy(&made.stderr));
        let id = locations[0].rsplit('/').next().unwrap();
        let copied = lying.iter().find(|key| key.ends_with(id)).and_then(|key| key.strip_prefix("files/")).unwrap();
        assert!(to.join("attachments").join(copied).is_file(), "{engine}: no {copied} in the backup");

        // One that the bucket lost is told as lost, for good; the other is still there.
        let gone = lying.iter().find(|key| key.ends_with(id)).unwrap();
        let path = format!("/evidence/{gone}");
        let deleted = bucket.delete(&path, &Session::anonymous()).header("Authorization", OWNER).send();
        assert_eq!(deleted.status, 204, "{deleted}");
        assert_eq!(app.get(&locations[0], &consumer).send().problem(500)["code"], "file_missing", "{engine}");
        assert_eq!(app.get(&locations[1], &consumer).send().status, 200, "{engine}");

        // Away: told as such and soon, and nothing half-written.
        s3.stop();
        let version = app.case(&case, &consumer)["version"].clone();
        for failed in [sent(), app.get(&locations[1], &consumer).send()] {
            assert_eq!(failed.problem(503)["code"], "unavailable", "{engine}: {failed}");
            assert!(!failed.header("retry-after").is_empty(), "{engine}: {failed}");
        }
        assert_eq!(app.case(&case, &consumer)["version"], version, "{engine}");
        let listed = app.get(&format!("{}/attachments", case.path()), &consumer).send().expect(200);
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{engine}: {listed}");
    }
}
