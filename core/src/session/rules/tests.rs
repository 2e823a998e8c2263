//! Every rule at its boundary, on a row at generation 2.

use super::*;
use crate::error::Result;
use crate::id::{SignInId, UserId};
use crate::rng::Random;
use crate::store::EndReason;
use AccessVerdict as A;
use Over::{Ended, Expired};
use Verdict::{Exchange, Forked, Invalid, Replay, Same, SignedOut, Successor};

const GRACE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_hours(1);
/// Confirmation of the current generation; all times of the tables are microseconds after it.
const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);
const GRACE_US: i64 = 30_000_000;
const HOUR_US: i64 = 3_600_000_000;

struct Fixed(u8);

impl Random for Fixed {
    fn fill(&self, into: &mut [u8]) -> Result<()> {
        into.fill(self.0);
        Ok(())
    }
}

/// Generations 0 to 4 of one sign-in.
fn generations(seed: u8) -> Vec<RefreshToken> {
    let first = RefreshToken::first(SignInId::from_bytes([1; 16]), &Fixed(seed)).unwrap();
    let next = |token: &RefreshToken| Some(token.successor(&[5; 32]).unwrap());
    std::iter::successors(Some(first), next).take(5).collect()
}

/// The presented generation, family and secret may each come from somewhere else.
fn forged(generation: u32, family: &RefreshToken, secret: u8) -> RefreshToken {
    use base64::Engine;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut bytes = engine.decode(&family.text().expose()[4..]).unwrap();
    bytes[16..20].copy_from_slice(&generation.to_be_bytes());
    bytes[36..].fill(secret);
    RefreshToken::parse(format!("dwr_{}", engine.encode(bytes)).as_bytes()).unwrap()
}

fn row(tokens: &[RefreshToken]) -> SignIn {
    let access = |token: &RefreshToken| Some(token.access().unwrap().hash());
    SignIn {
        id: tokens[2].id(),
        user_id: UserId::from_bytes([2; 16]),
        epoch: 7,
        generation: 2,
        family_hash: tokens[2].family_hash(),
        salt: Some([1; 32]),
        refresh_hash: Some(tokens[2].hash()),
        access_hash: access(&tokens[2]),
        access_expires_at: START.plus(2 * HOUR),
        previous_refresh_hash: Some(tokens[1].hash()),
        previous_access_hash: access(&tokens[1]),
        previous_access_expires_at: Some(START.plus(HOUR)),
        confirmed_at: Some(START),
        idle_expires_at: START.plus(3 * HOUR),
        absolute_expires_at: START.plus(4 * HOUR),
        access_ttl: HOUR,
        idle_ttl: HOUR,
        persistent: true,
        authenticated_at: START,
        factors: "[]".into(),
        attributes: "{}".into(),
        version: 1,
        agent: String::new(),
        address: String::new(),
        replaces: None,
        created_at: START,
        last_seen_at: START,
        ended_at: None,
        end_reason: None,
    }
}

fn user() -> User {
    User {
        id: UserId::from_bytes([2; 16]),
        realm: String::new(),
        attributes: "{}".into(),
        version: 1,
        session_epoch: 7,
        disabled_at: None,
        created_at: START,
        updated_at: START,
    }
}

fn moment(now: Timestamp) -> Moment {
    Moment {
        now,
        grace: GRACE,
        stepped: false,
    }
}

type Change = fn(&mut SignIn, &mut User);

const AS_IS: Change = |_, _| {};
const UNCONFIRMED: Change = |row, _| row.confirmed_at = None;
const ENDED: Change = |row, _| {
    (row.ended_at, row.end_reason) = (Some(START), Some(EndReason::Cap));
    (row.refresh_hash, row.access_hash) = (None, None);
    (row.previous_refresh_hash, row.previous_access_hash) = (None, None);
};
const DISABLED: Change = |_, user| user.disabled_at = Some(START);
const OTHER_EPOCH: Change = |_, user| user.session_epoch = 8;
const LONG_IDLE: Change = |row, _| row.idle_expires_at = START.plus(9 * HOUR);
const NO_PREVIOUS: Change = |row, _| (row.previous_refresh_hash, row.previous_access_hash) = (None, None);

