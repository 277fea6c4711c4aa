//! A file of records as TensorFlow frames them: length, its checksum, the bytes, their checksum.

use crate::loggers::{at, refused};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A record file that is written to its end, a record at a time and each in one piece.
#[derive(Debug)]
pub(super) struct RecordFile {
    path: PathBuf,
    file: File,
    len: u64,
    buffer: Vec<u8>,
}

impl RecordFile {
    /// A new, empty file; what was there is lost if it may be replaced, an error otherwise.
    pub(super) fn create(path: PathBuf, replace: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).truncate(replace).create(replace).create_new(!replace);
        let file = options.open(&path).map_err(at(&path))?;
        Ok(RecordFile { path, file, len: 0, buffer: Vec::new() })
    }

    /// The file as it was when it had `bytes` bytes, or `None` if it is not there.
    pub(super) fn continue_at(path: PathBuf, bytes: u64) -> io::Result<Option<Self>> {
        let mut file = match OpenOptions::new().write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(at(&path))?,
        };
        let found = file.metadata().map_err(at(&path))?.len();
        if found < bytes {
            return Err(refused(&path, &format!("has {found} bytes, the checkpoint knows {bytes}")));
        }
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::Start(bytes))).map_err(at(&path))?;
        Ok(Some(RecordFile { path, file, len: bytes, buffer: Vec::new() }))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let length = (record.len() as u64).to_le_bytes();
        self.buffer.clear();
        self.buffer.extend(length);
        self.buffer.extend(masked(crc32c::crc32c(&length)).to_le_bytes());
        self.buffer.extend(record);
        self.buffer.extend(masked(crc32c::crc32c(record)).to_le_bytes());
        self.file.write_all(&self.buffer).map_err(at(&self.path))?;
        self.len += self.buffer.len() as u64;
        Ok(())
    }
}

/// TensorFlow stores a checksum turned and shifted, so that the checksum of data that holds checksums is one too.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_framed_by_masked_checksums() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut file = RecordFile::create(dir.path().join("records"), false).expect("a new file");
        file.append(b"123456789").expect("written");
        let bytes = std::fs::read(file.path()).expect("the file");
        assert_eq!(bytes.len() as u64, file.len());
        assert_eq!((&bytes[..8], &bytes[12..21]), (&[9, 0, 0, 0, 0, 0, 0, 0][..], &b"123456789"[..]));
        // The published check value of CRC-32C for these nine bytes is e3069283.
        let crc = u32::from_le_bytes(bytes[21..].try_into().expect("four bytes"));
        assert_eq!(crc.wrapping_sub(0xa282_ead8).rotate_left(15), 0xe306_9283);
    }
}
