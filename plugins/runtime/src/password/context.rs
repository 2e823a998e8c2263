//! Words that anybody who knows the user or the service would try first (ASVS 5.0 6.1.2 and 6.2.11).

use super::guess::{self, COMMON_BELOW, Words, unleeted};

/// Bits in tenths for a word of the context: one of a handful, so two bits.
const KNOWN: guess::Cost = 20;

/// The shortest word that counts: characters. Shorter ones stand in everything.
const SHORTEST: usize = 3;

/// Context words: of the service, of one user, or both together.
///
/// From each text given, these are words: the whole, the whole without its signs, an address's part before the `@`,
/// and every piece between signs; of at least three characters, without regard to case and accents.
#[derive(Clone, Default)]
pub struct Context {
    texts: Vec<String>,
    words: Words,
}

impl Context {
    /// The words of these texts: identifiers, the service's name, provider names, whatever is configured.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut context = Self::default();
        for text in texts {
            context.add(text);
        }
        context
    }

    /// These words and those of one more text.
    #[must_use]
    pub fn and(mut self, text: &str) -> Self {
        self.add(text);
        self
    }

    fn add(&mut self, text: &str) {
        let folded = guess::fold(text);
        let local = folded.split_once('@').map_or("", |(local, _)| local);
        let pieces = folded.split(|c: char| !c.is_alphanumeric());
        let joined = [alphanumeric(&folded), alphanumeric(local)];
        for word in [&**folded, local]
            .into_iter()
            .chain(pieces)
            .chain(joined.iter().map(String::as_str))
        {
            if word.chars().count() >= SHORTEST && !self.texts.iter().any(|known| known == word) {
                self.texts.push(word.to_owned());
                self.words.add(word, KNOWN);
            }
        }
    }

    /// True for a folded password that is little more than words of this context: one of them forwards or backwards,
    /// repeated, or with anything but letters before and after; or they and common parts, cheap to guess together.
    pub(super) fn refuses(&self, folded: &str) -> bool {
        if self.texts.is_empty() {
            return false;
        }
        let decorated = [
            folded.to_owned(),
            unleeted(folded, 'i').to_string(),
            unleeted(folded, 'l').to_string(),
        ]
        .map(zeroize::Zeroizing::new);
        if decorated.iter().any(|text| self.is_decorated_word(text)) {
            return true;
        }
        let with = guess::cost(folded, &[Words::common(), &self.words]);
        with < COMMON_BELOW && with < guess::cost(folded, &[Words::common()])
    }

    fn is_decorated_word(&self, text: &str) -> bool {
        let core = text.trim_matches(|c: char| !c.is_alphabetic());
        let joined = zeroize::Zeroizing::new(alphanumeric(core));
        let whole = zeroize::Zeroizing::new(alphanumeric(text));
        self.texts.iter().any(|word| {
            let bare = word.trim_matches(|c: char| !c.is_alphabetic());
            [core, &joined].into_iter().any(|core| repeats(core, bare)) || repeats(&whole, word)
        })
    }
}

/// Says how many there are, not which: they are personal.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("words", &self.texts.len())
            .finish_non_exhaustive()
    }
}

fn alphanumeric(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    out.extend(text.chars().filter(|c| c.is_alphanumeric()));
    out
}

/// True when the text is the word, or its reverse, once or more and nothing else.
fn repeats(text: &str, word: &str) -> bool {
    if word.chars().count() < SHORTEST || text.is_empty() {
        return false;
    }
    let reversed: String = word.chars().rev().collect();
    [word, &reversed]
        .iter()
        .any(|word| text.replace(*word, "").is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(context: &Context, password: &str) -> bool {
        context.refuses(&guess::fold(password))
    }

    /// ASVS 5.0 6.2.11: derivatives of an identifier, as whole passwords.
    #[test]
    fn derivatives_of_an_identifier_are_refused() {
        for identifier in [
            "Greta.Lindqvist@example.org",
            "greta_lindqvist",
            "lindqvist42",
            "Żółwik-7",
        ] {
            let context = Context::of([identifier]);
            let reversed: String = identifier.chars().rev().collect();
            let derived = [
                identifier.to_owned(),
                identifier.to_uppercase(),
                identifier.to_lowercase(),
                reversed,
                format!("{identifier}{identifier}"),
                format!("{identifier}1"),
                format!("{identifier}!2024"),
                format!("{identifier}9071836452"),
                format!("7305{identifier}"),
                format!("  {identifier}...?!"),
                format!("my{identifier}password"),
            ];
            for password in derived {
                assert!(refuses(&context, &password), "{password} for {identifier}");
            }
        }
    }

    #[test]
    fn parts_of_an_address_and_common_writings_are_refused() {
        let context = Context::of(["greta.lindqvist@umbrella-works.example", "Doorward"]);
        for password in [
            "gretalindqvist1987",
            "lindqvistgreta",
            "Gr3ta.L1ndqv1st",
            "tsivqdnil2024",
            "umbrellaworks!!",
            "doorwarddoorward",
            "d00rw4rd-p4ssword",
            "gretagretagreta",
            "ilovegreta12345",
            "umbrella2024",
            "greta@umbrella",
        ] {
            assert!(refuses(&context, password), "{password}");
        }
        for password in [
            "seven purple tramcars hum",
            "greta keeps bees behind the mill",
            "umbrella soup trombone fjord",
            "kV9#mTq2!xLw",
        ] {
            assert!(!refuses(&context, password), "{password}");
        }
    }

    #[test]
    fn without_words_nothing_is_refused() {
        for context in [Context::default(), Context::of(["", "a", "ab", "@", "xy"])] {
            for password in ["password", "abab", "x yy"] {
                assert!(!refuses(&context, password), "{password}");
            }
        }
    }

    #[test]
    fn what_is_merely_common_is_left_to_the_blocklist() {
        let context = Context::of(["greta@example.org"]);
        for password in ["password123", "123456789012345"] {
            assert!(!refuses(&context, password), "{password}");
        }
    }

    #[test]
    fn debug_names_nobody() {
        assert!(!format!("{:?}", Context::of(["greta"])).contains("greta"));
    }
}
