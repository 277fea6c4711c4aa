//! Lines with their names at their ends.

use super::colour;
use crate::page::svg::{Panel, Plot, Scale, Space, WIDTH, fitted, px, spread};
use crate::page::words::three;
use maud::html;

/// One line: its name, the number of its colour, its points.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) tone: usize,
    pub(crate) points: &'a [(f64, f64)],
}

/// A panel of lines.
pub(crate) struct Lines<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    pub(crate) lines: Vec<Line<'a>>,
    /// Values that the y axis must reach.
    pub(crate) hold: &'a [f64],
    /// An x with an upright line and dots.
    pub(crate) mark: Option<f64>,
}

impl Line<'_> {
    fn last(&self) -> Option<f64> {
        self.points.iter().rev().find(|point| point.1.is_finite()).map(|point| point.1)
    }
}

impl Lines<'_> {
    pub(crate) fn panel(&self) -> Panel {
        let height = 270.0;
        // A line alone is named by its axis.
        let names = if self.lines.len() > 1 { 84.0 } else { 0.0 };
        let space = Space { right: WIDTH - 12.0 - names, ..Space::of(WIDTH, height) };
        let all = || self.lines.iter().flat_map(|line| line.points);
        let mut ends = vec![0.0];
        ends.extend(self.mark);
        let plot = Plot {
            x: Scale::over(all().map(|point| point.0), &ends, space.across()),
            y: Scale::over(all().map(|point| point.1), self.hold, space.up()),
        };
        let wanted: Vec<f64> =
            self.lines.iter().map(|line| plot.y.within(line.last().unwrap_or(plot.y.from.0))).collect();
        let gap = 15.0f64.min((space.bottom - space.top) / self.lines.len().max(1) as f64);
        let places = spread(&wanted, gap, (space.top, space.bottom));
        let body = html! {
            (plot.axes(self.x, self.y, 4))
            @if let Some(x) = self.mark {
                path class="pick" d={ "M" (px(plot.x.at(x))) " " (px(space.top - 4.0)) "V" (px(space.bottom)) } {}
            }
            @for (i, line) in self.lines.iter().enumerate() {
                path class={ "line s" (colour(line.tone)) (if i % 2 == 1 { " dash" } else { "" }) } d=(plot.line(line.points)) {}
                @if let Some(&(x, y)) = line.points.iter().find(|point| Some(point.0) == self.mark) {
                    circle class="picked" cx=(px(plot.x.at(x))) cy=(px(plot.y.within(y))) r="4" {
                        title { (line.name) " at " (x) ": " (three(y)) }
                    }
                }
            }
            @if names > 0.0 {
                @for (line, place) in self.lines.iter().zip(places) {
                    text class={ "f" (colour(line.tone)) } x=(px(space.right + 8.0)) y=(px(place + 4.0)) { (fitted(line.name, 12.0, names)) }
                }
            }
        };
        let said: Vec<String> = self
            .lines
            .iter()
            .filter_map(|line| {
                Some(format!(
                    "{}: from {} to {}",
                    line.name,
                    three(line.points.first()?.1),
                    three(line.last()?)
                ))
            })
            .collect();
        Panel { width: WIDTH, height, title: self.title.into(), description: said.join("; "), body }
    }
}
