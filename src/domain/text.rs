//! Text from people, brought to one form: NFC for what is kept, a key for what is compared.

use crate::domain::problem::Invalid;
use std::borrow::Cow;
use std::ops::Range;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Free text as it is kept: NFC, line ends as `\n`, trimmed. NUL and other control characters than tab and newline are
/// refused (`control_character`), since not every database can hold them. `most` counts characters. Emoji, bidi and
/// zero-width characters in running text stay as they are.
pub fn free(text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    refuse_controls(text)?;
    let text =
        if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text.into() };
    // What shows nothing is empty.
    let shown = if text.chars().all(is_ignored) { "" } else { text.trim() };
    within(nfc(shown), least, most)
}

/// A name, address or number on one line: as [`free`], also without line breaks, bidi controls and zero-width characters,
/// runs of spaces folded. A line break counts as a space.
pub fn line(text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    refuse_controls(text)?;
    let mut kept = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if space && !kept.is_empty() {
            kept.push(' ');
        }
        space = false;
        kept.push(c);
    }
    within(nfc(&kept), least, most)
}

/// The form in which names are compared: NFKC, lower case, without spaces and punctuation.
pub fn key(text: &str) -> String {
    let bare: String = text.nfkc().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect();
    // Lower case, and what was taken out between two marks, can leave a sequence that isn't in normal form.
    bare.nfkc().collect()
}

/// Whether a character has no width of its own and can make two texts look alike: bidi controls, zero-width spaces and
/// joiners, the soft hyphen, tags. Variation selectors are none of them: they choose the written form of a name.
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The ASCII character that a full-width form stands for (`Ａ`, `１`, `＠`, the ideographic space); others as they are.
pub(crate) const fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        // The block repeats ASCII from `!` to `~` in its order.
        '\u{ff01}'..='\u{ff5e}' => (c as u32 - 0xff01 + 0x21) as u8 as char,
        _ => c,
    }
}

/// Whether a character is a hyphen, a dash or what an input method gives for one.
pub(crate) const fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '\u{30fc}')
}

fn refuse_controls(text: &str) -> Result<(), Invalid> {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
        return Err(Invalid::new("control_character", "holds a control character").allowed("tab and line breaks only"));
    }
    Ok(())
}

fn nfc(text: &str) -> String {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.to_owned(),
        IsNormalized::No | IsNormalized::Maybe => text.nfc().collect(),
    }
}

fn within(text: String, least: usize, most: usize) -> Result<String, Invalid> {
    let (code, detail) = match text.chars().count() {
        0 if least > 0 => ("required", "is empty"),
        length if length < least => ("too_short", "is too short"),
        length if length > most => ("too_long", "is too long"),
        _ => return Ok(text),
    };
    Err(Invalid::new(code, detail).allowed(format!("{least} to {most} characters")))
}

// --- Full text ---

/// Longest word that is indexed, in characters; what is longer is found by its beginning.
const LONGEST_WORD: usize = 32;

/// The words by which a text is found, the same for both engines: NFKC, lower case; single characters and character
/// bigrams for Han, whole words otherwise (of longer ones the first 32 characters). Sorted, without repeats.
pub fn search_tokens(text: &str) -> Vec<String> {
    tokens(text, |run, han| {
        han.extend(run.iter().map(|c| packed(*c, None)));
        han.extend(run.windows(2).map(|pair| packed(pair[0], Some(pair[1]))));
    })
}

/// The words that a search must find: for a run of Han its bigrams (or the one character), whole words otherwise.
/// Sorted, without repeats; each is also a token of every text that holds the run.
pub fn query_tokens(text: &str) -> Vec<String> {
    tokens(text, |run, han| match run {
        [c] => han.push(packed(*c, None)),
        _ => han.extend(run.windows(2).map(|pair| packed(pair[0], Some(pair[1])))),
    })
}

