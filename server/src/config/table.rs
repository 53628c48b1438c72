//! The origin table: every setting as clap knows it, with the value in force and where that came from.

use std::ffi::OsStr;

use clap::{Arg, ArgMatches, Args, Command, parser::ValueSource};
use serde::Serialize;

use super::Settings;

/// A default that depends on another setting stands at the end of the help, in the form that clap gives to others.
const DEFAULT: &str = " [default: ";

/// One setting, as it is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingRow {
    pub flag: String,
    pub variable: String,
    /// Empty when it is off or unset.
    pub default: String,
    pub meaning: String,
    /// As [`ArgMatches`] calls it.
    #[serde(skip)]
    id: String,
    #[serde(skip)]
    secret: bool,
}

/// One setting with the value in force; a secret is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectiveSetting {
    #[serde(flatten)]
    pub row: SettingRow,
    pub value: String,
    /// `flag`, `environment` or `default`.
    pub origin: &'static str,
}

/// Every setting, in the order of the subsystems.
#[must_use]
pub fn rows() -> Vec<SettingRow> {
    let command = Settings::augment_args(Command::new("guardianflow"));
    // What is for tests alone is hidden.
    command.get_arguments().filter(|arg| arg.get_env().is_some() && !arg.is_hide_set()).map(row).collect()
}

fn row(arg: &Arg) -> SettingRow {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (meaning, by_other) = help.strip_suffix(']').and_then(|h| h.split_once(DEFAULT)).unwrap_or((&help, ""));
    let default: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    SettingRow {
        flag: arg.get_long().map(|f| format!("--{f}")).unwrap_or_default(),
        variable: arg.get_env().map(OsStr::to_string_lossy).unwrap_or_default().into_owned(),
        default: if default.is_empty() { by_other.to_owned() } else { default.join(",") },
        meaning: meaning.to_owned(),
        id: arg.get_id().to_string(),
        secret: arg.is_hide_env_values_set(),
    }
}

/// The table of README.md.
#[must_use]
pub fn markdown() -> String {
    let mut text = "| variable | flag | default | meaning |\n|---|---|---|---|\n".to_owned();
    for row in rows() {
        let code = |t: &str| if t.is_empty() { String::new() } else { format!("`{t}` ") };
        // A sentence is no code.
        let default = if row.default.contains(' ') { format!("{} ", row.default) } else { code(&row.default) };
        text += &format!("| {}| {}| {default}| {} |\n", code(&row.variable), code(&row.flag), row.meaning);
    }
    text
}

impl Settings {
    /// Every setting with the value in force and where it came from. `matches` are those of the innermost command: clap
    /// keeps global flags there.
    #[must_use]
    pub fn effective_settings(&self, matches: &ArgMatches) -> Vec<EffectiveSetting> {
        let row = |row: SettingRow| {
            let origin = match matches.value_source(&row.id) {
                Some(ValueSource::CommandLine) => "flag",
                Some(ValueSource::EnvVariable) => "environment",
                _ => "default",
            };
            let shown = self.subsystems().into_iter().find_map(|s| s.shown(&self.data.folder, &row.id));
            let value = shown.unwrap_or_else(|| given(matches, &row));
            EffectiveSetting { row, value, origin }
        };
        rows().into_iter().map(row).collect()
    }
}

/// A value as it was given; of a secret its length alone.
fn given(matches: &ArgMatches, row: &SettingRow) -> String {
    let values = matches.get_raw(&row.id).into_iter().flatten();
    if row.secret {
        let bytes: Option<usize> = values.map(OsStr::len).reduce(|a, b| a + b);
        return bytes.map_or_else(String::new, |n| format!("set, {n} bytes"));
    }
    values.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn readme_has_the_table_that_the_command_line_knows() {
        let readme = include_str!("../../../README.md");
        let begins = readme.find("| variable | flag |").expect("the table of settings");
        let table: String =
            readme[begins..].lines().take_while(|l| l.starts_with('|')).map(|l| format!("{l}\n")).collect();
        assert_eq!(table, markdown(), "paste this into README.md:\n{}", markdown());
    }

    #[test]
    fn every_setting_has_flag_variable_and_meaning_and_help_shows_them() {
        let help = <Program as clap::CommandFactory>::command().term_width(0).render_help().to_string();
        assert!(rows().len() >= 10);
        for row in rows() {
            assert!(row.flag.len() > 2 && row.variable.len() > 2 && row.meaning.len() > 10, "{row:?}");
            for said in [&row.flag, &row.variable, &row.meaning, &row.default] {
                assert!(help.contains(said.as_str()), "{said:?} is not in\n{help}");
            }
            assert!(row.id.replace('_', "-") == row.flag[2..], "{row:?}");
        }
    }

    #[test]
    fn what_is_in_force_is_shown_with_its_origin_and_no_secret_is() {
        let token = "a-token-of-more-than-thirty-two-bytes";
        let args = ["x", "--data", "d", "--demo", "--hosts", "a,b", "--operator-token", token];
        let matches = <Program as clap::CommandFactory>::command().get_matches_from(args);
        let settings = <Program as clap::FromArgMatches>::from_arg_matches(&matches).expect("settings").settings;
        let all = settings.effective_settings(&matches);
        let of = |flag: &str| {
            let found = all.iter().find(|s| s.row.flag == flag).expect("a row");
            (found.value.as_str(), found.origin)
        };
        assert_eq!((of("--data"), of("--demo"), of("--hosts")), (("d", "flag"), ("1", "flag"), ("a,b", "flag")));
        assert_eq!(of("--metrics"), ("d/metrics.yaml", "default"));
        assert_eq!(of("--operator-token"), ("set, 37 bytes", "flag"));
        assert!(!format!("{settings:?}{all:?}").contains(token));
    }
}
