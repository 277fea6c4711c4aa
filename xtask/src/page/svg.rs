//! The parts of a drawing: scales with round ticks, axes, lines, names that fit their place.
//!
//! Everything has classes and no colours: the page themes it with CSS, a file brings the light colours along.

use maud::{Markup, html};

/// Width of an ordinary panel: one drawn at its own size fits a phone.
pub(crate) const WIDTH: f64 = 340.0;

/// One drawing with the words that stand for it.
pub(crate) struct Panel {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// What is shown, a few words.
    pub(crate) title: String,
    /// What it tells, for who cannot see it.
    pub(crate) description: String,
    pub(crate) body: Markup,
}

/// A coordinate, to a tenth of a pixel.
pub(crate) fn px(value: f64) -> String {
    trimmed(format!("{:.1}", value + 0.0))
}

fn trimmed(text: String) -> String {
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".into() } else { short.into() }
}

/// Maps values to pixels.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) from: (f64, f64),
    pub(crate) to: (f64, f64),
}

impl Scale {
    /// Over `values`, widened to round numbers; `hold` are values that must be in it.
    pub(crate) fn over(values: impl Iterator<Item = f64>, hold: &[f64], to: (f64, f64)) -> Self {
        let all = values.chain(hold.iter().copied()).filter(|value| value.is_finite());
        let (low, high) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = match (low, high) {
            (low, high) if low > high => (0.0, 1.0),
            (low, high) if low == high => (low - 0.5, high + 0.5),
            pair => pair,
        };
        let step = step((high - low).max(f64::MIN_POSITIVE), 4);
        Scale { from: ((low / step).floor() * step, (high / step).ceil() * step), to }
    }

    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = (value - self.from.0) / (self.from.1 - self.from.0);
        self.to.0 + share * (self.to.1 - self.to.0)
    }

    /// As `at`, kept within the range.
    pub(crate) fn within(&self, value: f64) -> f64 {
        self.at(value.clamp(self.from.0, self.from.1))
    }

    /// About `count` round values with their names.
    pub(crate) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let step = step(self.from.1 - self.from.0, count);
        let digits = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let first = (self.from.0 / step - 1e-9).ceil();
        (0..=20 * count)
            .map(|i| (first + i as f64) * step)
            .take_while(|value| *value <= self.from.1 + 1e-9 * step)
            .map(|value| (value, minus(trimmed_if_point(format!("{value:.digits$}")))))
            .collect()
    }
}

fn trimmed_if_point(text: String) -> String {
    if text.contains('.') { trimmed(text) } else { text }
}

/// A hyphen is too short for a minus.
pub(crate) fn minus(text: String) -> String {
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        return text.replace('-', "");
    }
    text.replace('-', "−")
}

/// 1, 2 or 5 times a power of ten, so that about `count` of them fill `span`.
fn step(span: f64, count: usize) -> f64 {
    let rough = span / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| rough <= factor * power * 1.0001);
    factor.unwrap_or(10.0) * power
}

/// A rectangle for data, with its two scales.
#[derive(Clone, Copy)]
pub(crate) struct Plot {
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

/// Where a plot stands in its panel.
#[derive(Clone, Copy)]
pub(crate) struct Space {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

impl Space {
    /// In a panel of this width and height, with room for axes and a name above.
    pub(crate) fn of(width: f64, height: f64) -> Self {
        Space { left: 38.0, right: width - 10.0, top: 26.0, bottom: height - 38.0 }
    }

    pub(crate) fn across(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    pub(crate) fn up(&self) -> (f64, f64) {
        (self.bottom, self.top)
    }

    /// Both axes from 0 to 1.
    pub(crate) fn unit(&self) -> Plot {
        Plot {
            x: Scale { from: (0.0, 1.0), to: self.across() },
            y: Scale { from: (0.0, 1.0), to: self.up() },
        }
    }
}

impl Plot {
    /// Faint lines across, names of ticks, the name of y above its axis and that of x below.
    pub(crate) fn axes(&self, x_name: &str, y_name: &str, x_ticks: usize) -> Markup {
        let ((left, right), (bottom, top)) = (self.x.to, self.y.to);
        html! {
            g class="axes" {
                @for (value, name) in self.y.ticks(4) {
                    @let y = self.y.at(value);
                    path class="grid" d={ "M" (px(left)) " " (px(y)) "H" (px(right)) } {}
                    text class="tick end" x=(px(left - 6.0)) y=(px(y + 4.0)) { (name) }
                }
                @for (value, name) in self.x.ticks(x_ticks) {
                    @let x = self.x.at(value);
                    path class="axis" d={ "M" (px(x)) " " (px(bottom)) "v4" } {}
                    text class="tick mid" x=(px(x)) y=(px(bottom + 17.0)) { (name) }
                }
                path class="axis" d={ "M" (px(left)) " " (px(bottom)) "H" (px(right)) } {}
                text class="name" x=(px(0.0)) y=(px(top - 12.0)) { (y_name) }
                text class="name end" x=(px(right)) y=(px(bottom + 34.0)) { (x_name) }
            }
        }
    }

