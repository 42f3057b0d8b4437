//! What cbindgen cannot write: members of anonymous structures and unions, and arrays without a
//! length.
//!
//! Rust has to name what C leaves unnamed. By agreement such types and members begin with `anon_`:
//! the definition of such a type moves to where it is used, and such a member loses its name.

use std::collections::BTreeMap;

const PREFIX: &str = "anon_";

/// `header`, as cbindgen wrote it, with the `anon_` types moved to where they are used.
pub fn flatten(header: &str) -> String {
    let (rest, anonymous) = take_out(header);
    let mut out = String::new();
    let mut in_union = false;
    let lines: Vec<&str> = rest.lines().collect();
    for (i, line) in lines.iter().enumerate() {
        if !line.starts_with(' ') {
            in_union = line.starts_with("union ") || (in_union && !line.starts_with('}'));
        }
        let is_last = lines.get(i + 1).is_some_and(|next| next.starts_with('}'));
        put(&mut out, line, &anonymous, 0, !in_union && is_last);
    }
    out
}

/// Splits off the definitions of the `anon_` types: what follows their opening brace, line by line.
fn take_out(header: &str) -> (String, BTreeMap<String, Vec<String>>) {
    let mut anonymous = BTreeMap::new();
    let mut rest = String::new();
    let mut lines = header.lines();
    // The comment of an anonymous type is dropped with its name: its member's comment says it.
    let mut comment = String::new();
    while let Some(line) = lines.next() {
        if let Some(name) = opens_anonymous(line) {
            let body = lines.by_ref().take_while(|line| *line != "};");
            anonymous.insert(name.to_owned(), body.map(str::to_owned).collect());
            comment.clear();
        } else if line.starts_with("/*") || (!comment.is_empty() && !comment.ends_with("*/\n")) {
            comment.push_str(line);
            comment.push('\n');
        } else {
            rest.push_str(&comment);
            comment.clear();
            rest.push_str(line);
            rest.push('\n');
        }
    }
    (rest + &comment, anonymous)
}

fn opens_anonymous(line: &str) -> Option<&str> {
    let named = line.strip_prefix("struct ").or_else(|| line.strip_prefix("union "))?;
    named.strip_suffix(" {").filter(|name| name.starts_with(PREFIX))
}

/// Writes `line` of a definition; a member of an anonymous type becomes that type's definition.
fn put(
    out: &mut String,
    line: &str,
    anonymous: &BTreeMap<String, Vec<String>>,
    depth: usize,
    is_last: bool,
) {
    let indent = "  ".repeat(depth);
    let Some((keyword, body, member)) = anonymous_member(line, anonymous) else {
        out.push_str(&format!("{indent}{}\n", open_ended(line, is_last)));
        return;
    };
    out.push_str(&format!("{indent}  {keyword} {{\n"));
    for inner in body {
        put(out, inner, anonymous, depth + 1, false);
    }
    let name = if member.starts_with(PREFIX) { String::new() } else { format!(" {member}") };
    out.push_str(&format!("{indent}  }}{name};\n"));
}

/// Keyword, definition and member name when `line` declares a member of an anonymous type.
fn anonymous_member<'a>(
    line: &'a str,
    anonymous: &'a BTreeMap<String, Vec<String>>,
) -> Option<(&'a str, &'a Vec<String>, &'a str)> {
    let mut words = line.strip_suffix(';')?.split_whitespace();
    let (keyword, name, member) = (words.next()?, words.next()?, words.next()?);
    Some((keyword, anonymous.get(name)?, member))
}

/// C's arrays without a length may only be a structure's last member; elsewhere they have length 0.
fn open_ended(line: &str, is_last: bool) -> String {
    match line.strip_suffix("[0];") {
        Some(array) if is_last => format!("{array}[];"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_types_move_to_their_members() {
        let header = "/* Inner. */\nunion anon_s_u {\n  int a;\n  char b[0];\n};\n\n\
            struct anon_s_n {\n  union anon_s_u anon_u;\n};\n\n\
            /* Outer. */\nstruct s {\n  struct anon_s_n anon_n;\n  union anon_s_u named;\n  int c[0];\n};\n";
        assert_eq!(
            flatten(header),
            "\n\n/* Outer. */\nstruct s {\n  struct {\n    union {\n      int a;\n      char b[0];\n    };\n  };\n  \
            union {\n    int a;\n    char b[0];\n  } named;\n  int c[];\n};\n"
        );
    }

    #[test]
    fn unions_keep_their_length_of_zero() {
        assert_eq!(flatten("union u {\n  char c[0];\n};\n"), "union u {\n  char c[0];\n};\n");
    }
}
