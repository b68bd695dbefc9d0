//! The filings that are sent, made from a number alone, and the rows of real ones to insert by hand.

use crate::server::Database;
use anyhow::{Context, Result};
use fangxin::ambient::{self, Clock, SeededEntropy, SystemClock};
use fangxin::bench::cases::{DEMANDS, GIVEN, SENTENCES, SHOPS, SURNAMES, draw, phone, pick};
use fangxin::domain::case::CaseId;
use fangxin::domain::reference::Reference;
use fangxin::domain::scope::Scope;
use fangxin::domain::text;
use fangxin::measure::{count::count, facts::facts};
use fangxin::store::cases::{self, Loaded};
use fangxin::store::filing::{CaseRow, ClockRow, EventRow, NewCase, PartyRow};
use fangxin::store::outbox::OutboxRow;
use fangxin::store::types::{At, Key};
use fangxin::store::{Options, Store};
use std::fmt::Write;

const WHEN: [&str; 7] = ["双十一", "上个月", "国庆节", "上周六", "九月初", "开学前", "昨天下午"];
const WHERE: [&str; 6] = ["某平台", "小区门口的店里", "商场专柜", "直播间", "批发市场", "品牌网店"];
const GOODS: [(&str, &str); 10] = [
    ("电动车", "电池鼓包"),
    ("冰箱", "不制冷"),
    ("手机", "自动关机"),
    ("运动鞋", "开胶"),
    ("奶粉", "结块发臭"),
    ("沙发", "塌陷"),
    ("健身卡", "门店关门"),
    ("空调", "漏水"),
    ("羽绒服", "跑绒"),
    ("洗衣机", "漏电"),
];
const REPLIES: [&str; 5] = ["店家不退", "商家拒绝退款", "客服一直推脱", "老板不接电话", "要求更换被拒"];
/// Counties of different cities, so that cases reach different offices.
const DIVISIONS: [&str; 8] = ["320115", "320102", "320104", "320505", "320583", "320411", "320205", "320602"];

/// How much a filer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// A sentence.
    Short,
    /// 300 characters.
    Long,
}

/// Characters of a long narrative.
pub(crate) const LONG: usize = 300;

fn narrative(number: usize, length: Length) -> String {
    let mut text = sentence(number);
    if length == Length::Short {
        return text;
    }
    // Odd, so that it leaves no sentence out and repeats none.
    let step = 1 + 2 * (draw(number, 20) % 8);
    for (place, salt) in (0..SENTENCES.len()).zip(30..) {
        let next = SENTENCES[(draw(number, 21) + place * step) % SENTENCES.len()];
        text.push('。');
        text.push_str(&next.replace("{}", &(2 + draw(number, salt) % 998).to_string()));
    }
    text.chars().take(LONG).collect()
}

fn sentence(number: usize) -> String {
    let (good, fault) = GOODS[draw(number, 1) % GOODS.len()];
    format!(
        "{}在{}买的{good}{}天就{fault}，{}",
        pick(&WHEN, number, 2),
        pick(&WHERE, number, 3),
        2 + draw(number, 4) % 60,
        pick(&REPLIES, number, 5)
    )
}

fn respondent(number: usize) -> String {
    format!("某{}{}", draw(number, 6) % 500, pick(&SHOPS, number, 7))
}

/// The smallest form of the contract, as one number makes it. No two numbers below a hundred million share a phone number.
pub(crate) fn body(number: usize, length: Length, into: &mut String) {
    into.clear();
    let phone = phone(number);
    // Writing to a String can't fail.
    let _ = write!(
        into,
        r#"{{"kind":"complaint","narrative":"{}","respondent":{{"name":"{}","division":"{}"}},"complainant":{{"name":"{}{}","phone":"{phone}","address":"南京市江宁区东山街道{}号"}},"demands":["{}"],"amount":"{}.{:02}"}}"#,
        narrative(number, length),
        respondent(number),
        pick(&DIVISIONS, number, 8),
        pick(&SURNAMES, number, 9),
        pick(&GIVEN, number, 10),
        1 + draw(number, 11) % 900,
        pick(&DEMANDS, number, 12),
        10 + draw(number, 13) % 9_000,
        draw(number, 14) % 100,
    );
}

