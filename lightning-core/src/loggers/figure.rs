//! A picture on its way to the loggers.

use super::at;
use crate::checkpoint::write_atomically;
use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;

/// A picture. Each logger takes the kinds it has a place for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Figure<'a> {
    /// A complete PNG file.
    Png(&'a [u8]),
    /// A complete SVG document.
    Svg(&'a str),
    /// Red, green and blue, 8 bits each, row by row from the top.
    Rgb {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// `3 · width · height` bytes.
        pixels: &'a [u8],
    },
}

impl<'a> Figure<'a> {
    /// As the bytes of a file, with the ending that its name should have.
    ///
    /// # Errors
    /// If there are not three bytes for each pixel, or no pixels at all.
    pub fn to_file(self) -> io::Result<(Cow<'a, [u8]>, &'static str)> {
        match self {
            Figure::Png(bytes) => Ok((bytes.into(), "png")),
            Figure::Svg(text) => Ok((text.as_bytes().into(), "svg")),
            Figure::Rgb { width, height, pixels } => Ok((encoded(width, height, pixels)?.into(), "png")),
        }
    }

    /// Writes the file `TAG-step=N` into `dir` and gives its name.
    pub(super) fn write(self, dir: &Path, tag: &str, step: u64) -> io::Result<String> {
        let (bytes, ending) = self.to_file()?;
        let name = format!("{}-step={step}.{ending}", file_name(tag));
        fs::create_dir_all(dir).map_err(at(dir))?;
        let path = dir.join(&name);
        write_atomically(&path, &bytes).map_err(at(&path))?;
        Ok(name)
    }
}

fn encoded(width: u32, height: u32, pixels: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels)).map_err(|error| {
        let message = format!("a figure of {width} × {height} pixels in {} bytes: {error}", pixels.len());
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })?;
    Ok(file)
}

/// Other tags have other names: what a file's name cannot have is written as in a URL.
fn file_name(tag: &str) -> String {
    let mut name = String::with_capacity(tag.len());
    for byte in tag.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            name.push(byte as char);
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_a_png_file() {
        let pixels: Vec<u8> = (0..18).collect();
        let (file, ending) = Figure::Rgb { width: 3, height: 2, pixels: &pixels }.to_file().expect("a file");
        assert_eq!(ending, "png");
        let mut reader = png::Decoder::new(io::Cursor::new(&file[..])).read_info().expect("a header");
        let mut decoded = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut decoded).expect("an image");
        assert_eq!((reader.info().width, reader.info().height, &decoded), (3, 2, &pixels));
    }

    #[test]
    fn pixels_that_do_not_fill_the_figure_are_refused() {
        let error = Figure::Rgb { width: 3, height: 2, pixels: &[0; 17] }.to_file().expect_err("one too few");
        assert!(error.to_string().starts_with("a figure of 3 × 2 pixels in 17 bytes: "), "{error}");
        Figure::Rgb { width: 0, height: 2, pixels: &[] }.to_file().expect_err("no pixels");
    }

    #[test]
    fn a_tag_is_a_file_name_in_one_way() {
        assert_eq!(file_name("val/roc curve"), "val%2Froc%20curve");
        assert_ne!(file_name("a/b"), file_name("a_b"));
    }
}
