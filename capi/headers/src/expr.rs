//! Rust expressions as C expressions: the part of Rust in which the inline functions are written.

use crate::ctypes::Tags;
use crate::source::{Result, Source};
use std::collections::BTreeSet;
use syn::{
    BinOp, Expr, ExprBinary, ExprCall, ExprCast, ExprField, ExprIf, ExprMethodCall, ExprUnary, Lit,
    Member, PathArguments, Stmt, Type, UnOp,
};

/// What an expression's C is made of, as far as parentheses depend on it.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// A name, a call, a member: nothing can come apart.
    Primary,
    /// An operator in front, casts included.
    Prefix,
    /// `*`, `/`, `%`.
    Product,
    /// `+`, `-`.
    Sum,
    /// `==`, `<` and their kin.
    Comparison,
    /// `&&`, `||`.
    Logic,
    /// Shifts and bitwise operators, with which C's precedence surprises, and `?:`.
    Other,
}

/// A C expression.
pub struct C {
    /// Its text.
    pub text: String,
    /// What it is made of.
    pub kind: Kind,
}

impl C {
    fn new(kind: Kind, text: impl Into<String>) -> C {
        C { text: text.into(), kind }
    }

    /// As an operand of something in front of or behind it.
    fn operand(&self) -> String {
        match self.kind {
            Kind::Primary | Kind::Prefix => self.text.clone(),
            _ => format!("({})", self.text),
        }
    }

    /// As what `->`, `.` or `[]` follow.
    fn base(&self) -> String {
        match self.kind {
            Kind::Primary => self.text.clone(),
            _ => format!("({})", self.text),
        }
    }
}

/// Translates the expressions of one file.
pub struct Exprs<'a> {
    /// The file.
    pub source: &'a Source,
    /// The types.
    pub tags: &'a Tags,
    /// The functions that may be called.
    pub functions: &'a BTreeSet<String>,
}

