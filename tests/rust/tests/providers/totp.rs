//! `totp` beside oathtool (OATH Toolkit) and a phone made of rsvg-convert and zbarimg.

use doorward::{Fields, Outcome};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::world::{World, accepted, challenged, flow, printed, run};

/// `count` codes by oathtool, of consecutive periods beginning with that of `from`.
fn oathtool(algorithm: &str, digits: u8, base32: &str, from: i64, count: usize) -> Vec<String> {
    let arguments = [
        &format!("--totp={algorithm}"),
        &format!("--digits={digits}"),
        &format!("--now=@{from}"),
        &format!("--window={}", count - 1),
        "--base32",
        "-",
    ];
    String::from_utf8(printed("oathtool", &arguments, base32.as_bytes()))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// What a phone reads from the picture.
fn scan(svg: &str) -> String {
    let png = printed("rsvg-convert", &["--zoom=6", "--format=png"], svg.as_bytes());
    let read = printed(
        "zbarimg",
        &[
            "--quiet",
            "--nodbus",
            "--raw",
            "--set",
            "qrcode.enable=1",
            "PNG:-",
        ],
        &png,
    );
    String::from_utf8(read).unwrap().trim_end().to_owned()
}

/// RFC 4648 base32 without padding, bit by bit.
fn base32(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    (0..(bytes.len() * 8).div_ceil(5))
        .map(|symbol| (0..5).fold(0, |value, at| value << 1 | bit(symbol * 5 + at)))
        .map(|value| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(value)]))
        .collect()
}

#[test]
fn oathtool_computes_the_same_codes() {
    let mut compared = 0;
    for (name, algorithm) in [
        ("sha1", Algorithm::Sha1),
        ("sha256", Algorithm::Sha256),
        ("sha512", Algorithm::Sha512),
    ] {
        for digits in 6..=8 {
            for (round, from) in [0, 59, 1_111_111_109, BEGIN, 20_000_000_000]
                .into_iter()
                .enumerate()
            {
                let secret: Vec<u8> = (0..algorithm.secret_len())
                    .map(|index| u8::try_from((index * 41 + round * 89 + usize::from(digits)) % 256).unwrap())
                    .collect();
                for (later, theirs) in (0..).zip(oathtool(name, digits, &base32(&secret), from, 200)) {
                    let step = u64::try_from(from / PERIOD_SECONDS + later).unwrap();
                    let ours = code_at(algorithm, &secret, step, digits);
                    let width = usize::from(digits);
                    assert_eq!(
                        format!("{ours:0width$}"),
                        theirs,
                        "{name} {digits} {from} + {later}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 3 * 3 * 5 * 200);
}

/// The beginning of a period.
const BEGIN: i64 = 1_800_000_000;

#[test]
fn a_scanned_picture_and_oathtool_sign_in() {
    for (algorithm, digits) in [("sha1", 6), ("sha256", 8), ("sha512", 7)] {
        let world = World::with(
            &["totp"],
            &format!(
                "provider.totp.kind = 'totp'\nprovider.totp.config.issuer = 'Käsehaus & Söhne'\n\
                 provider.totp.config.algorithm = '{algorithm}'\nprovider.totp.config.digits = {digits}\n\
                 policy.second_factor = ['totp']\n"
            ),
        );
        let email = "jane.doe+phone@example.org";
        let proof = world.session_proof(&world.sign_up_proved(email));
        let begun = flow(run(world.auth.begin_enrollment("totp", None, Some(&proof))).unwrap());
        let address = scan(&challenged(&begun, "qr_svg"));
        assert_eq!(address, challenged(&begun, "uri"));
        let secret = address
            .split("secret=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        let code = |world: &World| {
            let codes = oathtool(algorithm, digits, secret, world.unix_seconds(), 1);
            Fields::from([("code", codes[0].as_str())])
        };
        accepted(Ok(world.go_on(&begun, code(&world))));
        world.advance(60);
        let asked = flow(world.sign_in(email));
        assert_eq!(accepted(Ok(world.go_on(&asked, code(&world)))).factors().len(), 2);
        let again = flow(world.sign_in(email));
        assert!(
            matches!(world.go_on(&again, code(&world)).outcome, Outcome::Refused(_)),
            "a code is good once"
        );
    }
}
