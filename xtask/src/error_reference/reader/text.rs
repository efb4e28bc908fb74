//! Texts: literals, formats, and the names of what is only known at run time.

use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Macro, Member, Token};

use super::Reader;
use crate::error_reference::names;
use crate::error_reference::value::Value;

/// Methods that show the same value in another form begin with one of these.
const VIEWS: [&str; 10] = [
    "as_", "clone", "display", "get", "into_", "iter", "join", "map", "to_", "unwrap",
];

type Arguments = Punctuated<Expr, Token![,]>;

impl Reader<'_, '_> {
    pub(super) fn literal(&mut self, literal: &Lit) -> Value {
        let Lit::Str(literal) = literal else {
            return Value::default();
        };
        let text = literal.value();
        self.warn_of(&text);
        Value::of_text(text)
    }

    pub(super) fn macro_call(&mut self, call: &Macro) -> Value {
        let name = call.path.segments.last().map(|part| part.ident.to_string());
        let name = name.unwrap_or_default();
        let Ok(arguments) = call.parse_body_with(Arguments::parse_terminated) else {
            return Value::default();
        };
        if names::FORMAT.contains(&name.as_str()) {
            return self.format(&arguments, 0);
        }
        if name == "vec" {
            return self.all(&arguments);
        }
        if names::WARN.contains(&name.as_str()) {
            let value = self.format(&arguments, 0);
            self.warn(&value.texts);
        } else if name.starts_with("write") && self.is_display() {
            let value = self.format(&arguments, 1);
            let kinds = self.variants.clone();
            self.discard_texts(&value.texts, &kinds);
        }
        Value::default()
    }

    /// Returns whether this is the `Display` of an error.
    pub(super) fn is_display(&self) -> bool {
        let last = self.function.of_trait.and_then(|path| path.segments.last());
        let owner = self.function.owner.map(ToString::to_string);
        last.is_some_and(|last| last.ident == "Display")
            && owner.is_some_and(|owner| names::is_error(&owner))
    }

    /// Collects a text that begins as warnings do.
    fn warn_of(&mut self, text: &str) {
        if let Some(warning) = text.strip_prefix(names::WARNING) {
            self.warn(&[warning.to_owned()]);
        }
    }

    /// Returns the texts of a format string, which comes after `skip` other arguments.
    fn format(&mut self, arguments: &Arguments, skip: usize) -> Value {
        let Some(Expr::Lit(literal)) = arguments.get(skip) else {
            return Value::default();
        };
        let Lit::Str(literal) = &literal.lit else {
            return Value::default();
        };
        let given: Vec<_> = arguments.iter().skip(skip + 1).collect();
        let mut result = Value::of_text("");
        let mut next = 0;
        let text = literal.value();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(at);
            result.append(&[before.to_owned()]);
            let brace = &after[..1];
            if after[1..].starts_with(brace) {
                result.append(&[brace.to_owned()]);
                rest = &after[2..];
                continue;
            }
            let end = after.find('}').map_or(after.len(), |end| end + 1);
            let inside = after[1..end].trim_end_matches('}');
            let name = inside.split(':').next().unwrap_or_default().trim();
            let texts = self.argument(name, &given, &mut next);
            result.append(&texts);
            rest = &after[end..];
        }
        result.append(&[rest.to_owned()]);
        for text in result.texts.clone() {
            self.warn_of(&text);
        }
        result
    }

    /// Returns the texts of one argument of a format string.
    fn argument(&mut self, name: &str, given: &[&Expr], next: &mut usize) -> Vec<String> {
        let position = if name.is_empty() {
            *next += 1;
            Some(*next - 1)
        } else {
            name.parse().ok()
        };
        if let Some(position) = position {
            let expr: Option<&&Expr> = given.get(position);
            return expr.map_or_else(|| vec!["{}".to_owned()], |expr| self.texts_of(expr));
        }
        for expr in given {
            if let Expr::Assign(named) = expr
                && name_of(&named.left) == name
            {
                return self.eval(&named.right).texts_or(name);
            }
        }
        match syn::parse_str::<syn::Path>(name) {
            Ok(path) => {
                let value = self.path(&path);
                if value.has_too_many_texts() {
                    self.discard_texts(&value.texts, &[]);
                }
                value.texts_or(name)
            }
            Err(_) => vec![format!("{{{name}}}")],
        }
    }

    /// Returns the texts of an expression, or its name in braces.
    pub(super) fn texts_of(&mut self, expr: &Expr) -> Vec<String> {
        let value = self.eval(expr);
        if value.has_too_many_texts() {
            self.discard_texts(&value.texts, &[]);
        }
        value.texts_or(&name_of(expr))
    }
}

/// Returns a readable name for a value.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "other expressions have no name"
)]
pub(super) fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Path(path) => {
            let last = path.path.segments.last();
            last.map(|part| part.ident.to_string()).unwrap_or_default()
        }
        Expr::Field(field) => match &field.member {
            Member::Named(name) => name.to_string(),
            Member::Unnamed(_) => name_of(&field.base),
        },
        Expr::MethodCall(call) => {
            let method = call.method.to_string();
            let is_view = VIEWS.iter().any(|begin| method.starts_with(begin));
            if is_view {
                name_of(&call.receiver)
            } else {
                method
            }
        }
        Expr::Call(call) => match call.args.first() {
            Some(argument) if call.args.len() == 1 || is_constructor(&call.func) => {
                name_of(argument)
            }
            _ => name_of(&call.func),
        },
        Expr::Reference(inner) => name_of(&inner.expr),
        Expr::Paren(inner) => name_of(&inner.expr),
        Expr::Unary(inner) => name_of(&inner.expr),
        Expr::Index(index) => name_of(&index.expr),
        Expr::Binary(binary) => name_of(&binary.left),
        _ => String::new(),
    }
}

fn is_constructor(function: &Expr) -> bool {
    ["of", "new", "from"].contains(&name_of(function).as_str())
}
