//! Text as it is stored: short. A case's JSON is much like the next one's, so it is compressed with a dictionary of such
//! JSON; prose is compressed as UTF-16, in which Han characters take two bytes instead of three.
//!
//! | first byte | what follows |
//! |---|---|
//! | 0 | the text in UTF-8 |
//! | 1 | its length in UTF-8 (3 bytes, little endian), a Zstandard frame made with dictionary 1 |
//! | 2 | its length in UTF-16 (3 bytes, little endian), a Zstandard frame of its UTF-16, little endian |
//!
//! `packed-1.dict` was trained (`zstd --train`) on the JSON of made-up cases and their filing. What is stored depends on it: it
//! never changes; a better one comes beside it under a new first byte.

use std::cell::RefCell;
use std::io;
use std::sync::LazyLock;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::CParameter;

const PLAIN: u8 = 0;
const JSON: u8 = 1;
const PROSE: u8 = 2;

/// Higher levels save a few bytes of a case and cost several times the time.
const LEVEL: i32 = 3;

/// Most bytes that a text may have to be compressed: what three bytes count. A longer one is kept as it is.
const LONGEST: usize = (1 << 24) - 1;

static DICTIONARY: &[u8] = include_bytes!("packed-1.dict");
static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

// Their working memory is dear to make and cheap to keep.
thread_local! {
    static PACK_JSON: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static PACK_PROSE: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACK_JSON: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static UNPACK_PROSE: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Why stored bytes are no text.
#[derive(Debug, thiserror::Error)]
#[error("not a stored text: {0}")]
pub struct Unreadable(String);

/// Packs JSON.
pub fn json(text: &str) -> Vec<u8> {
    let packed = PACK_JSON.with_borrow_mut(|kept| {
        compress(kept, || Compressor::with_prepared_dictionary(&ENCODER), JSON, text.len(), text.as_bytes())
    });
    shorter(packed, text)
}

/// Packs what a person wrote.
pub fn prose(text: &str) -> Vec<u8> {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let packed = PACK_PROSE.with_borrow_mut(|kept| compress(kept, || Compressor::new(LEVEL), PROSE, wide.len(), &wide));
    shorter(packed, text)
}

/// Gives a packed text back.
///
/// # Errors
/// When the bytes aren't one.
pub fn unpack(bytes: &[u8]) -> Result<String, Unreadable> {
    let unreadable = |error: io::Error| Unreadable(error.to_string());
    let not_utf8 = |_| Unreadable("not UTF-8".to_owned());
    match bytes {
        [PLAIN, text @ ..] => std::str::from_utf8(text).map(str::to_owned).map_err(not_utf8),
        [JSON, a, b, c, frame @ ..] => {
            let text = UNPACK_JSON
                .with_borrow_mut(|kept| {
                    decompress(kept, || Decompressor::with_prepared_dictionary(&DECODER), length([*a, *b, *c]), frame)
                })
                .map_err(unreadable)?;
            String::from_utf8(text).map_err(|_| Unreadable("not UTF-8".to_owned()))
        }
        [PROSE, a, b, c, frame @ ..] => {
            let wide = UNPACK_PROSE
                .with_borrow_mut(|kept| decompress(kept, Decompressor::new, length([*a, *b, *c]), frame))
                .map_err(unreadable)?;
            let units = wide.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| Unreadable("not UTF-16".to_owned()))
        }
        _ => Err(Unreadable("of no form that this program knows".to_owned())),
    }
}

fn length([a, b, c]: [u8; 3]) -> usize {
    usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16
}

/// What was packed, if it is shorter than the text itself.
fn shorter(packed: Option<Vec<u8>>, text: &str) -> Vec<u8> {
    packed.filter(|packed| packed.len() <= text.len()).unwrap_or_else(|| {
        let mut plain = Vec::with_capacity(text.len() + 1);
        plain.push(PLAIN);
        plain.extend_from_slice(text.as_bytes());
        plain
    })
}

/// `None` when it can't be compressed; then it is kept as it is.
fn compress(
    kept: &mut Option<Compressor<'static>>,
    make: impl FnOnce() -> io::Result<Compressor<'static>>,
    form: u8,
    length: usize,
    bytes: &[u8],
) -> Option<Vec<u8>> {
    if length > LONGEST {
        return None;
    }
    if kept.is_none() {
        let mut new = make().ok()?;
        // The length stands before the frame, and which dictionary it is follows from the form.
        for parameter in
            [CParameter::ContentSizeFlag(false), CParameter::DictIdFlag(false), CParameter::ChecksumFlag(false)]
        {
            new.set_parameter(parameter).ok()?;
        }
        *kept = Some(new);
    }
    let frame = kept.as_mut()?.compress(bytes).ok()?;
    let mut packed = Vec::with_capacity(frame.len() + 4);
    packed.push(form);
    packed.extend(length.to_le_bytes().into_iter().take(3));
    packed.extend_from_slice(&frame);
    Some(packed)
}

fn decompress(
    kept: &mut Option<Decompressor<'static>>,
    make: impl FnOnce() -> io::Result<Decompressor<'static>>,
    length: usize,
    frame: &[u8],
) -> io::Result<Vec<u8>> {
    if kept.is_none() {
        *kept = Some(make()?);
    }
    match kept {
        Some(kept) => kept.decompress(frame, length),
        None => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_comes_back(text in "\\PC{0,200}|[一-龥，。]{0,400}|.{0,50}") {
            prop_assert_eq!(&unpack(&json(&text)).unwrap(), &text);
            prop_assert_eq!(&unpack(&prose(&text)).unwrap(), &text);
            prop_assert!(json(&text).len() <= text.len() + 1 && prose(&text).len() <= text.len() + 1);
        }

        #[test]
        fn no_bytes_panic(form in 0_u8..4, bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = unpack(&[&[form][..], &bytes].concat());
        }
    }

    #[test]
    fn the_json_of_a_case_becomes_small() {
        let text = r#"{"id":"01a20c5a-245f-794d-8419-a4d13a505b43","kind":"complaint","state":"dispatched","version":1,"received_on":"2026-11-24","with_office_since":"2026-11-24","channel":"web","lang":"zh","sector":"product_quality","sector_source":"machine","confidence_permille":720,"division":"320613","department":"amr","office":"amr-320613","regime":"market_regulation","rule":"order-121","demands":["refund"],"amount":"512.00","consents":{},"milestones":{}}"#;
        assert!(json(text).len() * 3 < text.len(), "{}", json(text).len());
    }

    /// Stored data depends on it.
    #[test]
    fn the_dictionary_is_as_it_has_always_been() {
        use sha2::{Digest, Sha256};
        let hash: String = Sha256::digest(DICTIONARY).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "43d56cfeee2e54c48b8afdd7f200dc867bd31d5fbe59bbad3ecc3cd606f30a78");
    }
}
