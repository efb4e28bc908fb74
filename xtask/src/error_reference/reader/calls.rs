//! Calls: constructors of errors, helpers, and the methods that change an error.

use syn::{Expr, ExprCall, ExprMethodCall, ExprStruct, Member, ReturnType};

use super::text::name_of;
use super::{Collected, DEEPEST, Reader};
use crate::error_reference::names;
use crate::error_reference::sources::{Closures, Function};
use crate::error_reference::value::{Found, Kind, Value, add_new};

impl<'a> Reader<'a, '_> {
    pub(super) fn call(&mut self, call: &ExprCall) -> Value {
        let arguments: Vec<_> = call.args.iter().map(|expr| self.eval(expr)).collect();
        let Expr::Path(path) = &*call.func else {
            return self.unknown(arguments);
        };
        let (of, name) = self.names(&path.path);
        if name == "Err" && of.is_none() {
            return self.error_result(arguments);
        }
        let of_error = of.as_deref().filter(|of| names::is_error(of));
        if name.starts_with(char::is_uppercase) {
            if let Some(of) = of_error {
                return Value::error_of(arguments, Some(Kind::new(of, name)));
            }
            if names::is_error(&name) {
                return Value::error_of(arguments, None);
            }
        } else {
            let is_type = |of: &&str| of.starts_with(char::is_uppercase);
            let owner = of.as_deref().filter(is_type);
            if of.is_none()
                && let Some(closure) = self.closures.get(&name)
            {
                return self.call_closure(closure, arguments);
            }
            let function = self.sources.function(&self.function, owner, &name);
            let value = function.map(|function| self.helper(function, None, &arguments));
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                self.discard_unused(arguments, &value);
                return value;
            }
            if of_error.is_some() {
                return Value::error_of(arguments, None);
            }
        }
        if names::SAME.contains(&name.as_str()) {
            return merged(arguments);
        }
        // What is not known here most often changes the form of a text only.
        let texts = merged(arguments.clone()).texts;
        let texts = texts.into_iter().filter(|text| text.contains(' '));
        Value {
            texts: texts.collect(),
            ..self.unknown(arguments)
        }
    }

    /// Reads the body of a closure with the arguments of a call.
    pub(super) fn call_closure(
        &mut self,
        closure: &'a syn::ExprClosure,
        arguments: Vec<Value>,
    ) -> Value {
        if self.depth >= DEEPEST {
            return Value::default();
        }
        let outer = self.variables.len();
        for (pattern, argument) in closure.inputs.iter().zip(arguments) {
            self.bind(pattern, argument);
        }
        self.depth += 1;
        let value = self.closure(&closure.body);
        self.depth -= 1;
        self.leave(outer);
        value
    }

    /// Collects the errors among arguments that a helper does not return.
    fn discard_unused(&mut self, arguments: Vec<Value>, returned: &Value) {
        let mut unused = merged(arguments);
        let is_returned = |found: &Found| {
            let mut errors = returned.errors.iter();
            errors.any(|error| error.message == found.message)
        };
        unused.errors.retain(|found| !is_returned(found));
        self.discard(unused);
    }

    pub(super) fn method_call(&mut self, call: &ExprMethodCall) -> Value {
        let receiver = self.eval(&call.receiver);
        let arguments: Vec<_> = call.args.iter().map(|expr| self.eval(expr)).collect();
        let name = call.method.to_string();
        let name = name.as_str();
        if names::WITH_HINT.contains(&name) {
            let hints = merged(arguments).texts;
            let is_not_self = !is_self(&call.receiver);
            return with_hint(receiver, &hints, is_not_self);
        }
        if names::WITH_PREFIX.contains(&name) {
            let prefix = call.args.first().map(|prefix| self.texts_of(prefix));
            return with_prefix(receiver, &prefix.unwrap_or_default());
        }
        let is_list = name == "push" && names::WARNINGS.contains(&name_of(&call.receiver).as_str());
        if is_list || names::WARN.contains(&name) {
            self.warn(&merged(arguments).texts);
            return receiver;
        }
        if names::RESULTS.contains(&name) {
            let mut result = receiver;
            let error = self.error_result(arguments);
            add_new(&mut result.errors, error.errors);
            return result;
        }
        if name == "write_str" && self.is_display() {
            let kinds = self.variants.clone();
            self.discard_texts(&merged(arguments).texts, &kinds);
            return Value::default();
        }
        if let Some(value) = self.method(call, &receiver, &arguments) {
            self.discard_unused(arguments, &value);
            return value;
        }
        if names::BRANCHES.contains(&name) {
            let mut value = receiver;
            value.merge(merged(arguments));
            return value;
        }
        self.unknown_method(arguments);
        if names::SAME.contains(&name) {
            return receiver;
        }
        Value {
            errors: receiver.errors,
            kinds: receiver.kinds,
            ..Value::default()
        }
    }

    /// Returns what becomes the error of a result. Texts are errors of their own.
    fn error_result(&mut self, arguments: Vec<Value>) -> Value {
        let value = merged(arguments);
        if value.errors.is_empty() {
            self.discard_texts(&value.texts, &[]);
        }
        Value {
            texts: Vec::new(),
            ..value
        }
    }

    /// Reads a method of `self`, or one of an error that adds something to it.
    fn method(
        &mut self,
        call: &ExprMethodCall,
        receiver: &Value,
        arguments: &[Value],
    ) -> Option<Value> {
        let krate = self.function.krate;
        let is_self = is_self(&call.receiver);
        let owner = if is_self {
            self.function.owner.map(ToString::to_string)
        } else if receiver.errors.is_empty() {
            None
        } else {
            let functions = self.sources.functions.iter();
            let mut owners = functions
                .filter(|function| {
                    function.krate == krate && function.signature.ident == call.method
                })
                .filter_map(|function| function.owner.map(ToString::to_string))
                .filter(|owner| names::is_error(owner));
            owners.next()
        };
        let name = call.method.to_string();
        let function = self
            .sources
            .function(&self.function, Some(&owner?), &name)?;
        let value = self.helper(function, Some(receiver), arguments);
        let is_known = if is_self {
            !value.is_empty()
        } else {
            !value.errors.is_empty()
        };
        is_known.then_some(value)
    }

    /// Reads the body of a helper with the arguments of a call.
    fn helper(
        &self,
        function: Function<'a>,
        receiver: Option<&Value>,
        arguments: &[Value],
    ) -> Value {
        if self.depth >= DEEPEST || matches!(function.signature.output, ReturnType::Default) {
            return Value::default();
        }
        // Without arguments the result is the same for every call; this also ends recursion.
        let is_constant =
            receiver.is_none_or(Value::is_empty) && arguments.iter().all(Value::is_empty);
        let key = std::ptr::from_ref(function.block);
        if is_constant {
            if let Some(value) = self.sources.helpers.borrow().get(&key) {
                return value.clone();
            }
            self.sources
                .helpers
                .borrow_mut()
                .insert(key, Value::default());
        }
        let mut reader = Reader {
            sources: self.sources,
            function,
            closures: Closures::of(&function),
            variables: Vec::new(),
            returned: Value::default(),
            variants: Vec::new(),
            depth: self.depth + 1,
            collected: Collected::default(),
        };
        if let Some(receiver) = receiver {
            reader.bind_name("self".to_owned(), receiver.clone());
        }
        for (pattern, argument) in function.parameters().zip(arguments) {
            reader.bind(pattern, argument.clone());
        }
        let value = reader.run();
        if is_constant {
            self.sources.helpers.borrow_mut().insert(key, value.clone());
        }
        value
    }

    /// Reads a struct literal: with a message it is an error.
    pub(super) fn struct_literal(&mut self, literal: &ExprStruct) -> Value {
        let (of, name) = self.names(&literal.path);
        let mut result = Value::default();
        let mut messages = Vec::new();
        let mut hints = Vec::new();
        for field in &literal.fields {
            let value = self.eval(&field.expr).flat();
            if value.errors.is_empty() {
                add_new(&mut result.kinds, value.kinds);
            }
            add_new(&mut result.errors, value.errors);
            let Member::Named(field) = &field.member else {
                continue;
            };
            let field = field.to_string();
            if names::MESSAGE_FIELDS.contains(&field.as_str()) {
                messages = value.texts;
            } else if field == names::HINT {
                hints = value.texts;
            } else if field == Kind::CODE {
                let codes = value.texts.into_iter();
                let codes = codes.map(|code| Kind::new(Kind::CODE, code));
                result.kinds.extend(codes);
            }
        }
        if let Some(base) = &literal.rest {
            result.merge(self.eval(base));
        }
        if let Some(of) = of
            && names::is_error(&of)
        {
            result.kinds.push(Kind::new(of, name));
        }
        for error in &mut result.errors {
            add_new(&mut error.kinds, result.kinds.clone());
        }
        let kinds = result.kinds.clone();
        let errors = messages.into_iter().map(|message| Found {
            hints: hints.clone(),
            ..Found::new(kinds.clone(), message)
        });
        result.errors.extend(errors);
        result
    }

    /// Collects the arguments of a method that is not followed. A kind and a text together are an error.
    fn unknown_method(&mut self, arguments: Vec<Value>) {
        let all = merged(arguments.clone());
        if all.errors.is_empty() && !all.kinds.is_empty() {
            self.discard_texts(&all.texts, &all.kinds);
        }
        self.unknown(arguments);
    }

    /// Collects the arguments of a call that is not followed.
    fn unknown(&mut self, arguments: Vec<Value>) -> Value {
        for argument in arguments {
            self.discard(argument);
        }
        Value::default()
    }
}

fn merged(values: Vec<Value>) -> Value {
    let mut all = Value::default();
    for value in values {
        all.merge(value);
    }
    all
}

fn is_self(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("self"))
}

/// Adds hints to the errors of a value; without errors, the message is not visible here.
fn with_hint(receiver: Value, hints: &[String], is_not_self: bool) -> Value {
    let mut value = receiver;
    if value.errors.is_empty() && is_not_self && !hints.is_empty() {
        let found = Found::new(value.kinds.clone(), String::new());
        value.errors.push(found);
    }
    for error in &mut value.errors {
        add_new(&mut error.hints, hints.to_vec());
    }
    value
}

fn with_prefix(receiver: Value, prefixes: &[String]) -> Value {
    let mut value = receiver;
    let errors = std::mem::take(&mut value.errors);
    for error in errors {
        for prefix in prefixes {
            value.errors.push(Found {
                message: format!("{prefix}{}", error.message),
                ..error.clone()
            });
        }
    }
    value
}
