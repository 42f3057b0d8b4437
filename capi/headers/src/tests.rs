//! What the translator makes of whole functions.

use crate::ctypes::Tags;
use crate::function::inline_functions;
use crate::source::{Result, Source};
use std::path::PathBuf;

const TYPES: &str = "
    pub struct ring { pub sq: sq, pub flags: c_uint, pub anon_u: anon_u }
    pub struct sq { pub tail: *mut c_uint, pub entry: *mut entry }
    pub struct entry { pub len: __u32, pub anon_u: anon_u }
    pub union anon_u { pub off: __u64, pub anon_s: anon_s, pub rest: [__u8; 0] }
    pub struct anon_s { pub low: __u32 }
";

/// The C of `rust`, the text of a file of functions.
fn c_of(rust: &str) -> Result<String> {
    let types = Source::parse("types.rs", PathBuf::new(), TYPES)?;
    let source = Source::parse("t.rs", PathBuf::new(), rust)?;
    inline_functions(&[&source], &Tags::of([&types]))
}

/// The C of the body `rust` of a function of a ring `r` that returns an int.
fn body(rust: &str) -> Result<String> {
    let text = c_of(&format!(
        "/// D.\n#[no_mangle]\npub unsafe extern \"C\" fn f(r: *mut ring) -> c_int {{\n{rust}\n}}"
    ))?;
    let head = "/* D. */\nIOURINGINLINE int f(struct ring *r) LIBURING_NOEXCEPT\n{\n";
    let inner = text.strip_prefix(head).and_then(|text| text.strip_suffix("}\n"));
    Ok(inner.unwrap_or(&text).to_owned())
}

fn assert_body(rust: &str, c: &str) {
    assert_eq!(body(rust).unwrap(), c);
}

fn assert_error(rust: &str, what: &str) {
    let error = body(rust).unwrap_err().to_string();
    assert!(error.starts_with("t.rs:4: ") && error.contains(what), "{error}");
}

#[test]
fn anonymous_members_have_no_name() {
    assert_body("(*r).anon_u.anon_s.low = 1;\n0", "\tr->low = 1;\n\treturn 0;\n");
    assert_body("(*(*r).sq.entry).anon_u.off as c_int", "\treturn (int)r->sq.entry->off;\n");
}

#[test]
fn addresses_and_elements() {
    assert_body(
        "let e: *mut entry = (*r).sq.entry.add((*r).flags as usize);\n(*e).len as c_int",
        "\tstruct entry *e = &r->sq.entry[r->flags];\n\treturn (int)e->len;\n",
    );
    assert_body("(*(*r).sq.entry.add(1)).len = 2;\n0", "\tr->sq.entry[1].len = 2;\n\treturn 0;\n");
    assert_body(
        "elements(&raw const (*r).anon_u.rest).is_null() as c_int",
        "\treturn r->rest == NULL;\n",
    );
}

#[test]
fn shared_words_go_through_the_barriers() {
    assert_body(
        "write_once((*r).sq.tail, read_once(&raw const (*r).flags));\n0",
        "\tIO_URING_WRITE_ONCE(*r->sq.tail, IO_URING_READ_ONCE(r->flags));\n\treturn 0;\n",
    );
    assert_body(
        "io_uring_smp_load_acquire((*r).sq.tail) as c_int",
        "\treturn (int)io_uring_smp_load_acquire(r->sq.tail);\n",
    );
}

#[test]
fn parentheses_follow_rust_and_not_c() {
    assert_body(
        "let n: c_uint = (*r).flags & 3 << 1;\n((*r).flags & A != 0 && n == 0) as c_int",
        "\tunsigned int n = r->flags & (3 << 1);\n\
         \treturn (r->flags & A) != 0 && n == 0;\n",
    );
    assert_body(
        "(*r).flags.wrapping_sub(1).wrapping_add(2) as c_int",
        "\treturn (int)((r->flags - 1) + 2);\n",
    );
}

#[test]
fn complement_and_negation_are_told_apart() {
    assert_body("(*r).flags &= !A;\n-E", "\tr->flags &= ~A;\n\treturn -E;\n");
    assert_body(
        "if !r.is_null() {\n(*r).flags = 0;\n}\n0",
        "\tif (r != NULL) {\n\t\tr->flags = 0;\n\t}\n\treturn 0;\n",
    );
    assert_error("!(*r).flags as c_int", "`!` on something else");
}

#[test]
fn branches_loops_and_their_comments() {
    assert_body(
        "loop {\n// Why.\n// Really.\nif (*r).flags == 0 {\nbreak;\n} else if (*r).flags == 1 {\ncontinue;\n} else {\nreturn 2;\n}\n}\n\
         while unlikely((*r).flags > 1) {\n(*r).flags -= 1;\n}\nif r.is_null() { 1 } else { 2 }",
        "\tfor (;;) {\n\t\t/*\n\t\t * Why.\n\t\t * Really.\n\t\t */\n\t\tif (r->flags == 0) {\n\t\t\tbreak;\n\
         \t\t} else if (r->flags == 1) {\n\t\t\tcontinue;\n\t\t} else {\n\t\t\treturn 2;\n\t\t}\n\t}\n\
         \twhile (uring_unlikely(r->flags > 1)) {\n\t\tr->flags -= 1;\n\t}\n\treturn (r == NULL) ? 1 : 2;\n",
    );
}

#[test]
fn functions_stand_behind_those_they_call() {
    let text = c_of(
        "/// B calls a(); so it is second.\n#[no_mangle]\npub unsafe extern \"C\" fn b(r#type: c_int) -> c_int { a(r#type) }\n\
         /// A.\n#[no_mangle]\npub unsafe extern \"C\" fn a(n: c_int) -> c_int { n }",
    );
    assert_eq!(
        text.unwrap(),
        "/* A. */\nIOURINGINLINE int a(int n) LIBURING_NOEXCEPT\n{\n\treturn n;\n}\n\n\
         /* B calls a(); so it is second. */\nIOURINGINLINE int b(int type) LIBURING_NOEXCEPT\n{\n\treturn a(type);\n}\n"
    );
}

#[test]
fn structures_are_filled_in_member_by_member() {
    let text = c_of(
        "/// S.\n#[no_mangle]\npub unsafe extern \"C\" fn f(t: *mut c_uint) -> sq {\nsq { tail: t, entry: null_mut() }\n}",
    );
    assert!(text.unwrap().ends_with(
        "{\n\tstruct sq value;\n\tvalue.tail = t;\n\tvalue.entry = NULL;\n\treturn value;\n}\n"
    ));
}

#[test]
fn what_is_not_known_is_an_error_with_file_and_line() {
    assert_error("let n = 1;", "`let` without a type");
    assert_error("unheard_of(r)", "unheard_of() is not known in C");
    assert_error("for i in 0..3 {}\n0", "a statement that the translator does not know");
    assert_error("(*r).flags.count_ones() as c_int", "a method that the translator does not know");
    assert_error("1u8 as c_int", "a literal that the translator does not know");
}
