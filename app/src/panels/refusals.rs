//! Why rows were refused, in words.

use super::words;
use crate::i18n::Lang;

/// Why rows were refused, in words; codes of a newer version stay codes.
#[must_use]
pub fn reason_of(lang: Lang, code: &str) -> &str {
    match code {
        "too_long" => words::refused_too_long(lang),
        "invalid_utf8" => words::refused_invalid_utf8(lang),
        "invalid_json" => words::refused_invalid_json(lang),
        "not_an_object" => words::refused_not_an_object(lang),
        "missing" => words::refused_missing(lang),
        "wrong_type" => words::refused_wrong_type(lang),
        "bad_name" => words::refused_bad_name(lang),
        "bad_time" => words::refused_bad_time(lang),
        "too_old" => words::refused_too_old(lang),
        "future" => words::refused_future(lang),
        "not_finite" => words::refused_not_finite(lang),
        "out_of_range" => words::refused_out_of_range(lang),
        "no_metric" => words::refused_no_metric(lang),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use domain::record::Refusal;

    use super::reason_of;
    use crate::i18n::Lang;

    #[test]
    fn every_reason_for_refusing_a_row_has_words_in_both_languages() {
        for code in Refusal::CODES {
            let words = [Lang::En, Lang::Ko].map(|l| reason_of(l, code));
            assert!(words[0] != code && words[1].chars().any(|c| ('가'..='힣').contains(&c)), "{code}: {words:?}");
        }
    }
}
