//! The colours of page and figures, for light and for dark, and their style sheets.

/// What the colours are called in the style sheets, with their values on light and on dark.
///
/// `c0` … `c9` are for lines and for the words that name them; each stands out from the ground by 4.5 : 1.
const COLOURS: [(&str, &str, &str); 20] = [
    ("ground", "#fdfcf9", "#15171b"),
    ("card", "#f5f3ed", "#1d2026"),
    ("ink", "#1d1d1b", "#ecebe6"),
    ("soft", "#5a5852", "#aeb0b4"),
    ("rule", "#d9d5ca", "#3a3e46"),
    ("link", "#0b4f9c", "#8ec1ff"),
    ("right", "#1b62b5", "#6fb1fb"),
    ("wrong", "#b2410a", "#f59762"),
    ("mark", "#8a5a00", "#e5b64c"),
    ("shade", "#efece3", "#24272e"),
    ("c0", "#1b62b5", "#6fb1fb"),
    ("c1", "#b2410a", "#f59762"),
    ("c2", "#1a7048", "#5fc795"),
    ("c3", "#7a3fa6", "#c59bea"),
    ("c4", "#7d6200", "#d9bd4a"),
    ("c5", "#0b6f80", "#55c4d6"),
    ("c6", "#b3266b", "#f28cb8"),
    ("c7", "#5d5b55", "#b5b4ae"),
    ("c8", "#5a6b0f", "#b4c95a"),
    ("c9", "#8c4a3c", "#dba697"),
];

/// How many colours lines have before they begin again.
pub(crate) const SERIES: usize = 10;

const FIGURES: &str = include_str!("figures.css");
const PAGE: &str = include_str!("page.css");

/// The page's style sheet: the reader's system chooses light or dark, paper is light.
pub(crate) fn page_style() -> String {
    let variables = |dark: bool| -> String {
        let value = |&(name, light, deep): &(&str, &'static str, &'static str)| {
            format!("--{name}:{};", if dark { deep } else { light })
        };
        COLOURS.iter().map(value).collect()
    };
    format!(
        ":root{{color-scheme:light dark;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n{PAGE}{FIGURES}",
        variables(false),
        variables(true)
    )
}

/// The style sheet of a figure in a file of its own: light, without variables, which few programs know.
pub(crate) fn file_style() -> String {
    let rules: String = FIGURES.lines().filter(|line| !line.starts_with("/*")).collect();
    COLOURS.iter().fold(rules, |rules, (name, light, _)| rules.replace(&format!("var(--{name})"), light))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The mean of two colours, as a half-transparent cell shows them.
    fn half(a: &str, b: &str) -> String {
        let part = |text: &str, at: usize| u32::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..3).fold("#".to_owned(), |all, i| {
            all + &format!("{:02x}", (part(a, 2 * i + 1) + part(b, 2 * i + 1)) / 2)
        })
    }

    #[test]
    fn all_words_can_be_read_on_light_and_on_dark() {
        for pick in
            [|c: &(&str, &'static str, &'static str)| c.1, |c: &(&str, &'static str, &'static str)| c.2]
        {
            let of = |name: &str| pick(COLOURS.iter().find(|colour| colour.0 == name).unwrap());
            for colour in COLOURS.iter().filter(|c| !["ground", "card", "rule", "shade"].contains(&c.0)) {
                for ground in ["ground", "card", "shade"] {
                    let ratio = contrast(pick(colour), of(ground));
                    assert!(ratio >= 4.5, "{} {} on {ground}: {ratio:.2}", colour.0, pick(colour));
                }
            }
            for cell in ["right", "wrong"] {
                let ratio = contrast(of("ink"), &half(of(cell), of("ground")));
                assert!(ratio >= 4.5, "ink on half {cell}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn a_figure_in_a_file_needs_no_variables() {
        assert!(!file_style().contains("var("), "{}", file_style());
        assert!(page_style().contains("var(--c9)") && file_style().contains(COLOURS[19].1));
    }
}
