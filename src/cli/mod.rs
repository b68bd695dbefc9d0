//! The command line: what an operator does with an installation.
//!
//! Comes in: arguments, the environment, standard input. Goes out: a result on standard output (JSON with `--json`), remarks on
//! standard error, and an exit code: 0 ok, 1 something wrong was found, 2 usage, 78 bad configuration. No rule of the
//! domain stands here. What changes stored data is done by one process at a time ([`data`]): a command that finds a process
//! serving hands its work over to it ([`handover`]).

mod audit;
mod backup;
mod bench;
mod calendar;
mod classify;
mod cost;
mod data;
mod doctor;
mod engine;
mod erase;
mod handover;
mod import;
mod jobs;
mod keys;
mod learn;
mod output;
mod route;
mod serve;
mod tick;
mod users;
mod wire;

use crate::ambient::{OffsetClock, SHANGHAI, SystemEntropy};
use crate::identity::{Hasher, Password, check_policy};
use crate::store::Target;
use clap::{Args, Parser, Subcommand};
use data::DataDir;
use jiff::ToSpan;
use jiff::civil::Date;
use jobs::Work;
use output::{Failure, OK, Outcome, Output, Progress};
use serde_json::json;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use wire::Where;

/// fangxin (放心): takes in consumer complaints, routes them to the office responsible and tracks them to resolution.
#[derive(Parser)]
#[command(name = "fangxin", version, about, propagate_version = false)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Globals {
    /// Settings that replace defaults; see config/default.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of database, attachments, keys and outgoing mail [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// sqlite:PATH or postgres://… [default: SQLite in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// Make the database of sqlite:PATH when it doesn't exist
    #[arg(long, global = true)]
    create: bool,
    /// Write the result as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Address and port to listen on, when serving [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (also without any command)
    Serve {
        /// Address and port to listen on [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
    },
    /// Take in filings from a file: one JSON object a line; what is here already is left alone
    Import {
        /// The file
        file: PathBuf,
        /// Believe the lines' sector and kind
        #[arg(long)]
        trust_labels: bool,
    },
    /// Say which sector a text is about, and why
    Classify {
        /// The text; - or nothing reads it from standard input
        text: Option<String>,
    },
    /// Measure the classifier on labelled texts: lines of {text, sector, accepted, also}
    Evaluate {
        /// The file
        #[arg(required_unless_present = "cost")]
        file: Option<PathBuf>,
        /// Weights to measure instead of those as shipped, as `train --to` writes them
        #[arg(long, value_name = "FILE", conflicts_with = "cost")]
        weights: Option<PathBuf>,
        /// Measure instead what it costs: texts of 120 characters a second on one core, time to load, memory that stays
        #[arg(long, conflicts_with = "file")]
        cost: bool,
    },
    /// Fit a classifier on what staff decided here, hold it against the one in force, and report how the machine's choices did.
    /// With --from and --to: fit on authored texts into a file, and measure on themes left out of the fit
    Train {
        /// Put the new one in force, if it is surely better
        #[arg(long)]
        promote: bool,
        /// Only report how the machine's choices did
        #[arg(long, conflicts_with_all = ["promote", "from", "to"])]
        report: bool,
        /// Put the one before back in force
        #[arg(long, conflicts_with_all = ["promote", "report", "from", "to"])]
        revert: bool,
        /// Folder of authored texts: *.jsonl, lines of {text, sector or not_consumer, theme}
        #[arg(long, value_name = "DIR", requires = "to", conflicts_with = "promote")]
        from: Option<PathBuf>,
        /// File to write the weights to
        #[arg(long, value_name = "FILE", requires = "from")]
        to: Option<PathBuf>,
    },
    /// Copy a stopped installation from SQLite to PostgreSQL and compare every row; one that was cut off goes on
    MigrateEngine {
        /// postgres://… of an empty database
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Ask the routing, and check its data
    Route {
        #[command(subcommand)]
        command: RouteCommand,
    },
    /// Count every figure anew from the cases and compare; exit code 1 when any differs
    Recount {
        /// Write what differs anew
        #[arg(long)]
        repair: bool,
    },
    /// Keep a closed month's figures as they are
    Freeze {
        /// The month, YYYY-MM
        #[arg(value_parser = month)]
        month: Date,
        /// Why, for a revision
        #[arg(long)]
        note: Option<String>,
    },
    /// Write a backup, also while serving; without the keys
    Backup {
        /// A folder that is new or empty
        to: PathBuf,
        /// Write the keys into another new folder; keep it apart
        #[arg(long, value_name = "DIR")]
        with_keys: Option<PathBuf>,
    },
    /// Put a backup into a new data folder (--data), after checking every byte of it
    Restore {
        /// The backup
        from: PathBuf,
        /// Folder of the keys that were kept apart
        #[arg(long, value_name = "DIR")]
        keys: Option<PathBuf>,
    },
    /// Look the installation over; exit code 1 when something must be put right
    Doctor,
    /// The settings and data files
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Accounts of staff
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// The working calendar
    Calendar {
        #[command(subcommand)]
        command: CalendarCommand,
    },
    /// The audit log
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Measure: load made-up cases into an installation of its own (--data), serve it, and ask for what people ask for
    Bench {
        #[command(flatten)]
        sizes: bench::Sizes,
    },
    /// The keys that personal data is sealed with
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Erase the cases whose time of keeping is over and that aren't held; a serving process does it every hour
    Erase {
        /// Only say which
        #[arg(long)]
        dry_run: bool,
        /// As of this day; one in the future only with --dry-run
        #[arg(long, value_name = "YYYY-MM-DD")]
        at: Option<Date>,
    },
    /// Do what is due because time passed; a serving process does it every hour
    Tick {
        /// As of this day; one in the future only for drills (clock.allow_start), when nobody serves
        #[arg(long, value_name = "YYYY-MM-DD")]
        at: Option<Date>,
    },
}

