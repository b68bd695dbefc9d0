//! Words as SQLite's full-text index takes them. Its tokeniser would cut ours in two at characters that its tables don't count
//! as letters (combining vowels of some scripts, letters newer than it): then the index would find other cases than
//! PostgreSQL's, and a search for such a word would fail as one for a phrase, which the index doesn't keep.

use std::borrow::Cow;

/// Stands before a word that is spelt out. No word of ours begins with a Han character and goes on in Latin ones.
const SPELT: char = '\u{3400}';

/// Characters that both tokenisers count as parts of a word, and the space between words.
const fn is_common(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ' ' || matches!(c, '\u{3400}'..='\u{4DB5}' | '\u{4E00}'..='\u{9FA5}')
}

/// Words separated by spaces, those with rarer characters spelt out in hexadecimal.
pub(super) fn for_sqlite(words: &str) -> Cow<'_, str> {
    if words.chars().all(is_common) {
        return Cow::Borrowed(words);
    }
    let mut kept = String::with_capacity(words.len() * 2);
    for word in words.split(' ') {
        if !kept.is_empty() {
            kept.push(' ');
        }
        if word.chars().all(is_common) {
            kept.push_str(word);
        } else {
            kept.push(SPELT);
            for byte in word.bytes() {
                for digit in [byte >> 4, byte & 15] {
                    kept.extend(char::from_digit(u32::from(digit), 16));
                }
            }
        }
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_characters_are_spelt_out_and_common_ones_stay() {
        assert!(matches!(for_sqlite("电动 动车 12315 abc"), Cow::Borrowed(_)));
        assert_eq!(for_sqlite("电动 é a\u{b01}i 𠮷"), "电动 \u{3400}c3a9 \u{3400}61e0ac8169 \u{3400}f0a0aeb7");
        assert_eq!(for_sqlite(""), "");
    }
}
