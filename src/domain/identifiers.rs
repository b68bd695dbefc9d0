//! Numbers with a rule: phone (E.164), unified social credit code (GB 32100), resident ID (GB 11643).
//!
//! And how each is shown to whom it needn't be known in full (PIPL Art 51: de-identification). A mask takes any text, also
//! one that breaks the rule of its field: what it can't place, it hides.

use crate::domain::division::Division;
use crate::domain::problem::Invalid;
use crate::domain::text;
use jiff::civil::Date;
use phonenumber::country;

/// Longest phone number read, in characters that count: E.164 has 15 digits, an international prefix goes before them.
const LONGEST_PHONE: usize = 20;

/// Fewest digits of a number with which a person can be reached from elsewhere; what is shorter is a service number (12315,
/// 95588, 110) or lacks its area code.
const SHORTEST_PHONE: usize = 7;

/// A phone number in E.164, e.g. `+8613800138000`. Chinese unless written with a country code; full-width digits,
/// spaces and hyphens are understood. A Chinese landline needs its area code.
///
/// # Errors
/// `required` when empty, `phone` when no such number can exist or it is a short service number like 12315.
pub fn phone(text: &str) -> Result<String, Invalid> {
    let fault = |detail| {
        Invalid::new("phone", detail)
            .allowed("e.g. 13800138000, 025-84212345 with area code, or +852 2123 4567 with country code")
    };
    let mut plain = String::with_capacity(LONGEST_PHONE);
    for c in text.chars() {
        match text::half_width(c) {
            c if c.is_ascii_digit() || (c == '+' && plain.is_empty()) => plain.push(c),
            '(' | ')' | '.' => {}
            c if c.is_whitespace() || text::is_dash(c) || text::is_invisible(c) => {}
            _ => return Err(fault("not a phone number: holds other characters than digits")),
        }
        if plain.len() > LONGEST_PHONE {
            return Err(fault("not a phone number: too long"));
        }
    }
    if plain.is_empty() {
        return Err(Invalid::new("required", "is empty"));
    }
    if let Some(mobile) = chinese_mobile(&plain) {
        return Ok(format!("+86{mobile}"));
    }
    if plain.len() < SHORTEST_PHONE {
        return Err(fault("a short service number is not a person's phone"));
    }
    let plain = plain.strip_prefix("00").map_or(plain.clone(), |rest| format!("+{rest}"));
    // With a country code the default must not be given: its trunk prefix would be taken off numbers that keep their 0.
    let default = (!plain.starts_with('+')).then_some(country::CN);
    let number = phonenumber::parse(default, &plain).map_err(|_| fault("not a phone number"))?;
    if !number.is_valid() {
        return Err(fault("not a phone number: no such number can exist"));
    }
    Ok(format!("+{}{}", number.code().value(), number.national()))
}

/// The eleven digits of a Chinese mobile, without the country code.
fn chinese_mobile(plain: &str) -> Option<&str> {
    let national = ["+86", "0086", "86"].iter().find_map(|code| plain.strip_prefix(code)).unwrap_or(plain);
    let fits =
        |b: &[u8]| b.len() == 11 && b[0] == b'1' && (b'3'..=b'9').contains(&b[1]) && b.iter().all(u8::is_ascii_digit);
    fits(national.as_bytes()).then_some(national)
}

/// Characters of a unified social credit code in the order of their values (GB 32100: without I, O, S, V, Z).
const USCC_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// A unified social credit code: 18 characters, upper case, check character by GB 32100 (mod 31).
///
/// # Errors
/// `required` when empty, `uscc` when it hasn't the shape, `checksum` when its check character doesn't fit.
pub fn uscc(text: &str) -> Result<String, Invalid> {
    let fault = || {
        Invalid::new("uscc", "not a unified social credit code")
            .allowed("18 digits and capital letters without I, O, S, V, Z")
    };
    let code = compact(text, fault)?;
    let values: Vec<usize> =
        code.bytes().map_while(|b| USCC_ALPHABET.iter().position(|character| *character == b)).collect();
    if values.len() != 18 || code.len() != 18 {
        return Err(fault());
    }
    // Weights 3^i mod 31. With the check character the sum is a multiple of 31.
    let (sum, _) =
        values[..17].iter().fold((0, 1), |(sum, weight), value| ((sum + value * weight) % 31, weight * 3 % 31));
    if !(sum + values[17]).is_multiple_of(31) {
        return Err(Invalid::new("checksum", "the check character of the unified social credit code doesn't fit"));
    }
    Ok(code)
}

