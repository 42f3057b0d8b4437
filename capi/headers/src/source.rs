//! The Rust files that headers are made of, and errors that name a line in them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;

/// A parsed file. The text is kept for the comments, which are no part of the syntax tree.
pub struct Source {
    /// Its path from the project's root, for messages.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its text, line by line.
    pub lines: Vec<String>,
    /// What is in it.
    pub file: syn::File,
}

/// Something that the generator does not know how to write in C.
#[derive(Debug)]
pub struct Error(pub String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What generating answers.
pub type Result<T> = std::result::Result<T, Error>;

impl Source {
    /// Reads and parses `root`/`name`.
    pub fn read(root: &Path, name: &str) -> Result<Source> {
        let path = root.join(name);
        let text = fs::read_to_string(&path).map_err(|e| Error(format!("{name}: {e}")))?;
        Source::parse(name, path, &text)
    }

    /// Parses `text` as the file `name`.
    pub fn parse(name: &str, path: PathBuf, text: &str) -> Result<Source> {
        let file = syn::parse_file(text)
            .map_err(|e| Error(format!("{name}:{}: {e}", e.span().start().line)))?;
        let lines = text.lines().map(str::to_owned).collect();
        Ok(Source { name: name.to_owned(), path, lines, file })
    }

    /// Reads each file of the directory `root`/`dir`, in the order of their names.
    pub fn read_dir(root: &Path, dir: &str) -> Result<Vec<Source>> {
        let entries = fs::read_dir(root.join(dir)).map_err(|e| Error(format!("{dir}: {e}")))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".rs"))
            .collect();
        names.sort();
        names.iter().map(|name| Source::read(root, &format!("{dir}/{name}"))).collect()
    }

    /// An error at `at`: what stands there and why it cannot be written in C.
    pub fn error(&self, at: &impl Spanned, why: &str) -> Error {
        Error(format!("{}:{}: {why}", self.name, at.span().start().line))
    }

    /// The `//` comment lines right above line `line` (from 1), without the slashes.
    pub fn comment_above(&self, line: usize) -> Vec<String> {
        let above = &self.lines[..line.saturating_sub(1).min(self.lines.len())];
        let mut comment: Vec<String> = above
            .iter()
            .rev()
            .map_while(|text| text.trim_start().strip_prefix("//"))
            .map(|text| text.trim().to_owned())
            .collect();
        comment.reverse();
        comment
    }
}