#[derive(Subcommand)]
enum RouteCommand {
    /// Route questions without filing: lines of {text or sector, respondent, division, kind, on}
    Simulate {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// Look for cases that nobody would own; exit code 1 on errors
    Lint {
        /// First day [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<Date>,
        /// Last day [default: a year later]
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: Option<Date>,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check all of it, and show every setting with its origin
    Check,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add an account
    Add {
        /// Name to sign in with
        #[arg(long)]
        username: String,
        /// station, officer, dispatcher, supervisor, auditor or admin
        #[arg(long)]
        role: String,
        /// Code of the office or station
        #[arg(long)]
        unit: Option<String>,
        /// Root of the divisions it sees [default: the unit's]
        #[arg(long)]
        division: Option<String>,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Let somebody whom the sign-in provider knows sign in to an account (see [oidc] of the settings)
    Link {
        /// Its name
        #[arg(long)]
        username: String,
        /// Who it is at the provider: the value of the claim oidc.claim
        #[arg(long)]
        subject: String,
    },
    /// Take every link of an account to the sign-in provider away, and end its sessions
    Unlink {
        /// Its name
        #[arg(long)]
        username: String,
    },
    /// Keep an account from signing in
    Disable {
        /// Its name
        #[arg(long)]
        username: String,
    },
    /// Give an account another password, and enable it; or take its second factor away
    Reset {
        /// Its name
        #[arg(long)]
        username: String,
        /// Read the password from standard input; the second factor stays
        #[arg(long, required_unless_present = "totp", conflicts_with = "totp")]
        password_stdin: bool,
        /// Take its second factor away, and end its sessions: for whoever lost the app and the recovery codes
        #[arg(long)]
        totp: bool,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Go through every chain and name the first entry that was altered, deleted, moved or cut off; exit code 1 when there is one
    Verify,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Show the master keys, and how many data keys of cases each of them wraps
    List,
    /// Make a new master key and wrap every data key anew, also while serving; one that was cut off is finished first
    Rotate,
    /// Take a master key out of the ring that wraps nothing any more
    Retire {
        /// Its id
        id: u32,
    },
    /// Make a new key that signs access tokens, also while serving
    RotateSigning,
    /// Take a signing key out of the ring that no token is signed with any more
    RetireSigning {
        /// Its id
        kid: String,
    },
}

#[derive(Subcommand)]
enum CalendarCommand {
    /// Load a year: lines of date,kind,name; last days that were provisional are counted anew
    Load {
        /// The file
        file: PathBuf,
        /// The year [default: the one most days lie in]
        #[arg(long)]
        year: Option<i16>,
        /// Name that the calendar's version gets [default: the year]
        #[arg(long, value_name = "NAME")]
        version: Option<String>,
    },
}

impl std::fmt::Debug for Cli {
    /// A database's address may hold a password: it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cli")
    }
}

fn month(text: &str) -> Result<Date, String> {
    let parsed = (text.len() == 7).then(|| format!("{text}-01").parse().ok()).flatten();
    parsed.ok_or_else(|| "not a month: YYYY-MM".to_owned())
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    run(Cli::parse())
}

/// Runs a command.
pub fn run(cli: Cli) -> ExitCode {
    let Cli { globals, command } = cli;
    let output = Output { json: globals.json };
    let mut given = Where {
        config: globals.config,
        data: globals.data,
        database: globals.database,
        listen: globals.listen,
        create: globals.create,
    };
    let command = command.unwrap_or(Command::Serve { listen: None });
    if let Command::Serve { listen } = command {
        given.listen = listen.or(given.listen);
        return serve::run(&given, output);
    }
    if given.listen.is_some() {
        return output.end(Err(Failure::usage("--listen is for serving")));
    }
    output.end(once(&given, command, output))
}

/// Runs a command that ends by itself.
fn once(given: &Where, command: Command, output: Output) -> Result<Outcome, Failure> {
    let read = |given: &Where| {
        let settings = wire::settings(given)?;
        let (catalogue, model) = wire::files(&settings)?;
        Ok::<_, Failure>((settings, catalogue, model))
    };
    match command {
        Command::Serve { .. } => Err(Failure::usage("serve doesn't end by itself")),
        Command::Classify { text } => {
            let (_, _, model) = read(given)?;
            let text = match text.filter(|text| text != "-") {
                Some(text) => text,
                None => read_input(Path::new("-"))?,
            };
            classify::classify(&model, &text)
        }
        Command::Evaluate { file: Some(file), weights: None, .. } => classify::evaluate(&read(given)?.2, &file),
        Command::Evaluate { file: Some(file), weights: Some(weights), .. } => {
            classify::evaluate(&classify::with_weights(&read(given)?.2, &weights)?, &file)
        }
        Command::Evaluate { file: None, .. } => cost::measure(&wire::settings(given)?),
        Command::Train { from: Some(from), to: Some(to), .. } => classify::train(&read(given)?.2, &from, &to),
        Command::Train { revert: true, .. } => do_work(given, Work::TrainRevert, output),
        Command::Train { report: true, .. } => do_work(given, Work::TrainReport, output),
        Command::Train { promote, .. } => do_work(given, Work::Train { promote }, output),
        Command::Route { command: RouteCommand::Simulate { file } } => {
            let (settings, catalogue, model) = read(given)?;
            route::simulate(&file, catalogue, &model, route::today(&settings))
        }
        Command::Route { command: RouteCommand::Lint { from, to } } => {
            let (settings, catalogue, _) = read(given)?;
            let from = from.unwrap_or_else(|| route::today(&settings));
            let staffed = wire::staffed(&settings)?;
            route::lint(&catalogue, from, to.unwrap_or_else(|| from.saturating_add(1.year())), staffed.as_ref())
        }
        Command::Config { command: ConfigCommand::Check } => check(given),
        Command::Doctor => {
            let settings = wire::settings(given)?;
            let data = DataDir::at(&settings.paths.data_dir)?;
            Ok(doctor::run(&settings, &data, given.create))
        }
        Command::Restore { from, keys } => {
            let settings = wire::settings(given)?;
            let to = DataDir::at(&settings.paths.data_dir)?;
            let database = match &settings.database.url {
                None => None,
                Some(_) => match wire::target(&settings, &to, true)? {
                    target @ Target::Postgres(_) => Some(target),
                    Target::Sqlite(_) => {
                        return Err(Failure::usage("a restore goes into --data, not into --database sqlite:…"));
                    }
                },
            };
            let restore = backup::Restore { from: &from, to: &to, keys: keys.as_deref(), database: database.as_ref() };
            backup::restore(&restore, &Progress::bar(output))
        }
        Command::Import { file, trust_labels } => {
            do_work(given, Work::Import { file: absolute(&file)?, trust_labels }, output)
        }
        Command::Recount { repair } => do_work(given, Work::Recount { repair }, output),
        Command::Freeze { month, note } => do_work(given, Work::Freeze { month, note }, output),
        Command::Backup { to, with_keys } => {
            let keys_to = with_keys.as_deref().map(absolute).transpose()?;
            do_work(given, Work::Backup { to: absolute(&to)?, keys_to }, output)
        }
        Command::User { command } => do_work(given, user(command)?, output),
        Command::Calendar { command: CalendarCommand::Load { file, year, version } } => {
            let csv = read_input(&file)?;
            do_work(given, Work::CalendarLoad { csv, year, version }, output)
        }
        Command::Audit { command: AuditCommand::Verify } => do_work(given, Work::AuditVerify, output),
        Command::MigrateEngine { to } => engine::migrate(given, &to, output),
        Command::Bench { sizes } => bench::run(given, &sizes, output),
        Command::Keys { command: KeysCommand::RotateSigning } => do_work(given, Work::SigningRotate, output),
        Command::Keys { command: KeysCommand::RetireSigning { kid } } => {
            do_work(given, Work::SigningRetire { kid }, output)
        }
        Command::Keys { command: KeysCommand::List } => do_work(given, Work::KeysList, output),
        Command::Keys { command: KeysCommand::Rotate } => do_work(given, Work::KeysRotate, output),
        Command::Keys { command: KeysCommand::Retire { id } } => do_work(given, Work::KeysRetire { id }, output),
        Command::Erase { dry_run, at } => do_work(given, Work::Erase { dry_run, at }, output),
        Command::Tick { at } => do_work(given, Work::Tick { at }, output),
    }
}

/// Does work that changes what is stored: here, or in the process that serves the data.
fn do_work(given: &Where, work: Work, output: Output) -> Result<Outcome, Failure> {
    let settings = wire::settings(given)?;
    wire::log(&settings, false);
    if !settings.paths.data_dir.exists() {
        // What is wrong in the files is told before anything is written.
        wire::files(&settings)?;
    }
    let data = DataDir::create(&settings.paths.data_dir)?;
    let target = wire::target(&settings, &data, given.create)?;
    let progress = Progress::bar(output);
    let runtime = serve::runtime()?;
    let _lock = match target {
        Target::Postgres(_) => None,
        Target::Sqlite(_) => match data.lock()? {
            Some(lock) => Some(lock),
            None => return runtime.block_on(handover::ask(&data, work, &progress)),
        },
    };
    let clock = match &work {
        // A drill on another day: nobody serves, and the settings allow it.
        Work::Tick { at: Some(at) } if settings.clock.allow_start && *at > route::today(&settings) => {
            let noon = SHANGHAI.to_timestamp(at.at(12, 0, 0, 0)).map_err(|error| Failure::usage(error.to_string()))?;
            Arc::new(OffsetClock::starting_at(noon))
        }
        _ => wire::clock(&settings),
    };
    runtime.block_on(async {
        let app = wire::app(settings, &data, given.create, clock).await?;
        jobs::run(work, &app, &data, &progress).await
    })
}

fn user(command: UserCommand) -> Result<Work, Failure> {
    Ok(match command {
        UserCommand::Add { username, role, unit, division, password_stdin: _ } => {
            users::check_name(&username)?;
            let password_hash = hashed_password(&username)?;
            Work::UserAdd(users::NewUser { username, role, unit, division, password_hash })
        }
        UserCommand::Link { username, subject } => Work::UserLink { username, subject },
        UserCommand::Unlink { username } => Work::UserUnlink { username },
        UserCommand::Disable { username } => Work::UserDisable { username },
        UserCommand::Reset { username, totp: true, .. } => Work::UserResetTotp { username },
        UserCommand::Reset { username, .. } => {
            let password_hash = hashed_password(&username)?;
            Work::UserReset { username, password_hash }
        }
    })
}

/// Reads a password from standard input and hashes it here, so that no other process sees it.
fn hashed_password(username: &str) -> Result<String, Failure> {
    let typed = read_input(Path::new("-"))?;
    // The line's end isn't part of it; anything else is.
    let typed = typed.strip_suffix('\n').unwrap_or(&typed);
    let password = Password::new(typed.strip_suffix('\r').unwrap_or(typed).to_owned());
    check_policy(&password, username).map_err(|fault| Failure::usage(format!("password: {fault}")))?;
    let entropy = SystemEntropy::new().map_err(|error| Failure::found(error.to_string()))?;
    let hasher = Hasher::new(NonZeroUsize::MIN, 1, Arc::new(entropy));
    let hasher = hasher.map_err(|error| Failure::found(error.to_string()))?;
    let hash = serve::runtime()?.block_on(hasher.hash(password));
    hash.map_err(|error| Failure::found(error.to_string()))
}

/// Every setting with its origin, when all of it is right.
fn check(given: &Where) -> Result<Outcome, Failure> {
    let settings = wire::settings(given)?;
    let (catalogue, model) = wire::files(&settings)?;
    let mut lines: Vec<String> = settings
        .listing
        .iter()
        .map(|listed| format!("{} = {}  # {}", listed.key, listed.value, listed.origin))
        .collect();
    lines.push(format!(
        "ok: {} sectors, {} offices, {} stations, calendar {}, model {}",
        catalogue.sectors.len(),
        catalogue.offices.len(),
        catalogue.stations.len(),
        catalogue.calendar.version,
        model.version()
    ));
    let listing: Vec<_> = settings
        .listing
        .iter()
        .map(|listed| json!({"key": listed.key, "value": listed.value, "origin": listed.origin}))
        .collect();
    Ok(Outcome { code: OK, result: json!({"ok": true, "settings": listing}), lines, notes: Vec::new() })
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// The text of a file; `-` is standard input.
fn read_input(path: &Path) -> Result<String, Failure> {
    let fault = |error: io::Error| Failure::found(format!("{}: {error}", path.display()));
    if path != Path::new("-") {
        return std::fs::read_to_string(path).map_err(fault);
    }
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(fault)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_the_default_and_every_command_parses() {
        for line in [
            "fangxin",
            "fangxin --listen 127.0.0.1:0",
            "fangxin serve --listen 127.0.0.1:0 --data d --database sqlite:x --create",
            "fangxin import f.jsonl --trust-labels --json --data d",
            "fangxin classify",
            "fangxin classify text --json",
            "fangxin evaluate f.jsonl --json",
            "fangxin route simulate f --json",
            "fangxin route lint --from 2026-01-01 --to 2026-12-31",
            "fangxin recount --repair",
            "fangxin freeze 2026-10 --note why",
            "fangxin backup b --with-keys k",
            "fangxin restore b --data d",
            "fangxin doctor --json",
            "fangxin config check",
            "fangxin user add --username u --role admin --password-stdin",
            "fangxin user disable --username u",
            "fangxin user link --username u --subject 248289761001",
            "fangxin user unlink --username u",
            "fangxin user reset --username u --password-stdin",
            "fangxin calendar load f.csv --year 2027 --version v",
            "fangxin audit verify --json",
            "fangxin tick --at 2026-12-01",
            "fangxin migrate-engine --to postgres://h/d --data d",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        for line in ["fangxin frob", "fangxin freeze 2026-13", "fangxin user add --username u --role admin"] {
            assert_eq!(Cli::try_parse_from(line.split(' ')).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn wrong_settings_are_all_told_and_end_with_78() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wrong.toml");
        std::fs::write(&file, "[server]\nworkers = -1\nno_such = 1\n").unwrap();
        let given = Where { config: Some(file), ..Where::default() };
        let failure = wire::settings(&given).unwrap_err();
        assert_eq!((failure.code, failure.lines.len()), (78, 2), "{:?}", failure.lines);
    }

    #[test]
    fn a_named_file_must_exist_unless_it_may_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let database = Some(format!("sqlite:{}", folder.path().join("no.db").display()));
        let given = Where { database, data: Some(folder.path().to_owned()), ..Where::default() };
        let settings = wire::settings(&given).unwrap();
        let data = DataDir::at(folder.path()).unwrap();
        assert_eq!(wire::target(&settings, &data, false).unwrap_err().code, 78);
        assert!(wire::target(&settings, &data, true).is_ok());
    }

    #[test]
    fn a_folder_has_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(&folder.path().join("data")).unwrap();
        let lock = data.lock().unwrap();
        assert!(lock.is_some() && data.lock().unwrap().is_none());
        drop(lock);
        assert!(data.lock().unwrap().is_some());
    }
}
