//! The files that a run left, or of which a version consists: a folder, and what is in one of its files. Files were written by somebody else: text is shown as text,
//! pictures only when their first bytes say that they are some, and nothing of them ever runs.

use domain::{
    ErrorKind, Result,
    error::Sentence,
    ports::ArtifactBody,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange, Run},
};
use futures::StreamExt;
use leptos::prelude::*;
use usecases::{Models, Tracking};

use super::{picture::picture_type, plain_query::PlainQuery, words};
use crate::{
    i18n::Lang,
    ui::{fmt::Fmt, icon::Icon, links},
};

/// So much of a text is shown.
const TEXT_BYTES: u64 = 64 * 1024;
/// The largest picture that is shown.
const PICTURE_BYTES: u64 = 8 * 1024 * 1024;
/// So many rows of a CSV file are shown, each with so many cells.
const CSV_ROWS: usize = 50;
const CSV_CELLS: usize = 40;
/// Files that are text, by the end of their names.
const TEXTS: [&str; 18] = [
    "txt", "log", "md", "json", "jsonl", "yaml", "yml", "csv", "tsv", "toml", "ini", "cfg", "py", "sh", "xml", "html",
    "svg", "sql",
];
/// Texts without an end, by their names.
const NAMES: [&str; 5] = ["MLmodel", "requirements", "Dockerfile", "LICENSE", "README"];
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "gif", "webp"];

/// Whose files they are.
#[derive(Clone, Copy)]
pub enum FileSource<'a> {
    Run(&'a Tracking, &'a Run),
    /// Of a model, by its name and version.
    Version(&'a Models, &'a str, &'a str),
}

impl FileSource<'_> {
    async fn list(&self, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        match self {
            Self::Run(runs, run) => runs.artifacts(run.id.as_str(), folder).await,
            Self::Version(models, name, version) => models.artifacts(name, version, folder).await,
        }
    }

    async fn open(&self, file: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody> {
        match self {
            Self::Run(runs, run) => runs.artifact(run.id.as_str(), file, range).await,
            Self::Version(models, name, version) => models.artifact(name, version, file, range).await,
        }
    }

    /// Where programs read the list; a file is behind `/file`.
    fn address(&self) -> String {
        match self {
            Self::Run(_, run) => format!("/api/runs/{}/artifacts", run.id),
            Self::Version(_, name, version) => {
                format!("/api/models/{}/versions/{}/artifacts", links::encode(name), links::encode(version))
            }
        }
    }
}

/// The size of a file as people read it.
#[must_use]
pub fn size(fmt: &Fmt, bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1000.0, UNITS[0]);
    for next in UNITS.iter().skip(1) {
        if value < 999.95 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    format!("{} {unit}", fmt.decimal(value, if value < 100.0 { 1 } else { 0 }))
}

/// The folder at `folder`, and a preview of `file`. A folder that is asked for as a file is opened.
pub async fn section(
    a: &PlainQuery,
    files: &FileSource<'_>,
    folder: &ArtifactPath,
    file: Option<&ArtifactPath>,
) -> AnyView {
    let lang = a.fmt.lang;
    let mut folder = folder;
    let mut listed = files.list(folder).await;
    let preview = match file {
        None => None,
        Some(file) => match found(files, folder, &listed, file).await {
            FileState::Folder => {
                folder = file;
                listed = files.list(folder).await;
                None
            }
            FileState::Missing => {
                let text = words::file_missing(lang, shown(file.as_str()));
                Some(view! { <p class="banner bad" role="alert"><bdi>{text}</bdi></p> }.into_any())
            }
            FileState::Empty => Some(framed(a, files, file, quiet(words::preview_empty(lang)))),
            FileState::Other => Some(preview(a, files, file).await),
        },
    };
    let list = match listed {
        Err(e) => {
            let text = if e.kind == ErrorKind::NotFound { words::files_not_found } else { words::files_away };
            view! { <p class="banner bad" role="status">{text(lang, &e.message)}</p> }.into_any()
        }
        Ok(entries) if entries.is_empty() => quiet(words::files_none(lang)),
        Ok(entries) => {
            let rows = entries.iter().map(|entry| row(a, files, entry, file)).collect_view();
            view! { <ul class="tree">{rows}</ul> }.into_any()
        }
    };
    view! {
        <section class="card">
            <h2>{way(a, folder)}</h2>
            {list}
            {preview}
            <footer><span class="quiet">{words::files_direct(lang)}</span></footer>
        </section>
    }
    .into_any()
}

/// What is known of a file before it is opened.
enum FileState {
    Missing,
    Folder,
    Empty,
    /// A file with something in it, or nobody knows: opening it says more.
    Other,
}

