//! The picture: how long 99 of a hundred answers take at 8 connections, by the number of cases, both axes logarithmic.

use crate::report::Report;
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 50.0;
/// Milliseconds at the bottom and the top, as powers of ten.
const SPAN: (f64, f64) = (-1.0, 3.0);

const SHOWN: [&str; 8] = [
    "queue, 25 lines",
    "queue, filtered",
    "queue, searched",
    "one case",
    "rates, province",
    "board",
    "list behind a rate",
    "whole life",
];
/// Distinguishable by people who don't see all colours (Okabe and Ito).
const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6f00", "#000000"];

/// Draws it.
pub(crate) fn draw(report: &Report) -> String {
    let sizes = report.engines.iter().flat_map(|engine| &engine.sizes).map(|size| size.number("cases"));
    let (least, most) = sizes.fold((f64::INFINITY, 0.0_f64), |(least, most), size| (least.min(size), most.max(size)));
    let span = (most / least).log10().max(1.0);
    let x = |cases: f64| LEFT + (cases / least).log10() / span * (WIDTH - LEFT - RIGHT);
    let y = |ms: f64| {
        let share = (ms.log10() - SPAN.0) / (SPAN.1 - SPAN.0);
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    // Writing to a string can't fail.
    for ms in [0.1, 1.0, 10.0, 100.0, 1000.0] {
        let (at, end) = (y(ms), WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ddd\"/><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{ms} ms</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    let mut cases = 10.0_f64.powf(least.log10().ceil());
    while cases <= most * 1.001 {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{cases}</text>",
            x(cases),
            HEIGHT - 28.0
        );
        cases *= 10.0;
    }
    let _ =
        writeln!(svg, "<text x=\"{LEFT}\" y=\"{:.0}\">cases; solid: SQLite, dashed: PostgreSQL</text>", HEIGHT - 8.0);
    for ((name, colour), line) in SHOWN.iter().zip(COLOURS).zip(0_u8..) {
        let row = TOP + 16.0 + f64::from(line) * 18.0;
        let from = WIDTH - RIGHT + 12.0;
        let _ = writeln!(
            svg,
            "<path d=\"M{from} {row}h20\" stroke=\"{colour}\" stroke-width=\"2\"/><text x=\"{}\" y=\"{}\">{name}</text>",
            from + 26.0,
            row + 4.0
        );
        for engine in &report.engines {
            let points = engine.sizes.iter().filter_map(|size| {
                size.figure(name, 8, "p99_ms").map(|ms| format!("{:.1},{:.1}", x(size.number("cases")), y(ms)))
            });
            let dashes = if engine.name == "SQLite" { "" } else { " stroke-dasharray=\"6 4\"" };
            let points = points.collect::<Vec<_>>().join(" ");
            let _ = writeln!(
                svg,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>"
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}