#[test]
fn refresh_tokens_are_judged_by_the_numbered_rules() {
    let ours = generations(1);
    let theirs = generations(2);
    let token = |generation: usize| ours[generation].clone();
    let cap = Ended(EndReason::Cap);
    let day = 24 * HOUR_US;
    #[rustfmt::skip]
    let table: Vec<(&str, RefreshToken, Change, i64, Verdict)> = vec![
        // Rule 1: not live; the reason only for the family.
        ("ended", token(2), ENDED, 0, SignedOut(Some(cap))),
        ("ended, old generation", token(0), ENDED, 0, SignedOut(Some(cap))),
        ("ended, newer generation", token(4), ENDED, 0, SignedOut(Some(cap))),
        ("ended, other family", theirs[2].clone(), ENDED, 0, SignedOut(None)),
        ("disabled", token(2), DISABLED, 0, SignedOut(Some(Ended(EndReason::UserDisabled)))),
        ("other epoch", token(2), OTHER_EPOCH, 0, SignedOut(Some(Ended(EndReason::CredentialsChanged)))),
        ("before the idle end", token(2), AS_IS, 3 * HOUR_US - 1, Exchange),
        ("at the idle end", token(2), AS_IS, 3 * HOUR_US, SignedOut(Some(Expired))),
        ("after the idle end", token(2), AS_IS, 3 * HOUR_US + 1, SignedOut(Some(Expired))),
        ("before the absolute end", token(2), LONG_IDLE, 4 * HOUR_US - 1, Exchange),
        ("at the absolute end", token(2), LONG_IDLE, 4 * HOUR_US, SignedOut(Some(Expired))),
        ("a replay on a dead row ends nothing", token(0), AS_IS, 3 * HOUR_US, SignedOut(Some(Expired))),
        // Rule 2: current.
        ("current, first grace", token(2), AS_IS, 0, Same),
        ("current, last of grace", token(2), AS_IS, GRACE_US - 1, Same),
        ("current, at grace", token(2), AS_IS, GRACE_US, Exchange),
        ("current, after grace", token(2), AS_IS, GRACE_US + 1, Exchange),
        ("current, unconfirmed for long", token(2), UNCONFIRMED, 2 * HOUR_US, Same),
        ("current, our clock behind", token(2), AS_IS, -day, Same),
        // Rule 3: previous while settling.
        ("previous, first grace", token(1), AS_IS, 0, Successor),
        ("previous, last of grace", token(1), AS_IS, GRACE_US - 1, Successor),
        ("previous, unconfirmed for long", token(1), UNCONFIRMED, 2 * HOUR_US, Successor),
        // Rule 4: older.
        ("previous, at grace", token(1), AS_IS, GRACE_US, Replay),
        ("previous, after grace", token(1), AS_IS, GRACE_US + 1, Replay),
        ("previous, other secret", forged(1, &ours[1], 9), AS_IS, 0, Replay),
        ("previous, row without hash", token(1), NO_PREVIOUS, 0, Replay),
        ("two behind, settling", token(0), AS_IS, 0, Replay),
        ("two behind, unconfirmed", token(0), UNCONFIRMED, 0, Replay),
        ("two behind, settled", token(0), AS_IS, HOUR_US, Replay),
        // Rule 5: ours, and unknown to the row.
        ("current, other secret", forged(2, &ours[2], 9), AS_IS, 0, Forked),
        ("newer", token(3), AS_IS, 0, Forked),
        ("much newer", token(4), UNCONFIRMED, HOUR_US, Forked),
        ("newest of all", forged(u32::MAX, &ours[2], 9), AS_IS, 0, Forked),
        // Rule 6: whatever the generation and the time, without the family nothing happens.
        ("other family, older", theirs[0].clone(), AS_IS, 0, Invalid),
        ("other family, previous", theirs[1].clone(), AS_IS, HOUR_US, Invalid),
        ("other family, current", theirs[2].clone(), AS_IS, HOUR_US, Invalid),
        ("other family, newer", theirs[3].clone(), UNCONFIRMED, 0, Invalid),
    ];
    for (name, token, change, at, verdict) in table {
        let (mut row, mut user) = (row(&ours), user());
        change(&mut row, &mut user);
        let now = Timestamp::from_micros(START.as_micros() + at);
        assert_eq!(judge(&row, &user, &token, moment(now)), verdict, "{name}");
    }
}