/// Cuts a text into words and runs of Han; `of_run` gives the tokens of a run.
///
/// Runs at every filing. One or two Han characters are therefore sorted as a number, which has the order of their UTF-8,
/// and become strings only once they are known to differ.
fn tokens(text: &str, of_run: impl Fn(&[char], &mut Vec<u64>)) -> Vec<String> {
    let mut han = Vec::with_capacity(text.len());
    let mut words: Vec<String> = Vec::new();
    let mut run: Vec<char> = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    for c in folded(text).chars() {
        if is_han(c) {
            run.push(c);
        } else if !run.is_empty() {
            of_run(&run, &mut han);
            run.clear();
        }
        if c.is_alphanumeric() && !is_han(c) {
            if length < LONGEST_WORD {
                word.push(c);
                length += 1;
            }
        } else if length > 0 {
            words.push(std::mem::take(&mut word));
            length = 0;
        }
    }
    if !run.is_empty() {
        of_run(&run, &mut han);
    }
    if length > 0 {
        words.push(word);
    }
    han.sort_unstable();
    han.dedup();
    words.extend(han.into_iter().map(unpacked));
    words.sort_unstable();
    words.dedup();
    words
}

const fn packed(first: char, second: Option<char>) -> u64 {
    let second = match second {
        Some(c) => c as u64,
        None => 0,
    };
    (first as u64) << 32 | second
}

fn unpacked(token: u64) -> String {
    [(token >> 32) as u32, token as u32].into_iter().filter(|c| *c > 0).filter_map(char::from_u32).collect()
}

/// NFKC and lower case, as far as words go.
fn folded(text: &str) -> String {
    // Most texts hold only characters that NFKC maps one to one and never joins, and punctuation, which is in no word.
    let plain = |c: char| {
        matches!(
            c,
            '\0'..='\u{7f}' | '\u{b7}' | '\u{2010}'..='\u{2027}' | '\u{3000}'..='\u{3003}' | '\u{3007}'..='\u{3011}'
                | '\u{4e00}'..='\u{9fff}' | '\u{ff01}'..='\u{ff5e}'
        )
    };
    if text.chars().all(plain) {
        text.chars().map(|c| half_width(c).to_ascii_lowercase()).collect()
    } else {
        let lower: String = text.nfkc().flat_map(char::to_lowercase).collect();
        lower.nfkc().collect()
    }
}

/// Whether a character is Han: the unified ideographs with all extensions, and the signs written among them.
pub(crate) const fn is_han(c: char) -> bool {
    matches!(
        c,
        '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}'
    )
}

// --- Redaction ---

/// What stands for a redacted passage.
pub const REDACTED: &str = "***";

/// Shortest run of digits that is taken for a person's number: a local phone number has seven.
const FEWEST_DIGITS: usize = 7;

/// A run with points in it is a number only from here on: `138.0013.8000` is one, the price `12345.67` isn't.
const FEWEST_DIGITS_WITH_POINTS: usize = 11;

/// Most separators between two digits of one number, as in `025) - 8421`.
const MOST_SEPARATORS: usize = 3;

/// Replaces what identifies a person by its digits or address: phone numbers, ID numbers, bank cards, e-mail addresses,
/// and each of `names` (of two characters or more). What is left may be indexed and shown to staff without a reason.
///
/// A number is any run of seven digits or more, whatever it is for: spaced, hyphenated, in brackets, full-width, circled or
/// as Chinese numerals (幺三八), also around invisible characters. Order numbers and dates written in digits go with it.
/// Linear in the text for each name, and idempotent.
pub fn redact(text: &str, names: &[&str]) -> String {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let mut found = emails(&chars);
    found.extend(numbers(&chars));
    found.extend(occurrences(&chars, names));
    found.sort_unstable_by_key(|span| (span.start, span.end));

    let offset = |index: usize| chars.get(index).map_or(text.len(), |(at, _)| *at);
    let mut kept = String::with_capacity(text.len());
    let mut done = 0;
    for span in found {
        // A span that overlaps or touches the one before it goes on behind the same placeholder.
        if span.start > done || done == 0 {
            kept.push_str(&text[offset(done)..offset(span.start)]);
            kept.push_str(REDACTED);
        }
        done = done.max(span.end);
    }
    kept.push_str(&text[offset(done)..]);
    kept
}

