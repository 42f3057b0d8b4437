//! The files of include/: which Rust files each is made of, and its template.

use crate::bindings::{bindings, never_defined};
use crate::ctypes::Tags;
use crate::function::inline_functions;
use crate::layout::wrap;
use crate::rename::Clashes;
use crate::source::{Error, Result, Source};
use std::collections::BTreeSet;
use std::path::Path;
use syn::Item;

/// A header: its path below include/ and its text.
pub type Header = (&'static str, String);

/// The Rust files that headers are made of.
struct Sources {
    ctypes: Source,
    liburing: Source,
    uring: Vec<Source>,
    inline: Vec<Source>,
    face: Vec<Source>,
    aio: Aio,
}

/// Those of libaio.h and anyring/aio_abi.h.
struct Aio {
    wire: Source,
    rings: Source,
    libaio: Source,
    prep: Source,
    queue: Source,
    face: Source,
}

impl Aio {
    fn read(root: &Path) -> Result<Aio> {
        Ok(Aio {
            wire: Source::read(root, "src/abi/aio.rs")?,
            rings: Source::read(root, "src/abi/aio_ring.rs")?,
            libaio: Source::read(root, "src/abi/libaio.rs")?,
            prep: Source::read(root, "src/aio/inline/prep.rs")?,
            queue: Source::read(root, "src/aio/inline/queue.rs")?,
            face: Source::read(root, "capi/libaio/src/rings.rs")?,
        })
    }

    fn headers(&self, aliases: &BTreeSet<String>) -> Result<Vec<Header>> {
        let tags = Tags::of([&self.wire, &self.rings]);
        let types = Types { aliases: aliases.clone(), tags: &tags };
        let own = Tags::of([&self.libaio]);
        let own_types = Types { aliases: aliases.clone(), tags: &own };
        Ok(vec![
            (
                "anyring/aio_abi.h",
                fill(
                    include_str!("../templates/anyring/aio_abi.h"),
                    &[
                        ("types", &types.of(&[&self.rings], |_| true)?),
                        ("prototypes", &wrapped(&types.of(&[&self.face], |_| true)?)),
                        ("inline functions", &plain_inlines(&[&self.queue], &tags)?),
                    ],
                )?,
            ),
            (
                "libaio.h",
                fill(
                    include_str!("../templates/libaio.h"),
                    &[
                        ("types", &own_types.of(&[&self.libaio], |_| true)?),
                        ("inline functions", &plain_inlines(&[&self.prep], &own)?),
                    ],
                )?,
            ),
        ])
    }
}

/// `text`, each line of it no longer than a line may be.
fn wrapped(text: &str) -> String {
    text.lines().map(|line| wrap("", line)).collect()
}

/// Inline functions without the macros that only liburing.h has.
fn plain_inlines(sources: &[&Source], tags: &Tags) -> Result<String> {
    let text = inline_functions(sources, tags)?;
    Ok(text.replace("IOURINGINLINE ", "static inline ").replace(" LIBURING_NOEXCEPT", ""))
}

impl Sources {
    fn read(root: &Path) -> Result<Sources> {
        Ok(Sources {
            ctypes: Source::read(root, "src/abi/ctypes.rs")?,
            liburing: Source::read(root, "src/abi/liburing.rs")?,
            uring: Source::read_dir(root, "src/abi/uring")?,
            inline: Source::read_dir(root, "src/ring/inline")?,
            face: Source::read_dir(root, "capi/liburing/src")?,
            aio: Aio::read(root)?,
        })
    }

    /// The files of the wire format whose names are `stems`, in this order.
    fn wire(&self, stems: &[&str]) -> Result<Vec<&Source>> {
        let find = |stem: &&str| {
            let name = format!("src/abi/uring/{stem}.rs");
            let source = self.uring.iter().find(|source| source.name == name);
            source.ok_or_else(|| Error(format!("{name} is missing")))
        };
        stems.iter().map(find).collect()
    }
}

/// Makes all headers from the source below `root`.
pub fn headers(root: &Path) -> Result<Vec<Header>> {
    let sources = Sources::read(root)?;
    let tags = Tags::of(sources.uring.iter().chain([&sources.liburing]));
    let types = Types { aliases: never_defined(&sources.ctypes), tags: &tags };
    let io_uring = sources.wire(&["sqe", "op", "cqe", "setup", "register", "buf_ring", "zcrx"])?;
    let query = sources.wire(&["query"])?;
    let bpf_filter = sources.wire(&["bpf_filter"])?;
    let liburing = [&sources.liburing];

    let is_version = |name: &str| name.starts_with("IO_URING_VERSION_");
    let is_block = |name: &str| name.starts_with("BLOCK_URING_CMD_");
    // cbindgen follows the module declarations of lib.rs into the other files.
    let is_root = |source: &&Source| source.name.ends_with("/lib.rs");
    let face: Vec<&Source> = sources.face.iter().filter(is_root).collect();
    let externs = prototypes(&types.of(&face, |_| true)?, &Clashes::of(&io_uring));
    let inlines = inline_functions(&sources.inline.iter().collect::<Vec<_>>(), &tags)?;

    let mut headers = sources.aio.headers(&types.aliases)?;
    headers.extend([
        (
            "liburing.h",
            fill(
                include_str!("../templates/liburing.h"),
                &[
                    ("types", &types.of(&liburing, |name| !is_version(name))?),
                    ("prototypes", &externs),
                    ("inline functions", &inlines),
                ],
            )?,
        ),
        (
            "liburing/io_uring.h",
            wire_header(include_str!("../templates/liburing/io_uring.h"), &types, &io_uring)?,
        ),
        (
            "liburing/io_uring/query.h",
            wire_header(include_str!("../templates/liburing/io_uring/query.h"), &types, &query)?,
        ),
        (
            "liburing/io_uring/bpf_filter.h",
            wire_header(
                include_str!("../templates/liburing/io_uring/bpf_filter.h"),
                &types,
                &bpf_filter,
            )?,
        ),
        (
            "liburing/io_uring_version.h",
            fill(
                include_str!("../templates/liburing/io_uring_version.h"),
                &[("version", &types.of(&liburing, is_version)?)],
            )?,
        ),
        (
            "liburing/compat.h",
            fill(
                include_str!("../templates/liburing/compat.h"),
                &[("block commands", &types.of(&[&sources.ctypes], is_block)?)],
            )?,
        ),
        ("liburing/barrier.h", include_str!("../templates/liburing/barrier.h").to_owned()),
    ]);
    Ok(headers)
}

fn wire_header(template: &str, types: &Types, sources: &[&Source]) -> Result<String> {
    fill(
        template,
        &[
            ("renamed", &Clashes::of(sources).directives()),
            ("types", &types.of(sources, |_| true)?),
        ],
    )
}

/// What all calls of cbindgen have in common.
struct Types<'a> {
    aliases: BTreeSet<String>,
    tags: &'a Tags,
}

