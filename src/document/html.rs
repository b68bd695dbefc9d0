//! A document as a page of its own, which needs nothing besides.

use crate::config::catalogue::DocumentPart;
use crate::document::{Page, SEAL, day};
use std::fmt::Write as _;

/// The looks of the page: what a policy for its style has to allow.
pub const STYLE: &str = include_str!("../../assets/document.css");

/// The page. Everything that people wrote is escaped.
pub fn html(page: &Page) -> String {
    let mut out = String::new();
    let title = escape(&page.title);
    let number = escape(&page.number);
    // Writing to a string can't fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title} {number}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<p class=\"office\">{}</p>\n<h1>{title}</h1>\n<p \
         class=\"number\">{number}</p>\n",
        escape(&page.office)
    );
    let mut in_table = false;
    for block in &page.blocks {
        let is_row = matches!(block, DocumentPart::Row { .. });
        if is_row != in_table {
            out.push_str(if is_row { "<table>\n" } else { "</table>\n" });
            in_table = is_row;
        }
        let _ = match block {
            DocumentPart::Paragraph { indent, text } => {
                let class = if *indent { "" } else { " class=\"to\"" };
                text.lines().try_for_each(|line| writeln!(out, "<p{class}>{}</p>", escape(line)))
            }
            DocumentPart::Row { label, value } => writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
                escape(label),
                escape(value).replace('\n', "<br>")
            ),
            DocumentPart::Seal => {
                writeln!(out, "<p class=\"seal\">{}<br>{SEAL}<br>{}</p>", escape(&page.office), day(page.on))
            }
            DocumentPart::Signatures { who } => {
                who.iter().try_for_each(|one| writeln!(out, "<p class=\"sign\">{}：</p>", escape(one)))
            }
        };
    }
    if in_table {
        out.push_str("</table>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
