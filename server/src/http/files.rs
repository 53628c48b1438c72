//! Where the files that pages load are, and under which names.
#![expect(clippy::disallowed_methods, reason = "read once, before the server serves anybody")]

use std::{net::SocketAddr, path::PathBuf};

use app::shell::context::Files;
use leptos::config::{LeptosOptions, get_configuration};

/// Where site files are: beside the binary, unless cargo-leptos says otherwise.
#[must_use]
pub fn leptos_options(address: SocketAddr) -> LeptosOptions {
    if std::env::var_os("LEPTOS_SITE_ROOT").is_some()
        && let Ok(mut found) = get_configuration(None)
    {
        found.leptos_options.site_addr = address;
        return found.leptos_options;
    }
    let beside = beside().unwrap_or_default();
    LeptosOptions::builder()
        .output_name("guardianflow")
        .site_root(beside.join("site").to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(address)
        .hash_files(beside.join("hash.txt").exists())
        .build()
}

fn beside() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.to_owned())
}

/// The address of a file of cargo-leptos: its name changes with its content where `hash.txt` says so.
fn built(options: &LeptosOptions, kind: &str) -> String {
    let (folder, name) = (&options.site_pkg_dir, &options.output_name);
    let hashes =
        options.hash_files.then(|| std::fs::read_to_string(beside()?.join(&*options.hash_file)).ok()).flatten();
    let hash = hashes.iter().flat_map(|h| h.lines()).filter_map(|l| l.split_once(':')).find(|(k, _)| *k == kind);
    match hash {
        Some((_, hash)) => format!("/{folder}/{name}.{}.{kind}", hash.trim()),
        None => format!("/{folder}/{name}.{kind}"),
    }
}

/// The address of the style sheet.
#[must_use]
pub fn stylesheet(options: &LeptosOptions) -> String {
    built(options, "css")
}

/// What pages load. The style sheet stands in the page, since a file would be asked for only when the page has come; not in
/// builds that are watched, where it is loaded again on its own.
#[must_use]
pub fn site_files(options: &LeptosOptions) -> Files {
    let root = PathBuf::from(&*options.site_root);
    let read = |address: &str| std::fs::read_to_string(root.join(address.trim_start_matches('/'))).ok();
    Files {
        style: options.hash_files.then(|| read(&stylesheet(options))).flatten(),
        elements: read("/elements/entry.txt").map(|entry| format!("/elements/{}", entry.trim())),
        script: built(options, "js"),
        program: built(options, "wasm"),
    }
}
