//! Tells a stored hash from a password. A program that moves its users in may give their hashes as passwords: then each
//! hash *is* the password, and whoever reads the old database signs in with it.
//!
//! Known are the PHC string format and the hashes of crypt(5), whole. What only begins like one, or has a word more, is a
//! password. The thirteen letters of the first crypt are not told from a word.

/// crypt(5) and its kin: the identifier, and the characters of the last field.
const CRYPT: [(&str, usize); 10] = [
    ("1", 22),
    ("apr1", 22),
    ("md5", 22),
    ("5", 43),
    ("6", 86),
    ("7", 43),
    ("y", 43),
    ("gy", 43),
    ("sm3", 43),
    ("sha1", 28),
];

/// bcrypt: salt and tag in one field.
const BCRYPT: [&str; 5] = ["2", "2a", "2b", "2x", "2y"];
const BCRYPT_LEN: usize = 53;

/// A tag in the PHC string format: characters of 10 to 64 bytes.
const PHC_TAG: std::ops::RangeInclusive<usize> = 14..=88;
/// A salt there: characters of 4 to 64 bytes.
const PHC_SALT: std::ops::RangeInclusive<usize> = 6..=88;

/// True when the whole text is a hash as databases of users keep it.
pub(super) fn is_stored_hash(text: &str) -> bool {
    let Some(fields) = text.strip_prefix('$') else {
        return false;
    };
    let fields: Vec<&str> = fields.split('$').collect();
    is_crypt(&fields) || is_phc(&fields)
}

fn is_crypt(fields: &[&str]) -> bool {
    let (Some((name, rest)), Some(last)) = (fields.split_first(), fields.last()) else {
        return false;
    };
    if BCRYPT.contains(name) {
        return matches!(rest, [cost, _] if cost.len() == 2 && digits(cost)) && is_tag(last, BCRYPT_LEN);
    }
    // The one of Windows: no salt, an empty field, sixteen bytes in hexadecimal.
    if *name == "3" {
        return matches!(rest, ["", tag] if tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    // Solaris writes its rounds into the first field, with a comma, and may leave one empty.
    let name = name.split_once(",rounds=").map_or(*name, |(name, _)| name);
    let Some((_, length)) = CRYPT.into_iter().find(|(known, _)| *known == name) else {
        return false;
    };
    (2..=5).contains(&rest.len())
        && is_tag(last, length)
        && rest.iter().all(|field| field.bytes().all(is_setting))
}

/// `$id[$v=version][$name=value,…]$salt$tag`; passlib leaves the name of the rounds out.
fn is_phc(fields: &[&str]) -> bool {
    let (Some((id, settings)), [.., salt, tag]) = (fields.split_first(), fields) else {
        return false;
    };
    let Some(settings) = settings.len().checked_sub(2).and_then(|end| settings.get(..end)) else {
        return false;
    };
    let is_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let settings_stand = match settings {
        [] => true,
        [one] => is_version(one) || are_parameters(one) || digits(one),
        [version, parameters] => is_version(version) && are_parameters(parameters),
        _ => false,
    };
    (1..=32).contains(&id.len())
        && id.bytes().all(is_id)
        && settings_stand
        && PHC_SALT.contains(&salt.len())
        && salt.bytes().all(is_encoded)
        && PHC_TAG.contains(&tag.trim_end_matches('=').len())
        && tag.trim_end_matches('=').bytes().all(is_encoded)
}

fn is_version(field: &str) -> bool {
    field.strip_prefix("v=").is_some_and(digits)
}

fn are_parameters(field: &str) -> bool {
    field.split(',').all(|one| {
        one.split_once('=').is_some_and(|(name, value)| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !value.is_empty()
                && value.bytes().all(|byte| is_encoded(byte) || byte == b'-')
        })
    })
}

fn digits(field: &str) -> bool {
    !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_tag(field: &str, length: usize) -> bool {
    field.len() == length
        && field
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
}

fn is_setting(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b':' | b';' | b'*' | b'!' | b'\\')
}

/// Base64 of every sort that hashes are written in.
fn is_encoded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each, as its own program writes it.
    const HASHES: [&str; 18] = [
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ",
        "$argon2d$v=19$m=19456,t=2,p=1,keyid=azE$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
        "$pbkdf2-sha512$i=210000,l=64$c2FsdHNhbHQ$dGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndA",
        "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m",
        "$2y$10$.vGA1O9wmRjrwAVXD98HNOgsNpDczlqm3Jq7KnEd1rVAGv3Fykk1a",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$1$3azHgidD$SrJPt7B.9rekpmwJwtON31",
        "$apr1$xxxxxxxx$dxHfLAsjHkDRmG83UXe8K0",
        "$5$MnfsQ4iN$ZMTppKN16y/tIsUYs/obHlhdP.Os80yXhTurpBMUbA5",
        "$6$rounds=5000$usesomesillystri$D4IrlXatmP7rx3P3InaxBeoomnAihCKRVQAr/36eoK4V5dLRxSyYqSNUHTPvWzVoLj4cIpTNXNE0Zp7gVXvFN.",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC",
        "$7$CU..../....6p1VXxKkmGoPAwYXwEWH/$RqrALMjGNVBlPFZcNEaeVsdhRKBMuFcGDH7jJBNdTr/",
        "$sha1$40000$jtNX3nZ2$hBNaIXkt4wBI2o5rsi8KejSjNqIq",
        "$3$$8846f7eaee8fb117ad06bdd830b7586c",
        "$md5,rounds=904$iPPKEBnEkp3JV8uX$$eZcC9oLmKNyPZzDkQ1oIw1",
    ];

    #[test]
    fn every_sort_of_hash_is_known_whole() {
        for hash in HASHES {
            assert!(is_stored_hash(hash), "{hash}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_a_password() {
        for hash in HASHES {
            for near in [
                format!(" {hash}"),
                format!("{hash} "),
                format!("{hash} and a word"),
                format!("my {hash}"),
                format!("{hash}$"),
                hash.replacen('$', "", 1),
                hash.replacen('$', "$$", 1),
                hash.replacen('$', "#", 2),
            ] {
                assert!(!is_stored_hash(&near), "{near}");
            }
        }
        for password in [
            "",
            "$",
            "$$$$$$$$$$$$$$$$$$$$",
            "$correct horse battery staple",
            "$correct$horse$battery$staple",
            "$2b$12$ is how they begin",
            "$argon2id$v=19$m=19456,t=2,p=1$",
            "$6$ costs a coffee $6$ costs a cake",
            "my dollars: $1, $5 and $10 notes",
            "plum tractors hum at noon",
        ] {
            assert!(!is_stored_hash(password), "{password}");
        }
    }
}
