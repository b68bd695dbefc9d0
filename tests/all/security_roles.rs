//! Who may do what (security.md 2.1): every operation of the interface, by everyone, with one's own case and with another's,
//! against a table that was written by hand.

use crate::evidence::{DOCUMENT, upload};
use crate::support::client::Reply;
use crate::support::filings::Case;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use serde_json::json;
use std::collections::BTreeSet;

/// Who asks, in the order of the columns of [`ROWS`].
const COLUMNS: [&str; 16] = [
    "nobody",
    "filer",
    "another filer",
    "station of the case",
    "another station",
    "officer of the case",
    "another officer",
    "dispatcher of the place",
    "another dispatcher",
    "supervisor of the place",
    "another supervisor",
    "supervisor of another line",
    "auditor of the place",
    "another auditor",
    "admin",
    "person with a code",
];

/// What is asked of a case, or of nothing.
struct Row {
    operation: &'static str,
    /// What is expected with a complaint, and with a report of the same office: `P` passes (it may still be told what is
    /// wrong with it), `U` must sign in, `F` is never for the role, `N` doesn't exist for the caller.
    complaint: &'static str,
    report: &'static str,
}

const fn of_case(operation: &'static str, complaint: &'static str, report: &'static str) -> Row {
    Row { operation, complaint, report }
}

const fn of_none(operation: &'static str, expected: &'static str) -> Row {
    Row { operation, complaint: expected, report: expected }
}

const ANYONE: &str = "P PP PP PP PP PPP PP P P";
const SIGNED_IN: &str = "U PP PP PP PP PPP PP P P";
const STAFF: &str = "U FF PP PP PP PPP PP P F";
const ADMIN: &str = "U FF FF FF FF FFF FF P F";
const WORK: &str = "U FF PP PP PP PPP PP F F";

