//! Everything that can be gone to or done by name, for the palette; read by `app/elements/palette.ts`.

use std::collections::{BTreeMap, BTreeSet};

use domain::{model::ModelKey, query::Directory, scope::Scope, text::Name};
use serde::Serialize;

use super::links;
use crate::{
    api::Request,
    i18n::{Lang, Texts},
};

/// A customer with its sites, each with its zones.
type Customer<'d> = (&'d str, Vec<(&'d str, Vec<&'d str>)>);

/// All of it, however much there is: what cannot be found by name would not be there. Places are a tree of names, so that
/// thousands of zones are some tens of kilobytes; their addresses follow from their names.
#[derive(Debug, Serialize)]
pub struct Palette<'d> {
    words: serde_json::Value,
    keys: Vec<(&'static str, String)>,
    entries: Vec<Entry>,
    /// Customers with their sites with their zones.
    places: Vec<Customer<'d>>,
    /// What places are called that have another name to show; by their names from the customer on, each on a line.
    shown: BTreeMap<String, &'d str>,
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
pub fn palette<'d>(d: &'d Directory, request: &Request) -> Palette<'d> {
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
    entries.extend(
        d.models.iter().map(|m| entry("model", m.to_string(), t.nav_compare.to_owned(), compare_link(m), None)),
    );
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
        places: places(d),
        shown: shown(d, request.lang),
    }
}

fn entry(kind: &'static str, label: String, detail: String, href: String, key: Option<&'static str>) -> Entry {
    Entry { kind, label, detail, href: Some(href), act: None, key }
}

/// Every place once; zones without a site have no page.
fn places(d: &Directory) -> Vec<Customer<'_>> {
    let mut tree: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for p in &d.places {
        let sites = tree.entry(p.customer.as_str()).or_default();
        let Some(site) = &p.site else { continue };
        let zones = sites.entry(site.as_str()).or_default();
        zones.extend(p.zone.iter().map(AsRef::as_ref));
    }
    let list = |sites: BTreeMap<_, BTreeSet<_>>| sites.into_iter().map(|(s, z)| (s, z.into_iter().collect())).collect();
    tree.into_iter().map(|(customer, sites)| (customer, list(sites))).collect()
}

/// By [`Palette::shown`]. Who has another name to show is found by both.
fn shown(d: &Directory, lang: Lang) -> BTreeMap<String, &str> {
    let mut found = BTreeMap::new();
    for p in &d.places {
        let names: Vec<&Name> = [Some(&p.customer), p.site.as_ref(), p.zone.as_ref()].into_iter().flatten().collect();
        for depth in 1..=names.len() {
            let part = |at: usize| names.get(at).filter(|_| at < depth).map(|n| (*n).clone());
            let scope = Scope { customer: part(0), site: part(1), zone: part(2), ..Scope::default() };
            let key = names[..depth].iter().map(|n| n.as_str()).collect::<Vec<_>>().join("\n");
            let label = d.declared.label(&scope).map(|l| lang.name(l)).filter(|l| *l != names[depth - 1].as_str());
            if let Some(label) = label {
                found.insert(key, label);
            }
        }
    }
    found
}

/// The model held against those that ran where it ran.
fn compare_link(m: &ModelKey) -> String {
    links::href("/compare", &[("baseline".to_owned(), m.key())])
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

#[cfg(test)]
mod tests {
    use domain::scope::Place;

    use super::*;

    fn asked() -> Request {
        Request {
            actor: domain::access::Actor::Operator,
            lang: crate::i18n::Lang::En,
            theme: crate::ui::prefs::Theme::System,
            zone: jiff::tz::TimeZone::UTC,
            signed_in: false,
            id: String::new(),
        }
    }

    #[test]
    fn five_thousand_zones_and_two_hundred_models_are_all_there_and_stay_light() {
        let name = |text: String| text.try_into().expect("a name");
        let mut d = Directory::default();
        for z in 0..5_000 {
            let (customer, site) = (name(format!("Customer-{}", z / 100)), name(format!("Site-{}", z / 5)));
            d.places.push(Place { customer, site: Some(site), zone: Some(name(format!("Gate-{z}"))) });
        }
        d.models = (0..200).map(|m| ModelKey::parse(&format!("model-{m}:1.0")).expect("a model")).collect();
        let listed = palette(&d, &asked());
        let zones = listed.places.iter().flat_map(|c| &c.1).map(|s| s.1.len()).sum::<usize>();
        let sites = listed.places.iter().map(|c| c.1.len()).sum::<usize>();
        assert_eq!((listed.places.len(), sites, zones), (50, 1_000, 5_000));
        let models: Vec<&Entry> = listed.entries.iter().filter(|e| e.kind == "model").collect();
        assert_eq!(models.len(), 200);
        assert_eq!(models[0].label, "model-0 1.0");
        assert_eq!(models[0].href.as_deref(), Some("/compare?baseline=model-0:1.0"));
        let bytes = serde_json::to_vec(&listed).expect("JSON").len();
        assert!(bytes < 150_000, "{bytes} bytes");
    }

    #[test]
    fn a_place_is_listed_once_and_records_of_a_whole_customer_make_no_site() {
        let place = |c: &str, s: Option<&str>, z: Option<&str>| {
            let name = |n: &str| n.to_owned().try_into().expect("a name");
            Place { customer: name(c), site: s.map(name), zone: z.map(name) }
        };
        let places = vec![
            place("A", None, None),
            place("A", Some("s"), Some("z")),
            place("A", Some("s"), None),
            place("B", None, Some("adrift")),
        ];
        let d = Directory { places, ..Directory::default() };
        assert_eq!(super::places(&d), [("A", vec![("s", vec!["z"])]), ("B", vec![])]);
    }
}
