//! Whether a clock tells a known address from an unknown or a disabled one, where no hash hides the rest of the work.
//!
//! Each address is used once, in an order that is drawn, and Welch's t of the times without their slowest twentieth must
//! stay within ±4.5. A planted delay of 30 us for known addresses must be found, and two classes of known ones must not
//! differ: else the machine is too noisy for a verdict. `make timing`; a quiet machine is needed. `timing N` takes N addresses of each class.

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};
use doorward::{Answer, Auth, Config, Fields, NewUserOptions, Outcome, Proof, TokenPurpose, block_on};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Addresses of each class.
const ADDRESSES: usize = 5_000;
/// The bound of leakage tests (TVLA).
const BOUND: f64 = 4.5;
const PLANTED: Duration = Duration::from_micros(30);
/// The control is known, too: what tells it apart is the machine.
const CLASSES: [&str; 4] = ["known", "unknown", "disabled", "control"];
const KNOWN: usize = 0;
const DISABLED: usize = 2;
const CONTROL: usize = 3;
const OPERATIONS: [&str; 5] = [
    "begin code",
    "wrong code",
    "recovery",
    "verify",
    "begin code, planted",
];
/// The last of them.
const PLANTED_BEGIN: usize = OPERATIONS.len() - 1;
const PASSWORD: &str = "correct horse battery";