impl Types<'_> {
    /// The items of `sources` whose names are `wanted`.
    fn of(&self, sources: &[&Source], wanted: impl Fn(&str) -> bool) -> Result<String> {
        let mut exclude = self.aliases.clone();
        exclude.extend(names(sources).filter(|name| !wanted(name)));
        bindings(sources, self.tags, &exclude)
    }
}

/// The prototypes in `text`, one a line, as liburing.h has them.
fn prototypes(text: &str, clashes: &Clashes) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let is_prototype = line.ends_with(");") && !line.starts_with([' ', '/']);
        let Some((head, _)) = line.split_once('(').filter(|_| is_prototype) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let name = head.rsplit([' ', '*']).next().unwrap_or(head);
        let symbol = clashes.symbol_of(name);
        out.push_str(&wrap("", &format!("{} LIBURING_NOEXCEPT{symbol};", &line[..line.len() - 1])));
    }
    out
}

fn names<'a>(sources: &'a [&'a Source]) -> impl Iterator<Item = String> + 'a {
    sources.iter().flat_map(|source| &source.file.items).filter_map(|item| match item {
        Item::Const(item) => Some(item.ident.to_string()),
        Item::Struct(item) => Some(item.ident.to_string()),
        _ => None,
    })
}

/// `template` with each line `@name@` replaced.
fn fill(template: &str, parts: &[(&str, &str)]) -> Result<String> {
    let mut out = template.to_owned();
    for (name, text) in parts {
        let place = format!("@{name}@\n");
        if !out.contains(&place) {
            return Err(Error(format!("a template has no place for {name}")));
        }
        out = out.replace(&place, text);
    }
    Ok(out)
}
