//! A curve as an SVG picture.

use std::fmt::Write as _;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Left, right, top and bottom edge of the plot.
const PLOT: [f64; 4] = [80.0, 620.0, 20.0, 340.0];

/// A loss by learning rate.
pub(super) struct Chart<'a> {
    pub(super) x: &'a [f64],
    pub(super) y: &'a [f64],
    /// Whether the x axis is logarithmic.
    pub(super) is_log: bool,
    /// The point that is marked.
    pub(super) mark: Option<usize>,
}

impl Chart<'_> {
    pub(super) fn to_svg(&self) -> String {
        let [left, right, top, bottom] = PLOT;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n<path d=\"M{left} {top}V{bottom}\
             H{right}\" fill=\"none\" stroke=\"black\"/>\n"
        );
        let ranges = [range(self.x.iter().map(|&x| self.scaled(x))), range(self.y.iter().copied())];
        self.labels(&mut svg, ranges);
        let point = |i: usize| self.point(i, ranges);
        let points: Vec<String> =
            (0..self.y.len()).map(point).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        put(
            &mut svg,
            format_args!(
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"steelblue\" stroke-width=\"2\"/>"
            ),
        );
        if let Some(mark) = self.mark {
            let ((x, y), lr) = (point(mark), self.x[mark]);
            put(&mut svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"crimson\"/>"));
            let (dx, anchor) = if x > (left + right) / 2.0 { (-9.0, "end") } else { (9.0, "start") };
            let x = x + dx;
            put(
                &mut svg,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">suggestion {lr:.2e}</text>"
                ),
            );
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn labels(&self, svg: &mut String, [x_range, y_range]: [[f64; 2]; 2]) {
        let [left, right, top, bottom] = PLOT;
        for tick in 0..=4 {
            let part = f64::from(tick) / 4.0;
            let (x, y) = (left + part * (right - left), bottom - part * (bottom - top));
            let of = |[low, high]: [f64; 2]| low + part * (high - low);
            let lr = if self.is_log { 10f64.powf(of(x_range)) } else { of(x_range) };
            put(
                svg,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{lr:.1e}</text>",
                    bottom + 18.0
                ),
            );
            put(
                svg,
                format_args!(
                    "<text x=\"{}\" y=\"{y:.1}\" text-anchor=\"end\">{:.3e}</text>",
                    left - 6.0,
                    of(y_range)
                ),
            );
        }
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        put(
            svg,
            format_args!(
                "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">learning rate</text>",
                bottom + 42.0
            ),
        );
        let turn = format!("rotate(-90 14 {y})");
        put(
            svg,
            format_args!(
                "<text x=\"14\" y=\"{y}\" text-anchor=\"middle\" transform=\"{turn}\">smoothed loss</text>"
            ),
        );
    }

    fn point(&self, i: usize, [x_range, y_range]: [[f64; 2]; 2]) -> (f64, f64) {
        let [left, right, top, bottom] = PLOT;
        let x = share(self.scaled(self.x[i]), x_range);
        let y = share(self.y[i], y_range);
        (left + x * (right - left), bottom - y * (bottom - top))
    }

    fn scaled(&self, x: f64) -> f64 {
        if self.is_log { x.log10() } else { x }
    }
}

fn put(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("a string takes all that is written to it");
}

/// The smallest and the largest value; around a single one, so that it lies in the middle.
fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] =
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)]);
    match high - low {
        width if width > 0.0 => [low, high],
        0.0 => [low - 0.5, high + 0.5],
        _ => [0.0, 1.0],
    }
}

fn share(value: f64, [low, high]: [f64; 2]) -> f64 {
    (value - low) / (high - low)
}
