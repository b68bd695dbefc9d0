//! The rates, as data: what is divided by what, in words and in facts. A rate's definition goes with every answer, because
//! the same name is computed in different ways elsewhere.

use crate::domain::fact::Fact;
use crate::domain::problem::Invalid;
use crate::domain::vocabulary::{Kind, Lang};
use crate::store::counters::Cohort;

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Words {
    /// In a language.
    pub const fn in_lang(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

/// How a rate is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Cases with the one fact ÷ cases with the other, which the first implies.
    Share {
        /// Numerator.
        of: Fact,
        /// Denominator.
        among: Fact,
    },
    /// Cases with the one fact ÷ cases that have the other or await it past the last day. Open cases of which nothing is due
    /// yet are shown apart.
    ShareOrDue {
        /// Numerator.
        of: Fact,
        /// Denominator, with what is due.
        among: Fact,
    },
    /// Open cases past a limit ÷ open cases.
    Overdue,
    /// The sum of the amounts recovered.
    Recovered,
    /// Towns and streets with a live station ÷ towns and streets. Not computed from cases.
    Coverage,
    /// Cases received for every 10 000 residents.
    PerResidents,
}

/// A rate.
#[derive(Debug)]
pub struct Rate {
    /// Stable code.
    pub code: &'static str,
    /// Name.
    pub name: Words,
    /// What it says and what it leaves out.
    pub definition: Words,
    /// Which kind of case it counts.
    pub kind: Kind,
    /// By which day cases belong to a period when the question doesn't say.
    pub cohort: Cohort,
    /// How it is computed.
    pub measure: Measure,
    /// Unit of its value: `share` (0 to 1), `per_10k`, `CNY`.
    pub unit: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What the law asks for, as a share, where the plan names no target: every limit is to be kept.
    pub limit: Option<f64>,
}

/// Below so many cases a rate is shown as counts and not ranked, unless the installation says otherwise (`measure.small_number`):
/// one case more or less would move it by a tenth.
pub const SMALL: i64 = 10;

/// Every rate, in the order in which they are shown.
pub const RATES: &[Rate] = &[
    Rate {
        code: "handling",
        name: Words { zh: "处理率", en: "Handling rate" },
        definition: Words {
            zh: "已依法作出处置告知（受理、说明理由的不予受理、移送、在投诉站和解）的投诉 ÷ 已处置或处置期限已过的投诉。尚在期限内的在办投诉单列；未经处置即撤回的不计：已无可处置，逾期未决的仍计入按时初查率。",
            en: "Complaints with a lawful disposal notice (accepted, refused with reason, referred, settled at a station) ÷ complaints disposed of or past the limit for it. Open and not yet due is shown apart; withdrawn before a disposal is not counted, for nothing is left to dispose of; if the limit had passed by then, the timely first decision rate keeps it as a miss.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::ShareOrDue { of: Fact::Disposed, among: Fact::Disposed },
        unit: "share",
        source: "plan: 对消费者投诉处理率 100%",
        limit: None,
    },
    Rate {
        code: "timely_decision",
        name: Words { zh: "按时初查率", en: "Timely first decision rate" },
        definition: Words {
            zh: "在期限（7个工作日；其他部门依消保法第四十六条）内首次作出受理与否决定的投诉 ÷ 已作决定或决定期限已过的投诉（期限已过后才撤回的也在内）。尚在期限内的在办投诉单列。",
            en: "Complaints first decided within the limit (7 working days; other departments by Art 46 of the Consumer Protection Law) ÷ complaints decided or past that limit, withdrawn only after it included. Open and not yet due is shown apart.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::ShareOrDue { of: Fact::DecidedInTime, among: Fact::Decided },
        unit: "share",
        source: "Order 121 Art 15; 消保法 Art 46",
        limit: Some(1.0),
    },
    Rate {
        code: "timely_closing",
        name: Words { zh: "按期办结率", en: "Timely closing rate" },
        definition: Words {
            zh: "各项期限均未超过而办结的投诉 ÷ 已办结的投诉（含不予受理）。",
            en: "Complaints closed with every limit kept ÷ complaints closed (refusals included).",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Closed,
        measure: Measure::Share { of: Fact::ClosedInTime, among: Fact::Closed },
        unit: "share",
        source: "Order 121 Art 15, 23; published formula, fits 180/241 = 74.69 %",
        limit: Some(1.0),
    },
    Rate {
        code: "self_settlement",
        name: Words { zh: "自行和解率", en: "Station self-settlement rate" },
        definition: Words {
            zh: "当事人在投诉站自行和解的投诉 ÷ 投诉站环节已结束的投诉（和解、撤回或转交承办单位）。",
            en: "Complaints settled between the parties at a station ÷ complaints whose turn at a station ended (settled, withdrawn or handed over to the office).",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::Share { of: Fact::SelfSettled, among: Fact::StationEnded },
        unit: "share",
        source: "plan: 投诉联络站、服务站自行协商解决消费纠纷和解率 ≥80%",
        limit: None,
    },
    Rate {
        code: "mediation_success",
        name: Words { zh: "调解成功率", en: "Mediation success rate" },
        definition: Words {
            zh: "达成一致而办结的投诉 ÷ 已办结的投诉（含不予受理，按公开发布的口径）。",
            en: "Complaints closed with an agreement ÷ complaints closed, refusals included (the formula that authorities publish by).",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Closed,
        measure: Measure::Share { of: Fact::Agreed, among: Fact::Closed },
        unit: "share",
        source: "published formula, fits 92/241 = 38.17 %",
        limit: None,
    },
    Rate {
        code: "mediation_success_of_mediated",
        name: Words { zh: "调解成功率（按已调解）", en: "Mediation success of mediated" },
        definition: Words {
            zh: "经调解达成一致的投诉 ÷ 已开展调解且办结的投诉。与“调解成功率”口径不同，不可混用。",
            en: "Complaints in which mediation was opened and that closed with an agreement ÷ complaints in which mediation was opened and that closed. Not to be mixed with the mediation success rate.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Closed,
        measure: Measure::Share { of: Fact::MediatedAgreed, among: Fact::MediationEnded },
        unit: "share",
        source: "Order 121 Art 18, 23",
        limit: None,
    },
    Rate {
        code: "satisfaction",
        name: Words { zh: "满意率", en: "Satisfaction rate" },
        definition: Words {
            zh: "投诉人评为4分或5分（满分5分）的投诉 ÷ 已评价的投诉。未评价不视为满意；同时给出评价占比和威尔逊95%区间。",
            en: "Complaints rated 4 or 5 of 5 by the complainant ÷ complaints rated. Silence is never satisfaction; the rated share and a Wilson 95 % interval are given with it.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Closed,
        measure: Measure::Share { of: Fact::Satisfied, among: Fact::Rated },
        unit: "share",
        source: "plan: 消费者对投诉处理整体满意率逐年提升",
        limit: None,
    },
    Rate {
        code: "report_verification",
        name: Words { zh: "举报按时核查率", en: "Timely report verification rate" },
        definition: Words {
            zh: "在期限（15个工作日，含批准的延长）内核查并决定是否立案的举报 ÷ 已核查或核查期限已过的举报。尚在期限内的在办举报单列。",
            en: "Reports verified and decided on within the limit (15 working days, an approved extension included) ÷ reports verified or past that limit. Open and not yet due is shown apart.",
        },
        kind: Kind::Report,
        cohort: Cohort::Received,
        measure: Measure::ShareOrDue { of: Fact::ReportVerifiedInTime, among: Fact::ReportVerified },
        unit: "share",
        source: "published formula: verified in 15 working days ÷ verified or due",
        limit: Some(1.0),
    },
    Rate {
        code: "return",
        name: Words { zh: "退回率", en: "Return rate" },
        definition: Words {
            zh: "至少被承办单位退回一次的投诉 ÷ 收到的投诉。",
            en: "Complaints returned by a unit at least once ÷ complaints received.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::Share { of: Fact::Returned, among: Fact::Received },
        unit: "share",
        source: "12345 practice: 回退率",
        limit: None,
    },
    Rate {
        code: "reopen",
        name: Words { zh: "重办率", en: "Reopening rate" },
        definition: Words {
            zh: "办结后重新办理的投诉 ÷ 收到的投诉。",
            en: "Complaints opened again after their end ÷ complaints received.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::Share { of: Fact::Reopened, among: Fact::Received },
        unit: "share",
        source: "12345 practice: 重办率",
        limit: None,
    },
    Rate {
        code: "overdue",
        name: Words { zh: "超期率", en: "Overdue rate" },
        definition: Words {
            zh: "某项期限已过的在办投诉 ÷ 在办投诉，以查询当日为准。",
            en: "Open complaints past one of their limits ÷ open complaints, as of the day of the question.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::Overdue,
        unit: "share",
        source: "as named",
        limit: None,
    },
    Rate {
        code: "amount_recovered",
        name: Words { zh: "挽回经济损失", en: "Amount recovered" },
        definition: Words {
            zh: "和解或调解为投诉人挽回的金额合计（元）。",
            en: "Sum of the amounts recovered for complainants by settlements, in yuan.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Closed,
        measure: Measure::Recovered,
        unit: "CNY",
        source: "as published: 挽回经济损失",
        limit: None,
    },
    Rate {
        code: "station_coverage",
        name: Words { zh: "一会两站覆盖率", en: "Station coverage" },
        definition: Words {
            zh: "当日设有有效投诉站的乡镇、街道 ÷ 全部乡镇、街道。只计设在该乡镇、街道的站点，县级站点和示例站点不计。",
            en: "Towns and streets with a live station of their own ÷ towns and streets. Stations of a whole county and those of the sample file don't count.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::Coverage,
        unit: "share",
        source: "plan: 一会两站组织覆盖率 100%",
        limit: None,
    },
    Rate {
        code: "per_10k",
        name: Words { zh: "每万人投诉量", en: "Complaints per 10 000 residents" },
        definition: Words {
            zh: "收到的投诉 ÷ 常住人口 × 10000。人口由使用单位填入；未填时只显示件数。",
            en: "Complaints received ÷ residents × 10 000. The operator fills in the residents; without them only the count is shown.",
        },
        kind: Kind::Complaint,
        cohort: Cohort::Received,
        measure: Measure::PerResidents,
        unit: "per_10k",
        source: "as named",
        limit: None,
    },
];

/// A rate by its code.
///
/// # Errors
/// Lists the codes when it is none of them.
pub fn find(code: &str) -> Result<&'static Rate, Invalid> {
    RATES.iter().find(|rate| rate.code == code).ok_or_else(|| {
        let all: Vec<_> = RATES.iter().map(|rate| rate.code).collect();
        Invalid::new("unknown_value", "unknown rate").allowed(all.join(", "))
    })
}

/// The Wilson score interval of a proportion at 95 %: what the share of a larger number of such cases would be likely to
/// lie in. `None` without cases. It stays within 0 and 1 and is honest for few cases, where the usual one isn't.
pub fn wilson(of: i64, among: i64) -> Option<[f64; 2]> {
    const Z: f64 = 1.959_963_984_540_054;
    if among <= 0 {
        return None;
    }
    let (k, n) = (float(of), float(among));
    let share = k / n;
    let scale = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    // At the ends the interval touches 0 or 1 exactly; floating point would miss them by a hair.
    let low = if of == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if of == among { 1.0 } else { (middle + half).min(1.0) };
    Some([low, high])
}

/// A count as a floating-point number; exact below 2^53, which no count of cases or fen reaches.
#[expect(clippy::cast_precision_loss, reason = "counts lie far below 2^53")]
pub(super) const fn float(count: i64) -> f64 {
    count as f64
}
