//! Breaking lines that are too long.

/// As the Rust source has it; a tab counts as eight.
const WIDTH: usize = 100;

/// `text` behind `indent` as a line, or as several that break at the commas of its outermost
/// parentheses.
pub fn wrap(indent: &str, text: &str) -> String {
    if width(indent) + text.len() <= WIDTH {
        return format!("{indent}{text}\n");
    }
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let full = lines.last().is_some_and(|line| {
            let behind = width(indent) + if lines.len() > 1 { 8 } else { 0 };
            !line.is_empty() && behind + line.len() + piece.trim_end().len() > WIDTH
        });
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
        }
    }
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        let more = if i == 0 { "" } else { "\t" };
        out.push_str(&format!("{indent}{more}{}\n", line.trim_end()));
    }
    out
}

fn width(indent: &str) -> usize {
    indent.chars().map(|c| if c == '\t' { 8 } else { 1 }).sum()
}

/// `text` cut behind each comma within one level of parentheses.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 1 => {
                let end = text.len().min(at + 2);
                pieces.push(&text[start..end]);
                start = end;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_outer_commas_only() {
        let long = format!("call({}, f(b, {}), c);", "a".repeat(60), "d".repeat(30));
        let expected = format!("\tcall({},\n\t\tf(b, {}), c);\n", "a".repeat(60), "d".repeat(30));
        assert_eq!(wrap("\t", &long), expected);
    }
}
