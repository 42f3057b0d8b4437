//! Rust statements as C statements.

use crate::comment::c_comment;
use crate::ctypes::declare;
use crate::expr::{plain, Exprs};
use crate::source::Result;
use syn::spanned::Spanned;
use syn::{BinOp, Block, Expr, ExprIf, ExprStruct, Local, Member, Pat, Stmt};

/// Translates the statements of one function.
pub struct Stmts<'a> {
    /// For the expressions in them.
    pub exprs: Exprs<'a>,
    /// The C written so far.
    pub out: String,
    /// How deep in blocks the next line is.
    pub depth: usize,
}

impl Stmts<'_> {
    /// Writes the statements of `block`; with `returns` its last expression is the function's value.
    pub fn block(&mut self, block: &Block, returns: bool) -> Result<()> {
        for (i, stmt) in block.stmts.iter().enumerate() {
            let comment = self.exprs.source.comment_above(stmt.span().start().line);
            self.out.push_str(&c_comment(&comment, &"\t".repeat(self.depth)));
            match stmt {
                Stmt::Local(local) => self.local(local)?,
                Stmt::Expr(expr, None) if returns && i + 1 == block.stmts.len() => {
                    self.value(expr)?;
                }
                Stmt::Expr(expr, _) => self.statement(expr)?,
                _ => return Err(self.unknown(stmt)),
            }
        }
        Ok(())
    }

    fn unknown(&self, at: &impl Spanned) -> crate::source::Error {
        self.exprs.source.error(at, "a statement that the translator does not know")
    }

    fn line(&mut self, text: &str) {
        let indent = "\t".repeat(self.depth);
        self.out.push_str(&crate::layout::wrap(&indent, text));
    }

    fn local(&mut self, local: &Local) -> Result<()> {
        let Pat::Type(typed) = &local.pat else {
            return Err(self.exprs.source.error(local, "`let` without a type"));
        };
        let Pat::Ident(name) = &*typed.pat else { return Err(self.unknown(local)) };
        let ty = self.exprs.tags.c_type(self.exprs.source, &typed.ty)?;
        let declared = declare(&ty, &plain(&name.ident.to_string()));
        match &local.init {
            None => self.line(&format!("{declared};")),
            Some(init) => {
                let value = self.exprs.expr(&init.expr)?;
                self.line(&format!("{declared} = {};", value.text));
            }
        }
        Ok(())
    }

    /// The function's value, as the last expression of its body.
    fn value(&mut self, expr: &Expr) -> Result<()> {
        match expr {
            Expr::Struct(literal) => self.struct_value(literal),
            Expr::If(choice) if !is_ternary(choice) => self.branch(choice, true),
            _ => {
                let value = self.exprs.expr(expr)?;
                self.line(&format!("return {};", value.text));
                Ok(())
            }
        }
    }

    /// C and C++ have no common literal of a structure: it is filled in member by member.
    fn struct_value(&mut self, literal: &ExprStruct) -> Result<()> {
        let name = crate::expr::last_name(&literal.path);
        self.line(&format!("struct {name} value;"));
        for field in &literal.fields {
            let Member::Named(member) = &field.member else { return Err(self.unknown(field)) };
            let value = self.exprs.expr(&field.expr)?;
            self.line(&format!("value.{member} = {};", value.text));
        }
        self.line("return value;");
        Ok(())
    }

    fn statement(&mut self, expr: &Expr) -> Result<()> {
        match expr {
            Expr::Assign(assign) => {
                let to = self.exprs.expr(&assign.left)?;
                let value = self.exprs.expr(&assign.right)?;
                self.line(&format!("{} = {};", to.text, value.text));
            }
            Expr::Binary(binary) => {
                let Some(sign) = assignment(&binary.op) else { return Err(self.unknown(expr)) };
                let to = self.exprs.expr(&binary.left)?;
                let value = self.exprs.expr(&binary.right)?;
                self.line(&format!("{} {sign} {};", to.text, value.text));
            }
            Expr::Return(ret) => match &ret.expr {
                Some(value) => {
                    let value = self.exprs.expr(value)?;
                    self.line(&format!("return {};", value.text));
                }
                None => self.line("return;"),
            },
            Expr::Break(jump) if jump.label.is_none() && jump.expr.is_none() => self.line("break;"),
            Expr::Continue(jump) if jump.label.is_none() => self.line("continue;"),
            Expr::Call(_) | Expr::MethodCall(_) => {
                let call = self.exprs.expr(expr)?;
                self.line(&format!("{};", call.text));
            }
            Expr::If(branch) => self.branch(branch, false)?,
            Expr::Loop(forever) if forever.label.is_none() => {
                self.line("for (;;) {");
                self.nested(&forever.body, false)?;
                self.line("}");
            }
            Expr::While(repeat) if repeat.label.is_none() => {
                let condition = self.exprs.expr(&repeat.cond)?;
                self.line(&format!("while ({}) {{", condition.text));
                self.nested(&repeat.body, false)?;
                self.line("}");
            }
            _ => return Err(self.unknown(expr)),
        }
        Ok(())
    }

    fn nested(&mut self, block: &Block, returns: bool) -> Result<()> {
        self.depth += 1;
        self.block(block, returns)?;
        self.depth -= 1;
        Ok(())
    }

    fn branch(&mut self, branch: &ExprIf, returns: bool) -> Result<()> {
        let condition = self.exprs.expr(&branch.cond)?;
        self.line(&format!("if ({}) {{", condition.text));
        self.nested(&branch.then_branch, returns)?;
        let mut rest = branch.else_branch.as_ref().map(|(_, rest)| &**rest);
        while let Some(expr) = rest {
            match expr {
                Expr::If(next) => {
                    let condition = self.exprs.expr(&next.cond)?;
                    self.line(&format!("}} else if ({}) {{", condition.text));
                    self.nested(&next.then_branch, returns)?;
                    rest = next.else_branch.as_ref().map(|(_, rest)| &**rest);
                }
                Expr::Block(last) => {
                    self.line("} else {");
                    self.nested(&last.block, returns)?;
                    rest = None;
                }
                _ => return Err(self.unknown(expr)),
            }
        }
        self.line("}");
        Ok(())
    }
}

/// Whether `if` chooses between two bare values.
fn is_ternary(choice: &ExprIf) -> bool {
    choice.then_branch.stmts.len() == 1
        && matches!(&choice.else_branch, Some((_, rest)) if matches!(&**rest,
            Expr::Block(block) if block.block.stmts.len() == 1))
}

fn assignment(op: &BinOp) -> Option<&'static str> {
    Some(match op {
        BinOp::AddAssign(_) => "+=",
        BinOp::SubAssign(_) => "-=",
        BinOp::BitAndAssign(_) => "&=",
        BinOp::BitOrAssign(_) => "|=",
        BinOp::ShlAssign(_) => "<<=",
        BinOp::ShrAssign(_) => ">>=",
        _ => return None,
    })
}
