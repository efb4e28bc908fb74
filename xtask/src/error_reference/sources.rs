//! Reads the functions, constants and message attributes of the crates, without tests.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, ImplItem, Item, Pat, Type};

use super::names;
use super::value::Value;
use crate::{files, rust};

/// The syntax trees of one crate.
pub(super) struct Crate {
    pub(super) name: String,
    files: Vec<syn::File>,
}

/// A function or method with a body.
#[derive(Clone, Copy)]
pub(super) struct Function<'a> {
    pub(super) krate: &'a str,
    /// The index of the file in the crate.
    pub(super) file: usize,
    /// The type that the method belongs to.
    pub(super) owner: Option<&'a syn::Ident>,
    /// The trait that the method implements.
    pub(super) of_trait: Option<&'a syn::Path>,
    pub(super) signature: &'a syn::Signature,
    pub(super) block: &'a Block,
}

/// The message of a variant, from its attribute.
pub(super) struct VariantMessage<'a> {
    pub(super) krate: &'a str,
    pub(super) of: &'a syn::Ident,
    /// The variant, or the type itself.
    pub(super) name: &'a syn::Ident,
    pub(super) message: String,
}

/// The functions, messages and constants of all crates.
#[derive(Default)]
pub(super) struct Sources<'a> {
    pub(super) functions: Vec<Function<'a>>,
    by_name: HashMap<String, Vec<usize>>,
    constants: HashMap<(&'a str, String), &'a Expr>,
    /// The values of fields in constants.
    fields: HashMap<(&'a str, String), Vec<&'a Expr>>,
    pub(super) messages: Vec<VariantMessage<'a>>,
    /// The crates that define a type.
    types: HashMap<String, Vec<&'a str>>,
    /// The results of helpers for calls without known arguments, by their bodies.
    pub(super) helpers: RefCell<HashMap<*const Block, Value>>,
    /// The exit codes by variant.
    pub(super) exits: HashMap<String, String>,
}

/// Reads the crates in a directory.
pub(super) fn read(folder: &Path) -> Result<Vec<Crate>> {
    let mut crates: Vec<Crate> = Vec::new();
    for path in files::below(folder)? {
        let mut parts = path.iter().filter_map(|part| part.to_str());
        let (Some(name), Some("src")) = (parts.next(), parts.next()) else {
            continue;
        };
        if name == names::TOOLS {
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") || rust::is_test_file(&path) {
            continue;
        }
        let text = files::text(&folder.join(&path))?;
        let file = syn::parse_file(&text)
            .with_context(|| format!("{} is not valid Rust", path.display()))?;
        match crates.last_mut() {
            Some(last) if last.name == name => last.files.push(file),
            _ => crates.push(Crate {
                name: name.to_owned(),
                files: vec![file],
            }),
        }
    }
    Ok(crates)
}

impl<'a> Sources<'a> {
    pub(super) fn of(crates: &'a [Crate]) -> Self {
        let mut sources = Self::default();
        for krate in crates {
            for (number, file) in krate.files.iter().enumerate() {
                let mut visitor = Visitor {
                    krate: &krate.name,
                    file: number,
                    sources: &mut sources,
                };
                visitor.visit_file(file);
            }
        }
        for (index, function) in sources.functions.iter().enumerate() {
            let name = function.signature.ident.to_string();
            sources.by_name.entry(name).or_default().push(index);
        }
        sources
    }

    /// Returns whether a type name means the same type in the crates `user` and `krate`.
    pub(super) fn is_same_type(&self, name: &str, krate: &str, user: &str) -> bool {
        let defines = self.types.get(name);
        krate == user || defines.is_none_or(|crates| !crates.contains(&user))
    }

    /// Returns the function with a name, first from the file and then from the crate of the caller; `None` for several.
    ///
    /// In other crates, only functions of errors are found, because the others are read with their own crate.
    pub(super) fn function(
        &self,
        caller: &Function<'_>,
        owner: Option<&str>,
        name: &str,
    ) -> Option<Function<'a>> {
        let krate = caller.krate;
        let all = self.by_name.get(name)?.iter().map(|&at| self.functions[at]);
        let fitting: Vec<_> = all
            .filter(|function| match (owner, function.owner) {
                (Some(owner), Some(found)) => {
                    found == owner && (function.krate == krate || names::is_error(owner))
                }
                (None, None) => function.krate == krate,
                _ => false,
            })
            .collect();
        let of_crate: Vec<_> = fitting.iter().filter(|f| f.krate == krate).collect();
        let of_file: Vec<_> = of_crate.iter().filter(|f| f.file == caller.file).collect();
        match (of_file.as_slice(), of_crate.as_slice(), fitting.as_slice()) {
            ([one], _, _) => Some(***one),
            ([], [one], _) => Some(**one),
            ([], [], [one]) => Some(*one),
            _ => None,
        }
    }

    /// Returns the values of a field in the constants of a crate.
    pub(super) fn field(&self, krate: &'a str, name: &str) -> Vec<&'a Expr> {
        let found = self.fields.get(&(krate, name.to_owned()));
        found.cloned().unwrap_or_default()
    }

    /// Returns the value of a constant of a crate or, if the crate imports it, of the only crate that defines it.
    pub(super) fn constant(&self, krate: &'a str, name: &str) -> Option<&'a Expr> {
        if let Some(own) = self.constants.get(&(krate, name.to_owned())) {
            return Some(*own);
        }
        let mut all = self.constants.iter().filter(|((_, of), _)| of == name);
        let (_, only) = all.next()?;
        all.next().is_none().then_some(*only)
    }
}

/// The closures of a function that are assigned to a variable.
#[derive(Default)]
pub(super) struct Closures<'a>(HashMap<String, &'a syn::ExprClosure>);

impl<'a> Closures<'a> {
    pub(super) fn of(function: &Function<'a>) -> Self {
        let mut closures = Self::default();
        closures.visit_block(function.block);
        closures
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a syn::ExprClosure> {
        self.0.get(name).copied()
    }
}

impl<'a> Visit<'a> for Closures<'a> {
    fn visit_local(&mut self, local: &'a syn::Local) {
        if let Pat::Ident(pattern) = &local.pat
            && let Some(init) = &local.init
            && let Expr::Closure(closure) = &*init.expr
        {
            self.0.insert(pattern.ident.to_string(), closure);
        }
        visit::visit_local(self, local);
    }
}

impl Function<'_> {
    /// Returns the patterns of the parameters without `self`.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Pat> {
        let inputs = self.signature.inputs.iter();
        inputs.filter_map(|input| match input {
            FnArg::Typed(input) => Some(&*input.pat),
            FnArg::Receiver(_) => None,
        })
    }
}

