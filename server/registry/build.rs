//! Turns the texts of this crate into functions: see `words_build`.

fn main() {
    words_build::Texts::under("src").generate();
}
