//! The `doorward` command: what an operator does to a database from a shell.

mod purge;

use std::process::ExitCode;

use doorward::store::StoreStats;
use doorward::{Auth, Config, Fields, UserId};

const USAGE: &str = "\
doorward --config FILE COMMAND

  migrate      bring the database to this release's schema
  agree ITEM   make the database agree with FILE about one item, such as provider/email
  doctor       check configuration, keys, schema, agreement, database and providers
  user reset-factors ID WHY
               take every second factor of a user away, whose own are lost; all sessions end
  user add-address ID PROVIDER ADDRESS
               give a user an address that you have made sure of; all sessions end
  user set-credentials ID PROVIDER NAME
               set the credential NAME (such as password) to the first line of standard input; all sessions end
  purge        remove what has expired, and sign-ins that ended a week ago
  stats        count users, sign-ins and flows; on PostgreSQL an estimate beyond 10,000
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
    User(UserId, ForUser),
}

/// What is done for somebody who is shut out.
enum ForUser {
    AddAddress(String, String),
    ResetFactors(String),
    SetCredentials(String, String),
}

/// Reads `user WHAT ID …`.
fn for_user(words: &[&str]) -> Option<Command> {
    let (id, what) = match words {
        ["reset-factors", id, why] => (id, ForUser::ResetFactors((*why).into())),
        ["add-address", id, provider, address] => {
            (id, ForUser::AddAddress((*provider).into(), (*address).into()))
        }
        ["set-credentials", id, provider, name] => {
            (id, ForUser::SetCredentials((*provider).into(), (*name).into()))
        }
        _ => return None,
    };
    Some(Command::User(UserId::parse(id).ok()?, what))
}

async fn help(auth: &Auth, user: UserId, what: &ForUser) -> Result<String, Box<dyn std::error::Error>> {
    Ok(match what {
        ForUser::AddAddress(provider, address) => {
            auth.add_address(user, provider, address.as_bytes()).await?;
            "the address is the user's\n".into()
        }
        ForUser::ResetFactors(why) => format!("{} gone\n", auth.reset_factors(user, why).await?),
        ForUser::SetCredentials(provider, name) => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            let value = line.trim_end_matches(['\r', '\n']);
            let credentials = Fields::from([(name.as_str(), value)]);
            auth.set_credentials(user, provider, credentials).await?;
            "the credentials are set\n".into()
        }
    })
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
        ["--config", file, "user", rest @ ..] => {
            let Some(command) = for_user(rest) else {
                eprint!("{USAGE}");
                return ExitCode::from(2);
            };
            (*file, command)
        }
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
            Command::Doctor | Command::Purge | Command::Stats | Command::User(..) => auth.start().await?,
        }
        let said = match command {
            Command::Purge => purge::purge(&auth).await?,
            Command::Stats => {
                let StoreStats {
                    users,
                    sign_ins,
                    flows,
                } = auth.stats().await?;
                format!("users {users}\nsign-ins {sign_ins}\nflows {flows}\n")
            }
            Command::User(user, what) => help(&auth, *user, what).await?,
            _ => {
                auth.health().await?;
                let warnings = auth.warnings().await?;
                let mut lines: Vec<String> = warnings.iter().map(|one| format!("warning: {one}")).collect();
                lines
                    .push("configuration, keys, schema, agreement, database and providers are well\n".into());
                lines.join("\n")
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