/// Columns: nobody, filers, stations, officers, dispatchers, supervisors, auditors, admin, person with a code.
const ROWS: &[Row] = &[
    //                                                          complaint                    report
    of_case("get /api/v1/cases/{reference}", "U PN PN PN PN PNN PN N N", "U PN NN PN PN PNN PN N N"),
    of_case("get /api/v1/cases/{reference}/events", "U PN PN PN PN PNN PN N N", "U PN NN PN PN PNN PN N N"),
    of_case("post /api/v1/cases/{reference}/transitions", "U FN PN PN PN PNN FN N N", "U FN NN PN PN PNN FN N N"),
    of_case("get /api/v1/cases/{reference}/attachments", "U PN PN PN PN PNN PN N N", "U PN NN PN FN FNN FN N N"),
    of_case("post /api/v1/cases/{reference}/attachments", "U PN PN PN PN PNN FN N N", "U PN NN PN FN FNN FN N N"),
    of_case("get /api/v1/cases/{reference}/attachments/{id}", "U PN PN PN PN PNN PN N N", "U PN NN PN FN FNN FN N N"),
    of_case("get /api/v1/cases/{reference}/documents", "U PN PN PN PN PNN PN N N", "U PN NN PN FN FNN FN N N"),
    of_case("post /api/v1/cases/{reference}/documents", "U FN PN PN PN FNN FN N N", "U FN NN PN FN FNN FN N N"),
    // Auditors read no papers.
    of_case("get /api/v1/cases/{reference}/documents/{no}", "U PN PN PN PN PNN NN N N", "U PN NN PN FN FNN FN N N"),
    of_case(
        "post /api/v1/cases/{reference}/documents/{no}/deliveries",
        "U FN PN PN PN FNN FN N N",
        "U FN NN PN FN FNN FN N N",
    ),
    of_case("post /api/v1/cases/{reference}/unmask", "U FN PN PN PN PNN FN N N", "U FN NN PN FN FNN FN N N"),
    of_case("get /api/v1/cases/{reference}/hold", "U FN FN PN FN PNN PN N N", "U FN NN PN FN PNN PN N N"),
    of_case("post /api/v1/cases/{reference}/hold", "U FN FN FN FN PNN FN N N", "U FN NN FN FN PNN FN N N"),
    of_case("get /api/v1/cases/{reference}/corrections", "U PN FN PN FN FNN FN N N", "U PN NN PN FN FNN FN N N"),
    of_case("post /api/v1/cases/{reference}/corrections", "U PN FN FN FN FNN FN N N", "U PN NN FN FN FNN FN N N"),
    // What was asked for by the row before.
    of_case("post /api/v1/cases/{reference}/corrections/{no}", "U FN FN PN FN FNN FN N N", "U FN NN PN FN FNN FN N N"),
    // In no group; of a report there is none.
    of_case("get /api/v1/cases/{reference}/group", "U NN FN NN NN NNN NN N N", "U NN NN FN FN FNN FN N N"),
    of_case("post /api/v1/cases/{reference}/group", "U PN FN PN FN FNN FN N N", "U PN NN FN FN FNN FN N N"),
    of_none("get /api/v1/me/export", "U PP FF FF FF FFF FF F P"),
    of_none("post /api/v1/cases", ANYONE),
    of_none("post /api/v1/classify", ANYONE),
    of_none("post /api/v1/route", ANYONE),
    of_none("get /api/v1/calendar", ANYONE),
    of_none("get /api/v1/calendar/due", ANYONE),
    of_none("get /api/v1/sectors", ANYONE),
    of_none("get /api/v1/departments", ANYONE),
    of_none("get /api/v1/offices", ANYONE),
    of_none("get /api/v1/stations", ANYONE),
    of_none("get /api/v1/divisions", ANYONE),
    of_none("get /api/v1/rules", ANYONE),
    of_none("get /healthz", ANYONE),
    of_none("get /readyz", ANYONE),
    of_none("get /version", ANYONE),
    of_none("get /openapi.json", ANYONE),
    of_none("post /api/v1/auth/otp", ANYONE),
    of_none("post /api/v1/auth/token", ANYONE),
    of_none("post /api/v1/auth/refresh", ANYONE),
    // The token of a link that was sent to nobody.
    of_none("get /api/v1/ratings/{token}", "N NN NN NN NN NNN NN N N"),
    of_none("post /api/v1/ratings/{token}", "N NN NN NN NN NNN NN N N"),
    of_none("get /api/v1/queue", WORK),
    of_none("get /api/v1/mass/proposals", WORK),
    of_none("get /api/v1/mass/alarms", WORK),
    of_none("post /api/v1/mass/alarms", "U FF NN NN NN NNN FF F F"),
    of_none("get /api/v1/groups", "U FF FF PP PP PPP PP F F"),
    of_none("post /api/v1/groups", "U FF FF PP FF FFF FF F F"),
    // A group that isn't there.
    of_none("get /api/v1/groups/{id}", "U FF FF NN NN NNN NN F F"),
    of_none("post /api/v1/groups/{id}/members", "U FF FF NN FF FFF FF F F"),
    of_none("delete /api/v1/groups/{id}/members/{reference}", "U FF FF NN FF FFF FF F F"),
    of_none("post /api/v1/groups/{id}/questions", "U FF FF NN FF FFF FF F F"),
    of_none("post /api/v1/groups/{id}/transitions", "U FF FF NN FF FFF FF F F"),
    of_none("get /api/v1/metrics/summary", WORK),
    of_none("get /api/v1/metrics/timeseries", WORK),
    of_none("get /api/v1/metrics/breakdown", WORK),
    of_none("get /api/v1/metrics/scorecard", WORK),
    of_none("get /api/v1/metrics/cases", WORK),
    of_none("get /api/v1/exports/cases.{format}", WORK),
    of_none("get /api/v1/webhooks", ADMIN),
    of_none("post /api/v1/webhooks", ADMIN),
    // A webhook that isn't there.
    of_none("post /api/v1/webhooks/{id}", "U FF FF FF FF FFF FF N F"),
    of_none("delete /api/v1/webhooks/{id}", "U FF FF FF FF FFF FF N F"),
    of_none("get /api/v1/notices", STAFF),
    // A notice that isn't there.
    of_none("post /api/v1/notices/{id}", "U FF NN NN NN NNN FF N F"),
    of_none("get /api/v1/audit", "U FF FF FF FF FFF PP F F"),
    of_none("get /api/v1/me", SIGNED_IN),
    of_none("get /api/v1/me/cases", "U PP FF FF FF FFF FF F P"),
    of_none("get /api/v1/me/sessions", SIGNED_IN),
    // A session that isn't there.
    of_none("delete /api/v1/me/sessions/{id}", "U NN NN NN NN NNN NN N N"),
    of_none("post /api/v1/me/totp", STAFF),
    of_none("post /api/v1/me/totp/confirmation", STAFF),
    of_none("delete /api/v1/me/totp", STAFF),
    of_none("post /api/v1/me/password", STAFF),
    of_none("post /api/v1/auth/step-up", STAFF),
    // Last: it ends the session.
    of_none("post /api/v1/auth/logout", SIGNED_IN),
];

