//! Follows the code of a function over all its branches and collects the errors that it makes.

mod calls;
mod text;

use syn::{Block, Expr, Pat, Stmt};

use super::names;
use super::sources::{Closures, Function, Sources};
use super::value::{Found, Kind, Value};

/// Helpers call each other less deep than this.
const DEEPEST: usize = 5;

/// What the crates say about errors.
#[derive(Default)]
pub(super) struct Collected {
    /// Errors with their crates.
    pub(super) errors: Vec<(String, Found)>,
    /// Warnings with their crates.
    pub(super) warnings: Vec<(String, String)>,
    /// Hints of all errors of a kind, with the crate of the kind.
    pub(super) hints: Vec<(String, Kind, Vec<String>)>,
    /// Branches that turn one kind into another.
    pub(super) conversions: Vec<Conversion>,
}

/// A branch that turns an error of one kind into another error.
pub(super) struct Conversion {
    /// The crate of the branch.
    pub(super) krate: String,
    pub(super) from: Kind,
    pub(super) to: Value,
}

/// A variable in scope.
struct Variable {
    name: String,
    value: Value,
    /// Errors that nothing uses are errors of their own.
    is_used: bool,
}

/// Follows one function.
struct Reader<'a, 'b> {
    sources: &'b Sources<'a>,
    function: Function<'a>,
    closures: Closures<'a>,
    variables: Vec<Variable>,
    /// What `return` and `?` return.
    returned: Value,
    /// The variants of the match arm that is read.
    variants: Vec<Kind>,
    /// How many calls led here; what helpers make is collected from their own code.
    depth: usize,
    collected: Collected,
}

/// Collects from all functions.
pub(super) fn collect(sources: &Sources<'_>) -> Collected {
    let mut collected = Collected::default();
    for function in &sources.functions {
        let mut reader = Reader {
            sources,
            function: *function,
            closures: Closures::of(function),
            variables: Vec::new(),
            returned: Value::default(),
            variants: Vec::new(),
            depth: 0,
            collected,
        };
        let value = reader.run();
        if let Some(from) = converted(function) {
            let from = Kind::new(from, Kind::ANY);
            let to = value.clone();
            let krate = function.krate.to_owned();
            let conversion = Conversion { krate, from, to };
            reader.collected.conversions.push(conversion);
        }
        reader.discard(value);
        collected = reader.collected;
    }
    for message in &sources.messages {
        let kind = Kind::new(message.of.to_string(), message.name.to_string());
        let found = Found::new(vec![kind], message.message.clone());
        collected.errors.push((message.krate.to_owned(), found));
    }
    collected
}

/// Returns the type of an error that the function converts as `From`.
fn converted(function: &Function<'_>) -> Option<String> {
    let last = function.of_trait?.segments.last()?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let Some(syn::GenericArgument::Type(syn::Type::Path(from))) = arguments.args.first() else {
        return None;
    };
    let name = from.path.segments.last()?.ident.to_string();
    // The plain name stands for the errors of several crates.
    let is_known = names::is_error(&name) && name != "Error";
    (last.ident == "From" && is_known).then_some(name)
}

impl Reader<'_, '_> {
    /// Reads the body; returns what the function may return.
    fn run(&mut self) -> Value {
        let mut value = self.block(self.function.block);
        value.merge(std::mem::take(&mut self.returned));
        value
    }

    /// Collects the errors of a value that the code does not use any further.
    fn discard(&mut self, value: Value) {
        if self.depth > 0 {
            return;
        }
        for found in value.flat().errors {
            let name = self.function.krate.to_owned();
            self.collected.errors.push((name, found));
        }
    }

    /// Collects texts that become the error of a result; a single word is not a message.
    fn discard_texts(&mut self, texts: &[String], kinds: &[Kind]) {
        let texts = texts.iter().filter(|text| text.contains(' '));
        let errors = texts.map(|text| Found::new(kinds.to_vec(), text.clone()));
        let errors = errors.collect();
        self.discard(Value {
            errors,
            ..Value::default()
        });
    }

    fn warn(&mut self, texts: &[String]) {
        if self.depth == 0 {
            let name = self.function.krate;
            let warnings = texts.iter().map(|text| (name.to_owned(), text.clone()));
            self.collected.warnings.extend(warnings);
        }
    }

