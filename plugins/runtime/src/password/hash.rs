//! Hashing and verifying, with equal work for everybody.
//!
//! Whether a user exists, has a password, or sent far too much must not show in the time that a refusal takes (ASVS
//! 5.0 6.3.8; attacks A01 to A03). So every verification computes: against the stored hash, or else against a decoy at
//! the deployed cost; the verdict that was decided beforehand is returned only afterwards. A stored hash that is cheaper
//! than the deployed cost is made up to the same work.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::MAX_BYTES;
use super::cost::{Cost, Limits};
use super::phc::{Phc, SALT_LEN, TAG_LEN};
use super::place::Place;
use crate::governor::{Arena, Governor, Ticket};
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::keys::KeyRing;
use doorward_base::rng::{self, Random};
use doorward_base::secret::{Secret, equal};

/// How passwords are hashed.
#[derive(Clone, Debug)]
pub struct HasherSettings {
    /// The cost of new hashes. Default [`Cost::DEFAULT`].
    pub cost: Cost,
    /// The floors that stored hashes are held to. Default [`Limits::STANDARD`].
    pub limits: Limits,
    /// The id of the key in the ring whose pepper goes into new hashes (NIST SP 800-63B-4 3.1.1.2: an additional keyed
    /// step, the key stored separately). Default none. Hashes made with another, or without, still verify.
    pub pepper: Option<String>,
}

impl Default for HasherSettings {
    fn default() -> Self {
        Self {
            cost: Cost::DEFAULT,
            limits: Limits::STANDARD,
            pepper: None,
        }
    }
}

/// What a password is verified against.
#[derive(Clone, Copy)]
pub enum Against<'a> {
    /// There is nothing to match: no such user, a user without a password, a disabled user. Takes as long as a wrong
    /// password, and is answered alike.
    Nobody,
    /// The stored PHC string.
    Stored(&'a [u8]),
}

/// The verdict on a password. Everything that could not be decided is an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is the password.
    Matched(Standing),
    /// It is not, or there was none to match.
    Wrong,
}

/// What should happen to a stored hash that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its cost is below the floor: whoever has read it may know the password. Have it changed.
    BelowFloor,
    /// Made as new ones are made.
    Current,
    /// Made at another cost or with another pepper: hash the password again and swap the record.
    Stale,
}

/// Hashes and verifies passwords, by the governor's threads. Cheap to clone.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    place: Place,
    keys: Arc<KeyRing>,
    random: Arc<dyn Random>,
    settings: HasherSettings,
    /// What is verified against where there is nothing: at the deployed cost, peppered as new hashes are.
    decoy: Phc,
}

/// One verification, decided as far as it can be without hashing.
struct Plan {
    target: Phc,
    pepper: Option<Secret>,
    filler: Option<Cost>,
    /// True: the hash is computed for its time alone.
    in_vain: Option<InVain>,
}

enum InVain {
    Wrong,
    Corrupt(Error),
}

impl Hasher {
    /// # Errors
    /// - `KeyMissing`: the ring has no key for `settings.pepper`.
    /// - `Unavailable`: the random source failed.
    pub fn new(
        settings: HasherSettings,
        governor: Governor,
        keys: Arc<KeyRing>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        Self::at(Place::Governed(governor), settings, keys, random)
    }

    /// A hasher for tests: each hash is computed at once, on the thread that asks for it, outside any budget.
    ///
    /// # Errors
    /// What [`Hasher::new`] says.
    pub fn ungoverned(settings: HasherSettings, keys: Arc<KeyRing>, random: Arc<dyn Random>) -> Result<Self> {
        Self::at(Place::Here, settings, keys, random)
    }