#[test]
fn after_a_step_of_the_clock_the_previous_generation_is_taken_to_be_settling() {
    let ours = generations(1);
    let judged = |token: &RefreshToken, row: &SignIn, stepped| {
        let now = START.plus(2 * HOUR);
        judge(
            row,
            &user(),
            token,
            Moment {
                stepped,
                ..moment(now)
            },
        )
    };
    for (name, token, change, steady, stepped) in [
        ("previous", ours[1].clone(), AS_IS, Replay, Successor),
        (
            "previous, other secret",
            forged(1, &ours[1], 9),
            AS_IS,
            Replay,
            Replay,
        ),
        (
            "previous, ended",
            ours[1].clone(),
            ENDED,
            SignedOut(Some(Ended(EndReason::Cap))),
            SignedOut(Some(Ended(EndReason::Cap))),
        ),
        ("two behind", ours[0].clone(), AS_IS, Replay, Replay),
        ("current", ours[2].clone(), AS_IS, Exchange, Exchange),
        ("newer", ours[3].clone(), AS_IS, Forked, Forked),
    ] {
        let mut row = row(&ours);
        change(&mut row, &mut user());
        assert_eq!(judged(&token, &row, false), steady, "{name}");
        assert_eq!(judged(&token, &row, true), stepped, "{name}");
    }
    let access = ours[1].access().unwrap();
    for (after, verdict) in [(GRACE_US, A::Previous), (HOUR_US, A::Expired)] {
        let at = Moment {
            stepped: true,
            ..moment(Timestamp::from_micros(START.as_micros() + after))
        };
        assert_eq!(judge_access(&row(&ours), &user(), &access, at), verdict);
    }
}

#[test]
fn generations_are_counted_without_wrapping() {
    let ours = generations(1);
    let at = |generation: u32, confirmed: Option<Timestamp>, token: &RefreshToken| {
        let mut row = row(&ours);
        let current = forged(generation, &ours[0], 5);
        (row.generation, row.confirmed_at) = (generation, confirmed);
        (row.refresh_hash, row.previous_refresh_hash) = (Some(current.hash()), None);
        judge(&row, &user(), token, moment(START.plus(HOUR)))
    };
    let (last, first) = (forged(u32::MAX, &ours[0], 5), forged(0, &ours[0], 5));
    // At the last generation there is no next one; at 0 there is no previous one, and the last is not it.
    assert_eq!(at(u32::MAX, Some(START), &last), SignedOut(Some(Expired)));
    assert_eq!(at(u32::MAX, None, &last), Same);
    assert_eq!(
        at(u32::MAX - 1, Some(START), &forged(u32::MAX - 1, &ours[0], 5)),
        Exchange
    );
    assert_eq!(at(0, Some(START), &last), Forked);
    assert_eq!(at(u32::MAX, None, &first), Replay);
}

#[test]
fn access_tokens_are_accepted_in_their_time_only() {
    let ours = generations(1);
    let theirs = generations(2);
    #[rustfmt::skip]
    let table: Vec<(&str, &RefreshToken, Change, i64, AccessVerdict)> = vec![
        ("current", &ours[2], AS_IS, 0, A::Current),
        ("current, unconfirmed", &ours[2], UNCONFIRMED, HOUR_US, A::Current),
        ("current, last moment", &ours[2], AS_IS, 2 * HOUR_US - 1, A::Current),
        ("current, at its end", &ours[2], AS_IS, 2 * HOUR_US, A::Expired),
        ("current, at the idle end", &ours[2], AS_IS, 3 * HOUR_US, A::Invalid),
        ("previous, settling", &ours[1], AS_IS, GRACE_US - 1, A::Previous),
        ("previous, at grace", &ours[1], AS_IS, GRACE_US, A::Expired),
        ("previous, unconfirmed", &ours[1], UNCONFIRMED, HOUR_US - 1, A::Previous),
        ("previous, at its own end", &ours[1], UNCONFIRMED, HOUR_US, A::Expired),
        ("two behind", &ours[0], UNCONFIRMED, 0, A::Invalid),
        ("newer", &ours[3], AS_IS, 0, A::Invalid),
        ("other secret, current", &theirs[2], AS_IS, 0, A::Invalid),
        ("other secret, previous", &theirs[1], AS_IS, 0, A::Invalid),
        ("ended", &ours[2], ENDED, 0, A::Invalid),
        ("disabled", &ours[2], DISABLED, 0, A::Invalid),
        ("other epoch", &ours[1], OTHER_EPOCH, 0, A::Invalid),
    ];
    for (name, token, change, at, verdict) in table {
        let (mut row, mut user) = (row(&ours), user());
        change(&mut row, &mut user);
        let now = Timestamp::from_micros(START.as_micros() + at);
        let token = token.access().unwrap();
        assert_eq!(judge_access(&row, &user, &token, moment(now)), verdict, "{name}");
    }
}
