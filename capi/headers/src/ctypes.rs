//! Rust types as C writes them.

use crate::source::{Result, Source};
use std::collections::BTreeSet;
use syn::{Item, Type, TypePath};

/// Structures of C libraries that the API passes by address; C knows them from the system's headers.
pub const FOREIGN_STRUCTS: [&str; 9] = [
    "sockaddr",
    "msghdr",
    "cmsghdr",
    "iovec",
    "statx",
    "epoll_event",
    "open_how",
    "futex_waitv",
    "__kernel_timespec",
];

/// Types that C knows by the same name.
const SAME_NAMES: [&str; 29] = [
    "io_context_t",
    "io_callback_t",
    "bool",
    "__u8",
    "__u16",
    "__u32",
    "__u64",
    "__s32",
    "__s64",
    "__kernel_rwf_t",
    "size_t",
    "ssize_t",
    "uintptr_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "int64_t",
    "off_t",
    "loff_t",
    "mode_t",
    "socklen_t",
    "id_t",
    "idtype_t",
    "siginfo_t",
    "sigset_t",
    "cpu_set_t",
    "char",
    "int",
    "void",
];

/// The structures and unions that C names with their keyword.
#[derive(Default)]
pub struct Tags {
    structs: BTreeSet<String>,
    unions: BTreeSet<String>,
}

impl Tags {
    /// Those of `sources`, and the foreign ones.
    pub fn of<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Tags {
        let mut tags = Tags::default();
        tags.structs.extend(FOREIGN_STRUCTS.map(String::from));
        for item in sources.into_iter().flat_map(|source| &source.file.items) {
            match item {
                Item::Struct(item) => tags.structs.insert(item.ident.to_string()),
                Item::Union(item) => tags.unions.insert(item.ident.to_string()),
                _ => continue,
            };
        }
        tags
    }

    /// All names, each with its keyword before it.
    pub fn with_keywords(&self) -> impl Iterator<Item = (&String, String)> {
        let structs = self.structs.iter().map(|name| (name, format!("struct {name}")));
        let unions = self.unions.iter().map(|name| (name, format!("union {name}")));
        structs.chain(unions)
    }

    /// The C type that `ty` is; `source` is for the error when there is none.
    pub fn c_type(&self, source: &Source, ty: &Type) -> Result<String> {
        match ty {
            Type::Ptr(ptr) => {
                let to = self.c_type(source, &ptr.elem)?;
                let is_const = ptr.const_token.is_some();
                Ok(match (is_const, to.ends_with('*')) {
                    (false, false) => format!("{to} *"),
                    (false, true) => format!("{to}*"),
                    (true, false) => format!("const {to} *"),
                    (true, true) => format!("{to}const *"),
                })
            }
            Type::Path(path) => self.named(source, path),
            _ => Err(source.error(ty, "a type that C does not get")),
        }
    }

    fn named(&self, source: &Source, path: &TypePath) -> Result<String> {
        let name = path.path.segments.last().map(|segment| segment.ident.to_string());
        let name = name.unwrap_or_default();
        Ok(match name.as_str() {
            "c_void" => "void".into(),
            "c_char" => "char".into(),
            "c_int" | "i32" => "int".into(),
            "c_uint" | "u32" => "unsigned int".into(),
            "c_ushort" => "unsigned short".into(),
            "c_long" => "long".into(),
            "c_ulong" => "unsigned long".into(),
            "i16" => "short".into(),
            "usize" => "size_t".into(),
            same if SAME_NAMES.contains(&same) => name,
            tag if self.structs.contains(tag) => format!("struct {tag}"),
            tag if self.unions.contains(tag) => format!("union {tag}"),
            _ => return Err(source.error(path, &format!("type {name} has no name in C"))),
        })
    }
}

/// A declaration of `name`, without the semicolon.
pub fn declare(c_type: &str, name: &str) -> String {
    if c_type.ends_with('*') {
        format!("{c_type}{name}")
    } else {
        format!("{c_type} {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn c_type(rust: &str) -> Result<String> {
        let source = Source::parse("t.rs", PathBuf::new(), "struct ring {} union u { a: u8 }")?;
        Tags::of([&source]).c_type(&source, &syn::parse_str(rust).unwrap())
    }

    #[test]
    fn pointers_keep_their_const() {
        assert_eq!(c_type("*const ring").unwrap(), "const struct ring *");
        assert_eq!(c_type("*mut *mut u").unwrap(), "union u **");
        assert_eq!(c_type("*const *mut c_void").unwrap(), "void *const *");
        assert_eq!(declare(&c_type("*const c_char").unwrap(), "p"), "const char *p");
    }

    #[test]
    fn an_unknown_type_is_an_error_with_its_line() {
        assert_eq!(c_type("Vec").unwrap_err().to_string(), "t.rs:1: type Vec has no name in C");
    }
}