/// A resident ID number: 18 characters, known province, real date of birth, check character by GB 11643 (ISO 7064 MOD 11-2).
/// The residence permits of Hong Kong, Macao and Taiwan (81, 82, 83) follow the same rule.
///
/// # Errors
/// `required` when empty, `resident_id` when it hasn't the shape, `checksum` when its check character doesn't fit.
pub fn resident_id(text: &str) -> Result<String, Invalid> {
    let fault = |detail| Invalid::new("resident_id", detail).allowed("17 digits, then a digit or X");
    let id = compact(text, || fault("not a resident ID number"))?;
    let bytes = id.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) || !matches!(bytes[17], b'0'..=b'9' | b'X') {
        return Err(fault("not a resident ID number"));
    }
    if Division::parse(&id[..6]).is_err() && !id.starts_with("83") {
        return Err(fault("not a resident ID number: no such province"));
    }
    let born = match (id[6..10].parse(), id[10..12].parse(), id[12..14].parse()) {
        (Ok(year), Ok(month), Ok(day)) if year >= 1900 => Date::new(year, month, day).ok(),
        _ => None,
    };
    if born.is_none() {
        return Err(fault("not a resident ID number: no such date of birth"));
    }
    // ISO 7064 MOD 11-2, pure: the sum of the doubled states is 1 modulo 11.
    let state = bytes[..17].iter().fold(0, |state, digit| (state + u32::from(digit - b'0')) * 2 % 11);
    let check = match bytes[17] {
        b'X' => 10,
        digit => u32::from(digit - b'0'),
    };
    if (state + check) % 11 != 1 {
        return Err(Invalid::new("checksum", "the check character of the resident ID number doesn't fit"));
    }
    Ok(id)
}

/// Letters and digits in upper case, without spaces, hyphens and invisible characters.
fn compact(text: &str, fault: impl Fn() -> Invalid) -> Result<String, Invalid> {
    let mut kept = String::with_capacity(18);
    for c in text.chars() {
        match text::half_width(c) {
            c if c.is_ascii_alphanumeric() && kept.len() < 18 => kept.push(c.to_ascii_uppercase()),
            c if c.is_whitespace() || text::is_dash(c) || text::is_invisible(c) => {}
            _ => return Err(fault()),
        }
    }
    if kept.is_empty() { Err(Invalid::new("required", "is empty")) } else { Ok(kept) }
}

/// Longest e-mail address (RFC 5321 with erratum 1690) and longest part before the `@`, in bytes.
const LONGEST_EMAIL: (usize, usize) = (254, 64);

/// An e-mail address in lower-case domain form: one `@`, a dot in the domain, no spaces, at most 254 characters.
/// Letters of any script are letters; quoted forms and address literals are not taken.
///
/// # Errors
/// `required` when empty, `email` when it hasn't the shape.
pub fn email(text: &str) -> Result<String, Invalid> {
    let fault = || Invalid::new("email", "not an e-mail address").allowed("name@example.com, at most 254 characters");
    if text.len() > 4 * LONGEST_EMAIL.0 {
        return Err(fault());
    }
    let address = text::line(text, 1, LONGEST_EMAIL.0)?;
    let address: String = address.chars().map(text::half_width).collect();
    let (local, domain) = address.split_once('@').ok_or_else(fault)?;
    let atom =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c));
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let fits = address.len() <= LONGEST_EMAIL.0
        && local.len() <= LONGEST_EMAIL.1
        && local.split('.').all(atom)
        && domain.contains('.')
        && domain.split('.').all(label);
    if fits { Ok(format!("{local}@{}", domain.to_lowercase())) } else { Err(fault()) }
}

/// `138****8000`
///
/// Of other numbers the first three and the last four digits as they would be dialled from China (`025****2345`,
/// `+852****4567`), fewer of a shorter one, so that four digits at least are hidden.
pub fn mask_phone(e164: &str) -> String {
    let trimmed = e164.trim();
    let dialled: Vec<char> = match trimmed.strip_prefix("+86") {
        Some(national) if chinese_mobile(national).is_some() => national.chars().collect(),
        Some(national) => std::iter::once('0').chain(national.chars()).collect(),
        None => trimmed.chars().collect(),
    };
    let front = if dialled.first() == Some(&'+') { 4 } else { 3 };
    match dialled.len() {
        length if length >= front + 8 => keep_ends(&dialled, front, 4),
        length if length >= 8 => keep_ends(&dialled, 2, 2),
        _ => "****".to_owned(),
    }
}