    fn at(
        place: Place,
        settings: HasherSettings,
        keys: Arc<KeyRing>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        if let Some(id) = settings.pepper.as_ref().filter(|id| !keys.awaits(id)) {
            keys.pepper(id)?;
        }
        let decoy = Phc {
            cost: settings.cost,
            key_id: settings.pepper.clone(),
            salt: rng::bytes::<SALT_LEN>(&*random)?.to_vec(),
            tag: rng::bytes::<TAG_LEN>(&*random)?.to_vec(),
        };
        Ok(Self(Arc::new(Inner {
            place,
            keys,
            random,
            settings,
            decoy,
        })))
    }

    /// How many hashes may wait.
    pub fn queue(&self) -> usize {
        self.0.place.queue()
    }

    /// Hashes a new password. The ticket gives the PHC string to store.
    ///
    /// `wait` bounds the time until the hash starts. The ticket's errors are those of
    /// [`Governor::submit`], and:
    /// - `InvalidArgument`: longer than [`MAX_BYTES`](super::MAX_BYTES); the policy refuses it before.
    /// - `Unavailable`: the random source failed, or the pepper's key went missing.
    pub fn hash(&self, password: Secret, wait: Duration) -> Ticket<Secret> {
        let prepared = self.0.blank(&password);
        let (mut phc, pepper) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ticket::ready(Err(error)),
        };
        self.0.place.submit(phc.cost.memory_kib(), wait, move |arena| {
            let password = peppered(password, pepper.as_ref())?;
            let mut tag = vec![0; TAG_LEN];
            compute(arena, phc.cost, password.expose(), &phc.salt, &mut tag)?;
            phc.tag = tag;
            Ok(phc.text())
        })
    }

    /// Verifies a password, exactly as received.
    ///
    /// `wait` bounds the time until the work starts. The ticket's errors are those of [`Governor::submit`], and:
    /// - `Corrupt`: what is stored is not a hash that we read. Nobody is let in, and it takes as long as usual.
    /// - `Unavailable`: the hash was made with a pepper whose key is not in the ring; never *wrong*.
    pub fn verify(&self, password: Secret, against: Against<'_>, wait: Duration) -> Ticket<Verdict> {
        let plan = match self.0.plan(&password, against) {
            Ok(plan) => plan,
            Err(error) => return Ticket::ready(Err(error)),
        };
        let settings = self.0.settings.clone();
        self.0.place.submit(plan.memory_kib(), wait, move |arena| {
            let matched = plan.compute(arena, password)?;
            match plan.in_vain {
                Some(InVain::Corrupt(error)) => Err(error),
                None if matched => Ok(Verdict::Matched(standing(&plan.target, &settings))),
                Some(InVain::Wrong) | None => Ok(Verdict::Wrong),
            }
        })
    }

    /// How a stored hash stands next to the ones that are made now. Computes nothing.
    ///
    /// # Errors
    /// `Corrupt`: it is not a hash that we read.
    pub fn standing(&self, stored: &[u8]) -> Result<Standing> {
        Ok(standing(&Phc::parse(stored)?, &self.0.settings))
    }

    /// True when a hash asked for now would find a place in the queue; see [`Governor::has_room`].
    pub fn has_room(&self) -> bool {
        self.0.place.has_room()
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// Which variant, not what it holds.
impl fmt::Debug for Against<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Stored(_) => "Stored(…)",
        })
    }
}

