//! Text from people, brought to one form: NFC for what is kept, a key for what is compared.

use crate::domain::problem::Invalid;

/// Free text as it is kept: NFC, line ends as `\n`, trimmed, without NUL and other control characters (tab and newline stay).
/// `most` counts characters. Emoji, bidi and zero-width characters in running text stay as they are.
pub fn free(text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    let _ = (text, least, most);
    todo!()
}

/// A name, address or number on one line: as [`free`], also without line breaks, bidi controls and zero-width characters,
/// runs of spaces folded.
pub fn line(text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    let _ = (text, least, most);
    todo!()
}

/// The form in which names are compared: NFKC, lower case, without spaces and punctuation.
pub fn key(text: &str) -> String {
    let _ = text;
    todo!()
}

/// The words by which a text is found, the same for both engines: NFKC, lower case; single characters and character
/// bigrams for Han, whole words otherwise. Sorted, without repeats.
pub fn search_tokens(text: &str) -> Vec<String> {
    let _ = text;
    todo!()
}

/// The words that a search must find: for a run of Han its bigrams (or the one character), whole words otherwise.
pub fn query_tokens(text: &str) -> Vec<String> {
    let _ = text;
    todo!()
}

/// Replaces what identifies a person by its digits or address: phone numbers, ID numbers, bank cards, e-mail addresses,
/// and each of `names`. What is left may be indexed and shown to staff without a reason.
pub fn redact(text: &str, names: &[&str]) -> String {
    let _ = (text, names);
    todo!()
}