/// A stored case with its rows.
#[derive(Debug)]
pub(crate) struct Template {
    case: Loaded,
    parties: Vec<PartyRow>,
    event: EventRow,
}

/// Reads cases that the server stored.
pub(crate) fn load(database: &Database, references: &[String]) -> Result<Vec<Template>> {
    let store = Store::open(&Options::new(database.target().clone()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let wanted = references.to_vec();
    let found = runtime.block_on(store.read(move |db| {
        let mut found = Vec::new();
        for number in &wanted {
            let reference = Reference::from_stored(number.clone());
            if let Some(case) = cases::load(db, &Scope::System, &reference)? {
                let (parties, events) = (cases::parties(db, &case)?, cases::history(db, &case)?);
                found.extend(events.into_iter().next().map(|event| Template { case, parties, event }));
            }
        }
        Ok(found)
    }))?;
    (!found.is_empty()).then_some(found).context("the cases that were filed can't be read")
}

/// The rows of new cases: those of real ones in turn, each with a key, a number, hashes and search tokens of its own.
pub(crate) fn copies(templates: &[Template], wanted: usize) -> Result<Vec<NewCase>> {
    let entropy = SeededEntropy::new(1);
    (0..wanted).map(|number| copy(&templates[number % templates.len()], number, &entropy)).collect()
}

fn copy(template: &Template, number: usize, entropy: &SeededEntropy) -> Result<NewCase> {
    let now = SystemClock.now();
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let key = || uuid::Builder::from_unix_timestamp_millis(millis, &ambient::draw::<10>(entropy)).into_uuid();
    let hash = || ambient::draw::<32>(entropy).to_vec();
    let mut case = template.case.case.clone();
    case.id = CaseId(key());
    case.reference = Reference::draw("FX", case.received_on, ambient::draw(entropy), 0);
    let mut sealed = template.case.sealed.clone();
    sealed.complainant_hash = sealed.complainant_hash.map(|_| hash());
    let parties = template.parties.iter().cloned().map(|party| PartyRow {
        case_id: case.id.into(),
        phone_hash: party.phone_hash.as_ref().map(|_| hash()),
        ..party
    });
    let outbox_id = Key(key());
    let destination = template.parties.iter().find_map(|party| party.phone.clone()).unwrap_or_default();
    let row = CaseRow::new(&case, facts(&case), &sealed, &template.case.last_hash, now)?;
    Ok(NewCase {
        case: row,
        parties: parties.collect(),
        events: vec![EventRow { case_id: case.id.into(), ..template.event.clone() }],
        clocks: ClockRow::of(&case),
        external: Vec::new(),
        outbox: vec![OutboxRow {
            bucket: i16::try_from(number % 16).unwrap_or(0),
            outbox_id,
            case_id: Some(case.id.into()),
            event_seq: None,
            notice: "receipt".to_owned(),
            channel: "sms".to_owned(),
            audience: "complainant".to_owned(),
            lane: "sms".to_owned(),
            payload: destination.clone(),
            destination,
            data_key: None,
            lang: case.lang.code().to_owned(),
            urgent: false,
            state: "sent".to_owned(),
            attempts: 1,
            due_at: At(now),
            expires_at: None,
            lease: None,
            leased_until: None,
            fault: None,
            created_at: At(now),
            ended_at: Some(At(now)),
            ended_by: None,
        }],
        links: Vec::new(),
        verdict: None,
        tokens: text::search_tokens(&format!("{}\n{}", sentence(number), respondent(number))).join(" "),
        deltas: count(None, &case),
    })
}