/// Looks for a file in the list of its folder, which is at hand where that is `folder`.
async fn found(
    files: &FileSource<'_>,
    folder: &ArtifactPath,
    listed: &Result<Vec<ArtifactEntry>>,
    file: &ArtifactPath,
) -> FileState {
    // The root.
    let Some(home) = file.parent() else { return FileState::Folder };
    let elsewhere = if home == *folder { None } else { Some(files.list(&home).await) };
    match elsewhere.as_ref().unwrap_or(listed) {
        Ok(entries) => match entries.iter().find(|e| e.path == *file) {
            None => FileState::Missing,
            Some(e) if e.is_folder => FileState::Folder,
            Some(e) if e.size == Some(0) => FileState::Empty,
            Some(_) => FileState::Other,
        },
        Err(e) if e.kind == ErrorKind::NotFound && !home.as_str().is_empty() => FileState::Missing,
        Err(_) => FileState::Other,
    }
}

/// A name in which line ends and tabs are seen too.
fn shown(name: &str) -> String {
    name.replace('\n', "␊").replace('\r', "␍").replace('\t', "␉")
}

fn quiet(text: impl Into<String>) -> AnyView {
    view! { <p class="quiet">{text.into()}</p> }.into_any()
}

/// The way from the root to a folder.
fn way(a: &PlainQuery, folder: &ArtifactPath) -> impl IntoView + use<> {
    let mut folders = vec![];
    let mut at = Some(folder.clone());
    while let Some(here) = at {
        at = here.parent();
        folders.push(here);
    }
    folders.reverse();
    let last = folders.len().saturating_sub(1);
    let step = |(i, here): (usize, &ArtifactPath)| {
        let label =
            if here.as_str().is_empty() { words::files_root(a.fmt.lang).to_owned() } else { shown(here.file_name()) };
        if i == last {
            view! { <bdi>{label}</bdi> }.into_any()
        } else {
            view! { <a href=to_folder(a, here)><bdi>{label}</bdi></a>" / " }.into_any()
        }
    };
    folders.iter().enumerate().map(step).collect_view()
}

fn to_folder(a: &PlainQuery, folder: &ArtifactPath) -> String {
    a.with(&[("folder", Some(folder.to_string())), ("file", None)])
}

fn row(
    a: &PlainQuery,
    files: &FileSource<'_>,
    entry: &ArtifactEntry,
    open: Option<&ArtifactPath>,
) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let name = shown(entry.path.file_name());
    if entry.is_folder {
        let href = to_folder(a, &entry.path);
        return view! { <li><a href=href><bdi>{name}</bdi>" /"</a></li> }.into_any();
    }
    let bytes = entry.size.map_or_else(|| words::file_size_unknown(lang).to_owned(), |n| size(&a.fmt, n));
    let current = (open == Some(&entry.path)).then_some("true");
    let show = a.with(&[("file", Some(entry.path.to_string()))]);
    view! {
        <li>
            <a href=show data-noscroll="" aria-current=current><bdi>{name}</bdi></a>
            <span class="quiet">{bytes}</span>
            {download(lang, files, &entry.path)}
        </li>
    }
    .into_any()
}

fn download(lang: Lang, files: &FileSource<'_>, file: &ArtifactPath) -> impl IntoView + use<> {
    let href = file_address(files, file);
    view! { <a class="tool" href=href rel="external" download=""><Icon name="download"/>{words::download(lang)}</a> }
}

/// The file through this server.
fn file_address(files: &FileSource<'_>, file: &ArtifactPath) -> String {
    links::href(&format!("{}/file", files.address()), &[("path".to_owned(), file.to_string())])
}

/// The end of a file's name, in small letters.
fn end_of(name: &str) -> String {
    name.rsplit_once('.').map_or_else(String::new, |(_, end)| end.to_ascii_lowercase())
}

async fn preview(a: &PlainQuery, files: &FileSource<'_>, file: &ArtifactPath) -> AnyView {
    let lang = a.fmt.lang;
    let name = file.file_name();
    let end = end_of(name);
    let inside = if PICTURES.contains(&&*end) {
        picture(a, files, file).await
    } else if TEXTS.contains(&&*end) || NAMES.iter().any(|n| name.starts_with(n)) {
        text(a, files, file, &end).await
    } else {
        Ok(quiet(words::preview_none(lang)))
    };
    let inside = inside.unwrap_or_else(|why| {
        view! { <p class="banner bad" role="status">{words::preview_failed(lang, &why)}</p> }.into_any()
    });
    framed(a, files, file, inside)
}

/// A preview under the name of its file.
fn framed(a: &PlainQuery, files: &FileSource<'_>, file: &ArtifactPath, inside: AnyView) -> AnyView {
    let lang = a.fmt.lang;
    view! {
        <section class="preview">
            <h3><bdi>{words::preview(lang, shown(file.file_name()))}</bdi></h3>
            {inside}
            <p>{download(lang, files, file)}</p>
        </section>
    }
    .into_any()
}