    fn block(&mut self, block: &Block) -> Value {
        let outer = self.variables.len();
        let mut tail = Value::default();
        for (index, statement) in block.stmts.iter().enumerate() {
            match statement {
                Stmt::Local(local) => {
                    // A closure is read where it is used.
                    if let Some(init) = &local.init
                        && !matches!(&*init.expr, Expr::Closure(_))
                    {
                        let value = self.eval(&init.expr);
                        if let Some((_, otherwise)) = &init.diverge {
                            let value = self.eval(otherwise);
                            self.discard(value);
                        }
                        self.bind(&local.pat, value);
                    }
                }
                Stmt::Expr(expr, semicolon) => {
                    let value = self.eval(expr);
                    if semicolon.is_none() && index + 1 == block.stmts.len() {
                        tail = value;
                    } else {
                        self.discard(value);
                    }
                }
                Stmt::Macro(statement) => {
                    let value = self.macro_call(&statement.mac);
                    if semicolon_is_missing(statement) && index + 1 == block.stmts.len() {
                        tail = value;
                    }
                }
                Stmt::Item(_) => {}
            }
        }
        self.leave(outer);
        tail
    }

    /// Ends a scope.
    fn leave(&mut self, outer: usize) {
        for variable in self.variables.split_off(outer) {
            if !variable.is_used {
                self.discard(variable.value);
            }
        }
    }

    fn bind(&mut self, pattern: &Pat, value: Value) {
        if let Pat::Ident(pattern) = pattern {
            let name = pattern.ident.to_string();
            self.bind_name(name, value);
        } else if let Pat::Type(pattern) = pattern {
            self.bind(&pattern.pat, value);
        } else if let Pat::Reference(pattern) = pattern {
            self.bind(&pattern.pat, value);
        } else if let Pat::TupleStruct(wrapper) = pattern
            && wrapper.elems.len() == 1
        {
            self.bind(&wrapper.elems[0], value);
        } else if let Pat::Tuple(tuple) = pattern
            && value.parts.len() == tuple.elems.len()
        {
            for (pattern, part) in tuple.elems.iter().zip(value.parts) {
                self.bind(pattern, part);
            }
        } else {
            self.discard(value);
        }
    }

