//! The inline functions: whole functions of Rust as C, each after those that it calls.

use crate::comment::{c_comment, doc_lines};
use crate::ctypes::{declare, Tags};
use crate::expr::{plain, Exprs};
use crate::layout::wrap;
use crate::source::{Result, Source};
use crate::stmt::Stmts;
use std::collections::{BTreeMap, BTreeSet};
use syn::{Attribute, FnArg, ForeignItem, Item, ItemFn, Pat, ReturnType, Signature};

/// What the functions call that C has as macros of the same name, in liburing/barrier.h.
const MACROS: [&str; 3] =
    ["io_uring_smp_load_acquire", "io_uring_smp_store_release", "io_uring_smp_mb"];

/// A function in its file.
struct Function<'a> {
    source: &'a Source,
    item: &'a ItemFn,
}

/// All inline functions of `sources` in C, in the order of the files as far as calls allow.
pub fn inline_functions(sources: &[&Source], tags: &Tags) -> Result<String> {
    let functions = exported(sources);
    let mut known: BTreeSet<String> = MACROS.map(String::from).into();
    known.extend(functions.iter().map(|function| name(&function.item.sig)));
    known.extend(called_in_library(sources));

    let mut bodies = BTreeMap::new();
    for function in &functions {
        bodies.insert(name(&function.item.sig), translate(function, tags, &known)?);
    }
    let mut order = Order { bodies: &bodies, done: BTreeSet::new(), out: Vec::new() };
    for function in &functions {
        order.place(&name(&function.item.sig));
    }
    Ok(order.out.join("\n"))
}

fn exported<'a>(sources: &[&'a Source]) -> Vec<Function<'a>> {
    let items =
        sources.iter().flat_map(|&source| source.file.items.iter().map(move |i| (source, i)));
    items
        .filter_map(|(source, item)| match item {
            Item::Fn(item) if is_exported(&item.attrs) => Some(Function { source, item }),
            _ => None,
        })
        .collect()
}

fn is_exported(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("no_mangle"))
}

fn called_in_library(sources: &[&Source]) -> Vec<String> {
    let items = sources.iter().flat_map(|source| &source.file.items);
    let blocks = items.filter_map(|item| match item {
        Item::ForeignMod(block) => Some(&block.items),
        _ => None,
    });
    blocks
        .flatten()
        .filter_map(|item| match item {
            ForeignItem::Fn(item) => Some(name(&item.sig)),
            _ => None,
        })
        .collect()
}

fn name(sig: &Signature) -> String {
    sig.ident.to_string()
}

/// The function in C, with its comment.
fn translate(function: &Function, tags: &Tags, known: &BTreeSet<String>) -> Result<String> {
    let Function { source, item } = function;
    let mut out = c_comment(&doc_lines(&item.attrs), "");
    if out.is_empty() {
        return Err(source.error(&item.sig, "a function without a comment"));
    }
    out.push_str(&wrap("", &format!("IOURINGINLINE {}", head(source, &item.sig, tags)?)));
    out.push_str("{\n");
    let exprs = Exprs { source, tags, functions: known };
    let mut stmts = Stmts { exprs, out, depth: 1 };
    stmts.block(&item.block, !matches!(item.sig.output, ReturnType::Default))?;
    stmts.out.push_str("}\n");
    Ok(stmts.out)
}

/// Return type, name and parameters.
fn head(source: &Source, sig: &Signature, tags: &Tags) -> Result<String> {
    let returns = match &sig.output {
        ReturnType::Default => "void".to_owned(),
        ReturnType::Type(_, ty) => tags.c_type(source, ty)?,
    };
    let params: Result<Vec<String>> =
        sig.inputs.iter().map(|param| parameter(source, param, tags)).collect();
    let params = params?;
    let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
    Ok(format!("{}({params}) LIBURING_NOEXCEPT", declare(&returns, &name(sig))))
}

fn parameter(source: &Source, param: &FnArg, tags: &Tags) -> Result<String> {
    let unknown = || source.error(param, "a parameter that is not `name: type`");
    let FnArg::Typed(typed) = param else { return Err(unknown()) };
    let Pat::Ident(name) = &*typed.pat else { return Err(unknown()) };
    Ok(declare(&tags.c_type(source, &typed.ty)?, &plain(&name.ident.to_string())))
}

/// Puts each function behind those that it calls.
struct Order<'a> {
    bodies: &'a BTreeMap<String, String>,
    done: BTreeSet<String>,
    out: Vec<String>,
}

impl Order<'_> {
    fn place(&mut self, name: &str) {
        if !self.done.insert(name.to_owned()) {
            return;
        }
        let body = &self.bodies[name];
        for callee in self.bodies.keys().filter(|other| calls(body, other)) {
            self.place(callee);
        }
        self.out.push(body.clone());
    }
}

/// Whether `body`, behind its comment, has a call of `name`.
fn calls(body: &str, name: &str) -> bool {
    let code = body.split_once("\n{\n").map_or("", |(_, code)| code);
    let call = format!("{name}(");
    code.match_indices(&call).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
