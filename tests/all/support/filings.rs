//! Filings of invented people against invented merchants.

use super::client::{Reply, Session};
use super::server::TestApp;
use serde_json::{Value, json};

/// A filing that is put together step by step.
#[derive(Debug, Clone)]
pub(crate) struct FilingBuilder(Value);

impl FilingBuilder {
    /// The smallest form of the contract, about a broken good of a shop in Jiangning.
    pub(crate) fn complaint() -> Self {
        Self(json!({
            "kind": "complaint",
            "narrative": "双十一在某平台买的电动车电池三天就坏，店家不退",
            "respondent": { "name": "某某车行", "division": "320115" },
            "complainant": { "name": "张三", "phone": "13800138000", "address": "南京市江宁区东山街道" },
            "demands": ["refund"],
            "amount": "2680.00",
        }))
    }

    /// An anonymous report.
    pub(crate) fn report() -> Self {
        Self(json!({
            "kind": "report",
            "narrative": "该超市销售过期食品，货架上多种商品的生产日期被涂改",
            "respondent": { "name": "示例超市", "division": "320115" },
            "anonymous": true,
        }))
    }

    /// A complaint that lacks nothing for acceptance, of a sector that the person chose: market regulation decides at once.
    pub(crate) fn complete() -> Self {
        Self::complaint().with("/sector", "product_quality").with("/respondent/address", "南京市江宁区双龙大道1号")
    }

    /// Sets what a JSON pointer names; its parent must be there.
    pub(crate) fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = self.0.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} isn't there"));
        match parent {
            Value::Array(list) => list[key.parse::<usize>().expect("an index")] = value.into(),
            parent => parent[key] = value.into(),
        }
        self
    }

    /// Leaves out what a JSON pointer names.
    pub(crate) fn without(mut self, pointer: &str) -> Self {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = self.0.pointer_mut(parent).and_then(Value::as_object_mut).expect("its parent");
        parent.remove(key).unwrap_or_else(|| panic!("{pointer} isn't there"));
        self
    }

    pub(crate) fn named(self, name: &str) -> Self {
        self.with("/complainant/name", name)
    }

    pub(crate) fn phone(self, phone: &str) -> Self {
        self.with("/complainant/phone", phone)
    }

    pub(crate) fn merchant(self, name: &str) -> Self {
        self.with("/respondent/name", name)
    }

    pub(crate) fn division(self, division: &str) -> Self {
        self.with("/respondent/division", division)
    }

    pub(crate) fn narrative(self, narrative: &str) -> Self {
        self.with("/narrative", narrative)
    }

    pub(crate) fn json(&self) -> &Value {
        &self.0
    }

    /// Files it, whatever the answer.
    pub(crate) fn send(&self, app: &TestApp, by: &Session) -> Reply {
        app.post("/api/v1/cases", by).json(&self.0).send()
    }

    /// Files it as anyone; it must be taken.
    #[track_caller]
    pub(crate) fn file(&self, app: &TestApp) -> Case {
        self.file_as(app, &Session::anonymous())
    }

    /// Files it as someone; it must be taken.
    #[track_caller]
    pub(crate) fn file_as(&self, app: &TestApp, by: &Session) -> Case {
        Case::of(&self.send(app, by).expect(201))
    }
}

/// What a filer knows of the case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) reference: String,
    pub(crate) pin: String,
    pub(crate) answer: Value,
}

impl Case {
    /// From the answer to a filing, or from one of its `linked`.
    #[track_caller]
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |key: &str| answer[key].as_str().unwrap_or_else(|| panic!("no {key} in {answer}")).to_owned();
        Self { reference: text("reference"), pin: text("access_pin"), answer: answer.clone() }
    }

    pub(crate) fn path(&self) -> String {
        format!("/api/v1/cases/{}", self.reference)
    }

    /// The office that has it from the filing on.
    pub(crate) fn office(&self) -> String {
        self.answer["routing"]["office"]["code"].as_str().expect("every case has an owner").to_owned()
    }

    pub(crate) fn station(&self) -> Option<String> {
        self.answer["routing"]["station"]["code"].as_str().map(str::to_owned)
    }
}
