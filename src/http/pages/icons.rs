//! Icons: a 24 grid, strokes of 2, in the colour of the text. They stand in the page, so that none is fetched, and say
//! nothing by themselves: the words beside them do.

/// Shapes by name.
const SHAPES: &[(&str, &str)] = &[
    ("alert", r#"<path class="fill" d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path class="cut" d="M12 7v6M12 16.6v.1"/>"#),
    ("back", r#"<path d="M15 5l-7 7 7 7"/>"#),
    ("bell", r#"<path d="M5 17h14l-2-3V9a5 5 0 0 0-10 0v5zM10 20.5h4"/>"#),
    ("calendar", r#"<path d="M4 5h16v16H4zM4 10h16M8 2v5M16 2v5"/>"#),
    ("camera", r#"<path d="M3 8h4l2-3h6l2 3h4v12H3z"/><circle cx="12" cy="13.5" r="3.5"/>"#),
    (
        "check",
        r#"<path class="fill" d="M12 1.5a10.5 10.5 0 1 0 0 21 10.5 10.5 0 0 0 0-21z"/><path class="cut" d="M7 12.4l3.4 3.4L17 9"/>"#,
    ),
    ("chevron", r#"<path d="M9 5l7 7-7 7"/>"#),
    ("clock", r#"<circle cx="12" cy="12" r="9.5"/><path d="M12 6.5V12l3.5 2.5"/>"#),
    ("download", r#"<path d="M12 3v12M7 10.5l5 5 5-5M4 21h16"/>"#),
    (
        "face1",
        r#"<circle cx="12" cy="12" r="10"/><path d="M7.5 17a5 5 0 0 1 9 0M7 8l3 1.5M17 8l-3 1.5M9 10.6v.1M15 10.6v.1"/>"#,
    ),
    ("face2", r#"<circle cx="12" cy="12" r="10"/><path d="M8 16.5a5 5 0 0 1 8 0M9 9.6v.1M15 9.6v.1"/>"#),
    ("face3", r#"<circle cx="12" cy="12" r="10"/><path d="M8 15.5h8M9 9.6v.1M15 9.6v.1"/>"#),
    ("face4", r#"<circle cx="12" cy="12" r="10"/><path d="M8 14.5a5 5 0 0 0 8 0M9 9.6v.1M15 9.6v.1"/>"#),
    ("face5", r#"<circle cx="12" cy="12" r="10"/><path d="M7 13.5h10a5 5 0 0 1-10 0zM9 9.1v.1M15 9.1v.1"/>"#),
    ("flag", r#"<path d="M5 22V3h13l-3 4.5 3 4.5H5"/>"#),
    ("home", r#"<path d="M3 11.5L12 4l9 7.5M6 9.5V20h12V9.5"/>"#),
    ("info", r#"<circle cx="12" cy="12" r="9.5"/><path d="M12 11v6M12 7.4v.1"/>"#),
    ("late", r#"<path class="fill" d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path class="cut" d="M12 7v6M12 16.6v.1"/>"#),
    ("mic", r#"<path d="M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3.5"/>"#),
    ("now", r#"<circle cx="12" cy="12" r="9.5"/><circle class="fill" cx="12" cy="12" r="4.5"/>"#),
    (
        "paused",
        r#"<rect class="fill" x="2" y="2" width="20" height="20" rx="4"/><path class="cut" d="M9 8v8M15 8v8"/>"#,
    ),
    ("pencil", r#"<path d="M4 21h16M6 17l1-4L17 3l3 3-10 10z"/>"#),
    ("person", r#"<circle cx="12" cy="8" r="4.5"/><path d="M4 21.5a8 8 0 0 1 16 0"/>"#),
    (
        "phone",
        r#"<path d="M4 3h5l2 5-2.5 2a12 12 0 0 0 5.5 5.5l2-2.5 5 2v5a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1z"/>"#,
    ),
    ("printer", r#"<path d="M7 8V3h10v5M7 17H3V8h18v9h-4M7 14h10v7H7z"/>"#),
    (
        "question",
        r#"<circle cx="12" cy="12" r="9.5"/><path d="M9 9.5a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1-1.4 2M12 17.1v.1"/>"#,
    ),
    ("search", r#"<circle cx="10.5" cy="10.5" r="7.5"/><path d="M16 16l6 6"/>"#),
    ("todo", r#"<circle class="dash" cx="12" cy="12" r="9.5"/>"#),
    ("warn", r#"<path d="M12 3l10 18H2zM12 10v5M12 18v.1"/>"#),
];

/// An icon as SVG, hidden from readers; nothing for a name that isn't there, which a test finds.
pub fn svg(name: &str) -> String {
    SHAPES.iter().find(|(known, _)| *known == name).map_or_else(String::new, |(_, shape)| {
        format!(r#"<svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">{shape}</svg>"#)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_that_a_template_names_is_there() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for name in text.split("f.icon(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(!svg(name).is_empty(), "{}: {name}", path.display());
            }
        }
    }
}
