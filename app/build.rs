//! Turns `words.toml` and `sentences.toml` of each folder of `src` into one typed function a text.

fn main() {
    words_build::Texts::under("src").lang("crate::i18n::Lang").all_used_with_feature("ssr").generate();
}