/// E-mail addresses, as ranges of characters: the letters around an `@` that has a domain with a dot behind it.
fn emails(chars: &[(usize, char)]) -> Vec<Range<usize>> {
    let at = |index: usize| chars.get(index).map(|(_, c)| half_width(*c));
    let local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut after_last = 0;
    for (index, _) in chars.iter().enumerate().filter(|(_, (_, c))| half_width(*c) == '@') {
        let before = (after_last..index).rev().take_while(|i| at(*i).is_some_and(local)).last();
        let mut end = index + 1;
        let mut labels = 0;
        loop {
            let length = (end..).take_while(|i| at(*i).is_some_and(label)).count();
            if length == 0 {
                break;
            }
            labels += 1;
            end += length;
            // An input method may write the dot as a full stop.
            if !matches!(at(end), Some('.' | '。' | '．')) || !at(end + 1).is_some_and(label) {
                break;
            }
            end += 1;
        }
        if let Some(start) = before.filter(|_| labels > 1) {
            found.push(start..end);
            after_last = end;
        }
    }
    found
}

/// What a character is within a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Digit,
    Point,
    Separator,
    /// Has no width: neither ends a number nor counts as a separator.
    Nothing,
    Other,
}

const fn part(c: char) -> Part {
    match c {
        '0'..='9' | '\u{ff10}'..='\u{ff19}' | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => Part::Digit,
        // Superscripts, subscripts, circled and bracketed digits, mathematical digits.
        '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{2070}' | '\u{2074}'..='\u{2079}' | '\u{2080}'..='\u{2089}' => Part::Digit,
        '\u{2460}'..='\u{2468}' | '\u{2474}'..='\u{247c}' | '\u{2488}'..='\u{2490}' | '\u{24ea}' => Part::Digit,
        '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}' | '\u{2780}'..='\u{2788}' => Part::Digit,
        '\u{278a}'..='\u{2792}' | '\u{3220}'..='\u{3228}' | '\u{3280}'..='\u{3288}' => Part::Digit,
        '\u{1d7ce}'..='\u{1d7ff}' | '\u{1fbf0}'..='\u{1fbf9}' => Part::Digit,
        '〇' | '○' | '零' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '幺' | '两' => {
            Part::Digit
        }
        '壹' | '贰' | '叁' | '肆' | '伍' | '陆' | '柒' | '捌' | '玖' => Part::Digit,
        '.' | '·' | '．' | '・' | '•' => Part::Point,
        ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Part::Separator,
        '(' | ')' | '（' | '）' | '_' | '＿' | '~' | '～' => Part::Separator,
        // Variation selectors and the enclosing keycap, as in `1️⃣`.
        '\u{fe00}'..='\u{fe0f}' | '\u{20e3}' => Part::Nothing,
        _ if is_dash(c) => Part::Separator,
        _ if is_invisible(c) => Part::Nothing,
        _ => Part::Other,
    }
}

/// Runs of digits that are long enough to be somebody's number, as ranges of characters.
fn numbers(chars: &[(usize, char)]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < chars.len() {
        if part(chars[index].1) != Part::Digit {
            index += 1;
            continue;
        }
        // The whole run, and the pieces of it between points.
        let mut pieces = vec![Piece { start: index, end: index, digits: 0 }];
        let (mut separators, mut point) = (0, false);
        while let Some((_, c)) = chars.get(index) {
            match part(*c) {
                Part::Digit => {
                    if point {
                        pieces.push(Piece { start: index, end: index, digits: 0 });
                    }
                    if let Some(piece) = pieces.last_mut() {
                        piece.digits += 1;
                        piece.end = index + 1;
                    }
                    (separators, point) = (0, false);
                }
                Part::Point if separators < MOST_SEPARATORS => (separators, point) = (separators + 1, true),
                Part::Separator if separators < MOST_SEPARATORS => separators += 1,
                Part::Nothing => {}
                Part::Point | Part::Separator | Part::Other => break,
            }
            index += 1;
        }
        let digits: usize = pieces.iter().map(|piece| piece.digits).sum();
        if digits >= FEWEST_DIGITS_WITH_POINTS
            && let (Some(first), Some(last)) = (pieces.first(), pieces.last())
        {
            found.push(widened(chars, first.start..last.end));
        } else {
            let long = pieces.iter().filter(|piece| piece.digits >= FEWEST_DIGITS);
            found.extend(long.map(|piece| widened(chars, piece.start..piece.end)));
        }
    }
    found
}

