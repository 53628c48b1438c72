//! The one system of texts: what people read stands in `words.toml` and `sentences.toml`, English and Korean side by side,
//! and becomes one typed function a text. A missing language or a wrong placeholder fails the build.
//!
//! # Files
//!
//! A text has a key and both languages. `{name}` is a placeholder; `{n|record|records}` is the first word where the placeholder `n` shows
//! as "1", else the second; `{why:sentence}` takes an error's sentence, in the language of the text. `{{` and `}}` are braces.
//!
//! ```toml
//! title.en = "Worst zones"
//! title.ko = "성능 하위 구역"
//! worst_of.en = "{shown} of {n} {n|zone|zones}"
//! worst_of.ko = "구역 {n}개 중 {shown}개"
//! ```
//!
//! - `words.toml`: what pages and pictures say. The functions take the language:
//!   `title(lang) -> &'static str`, `worst_of(lang, shown, n) -> String`.
//! - `sentences.toml`: what errors say. The functions take no language and return a `Sentence` with both:
//!   `no_zone(got) -> Sentence`.
//!
//! Parameters stand in the order in which the placeholders occur in English; each is an `impl Display`. A value is never read
//! again for placeholders, and nothing is escaped: the caller escapes for HTML or SVG.
//!
//! # Use
//!
//! In `build.rs`:
//!
//! ```no_run
//! words_build::Texts::under("src").lang("crate::i18n::Lang").sentence("domain::error::Sentence").generate();
//! ```
//!
//! `src/trends/words.toml` becomes `trends/words.rs` in `OUT_DIR`, and `src/trends/mod.rs` (or `src/trends.rs`) says
//!
//! ```text
//! mod words {
//!     include!(concat!(env!("OUT_DIR"), "/trends/words.rs"));
//! }
//! // … words::worst_of(lang, shown, n)
//! ```
//!
//! Keep the module private, or `pub(crate)`: then the compiler names each text that nobody uses.
#![expect(clippy::disallowed_methods, reason = "a build script keeps nobody waiting")]

mod generate;
mod text;

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::generate::GeneratedPaths;

/// Why texts could not be generated: the file, the key where there is one, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextError {
    file: PathBuf,
    key: Option<String>,
    what: String,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file.display())?;
        self.key.iter().try_for_each(|key| write!(f, "`{key}` "))?;
        f.write_str(&self.what)
    }
}

impl std::error::Error for TextError {}

/// The texts below a folder, and how the generated code names the types that it needs.
#[derive(Debug, Clone)]
pub struct Texts {
    folder: PathBuf,
    style: GeneratedPaths,
}

impl Texts {
    /// The texts below this folder of the package, as a rule `src`.
    #[must_use]
    pub fn under(folder: impl Into<PathBuf>) -> Self {
        let style = GeneratedPaths {
            lang: "crate::Lang".into(),
            sentence: "domain::error::Sentence".into(),
            all_used_with_feature: None,
        };
        Self { folder: folder.into(), style }
    }

    /// The path of the enum `Lang { En, Ko }`.
    #[must_use]
    pub fn lang(mut self, path: &str) -> Self {
        path.clone_into(&mut self.style.lang);
        self
    }

    /// The path of the struct `Sentence { en: String, ko: Option<String> }`.
    #[must_use]
    pub fn sentence(mut self, path: &str) -> Self {
        path.clone_into(&mut self.style.sentence);
        self
    }

    /// Only the build with this feature uses every text: without it, unused ones are no warning.
    #[must_use]
    pub fn all_used_with_feature(mut self, feature: &str) -> Self {
        self.style.all_used_with_feature = Some(feature.to_owned());
        self
    }

    /// For `build.rs`: writes the generated files to `OUT_DIR` and tells Cargo what they depend on. Faults fail the build.
    pub fn generate(&self) {
        println!("cargo::rerun-if-changed={}", self.folder.display());
        let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
        for fault in self.write_to(&out) {
            println!("cargo::error={}", fault.to_string().replace('\n', " "));
        }
    }

    /// Writes the generated files below `out`, at the paths that their origins have below the folder. All faults are returned.
    #[must_use]
    pub fn write_to(&self, out: &Path) -> Vec<TextError> {
        let mut files = Vec::new();
        if let Err(fault) = find(&self.folder, &mut files) {
            return vec![fault];
        }
        let mut faults = Vec::new();
        for file in files {
            let within = file.strip_prefix(&self.folder).unwrap_or(&file);
            match fs::read_to_string(&file).map_err(|e| vec![unreadable(&file, &e)]).and_then(|t| self.code(&file, &t))
            {
                Ok(code) => faults.extend(write(&out.join(within).with_extension("rs"), &code).err()),
                Err(more) => faults.extend(more),
            }
        }
        faults
    }

    /// The code of one file of texts.
    fn code(&self, file: &Path, content: &str) -> Result<String, Vec<TextError>> {
        let fault = |(key, what)| TextError { file: file.to_owned(), key, what };
        let texts = text::read(content).map_err(|faults| faults.into_iter().map(fault).collect::<Vec<_>>())?;
        let sentences = file.file_name().is_some_and(|name| name == SENTENCES);
        Ok(if sentences { generate::sentences(&texts, &self.style) } else { generate::words(&texts, &self.style) })
    }
}

const WORDS: &str = "words.toml";
const SENTENCES: &str = "sentences.toml";

fn unreadable(path: &Path, e: &io::Error) -> TextError {
    TextError { file: path.to_owned(), key: None, what: format!("cannot be read: {e}") }
}

/// All files of texts below a folder, in the order of their paths.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), TextError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(|e| unreadable(folder, &e))?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, files)?;
        } else if path.file_name().is_some_and(|name| name == WORDS || name == SENTENCES) {
            files.push(path);
        }
    }
    Ok(())
}

/// Writes a file where it differs from what is there.
fn write(path: &Path, code: &str) -> Result<(), TextError> {
    if fs::read_to_string(path).is_ok_and(|old| old == code) {
        return Ok(());
    }
    let fault = |e: io::Error| TextError { file: path.to_owned(), key: None, what: format!("cannot be written: {e}") };
    path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, code)).map_err(fault)
}

#[cfg(test)]
mod tests;
