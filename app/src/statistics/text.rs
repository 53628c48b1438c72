//! The text of docs/statistics.md as HTML: made once, with ids of headings to which other pages lead.

use std::{collections::BTreeMap, sync::LazyLock};

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// The document.
static SOURCE: &str = include_str!("../../../docs/statistics.md");

/// The document as it is shown.
pub(super) static TEXT: LazyLock<Text> = LazyLock::new(|| Text::of(SOURCE));

/// A document as HTML, and its sections.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Text {
    pub html: String,
    /// Id and heading of each section.
    pub sections: Vec<(String, String)>,
}

impl Text {
    /// Reads Markdown. Its title is left out: the page has its own. So is raw HTML; links to files of the repository become text.
    fn of(source: &str) -> Self {
        let events: Vec<Event<'_>> = Parser::new_ext(source, Options::ENABLE_TABLES).collect();
        let mut found = Self::default();
        let mut kept: Vec<Event<'_>> = vec![];
        // Of open links, whether they are kept; of sections, how many tables they have so far.
        let mut links: Vec<bool> = vec![];
        let mut tables: BTreeMap<String, usize> = BTreeMap::new();
        let mut in_title = false;
        for (at, event) in events.iter().enumerate() {
            match event {
                Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => in_title = true,
                Event::End(TagEnd::Heading(HeadingLevel::H1)) => in_title = false,
                _ if in_title => {}
                Event::Html(_) | Event::InlineHtml(_) => {}
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                Event::Start(Tag::Heading { level, .. }) => {
                    let heading = plain_text(&events[at + 1..]);
                    let id = found.new_id(&slug(&heading));
                    if *level == HeadingLevel::H2 {
                        found.sections.push((id.clone(), heading));
                    }
                    kept.push(Event::Start(Tag::Heading {
                        level: *level,
                        id: Some(id.into()),
                        classes: vec![],
                        attrs: vec![],
                    }));
                }
                Event::Start(Tag::Table(columns)) => {
                    let section = found.sections.last().map(|s| s.1.clone()).unwrap_or_default();
                    let n = tables.entry(section.clone()).or_default();
                    *n += 1;
                    // A name of its own each: regions of one name cannot be told apart.
                    let name = escaped(&format!("{section}, table {n}"));
                    let open = format!(r#"<div class="scroll" role="region" tabindex="0" aria-label="{name}">"#);
                    kept.push(Event::Html(open.into()));
                    // Alignment would become `style` attributes.
                    kept.push(Event::Start(Tag::Table(
                        columns.iter().map(|_| pulldown_cmark::Alignment::None).collect(),
                    )));
                }
                Event::End(TagEnd::Table) => {
                    kept.push(event.clone());
                    kept.push(Event::Html(CowStr::Borrowed("</div>")));
                }
                Event::Start(Tag::Link { dest_url, .. }) => {
                    let keep = dest_url.starts_with('#') || dest_url.starts_with("https://");
                    links.push(keep);
                    if keep {
                        kept.push(event.clone());
                    }
                }
                Event::End(TagEnd::Link) => {
                    if links.pop().unwrap_or_default() {
                        kept.push(event.clone());
                    }
                }
                // No picture of the repository is served.
                Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
                _ => kept.push(event.clone()),
            }
        }
        html::push_html(&mut found.html, kept.into_iter());
        found
    }

    /// An id that no section has yet.
    fn new_id(&self, wanted: &str) -> String {
        let taken = |id: &str| self.sections.iter().any(|s| s.0 == id);
        let mut id = wanted.to_owned();
        let mut n = 2;
        while taken(&id) {
            id = format!("{wanted}-{n}");
            n += 1;
        }
        id
    }
}

/// A text as the value of an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The text of a heading, whose events these are.
fn plain_text(events: &[Event<'_>]) -> String {
    let mut text = String::new();
    for event in events {
        match event {
            Event::End(TagEnd::Heading(_)) => break,
            Event::Text(t) | Event::Code(t) => text.push_str(t),
            _ => {}
        }
    }
    text
}

/// A heading as the end of an address: its letters and digits in lower case, joined by hyphens.
fn slug(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_found_by_its_words() {
        let slugs = ["What changed", "Mean over sites, and its interval", " p95 (tail) "].map(slug);
        assert_eq!(slugs, ["what-changed", "mean-over-sites-and-its-interval", "p95-tail"]);
    }

    #[test]
    fn other_pages_lead_to_sections_that_there_are() {
        let ids: Vec<&str> = TEXT.sections.iter().map(|s| &*s.0).collect();
        for id in ["verdict", "what-changed", "plan", "changes-between-periods", "balance", "quantiles"] {
            assert!(ids.contains(&id) && TEXT.html.contains(&format!("<h2 id=\"{id}\">")), "{id} of {ids:?}");
        }
        assert!(!TEXT.html.contains("<h1") && !TEXT.html.contains("style="));
        assert_eq!(TEXT.html.matches("<table").count(), TEXT.html.matches("role=\"region\"").count());
    }

    #[test]
    fn tables_scroll_and_what_could_lead_astray_is_left_out() {
        let source = "# T\n\n## A & b\n\n[file](../x.rs) [on](#a-b) [out](https://example.org)\n\n<script>x</script>\n\n\
                      a <b>c</b> ![p](p.png)\n\n| x | y |\n|---|--:|\n| 1 | 2 |\n\n## A & b\n";
        let text = Text::of(source);
        let sections: Vec<(&str, &str)> = text.sections.iter().map(|s| (&*s.0, &*s.1)).collect();
        assert_eq!(sections, [("a-b", "A & b"), ("a-b-2", "A & b")]);
        let html = &text.html;
        assert!(html.contains("<p>file <a href=\"#a-b\">on</a> <a href=\"https://example.org\">out</a></p>"), "{html}");
        assert!(html.contains("aria-label=\"A &amp; b, table 1\"><table>"), "{html}");
        assert!(!["script", "<b>", "style", "<img", "../x.rs"].iter().any(|bad| html.contains(bad)), "{html}");
    }
}
