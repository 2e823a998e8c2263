use std::collections::BTreeSet;

use super::*;

fn is_common(password: &str) -> bool {
    cost(&fold(password), &[Words::common()]) < COMMON_BELOW
}

#[test]
fn common_passwords_are_recognised_in_every_guise() {
    for password in [
        // repetition
        "aaaaaaaaaaaaaaa",
        "               ",
        "abababababababab",
        "passwordpassword",
        "xk7qpxk7qpxk7qpxk7qp",
        "1212121212121212",
        // sequences and walks
        "123456789012345",
        "abcdefghijklmnop",
        "qwertyuiopasdfg",
        "qwertyuiop[]asdfghjkl;'",
        "1qaz2wsx3edc4rfv5tgb",
        "zaq12wsxcde34rfv",
        "1q2w3e4r5t6y7u8i",
        "azertyuiopqsdfghjklm",
        "147258369147258",
        "poiuytrewqlkjhgfdsa",
        "abc123abc123abc123",
        "йцукенгшщзфывапролд",
        // words, doubled, decorated, reversed, with signs for letters
        "monkey123456789",
        "P@ssw0rd123456!",
        "drowssapdrowssap",
        "PASSWORD-PASSWORD",
        "summer2024!!!!!!",
        "welcomewelcome1",
        "iloveyouforever",
        "I love you forever",
        "letmeinletmein99",
        "Admin1234567890",
        "jennifer19870321",
        "michaeljackson1",
        "correcthorsebatterystaple",
        "tobeornottobethatisthequestion",
        "MayTheForceBeWithYou",
        "dragon dragon dragon",
        "contraseña12345",
        "motdepasse123456",
        "Passwort!Passwort!",
        "ｐａｓｓｗｏｒｄ１２３４５６",
        // numbers
        "00000000",
        "19870321",
        "12121990",
        "20202020",
        "31415926",
    ] {
        assert!(
            is_common(password),
            "{password}: {}",
            cost(&fold(password), &[Words::common()])
        );
    }
}

#[test]
fn ordinary_passphrases_and_generated_passwords_are_not() {
    for password in [
        "seven purple tramcars hum",
        "the kettle sings at noon",
        "my aunt collects fog horns",
        "ring a bell for no reason",
        "wooden spoons never argue",
        "Tuesday is for trombones",
        "zwischen den Hecken wohnt ein Dachs",
        "la lune mange du fromage bleu",
        "el gato no sabe de trenes",
        "quiet-otter-velvet-ladder",
        "orbit lantern cactus waffle",
        "blue whale sings to the harbour",
        "kv9mtq2xlw4zr7p",
        "X3!kvTq9#mLw2$zR",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "nQ7rT2vX9bL4",
        "кот спит на старой крыше",
        "窓の外に小さな鳥がいます",
        "852047193560281",
        "I planted 14 beans; 3 came up.",
    ] {
        assert!(
            !is_common(password),
            "{password}: {}",
            cost(&fold(password), &[Words::common()])
        );
    }
}

const WORDS: &str = "
    password qwerty iloveyou princess monkey dragon sunshine football baseball letmein welcome shadow master
    superman batman michael jennifer jessica ashley daniel charlie jordan hunter andrew thomas robert matthew
    anthony william soccer hockey killer george pepper ginger summer winter cookie chocolate butterfly flower
    angel lovely computer internet whatever starwars pokemon naruto liverpool chelsea arsenal barcelona
    realmadrid mustang ferrari mercedes yamaha samsung google facebook administrator changeme secret freedom
    forever jesus family alexander elizabeth victoria christian nicholas samantha amanda nicole london
    california tequiero bonjour passwort motdepasse loulou schatz carlos alejandro fernando gabriel
";

const ENDINGS: &str = "
    1 12 123 1234 12345 123456 123456789 01 007 69 99 321 777 ! 123! @123 2024 1990 abc xxx
";

/// ASVS 5.0 6.2.4: at least 3000 common passwords that satisfy the length in force, which is 15 or, with a second
/// factor, 8. Nobody ships a leak here; these are the shapes that published analyses of leaks agree on, over words
/// that everybody knows, written down apart from the list that is tested.
#[test]
fn more_than_three_thousand_common_passwords_are_refused_at_each_length() {
    let mut passwords = BTreeSet::new();
    for word in WORDS.split_whitespace() {
        for ending in ENDINGS.split_whitespace().chain([""]) {
            let capital = format!("{}{}", word[..1].to_uppercase(), &word[1..]);
            for stem in [word.to_owned(), capital, word.repeat(2)] {
                passwords.insert(format!("{stem}{ending}"));
            }
            passwords.insert(format!("ilove{word}{ending}"));
            passwords.insert(format!("my{word}{ending}"));
        }
    }
    let refused: BTreeSet<_> = passwords.iter().filter(|password| is_common(password)).collect();
    for least in [8, 15] {
        let long = |password: &&String| password.chars().count() >= least;
        let passed: Vec<_> = passwords
            .iter()
            .filter(long)
            .filter(|p| !refused.contains(p))
            .collect();
        let refused = refused.iter().copied().filter(long).count();
        assert!(refused >= 3000, "only {refused} at {least}");
        // The shapes are common ones: hardly any may slip through.
        assert!(
            passed.len() * 100 <= refused,
            "{} beside {refused} pass at {least}: {passed:?}",
            passed.len()
        );
    }
}

#[test]
fn every_entry_of_the_list_is_folded_and_refused_by_itself() {
    let text = include_str!("../common.txt");
    let entries = text
        .lines()
        .filter(|line| !line.starts_with(['#', '[']))
        .flat_map(str::split_whitespace);
    let mut seen = BTreeSet::new();
    for entry in entries {
        assert_eq!(**fold(entry), *entry, "not folded");
        assert!(seen.insert(entry), "{entry} stands there twice");
        assert!(is_common(entry), "{entry}");
    }
    assert!(seen.len() >= 3000, "{}", seen.len());
}

#[test]
fn folding_takes_case_accents_and_forms_away() {
    for (text, folded) in [
        ("PaSSwörd", "password"),
        ("Ｐ１", "p1"),
        ("İ", "i"),
        ("ﬁre", "fire"),
        ("e\u{301}", "e"),
        ("\0 \t", "\0 \t"),
    ] {
        assert_eq!(**fold(text), *folded);
        assert_eq!(fold(&fold(text)), fold(text), "not idempotent");
    }
}

#[test]
fn repeats_and_units_are_found() {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    assert_eq!(longest_repeats(&chars("abcabcab")), [0, 0, 0, 5, 4, 3, 2, 1]);
    assert_eq!(longest_repeats(&chars("aaaa")), [0, 3, 2, 1]);
    for (text, unit) in [
        ("abcabcab", Some(3)),
        ("aaaa", Some(1)),
        ("abcd", Some(4)),
        ("", None),
    ] {
        assert_eq!(shortest_unit(&chars(text)), unit, "{text}");
    }
}

#[test]
fn calendars_know_their_orders() {
    for (digits, is) in [
        ("1899", false),
        ("1900", true),
        ("2099", true),
        ("2100", false),
        ("31129", false),
        ("311299", true),
        ("991231", true),
        ("993131", false),
        ("31121999", true),
        ("12311999", true),
        ("19991231", true),
        ("19993131", false),
        ("abcd", false),
    ] {
        assert_eq!(is_calendar(&digits.chars().collect::<Vec<_>>()), is, "{digits}");
    }
}
