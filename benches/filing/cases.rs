//! The filings that are sent, made from a number alone, and the rows of real ones to insert by hand.

use crate::server::Database;
use anyhow::{Context, Result};
use fangxin::ambient::{self, Clock, SeededEntropy, SystemClock};
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

const SURNAMES: [&str; 12] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"];
const GIVEN: [&str; 12] = ["伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "军"];
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
const SHOPS: [&str; 8] = ["车行", "电器店", "商贸有限公司", "服装店", "家居馆", "超市", "健身中心", "数码店"];
const DEMANDS: [&str; 3] = ["refund", "repair", "replace"];
/// Counties of different cities, so that cases reach different offices.
const DIVISIONS: [&str; 8] = ["320115", "320102", "320104", "320505", "320583", "320411", "320205", "320602"];

/// One of many, drawn by a number: neighbouring numbers draw unlike each other.
fn draw(number: usize, salt: u64) -> usize {
    let mut x = (number as u64).wrapping_add(salt.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((x ^ (x >> 31)) >> 33).unwrap_or(0)
}

fn pick<'a>(from: &[&'a str], number: usize, salt: u64) -> &'a str {
    from[draw(number, salt) % from.len()]
}

/// What people write in a sentence more; `{}` is a number.
const SENTENCES: [&str; 16] = [
    "付款{}元后卖家一直没有发货，物流单号也查不到",
    "当时销售员承诺{}天内可以无理由退货，现在却不认账",
    "我先后打了{}次售后电话，每次都说会有人联系，但没有下文",
    "收据和聊天记录都保留着，共有{}张照片可以证明",
    "检测报告写明第{}项指标不合格，商家仍说是正常现象",
    "同一小区还有{}位邻居遇到同样的情况，大家都没有拿到说法",
    "合同第{}条写的是包安装包调试，上门时却另外收费",
    "门店贴出告示说停业{}天，预存的余额无法使用",
    "家里老人使用时差点受伤，去医院检查花了{}元",
    "维修了{}次还是老样子，每次都要自己承担运费",
    "平台客服让我等{}个工作日，到期后又把投诉关掉了",
    "宣传页面写着原价{}元，后来发现从来没有按这个价格卖过",
    "保修卡上的日期被改过，与发票相差{}天",
    "希望主管部门调查清楚，退还货款并赔偿{}元损失",
    "对方提出只补偿{}元优惠券，我不能接受",
    "商品的标签上没有厂名和生产日期，批号尾数是{}",
];

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
    // Coprime to the range, so that it is a permutation of it.
    let phone = number.wrapping_mul(48_271) % 100_000_000;
    // Writing to a String can't fail.
    let _ = write!(
        into,
        r#"{{"kind":"complaint","narrative":"{}","respondent":{{"name":"{}","division":"{}"}},"complainant":{{"name":"{}{}","phone":"138{phone:08}","address":"南京市江宁区东山街道{}号"}},"demands":["{}"],"amount":"{}.{:02}"}}"#,
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
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
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
        event: EventRow { case_id: case.id.into(), ..template.event.clone() },
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
