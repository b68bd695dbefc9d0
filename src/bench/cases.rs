//! What is filed: texts, people, merchants and places, made from a number alone.

use crate::config::catalogue::{Catalogue, PlaceKind};
use crate::domain::party::{RawPerson, RawRespondent};
use crate::intake::submission::Raw;
use jiff::{SignedDuration, Timestamp};

/// Family names.
pub const SURNAMES: [&str; 12] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"];
/// Given names.
pub const GIVEN: [&str; 12] = ["伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "军"];
/// What merchants are.
pub const SHOPS: [&str; 8] = ["车行", "电器店", "商贸有限公司", "服装店", "家居馆", "超市", "健身中心", "数码店"];
/// What is demanded most.
pub const DEMANDS: [&str; 3] = ["refund", "repair", "replace"];
const CHANNELS: [&str; 10] = ["web", "web", "web", "web", "app", "app", "phone", "phone", "counter", "hotline_12345"];

/// What people write in a sentence more; `{}` is a number.
pub const SENTENCES: [&str; 16] = [
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

/// One of many, drawn by a number: neighbouring numbers draw unlike each other.
pub fn draw(number: usize, salt: u64) -> usize {
    let mut x = (number as u64).wrapping_add(salt.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((x ^ (x >> 31)) >> 33).unwrap_or(0)
}

/// One of a list, drawn by a number.
pub fn pick<'a>(from: &[&'a str], number: usize, salt: u64) -> &'a str {
    from[draw(number, salt) % from.len()]
}

/// A phone number of eight digits and a prefix; no two numbers below a hundred million share one.
pub fn phone(number: usize) -> String {
    // Coprime to the range, so that it is a permutation of it.
    format!("138{:08}", number.wrapping_mul(48_271) % 100_000_000)
}

/// Characters up to which a narrative is written on; people write 60 to 420.
const LENGTHS: (usize, usize) = (60, 420);

/// What a set of cases has in common.
#[derive(Debug)]
pub struct Shape {
    texts: Vec<String>,
    /// Six-digit codes and names.
    counties: Vec<(String, String)>,
    first: Timestamp,
    apart: SignedDuration,
}

/// Days over which the receipts are spread, up to now.
const DAYS: i64 = 3 * 365;

impl Shape {
    /// So many cases received over the last three years, at even distances. `texts` are what people write, without end marks.
    pub fn new(texts: Vec<String>, catalogue: &Catalogue, now: Timestamp, count: u32) -> Self {
        let counties = catalogue.places.by_code.values().filter(|place| place.kind == PlaceKind::County);
        let counties = counties.map(|place| (place.code.to_string(), place.name.clone())).collect();
        let span = SignedDuration::from_hours(24 * DAYS);
        Self { texts, counties, first: now - span, apart: span / i32::try_from(count.max(1)).unwrap_or(i32::MAX) }
    }

    /// The filing of a number from 0: the first is the oldest. Its complaint lacks nothing that acceptance needs.
    pub fn filing(&self, number: usize) -> Raw {
        // Of two draws the smaller: some counties have many more cases than others.
        let place = draw(number, 8).min(draw(number, 15)) % self.counties.len().max(1);
        let (code, county) = self.counties.get(place).cloned().unwrap_or_default();
        let received_at = self.first + self.apart * i32::try_from(number).unwrap_or(i32::MAX);
        let some = |text: String| Some(text);
        Raw {
            kind: some(if draw(number, 16) % 100 < 15 { "report" } else { "complaint" }.to_owned()),
            narrative: some(self.narrative(number)),
            respondent: Some(RawRespondent {
                // A few hundred merchants a county have all the cases against them.
                name: some(format!("{county}{}{}", draw(number, 6) % 200, pick(&SHOPS, number, 7))),
                division: some(code),
                address: some(format!("{county}人民路{}号", 1 + draw(number, 17) % 400)),
                ..RawRespondent::default()
            }),
            complainant: Some(RawPerson {
                name: some(format!("{}{}", pick(&SURNAMES, number, 9), pick(&GIVEN, number, 10))),
                phone: some(phone(number)),
                address: some(format!("{county}解放路{}号", 1 + draw(number, 11) % 900)),
                ..RawPerson::default()
            }),
            demands: Some(vec![pick(&DEMANDS, number, 12).to_owned()]),
            amount: some(format!("{}.{:02}", 10 + draw(number, 13) % 9_000, draw(number, 14) % 100)),
            received_at: some(received_at.to_string()),
            channel: some(pick(&CHANNELS, number, 18).to_owned()),
            settle_first: Some(draw(number, 19) % 100 < 20),
            ..Raw::default()
        }
    }

    fn narrative(&self, number: usize) -> String {
        let mut text = self.texts.get(draw(number, 1) % self.texts.len().max(1)).cloned().unwrap_or_default();
        let (least, most) = LENGTHS;
        let wanted = least + draw(number, 2) % (most - least);
        // Odd, so that it leaves no sentence out and repeats none.
        let step = 1 + 2 * (draw(number, 20) % 8);
        for (place, salt) in (0..SENTENCES.len()).zip(30..) {
            if text.chars().count() >= wanted {
                break;
            }
            let next = SENTENCES[(draw(number, 21) + place * step) % SENTENCES.len()];
            text.push('。');
            text.push_str(&next.replace("{}", &(2 + draw(number, salt) % 998).to_string()));
        }
        text
    }
}