/// A case with what is asked of it.
struct Target {
    case: Case,
    attachment: String,
    document: i64,
}

impl Target {
    fn new(app: &TestApp, case: Case, form: &str) -> Self {
        let added = upload(app, &case, &app.consumer(&case), "file", "a.pdf", DOCUMENT).send().expect(201);
        let path = format!("{}/documents", case.path());
        let issued = app.post(&path, &app.officer(&case.office())).json(&json!({ "kind": form })).send().expect(201);
        let attachment = added["id"].as_str().expect("an id").to_owned();
        Self { attachment, document: issued["no"].as_i64().expect("a number"), case }
    }
}

const PASSWORD: &str = "correct-horse-7-battery";
const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

fn ask(app: &TestApp, operation: &str, target: &Target, by: &Session, reader: &Session) -> Reply {
    let (method, path) = operation.split_once(' ').expect("method and path");
    let path = path.replace("{reference}", &target.case.reference).replace("{no}", &target.document.to_string());
    let path = path.replace("{format}", "csv");
    let path = path.replace("{id}", if path.contains("/attachments/") { &target.attachment } else { UNKNOWN });
    let call = match method {
        "get" => return app.get(&path, by).send(),
        "delete" => return app.client.delete(&path, by).send(),
        _ => app.post(&path, by),
    };
    let body = match operation.rsplit_once('/').expect("a path").1 {
        "transitions" if operation.contains("/groups/") => {
            return call.header("If-Match", "\"1\"").json(&json!({ "action": "note", "text": "回访过一次" })).send();
        }
        "members" | "groups" => json!({ "cases": [target.case.reference] }),
        "questions" => json!({ "kind": "settlement", "amount": "1.00", "performance_date": "2026-12-01" }),
        "group" => json!({ "question": 1, "agree": true }),
        "transitions" => {
            let version = app.get(&target.case.path(), reader).send().expect(200)["version"].clone();
            let body = json!({ "action": "note", "text": "回访过一次" });
            return call.header("If-Match", &format!("\"{version}\"")).json(&body).send();
        }
        "totp" | "logout" => return call.send(),
        "attachments" => return call.body("text/plain", "no form").send(),
        "documents" => json!({ "kind": "complaint_registration" }),
        "deliveries" => json!({ "to": "complainant", "way": "letter", "on": "2026-01-01" }),
        "unmask" => json!({ "fields": ["name"], "reason": "需要联系当事人核实" }),
        "hold" => json!({ "held": false, "reason": "判决已生效，解除保全" }),
        "corrections" => json!({ "complainant": { "address": "南京市双龙大道2号" }, "reason": "搬家了" }),
        "{no}" => json!({ "accept": true }),
        "{id}" if operation.contains("webhooks") => json!({ "action": "disable" }),
        "{id}" => json!({ "action": "retry" }),
        "confirmation" => json!({ "totp": "000000" }),
        "password" => json!({ "password": PASSWORD, "new_password": "short" }),
        "alarms" => json!({ "kind": "word", "subject": "无", "raised_on": "2026-06-01" }),
        "webhooks" => json!({ "url": "https://hooks.example.com/fangxin" }),
        "step-up" => json!({ "password": PASSWORD }),
        _ => json!({}),
    };
    call.json(&body).send()
}

