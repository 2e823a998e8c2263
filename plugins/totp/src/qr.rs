//! The `otpauth:` address as a QR code, drawn as an SVG of its own that a page may show as it is.

use std::fmt::Write as _;

use doorward_plugin::Zeroizing;
use fast_qr::{ECL, QRBuilder};

/// Longest address that is drawn, in bytes: beyond, the code has so many modules that cameras cannot tell them apart.
const MAX_ADDRESS: usize = 1000;
/// Light modules around the code (ISO/IEC 18004 section 5.3.8).
const QUIET_ZONE: usize = 4;

/// An SVG with the unit of one module, which scales to any size; `None`: the address is too long to be scanned.
///
/// Dark on light whatever the page's colours are: many scanners do not read the reverse. It names no font, script, style
/// or address, so that it needs no exception in a content security policy.
pub(crate) fn svg(address: &str) -> Option<Zeroizing<String>> {
    if address.len() > MAX_ADDRESS {
        return None;
    }
    // Level M, the usual one, restores 15 % of the symbol: a reflection on the screen.
    let code = QRBuilder::new(address).ecl(ECL::M).build().ok()?;
    let side = code.size + 2 * QUIET_ZONE;
    // One run of dark modules takes at most 22 bytes, and no row has more runs than half its modules.
    let mut svg = Zeroizing::new(String::with_capacity(256 + code.size * code.size * 11));
    // Writing to a String cannot fail.
    let _ = write!(
        *svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/><path d=\""
    );
    for row in 0..code.size {
        let dark: Vec<bool> = code[row].iter().map(|module| module.value()).collect();
        let mut column = 0;
        for run in dark.chunk_by(|a, b| a == b) {
            if run.first() == Some(&true) {
                let (x, y, width) = (column + QUIET_ZONE, row + QUIET_ZONE, run.len());
                let _ = write!(*svg, "M{x} {y}h{width}v1h-{width}z");
            }
            column += run.len();
        }
    }
    svg.push_str("\"/></svg>");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_with_its_three_corners_and_a_quiet_zone() {
        let svg = svg("otpauth://totp/X?secret=MZXW6YTBOI").unwrap();
        // Version 3 has 29 modules a side, and 4 light ones around it.
        assert!(svg.contains("viewBox=\"0 0 37 37\""), "{}", svg.as_str());
        assert!(svg.contains("d=\"M0 0h37v37h-37z\""));
        for corner in ["M4 4h7v1h-7z", "M26 4h7v1h-7z", "M4 26h7v1h-7z"] {
            assert!(svg.contains(corner), "{corner}");
        }
    }

    #[test]
    fn it_never_outgrows_the_room_that_was_made_and_never_fails_within_the_limit() {
        for len in [1, 100, 500, MAX_ADDRESS] {
            let svg = svg(&"%C3".repeat(len.div_ceil(3))[..len]).unwrap();
            assert!(
                svg.len() <= svg.capacity() && svg.len() < 60_000,
                "{len}: {}",
                svg.len()
            );
        }
        assert!(svg(&"x".repeat(MAX_ADDRESS + 1)).is_none());
    }
}