impl Exprs<'_> {
    /// `expr` in C.
    pub fn expr(&self, expr: &Expr) -> Result<C> {
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Path(path) => Ok(C::new(Kind::Primary, last_name(&path.path))),
            Expr::Lit(lit) => self.literal(expr, &lit.lit),
            Expr::Field(field) => self.field(field),
            Expr::Index(index) => {
                let (base, at) = (self.expr(&index.expr)?, self.expr(&index.index)?);
                Ok(C::new(Kind::Primary, format!("{}[{}]", base.base(), at.text)))
            }
            Expr::Unary(unary) => self.unary(unary),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Cast(cast) => self.cast(cast),
            Expr::RawAddr(addr) => self.address_of(&addr.expr),
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) => self.method(call),
            Expr::If(choice) => self.choice(choice),
            Expr::Macro(item) if is_big_endian(item) => {
                Ok(C::new(Kind::Comparison, "__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__"))
            }
            _ => Err(self.source.error(expr, "an expression that the translator does not know")),
        }
    }

    fn literal(&self, expr: &Expr, lit: &Lit) -> Result<C> {
        match lit {
            Lit::Bool(value) => Ok(C::new(Kind::Primary, value.value.to_string())),
            Lit::Int(value) if value.suffix().is_empty() => {
                Ok(C::new(Kind::Primary, value.base10_digits()))
            }
            _ => Err(self.source.error(expr, "a literal that the translator does not know")),
        }
    }

    /// Members that begin with `anon_` are not named in C.
    fn field(&self, field: &ExprField) -> Result<C> {
        let Member::Named(member) = &field.member else {
            return Err(self.source.error(field, "a tuple's member"));
        };
        let mut base = strip_parens(&field.base);
        while let Expr::Field(outer) = base {
            match &outer.member {
                Member::Named(name) if name.to_string().starts_with("anon_") => {
                    base = strip_parens(&outer.base);
                }
                _ => break,
            }
        }
        let text = match base {
            Expr::Unary(ExprUnary { op: UnOp::Deref(_), expr, .. }) if !is_element(expr) => {
                format!("{}->{}", self.expr(expr)?.base(), plain(&member.to_string()))
            }
            _ => format!("{}.{}", self.expr(base)?.base(), plain(&member.to_string())),
        };
        Ok(C::new(Kind::Primary, text))
    }

    /// `!` is C's `~` for a constant and C's `!` for a bool; which it is shows in few cases only.
    fn unary(&self, unary: &ExprUnary) -> Result<C> {
        let operand = strip_parens(&unary.expr);
        let sign = match unary.op {
            UnOp::Deref(_) if is_element(operand) => {
                let address = self.expr(operand)?.text;
                return Ok(C::new(Kind::Primary, address.trim_start_matches('&')));
            }
            UnOp::Deref(_) => "*",
            UnOp::Neg(_) => "-",
            UnOp::Not(_) if is_constant(operand) => "~",
            UnOp::Not(_) => return self.negation(unary, operand),
            _ => {
                return Err(self
                    .source
                    .error(unary, "an operator that the translator does not know"))
            }
        };
        Ok(C::new(Kind::Prefix, format!("{sign}{}", self.expr(operand)?.operand())))
    }

    fn negation(&self, unary: &ExprUnary, operand: &Expr) -> Result<C> {
        match operand {
            Expr::MethodCall(call) if call.method == "is_null" => {
                let pointer = self.expr(&call.receiver)?;
                Ok(C::new(Kind::Comparison, format!("{} != NULL", pointer.operand())))
            }
            _ => {
                Err(self.source.error(unary, "`!` on something else than a constant or is_null()"))
            }
        }
    }

    fn binary(&self, binary: &ExprBinary) -> Result<C> {
        let (sign, kind) = operator(&binary.op).ok_or_else(|| {
            self.source.error(binary, "an operator that the translator does not know")
        })?;
        self.operation(&binary.left, sign, kind, &binary.right)
    }

    fn operation(&self, left: &Expr, sign: &str, kind: Kind, right: &Expr) -> Result<C> {
        let left = within(self.expr(left)?, kind);
        let right = within(self.expr(right)?, kind);
        Ok(C::new(kind, format!("{left} {sign} {right}")))
    }

    /// C converts 0 and 1, and constants, to the wider integers by itself.
    fn cast(&self, cast: &ExprCast) -> Result<C> {
        let value = self.expr(&cast.expr)?;
        let ty = self.tags.c_type(self.source, &cast.ty)?;
        let is_int = ty == "int" || ty == "unsigned int";
        let is_truth = matches!(value.kind, Kind::Comparison | Kind::Logic);
        if is_int && (is_truth || is_constant(strip_parens(&cast.expr))) {
            return Ok(value);
        }
        Ok(C::new(Kind::Prefix, format!("({ty}){}", value.operand())))
    }

    fn address_of(&self, expr: &Expr) -> Result<C> {
        Ok(C::new(Kind::Prefix, format!("&{}", self.expr(expr)?.operand())))
    }

    /// What the pointer `expr` points to, for C macros that take the object itself.
    fn pointee(&self, expr: &Expr) -> Result<String> {
        match strip_parens(expr) {
            Expr::RawAddr(addr) => Ok(self.expr(&addr.expr)?.text),
            other => Ok(format!("*{}", self.expr(other)?.operand())),
        }
    }

    fn call(&self, call: &ExprCall) -> Result<C> {
        let Expr::Path(callee) = &*call.func else {
            return Err(self.source.error(call, "a call of something else than a function"));
        };
        let name = last_name(&callee.path);
        let args: Vec<&Expr> = call.args.iter().collect();
        let text = match (name.as_str(), args.as_slice()) {
            ("null" | "null_mut", []) => "NULL".to_owned(),
            ("size_of", []) => format!("sizeof({})", self.type_argument(callee)?),
            ("unlikely", [condition]) => format!("uring_unlikely({})", self.expr(condition)?.text),
            ("keep_branch", []) => "uring_keep_branch()".to_owned(),
            ("read_once", [p]) => format!("IO_URING_READ_ONCE({})", self.pointee(p)?),
            ("write_once", [p, value]) => {
                format!("IO_URING_WRITE_ONCE({}, {})", self.pointee(p)?, self.expr(value)?.text)
            }
            ("elements" | "elements_mut", [Expr::RawAddr(array)]) => self.expr(&array.expr)?.text,
            (known, args) if self.functions.contains(known) => {
                let args: Result<Vec<String>> =
                    args.iter().map(|arg| Ok(self.expr(arg)?.text)).collect();
                format!("{known}({})", args?.join(", "))
            }
            _ => return Err(self.source.error(call, &format!("{name}() is not known in C"))),
        };
        Ok(C::new(Kind::Primary, text))
    }

    fn type_argument(&self, callee: &syn::ExprPath) -> Result<String> {
        if let Some(PathArguments::AngleBracketed(args)) =
            callee.path.segments.last().map(|segment| &segment.arguments)
        {
            if let Some(syn::GenericArgument::Type(ty)) = args.args.first() {
                return self.tags.c_type(self.source, ty);
            }
        }
        Err(self.source.error(callee, "a type is missing"))
    }

    fn method(&self, call: &ExprMethodCall) -> Result<C> {
        let args: Vec<&Expr> = call.args.iter().collect();
        match (call.method.to_string().as_str(), args.as_slice()) {
            ("wrapping_add", [other]) => self.operation(&call.receiver, "+", Kind::Sum, other),
            ("wrapping_sub", [other]) => self.operation(&call.receiver, "-", Kind::Sum, other),
            ("is_null", []) => {
                let pointer = self.expr(&call.receiver)?;
                Ok(C::new(Kind::Comparison, format!("{} == NULL", pointer.operand())))
            }
            ("add", [count]) => {
                let base = self.expr(&call.receiver)?.base();
                let index = self.expr(without_usize(count))?.text;
                Ok(C::new(Kind::Prefix, format!("&{base}[{index}]")))
            }
            ("rotate_left", [Expr::Lit(_)]) => {
                let value = self.expr(&call.receiver)?.text;
                Ok(C::new(Kind::Primary, format!("__swahw32({value})")))
            }
            _ => Err(self.source.error(call, "a method that the translator does not know")),
        }
    }

    fn choice(&self, choice: &ExprIf) -> Result<C> {
        let unknown =
            || self.source.error(choice, "an `if` with a value must be `if a { b } else { c }`");
        let [Stmt::Expr(yes, None)] = choice.then_branch.stmts.as_slice() else {
            return Err(unknown());
        };
        let Some((_, no)) = &choice.else_branch else { return Err(unknown()) };
        let Expr::Block(no) = &**no else { return Err(unknown()) };
        let [Stmt::Expr(no, None)] = no.block.stmts.as_slice() else { return Err(unknown()) };
        let condition = self.expr(&choice.cond)?.operand();
        let (yes, no) = (self.expr(yes)?.operand(), self.expr(no)?.operand());
        Ok(C::new(Kind::Other, format!("{condition} ? {yes} : {no}")))
    }
}

