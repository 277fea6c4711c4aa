//! Figures as pixels: behind the feature `png`, because the renderer is large.

use crate::failure::{Exit, Failure};

#[cfg(not(feature = "png"))]
const CURE: &str = "this program was built without png: `cargo run --release -p xtask --features png -- report RUN --png`, \
                    or use figures/*.svg";

/// Whether the program can draw pixels; before anything is written.
pub(crate) fn check() -> Result<(), Failure> {
    #[cfg(feature = "png")]
    return Ok(());
    #[cfg(not(feature = "png"))]
    Err(Failure::new(Exit::Usage, CURE))
}

/// The drawing as a png file, at twice its size.
#[cfg(feature = "png")]
pub(crate) fn rendered(svg: &str) -> Result<Vec<u8>, Failure> {
    use resvg::{tiny_skia, usvg};
    const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans-subset.ttf");
    const BOLD: &[u8] = include_bytes!("../../fonts/DejaVuSans-Bold-subset.ttf");
    const SCALE: f32 = 2.0;
    // Of no other font, so that every machine draws the same; letters that it lacks are left out.
    let mut options = usvg::Options::default();
    options.fontdb_mut().load_font_data(FONT.to_vec());
    options.fontdb_mut().load_font_data(BOLD.to_vec());
    options.font_family = "DejaVu Sans".into();
    let failed = |reason: String| Failure::new(Exit::Writing, format!("a figure cannot be drawn: {reason}"));
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| failed("it has no size".into()))?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| failed(format!("{} x {} pixels", size.width(), size.height())))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(error.to_string()))
}

#[cfg(not(feature = "png"))]
pub(crate) fn rendered(_: &str) -> Result<Vec<u8>, Failure> {
    Err(Failure::new(Exit::Usage, CURE))
}
