//! People with roles, and what they do with a case.

use super::client::{Reply, Session};
use super::filings::Case;
use super::server::TestApp;
use serde_json::{Value, json};

/// The password of every account of the tests.
pub(crate) const PASSWORD: &str = "correct-horse-7-battery";

impl TestApp {
    /// The person who filed, by reference and PIN.
    #[track_caller]
    pub(crate) fn consumer(&self, case: &Case) -> Session {
        let body = json!({ "reference": case.reference, "access_pin": case.pin });
        self.sign_in(&format!("consumer of {}", case.reference), &body)
    }

    /// An account of staff: made if it isn't there, and signed in.
    #[track_caller]
    pub(crate) fn staff(&self, role: &str, unit: Option<&str>, division: Option<&str>) -> Session {
        let username = [Some(role), unit, division].into_iter().flatten().collect::<Vec<_>>().join("-");
        let mut arguments = vec!["user", "add", "--username", &username, "--role", role, "--password-stdin"];
        arguments.extend(unit.iter().flat_map(|unit| ["--unit", unit]));
        arguments.extend(division.iter().flat_map(|division| ["--division", division]));
        let body = json!({ "username": username, "password": PASSWORD });
        if self.accounts.lock().unwrap().insert(username.clone()) {
            let made = self.run(&arguments, Some(&format!("{PASSWORD}\n")));
            let errors = String::from_utf8_lossy(&made.stderr);
            assert!(made.status.success(), "{}: user add {username}: {errors}", self.engine);
        }
        self.sign_in(&username, &body)
    }

    pub(crate) fn officer(&self, office: &str) -> Session {
        self.staff("officer", Some(office), None)
    }

    pub(crate) fn station(&self, station: &str) -> Session {
        self.staff("station", Some(station), None)
    }

    pub(crate) fn dispatcher(&self, division: &str) -> Session {
        self.staff("dispatcher", None, Some(division))
    }

    pub(crate) fn auditor(&self, division: &str) -> Session {
        self.staff("auditor", None, Some(division))
    }

    pub(crate) fn supervisor(&self, division: &str) -> Session {
        self.staff("supervisor", None, Some(division))
    }

    #[track_caller]
    fn sign_in(&self, name: &str, body: &Value) -> Session {
        let reply = self.post("/api/v1/auth/token", &Session::anonymous()).json(body).send();
        let token = reply.expect(200)["access_token"].as_str().map(str::to_owned);
        assert!(token.is_some(), "{reply}");
        Session { name: name.to_owned(), token }
    }

    /// The case as someone sees it.
    #[track_caller]
    pub(crate) fn case(&self, case: &Case, by: &Session) -> Value {
        self.get(&case.path(), by).send().expect(200)
    }

    /// A step at the version that the case has for the one who takes it.
    #[track_caller]
    pub(crate) fn act(&self, case: &Case, by: &Session, action: &str, fields: &Value) -> Reply {
        let version = self.case(case, by)["version"].as_i64().expect("a version");
        self.act_at(case, by, action, fields, version)
    }

    /// A step at a version.
    pub(crate) fn act_at(&self, case: &Case, by: &Session, action: &str, fields: &Value, version: i64) -> Reply {
        let mut body = fields.clone();
        body["action"] = json!(action);
        let path = format!("{}/transitions", case.path());
        self.post(&path, by).header("If-Match", &format!("\"{version}\"")).json(&body).send()
    }

    /// A step that must be taken and lead to a state.
    #[track_caller]
    pub(crate) fn step(&self, case: &Case, by: &Session, action: &str, fields: &Value, state: &str) -> Value {
        let reply = self.act(case, by, action, fields);
        let after = reply.expect(200);
        assert_eq!(after["state"], state, "{reply}");
        after
    }
}

/// The actions that a view offers.
pub(crate) fn offered(view: &Value) -> Vec<String> {
    let actions = view["available_actions"].as_array().unwrap_or_else(|| panic!("no available_actions in {view}"));
    actions.iter().map(|one| one["action"].as_str().expect("an action").to_owned()).collect()
}