fn operator(op: &BinOp) -> Option<(&'static str, Kind)> {
    Some(match op {
        BinOp::Add(_) => ("+", Kind::Sum),
        BinOp::Sub(_) => ("-", Kind::Sum),
        BinOp::Mul(_) => ("*", Kind::Product),
        BinOp::Div(_) => ("/", Kind::Product),
        BinOp::Rem(_) => ("%", Kind::Product),
        BinOp::BitAnd(_) => ("&", Kind::Other),
        BinOp::BitOr(_) => ("|", Kind::Other),
        BinOp::BitXor(_) => ("^", Kind::Other),
        BinOp::Shl(_) => ("<<", Kind::Other),
        BinOp::Shr(_) => (">>", Kind::Other),
        BinOp::Eq(_) => ("==", Kind::Comparison),
        BinOp::Ne(_) => ("!=", Kind::Comparison),
        BinOp::Lt(_) => ("<", Kind::Comparison),
        BinOp::Le(_) => ("<=", Kind::Comparison),
        BinOp::Gt(_) => (">", Kind::Comparison),
        BinOp::Ge(_) => (">=", Kind::Comparison),
        BinOp::And(_) => ("&&", Kind::Logic),
        BinOp::Or(_) => ("||", Kind::Logic),
        _ => return None,
    })
}

/// `part` as an operand within an operation of kind `whole`, in parentheses wherever a reader, or a
/// compiler that warns, would want them.
fn within(part: C, whole: Kind) -> String {
    let stands_alone = match part.kind {
        Kind::Primary | Kind::Prefix => true,
        Kind::Comparison => whole == Kind::Logic,
        Kind::Sum => whole == Kind::Comparison,
        Kind::Product => whole == Kind::Comparison,
        Kind::Logic | Kind::Other => false,
    };
    if stands_alone {
        part.text
    } else {
        format!("({})", part.text)
    }
}

/// Whether `expr` is the address of an array's element, written `pointer.add(index)`.
fn is_element(expr: &Expr) -> bool {
    matches!(strip_parens(expr), Expr::MethodCall(call) if call.method == "add")
}

fn strip_parens(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => strip_parens(&inner.expr),
        other => other,
    }
}

/// C indexes with any integer.
fn without_usize(expr: &Expr) -> &Expr {
    match strip_parens(expr) {
        Expr::Cast(cast) => match &*cast.ty {
            Type::Path(path) if path.path.is_ident("usize") => strip_parens(&cast.expr),
            _ => expr,
        },
        other => other,
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => {
            let name = last_name(&path.path);
            name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        }
        _ => false,
    }
}

fn is_big_endian(item: &syn::ExprMacro) -> bool {
    item.mac.path.is_ident("cfg") && item.mac.tokens.to_string() == "target_endian = \"big\""
}

/// The name that a path ends in: C has no paths.
pub fn last_name(path: &syn::Path) -> String {
    path.segments.last().map(|segment| plain(&segment.ident.to_string())).unwrap_or_default()
}

/// A name without Rust's mark for names that are keywords.
pub fn plain(name: &str) -> String {
    name.strip_prefix("r#").unwrap_or(name).to_owned()
}
