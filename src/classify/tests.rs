//! The lexicon as shipped, on texts written for these tests, and on the labelled development set where that is at hand.

use super::*;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The codes that the catalogue has: sectors, with the sub-sectors that routing needs.
fn allowed() -> AllowedCodes {
    let none: &[&str] = &[];
    AllowedCodes::new([
        ("ecommerce", none),
        ("rural_ecommerce", none),
        ("courier", none),
        ("tourism", none),
        ("finance", &["bank", "insurance", "securities", "payment", "credit_report"]),
        ("telecom_info", none),
        ("education_training", &["academic", "preschool", "vocational", "fees_ads"]),
        ("healthcare", none),
        ("beauty_fitness", &["prepaid_card", "medical_beauty", "sports"]),
        ("public_utilities", &["water", "gas", "power", "heating", "elderly_care"]),
        ("brand_cluster", none),
        ("trademark_ip", &["trademark", "copyright"]),
        ("agri_products_inputs", &["inputs", "produce"]),
        ("food_drug", &["food", "drug", "cosmetics"]),
        ("price", none),
        ("culture", none),
        ("transport_auto", &["ride_hailing", "repair", "driving_school", "car_sale", "rail_air"]),
        ("home_decoration", none),
        ("grain_oil_salt", &["quality", "supply_price"]),
        ("product_quality", none),
        ("life_services", none),
        ("other", none),
    ].map(|(s, subs)| (s, subs.iter().copied())))
}

fn files() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/lexicon");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&p).unwrap()))
        .collect()
}

fn lexicon() -> Lexicon {
    let files = files();
    match Lexicon::load(files.iter().map(|(n, t)| (n.as_str(), t.as_str())), &allowed()) {
        Ok(lexicon) => lexicon,
        Err(errors) => panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

fn model() -> Model {
    Model::new(lexicon(), Tuning::default().threshold)
}

fn top(model: &Model, text: &str) -> Classification {
    model.classify(text, Hints::default())
}

#[derive(Deserialize)]
struct DevRow {
    id: String,
    text: String,
    sector: Option<String>,
    accepted: Vec<String>,
}

/// The development rows, those with an even last hexadecimal digit of the identifier first. Says so when they aren't there.
fn dev_rows() -> Option<(Vec<LabelledRow>, Vec<LabelledRow>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/complaints-dev.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("SKIPPED: no development set at ../shared/data/complaints-dev.jsonl");
        return None;
    };
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let row: DevRow = serde_json::from_str(line).unwrap();
        let half = row.id.chars().next_back().and_then(|c| c.to_digit(16)).unwrap() % 2;
        let row = LabelledRow { text: row.text, sector: row.sector, accepted: row.accepted };
        if half == 0 { even.push(row) } else { odd.push(row) }
    }
    Some((even, odd))
}

#[test]
fn the_shipped_lexicon_is_sound_and_large_enough() {
    let lexicon = lexicon();
    assert!(lexicon.len() >= 1_500, "{} terms", lexicon.len());
    assert_eq!(lexicon.sectors().len(), 22);
}

#[test]
fn dev_set_is_classified_well_enough() {
    let Some((even, odd)) = dev_rows() else { return };
    let model = model();
    for (name, rows) in [("even half (tuned on)", &even), ("odd half (reported)", &odd)] {
        let e = evaluate(&model, rows);
        println!("{name}: {}", serde_json::to_string(&e).unwrap());
        assert!(e.top1.unwrap() >= 0.60, "{name}: top-1 {:?}", e.top1);
        assert!(e.top3.unwrap() >= 0.80, "{name}: top-3 {:?}", e.top3);
    }
}

/// A working aid: the mistakes on the half that may be looked at. `cargo test --lib classify -- --ignored --nocapture`
#[test]
#[ignore = "prints what goes wrong on the tuning half"]
fn print_mistakes_on_the_tuning_half() {
    let Some((even, _)) = dev_rows() else { return };
    let model = model();
    for row in &even {
        let [evidence, against, best] = model.not_consumer_evidence(&row.text);
        println!("FEATURES {:?} {evidence} {against} {best}", row.accepted);
        let c = top(&model, &row.text);
        let consumer = row.accepted.iter().any(|a| a != "not_consumer" && a != "unclear");
        let wrong = if consumer {
            !row.accepted.contains(&c.sector) || c.not_consumer.advised
        } else {
            !c.not_consumer.advised
        };
        if wrong {
            let head: String = row.text.chars().take(70).collect();
            let words: Vec<String> =
                c.evidence.iter().take(9).map(|e| format!("{}·{}·{}", e.term, &e.sector[..4], e.weight)).collect();
            println!(
                "{:?} → {} {:.2} {:?} nc {:.2} | {head}\n      {}",
                row.accepted,
                c.sector,
                c.confidence,
                c.alternatives.iter().map(|a| format!("{} {:.2}", a.sector, a.confidence)).collect::<Vec<_>>(),
                c.not_consumer.score,
                words.join(" ")
            );
        }
    }
}

/// A working aid: how the constants do on the half that may be looked at.
#[test]
#[ignore = "prints a table of constants on the tuning half"]
fn print_constants_on_the_tuning_half() {
    let Some((even, _)) = dev_rows() else { return };
    let lexicon = lexicon();
    for title in [1.0, 1.3, 1.5, 1.8, 2.2] {
        for temperature in [1.5, 2.0, 2.5, 3.0] {
            for growth in [0.0, 0.25, 0.5, 1.0] {
                let model = Model::with_tuning(lexicon.clone(), Tuning { title, temperature, growth, ..Tuning::default() });
                let (mut loss, mut rows) = (0.0, 0.0);
                for row in even.iter().filter(|r| r.accepted.iter().any(|a| a != "not_consumer" && a != "unclear")) {
                    let c = top(&model, &row.text);
                    let mut p = if row.accepted.contains(&c.sector) { c.confidence } else { 0.0 };
                    p += c.alternatives.iter().filter(|a| row.accepted.contains(&a.sector)).map(|a| a.confidence).sum::<f64>();
                    loss -= p.max(0.005).ln();
                    rows += 1.0;
                }
                let e = evaluate(&model, &even);
                println!(
                    "GRID title {title} t {temperature} g {growth}: loss {:.4} ece {:.3} top1 {:.3} top3 {:.3} coverage {:.3}",
                    loss / rows,
                    e.calibration_error.unwrap(),
                    e.top1.unwrap(),
                    e.top3.unwrap(),
                    e.coverage.unwrap()
                );
            }
        }
    }
}
