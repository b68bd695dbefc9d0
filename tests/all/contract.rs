//! The API against its own description: schemathesis (PyPI) reads `/openapi.json`, makes up requests that fit it and that
//! don't, follows the links between them, and holds the answers against the document. Once for each role.

use crate::support::python;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, TestApp, engines, is_long, say};
use serde_json::{Value, json};
use std::process::Stdio;

/// The roles, each with its unit or place.
const STAFF: &[(&str, Option<&str>, Option<&str>)] = &[
    ("officer", Some("amr-320115"), None),
    ("dispatcher", None, Some("320000")),
    ("supervisor", None, Some("320000")),
    ("auditor", None, Some("320000")),
    ("admin", None, None),
];

/// Tries the API as someone; fails with what was found.
fn try_as(app: &TestApp, role: &str, sign_in: &Value, cases: &[String], phases: &[&str]) {
    let Some(mut command) = python::program("schemathesis", "the API against its description") else { return };
    let base = app.client.base();
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(python::data("schemathesis.toml"));
    command.arg("run").arg(format!("{base}/openapi.json")).args(phases).args(["--checks", "all", "--no-color"]);
    command.args(["--continue-on-failure", "--warnings", "off", "--seed", "20260602"]);
    if role != "anonymous" {
        // Who signs out is signed out: that is tried as nobody.
        command.args(["--exclude-path", "/api/v1/auth/logout"]);
    }
    command.env("PYTHONPATH", python::data("")).env("SCHEMATHESIS_HOOKS", "schemathesis_hooks");
    command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(app.data());
    command.env("ST_URL", base).env("ST_SIGN_IN", sign_in.to_string()).env("ST_CASES", json!(cases).to_string());
    let end = command.stdin(Stdio::null()).output().expect("schemathesis runs");
    let told = String::from_utf8_lossy(&end.stdout).into_owned();
    if end.status.success() {
        let cases = told.lines().find(|line| line.contains(" generated")).unwrap_or_default();
        say(&format!("contract: {}: {role}: {}", app.engine, cases.trim()));
        return;
    }
    let from = told.find("=== FAILURES").or_else(|| told.find("=== ERRORS")).unwrap_or(0);
    panic!("{}: {role}: {}{}", app.engine, &told[from..], String::from_utf8_lossy(&end.stderr));
}

#[test]
fn the_api_answers_every_role_as_its_description_says() {
    let few = ["--phases", "examples,fuzzing,stateful", "--max-examples", "2"];
    let many = ["--phases", "examples,coverage,fuzzing,stateful", "--max-time", "300"];
    for engine in engines() {
        if engine == Engine::Postgres && !is_long() {
            continue;
        }
        let phases: &[&str] = if is_long() { &many } else { &few };
        let app = Start::on(engine).start();
        let filings = [FilingBuilder::complete(), FilingBuilder::report().with("/sector", "product_quality")];
        let cases: Vec<_> = filings.iter().map(|filing| filing.file(&app)).collect();
        let numbers: Vec<String> = cases.iter().map(|case| case.reference.clone()).collect();
        try_as(&app, "anonymous", &Value::Null, &numbers, phases);
        let consumer = json!({ "reference": cases[0].reference, "access_pin": cases[0].pin });
        try_as(&app, "consumer", &consumer, &numbers[..1], phases);
        for (role, unit, division) in STAFF {
            let username = app.staff(role, *unit, *division).name;
            let sign_in = json!({ "username": username, "password": "correct-horse-7-battery" });
            try_as(&app, role, &sign_in, &numbers, phases);
        }
    }
}
