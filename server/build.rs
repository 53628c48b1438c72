//! Turns the texts of this crate into functions (see `words_build`), and tells it by which compiler it is built.

use std::process::Command;

fn main() {
    words_build::Texts::under("src").lang("app::i18n::Lang").generate();
    println!("cargo::rustc-env=BUILT_BY={}", compiler().unwrap_or_else(|| "an unknown compiler".into()));
    println!("cargo::rerun-if-changed=build.rs");
}

#[expect(clippy::disallowed_methods, reason = "a build script serves nobody")]
fn compiler() -> Option<String> {
    let said = Command::new(std::env::var_os("RUSTC")?).arg("--version").output().ok()?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}
