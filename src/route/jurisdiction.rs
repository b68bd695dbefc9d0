//! The place that is responsible: Order 121 Art 13, 14, 29, 31, 32 (Order 20 Art 12, 13, 25, 27, 28 before 2026-04-15).

use super::{Article, Medium, Question, Referral, Run, Step};
use crate::domain::division::{Division, Level};
use crate::domain::vocabulary::{Kind, Lang, Regime};
use jiff::civil::{Date, date};

/// Where a case belongs.
pub(super) struct Seat {
    /// County, zone, or the city or province when no more is known.
    pub(super) county: Division,
    pub(super) town: Option<Division>,
    pub(super) referred: Option<Referral>,
    pub(super) unroutable: bool,
}

/// The order that a case is judged by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Law {
    /// From 2026-04-15 (Order 121 Art 46).
    Order121,
    /// From 2020-01-01; cases from before are placed by it too, without citing it.
    Order20,
    Before,
}

/// First day of Order 121 (its Art 46), and of Order 20 (its Art 38), when the catalogue doesn't say.
const ORDER_121: Date = date(2026, 4, 15);
const ORDER_20: Date = date(2020, 1, 1);

impl Law {
    /// The article in the order in force: the number of Order 121 and that of Order 20.
    fn article(self, order_121: u8, order_20: u8) -> Option<Article> {
        match self {
            Self::Order121 => Some(Article { rule: "order-121", number: order_121 }),
            Self::Order20 => Some(Article { rule: "order-20", number: order_20 }),
            Self::Before => None,
        }
    }
}

/// A place that is competent, and why.
struct Competent {
    place: Division,
    code: &'static str,
    article: Option<Article>,
    zh: &'static str,
    en: &'static str,
}

/// A code as the catalogue knows it.
struct Located {
    county: Division,
    town: Option<Division>,
    replaced: bool,
    unknown: bool,
}

