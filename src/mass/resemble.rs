//! How much texts resemble each other, and which of them belong together. Pure arithmetic, the same on every machine.

use std::collections::BTreeMap;

/// Texts so alike belong together, whatever else is known of them. The cosine of their runs, 0 to 1.
const ALIKE: f64 = 0.2;

/// Texts in which the same thing went wrong belong together from so much on.
const ALIKE_OF_ONE_PROBLEM: f64 = 0.05;

/// A text as it is compared: how often each run of two characters stands in it, damped, at length one.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    runs: BTreeMap<(char, char), f64>,
    problem: Option<String>,
}

impl Sketch {
    /// Of a folded text, with the problem that the classifier told for it.
    pub fn of(folded: &str, problem: Option<String>) -> Self {
        let mut runs: BTreeMap<(char, char), f64> = BTreeMap::new();
        let chars: Vec<char> = folded.chars().collect();
        for pair in chars.windows(2) {
            if let [first, second] = pair
                && first.is_alphabetic()
                && second.is_alphabetic()
            {
                *runs.entry((*first, *second)).or_default() += 1.0;
            }
        }
        for count in runs.values_mut() {
            *count = libm::sqrt(*count);
        }
        let length = libm::sqrt(runs.values().map(|count| count * count).sum());
        for count in runs.values_mut() {
            *count /= length;
        }
        Self { runs, problem }
    }

    /// The cosine, 0 to 1; 0 with a text without runs.
    pub fn likeness(&self, other: &Self) -> f64 {
        let (few, many) = if self.runs.len() < other.runs.len() { (self, other) } else { (other, self) };
        few.runs.iter().filter_map(|(run, count)| Some(count * many.runs.get(run)?)).sum()
    }

    /// The problem that was told for it.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn belongs_to(&self, other: &Self) -> bool {
        let one_problem = self.problem.is_some() && self.problem == other.problem;
        self.likeness(other) >= if one_problem { ALIKE_OF_ONE_PROBLEM } else { ALIKE }
    }
}

/// Which texts belong together, directly or by others between them: their places, each group and the groups in the order of
/// their first.
pub fn together(texts: &[Sketch]) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..texts.len()).collect();
    for (at, text) in texts.iter().enumerate() {
        for (before, other) in texts.iter().enumerate().take(at) {
            let (of, with) = (group[at], group[before]);
            if of != with && text.belongs_to(other) {
                let (kept, gone) = (of.min(with), of.max(with));
                group.iter_mut().filter(|one| **one == gone).for_each(|one| *one = kept);
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, of) in group.into_iter().enumerate() {
        groups.entry(of).or_default().push(at);
    }
    groups.into_values().collect()
}

/// How alike the texts of a group are: the mean over its pairs, 0 to 1; 1 of a single text.
pub fn cohesion(texts: &[&Sketch]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0_u32);
    for (at, text) in texts.iter().enumerate() {
        for other in texts.iter().take(at) {
            sum += text.likeness(other);
            pairs += 1;
        }
    }
    if pairs == 0 { 1.0 } else { sum / f64::from(pairs) }
}

/// A merchant's name without what tells its branches and legal forms apart: `力动健身(江宁店)` and `力动健身有限公司` are both
/// `力动健身`. Empty when nothing is left.
pub fn root_of_name(folded: &str) -> String {
    /// What a name may end in without being another merchant.
    const ENDS: &[&str] = &[
        "股份有限公司",
        "有限责任公司",
        "有限公司",
        "分公司",
        "总公司",
        "公司",
        "旗舰店",
        "专卖店",
        "门店",
        "分店",
        "总店",
        "分校",
        "校区",
        "俱乐部",
        "会所",
        "中心",
        "店",
    ];
    let mut depth = 0_u32;
    let mut bare: String = folded
        .chars()
        .filter(|c| match c {
            '(' | '[' | '【' | '（' => {
                depth += 1;
                false
            }
            ')' | ']' | '】' | '）' => {
                depth = depth.saturating_sub(1);
                false
            }
            c => depth == 0 && c.is_alphanumeric(),
        })
        .collect();
    while let Some(shorter) =
        ENDS.iter().find_map(|end| bare.strip_suffix(end)).filter(|rest| rest.chars().count() >= 3)
    {
        bare.truncate(shorter.len());
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(text: &str, problem: &str) -> Sketch {
        Sketch::of(text, Some(problem.to_owned()).filter(|code| !code.is_empty()))
    }

    #[test]
    fn one_matter_told_in_other_words_belongs_together() {
        let texts = [
            sketch("健身房突然关门，办的年卡还剩十个月，钱退不了", "contract"),
            sketch("去锻炼发现健身房关门了，卡里的钱找不到人退", "contract"),
            sketch("私教课还有二十节，健身房贴了告示停业，教练都走了", "contract"),
            sketch("更衣室地面太滑摔伤了手腕，店里不肯出医药费", "safety"),
        ];
        assert_eq!(together(&texts), [vec![0, 1, 2], vec![3]]);
        let all: Vec<&Sketch> = texts.iter().collect();
        assert!(cohesion(&all[..3]) > cohesion(&all));
    }

    #[test]
    fn a_text_is_like_itself_and_nothing_is_like_an_empty_one() {
        let text = sketch("快递弄丢了包裹，快递公司不赔", "");
        assert!((text.likeness(&text) - 1.0).abs() < 1e-12);
        assert_eq!(text.likeness(&sketch("", "")), 0.0);
        assert_eq!(together(&[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn branches_and_legal_forms_are_one_merchant() {
        for name in ["力动健身(江宁店)", "力动健身（鼓楼店）", "力动健身", "力动健身有限公司", "力动健身 俱乐部"]
        {
            assert_eq!(root_of_name(name), "力动健身", "{name}");
        }
        // What would leave next to nothing is left alone.
        assert_eq!(root_of_name("书店"), "书店");
        assert_eq!(root_of_name("(中心)"), "");
    }
}
