//! Where a request body waits until the application is called: memory first, then an unlinked temporary file.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

/// A complete request body.
#[derive(Debug, Default)]
pub enum Body {
    /// There is none.
    #[default]
    Empty,
    /// It lies behind the head, in the exchange's own bytes, from here on, so long.
    Behind(usize, usize),
    /// It lies in memory of its own.
    Memory(Vec<u8>),
    /// It lies in a file that has no name, of this length; the file is at its beginning.
    File(File, u64),
}

/// A body while it arrives.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<(File, u64)>,
}

impl Spool {
    /// Keep some more bytes; beyond `limit` bytes all go to a file.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn push(&mut self, bytes: &[u8], limit: usize) -> io::Result<()> {
        if let Some((file, length)) = &mut self.file {
            file.write_all(bytes)?;
            *length += bytes.len() as u64;
        } else if self.memory.len() + bytes.len() <= limit {
            self.memory.extend_from_slice(bytes);
        } else {
            let mut file = unnamed_file()?;
            file.write_all(&self.memory)?;
            file.write_all(bytes)?;
            let length = (self.memory.len() + bytes.len()) as u64;
            self.memory = Vec::new();
            self.file = Some((file, length));
        }
        Ok(())
    }

    /// Bytes that are kept in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.memory.len()
    }

    /// The body is complete.
    ///
    /// # Errors
    /// When the file cannot be wound back.
    pub fn finish(self) -> io::Result<Body> {
        match self.file {
            Some((mut file, length)) => {
                file.seek(SeekFrom::Start(0))?;
                Ok(Body::File(file, length))
            }
            None if self.memory.is_empty() => Ok(Body::Empty),
            None => Ok(Body::Memory(self.memory)),
        }
    }
}

/// A file that lost its name at once, in the directory for temporary files.
pub(crate) fn unnamed_file() -> io::Result<File> {
    let (fd, path) = nix::unistd::mkstemp(&std::env::temp_dir().join("rgunicorn-body-XXXXXX"))?;
    std::fs::remove_file(path)?;
    Ok(File::from(fd))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_body_over_the_limit_moves_to_a_file_whole() {
        let mut spool = Spool::default();
        spool.push(b"hello ", 8).unwrap();
        spool.push(b"world", 8).unwrap();
        spool.push(b"!", 8).unwrap();
        let Body::File(mut file, 12) = spool.finish().unwrap() else { panic!("not in a file") };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello world!");
    }

    #[test]
    fn a_small_body_stays_in_memory() {
        let mut spool = Spool::default();
        spool.push(b"hello", 8).unwrap();
        assert!(matches!(spool.finish().unwrap(), Body::Memory(bytes) if bytes == b"hello"));
        assert!(matches!(Spool::default().finish().unwrap(), Body::Empty));
    }
}
