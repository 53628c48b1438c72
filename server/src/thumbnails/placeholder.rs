//! A picture of words, in the place of an image that cannot be drawn.

use std::fmt::Write as _;

/// In pixels of the picture.
const WIDTH: usize = 320;
const LINE: usize = 18;
const PADDING: usize = 20;
/// Letters of a line; those of Korean take the room of two.
const LETTERS: usize = 42;
const MOST_LINES: usize = 8;

/// The text as an SVG image. It reads on light and on dark ground, since it has its own.
#[must_use]
pub fn placeholder(text: &str) -> String {
    let lines = wrapped(text);
    let height = (lines.len() * LINE + 2 * PADDING).max(WIDTH / 2);
    let first = (height - lines.len() * LINE) / 2 + LINE * 3 / 4;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#eef0f2\"/>\
         <g fill=\"#3b424d\" font-family=\"system-ui, sans-serif\" font-size=\"13\" text-anchor=\"middle\">"
    );
    for (i, line) in lines.iter().enumerate() {
        // Writing into memory does not fail.
        let _ = write!(svg, "<text x=\"{}\" y=\"{}\">{}</text>", WIDTH / 2, first + i * LINE, escaped(line));
    }
    svg.push_str("</g></svg>");
    svg
}

fn wrapped(text: &str) -> Vec<String> {
    let room = |word: &str| word.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum::<usize>();
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        while !word.is_empty() {
            let Some(line) = lines.last_mut() else { break };
            let taken = room(line) + usize::from(!line.is_empty());
            if taken + room(&word) <= LETTERS {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            // A word that is longer than a line is cut.
            let cut = word.char_indices().nth(LETTERS / 2).map_or(word.len(), |(at, _)| at);
            let rest = word.split_off(cut);
            line.push_str(&word);
            lines.push(String::new());
            word = rest;
        }
    }
    lines.retain(|line| !line.is_empty());
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.extend(["…".to_owned()]);
    }
    lines
}

fn escaped(text: &str) -> String {
    domain::text::visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_words_and_no_markup() {
        let svg = placeholder("a <script>alert(1)</script> & \u{1} b");
        assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; ␁ b") && !svg.contains("<script"), "{svg}");
        let long = wrapped(&format!("{} {}", "word ".repeat(200), "x".repeat(500)));
        assert_eq!((long.len(), long.last().map(String::as_str)), (MOST_LINES + 1, Some("…")));
        assert!(long.iter().all(|line| line.chars().count() <= LETTERS));
        assert_eq!(
            wrapped("이미지가 이백 메가픽셀이라서 그리지 않습니다 다음").len(),
            2,
            "wide letters take more room"
        );
        assert!(placeholder("").ends_with("</svg>"));
    }
}
