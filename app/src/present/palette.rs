//! Everything that can be gone to or done by name, for the palette; read by `app/elements/palette.ts`.

use domain::{
    query::Directory,
    scope::{Model, Scope},
};
use serde::Serialize;

use super::links;
use crate::{
    api::Request,
    i18n::{Lang, Texts},
};

/// So many entries at most: more would make typing slow.
const MOST: usize = 6_000;

#[derive(Debug, Serialize)]
pub struct Palette {
    words: serde_json::Value,
    keys: Vec<(&'static str, String)>,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    kind: &'static str,
    label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
}

/// Pages with their letter after `g`.
fn pages(t: &Texts) -> [(&'static str, &'static str, &'static str); 5] {
    [
        ("/", t.nav_overview, "o"),
        ("/trends", t.nav_trends, "t"),
        ("/compare", t.nav_compare, "c"),
        ("/records", t.nav_records, "r"),
        ("/sources", t.nav_sources, "s"),
    ]
}

#[must_use]
pub fn palette(d: &Directory, request: &Request) -> Palette {
    let t = request.lang.texts();
    let mut entries: Vec<Entry> = pages(t)
        .into_iter()
        .map(|(href, label, key)| entry("page", label.to_owned(), String::new(), href.to_owned(), Some(key)))
        .collect();
    let acts = [
        ("theme:light", format!("{}: {}", t.theme, t.theme_light)),
        ("theme:dark", format!("{}: {}", t.theme, t.theme_dark)),
        ("theme:system", format!("{}: {}", t.theme, t.theme_system)),
        ("lang:en", "English".to_owned()),
        ("lang:ko", "한국어".to_owned()),
        ("refresh", t.palette_refresh.to_owned()),
        ("copy-link", t.copy_link.to_owned()),
        ("keys", t.palette_keys.to_owned()),
    ];
    entries.extend(acts.map(|(act, label)| Entry {
        kind: "act",
        label,
        detail: String::new(),
        href: None,
        act: Some(act),
        key: None,
    }));
    entries.extend(places(d, request.lang));
    entries.extend(d.models.iter().map(|m| entry("model", m.to_string(), String::new(), compare_link(m), None)));
    entries.truncate(MOST);
    Palette {
        words: serde_json::json!({
            "title": t.palette_title, "placeholder": t.palette_placeholder, "empty": t.palette_empty,
            "failed": t.palette_failed, "keys_title": t.palette_keys, "close": t.close,
            "kinds": {
                "page": t.palette_page, "customer": t.col_customer, "site": t.col_site, "zone": t.col_zone,
                "model": t.col_model, "act": t.palette_act,
            },
        }),
        keys: keys(t),
        entries,
    }
}

fn entry(kind: &'static str, label: String, detail: String, href: String, key: Option<&'static str>) -> Entry {
    Entry { kind, label, detail, href: Some(href), act: None, key }
}

/// Customers, then sites, then zones, each once. Who has another name to show is found by both.
fn places(d: &Directory, lang: Lang) -> Vec<Entry> {
    let mut found: [Vec<Entry>; 3] = [vec![], vec![], vec![]];
    let mut seen = std::collections::BTreeSet::new();
    for p in &d.places {
        let names = [Some(&p.customer), p.site.as_ref(), p.zone.as_ref()];
        for (level, kind) in ["customer", "site", "zone"].into_iter().enumerate() {
            let (Some(name), Some(customer)) = (names[level], names[0]) else { continue };
            let part = |at: usize| names[at].filter(|_| at <= level).cloned();
            let scope = Scope { customer: Some(customer.clone()), site: part(1), zone: part(2), ..Scope::default() };
            let path = links::place_path(&scope);
            if (level == 2 && scope.site.is_none()) || !seen.insert(path.clone()) {
                continue;
            }
            let mut above: Vec<String> = names[..level].iter().flatten().map(ToString::to_string).collect();
            let shown = d.declared.label(&scope).map(|l| lang.name(l).to_owned()).filter(|l| l != name.as_str());
            if shown.is_some() {
                above.push(name.to_string());
            }
            found[level].push(entry(kind, shown.unwrap_or_else(|| name.to_string()), above.join(" · "), path, None));
        }
    }
    found.into_iter().flatten().collect()
}

fn compare_link(m: &Model) -> String {
    let key = m.version.as_ref().map_or_else(|| m.architecture.to_string(), |v| format!("{}:{v}", m.architecture));
    links::href("/trends", &[("model".to_owned(), key)])
}

fn keys(t: &Texts) -> Vec<(&'static str, String)> {
    let mut keys = vec![
        ("?", t.palette_keys.to_owned()),
        ("Ctrl K", t.palette_title.to_owned()),
        ("/", t.palette_title.to_owned()),
    ];
    for (_, label, key) in pages(t) {
        let combination = match key {
            "o" => "g o",
            "t" => "g t",
            "c" => "g c",
            "r" => "g r",
            _ => "g s",
        };
        keys.push((combination, label.to_owned()));
    }
    keys.extend([
        ("t ←", t.key_earlier.to_owned()),
        ("t →", t.key_later.to_owned()),
        (".", t.key_table.to_owned()),
        ("← →", t.key_points.to_owned()),
        ("Enter", t.key_records.to_owned()),
        ("+ −", t.key_zoom.to_owned()),
    ]);
    keys
}
