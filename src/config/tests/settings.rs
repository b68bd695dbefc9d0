use super::told;
use crate::config::settings::{Inputs, Network, Settings};
use crate::domain::calendar::Rollover;
use std::path::PathBuf;

fn environment(variables: &[(&str, &str)]) -> Inputs {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Inputs { environment, ..Inputs::default() }
}

fn refused(inputs: &Inputs) -> Vec<String> {
    told(&Settings::load(inputs).unwrap_err())
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn defaults() {
    let settings = Settings::load(&Inputs::default()).unwrap();
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.max_json_bytes, 1 << 20);
    assert_eq!(settings.server.metrics_listen, None);
    assert_eq!(settings.paths.config_dir, None);
    assert!(settings.database.url.is_none() && settings.smtp.url.is_none() && settings.clock.start.is_none());
    assert_eq!(settings.calendar.rollover, Rollover::HolidayOnly);
    assert_eq!(settings.reference.prefix, "JS");
    assert!((settings.classify.abstain_below - 0.65).abs() < f64::EPSILON);
    // Every setting has a default in the file, and every entry of the file is a setting (an unknown one is a fault).
    assert_eq!(settings.listing.len(), crate::config::settings::count());
    assert!(settings.listing.iter().all(|listed| listed.origin == "default"));
}

#[test]
fn later_layers_win() {
    let (_folder, path) = file("[server]\nlisten = \"0.0.0.0:1\"\nworkers = 3\nshutdown_seconds = 5\n");
    let mut inputs =
        environment(&[("FANGXIN__SERVER__LISTEN", "0.0.0.0:2"), ("FANGXIN__SERVER__WORKERS", "4"), ("PATH", "/bin")]);
    inputs.file = Some(path);
    inputs.flags = vec![("--listen", "server.listen", "0.0.0.0:3".to_owned())];
    let settings = Settings::load(&inputs).unwrap();
    assert_eq!(settings.server.listen.port(), 3);
    assert_eq!((settings.server.workers, settings.server.shutdown_seconds), (4, 5));
    let origin = |key: &str| settings.listing.iter().find(|listed| listed.key == key).unwrap().origin.clone();
    assert_eq!(origin("server.listen"), "--listen");
    assert_eq!(origin("server.workers"), "FANGXIN__SERVER__WORKERS");
    assert!(origin("server.shutdown_seconds").ends_with("own.toml"));
}