/// `张*`, `John *****`
///
/// A Han name keeps its first character, another its first word, or the first letter of its only word.
pub fn mask_name(name: &str) -> String {
    let name = name.trim();
    let mut words = name.split_whitespace();
    let Some(first) = words.next() else {
        return String::new();
    };
    let letters: Vec<char> = first.chars().collect();
    let other = words.clone().next().is_some();
    let han = letters.first().is_some_and(|c| text::is_han(*c));
    let shown = match letters.len() {
        _ if han && (other || letters.len() > 1) => keep_ends(&letters, 1, 0),
        length if other => keep_ends(&letters, length, 0),
        1 => "*".to_owned(),
        _ => keep_ends(&letters, 1, 0),
    };
    words.fold(shown, |shown, word| format!("{shown} {}", "*".repeat(word.chars().count())))
}

/// `3201**********1234`
///
/// A shorter number (passport, permit) keeps its first and last character, one under six characters nothing.
pub fn mask_id(id: &str) -> String {
    let id: Vec<char> = id.trim().chars().collect();
    match id.len() {
        12.. => keep_ends(&id, 4, 4),
        6.. => keep_ends(&id, 1, 1),
        length => "*".repeat(length),
    }
}

/// `z***@example.com`
pub fn mask_email(email: &str) -> String {
    match email.trim().rsplit_once('@') {
        Some((local, domain)) => {
            let mut letters = local.chars();
            match (letters.next(), letters.next()) {
                (Some(first), Some(_)) => format!("{first}***@{domain}"),
                _ => format!("***@{domain}"),
            }
        }
        None => "***".to_owned(),
    }
}

/// An address down to county or street, the rest as `***`.
///
/// What is kept ends with the last of 省, 市, 区, 县, 镇, 乡, 街道 that names a division: one that follows a higher one, with a
/// short name, before the first digit, and isn't part of 小区 or 市场 and their like. In doubt more is hidden.
pub fn mask_address(address: &str) -> String {
    let chars: Vec<char> = address.trim().chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or(' ');
    let mut kept = 0;
    let mut rank = 0;
    for (index, c) in chars.iter().enumerate() {
        // Where the numbers of houses begin, no division follows; nor after a name longer than any of theirs.
        if c.is_numeric() || index - kept > LONGEST_DIVISION_NAME {
            break;
        }
        let before = if index > kept { at(index - 1) } else { ' ' };
        let found = match (c, before, at(index + 1)) {
            (_, ' ', _) => continue,
            ('省', _, next) if next != '道' => 1,
            ('区', '治', _) => 1,
            ('市', _, next) if !matches!(next, '场' | '政' | '民' | '口') => 2,
            ('区', before, _) if !"小社园校厂街片库景院营宿住宅活业".contains(before) => 3,
            ('县', _, _) => 3,
            ('镇', before, _) if before != '小' => 4,
            ('乡', _, next) if next != '村' => 4,
            ('道', '街', _) => 4,
            _ => continue,
        };
        // A city may lie in a city: 徐州市新沂市.
        if found > rank || (found == 2 && rank == 2) {
            rank = found;
            kept = index + 1;
        }
        if rank == 4 {
            break;
        }
    }
    let shown: String = chars[..kept].iter().collect();
    if kept == chars.len() { shown } else { format!("{shown}***") }
}

/// Longest name of a division in an address, in characters, autonomous prefectures included.
const LONGEST_DIVISION_NAME: usize = 12;

