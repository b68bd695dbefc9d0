//! Charts as SVG: drawn for the width at which they are shown, coloured by the stylesheet, without scripts. Every chart has its
//! numbers in a table beside or below it.

use std::fmt::Write as _;

/// A point of a series.
#[derive(Debug, Clone)]
pub struct Point {
    /// What stands under it.
    pub label: String,
    /// From 0 to 1; `None` where there are too few cases.
    pub value: Option<f64>,
}

/// Size of a line chart, and the room that its labels take.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 28.0;

/// Text as it stands in SVG.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A percentage with one decimal, and without one at 100.
pub fn percent(value: f64) -> String {
    let text = format!("{:.1}", value * 100.0);
    text.strip_suffix(".0").filter(|whole| *whole == "100" || *whole == "0").map_or(text.clone(), str::to_owned)
}

/// The lowest number of the axis: values of nearly 100 % may start above zero.
pub fn floor(points: &[Point]) -> f64 {
    let least = points.iter().filter_map(|point| point.value).fold(1.0_f64, f64::min);
    if least >= 0.6 { ((least - 0.02) * 20.0).floor() / 20.0 } else { 0.0 }
}

/// A series of rates with its target: the line, its last point named, a break where there is no value.
pub fn line(points: &[Point], target: Option<(f64, &str)>, label: &str) -> String {
    let low = floor(points);
    let (inner, tall) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    #[expect(clippy::cast_precision_loss, reason = "a handful of points")]
    let x = |place: usize| LEFT + inner * place as f64 / (points.len().max(2) - 1) as f64;
    let y = |value: f64| TOP + tall * (1.0 - (value - low) / (1.0 - low).max(0.01));
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{}">"#,
        escape(label)
    );
    // Writing to a string doesn't fail.
    for step in 0..3 {
        let value = low + (1.0 - low) * f64::from(step) / 2.0;
        let at = y(value);
        let _ = write!(svg, r#"<path class="grid" d="M{LEFT} {at:.1}H{:.1}"/>"#, WIDTH - RIGHT);
        let _ = write!(
            svg,
            r#"<text class="axis end" x="{:.1}" y="{:.1}">{}</text>"#,
            LEFT - 8.0,
            at + 5.0,
            percent(value)
        );
    }
    if let Some((value, words)) = target.filter(|(value, _)| *value >= low) {
        let at = y(value);
        let _ = write!(svg, r#"<path class="target" d="M{LEFT} {at:.1}H{:.1}"/>"#, WIDTH - RIGHT);
        let _ = write!(
            svg,
            r#"<text class="axis" x="{:.1}" y="{:.1}">{}</text>"#,
            WIDTH - RIGHT + 8.0,
            at + 5.0,
            escape(words)
        );
    }
    let mut path = String::new();
    let mut pen_up = true;
    for (place, point) in points.iter().enumerate() {
        match point.value {
            Some(value) => {
                let _ = write!(path, "{}{:.1} {:.1}", if pen_up { 'M' } else { 'L' }, x(place), y(value));
                pen_up = false;
            }
            None => pen_up = true,
        }
        if place % 2 == (points.len() + 1) % 2 {
            let _ = write!(
                svg,
                r#"<text class="axis middle" x="{:.1}" y="{:.1}">{}</text>"#,
                x(place),
                HEIGHT - 8.0,
                escape(&point.label)
            );
        }
    }
    let _ = write!(svg, r#"<path class="series" d="{path}"/>"#);
    if let Some((place, value)) = points.iter().enumerate().rev().find_map(|(place, point)| Some((place, point.value?)))
    {
        let (at, up) = (x(place), y(value));
        let _ = write!(svg, r#"<circle class="dot" cx="{at:.1}" cy="{up:.1}" r="4"/>"#);
        let _ = write!(
            svg,
            r#"<text class="last" x="{:.1}" y="{:.1}">{} {}</text>"#,
            at + 10.0,
            up + 22.0_f64.min(HEIGHT - up - 34.0),
            escape(&points[place].label),
            percent(value)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A bar of a funnel.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What it counts.
    pub label: String,
    /// How many.
    pub count: i64,
    /// Of them, past their limit.
    pub late: i64,
    /// The number as it is said.
    pub said: String,
    /// The part past its limit as it is said.
    pub late_said: String,
}

/// Bars on one scale that starts at zero, each with its number at the end.
pub fn bars(bars: &[Bar], label: &str) -> String {
    const ROW: f64 = 34.0;
    const ROOM: f64 = 330.0;
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    #[expect(clippy::cast_precision_loss, reason = "counts lie far below 2^53")]
    let wide = |count: i64| ROOM * count as f64 / most as f64;
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    let height = ROW * bars.len() as f64;
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 520 {height}" width="520" height="{height}" role="img" aria-label="{}">"#,
        escape(label)
    );
    let mut top = 0.0;
    for bar in bars {
        let late = wide(bar.late.min(bar.count));
        let rest = (wide(bar.count) - late - if bar.late > 0 { 1.5 } else { 0.0 }).max(0.0);
        let _ = write!(svg, r#"<text class="axis" x="0" y="{:.1}">{}</text>"#, top + 22.0, escape(&bar.label));
        let _ = write!(svg, r#"<rect class="in-time" x="72" y="{:.1}" width="{rest:.1}" height="24"/>"#, top + 5.0);
        let mut end = 72.0 + rest;
        if bar.late > 0 {
            let _ = write!(
                svg,
                r#"<rect class="late" x="{:.1}" y="{:.1}" width="{:.1}" height="24"/>"#,
                end + 1.5,
                top + 5.0,
                late.max(2.0)
            );
            end += 1.5 + late.max(2.0);
        }
        let _ = write!(svg, r#"<text class="count" x="{:.1}" y="{:.1}">{}"#, end + 8.0, top + 22.0, escape(&bar.said));
        if bar.late > 0 {
            let _ = write!(svg, r#" <tspan class="late-count">{}</tspan>"#, escape(&bar.late_said));
        }
        svg.push_str("</text>");
        top += ROW;
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(value: Option<f64>) -> Point {
        Point { label: "1<月".to_owned(), value }
    }

    #[test]
    fn a_missing_value_breaks_the_line_and_nothing_is_styled_in_place() {
        let points = [point(Some(0.9)), point(None), point(Some(0.95)), point(Some(1.0))];
        let svg = line(&points, Some((1.0, "目标 100%")), "按期办结率");
        let series = svg.split("class=\"series\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!((series.matches('M').count(), series.matches('L').count()), (2, 1), "{series}");
        assert!(!svg.contains("style=") && !svg.contains("1<月") && svg.contains("1&lt;月 100"), "{svg}");
        assert!(line(&[], None, "").contains("class=\"series\" d=\"\""));
    }

    #[test]
    fn bars_start_at_zero_and_axes_say_where_they_start() {
        let bar =
            |count, late| Bar { label: String::new(), count, late, said: String::new(), late_said: String::new() };
        let svg = bars(&[bar(100, 0), bar(50, 0), bar(0, 0)], "");
        assert!(svg.contains("width=\"330.0\"") && svg.contains("width=\"165.0\"") && svg.contains("width=\"0.0\""));
        assert_eq!((floor(&[point(Some(0.96))]), floor(&[point(Some(0.4))]), floor(&[])), (0.9, 0.0, 0.95));
        assert_eq!((percent(1.0), percent(0.9712), percent(0.0)), ("100".into(), "97.1".into(), "0".into()));
    }
}
