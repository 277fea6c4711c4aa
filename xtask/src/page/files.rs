//! Figures as files of their own: svg always, png by a feature.

use super::figures::Figure;
use super::svg::{Panel, px};
use super::theme;
use maud::{PreEscaped, html};

const GAP: f64 = 24.0;
/// Panels of a row are at most this wide together.
const PAGE: f64 = 1080.0;

/// The figure with all its panels, in light colours; nothing for one that is a table alone.
pub(crate) fn svg(figure: &Figure) -> Option<String> {
    let (places, width, height) = placed(&figure.panels);
    if places.is_empty() {
        return None;
    }
    let top = 44.0;
    let said: Vec<&str> = figure.panels.iter().map(|panel| panel.description.as_str()).collect();
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(px(width)) height=(px(height + top)) viewBox={ "0 0 " (px(width)) " " (px(height + top)) } role="img" aria-labelledby="title" aria-describedby="description" {
            title id="title" { (figure.title) }
            desc id="description" { (figure.finding) " " (said.join(". ")) }
            style { (PreEscaped(theme::file_style())) }
            rect class="ground" width="100%" height="100%" {}
            text class="head" x=(px(GAP)) y="26" { (figure.title) }
            @for (panel, (x, y)) in figure.panels.iter().zip(places) {
                g transform={ "translate(" (px(x)) " " (px(y + top)) ")" } { (panel.body) }
            }
        }
    };
    Some(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", drawing.into_string()))
}

/// Where each panel stands, row by row, and the size of them all.
fn placed(panels: &[Panel]) -> (Vec<(f64, f64)>, f64, f64) {
    let (mut x, mut y, mut tallest, mut widest) = (GAP, 0.0, 0.0f64, 0.0f64);
    let mut places = Vec::new();
    for panel in panels {
        if x > GAP && x + panel.width > PAGE + GAP {
            (x, y, tallest) = (GAP, y + tallest + GAP, 0.0);
        }
        places.push((x, y));
        x += panel.width + GAP;
        tallest = tallest.max(panel.height);
        widest = widest.max(x);
    }
    (places, widest, y + tallest + GAP)
}