impl Run<'_> {
    pub(super) fn law(self, on: Date) -> Law {
        match self.catalogue.rule(Regime::MarketRegulation, on).map(|rule| rule.id.as_str()) {
            Some("order-121") => Law::Order121,
            Some("order-20") => Law::Order20,
            _ if on >= ORDER_121 => Law::Order121,
            _ if on >= ORDER_20 => Law::Order20,
            _ => Law::Before,
        }
    }

    /// Finds the place and explains it.
    pub(super) fn seat(self, question: &Question, steps: &mut Vec<Step>) -> Seat {
        let law = self.law(question.on);
        let mut competent = match question.kind {
            Kind::Complaint => complaint(question, law),
            Kind::Report => report(question, law),
        };
        // "In the province" is no place that anyone could go to.
        let root = self.root();
        competent.retain(|one| one.place != root);

        let first = question.first_received.map(|place| self.locate(place).county);
        let first_to_receive = first.and_then(|first| {
            competent.iter().position(|one| self.inside(one.place) && self.locate(one.place).county == first)
        });
        let chosen = first_to_receive.or_else(|| competent.iter().position(|one| self.inside(one.place)));
        let others_differ = |at: usize, place: Division| {
            competent.iter().enumerate().any(|(other, one)| other != at && one.place.six_digits() != place.six_digits())
        };
        match chosen.and_then(|at| competent.get(at).map(|one| (at, one))) {
            Some((at, one)) => {
                steps.push(Step::new(
                    one.code,
                    one.article,
                    format!("{}：{}。", one.zh, self.label(one.place, Lang::Zh)),
                    format!("{}: {}.", one.en, self.label(one.place, Lang::En)),
                ));
                if others_differ(at, one.place) {
                    steps.push(Step::new(
                        "first_to_receive",
                        match question.kind {
                            Kind::Complaint => law.article(14, 13),
                            // For reports the articles on platforms and on advertising say it themselves.
                            Kind::Report => one.article,
                        },
                        "两个以上部门均有处理权限，由先收到的部门处理。",
                        "Several authorities are competent; the first to receive the case handles it.",
                    ));
                }
                self.settle_on(one.place, question, steps)
            }
            None => match competent.first() {
                Some(one) => self.outside(one.place, question, law, steps),
                None => self.by_dispute(question, law, steps),
            },
        }
    }

    fn inside(self, place: Division) -> bool {
        self.catalogue.places.root.is_none() || self.catalogue.places.is_inside(place)
    }

    /// Reads a code: towns as their county, old codes as the new, unknown ones as the nearest division above that is known.
    fn locate(self, place: Division) -> Located {
        let places = &self.catalogue.places;
        // A code may have been replaced more than once; the bound keeps a loop in the data harmless.
        let renew = |mut code: Division| {
            for _ in 0..4 {
                match places.replaced.get(&code) {
                    Some(&new) => code = new,
                    None => break,
                }
            }
            code
        };
        let new = renew(place);
        let town = (new.level() == Level::Town && places.by_code.contains_key(&new)).then_some(new);
        let parent = town.and_then(|town| places.by_code.get(&town)).and_then(|town| town.parent);
        let listed = parent.unwrap_or_else(|| new.six_digits());
        let mut county = renew(listed);
        let replaced = new != place || county != listed;
        let mut unknown = false;
        while !places.by_code.contains_key(&county) {
            unknown = true;
            match county.parent() {
                Some(above) => county = above,
                None => {
                    county = self.root();
                    break;
                }
            }
        }
        Located { county, town, replaced, unknown }
    }

    /// The seat at a place inside the province, narrowed by the place of the dispute when it is only a city.
    fn settle_on(self, place: Division, question: &Question, steps: &mut Vec<Step>) -> Seat {
        let mut located = self.locate(place);
        if located.unknown {
            steps.push(Step::new(
                "division_unknown",
                None,
                format!("区划代码{place}不在本省名录中，按上一级{}处理。", self.label(located.county, Lang::Zh)),
                format!(
                    "The division {place} isn't in the province's list; read as {} above it.",
                    self.label(located.county, Lang::En)
                ),
            ));
        } else if located.replaced {
            steps.push(Step::new(
                "division_replaced",
                None,
                format!("区划代码{place}已由{}（{}）替代。", self.label(located.county, Lang::Zh), located.county),
                format!(
                    "The division {place} was replaced by {} ({}).",
                    self.label(located.county, Lang::En),
                    located.county
                ),
            ));
        }
        if let Some(dispute) = question.place.map(|dispute| self.locate(dispute)).filter(|dispute| !dispute.unknown) {
            if dispute.county != located.county && dispute.county.is_within(located.county) {
                steps.push(Step::new(
                    "narrowed_by_dispute",
                    None,
                    format!(
                        "被投诉人所在地只到{}，按争议发生地{}确定县级。",
                        self.label(located.county, Lang::Zh),
                        self.label(dispute.county, Lang::Zh)
                    ),
                    format!(
                        "The respondent's place is only known as {}; the place of the dispute, {}, gives the county.",
                        self.label(located.county, Lang::En),
                        self.label(dispute.county, Lang::En)
                    ),
                ));
                located = dispute;
            } else if dispute.county == located.county && located.town.is_none() {
                located.town = dispute.town;
            }
        }
        Seat { county: located.county, town: located.town, referred: None, unroutable: false }
    }

    /// Nothing is known of the respondent's place: the place of the dispute, else the province's dispatcher.
    fn by_dispute(self, question: &Question, law: Law, steps: &mut Vec<Step>) -> Seat {
        match question.place {
            Some(place) if !self.inside(place) => self.outside(place, question, law, steps),
            Some(place) if place != self.root() => {
                steps.push(Step::new(
                    "place_of_dispute",
                    None,
                    format!("不知道被投诉人所在地，暂按争议发生地{}确定，由承办单位核实权限。", self.label(place, Lang::Zh)),
                    format!(
                        "The respondent's place isn't known; the place of the dispute, {}, is used and the office verifies its competence.",
                        self.label(place, Lang::En)
                    ),
                ));
                self.settle_on(place, question, steps)
            }
            _ => {
                steps.push(Step::new(
                    "place_unknown",
                    law.article(41, 37),
                    "不知道被投诉人所在地和争议发生地，由省级统一接收机构人工分送。",
                    "Neither the respondent's place nor that of the dispute is known; the provincial receiving unit distributes the case by hand.",
                ));
                Seat { county: self.root(), town: None, referred: None, unroutable: true }
            }
        }
    }

    /// The respondent is outside the province: taken in, and referred in words.
    fn outside(self, place: Division, question: &Question, law: Law, steps: &mut Vec<Step>) -> Seat {
        let (zh, en) = province_name(place).unwrap_or(("外省", "another province"));
        let (article, referral) = match question.kind {
            Kind::Complaint => (
                law.article(13, 12),
                Referral {
                    code: "outside_province".to_owned(),
                    zh: format!(
                        "对该经营者的投诉由其所在地（{zh}，区划代码{place}）的县级市场监督管理部门处理。请通过全国12315平台或者12315热线向该经营者所在地的市场监督管理部门提出。"
                    ),
                    en: format!(
                        "Complaints about this merchant are handled by the county-level market regulation authority of its place ({en}, division {place}). Please turn to the market regulation authority there through the national 12315 platform or by phone to 12315."
                    ),
                },
            ),
            Kind::Report => (
                law.article(34, 29),
                Referral {
                    code: "outside_province".to_owned(),
                    zh: format!(
                        "本省对该举报没有处理权限。请直接向有处理权限的市场监督管理部门，即{zh}（区划代码{place}）的市场监督管理部门提出。"
                    ),
                    en: format!(
                        "No authority of this province is competent for this report. Please file it directly with the competent market regulation authority, that of {en} (division {place})."
                    ),
                },
            ),
        };
        steps.push(Step::new("outside_province", article, referral.zh.clone(), referral.en.clone()));
        let dispute = question.place.filter(|&dispute| self.inside(dispute)).map(|dispute| self.locate(dispute));
        let (county, town) = match dispute {
            Some(dispute) => (dispute.county, dispute.town),
            None => (self.root(), None),
        };
        steps.push(Step::new(
            "fallback_owner",
            None,
            format!("先由{}的市场监督管理部门接收并告知。", self.label(county, Lang::Zh)),
            format!(
                "The market regulation authority of {} takes it in and tells the person.",
                self.label(county, Lang::En)
            ),
        ));
        Seat { county, town, referred: Some(referral), unroutable: false }
    }
}