    /// The points joined, without those too near to be seen.
    pub(crate) fn line(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        let mut last: Option<(f64, f64)> = None;
        for (i, &(x, y)) in points.iter().enumerate() {
            if !(x.is_finite() && y.is_finite()) {
                last = None;
                continue;
            }
            let (x, y) = (self.x.within(x), self.y.within(y));
            let near = last.is_some_and(|(a, b)| (a - x).abs() < 0.4 && (b - y).abs() < 0.4);
            if near && i + 1 < points.len() {
                continue;
            }
            path += &format!("{}{} {}", if last.is_some() { 'L' } else { 'M' }, px(x), px(y));
            last = Some((x, y));
        }
        path
    }

    /// The area between a lower and an upper line.
    pub(crate) fn band(&self, low: &[(f64, f64)], high: &[(f64, f64)]) -> String {
        let around: Vec<(f64, f64)> = low.iter().chain(high.iter().rev()).copied().collect();
        self.line(&around) + "Z"
    }
}

/// Heights of labels that want to stand at `wanted`, moved apart by at least `gap`, within `space`.
pub(crate) fn spread(wanted: &[f64], gap: f64, space: (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut placed = vec![0.0; wanted.len()];
    let mut floor = space.0;
    for &i in &order {
        placed[i] = wanted[i].max(floor);
        floor = placed[i] + gap;
    }
    let mut ceiling = space.1;
    for &i in order.iter().rev() {
        placed[i] = f64::min(placed[i], ceiling);
        ceiling = placed[i] - gap;
    }
    placed
}

/// Width of a text of this size, estimated on the wide side, because fonts differ.
pub(crate) fn width_of(text: &str, size: f64) -> f64 {
    let of = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.33,
        'f' | 'r' | 't' | 'I' | ' ' | '(' | ')' | '[' | ']' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.98,
        c if c.is_ascii_uppercase() => 0.72,
        c if c.is_ascii_digit() => 0.61,
        c if (c as u32) < 0x2000 => 0.62,
        c if (0x2000..0x2070).contains(&(c as u32)) => 0.62,
        _ => 1.05,
    };
    text.chars().map(of).sum::<f64>() * size
}

/// The text, or its beginning and `…`, so that it is at most `space` wide.
pub(crate) fn fitted(text: &str, size: f64, space: f64) -> String {
    // A name of ten thousand letters need not be measured to its end.
    let text: String = text.chars().take(400).collect();
    if width_of(&text, size) <= space {
        return text;
    }
    let mut short = String::new();
    let mut left = space - 0.8 * size;
    for c in text.chars() {
        left -= width_of(c.encode_utf8(&mut [0; 4]), size);
        if left < 0.0 {
            break;
        }
        short.push(c);
    }
    short.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_scale() {
        let names = |from, count| {
            let scale = Scale { from, to: (0.0, 1.0) };
            scale.ticks(count).into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        assert_eq!(names((0.0, 1.0), 4), ["0", "0.5", "1"]);
        assert_eq!(names((0.0, 1.0), 5), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(names((-0.2, 0.2), 4), ["−0.2", "−0.1", "0", "0.1", "0.2"]);
        assert_eq!(names((0.0, 100.0), 4), ["0", "50", "100"]);
    }

    #[test]
    fn a_scale_over_nothing_or_one_value_has_a_width() {
        for values in [vec![], vec![3.0], vec![f64::NAN, f64::INFINITY], vec![0.0, 0.0]] {
            let scale = Scale::over(values.into_iter(), &[], (0.0, 10.0));
            assert!(scale.from.0 < scale.from.1 && scale.at(scale.from.1) == 10.0);
        }
    }

    #[test]
    fn labels_keep_their_distance_and_their_order() {
        let placed = spread(&[50.0, 52.0, 51.0, 99.0], 10.0, (0.0, 100.0));
        assert_eq!(placed, [50.0, 70.0, 60.0, 99.0]);
        assert_eq!(spread(&[98.0, 99.0], 10.0, (0.0, 100.0)), [90.0, 100.0]);
    }

    #[test]
    fn a_long_name_is_cut_to_its_place() {
        assert_eq!(fitted("short", 12.0, 100.0), "short");
        let cut = fitted(&"x".repeat(10_000), 12.0, 100.0);
        assert!(cut.ends_with('…') && width_of(&cut, 12.0) <= 110.0, "{cut}");
    }

    #[test]
    fn a_gap_in_the_points_is_a_gap_in_the_line() {
        let plot = Space { left: 0.0, right: 100.0, top: 0.0, bottom: 100.0 }.unit();
        assert_eq!(plot.line(&[(0.0, 0.0), (0.5, f64::NAN), (0.5, 0.5), (1.0, 1.0)]), "M0 100M50 50L100 0");
    }
}