/// The beginning of a file, and how large the whole of it is where that is known.
async fn beginning(
    files: &FileSource<'_>,
    file: &ArtifactPath,
    most: u64,
) -> std::result::Result<(Vec<u8>, Option<u64>), Sentence> {
    let said = |e: domain::Error| e.message;
    let body = match files.open(file, Some(ByteRange::From(0, Some(most - 1)))).await {
        Ok(body) => body,
        // An empty file has no first byte.
        Err(e) if e.kind == ErrorKind::BadInput => files.open(file, None).await.map_err(said)?,
        Err(e) => return Err(said(e)),
    };
    let mut bytes = vec![];
    let mut stream = body.bytes;
    while let Some(part) = stream.next().await {
        bytes.extend_from_slice(&part.map_err(said)?);
        if bytes.len() as u64 >= most {
            bytes.truncate(most as usize);
            break;
        }
    }
    // What ends before it must is whole.
    let whole = body.size.or(((bytes.len() as u64) < most).then_some(bytes.len() as u64));
    Ok((bytes, whole))
}

async fn picture(
    a: &PlainQuery,
    files: &FileSource<'_>,
    file: &ArtifactPath,
) -> std::result::Result<AnyView, Sentence> {
    let lang = a.fmt.lang;
    let (head, whole) = beginning(files, file, TEXT_BYTES).await?;
    if head.is_empty() {
        return Ok(quiet(words::preview_empty(lang)));
    }
    if picture_type(&head, whole).is_none() {
        return Ok(quiet(words::preview_broken(lang)));
    }
    if whole.is_some_and(|n| n > PICTURE_BYTES) {
        return Ok(quiet(words::preview_large(lang, size(&a.fmt, PICTURE_BYTES))));
    }
    let (src, alt) = (file_address(files, file), file.file_name().to_owned());
    // What a browser cannot draw for all that is told by `app/elements/drawn.ts`, and without a script by the sentence beside it.
    let broken = words::picture_broken(lang);
    Ok(view! {
        <img src=src alt=alt data-broken=broken/>
        <noscript><p class="quiet">{words::picture_unseen(lang)}</p></noscript>
    }
    .into_any())
}

async fn text(
    a: &PlainQuery,
    files: &FileSource<'_>,
    file: &ArtifactPath,
    end: &str,
) -> std::result::Result<AnyView, Sentence> {
    let lang = a.fmt.lang;
    let (bytes, whole) = beginning(files, file, TEXT_BYTES).await?;
    let cut = whole.map_or(bytes.len() as u64 >= TEXT_BYTES, |n| n > bytes.len() as u64);
    if bytes.is_empty() {
        return Ok(quiet(words::preview_empty(lang)));
    }
    if bytes.contains(&0) {
        return Ok(quiet(words::preview_none(lang)));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let shown = match end {
        "csv" => csv_table(&text, b','),
        "tsv" => csv_table(&text, b'\t'),
        "json" if !cut => pretty(&text),
        _ => view! { <pre><code>{text}</code></pre> }.into_any(),
    };
    let note = cut.then(|| view! { <p class="quiet">{words::preview_cut(lang, size(&a.fmt, TEXT_BYTES))}</p> });
    Ok(view! { {shown}{note} }.into_any())
}

/// JSON with a line for each value, where that can be read.
fn pretty(text: &str) -> AnyView {
    let value: std::result::Result<serde_json::Value, _> = serde_json::from_str(text);
    let text = value.ok().and_then(|v| serde_json::to_string_pretty(&v).ok()).unwrap_or_else(|| text.to_owned());
    view! { <pre><code>{text}</code></pre> }.into_any()
}

/// The first rows of a table; a row that cannot be read ends it.
fn csv_table(text: &str, separator: u8) -> AnyView {
    let mut rows = cells(text, separator).into_iter();
    let head = rows.next().unwrap_or_default();
    let cell = |t: String| view! { <td><bdi>{t}</bdi></td> };
    let rows = rows.map(|row| view! { <tr>{row.into_iter().map(cell).collect_view()}</tr> }).collect_view();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label="CSV">
            <table>
                <thead><tr>{head.into_iter().map(|t| view! { <th scope="col"><bdi>{t}</bdi></th> }).collect_view()}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn cells(text: &str, separator: u8) -> Vec<Vec<String>> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let rows = reader.records().map_while(std::result::Result::ok).take(CSV_ROWS + 1);
    rows.map(|row| row.iter().take(CSV_CELLS).map(str::to_owned).collect()).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn sizes_have_the_unit_that_people_read() {
        let fmt = Fmt { lang: Lang::En, zone: TimeZone::UTC };
        let texts = [0, 999, 1_000, 65_536, 999_950, 5_000_000_000].map(|n| size(&fmt, n));
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "65.5 kB", "1.0 MB", "5.0 GB"]);
    }

    #[test]
    fn a_table_is_cut_to_what_a_page_shows() {
        let rows = cells("a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n1,", b',');
        assert_eq!(rows, [vec!["a", "b"], vec!["x, \"y\"", "two\nlines"], vec!["1", ""]]);
        assert_eq!(cells(&"1\t2\n".repeat(500), b'\t').len(), CSV_ROWS + 1);
    }
}
