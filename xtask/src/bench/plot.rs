//! A small plot: panels side by side, points joined by lines, a logarithmic x axis, y from zero.

use super::section::short;
use std::fmt::Write;

/// One diagram.
pub(crate) struct Panel {
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    /// In the order of x; both positive.
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 50.0;

/// The panels as an SVG image that is legible on dark and on light.
pub(crate) fn svg(panels: &[Panel]) -> String {
    let mut image = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        WIDTH * panels.len() as f64
    );
    for (i, panel) in panels.iter().filter(|panel| !panel.points.is_empty()).enumerate() {
        let _ = writeln!(image, "<g transform=\"translate({} 0)\">{}</g>", WIDTH * i as f64, drawn(panel));
    }
    image + "</svg>\n"
}

fn drawn(Panel { x, y, points }: &Panel) -> String {
    let logs = points.iter().map(|point| point.0.log10());
    let (low, high) =
        logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let top = 1.25 * points.iter().map(|point| point.1).fold(0.0, f64::max);
    let across = |x: f64| LEFT + (x.log10() - low) / (high - low).max(1e-9) * (WIDTH - LEFT - RIGHT);
    let down = |y: f64| HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM);
    let (floor, middle) = (HEIGHT - BOTTOM, (LEFT + WIDTH - RIGHT) / 2.0);
    let mut g =
        format!("<path d=\"M{LEFT} {TOP}V{floor}H{}\" fill=\"none\" stroke=\"#333\"/>", WIDTH - RIGHT);
    for part in 0..=4 {
        let value = top * f64::from(part) / 4.0;
        let at = down(value);
        let _ = write!(g, "<path d=\"M{LEFT} {at:.1}H{}\" stroke=\"#ddd\"/>", WIDTH - RIGHT);
        let _ = write!(
            g,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            at + 4.0,
            short(value)
        );
    }
    for &(x, y) in points {
        let (at, height) = (across(x), down(y));
        let _ = write!(g, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{x}</text>", floor + 16.0);
        let _ = write!(g, "<circle cx=\"{at:.1}\" cy=\"{height:.1}\" r=\"4\" fill=\"#0550ae\"/>");
    }
    let line: Vec<_> = points.iter().map(|&(x, y)| format!("{:.1} {:.1}", across(x), down(y))).collect();
    let _ =
        write!(g, "<path d=\"M{}\" fill=\"none\" stroke=\"#0550ae\" stroke-width=\"2\"/>", line.join("L"));
    let _ = write!(g, "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{x}</text>", HEIGHT - 12.0);
    let _ = write!(g, "<text x=\"{}\" y=\"14\">{y}</text>", LEFT + 6.0);
    g
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_drawn_and_an_empty_panel_is_left_out() {
        let panel = |points| Panel { x: "rows", y: "µs", points };
        let image = svg(&[panel(vec![(1e3, 2.0), (1e4, 2.1), (1e5, 1.9)]), panel(Vec::new())]);
        assert_eq!(image.matches("<circle").count(), 3);
        assert_eq!(image.matches("<g ").count(), 1);
        assert!(image.starts_with("<svg") && image.ends_with("</svg>\n") && !image.contains("NaN"));
    }
}