fn start_of(reply: &Reply) -> String {
    reply.to_string().chars().take(300).collect()
}

fn outcome(reply: &Reply) -> char {
    match reply.status {
        401 => 'U',
        403 => 'F',
        404 => 'N',
        200..=299 | 400 | 409 | 412 | 415 | 422 => 'P',
        _ => '?',
    }
}

/// SEC-AZ-01, SEC-AZ-02, SEC-AZ-03, SEC-AZ-08, PRV-13: the whole product.
#[test]
fn sec_az_01_02_03_08_every_operation_by_everyone() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let complaint = FilingBuilder::complete().with("/settle_first", true).file(&app);
        let report = FilingBuilder::report().with("/sector", "product_quality").file(&app);
        assert_eq!(complaint.office(), report.office(), "{engine}: both lie with one office");
        let station = complaint.station().expect("a station");
        let other = FilingBuilder::complete().named("李四").phone("13900139000").merchant("另一商店").file(&app);
        let other_report = FilingBuilder::report().narrative("另一家店的另一种违法行为，与前一件无关").file(&app);
        let (office, reader) = (complaint.office(), app.officer(&complaint.office()));
        let targets =
            [Target::new(&app, complaint, "complaint_registration"), Target::new(&app, report, "report_registration")];

        let mut faults = Vec::new();
        // An answer without an end: `desk` asks it.
        let mut asked = BTreeSet::from(["get /api/v1/queue/stream".to_owned()]);
        for (target, foreign) in targets.iter().zip([&other, &other_report]) {
            let people = [
                Session::anonymous(),
                app.consumer(&target.case),
                app.consumer(foreign),
                app.station(&station),
                app.station(other_station(&app, &station).as_str()),
                app.officer(&office),
                app.officer("amr-320102"),
                app.dispatcher("320115"),
                app.dispatcher("320500"),
                app.supervisor("320100"),
                app.supervisor("320500"),
                app.staff("supervisor", Some("jiangsu-culture"), Some("320000")),
                app.auditor("320000"),
                app.auditor("320500"),
                app.staff("admin", None, None),
                with_code(&app),
            ];
            let is_report = std::ptr::eq(target, &targets[1]);
            for row in ROWS {
                let expected: Vec<char> =
                    if is_report { row.report } else { row.complaint }.chars().filter(|c| *c != ' ').collect();
                assert_eq!(expected.len(), COLUMNS.len(), "{}", row.operation);
                asked.insert(row.operation.to_owned());
                for ((by, who), expected) in people.iter().zip(COLUMNS).zip(expected) {
                    let reply = ask(&app, row.operation, target, by, &reader);
                    let found = outcome(&reply);
                    if found != expected {
                        let kind = if is_report { "report" } else { "complaint" };
                        faults.push(format!("{kind}, {who}: expected {expected}, found {found}: {}", start_of(&reply)));
                    }
                    if expected == 'N' && !reply.text.contains("\"not_found\"") {
                        faults.push(format!("{who}: told more than that there is no such thing: {}", start_of(&reply)));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{engine}:\n{}", faults.join("\n"));

        // Nothing that is there is left out.
        let described = app.get("/openapi.json", &Session::anonymous()).send().expect(200);
        let paths = described["paths"].as_object().expect("paths").iter();
        let there: BTreeSet<String> = paths
            .flat_map(|(path, methods)| {
                methods.as_object().expect("methods").keys().map(move |method| format!("{method} {path}"))
            })
            .collect();
        let left_out: Vec<_> = there.difference(&asked).collect();
        assert!(left_out.is_empty(), "operations without a row in the table: {left_out:?}");
        let gone: Vec<_> = asked.difference(&there).collect();
        assert!(gone.is_empty(), "rows of operations that aren't there: {gone:?}");
    }
}

/// SEC-AZ-01: without a session nothing of a request is looked at, where one is needed: whatever is sent, the answer is 401.
#[test]
fn sec_az_01_without_a_session_nothing_is_looked_at() {
    let app = TestApp::start(Engine::Sqlite);
    let nobody = Session::anonymous();
    let described = app.get("/openapi.json", &nobody).send().expect(200);
    let mut asked = 0;
    for (path, methods) in described["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let security = operation["security"].as_array().cloned().unwrap_or_default();
            let open = security.is_empty() || security.contains(&json!({}));
            let path = path.replace(['{', '}'], "");
            let call = || match method.as_str() {
                "get" => app.get(&path, &nobody),
                "delete" => app.client.delete(&path, &nobody),
                _ => app.post(&path, &nobody),
            };
            for reply in [call().send(), call().body("application/json", "{").send(), call().json(&json!([])).send()] {
                assert_eq!(reply.status == 401, !open, "{reply}");
            }
            asked += usize::from(!open);
        }
    }
    assert!(asked > 25, "only {asked} operations need a session");
}

/// A station that isn't this one.
fn other_station(app: &TestApp, station: &str) -> String {
    let all = app.get("/api/v1/stations?division=320500", &Session::anonymous()).send().expect(200);
    let codes = all["items"].as_array().expect("items").iter().filter_map(|one| one["code"].as_str());
    codes.filter(|code| *code != station).map(str::to_owned).next().expect("another station")
}

/// Somebody with a code for a number that stands in no case.
fn with_code(app: &TestApp) -> Session {
    let phone = "13600136000";
    let code = crate::security_guessing::code(app, phone);
    let body = json!({ "phone": phone, "code": code });
    let answer = app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send().expect(200);
    Session { name: "person with a code".to_owned(), token: answer["access_token"].as_str().map(str::to_owned) }
}

/// SEC-AZ-05, SEC-AZ-08, PRV-13: who reported is told in no view but to the office and the reporter: not to stations, those above,
/// or auditors.
#[test]
fn sec_az_08_prv_13_a_reporter_is_known_to_the_office_alone() {
    const NAME: &str = "慕容海棠";
    for engine in engines() {
        let app = TestApp::start(engine);
        let report = FilingBuilder::report()
            .without("/anonymous")
            .with("/sector", "product_quality")
            .with(
                "/complainant",
                json!({ "name": NAME, "phone": "13512345678", "address": "南京市江宁区上元大街77号" }),
            )
            .narrative("我是慕容海棠，在该超市工作，亲眼看到生产日期被涂改，可打13512345678")
            .file(&app);
        let secrets = [NAME, "慕容", "13512345678", "135****5678", "77号"];
        let above = [app.dispatcher("320115"), app.supervisor("320100"), app.auditor("320000")];
        for by in &above {
            for path in [report.path(), format!("{}/events", report.path())] {
                let reply = app.get(&path, by).send();
                let _ = reply.expect(200);
                let found: Vec<&&str> = secrets.iter().filter(|secret| reply.text.contains(**secret)).collect();
                assert!(found.is_empty(), "{engine}: {found:?} in {reply}");
            }
        }
        let office = app.get(&report.path(), &app.officer(&report.office())).send();
        assert!(!office.text.contains(NAME) && office.text.contains("135****5678"), "{engine}: {office}");
        let own = app.get(&report.path(), &app.consumer(&report)).send();
        assert!(own.text.contains(NAME), "{engine}: {own}");
    }
}