/// Digits without a point between them.
struct Piece {
    start: usize,
    end: usize,
    digits: usize,
}

/// Takes in what belongs to a number around its digits: `+` or a bracket before, the keycap of the last digit, and the `X`
/// that ends a resident ID.
fn widened(chars: &[(usize, char)], span: Range<usize>) -> Range<usize> {
    let at = |index: usize| chars.get(index).map(|(_, c)| half_width(*c));
    let mut start = span.start;
    while start > 0 && matches!(at(start - 1), Some('+' | '(')) {
        start -= 1;
    }
    let mut end = span.end;
    while at(end).is_some_and(|c| part(c) == Part::Nothing) {
        end += 1;
    }
    let separators = (end..).take_while(|i| at(*i).is_some_and(|c| part(c) == Part::Separator)).take(2).count();
    let x = end + separators;
    if separators < 2 && matches!(at(x), Some('x' | 'X' | '×')) && !at(x + 1).is_some_and(|c| c.is_ascii_alphanumeric())
    {
        end = x + 1;
    }
    start..end
}

/// Where the names stand, as ranges of characters; whatever their case, width and spacing.
fn occurrences(chars: &[(usize, char)], names: &[&str]) -> Vec<Range<usize>> {
    let fold = |c: char| std::iter::once(c).nfkc().flat_map(char::to_lowercase).filter(|c| !is_ignored(*c));
    let needles: Vec<String> = names.iter().map(|name| name.chars().flat_map(fold).collect::<String>()).collect();
    // A name is text. One made of the placeholder would find it again.
    let fits =
        |name: &&String| name.chars().count() > 1 && name.chars().any(char::is_alphanumeric) && !name.contains('*');
    if !needles.iter().any(|name| fits(&name)) {
        return Vec::new();
    }
    let mut hay = String::new();
    // For each byte of `hay` the character that it came from.
    let mut origin = Vec::new();
    for (index, (_, c)) in chars.iter().enumerate() {
        hay.extend(fold(*c));
        origin.resize(hay.len(), index);
    }
    let spans = |name: &String| {
        hay.match_indices(name.as_str())
            .map(|(at, found)| origin[at]..origin[at + found.len() - 1] + 1)
            .collect::<Vec<_>>()
    };
    needles.iter().filter(fits).flat_map(spans).collect()
}