struct Visitor<'a, 'b> {
    krate: &'a str,
    file: usize,
    sources: &'b mut Sources<'a>,
}

impl<'a> Visit<'a> for Visitor<'a, '_> {
    fn visit_item(&mut self, item: &'a Item) {
        if !rust::is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.sources.functions.push(Function {
            krate: self.krate,
            file: self.file,
            owner: None,
            of_trait: None,
            signature: &item.sig,
            block: &item.block,
        });
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let Type::Path(owner) = &*item.self_ty else {
            return;
        };
        for method in &item.items {
            if let ImplItem::Fn(method) = method
                && !rust::is_test_method(method)
            {
                self.sources.functions.push(Function {
                    krate: self.krate,
                    file: self.file,
                    owner: owner.path.segments.last().map(|segment| &segment.ident),
                    of_trait: item.trait_.as_ref().map(|(_, path, _)| path),
                    signature: &method.sig,
                    block: &method.block,
                });
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        let key = (self.krate, item.ident.to_string());
        self.sources.constants.insert(key, &item.expr);
        if let Expr::Struct(literal) = &*item.expr {
            for field in &literal.fields {
                if let syn::Member::Named(name) = &field.member {
                    let key = (self.krate, name.to_string());
                    let fields = self.sources.fields.entry(key).or_default();
                    fields.push(&field.expr);
                }
            }
        }
    }

    fn visit_impl_item_const(&mut self, item: &'a syn::ImplItemConst) {
        let key = (self.krate, item.ident.to_string());
        self.sources.constants.insert(key, &item.expr);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.add_type(&item.ident);
        for variant in &item.variants {
            self.add_message(&item.ident, &variant.ident, &variant.attrs);
            if item.ident == names::EXIT
                && let Some((_, Expr::Lit(number))) = &variant.discriminant
                && let syn::Lit::Int(number) = &number.lit
            {
                let name = variant.ident.to_string();
                self.sources.exits.insert(name, number.to_string());
            }
        }
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.add_type(&item.ident);
        self.add_message(&item.ident, &item.ident, &item.attrs);
    }
}

impl<'a> Visitor<'a, '_> {
    fn add_type(&mut self, name: &syn::Ident) {
        let crates = self.sources.types.entry(name.to_string()).or_default();
        crates.push(self.krate);
    }

    /// Reads `#[error("...")]`.
    fn add_message(
        &mut self,
        of: &'a syn::Ident,
        name: &'a syn::Ident,
        attributes: &[syn::Attribute],
    ) {
        let messages = attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("error"))
            .filter_map(|attribute| attribute.parse_args::<syn::LitStr>().ok());
        for message in messages {
            self.sources.messages.push(VariantMessage {
                krate: self.krate,
                of,
                name,
                message: message.value().replace("{{", "{").replace("}}", "}"),
            });
        }
    }
}
