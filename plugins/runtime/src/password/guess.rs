//! How many bits it takes to guess a password that is made of common parts.
//!
//! A list of common passwords cannot be long enough at fifteen characters: people double a word, append a year, walk
//! along the keyboard. So the committed list (`common.txt`) holds what passwords are *made of*, and this
//! file finds the cheapest way to spell the whole password with such parts. Each part costs the bits that it takes to
//! name it; the password costs their sum. The idea of a cheapest cover by dictionary words, sequences, keyboard walks,
//! dates and repetitions is that of zxcvbn (D. L. Wheeler, USENIX Security 2016); the costs here are counted from our
//! own list and rules, and are deliberately coarse.
//!
//! Only the whole password counts, as NIST SP 800-63B-4 3.1.1.2 wants: a common word inside a longer, uncommon
//! one is no fault, and there are no composition rules.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use zeroize::Zeroizing;

/// Costs in tenths of a bit, so that a digit (log2 10 = 3.3) can be told from four.
pub(super) type Cost = u32;

/// At and above this cost a password is not common: 30 bits, 10^9 guesses. Two common words with a year stay below,
/// three words reach it. Far beyond what throttling lets anybody try online (NIST SP 800-63B-4 3.2.2: 100 attempts).
pub(super) const COMMON_BELOW: Cost = 300;

/// A repeated unit shorter than this adds nothing however often it is repeated: characters. The shortest password that
/// NIST and ASVS allow at all has eight.
const SHORT_UNIT: usize = 8;

/// Where old password fields cut: characters.
const EIGHT: usize = 8;

/// A word of the list's first tier: 2^6 is about its size.
const FIRST_TIER: Cost = 60;
/// A word of the second tier: 2^11 to 2^13 is its size, and it is not used evenly.
const SECOND_TIER: Cost = 110;
/// Reversing a word, or writing it with digits and signs.
const TWIST: Cost = 10;
/// A part of a line of [`LINES`]: which line, where, how long, which direction.
const RUN: Cost = 60;
/// The same when the part before was one too.
const NEXT_RUN: Cost = 30;
/// Something that stood before, again.
const AGAIN: Cost = 40;
/// A year from 1900 to 2099: log2 200 is 7.6, recent ones are likelier.
const YEAR: Cost = 70;
/// A day of one hundred years: log2 36525 is 15.2.
const DATE: Cost = 150;
/// One digit: log2 10.
const DIGIT: Cost = 33;
/// One letter of the Latin alphabet, seldom chosen at random: log2 26 is 4.7.
const LETTER: Cost = 50;
/// One sign or space, most often one of a dozen.
const SIGN: Cost = 40;
/// One character of anything else: log2 256.
const OTHER: Cost = 80;
/// Writing the same words with one of four separators between them.
const SEPARATED: Cost = 40;

