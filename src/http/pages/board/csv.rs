//! The board's numbers as a table for spreadsheets: every rate of the whole, of each sector and of each place below.

use crate::app::App;
use crate::http::Edge;
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::board::{figures::Figures, read};
use crate::http::pages::frame::Frame;
use crate::measure::summary::RateShown;
use actix_web::http::header;
use actix_web::{HttpResponse, web};

/// One line: what it is of, and a rate of it. Of few cases the public is told no counts.
fn line(frame: &Frame, of: (&str, &str), rate: &RateShown, public: bool) -> Vec<String> {
    let number =
        |count: Option<i64>| count.filter(|_| !(public && rate.small)).map_or_else(String::new, |n| n.to_string());
    let target = rate.target.as_ref().and_then(|target| target.value);
    vec![
        frame.coded("board_of", of.0).to_owned(),
        of.1.to_owned(),
        rate.name.to_owned(),
        rate.value.map_or_else(String::new, |value| format!("{value:.4}")),
        rate.amount.clone().unwrap_or_default(),
        number(rate.numerator),
        number(rate.denominator),
        target.map_or_else(String::new, |target| format!("{target:.4}")),
        rate.definition.to_owned(),
    ]
}

fn write(frame: &Frame, figures: &Figures, public: bool) -> Result<Vec<u8>, csv::Error> {
    // The mark by which spreadsheets know UTF-8.
    let mut text = "\u{feff}".as_bytes().to_vec();
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut text);
    let heads = ["of", "name", "rate", "value", "amount", "numerator", "denominator", "target", "definition"];
    writer.write_record(heads.map(|head| frame.coded("board_column", head)))?;
    for rate in &figures.summary.numbers.rates {
        writer.write_record(line(frame, ("whole", ""), rate, public))?;
    }
    for (of, groups) in [("sector", &figures.sectors.groups), ("place", &figures.places)] {
        for group in groups {
            for rate in &group.numbers.rates {
                writer.write_record(line(frame, (of, &group.name), rate, public))?;
            }
        }
    }
    writer.flush()?;
    drop(writer);
    Ok(text)
}

/// The file.
pub async fn file(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    caller: Caller,
    frame: Frame,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    let asked = read(&app, &caller, &frame, &pairs)?;
    let figures = edge.boards.get(&app, &asked.scope, &asked.query).await?;
    let text = write(&frame, &figures, asked.public).map_err(Problem::internal)?;
    let name = format!("attachment; filename=\"board-{}.csv\"", asked.period);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}