fn main() -> ExitCode {
    match measure_all() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("timing: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all() -> Result<bool> {
    let count = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => ADDRESSES,
    };
    let folder = std::path::Path::new("/dev/shm").join(format!("doorward-timing-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let on_tmpfs = format!("sqlite:{}", folder.join("doorward.db").display());
    let mut good = true;
    for (engine, database) in [("memory", "memory:"), ("sqlite", &on_tmpfs)] {
        good &= measure(engine, database, count)?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(good)
}

/// All operations on one store; false: one of them tells the classes apart, or the plant is not found.
fn measure(engine: &str, database: &str, count: usize) -> Result<bool> {
    let auth = open(database)?;
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    // Who is made first is drawn, too: what was made after a disabled one lies elsewhere in memory.
    let mut made = [KNOWN, DISABLED, CONTROL];
    for number in 0..count {
        dice.shuffle(&mut made);
        for class in made {
            sign_up(&auth, &address(class, number), class == DISABLED)?;
        }
    }
    let mut times = vec![vec![Vec::with_capacity(count); CLASSES.len()]; OPERATIONS.len()];
    in_drawn_order(&mut dice, count, |class, number| {
        let took = once(&auth, &address(class, number))?;
        for (operation, took) in took.into_iter().enumerate() {
            times[operation][class].push(took.as_secs_f64() * 1e6);
        }
        Ok(())
    })?;
    // Apart: whoever comes after one that has waited finds other things at hand, and that would be others mostly.
    in_drawn_order(&mut dice, count, |class, number| {
        let took = planted(&auth, &address(class, number), class == KNOWN)?;
        times[PLANTED_BEGIN][class].push(took.as_secs_f64() * 1e6);
        Ok(())
    })?;
    let mut good = true;
    for (operation, classes) in OPERATIONS.iter().zip(&mut times) {
        for times in classes.iter_mut() {
            trim(times);
        }
        for class in 1..CLASSES.len() {
            let t = welch(&classes[KNOWN], &classes[class]);
            let planted = operation.ends_with("planted");
            if class == CONTROL && planted {
                continue;
            }
            let right = (t.abs() < BOUND) != planted;
            good &= right;
            println!(
                "{engine:7} {operation:20} {:8.2} us known, {:8.2} us {:8} t = {t:7.2}  {}",
                mean(&classes[KNOWN]),
                mean(&classes[class]),
                CLASSES[class],
                match (right, planted) {
                    (true, _) => "",
                    (false, true) => "the planted 30 us are not found: the machine is too noisy",
                    (false, false) if class == CONTROL => "two known ones differ: the machine is too noisy",
                    (false, false) => "tells them apart",
                }
            );
        }
    }
    block_on(auth.stop())?;
    Ok(good)
}

/// Every number of every class once: a class in an order of its own, for users who were made one after the other have their
/// rows on one page, and the classes in turn, in an order that is drawn anew each time.
fn in_drawn_order(
    dice: &mut Dice,
    count: usize,
    mut each: impl FnMut(usize, usize) -> Result<()>,
) -> Result<()> {
    let mut numbers: Vec<Vec<usize>> = vec![(0..count).collect(); CLASSES.len()];
    for of_class in &mut numbers {
        dice.shuffle(of_class);
    }
    for _ in 0..count {
        let mut order: Vec<usize> = (0..CLASSES.len()).collect();
        dice.shuffle(&mut order);
        for class in order {
            each(class, numbers[class].pop().unwrap_or_default())?;
        }
    }
    Ok(())
}

fn open(database: &str) -> Result<Auth> {
    let plugin = std::env::current_exe()?.with_file_name("libdoorward_email_code.so");
    let config = Config::from_toml(&format!(
        "database = '{database}'\nmigrate = true\npassword.memory_kib = 64\npassword.passes = 1\n\
         password.unsafe_fast_hashes = true\nprovider.email.kind = 'password'\n\
         plugin.email_code.path = '{}'\nprovider.code = {{ kind = 'email_code', rule = 'email' }}\n\
         throttle.enabled = false\n",
        plugin.display()
    ))?;
    let auth = Auth::open(&config)?;
    block_on(auth.start())?;
    Ok(auth)
}

/// Turns that follow no pattern, the same in each run (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// As long for each class, nobody's twice, and no class's beside each other: who is next to an unknown one is anybody.
fn address(class: usize, number: usize) -> String {
    let number = number * CLASSES.len() + class;
    let scattered = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
    format!("{scattered:010x}.{number:08}@example.com")
}

/// The same person's address that has the password: a user of its own, whom no code has warmed.
fn with_password(address: &str) -> String {
    format!("p.{address}")
}

fn sign_up(auth: &Auth, address: &str, disabled: bool) -> Result<()> {
    let options = NewUserOptions::default;
    let with = Fields::from([("password", PASSWORD)]);
    let first =
        block_on(auth.create_user("email", with_password(address).as_bytes(), with, options()))?.require()?;
    let claim = claim(auth, address)?;
    let second = block_on(auth.create_user_from_claim(&claim, options()))?.require()?;
    if disabled {
        block_on(auth.disable_user(first.user_id()))?;
        block_on(auth.disable_user(second.user_id()))?;
    }
    Ok(())
}

/// What a code that was typed right is worth where nobody has the address.
fn claim(auth: &Auth, address: &str) -> Result<Vec<u8>> {
    let begun = begin(auth, address)?;
    let taken = block_on(auth.take_deliveries(10, Duration::from_mins(1)))?;
    for one in &taken {
        block_on(auth.settle_delivery(one.id, one.attempts, doorward::Settlement::Delivered))?;
    }
    let code = taken.iter().rev().find_map(|one| one.params.named("code"));
    let code = code.map(|code| String::from_utf8_lossy(code.expose()).into_owned());
    match answer(auth, &begun, &code.unwrap_or_default())?.outcome {
        Outcome::Unregistered(claim) => Ok(claim.token().expose().to_vec()),
        other => Err(format!("{address}: {other:?}").into()),
    }
}

fn begin(auth: &Auth, address: &str) -> Result<Answer<Proof>> {
    Ok(block_on(auth.authenticate(
        "code",
        Some(address.as_bytes()),
        Fields::default(),
    ))?)
}

fn answer(auth: &Auth, begun: &Answer<Proof>, code: &str) -> Result<Answer<Proof>> {
    let Outcome::Continue(flow) = &begun.outcome else {
        return Err(format!("{begun:?}").into());
    };
    let with = Fields::from([("code", code)]);
    Ok(block_on(auth.continue_flow(flow.token().expose(), None, with))?)
}

/// Each operation once, for one address.
fn once(auth: &Auth, address: &str) -> Result<[Duration; PLANTED_BEGIN]> {
    let (begun, plain) = timed(|| begin(auth, address))?;
    let (_, wrong) = timed(|| answer(auth, &begun, "00000000"))?;
    let with_password = with_password(address);
    let ask = |purpose| {
        timed(|| {
            Ok(block_on(auth.request_token(
                purpose,
                "email",
                with_password.as_bytes(),
                None,
            ))?)
        })
        .map(|(_, took)| took)
    };
    let (recovery, verify) = (ask(TokenPurpose::Recovery)?, ask(TokenPurpose::Verify)?);
    Ok([plain, wrong, recovery, verify])
}

/// Begins once more, and waits before where it has the address.
fn planted(auth: &Auth, address: &str, known: bool) -> Result<Duration> {
    let (_, took) = timed(|| {
        let until = SystemClock.monotonic() + PLANTED;
        while known && SystemClock.monotonic() < until {
            std::hint::spin_loop();
        }
        begin(auth, address)
    })?;
    Ok(took)
}

fn timed<T>(operation: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let begun_at = SystemClock.monotonic();
    let answer = black_box(operation()?);
    Ok((answer, SystemClock.monotonic().saturating_sub(begun_at)))
}

/// Without the slowest twentieth: what the machine did meanwhile.
fn trim(times: &mut Vec<f64>) {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() - times.len() / 20);
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand times")]
fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

/// The square of the mean's standard error.
#[expect(clippy::cast_precision_loss, reason = "a few thousand times")]
fn error(times: &[f64]) -> f64 {
    let mean = mean(times);
    let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
    squares / (times.len() as f64 - 1.0) / times.len() as f64
}

/// Welch's t: how many standard errors the means are apart.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    (mean(one) - mean(other)) / (error(one) + error(other)).sqrt()
}
