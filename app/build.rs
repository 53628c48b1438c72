//! Turns `words.toml` and `sentences.toml` of each folder of `src` into one typed function a text.

fn main() {
    words_build::Texts::under("src").lang("crate::i18n::Lang").whole_with("ssr").generate();
}
