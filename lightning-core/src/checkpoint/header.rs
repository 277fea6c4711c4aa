//! The header of a file: what stands in it, and where its checksums stand.

use super::FORMAT_VERSION;
use safetensors::tensor::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::ops::Range;

/// The largest header that is written or read: a damaged length must not ask for memory.
pub(super) const MAX_HEADER: u64 = 1 << 20;
/// The most entries of a file.
pub(super) const MAX_ENTRIES: usize = 10_000;
/// The one metadata entry: a map of several would be written in an order that differs from run to run.
pub(super) const KEY: &str = "lightning";
/// Hexadecimal digits of a CRC-32.
const DIGITS: usize = 8;

/// The JSON text in the metadata. The checksums come first, where they are found without reading JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Meta {
    crc32: String,
    /// Of each entry's bytes, in the order of the file; what says where a file is damaged.
    #[serde(default)]
    entries: String,
    pub(super) format_version: u32,
    #[serde(flatten)]
    pub(super) sections: Map<String, Value>,
}

impl Meta {
    /// With zeros for the checksums of `entries` entries.
    pub(super) fn new(entries: usize, sections: Map<String, Value>) -> Self {
        let zeros = |n: usize| "0".repeat(DIGITS * n);
        Meta { crc32: zeros(1), entries: zeros(entries), format_version: FORMAT_VERSION, sections }
    }

    pub(super) fn read(header: &Metadata) -> Result<Self, String> {
        let text = header.metadata().as_ref().and_then(|entries| entries.get(KEY)).ok_or("no metadata")?;
        let meta: Meta = serde_json::from_str(text).map_err(|e| format!("metadata: {e}"))?;
        if !(1..=FORMAT_VERSION).contains(&meta.format_version) {
            let version = meta.format_version;
            return Err(format!(
                "format version {version}, this program reads 1 to {FORMAT_VERSION}; use the program that wrote it"
            ));
        }
        Ok(meta)
    }

    /// The start of a file with these entries: the header's length and the header.
    pub(super) fn file_start(
        &self,
        infos: Vec<(String, safetensors::tensor::TensorInfo)>,
    ) -> Result<Vec<u8>, String> {
        let count = infos.len();
        let text = serde_json::to_string(self).map_err(|e| e.to_string())?;
        let metadata = [(KEY.to_owned(), text)].into_iter().collect();
        let header = Metadata::new(Some(metadata), infos).map_err(|e| e.to_string())?;
        let mut json = serde_json::to_vec(&header).map_err(|e| e.to_string())?;
        json.resize(json.len().next_multiple_of(8), b' ');
        if json.len() as u64 > MAX_HEADER || count > MAX_ENTRIES {
            let size = json.len();
            return Err(format!(
                "{count} arrays with a header of {size} bytes, the limits are {MAX_ENTRIES} and {MAX_HEADER}; \
                 join small parameters or shorten their names"
            ));
        }
        Ok([&(json.len() as u64).to_le_bytes()[..], &json].concat())
    }
}

/// The header's length, if it is plausible for a file of `len` bytes that begins with `start`.
pub(super) fn header_len(start: &[u8], len: u64) -> Result<usize, String> {
    let Some(first) = start.first_chunk::<8>() else {
        return Err(format!("{len} bytes, too short for a header"));
    };
    let header = u64::from_le_bytes(*first);
    if header > MAX_HEADER || header + 8 > len {
        return Err(format!(
            "its header says {header} bytes in a file of {len}: cut short, or no safetensors file"
        ));
    }
    Ok(header as usize)
}

/// The header of a file that begins with these bytes.
pub(super) fn parse(start: &[u8]) -> Result<Metadata, String> {
    let header: Metadata = serde_json::from_slice(&start[8..]).map_err(|e| format!("header: {e}"))?;
    match header.offset_keys().len() {
        count if count > MAX_ENTRIES => Err(format!("{count} entries, at most {MAX_ENTRIES} are read")),
        _ => Ok(header),
    }
}

/// Where the digits of the file's checksum stand.
pub(super) fn file_digits(start: &[u8]) -> Option<Range<usize>> {
    digits(start, br#"\"crc32\":\""#, 1)
}

/// Where the digits of the entries' checksums stand.
pub(super) fn entry_digits(start: &[u8], entries: usize) -> Option<Range<usize>> {
    digits(start, br#"\"entries\":\""#, entries)
}

/// The quotes of the inner JSON text are escaped in the outer one.
fn digits(start: &[u8], label: &[u8], count: usize) -> Option<Range<usize>> {
    let at = start.windows(label.len()).position(|window| window == label)? + label.len();
    (at + count * DIGITS <= start.len()).then_some(at..at + count * DIGITS)
}
