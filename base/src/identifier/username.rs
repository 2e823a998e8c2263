//! The rule `username`.

use unicode_normalization::char::is_combining_mark;
use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

use super::fold::{fold, is_word};
use super::{IdentifierError, MAX_USERNAME_POINTS};

/// Combining marks in a row. Four is the most that a language writes (UTS 39 section 5.4).
const MAX_MARKS: usize = 4;

/// The canonical name. `text` has neither whitespace nor controls.
pub(super) fn canonical(text: &str) -> Result<String, IdentifierError> {
    let name = fold(text)?;
    judge(&name)?;
    Ok(name)
}

fn judge(name: &str) -> Result<(), IdentifierError> {
    if name.is_empty() {
        return Err(IdentifierError::Empty);
    }
    if name.chars().count() > MAX_USERNAME_POINTS {
        return Err(IdentifierError::TooLong {
            limit: MAX_USERNAME_POINTS,
        });
    }
    if name.contains(char::is_whitespace) {
        return Err(IdentifierError::Whitespace);
    }
    if !name
        .chars()
        .all(|character| is_word(character) || matches!(character, '.' | '_' | '-'))
    {
        return Err(IdentifierError::Character);
    }
    let is_edge = |character: char| matches!(character, '.' | '-');
    if name.starts_with(is_edge) || name.ends_with(is_edge) || name.starts_with(is_combining_mark) {
        return Err(IdentifierError::Shape);
    }
    if name
        .split(|character| !is_combining_mark(character))
        .any(|marks| marks.chars().count() > MAX_MARKS)
    {
        return Err(IdentifierError::Shape);
    }
    if !name.check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return Err(IdentifierError::MixedScripts);
    }
    if imitates_ascii(name) {
        return Err(IdentifierError::Imitation);
    }
    Ok(())
}

/// Whether every character beyond ASCII looks like one ASCII character (UTS 39 section 4): `аррӏе`, all Cyrillic, would
/// stand beside `apple`. One letter that does not imitate any makes a name safe; a letter that looks like two, as `æ`
/// does, imitates none.
fn imitates_ascii(name: &str) -> bool {
    let mut foreign = name.chars().filter(|character| !character.is_ascii()).peekable();
    foreign.peek().is_some() && foreign.all(looks_like_one_ascii)
}

fn looks_like_one_ascii(character: char) -> bool {
    let mut buffer = [0; 4];
    let mut prototype = skeleton(character.encode_utf8(&mut buffer));
    prototype.next().is_some_and(|first| first.is_ascii()) && prototype.next().is_none()
}