/// What fingers and counting run along: alphabets, digits, the rows, columns and zigzags of keyboards.
#[rustfmt::skip]
const LINES: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "01234567890123456789",
    "98765432109876543210",
    "0102030405060708091011121314151617181920",
    "02468", "13579", "147258369", "159357", "963852741", "789456123", "456789", "321654987",
    "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "`1234567890-=", "~!@#$%^&*()_+",
    "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
    "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol.", "0p;/", "!qaz", "@wsx", "#edc", "$rfv",
    "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "1a2b3c4d5e6f7g8h9i0j", "a1b2c3d4e5f6g7h8i9j0",
    "a1s2d3f4g5h6j7k8l9", "1a2s3d4f5g6h7j8k9l", "z1x2c3v4b5n6m7", "1z2x3c4v5b6n7m", "12qwaszx", "qwaszxerdfcvtyghbn", "12qw34er56ty78ui90op",
    "qweasdzxc", "qawsedrftgyhujikolp", "azsxdcfvgbhnjmk,l.", "aqswdefrgthyjukilo", "qazwsxedcrfvtgbyhnujmikolp",
    "aabbccddeeffgghhiijjkkllmmnnooppqqrrssttuuvvwwxxyyzz", "11223344556677889900",
    "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю", "абвгдежзиклмнопрстуфхцчшщ",
];

/// What is the same in many writings, so that lists need one: compatibility forms, case, and the accent of a Latin
/// letter taken off. Nothing else is left out: a password of signs that nobody knows is no empty one.
pub(super) fn fold(text: &str) -> Zeroizing<String> {
    // No character decomposes to more than twelve times its bytes; growing would leave unwiped copies behind.
    let mut folded = Zeroizing::new(String::with_capacity(12 * text.len()));
    let mut bare_letter = false;
    let kept = text.nfkd().flat_map(char::to_lowercase).filter(|c| {
        let is_accent = bare_letter && is_combining_mark(*c);
        bare_letter = c.is_ascii_alphabetic();
        !is_accent
    });
    folded.extend(kept.nfc());
    folded
}

/// The folded text with digits and signs read as the letters that they stand for. Byte for byte as long.
pub(super) fn unleeted(folded: &str, one: char) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(folded.len()));
    out.extend(folded.chars().map(|c| match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        c => c,
    }));
    out
}

/// Words that are cheap to name, forwards and backwards.
#[derive(Clone, Default)]
pub(super) struct Words {
    costs: BTreeMap<String, Cost>,
    longest: usize,
}

impl Words {
    /// The committed list.
    pub(super) fn common() -> &'static Self {
        static WORDS: OnceLock<Words> = OnceLock::new();
        WORDS.get_or_init(|| {
            let mut words = Words::default();
            let mut cost = SECOND_TIER;
            for line in include_str!("common.txt")
                .lines()
                .filter(|line| !line.starts_with('#'))
            {
                match line {
                    "[tier 1]" => cost = FIRST_TIER,
                    "[tier 2]" => cost = SECOND_TIER,
                    line => line
                        .split_whitespace()
                        .for_each(|word| words.add_as_cut_or_typed(word, cost)),
                }
            }
            words
        })
    }

    /// Adds a word, what is left of it where a field took eight characters, and a Cyrillic one as it comes out of a
    /// keyboard that is set to Latin.
    fn add_as_cut_or_typed(&mut self, word: &str, cost: Cost) {
        self.add(word, cost);
        if let Some((at, _)) = word.char_indices().nth(EIGHT) {
            self.add(word.get(..at).unwrap_or(word), cost + TWIST);
        }
        let typed: Option<String> = word.chars().map(typed_on_latin).collect();
        if let Some(typed) = typed {
            self.add(&typed, cost);
        }
    }

    /// Adds a folded word and its reverse.
    pub(super) fn add(&mut self, word: &str, cost: Cost) {
        let reversed: String = word.chars().rev().collect();
        for (word, cost) in [(word.to_owned(), cost), (reversed, cost + TWIST)] {
            self.longest = self.longest.max(word.len());
            let known = self.costs.entry(word).or_insert(cost);
            *known = cost.min(*known);
        }
    }

    fn cost(&self, word: &str) -> Option<Cost> {
        self.costs.get(word).copied()
    }
}

/// The cost of a folded password with the words given; [`COMMON_BELOW`] decides.
pub(super) fn cost(folded: &str, words: &[&Words]) -> Cost {
    let mut least = spell(folded, words);
    for separator in [' ', '-', '_', '.']
        .into_iter()
        .filter(|separator| folded.contains(*separator))
    {
        let mut joined = Zeroizing::new(String::with_capacity(folded.len()));
        joined.extend(folded.chars().filter(|c| *c != separator));
        if !joined.is_empty() {
            least = least.min(spell(&joined, words) + SEPARATED);
        }
    }
    least
}

/// The cheapest spelling. `best[i]` is the cost of the first `i` characters, by whether the last part was a run.
fn spell(text: &str, words: &[&Words]) -> Cost {
    let chars: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    if let Some(unit) = shortest_unit(&chars).filter(|unit| *unit < SHORT_UNIT && 2 * unit <= chars.len()) {
        return AGAIN + Cost::try_from(unit).unwrap_or(0);
    }
    let starts: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let mut readings = vec![(Zeroizing::new(text.to_owned()), 0)];
    for reading in [unleeted(text, 'i'), unleeted(text, 'l')] {
        if readings.iter().all(|(known, _)| *known != reading) {
            readings.push((reading, TWIST));
        }
    }
    let again = longest_repeats(&chars);
    let mut best = vec![[Cost::MAX; 2]; chars.len() + 1];
    if let Some(first) = best.first_mut() {
        *first = [0, Cost::MAX];
    }
    for at in 0..chars.len() {
        let Some(&[plain, run]) = best.get(at) else { break };
        let here = plain.min(run);
        let mut reach = |len: usize, cost: Cost, is_run: bool| {
            if let Some(there) = best
                .get_mut(at + len)
                .and_then(|two| two.get_mut(usize::from(is_run)))
            {
                *there = cost.min(*there);
            }
        };
        let rest = chars.get(at..).unwrap_or_default();
        if let Some(&c) = rest.first() {
            reach(1, here.saturating_add(single(c)), false);
        }
        for len in 3..=again.get(at).copied().unwrap_or(0) {
            reach(len, here.saturating_add(AGAIN), false);
        }
        for len in 3..=longest_run(rest) {
            let after_run = run.saturating_add(NEXT_RUN);
            reach(len, after_run.min(plain.saturating_add(RUN)), true);
        }
        for (len, cost) in [(4, YEAR), (6, DATE), (8, DATE)] {
            if rest.get(..len).is_some_and(is_calendar) {
                reach(len, here.saturating_add(cost), false);
            }
        }
        for (reading, twist) in &readings {
            for words in words {
                for len in 2..=rest.len() {
                    let (Some(&from), Some(&to)) = (starts.get(at), starts.get(at + len)) else {
                        break;
                    };
                    if to - from > words.longest {
                        break;
                    }
                    if let Some(cost) = reading.get(from..to).and_then(|word| words.cost(word)) {
                        reach(len, here.saturating_add(cost + twist), false);
                    }
                }
            }
        }
    }
    best.last().map_or(0, |[plain, run]| *plain.min(run))
}

fn single(c: char) -> Cost {
    match c {
        '0'..='9' => DIGIT,
        'a'..='z' => LETTER,
        c if c.is_ascii() => SIGN,
        _ => OTHER,
    }
}

/// How far the text runs along one of the lines in either direction, or stays on one character; 0 where it is less
/// than three characters.
fn longest_run(text: &[char]) -> usize {
    let Some(&[a, b, c]) = text.first_chunk::<3>() else {
        return 0;
    };
    let same = text.iter().take_while(|next| **next == a).count();
    let places = lines().places.get(&[a, b, c]).map_or(&[][..], Vec::as_slice);
    let along = |&(line, from): &(usize, usize)| {
        let line = lines().lines.get(line).map_or(&[][..], Vec::as_slice);
        line.iter()
            .skip(from)
            .zip(text)
            .take_while(|(a, b)| a == b)
            .count()
    };
    let run = places.iter().map(along).max().unwrap_or(0);
    if same < 3 { run } else { run.max(same) }
}

/// The lines in both directions, and where each three characters stand in them.
struct Lines {
    lines: Vec<Vec<char>>,
    places: BTreeMap<[char; 3], Vec<(usize, usize)>>,
}

fn lines() -> &'static Lines {
    static BOTH_WAYS: OnceLock<Lines> = OnceLock::new();
    BOTH_WAYS.get_or_init(|| {
        let forwards = LINES.iter().map(|line| line.chars().collect());
        let backwards = LINES.iter().map(|line| line.chars().rev().collect());
        let lines: Vec<Vec<char>> = forwards.chain(backwards).collect();
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (line, chars) in lines.iter().enumerate() {
            for (from, three) in chars.array_windows::<3>().enumerate() {
                places.entry(*three).or_default().push((line, from));
            }
        }
        Lines { lines, places }
    })
}

/// The key of a Russian keyboard, by its Latin letter. The letters of both stand in the order of the keys.
fn typed_on_latin(c: char) -> Option<char> {
    const RUSSIAN: &str = "йцукенгшщзхъфывапролджэячсмитьбюё";
    const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";
    RUSSIAN
        .chars()
        .zip(LATIN.chars())
        .find(|(russian, _)| *russian == c)
        .map(|(_, latin)| latin)
}

/// For each position, the longest text from there that also begins earlier; it may run into itself.
fn longest_repeats(text: &[char]) -> Vec<usize> {
    let mut longest = vec![0; text.len()];
    // Before the round of `at`, lengths[k] is how far the texts from `k` and from `at + 1` agree.
    let mut lengths = vec![0usize; text.len() + 1];
    for at in (0..text.len()).rev() {
        for earlier in 0..at {
            let common = if text.get(earlier) == text.get(at) {
                lengths.get(earlier + 1).copied().unwrap_or(0) + 1
            } else {
                0
            };
            if let Some(length) = lengths.get_mut(earlier) {
                *length = common;
            }
            if let Some(most) = longest.get_mut(at) {
                *most = common.max(*most);
            }
        }
    }
    longest
}

/// The length of the shortest unit that the text repeats, the last time perhaps in part.
fn shortest_unit(text: &[char]) -> Option<usize> {
    (1..=text.len()).find(|unit| text.iter().zip(text.iter().skip(*unit)).all(|(a, b)| a == b))
}

/// Four digits that are a year, or six or eight that are a day in one of the usual orders.
fn is_calendar(digits: &[char]) -> bool {
    let Some(digits) = digits
        .iter()
        .map(|c| c.to_digit(10))
        .collect::<Option<Vec<u32>>>()
    else {
        return false;
    };
    let number = |from: usize, len: usize| {
        digits
            .iter()
            .skip(from)
            .take(len)
            .fold(0, |n, digit| 10 * n + digit)
    };
    let is_year = |from: usize| (1900..2100).contains(&number(from, 4));
    let is_day_month = |from: usize| {
        let (a, b) = (number(from, 2), number(from + 2, 2));
        (1..=31).contains(&a) && (1..=12).contains(&b) || (1..=12).contains(&a) && (1..=31).contains(&b)
    };
    match digits.len() {
        4 => is_year(0),
        6 => is_day_month(0) || is_day_month(2),
        8 => is_year(4) && is_day_month(0) || is_year(0) && is_day_month(4),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
