//! Beside an older <linux/io_uring.h> that a program included first.
//!
//! Its structures, enumerations and macros are there then, and lack what came later. The headers give
//! the program ours under the same names: by macros that rename them, which also gives what follows
//! in the program the newer ones.

use crate::source::Source;
use std::collections::BTreeSet;
use std::fmt::Write;
use syn::Item;

/// Before renamed names.
const PREFIX: &str = "liburing_";

/// The names that a system header with the contents of `sources` defines.
#[derive(Default)]
pub struct Clashes {
    /// Structures, unions and enumerations.
    pub tags: BTreeSet<String>,
    enumerators: Vec<String>,
    macros: Vec<String>,
}

impl Clashes {
    /// Those of `sources`.
    pub fn of(sources: &[&Source]) -> Clashes {
        let mut clashes = Clashes::default();
        for item in sources.iter().flat_map(|source| &source.file.items) {
            match item {
                Item::Struct(item) => drop(clashes.tags.insert(item.ident.to_string())),
                Item::Union(item) => drop(clashes.tags.insert(item.ident.to_string())),
                Item::Enum(item) => {
                    clashes.tags.insert(item.ident.to_string());
                    clashes.enumerators.extend(item.variants.iter().map(|v| v.ident.to_string()));
                }
                Item::Const(item) => clashes.macros.push(item.ident.to_string()),
                _ => {}
            }
        }
        clashes.tags.retain(|tag| !tag.starts_with("anon_"));
        clashes
    }

    /// The preprocessor lines that make way for our definitions.
    pub fn directives(&self) -> String {
        let mut out = String::new();
        for name in self.tags.iter().chain(&self.enumerators) {
            let _ = write!(out, "#undef {name}\n#define {name} {PREFIX}{name}\n");
        }
        for name in &self.macros {
            let _ = writeln!(out, "#undef {name}");
        }
        out
    }

    /// What a prototype ends in when a renamed tag shares the function's name: its symbol stays.
    pub fn symbol_of(&self, function: &str) -> String {
        match self.tags.get(function) {
            Some(name) => format!(" LIBURING_SYMBOL(\"{name}\")"),
            None => String::new(),
        }
    }
}
