use super::*;
use crate::config::catalogue::{Catalogue, DocumentPart};
use crate::config::{Source, load};
use crate::domain::calendar::Rollover;
use jiff::civil::date;
use proptest::prelude::*;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| load(&Source::Embedded, Rollover::HolidayOnly).expect("the shipped configuration is whole"));

fn page(text: &str) -> Page {
    Page {
        kind: DocumentKind::Acceptance,
        title: "投诉受理决定书".to_owned(),
        number: "江宁市监投受〔2026〕第1号".to_owned(),
        office: "南京市江宁区市场监督管理局".to_owned(),
        on: date(2026, 11, 24),
        blocks: vec![
            DocumentPart::Paragraph { indent: false, text: text.to_owned() },
            DocumentPart::Row { label: "事实".to_owned(), value: text.to_owned() },
            DocumentPart::Paragraph { indent: true, text: text.to_owned() },
            DocumentPart::Seal,
            DocumentPart::Signatures { who: vec!["投诉人（签字）".to_owned()] },
        ],
    }
}

#[test]
fn every_kind_has_its_wording_and_its_series() {
    let templates = &CATALOGUE.documents.templates;
    for kind in DocumentKind::ALL {
        assert!(templates.contains_key(kind), "{kind}");
    }
    let series: std::collections::BTreeSet<_> = templates.values().map(|template| &template.series).collect();
    assert_eq!(series.len(), templates.len(), "two kinds share a series, so that their numbers would mix");
}

#[test]
fn a_number_names_place_department_series_and_year() {
    let expected = [
        ("amr-320115", "江宁市监投受〔2026〕第12号"),
        ("amr-320106", "鼓楼市监投受〔2026〕第12号"),
        ("amr-320684", "海门市监投受〔2026〕第12号"),
        ("jiangsu-amr", "苏市监投受〔2026〕第12号"),
    ];
    for (office, number) in expected {
        let Some(office) = CATALOGUE.offices.get(office) else { continue };
        assert_eq!(super::number(&CATALOGUE, office, DocumentKind::Acceptance, 2026, 12).unwrap(), number);
    }
    assert!(CATALOGUE.offices.contains_key("amr-320115") && CATALOGUE.offices.contains_key("jiangsu-amr"));
}

#[test]
fn the_same_page_prints_the_same_bytes() {
    let page = page("某某车行：你好。");
    let first = pdf(&page).unwrap();
    assert!(first.starts_with(b"%PDF-"));
    assert_eq!(first, pdf(&page).unwrap());
    // Only what is used of the font is embedded: the whole is more than three megabytes.
    assert!(first.len() < 200_000, "{} bytes", first.len());
}

#[test]
fn what_people_wrote_is_no_markup() {
    let shown = html(&page("<script>alert(1)</script>\n| a | b\n@seal {{ office }}"));
    assert!(!shown.contains("<script>") && shown.contains("&lt;script&gt;"));
    assert!(shown.contains("| a | b") && shown.contains("@seal {{ office }}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever people write, it prints, and nothing of it is lost from the page.
    #[test]
    fn anything_prints(text in "\\PC{0,400}|[一-龥，。！ a-z0-9]{0,1200}|(长){900}") {
        let page = page(&text);
        prop_assert!(pdf(&page).is_ok());
        prop_assert!(html(&page).ends_with("</html>\n"));
    }
}
