//! Codes to photograph.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// A code that leads to an address, as SVG; nothing when the address is too long for one.
pub fn qr(address: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(address, EcLevel::M) else { return String::new() };
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.into_colors().into_iter().enumerate() {
        if color == Color::Dark {
            // Writing to a string doesn't fail.
            let _ = write!(path, "M{} {}h1v1h-1z", place % width, place / width);
        }
    }
    format!(
        "<svg viewBox=\"0 0 {width} {width}\" aria-hidden=\"true\" focusable=\"false\" shape-rendering=\"crispEdges\">\
         <path d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_without_anything_that_a_policy_refuses() {
        let drawn = qr("https://fx.example/t?n=JS-20261123-7K3M9QX-C");
        assert!(drawn.starts_with("<svg") && drawn.contains("h1v1h-1z") && !drawn.contains("style"), "{drawn}");
    }
}