    fn bind_name(&mut self, name: String, value: Value) {
        self.variables.push(Variable {
            name,
            value,
            is_used: false,
        });
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "other expressions hold no error"
    )]
    fn eval(&mut self, expr: &Expr) -> Value {
        match expr {
            Expr::Lit(literal) => self.literal(&literal.lit),
            Expr::Macro(call) => self.macro_call(&call.mac),
            Expr::Path(path) => self.path(&path.path),
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) => self.method_call(call),
            Expr::Struct(literal) => self.struct_literal(literal),
            Expr::Reference(inner) => self.eval(&inner.expr),
            Expr::Paren(inner) => self.eval(&inner.expr),
            Expr::Group(inner) => self.eval(&inner.expr),
            Expr::Unary(inner) => self.eval(&inner.expr),
            Expr::Cast(inner) => self.eval(&inner.expr),
            Expr::Await(inner) => self.eval(&inner.base),
            Expr::Block(inner) => self.block(&inner.block),
            Expr::Unsafe(inner) => self.block(&inner.block),
            Expr::Async(inner) => self.block(&inner.block),
            Expr::Closure(closure) => self.closure(&closure.body),
            Expr::Try(inner) => {
                let value = self.eval(&inner.expr);
                let errors = value.errors.clone();
                self.returned.merge(Value {
                    errors,
                    ..Value::default()
                });
                Value {
                    errors: Vec::new(),
                    ..value
                }
            }
            Expr::Return(inner) => {
                if let Some(inner) = &inner.expr {
                    let value = self.eval(inner);
                    self.returned.merge(value);
                }
                Value::default()
            }
            Expr::Break(inner) => inner
                .expr
                .as_ref()
                .map_or_else(Value::default, |inner| self.eval(inner)),
            Expr::If(branch) => {
                let condition = self.eval(&branch.cond);
                self.discard(condition);
                let mut value = self.block(&branch.then_branch);
                if let Some((_, otherwise)) = &branch.else_branch {
                    value.merge(self.eval(otherwise));
                }
                value
            }
            Expr::Match(expr) => self.match_of(expr),
            Expr::Tuple(tuple) => Value {
                parts: tuple.elems.iter().map(|part| self.eval(part)).collect(),
                ..Value::default()
            },
            Expr::Array(array) => self.all(&array.elems),
            _ => self.others(expr),
        }
    }

    /// Reads expressions that use the errors of their parts for nothing.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "other expressions hold no error"
    )]
    fn others(&mut self, expr: &Expr) -> Value {
        let parts: Vec<&Expr> = match expr {
            Expr::Assign(assign) => vec![&assign.right],
            Expr::Binary(binary) => vec![&binary.left, &binary.right],
            Expr::Let(condition) => {
                let value = self.eval(&condition.expr);
                self.bind(&condition.pat, value);
                Vec::new()
            }
            Expr::Field(field) => {
                let value = self.eval(&field.base);
                self.discard(value);
                let syn::Member::Named(name) = &field.member else {
                    return Value::default();
                };
                let values = self.sources.field(self.function.krate, &name.to_string());
                return self.all(values);
            }
            Expr::Index(index) => vec![&index.expr],
            Expr::ForLoop(looped) => {
                let body = self.block(&looped.body);
                self.discard(body);
                vec![&looped.expr]
            }
            Expr::While(looped) => {
                let body = self.block(&looped.body);
                self.discard(body);
                vec![&looped.cond]
            }
            Expr::Loop(looped) => return self.block(&looped.body),
            _ => Vec::new(),
        };
        for part in parts {
            let value = self.eval(part);
            self.discard(value);
        }
        Value::default()
    }

    fn all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Value {
        let mut all = Value::default();
        for expr in exprs {
            all.merge(self.eval(expr));
        }
        all
    }

    /// Reads the body of a closure; what it returns is not returned by the function.
    fn closure(&mut self, body: &Expr) -> Value {
        let outer = std::mem::take(&mut self.returned);
        let mut value = self.eval(body);
        value.merge(std::mem::replace(&mut self.returned, outer));
        value
    }

    fn match_of(&mut self, expr: &syn::ExprMatch) -> Value {
        let matched = self.eval(&expr.expr);
        self.discard(matched);
        let mut all = Value::default();
        for arm in &expr.arms {
            let mut variants = Vec::new();
            self.variants_of(&arm.pat, &mut variants);
            let outer = std::mem::replace(&mut self.variants, variants.clone());
            let value = self.eval(&arm.body);
            self.variants = outer;
            if self.depth == 0 {
                self.texts_of_variants(&variants, &value.texts);
                let conversions = variants.into_iter().map(|from| Conversion {
                    krate: self.function.krate.to_owned(),
                    from,
                    to: value.clone(),
                });
                self.collected.conversions.extend(conversions);
            }
            all.merge(value);
        }
        all
    }

    /// Collects texts that a method of an error returns for some of its variants.
    fn texts_of_variants(&mut self, variants: &[Kind], texts: &[String]) {
        let owner = self.function.owner.map(ToString::to_string);
        if !owner.is_some_and(|owner| names::is_error(&owner)) || self.is_display() {
            return;
        }
        if self.function.signature.ident == names::HINT {
            let krate = self.function.krate;
            let hints = variants.iter();
            let hints = hints.map(|kind| (krate.to_owned(), kind.clone(), texts.to_vec()));
            self.collected.hints.extend(hints);
        } else {
            self.discard_texts(texts, variants);
        }
    }

    /// Adds the variants of errors and kinds that a pattern names.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "other patterns name no variant"
    )]
    fn variants_of(&self, pattern: &Pat, variants: &mut Vec<Kind>) {
        let path = match pattern {
            Pat::Or(pattern) => {
                for case in &pattern.cases {
                    self.variants_of(case, variants);
                }
                return;
            }
            Pat::Path(pattern) => &pattern.path,
            Pat::TupleStruct(pattern) => &pattern.path,
            Pat::Struct(pattern) => &pattern.path,
            _ => return,
        };
        if let (Some(of), name) = self.names(path)
            && (names::is_kind(&of) || names::is_error(&of))
        {
            variants.push(Kind::new(of, name));
        }
    }

    /// Returns the last two names of a path, with `Self` as the type that it means.
    fn names(&self, path: &syn::Path) -> (Option<String>, String) {
        let mut names = path
            .segments
            .iter()
            .rev()
            .map(|part| part.ident.to_string());
        let last = names.next().unwrap_or_default();
        let resolved = |name: String| match (name.as_str(), self.function.owner) {
            ("Self", Some(owner)) => owner.to_string(),
            _ => name,
        };
        (names.next().map(resolved), last)
    }

    fn path(&mut self, path: &syn::Path) -> Value {
        let (of, name) = self.names(path);
        if of.is_none()
            && let Some(variable) = self.variables.iter_mut().rev().find(|v| v.name == name)
        {
            variable.is_used = true;
            return variable.value.clone();
        }
        if of.is_none()
            && let Some(closure) = self.closures.get(&name)
        {
            return self.call_closure(closure, Vec::new());
        }
        if let Some(of) = of
            && names::is_kind(&of)
        {
            return Value::of_kind(Kind::new(of, name));
        }
        let constant = self.sources.constant(self.function.krate, &name);
        constant.map_or_else(Value::default, |constant| self.eval(constant))
    }
}

fn semicolon_is_missing(statement: &syn::StmtMacro) -> bool {
    statement.semi_token.is_none()
}