impl Inner {
    /// A hash without its tag, and the pepper that goes in.
    fn blank(&self, password: &Secret) -> Result<(Phc, Option<Secret>)> {
        if password.len() > MAX_BYTES {
            let message = format!("the password has more than {MAX_BYTES} bytes");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let key_id = self.settings.pepper.clone();
        let pepper = self.pepper(key_id.as_deref())?;
        let salt = rng::bytes::<SALT_LEN>(&*self.random)?.to_vec();
        let phc = Phc {
            cost: self.settings.cost,
            key_id,
            salt,
            tag: Vec::new(),
        };
        Ok((phc, pepper))
    }

    fn plan(&self, password: &Secret, against: Against<'_>) -> Result<Plan> {
        let (target, mut in_vain) = match against {
            Against::Nobody => (self.decoy.clone(), Some(InVain::Wrong)),
            Against::Stored(stored) => match Phc::parse(stored) {
                Ok(target) => (target, None),
                Err(error) => (self.decoy.clone(), Some(InVain::Corrupt(error))),
            },
        };
        if password.len() > MAX_BYTES && in_vain.is_none() {
            in_vain = Some(InVain::Wrong); // no such password was ever stored
        }
        let missing = self
            .settings
            .cost
            .work_kib()
            .saturating_sub(target.cost.work_kib());
        Ok(Plan {
            pepper: self.pepper(target.key_id.as_deref())?,
            filler: self.settings.cost.filler(missing),
            target,
            in_vain,
        })
    }

    fn pepper(&self, id: Option<&str>) -> Result<Option<Secret>> {
        let Some(id) = id else { return Ok(None) };
        self.keys.pepper(id).map(Some).map_err(|error| match error.kind() {
            ErrorKind::KeyMissing => Error::new(
                ErrorKind::Unavailable,
                format!("a password was hashed with key \"{id}\", which is not in the key ring: add it to `keys`"),
            ),
            _ => error,
        })
    }
}

impl Plan {
    fn memory_kib(&self) -> u32 {
        self.filler
            .map_or(0, Cost::memory_kib)
            .max(self.target.cost.memory_kib())
    }

    fn compute(&self, arena: &mut Arena, password: Secret) -> Result<bool> {
        // Of more than the limit only as much is hashed as the longest password has; the verdict stands already.
        let password = match password.expose().get(..MAX_BYTES) {
            Some(head) => Secret::from(head),
            None => password,
        };
        let password = peppered(password, self.pepper.as_ref())?;
        let mut tag = Zeroizing::new(vec![0; self.target.tag.len()]);
        compute(
            arena,
            self.target.cost,
            password.expose(),
            &self.target.salt,
            &mut tag,
        )?;
        if let Some(filler) = self.filler {
            let mut thrown_away = Zeroizing::new([0; TAG_LEN]);
            compute(
                arena,
                filler,
                password.expose(),
                &self.target.salt,
                thrown_away.as_mut_slice(),
            )?;
        }
        Ok(equal(&tag, &self.target.tag))
    }
}

fn standing(target: &Phc, settings: &HasherSettings) -> Standing {
    if target.cost.is_below_floor(settings.limits) {
        return Standing::BelowFloor;
    }
    let current = target.cost == settings.cost
        && target.key_id == settings.pepper
        && target.salt.len() >= SALT_LEN
        && target.tag.len() >= TAG_LEN;
    if current {
        Standing::Current
    } else {
        Standing::Stale
    }
}

/// HMAC-SHA-256 of the password under the pepper, or the password itself without one. The label keeps the key's
/// other uses apart.
fn peppered(password: Secret, pepper: Option<&Secret>) -> Result<Secret> {
    let Some(pepper) = pepper else { return Ok(password) };
    let mut mac = Hmac::<Sha256>::new_from_slice(pepper.expose())
        .map_err(|_| Error::new(ErrorKind::Internal, "the pepper cannot be used as a key"))?;
    mac.update(b"doorward password v1\0");
    mac.update(password.expose());
    Ok(Secret::new(mac.finalize().into_bytes().to_vec()))
}

fn compute(arena: &mut Arena, cost: Cost, password: &[u8], salt: &[u8], tag: &mut [u8]) -> Result<()> {
    let failed = |e: argon2::Error| {
        Error::new(
            ErrorKind::Internal,
            format!("Argon2id refused parameters within its limits: {e}"),
        )
    };
    let params =
        Params::new(cost.memory_kib(), cost.passes(), cost.lanes(), Some(tag.len())).map_err(failed)?;
    let blocks = arena.blocks(params.block_count())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, tag, blocks)
        .map_err(failed)
}

#[cfg(test)]
mod tests;
