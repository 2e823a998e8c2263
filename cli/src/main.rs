//! The `doorward` command: what an operator does to a database from a shell.

use std::process::ExitCode;

use doorward::{Auth, Config};

const USAGE: &str = "\
doorward --config FILE COMMAND

  migrate      bring the database to this release's schema
  agree ITEM   make the database agree with FILE about one item, such as provider/email
  doctor       check configuration, keys, schema, agreement, database and providers
  purge        remove what has expired, and sign-ins that ended a week ago
  stats        count users, sign-ins and flows
  settings     print every setting with its default (needs no FILE)
  plugin       write a provider, and see that it is right: `doorward plugin` says more (needs no FILE)
";

/// What the arguments ask for.
enum Command {
    Agree(String),
    Doctor,
    Migrate,
    Purge,
    Stats,
}

fn main() -> ExitCode {
    // The kit tries plugins in processes of their own, and this program is their host: there is nothing to install.
    if std::env::args().next().as_deref() == Some("doorward-plugin-host") {
        return doorward_plugin_host::run();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (file, command) = match words.as_slice() {
        ["--help" | "-h"] | [] => return say(USAGE),
        ["--version"] => return say(concat!("doorward ", env!("CARGO_PKG_VERSION"), "\n")),
        ["plugin", ..] => return doorward_kit::command(arguments.get(1..).unwrap_or_default()),
        ["settings"] => return say(&doorward::config::reference()),
        ["--config", file, "agree", item] => (*file, Command::Agree((*item).into())),
        ["--config", file, "doctor"] => (*file, Command::Doctor),
        ["--config", file, "migrate"] => (*file, Command::Migrate),
        ["--config", file, "purge"] => (*file, Command::Purge),
        ["--config", file, "stats"] => (*file, Command::Stats),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(file, &command) {
        Ok(said) => say(&said),
        Err(error) => {
            eprintln!("doorward: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(file: &str, command: &Command) -> Result<String, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
    let auth = Auth::open(&Config::from_toml(&text)?)?;
    doorward::block_on(async {
        match command {
            // These two mend what would refuse a start.
            Command::Migrate => {
                auth.migrate().await?;
                return Ok("the schema is of this release\n".into());
            }
            Command::Agree(item) => {
                auth.agree(item).await?;
                return Ok(format!("the database agrees about {item}\n"));
            }
            Command::Doctor | Command::Purge | Command::Stats => auth.start().await?,
        }
        let said = match command {
            Command::Purge => format!("{:?}\n", auth.purge_expired().await?),
            Command::Stats => format!("{:?}\n", auth.stats().await?),
            _ => {
                auth.health().await?;
                "configuration, keys, schema, agreement, database and providers are well\n".into()
            }
        };
        auth.stop().await?;
        Ok(said)
    })
}

fn say(text: &str) -> ExitCode {
    print!("{text}");
    ExitCode::SUCCESS
}
