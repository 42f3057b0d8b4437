//! Writes include/ from the Rust source, or says (`--check`) whether it is what would be written.

mod bindings;
mod comment;
mod ctypes;
mod expr;
mod files;
mod flatten;
mod function;
mod layout;
mod rename;
mod source;
mod stmt;
#[cfg(test)]
mod tests;

use files::Header;
use source::{Error, Result};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: anyring-headers [--check] [DIRECTORY]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("anyring-headers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut check = false;
    let mut dir = root.join("include");
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--check" => check = true,
            option if option.starts_with('-') => return Err(Error(USAGE.to_owned())),
            path => dir = path.into(),
        }
    }
    let headers = files::headers(&root)?;
    if check {
        return Ok(headers.iter().filter(|header| is_stale(&dir, header)).count() == 0);
    }
    for (name, text) in &headers {
        let path = dir.join(name);
        let failed = |e| Error(format!("{}: {e}", path.display()));
        fs::create_dir_all(path.parent().unwrap_or(&dir)).map_err(failed)?;
        fs::write(&path, text).map_err(failed)?;
    }
    Ok(true)
}

/// Whether the file is another than `header`; if so, says where they part.
fn is_stale(dir: &Path, (name, text): &Header) -> bool {
    let path = dir.join(name);
    let there = fs::read_to_string(&path).unwrap_or_default();
    if there == *text {
        return false;
    }
    let same = there.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
    let line = |text: &str| text.lines().nth(same).unwrap_or("(end of file)").to_owned();
    println!("{}:{}: stale; `make headers` writes it", path.display(), same + 1);
    println!("  is:        {}", line(&there));
    println!("  should be: {}", line(text));
    true
}