#[test]
fn values_of_every_shape_come_from_the_environment() {
    let settings = Settings::load(&environment(&[
        ("FANGXIN__LIMITS__ENABLED", "false"),
        ("FANGXIN__LIMITS__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("FANGXIN__CLASSIFY__ABSTAIN_BELOW", "1"),
        ("FANGXIN__CALENDAR__ROLLOVER", "any_rest_day"),
        ("FANGXIN__CLOCK__START", "2026-11-23T09:00:00+08:00"),
        ("FANGXIN__CLOCK__ALLOW_START", "true"),
        ("FANGXIN__DATABASE__URL", "postgres://u:p@h/n"),
    ]))
    .unwrap();
    assert!(!settings.limits.enabled);
    assert!(settings.limits.trusted_proxies[0].contains("10.1.2.3".parse().unwrap()));
    assert_eq!(settings.calendar.rollover, Rollover::AnyRestDay);
    assert_eq!(settings.clock.start.unwrap().to_string(), "2026-11-23T01:00:00Z");
    assert_eq!(settings.database.url.as_ref().unwrap().expose(), "postgres://u:p@h/n");
}

#[test]
fn all_faults_of_all_layers_at_once() {
    let (_folder, path) = file("[server]\nworkers = 1000\nlisen = \"x\"\n[intke]\n[log]\nformat = true\n");
    let mut inputs = environment(&[
        ("FANGXIN__AUTH__ACCESS_MINUTES", "soon"),
        ("FANGXIN__AUTH__TOTP_ROLES", "admin, consumer"),
        ("FANGXIN__CLOCK__START", "2026-11-23T09:00:00+08:00"),
        ("FANGXIN__DATABASE__URL", "mysql://root:hunter2@db/x"),
        ("FANGXIN__LIMITS__TRUSTED_PROXIES", "10.0.0.0/99"),
        ("FANGXIN__SERVER__PORT", "80"),
        ("FANGXIN__SERVER__WORKERS_FILE", "/run/workers"),
    ]);
    inputs.file = Some(path.clone());
    inputs.flags = vec![("--listen", "server.listen", "8080".to_owned())];
    let own = path.display().to_string();
    let messages: Vec<String> = refused(&inputs).iter().map(|message| message.replace(&own, "own.toml")).collect();
    assert_eq!(
        messages,
        [
            "own.toml: intke: unknown section; allowed: attachments, audit, auth, calendar, classify, clock, database, escalation, intake, limits, log, mass, measure, notify, oidc, paths, privacy, rating, reference, retention, server, sms, smtp, webhooks",
            "own.toml: log.format \"true\": of type boolean; allowed: json, text",
            "own.toml: server.lisen: unknown key; allowed: listen, metrics_listen, public_url, cors_origins, workers, max_connections, max_json_bytes, max_upload_bytes, header_timeout_seconds, body_timeout_seconds, drain_seconds, shutdown_seconds",
            "own.toml: server.workers \"1000\": out of range; allowed: a whole number from 0 to 256",
            "environment: FANGXIN__AUTH__ACCESS_MINUTES \"soon\": not understood; allowed: a whole number from 1 to 15",
            "environment: FANGXIN__AUTH__TOTP_ROLES \"admin, consumer\": not accepted; allowed: a list of roles of staff: station, officer, dispatcher, supervisor, auditor, admin",
            "environment: FANGXIN__DATABASE__URL \"(secret)\": not accepted; allowed: sqlite:PATH, postgres://…, or nothing",
            "environment: FANGXIN__LIMITS__TRUSTED_PROXIES \"10.0.0.0/99\": not accepted; allowed: a list of addresses or CIDR ranges, e.g. 10.0.0.0/8",
            "environment: FANGXIN__SERVER__PORT: unknown setting; allowed: FANGXIN__SECTION__KEY for a key of config/default.toml",
            "environment: FANGXIN__SERVER__WORKERS_FILE: only secrets are read from a file; allowed: FANGXIN__SERVER__WORKERS",
            "command line: --listen \"8080\": not accepted; allowed: address:port, e.g. 127.0.0.1:8080",
            "FANGXIN__CLOCK__START: clock.start: the clock may be set for drills and tests only, and clock.allow_start is false; allowed: nothing, or clock.allow_start = true beside it",
        ]
    );
}

#[test]
fn settings_that_contradict_each_other() {
    let messages = refused(&environment(&[
        ("FANGXIN__ATTACHMENTS__ACCESS_KEY", "AK"),
        ("FANGXIN__ATTACHMENTS__MAX_BYTES", "30_000_000"),
    ]));
    assert_eq!(
        messages,
        [
            "FANGXIN__ATTACHMENTS__ACCESS_KEY: attachments.secret_key: is missing beside the other half of the key; allowed: both or none",
            "FANGXIN__ATTACHMENTS__MAX_BYTES: attachments.max_bytes: larger than an upload may be; allowed: at most server.max_upload_bytes = 20971520",
        ]
    );
}

#[cfg(unix)]
#[test]
fn secrets_come_from_files_and_are_never_shown() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = file("postgres://u:hunter2@h/n\n");
    let shown = path.display().to_string();
    let set_mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o600);
    let inputs = environment(&[("FANGXIN__DATABASE__URL_FILE", &shown)]);
    let settings = Settings::load(&inputs).unwrap();
    assert_eq!(settings.database.url.as_ref().unwrap().expose(), "postgres://u:hunter2@h/n");
    assert!(!format!("{settings:?}").contains("hunter2"));
    let listed = settings.listing.iter().find(|listed| listed.key == "database.url").unwrap();
    assert_eq!((listed.value.as_str(), listed.origin.as_str()), ("(secret)", "FANGXIN__DATABASE__URL_FILE"));
    set_mode(0o644);
    let expected =
        format!("environment: FANGXIN__DATABASE__URL_FILE \"{shown}\": everyone may read it (mode 0644); make it 0600");
    assert_eq!(refused(&inputs), [expected]);
    let both = environment(&[("FANGXIN__DATABASE__URL_FILE", &shown), ("FANGXIN__DATABASE__URL", "sqlite:x")]);
    assert_eq!(
        refused(&both),
        ["environment: FANGXIN__DATABASE__URL_FILE: FANGXIN__DATABASE__URL is given too; allowed: one of them"]
    );
}

#[test]
fn networks() {
    let contains =
        |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
    assert!(contains("10.0.0.0/8", "10.255.0.1"));
    assert!(contains("10.0.0.0/8", "::ffff:10.1.1.1"));
    assert!(!contains("10.0.0.0/8", "11.0.0.1"));
    assert!(contains("0.0.0.0/0", "203.0.113.9"));
    assert!(contains("127.0.0.1", "127.0.0.1") && !contains("127.0.0.1", "127.0.0.2"));
    assert!(contains("2001:db8::/32", "2001:db8:1::1") && !contains("2001:db8::/32", "2001:db9::1"));
    assert!(!contains("::/0", "10.0.0.1"));
    for wrong in ["", "x", "10.0.0.0/33", "::/129", "10.0.0.0/"] {
        assert!(wrong.parse::<Network>().is_err(), "{wrong}");
    }
}