/// Whether the respondent sells on a platform; saying where the platform is, or what it publishes, says so too.
fn on_platform(question: &Question) -> bool {
    let respondent = &question.respondent;
    respondent.has_platform
        || respondent.on_platform_address_division.is_some()
        || respondent.platform_division.is_some()
}

/// Whether the domicile alone decides: platform operators, and whoever sells on a web site of its own.
fn by_domicile(question: &Question) -> bool {
    question.respondent.is_platform_operator || question.respondent.own_website
}

fn domicile(question: &Question, article: Option<Article>) -> Vec<Competent> {
    let respondent = &question.respondent;
    let own = respondent.division;
    let place = if respondent.is_platform_operator { own.or(respondent.platform_division) } else { own };
    let (code, zh, en) = if respondent.is_platform_operator {
        ("platform_operator_domicile", "平台经营者，按其住所地", "A platform operator: its domicile")
    } else {
        (
            "own_website_domicile",
            "自建网站或者其他网络服务经营，按其住所地",
            "It sells on a web site of its own: its domicile",
        )
    };
    place.into_iter().map(|place| Competent { place, code, article, zh, en }).collect()
}

/// Art 13 (Order 20: Art 12).
fn complaint(question: &Question, law: Law) -> Vec<Competent> {
    let respondent = &question.respondent;
    let article = law.article(13, 12);
    let business =
        |zh, en| respondent.division.map(|place| Competent { place, code: "place_of_business", article, zh, en });
    let ordinary = business("按被投诉人实际经营地或者住所地", "The respondent's place of business or domicile");
    if by_domicile(question) {
        return domicile(question, article);
    }
    if !on_platform(question) {
        return ordinary.into_iter().collect();
    }
    let published = respondent.on_platform_address_division.map(|place| Competent {
        place,
        code: "platform_published_address",
        article,
        zh: "平台内经营者，按其在平台公示的地址",
        en: "A seller on a platform: the address published there",
    });
    let operator = respondent.platform_division.map(|place| Competent {
        place,
        code: "platform_domicile",
        article,
        zh: "平台内经营者，按平台经营者住所地",
        en: "A seller on a platform: the domicile of the platform's operator",
    });
    // Order 20 went by the actual place of business, Order 121 goes by the address published on the platform. What the
    // order in force doesn't name is used only when nothing that it names is known.
    let (named, otherwise) = match law {
        Law::Order121 => (
            [published, operator],
            business(
                "不知道平台公示的地址和平台经营者住所地，暂按被投诉人经营地",
                "Neither the published address nor the platform's domicile is known; the respondent's place of business is used",
            ),
        ),
        Law::Order20 | Law::Before => (
            [business("平台内经营者，按其实际经营地", "A seller on a platform: its actual place of business"), operator],
            published.map(|published| Competent {
                zh: "不知道实际经营地和平台经营者住所地，暂按平台公示的地址",
                en: "Neither the place of business nor the platform's domicile is known; the address published on the platform is used",
                ..published
            }),
        ),
    };
    let named: Vec<_> = named.into_iter().flatten().collect();
    if named.is_empty() { otherwise.into_iter().collect() } else { named }
}

