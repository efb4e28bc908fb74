//! What an expression may be: texts, errors and kinds.

/// A variant that classifies an error, or the code of a response.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    /// The type; [`Kind::CODE`] for the code of a response.
    pub(super) of: String,
    pub(super) name: String,
}

impl Kind {
    pub(super) const CODE: &str = "code";
    /// The name that stands for every variant of a type.
    pub(super) const ANY: &str = "*";

    pub(super) fn new(of: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            of: of.into(),
            name: name.into(),
        }
    }
}

/// An error with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kinds: Vec<Kind>,
    pub(super) message: String,
    pub(super) hints: Vec<String>,
}

impl Found {
    pub(super) fn new(kinds: Vec<Kind>, message: String) -> Self {
        Self {
            kinds,
            message,
            hints: Vec::new(),
        }
    }
}

/// Everything that an expression may be, over all branches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    /// Texts with `{name}` for what is only known at run time.
    pub(super) texts: Vec<String>,
    pub(super) errors: Vec<Found>,
    pub(super) kinds: Vec<Kind>,
    /// The parts of a tuple.
    pub(super) parts: Vec<Self>,
}

impl Value {
    /// A text with more alternatives than this stays a placeholder.
    const MOST_TEXTS: usize = 12;

    pub(super) fn of_text(text: impl Into<String>) -> Self {
        Self {
            texts: vec![text.into()],
            ..Self::default()
        }
    }

    pub(super) fn of_kind(kind: Kind) -> Self {
        Self {
            kinds: vec![kind],
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the alternatives of another branch.
    pub(super) fn merge(&mut self, other: Self) {
        add_new(&mut self.texts, other.texts);
        add_new(&mut self.errors, other.errors);
        add_new(&mut self.kinds, other.kinds);
        for (index, part) in other.parts.into_iter().enumerate() {
            match self.parts.get_mut(index) {
                Some(own) => own.merge(part),
                None => self.parts.push(part),
            }
        }
    }

    /// Returns the value with the parts of a tuple merged into it.
    pub(super) fn flat(self) -> Self {
        let mut flat = Self {
            parts: Vec::new(),
            ..self
        };
        for part in self.parts {
            flat.merge(part.flat());
        }
        flat
    }

    /// Returns the texts, or a placeholder of this name if they are unknown, too many or single words.
    pub(super) fn texts_or(&self, name: &str) -> Vec<String> {
        let is_prose = self.texts.len() == 1 || self.texts.iter().any(|text| text.contains(' '));
        if self.texts.is_empty() || self.has_too_many_texts() || !is_prose {
            vec![format!("{{{name}}}")]
        } else {
            self.texts.clone()
        }
    }

    pub(super) fn has_too_many_texts(&self) -> bool {
        self.texts.len() > Self::MOST_TEXTS
    }

    /// Puts each of `texts` after each text; keeps the first alternatives if there are too many.
    pub(super) fn append(&mut self, texts: &[String]) {
        let before = std::mem::take(&mut self.texts);
        for text in &before {
            for end in texts {
                if self.texts.len() < Self::MOST_TEXTS {
                    self.texts.push(format!("{text}{end}"));
                }
            }
        }
    }

    /// Returns the errors that these arguments of a constructor make.
    ///
    /// The last argument with texts is the message; a code in capitals may stand before it.
    pub(super) fn error_of(arguments: Vec<Self>, kind: Option<Kind>) -> Self {
        let mut error = Self::default();
        error.kinds.extend(kind);
        let mut messages = Vec::new();
        for argument in arguments {
            if argument.errors.is_empty() {
                add_new(&mut error.kinds, argument.kinds);
            }
            add_new(&mut error.errors, argument.errors);
            if !argument.texts.is_empty() {
                let before = std::mem::replace(&mut messages, argument.texts);
                let codes = before.into_iter().filter(|text| is_code(text));
                error
                    .kinds
                    .extend(codes.map(|code| Kind::new(Kind::CODE, code)));
            }
        }
        for inner in &mut error.errors {
            add_new(&mut inner.kinds, error.kinds.clone());
        }
        if error.errors.is_empty() {
            let kinds = &error.kinds;
            let found = messages
                .into_iter()
                .map(|message| Found::new(kinds.clone(), message));
            error.errors.extend(found);
        }
        error
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// Adds what a list does not have yet.
pub(super) fn add_new<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}