/// Whether a character shows nothing.
fn is_ignored(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code<T>(result: Result<T, Invalid>) -> &'static str {
        result.map_or_else(|fault| fault.code, |_| "ok")
    }

    #[test]
    fn free_text_keeps_what_people_write() {
        assert_eq!(free("  店家\r\n不退\r\t款 ", 1, 100).as_deref(), Ok("店家\n不退\n\t款"));
        for exact in ["👨‍👩‍👧 a\u{202e}b\u{2066}c", "𠮷野家", "Z̴̛̗a̸l̷g̵o̶", "１３８ ①"] {
            let nfc: String = exact.nfc().collect();
            assert_eq!(free(exact, 1, 100), Ok(nfc));
        }
        assert_eq!(free("e\u{301}", 1, 1).as_deref(), Ok("é"));
    }

    #[test]
    fn control_characters_are_refused() {
        for c in ['\0', '\u{1}', '\u{8}', '\u{b}', '\u{c}', '\u{1b}', '\u{7f}', '\u{80}', '\u{85}', '\u{9f}'] {
            for text in [format!("a{c}b"), format!("ab{c}"), format!("{c}")] {
                assert_eq!(code(free(&text, 0, 10)), "control_character", "{c:?}");
                assert_eq!(code(line(&text, 0, 10)), "control_character", "{c:?}");
            }
        }
    }

    #[test]
    fn lengths_are_in_characters() {
        assert_eq!(code(free("四个字符", 4, 4)), "ok");
        assert_eq!(code(free("四个字符", 5, 9)), "too_short");
        assert_eq!(code(free("四个字符", 1, 3)), "too_long");
        assert_eq!(code(free(" \n\u{3000}\u{200b}", 1, 3)), "required");
        assert_eq!(free("", 0, 3).as_deref(), Ok(""));
        let fault = free("四个字符", 5, 9).unwrap_err();
        assert_eq!(fault.allowed.as_deref(), Some("5 to 9 characters"));
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("  张\u{200b}三\u{202e}\u{feff} ", 1, 10).as_deref(), Ok("张三"));
        assert_eq!(line("江宁区\n东山 \u{3000}\t街道", 1, 20).as_deref(), Ok("江宁区 东山 街道"));
        assert_eq!(line("e\u{200d}\u{301}", 1, 10).as_deref(), Ok("é"));
        assert_eq!(code(line("\u{200b}\u{2066}", 1, 10)), "required");
    }

    #[test]
    fn keys_compare_names() {
        assert_eq!(key("南京（某某）商贸 有限公司"), "南京某某商贸有限公司");
        assert_eq!(key("ＡＢＣ Ｃａｆé·No.①"), key("abc cafe\u{301} no 1"));
        assert_eq!(key(" …—！"), "");
        // Two marks that a space kept apart change places.
        assert_eq!(key("\u{10a0d} \u{c55}"), key("\u{c55} \u{10a0d}"));
    }

    #[test]
    fn search_tokens_of_a_mixed_text() {
        assert_eq!(search_tokens("电动车iPhone15坏，坏"), ["iphone15", "动", "动车", "坏", "电", "电动", "车"]);
        assert_eq!(search_tokens("２６８０.00元"), ["00", "2680", "元"]);
        assert_eq!(search_tokens("𠮷野"), ["野", "𠮷", "𠮷野"]);
        assert_eq!(search_tokens("カメラ 한국어"), ["カメラ", "한국어"]);
        assert_eq!(search_tokens(&"x".repeat(500)), ["x".repeat(32)]);
        assert!(search_tokens("，。 \n").is_empty());
    }

    #[test]
    fn query_tokens_of_a_mixed_text() {
        assert_eq!(query_tokens("电动车 坏 iPhone15"), ["iphone15", "动车", "坏", "电动"]);
        assert!(query_tokens("\"'*()").is_empty());
    }

    #[test]
    fn what_identifies_a_person_goes() {
        for (text, left) in [
            ("电话13800138000，谢谢", "电话***，谢谢"),
            ("联系+86 138-0013-8000或(025) 8421 2345", "联系***或***"),
            ("１３８００１３８０００", "***"),
            ("座机84212345转801", "座机***转801"),
            ("身份证32010519491231002X。", "身份证***。"),
            ("老证320105491231002", "老证***"),
            ("卡号6222 0212 3456 7890 123", "卡号***"),
            ("邮箱zhang.san+1@163.com谢谢", "邮箱***谢谢"),
            ("邮箱ｚｈａｎｇ＠ｑｑ．ｃｏｍ", "邮箱***"),
            ("138.0013.8000", "***"),
            ("幺三八零零幺三八零零零", "***"),
            ("1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣", "***"),
        ] {
            assert_eq!(redact(text, &[]), left, "{text}");
        }
    }

    #[test]
    fn what_identifies_nobody_stays() {
        for text in [
            "花了12345.67元，买了3件，2026年11月23日",
            "三天就坏，九十九元",
            "第1-3项、10-15号",
            "@某商家 a@b 不理人",
            "型号ABC123456",
            "",
        ] {
            assert_eq!(redact(text, &[]), text);
        }
    }

    #[test]
    fn names_go() {
        let names = ["张三", "John Smith", "李", "", "**", "某某车行"];
        assert_eq!(redact("张三说张 三和李四", &names), "***说***和李四");
        assert_eq!(redact("JOHN  SMITH在某某车行13800138000", &names), "***在***");
        assert_eq!(redact("****", &names), "****");
    }

    /// Quadratic work on one of these would take minutes.
    #[test]
    fn long_texts_take_linear_time() {
        let names = ["张三", "aaaaaaaaab"];
        for unit in ["1 ", "1.", "1.x", "a@", "a@b.", "a", "((+", "1\u{200b}", "123456789 ", "张 ", "张三"] {
            let left = redact(&unit.repeat(200_000), &names);
            assert!(left.chars().filter(|c| *c == '*').count() <= 3 * 200_000);
            redact(&format!("x@{}", unit.repeat(200_000)), &names);
        }
    }

    /// A phone number as people write it.
    fn spelled(digits: &str, style: usize) -> String {
        let chars: Vec<char> = digits.chars().collect();
        let each =
            |f: &dyn Fn(u32) -> String| -> String { chars.iter().filter_map(|c| c.to_digit(10)).map(f).collect() };
        let nth = |from: u32, n: u32| char::from_u32(from + n).unwrap().to_string();
        let groups = |by: &str| format!("{}{by}{}{by}{}", &digits[..3], &digits[3..7], &digits[7..]);
        match style {
            0 => digits.to_owned(),
            1 => groups(" "),
            2 => groups("-"),
            3 => groups("－"),
            4 => groups("."),
            5 => format!("+86 {}", groups(" ")),
            6 => format!("0086-{digits}"),
            7 => each(&|n| format!("{n} ")).trim_end().to_owned(),
            8 => each(&|n| nth(0xff10, n)),
            9 => each(&|n| "零一二三四五六七八九".chars().nth(n as usize).unwrap().to_string()),
            10 => each(&|n| "〇幺两三四五六七八九".chars().nth(n as usize).unwrap().to_string()),
            11 => each(&|n| if n == 0 { "⓪".to_owned() } else { nth(0x245f, n) }),
            12 => each(&|n| format!("{n}\u{200b}")),
            _ => each(&|n| format!("{n}\u{fe0f}\u{20e3}")),
        }
    }

    /// How many digits of any script stand in a text.
    fn digits(text: &str) -> usize {
        text.chars().filter(|c| part(*c) == Part::Digit).count()
    }

    proptest! {
        #[test]
        fn free_is_idempotent(text in any::<String>()) {
            if let Ok(kept) = free(&text, 0, usize::MAX) {
                prop_assert_eq!(free(&kept, 0, usize::MAX), Ok(kept));
            }
            if let Ok(kept) = line(&text, 0, usize::MAX) {
                prop_assert_eq!(line(&kept, 0, usize::MAX), Ok(kept));
            }
        }

        #[test]
        fn key_is_idempotent(text in any::<String>()) {
            let once = key(&text);
            prop_assert_eq!(key(&once), once);
        }

        #[test]
        fn tokens_are_sorted_and_folding_has_no_shortcut(text in "[a-zA-Z0-9 ，。！Ａ-ｚ０-９一-龥—…“”·々𠮷é\u{301}ーカ]{0,60}") {
            let tokens = search_tokens(&text);
            prop_assert!(tokens.windows(2).all(|pair| pair[0] < pair[1]));
            let slow: String = text.nfkc().flat_map(char::to_lowercase).collect();
            prop_assert_eq!(tokens, search_tokens(&format!("{slow} …")));
        }

        #[test]
        fn a_part_is_found(before in "[一-龥a-z0-9， ]{0,20}", part in "[一-龥]{1,8}", after in "[一-龥a-z0-9， ]{0,20}") {
            let tokens = search_tokens(&format!("{before}{part}{after}"));
            prop_assert!(query_tokens(&part).iter().all(|token| tokens.binary_search(token).is_ok()));
        }

        #[test]
        fn a_phone_never_stays(
            before in "[^0-9]{0,20}",
            after in "[^0-9]{0,20}",
            number in "1[3-9][0-9]{9}",
            style in 0_usize..14,
        ) {
            let text = format!("{before}{}{after}", spelled(&number, style));
            let left = redact(&text, &[]);
            prop_assert!(digits(&left) <= digits(&before) + digits(&after), "{text:?} → {left:?}");
        }

        #[test]
        fn redaction_is_idempotent(text in "[0-9０-９ \\-.()+xX@a-c一二三张，*\u{200b}]{0,80}", name in "[张三a-c 1*.]{0,4}") {
            let names = [name.as_str(), "张三"];
            let once = redact(&text, &names);
            prop_assert_eq!(redact(&once, &names), once);
        }

        #[test]
        fn redaction_takes_any_text(text in any::<String>(), name in any::<String>()) {
            let once = redact(&text, &[&name]);
            prop_assert_eq!(redact(&once, &[&name]), once);
        }
    }
}
