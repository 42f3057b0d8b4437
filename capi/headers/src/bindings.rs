//! Types, constants and the prototypes of the library's functions, by cbindgen.

use crate::comment::c_comment;
use crate::ctypes::{Tags, FOREIGN_STRUCTS};
use crate::expr::last_name;
use crate::flatten::flatten;
use crate::source::{Error, Result, Source};
use cbindgen::{Builder, Config, DocumentationStyle, Language, Layout, Style};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Item, ItemConst, Type};

/// What cbindgen writes for `sources` but the items in `exclude`, with anonymous members unnamed.
pub fn bindings(sources: &[&Source], tags: &Tags, exclude: &BTreeSet<String>) -> Result<String> {
    let mut config = Config {
        language: Language::C,
        style: Style::Tag,
        documentation_style: DocumentationStyle::C,
        usize_is_size_t: true,
        no_includes: true,
        ..Config::default()
    };
    // One line each; what is too long is broken afterwards, when all that belongs to it is there.
    config.function.args = Layout::Horizontal;
    config.export.exclude = exclude.iter().cloned().collect();
    let defined = definitions(sources);
    config.export.include = defined.iter().cloned().collect();
    for (name, with_keyword) in tags.with_keywords().filter(|(name, _)| !defined.contains(*name)) {
        config.export.rename.insert(name.clone(), with_keyword);
    }
    let mut builder = Builder::new().with_config(config);
    for source in sources {
        builder = builder.with_src(&source.path);
    }
    let bindings = builder.generate().map_err(|e| Error(format!("cbindgen: {e}")))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).map_err(|e| Error(format!("cbindgen: {e}")))?;
    Ok(tidy(&flatten(&text), sources))
}

fn definitions(sources: &[&Source]) -> BTreeSet<String> {
    items(sources)
        .filter_map(|item| match item {
            Item::Struct(item) => Some(item.ident.to_string()),
            Item::Union(item) => Some(item.ident.to_string()),
            Item::Enum(item) => Some(item.ident.to_string()),
            _ => None,
        })
        .collect()
}

fn items<'a>(sources: &'a [&'a Source]) -> impl Iterator<Item = &'a Item> {
    sources.iter().flat_map(|source| &source.file.items)
}

/// Names of the constants in `sources`, and the C suffix that gives each its type.
fn constant_suffixes(sources: &[&Source]) -> BTreeMap<String, &'static str> {
    items(sources)
        .filter_map(|item| match item {
            Item::Const(item) => Some((item.ident.to_string(), suffix(item))),
            _ => None,
        })
        .collect()
}

fn suffix(item: &ItemConst) -> &'static str {
    match &*item.ty {
        Type::Path(path) => match last_name(&path.path).as_str() {
            "__u64" | "u64" => "ULL",
            "c_int" | "i32" => "",
            _ => "U",
        },
        _ => "",
    }
}

/// Comments as [`c_comment`] writes them, constants with their type, tabs, one empty line at most.
fn tidy(header: &str, sources: &[&Source]) -> String {
    let suffixes = constant_suffixes(sources);
    let mut out = String::new();
    let mut lines = header.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "/*" {
            let comment = lines.by_ref().take_while(|line| line.trim() != "*/");
            let comment: Vec<String> = comment.map(|line| line.trim().to_owned()).collect();
            out.push_str(&c_comment(&comment, &tabs(line)[..tabs(line).len() - 2]));
        } else if let Some(definition) = line.strip_prefix("#define ") {
            out.push_str(&constant(definition, &suffixes));
            out.push('\n');
        } else if !line.is_empty() || !(out.is_empty() || out.ends_with("\n\n")) {
            out.push_str(&tabs(line));
            out.push('\n');
        }
    }
    out.trim_end().to_owned() + "\n"
}

fn constant(definition: &str, suffixes: &BTreeMap<String, &str>) -> String {
    let (name, value) = definition.split_once(' ').unwrap_or((definition, ""));
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match suffixes.get(name) {
        Some(_) if value.starts_with('-') => format!("#define {name} ({digits})"),
        Some(suffix) => format!("#define {name} {digits}{suffix}"),
        None => format!("#define {definition}"),
    }
}

fn tabs(line: &str) -> String {
    let text = line.trim_start_matches("  ");
    let depth = (line.len() - text.len()) / 2;
    "\t".repeat(depth) + text.trim_end()
}

/// Names that are never defined by our headers: aliases of C's own types.
pub fn never_defined(ctypes: &Source) -> BTreeSet<String> {
    let aliases = ctypes.file.items.iter().filter_map(|item| match item {
        Item::Type(item) => Some(item.ident.to_string()),
        _ => None,
    });
    aliases.chain(FOREIGN_STRUCTS.map(String::from)).collect()
}
