//! Comments: Rust's doc comments as C comments.

use syn::{Attribute, Expr, Lit, Meta};

/// The lines of an item's doc comment.
pub fn doc_lines(attrs: &[Attribute]) -> Vec<String> {
    attrs.iter().filter_map(doc_line).collect()
}

fn doc_line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attr.meta else { return None };
    let Expr::Lit(value) = &pair.value else { return None };
    match &value.lit {
        Lit::Str(text) if pair.path.is_ident("doc") => Some(text.value().trim().to_owned()),
        _ => None,
    }
}

/// `lines` as a C comment, each of its lines behind `indent`; nothing for no lines.
pub fn c_comment(lines: &[String], indent: &str) -> String {
    let lines: Vec<String> = lines.iter().map(|line| line.replace("*/", "* /")).collect();
    match lines.as_slice() {
        [] => String::new(),
        [only] => format!("{indent}/* {only} */\n"),
        many => {
            let body: String = many
                .iter()
                .map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n")
                .collect();
            format!("{indent}/*\n{body}{indent} */\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_cannot_end_early() {
        let lines = ["a */ b".to_owned(), String::new()];
        assert_eq!(c_comment(&lines, "\t"), "\t/*\n\t * a * / b\n\t *\n\t */\n");
    }
}