/// Art 29, 31, 32 (Order 20: Art 25, 27, 28).
fn report(question: &Question, law: Law) -> Vec<Competent> {
    let respondent = &question.respondent;
    if let Some(ad) = question.advertising {
        let article = law.article(32, 28);
        let publisher = ad.publisher.map(|place| Competent {
            place,
            code: "ad_publisher",
            article,
            zh: "违法广告，按广告发布者所在地",
            en: "An advertisement: the place of its publisher",
        });
        let advertiser = ad.advertiser.or(respondent.division);
        let (advertiser, publisher) = match (ad.medium, ad.self_published) {
            (Medium::Internet, true) => (
                advertiser.map(|place| Competent {
                    place,
                    code: "ad_self_published",
                    article,
                    zh: "自行发布的互联网广告，按广告主所在地",
                    en: "An internet advertisement published by the advertiser itself: the advertiser's place",
                }),
                None,
            ),
            (Medium::Internet, false) => (
                advertiser.map(|place| Competent {
                    place,
                    code: "ad_advertiser",
                    article,
                    zh: "互联网广告，广告主、广告经营者所在地先行收到的也可以处理",
                    en: "An internet advertisement: the advertiser's or its agent's place may handle it if it received it first",
                }),
                publisher,
            ),
            (Medium::MassMedia, _) => (None, publisher),
        };
        let competent: Vec<_> = publisher.into_iter().chain(advertiser).collect();
        if !competent.is_empty() {
            return competent;
        }
    }
    let platform_article = law.article(31, 27);
    if by_domicile(question) {
        return domicile(question, platform_article);
    }
    if on_platform(question) {
        let seller = match (respondent.division, respondent.on_platform_address_division) {
            (Some(place), _) => Some(Competent {
                place,
                code: "platform_seller_place",
                article: platform_article,
                zh: "平台内经营者，按其实际经营地",
                en: "A seller on a platform: its actual place of business",
            }),
            // The published address is what is known of the actual place, until the office finds otherwise.
            (None, Some(place)) => Some(Competent {
                place,
                code: "platform_seller_place",
                article: platform_article,
                zh: "平台内经营者，实际经营地暂按平台公示的地址",
                en: "A seller on a platform: the published address stands for its actual place of business",
            }),
            (None, None) => None,
        };
        let operator = respondent.platform_division.map(|place| Competent {
            place,
            code: "platform_domicile",
            article: platform_article,
            zh: "平台经营者住所地先行收到举报的，也可以处理",
            en: "The platform's domicile may handle a report that it received first",
        });
        return seller.into_iter().chain(operator).collect();
    }
    let article = law.article(29, 25);
    let conduct = question.place.map(|place| Competent {
        place,
        code: "place_of_conduct",
        article,
        zh: "举报按被举报行为发生地",
        en: "A report: the place of the conduct",
    });
    // One of them, not both: only the place of the conduct is competent, and the respondent's place stands for it when unknown.
    conduct
        .or_else(|| {
            respondent.division.map(|place| Competent {
                place,
                code: "place_of_conduct",
                article,
                zh: "举报按被举报行为发生地，暂按被举报人所在地",
                en: "A report: the respondent's place stands for the place of the conduct",
            })
        })
        .into_iter()
        .collect()
}

/// Name of a province by its code (GB/T 2260).
fn province_name(place: Division) -> Option<(&'static str, &'static str)> {
    Some(match place.province().number() / 10_000 {
        11 => ("北京市", "Beijing"),
        12 => ("天津市", "Tianjin"),
        13 => ("河北省", "Hebei"),
        14 => ("山西省", "Shanxi"),
        15 => ("内蒙古自治区", "Inner Mongolia"),
        21 => ("辽宁省", "Liaoning"),
        22 => ("吉林省", "Jilin"),
        23 => ("黑龙江省", "Heilongjiang"),
        31 => ("上海市", "Shanghai"),
        32 => ("江苏省", "Jiangsu"),
        33 => ("浙江省", "Zhejiang"),
        34 => ("安徽省", "Anhui"),
        35 => ("福建省", "Fujian"),
        36 => ("江西省", "Jiangxi"),
        37 => ("山东省", "Shandong"),
        41 => ("河南省", "Henan"),
        42 => ("湖北省", "Hubei"),
        43 => ("湖南省", "Hunan"),
        44 => ("广东省", "Guangdong"),
        45 => ("广西壮族自治区", "Guangxi"),
        46 => ("海南省", "Hainan"),
        50 => ("重庆市", "Chongqing"),
        51 => ("四川省", "Sichuan"),
        52 => ("贵州省", "Guizhou"),
        53 => ("云南省", "Yunnan"),
        54 => ("西藏自治区", "Tibet"),
        61 => ("陕西省", "Shaanxi"),
        62 => ("甘肃省", "Gansu"),
        63 => ("青海省", "Qinghai"),
        64 => ("宁夏回族自治区", "Ningxia"),
        65 => ("新疆维吾尔自治区", "Xinjiang"),
        71 => ("台湾省", "Taiwan"),
        81 => ("香港特别行政区", "Hong Kong"),
        82 => ("澳门特别行政区", "Macao"),
        _ => return None,
    })
}
