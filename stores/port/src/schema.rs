//! What a database says of its schema: the version, and the form of the statements that made it.

use crate::{StoreError, StoreResult};

/// The text that stands in the database for a version that these statements make, such as `1 5f0c…`.
pub fn recorded(version: u32, steps: &[&str]) -> String {
    format!("{version} {:016x}", form(steps))
}

/// The version of a recorded text. `current` is what this program writes, with `steps`.
///
/// # Errors
/// `Corrupt`: there is no number in it. `Schema`: it is of the current version and of another form: before the first release
/// the schema changes and its version does not.
pub fn version_of(recorded: &str, current: u32, steps: &[&str]) -> StoreResult<u32> {
    let (version, found) = recorded.split_once(' ').unwrap_or((recorded, ""));
    let version: u32 = (version.parse())
        .map_err(|_| StoreError::Corrupt("the schema version in doorward_meta is not a number".into()))?;
    if version == current && found != format!("{:016x}", form(steps)) {
        return Err(StoreError::Schema(format!(
            "the database has schema {version} in the form of another commit: make it anew, or use that commit"
        )));
    }
    Ok(version)
}

/// FNV-1a, for telling texts apart, not for guarding them.
fn form(steps: &[&str]) -> u64 {
    let bytes = steps.iter().flat_map(|step| step.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_another_form_of_it_refused() {
        let ours = recorded(1, &["CREATE TABLE a (b)"]);
        assert_eq!(version_of(&ours, 1, &["CREATE TABLE a (b)"]).unwrap(), 1);
        assert_eq!(version_of("99", 1, &[]).unwrap(), 99);
        assert_eq!(version_of(&ours, 2, &["CREATE TABLE a (b)", "more"]).unwrap(), 1);
        for other in [recorded(1, &["CREATE TABLE a (c)"]), "1".into(), "1 ".into()] {
            let refused = version_of(&other, 1, &["CREATE TABLE a (b)"]);
            assert!(matches!(refused, Err(StoreError::Schema(_))), "{other}");
        }
        for other in ["", "one", " 1"] {
            assert!(
                matches!(version_of(other, 1, &[]), Err(StoreError::Corrupt(_))),
                "{other}"
            );
        }
    }
}