/// The text with all but its first `front` and last `back` characters as stars.
fn keep_ends(chars: &[char], front: usize, back: usize) -> String {
    let last = chars.len().saturating_sub(back);
    chars.iter().enumerate().map(|(index, c)| if index < front || index >= last { *c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code<T>(result: Result<T, Invalid>) -> &'static str {
        result.map_or_else(|fault| fault.code, |_| "ok")
    }

    #[test]
    fn mobiles_in_many_spellings() {
        for text in [
            "13800138000",
            " 138 0013 8000 ",
            "138-0013-8000",
            "138－0013－8000",
            "１３８００１３８０００",
            "+86 138 0013 8000",
            "＋８６13800138000",
            "0086-13800138000",
            "8613800138000",
            "(+86)13800138000",
            "\u{202d}13800138000\u{202c}",
            "013800138000",
        ] {
            assert_eq!(phone(text).as_deref(), Ok("+8613800138000"), "{text}");
        }
    }

    #[test]
    fn landlines_and_numbers_from_elsewhere() {
        for (text, e164) in [
            ("025-84212345", "+862584212345"),
            ("（025）8421 2345", "+862584212345"),
            ("010-62345678", "+861062345678"),
            ("0516-83712345", "+8651683712345"),
            ("+86 25 8421 2345", "+862584212345"),
            ("400-820-8820", "+864008208820"),
            ("+852 2123 4567", "+85221234567"),
            ("00852-21234567", "+85221234567"),
            ("+1 650 253 0000", "+16502530000"),
            ("+39 06 698 12345", "+390669812345"),
        ] {
            assert_eq!(phone(text).as_deref(), Ok(e164), "{text}");
        }
    }

    #[test]
    fn no_phone_numbers() {
        for text in [
            "12315",
            "110",
            "95588",
            "84212345",
            "12800138000",
            "1380013800",
            "138001380000",
            "138O0138000",
            "电话13800138000",
            "+",
            "++8613800138000",
            "+999123456789",
            "13800138000,13900139000",
            "00",
            "000000000000000",
        ] {
            assert_eq!(code(phone(text)), "phone", "{text}");
        }
        assert!(phone("12315").unwrap_err().detail.contains("service number"));
        assert_eq!(code(phone(" - ")), "required");
        assert_eq!(code(phone(&"1".repeat(100_000))), "phone");
    }

    #[test]
    fn social_credit_codes() {
        // A common sample of the code, no company's.
        for text in ["91350100M000100Y43", " 91350100-m000100y43", "９１３５０１００M000100Y43"] {
            assert_eq!(uscc(text).as_deref(), Ok("91350100M000100Y43"), "{text}");
        }
        assert_eq!(code(uscc("91350100M000100Y44")), "checksum");
        for text in ["91350100M000100Y4", "91350100M000100Y433", "91350100I000100Y43", "91350100M000100Y4江"] {
            assert_eq!(code(uscc(text)), "uscc", "{text}");
        }
        assert_eq!(code(uscc("")), "required");
    }

    #[test]
    fn resident_ids() {
        // The example of GB 11643 itself.
        assert_eq!(resident_id("11010519491231002X").as_deref(), Ok("11010519491231002X"));
        assert_eq!(resident_id(" 110105 19491231 002x").as_deref(), Ok("11010519491231002X"));
        assert_eq!(code(resident_id("110105194912310021")), "checksum");
        for text in ["990105194912310021", "110105194913310021", "110105202602290021", "110105189912310021"] {
            assert_eq!(code(resident_id(text)), "resident_id", "{text}");
        }
        for text in ["320105491231002", "1101051949123100X2", "11010519491231002XX", "身份证"] {
            assert_eq!(code(resident_id(text)), "resident_id", "{text}");
        }
        assert_eq!(code(resident_id("")), "required");
    }

    #[test]
    fn emails() {
        for (text, kept) in [
            (" Zhang.San+1@QQ.Com ", "Zhang.San+1@qq.com"),
            ("ｚｓ＠１６３．ｃｏｍ", "zs@163.com"),
            ("张三@例子.中国", "张三@例子.中国"),
        ] {
            assert_eq!(email(text).as_deref(), Ok(kept));
        }
        let long = format!("a@{}.com", "b.".repeat(200));
        for text in [
            "a",
            "a@b",
            "@b.com",
            "a@",
            "a@@b.com",
            "a b@c.com",
            "a@b..com",
            "a@.com",
            "a@b.com.",
            ".a@b.com",
            "a..b@c.com",
            "a@-b.com",
            "a@b-.com",
            "\"a\"@b.com",
            "a@[1.2.3.4]",
            "a@b.com,c@d.com",
            "a@b.com\nBcc: c@d.com",
            "<a@b.com>",
            &long,
        ] {
            assert!(email(text).is_err(), "{text}");
        }
        assert_eq!(code(email(" ")), "required");
        assert_eq!(code(email("a\0@b.com")), "control_character");
    }

    #[test]
    fn masked_phones() {
        for (text, masked) in [
            ("+8613800138000", "138****8000"),
            ("13800138000", "138****8000"),
            ("+862584212345", "025****2345"),
            ("+85221234567", "+852****4567"),
            ("84212345", "84****45"),
            ("12315", "****"),
            ("", "****"),
        ] {
            assert_eq!(mask_phone(text), masked, "{text}");
        }
    }

    #[test]
    fn masked_names() {
        for (text, masked) in [
            ("张三", "张*"),
            ("欧阳娜娜", "欧***"),
            ("𠮷野家", "𠮷**"),
            ("张 三", "张 *"),
            ("张", "*"),
            ("John Smith", "John *****"),
            ("Mary Ann Smith", "Mary *** *****"),
            ("Madonna", "M******"),
            ("阿卜杜拉·买买提", "阿*******"),
            ("  ", ""),
        ] {
            assert_eq!(mask_name(text), masked, "{text}");
        }
    }

    #[test]
    fn masked_ids_and_emails() {
        assert_eq!(mask_id("11010519491231002X"), "1101**********002X");
        assert_eq!(mask_id("320105491231002"), "3201*******1002");
        assert_eq!(mask_id("E12345678"), "E*******8");
        assert_eq!(mask_id("12345"), "*****");
        assert_eq!(mask_id(""), "");
        assert_eq!(mask_email("zhang@example.com"), "z***@example.com");
        assert_eq!(mask_email("z@example.com"), "***@example.com");
        assert_eq!(mask_email("nobody"), "***");
    }

    #[test]
    fn masked_addresses() {
        for (text, masked) in [
            ("江苏省南京市江宁区东山街道上元大街100号3幢502室", "江苏省南京市江宁区东山街道***"),
            ("南京市江宁区东山街道", "南京市江宁区东山街道"),
            ("南京市江宁区上元大街100号", "南京市江宁区***"),
            ("徐州市新沂市棋盘镇某某村3组", "徐州市新沂市棋盘镇***"),
            ("南京市鼓楼区天元小区5幢", "南京市鼓楼区***"),
            ("南京市秦淮区夫子庙市场12号", "南京市秦淮区***"),
            ("南京市鼓楼区湖南路街道云南北路1号", "南京市鼓楼区湖南路街道***"),
            ("苏州市相城区元和街道某路", "苏州市相城区元和街道***"),
            ("新疆维吾尔自治区乌鲁木齐市天山区某街1号", "新疆维吾尔自治区乌鲁木齐市天山区***"),
            ("滨海县五汛镇", "滨海县五汛镇"),
            ("中山路18号华侨城区", "***"),
            ("天元小区5幢502室", "***"),
            ("12 Main Street", "***"),
            ("", ""),
        ] {
            assert_eq!(mask_address(text), masked, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_wrong_character_of_a_social_credit_code_is_refused(body in "[0-9A-HJ-NPQRTUWXY]{17}", at in 0_usize..18) {
            let check = USCC_ALPHABET.iter().map(|b| char::from(*b)).find(|c| uscc(&format!("{body}{c}")).is_ok()).unwrap();
            let code = format!("{body}{check}");
            for other in USCC_ALPHABET.iter().filter(|other| **other != code.as_bytes()[at]) {
                let mut wrong = code.clone().into_bytes();
                wrong[at] = *other;
                prop_assert!(uscc(&String::from_utf8(wrong).unwrap()).is_err());
            }
        }

        #[test]
        fn every_wrong_digit_of_a_resident_id_is_refused(
            year in 1900..2030, month in 1..=12, day in 1..=28, serial in 0..1000, at in 0_usize..18,
        ) {
            let body = format!("320105{year}{month:02}{day:02}{serial:03}");
            let valid: Vec<String> =
                "0123456789X".chars().map(|c| format!("{body}{c}")).filter(|id| resident_id(id).is_ok()).collect();
            prop_assert_eq!(valid.len(), 1);
            let right = valid[0].as_bytes();
            for other in b"0123456789X".iter().filter(|other| **other != right[at]) {
                let mut wrong = right.to_vec();
                wrong[at] = *other;
                prop_assert!(resident_id(&String::from_utf8(wrong).unwrap()).is_err());
            }
        }

        #[test]
        fn what_is_read_reads_itself(text in "[+0-9]{7,16}") {
            if let Ok(e164) = phone(&text) {
                prop_assert!(e164.starts_with('+') && e164.len() <= 16);
                prop_assert_eq!(phone(&e164), Ok(e164));
            }
        }

        #[test]
        fn masks_take_any_text(text in any::<String>()) {
            for mask in [mask_phone, mask_name, mask_id, mask_email, mask_address] {
                mask(&text);
            }
            let _ = (phone(&text), uscc(&text), resident_id(&text), email(&text));
        }

        #[test]
        fn a_masked_number_hides_four_digits(digits in "[+]?[0-9]{0,16}") {
            let shown = mask_phone(&digits).chars().filter(char::is_ascii_digit).count();
            prop_assert!(shown <= 7 && shown + 4 <= digits.len().max(4) + 1);
            prop_assert!(mask_phone(&digits).contains("****"));
        }

        #[test]
        fn nothing_after_the_first_digit_of_an_address_is_shown(place in "[一-龥]{0,20}", rest in "[一-龥省市区县]{0,20}") {
            let masked = mask_address(&format!("{place}1{rest}"));
            prop_assert!(masked.ends_with("***") && !masked.contains('1'));
        }
    }
}
