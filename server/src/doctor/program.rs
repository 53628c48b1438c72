//! The program itself: its versions, and the site files that belong to it.
#![expect(clippy::disallowed_methods, reason = "a blocking thread of a command that serves nobody")]

use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::{config::Settings, http::files, startup};

pub async fn checks() -> Vec<Finding> {
    let sqlite = startup::sqlite_version().await.unwrap_or_else(|e| e.to_string());
    let seen =
        format!("GuardianFlow {}, with SQLite {sqlite}, built by {}", env!("CARGO_PKG_VERSION"), env!("BUILT_BY"));
    vec![Finding::ok("versions", seen)]
}

pub fn check_site_files(settings: &Settings) -> Vec<Finding> {
    let options = files::leptos_options(settings.serve.addr);
    let root = PathBuf::from(&*options.site_root);
    let wanted = files::site_files(&options);
    let entry = wanted.elements.unwrap_or_else(|| "/elements/entry.txt".into());
    let addresses = [files::stylesheet(&options), wanted.script, wanted.program, entry];
    vec![judge(&root, &addresses, programs(&root.join(&*options.site_pkg_dir)))]
}

/// How many WebAssembly programs lie there: of one build there is one.
fn programs(folder: &Path) -> usize {
    let all = std::fs::read_dir(folder).into_iter().flatten().flatten();
    all.filter(|f| f.path().extension().is_some_and(|e| e == "wasm")).count()
}

fn judge(root: &Path, addresses: &[String], programs: usize) -> Finding {
    const NAME: &str = "site_files";
    const CURE: &str =
        "Run `make build`, and move the folder dist/ as a whole: the program, hash.txt and site/ belong together.";
    let at = root.display();
    if !root.is_dir() {
        return Finding::error(NAME, format!("{at} is not there: pages would have neither style nor scripts"), CURE);
    }
    let missing: Vec<&str> =
        addresses.iter().map(String::as_str).filter(|a| !root.join(a.trim_start_matches('/')).is_file()).collect();
    if !missing.is_empty() {
        let seen = format!("{at} lacks {}: it is missing or of another build than this program", missing.join(", "));
        return Finding::error(NAME, seen, CURE);
    }
    if programs > 1 {
        return Finding::warning(NAME, format!("{at} holds files of {programs} builds"), CURE);
    }
    Finding::ok(NAME, format!("{at} has the files that pages load"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus::{Error, Ok as Fine, Warning};

    #[test]
    fn files_of_another_build_are_missing_ones() {
        let root = tempfile::tempdir().expect("a folder");
        let names = ["/pkg/a.1.css".to_owned(), "/pkg/a.1.wasm".to_owned()];
        std::fs::create_dir(root.path().join("pkg")).expect("a folder");
        std::fs::write(root.path().join("pkg/a.1.css"), "").expect("a file");
        std::fs::write(root.path().join("pkg/a.0.wasm"), "").expect("a file");
        let found = judge(root.path(), &names, programs(&root.path().join("pkg")));
        assert_eq!(found.state, Error);
        assert!(found.seen.contains("lacks /pkg/a.1.wasm:"), "{found:?}");
        std::fs::write(root.path().join("pkg/a.1.wasm"), "").expect("a file");
        assert_eq!(judge(root.path(), &names, programs(&root.path().join("pkg"))).state, Warning);
        std::fs::remove_file(root.path().join("pkg/a.0.wasm")).expect("gone");
        assert_eq!(judge(root.path(), &names, programs(&root.path().join("pkg"))).state, Fine);
        assert_eq!(judge(&root.path().join("absent"), &names, 0).state, Error);
    }
}
