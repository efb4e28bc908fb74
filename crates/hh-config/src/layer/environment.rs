//! Environment variables, as raw text: nothing is guessed from the look of a value.

use secrecy::SecretString;

use super::Layer;
use crate::origin::BaseUrl;
use crate::{
    DECLARED, Declared, Env, LoadError, LoadErrorKind, Location, Provenance, Source, Via, names,
    secret_file,
};

impl Layer {
    /// Builds the layer of the declared variables, aliases and `NAME_FILE` secrets.
    ///
    /// # Errors
    /// `Invalid` for a value that is not UTF-8, `Conflict` for `NAME` beside `NAME_FILE`, `Unreadable` for the file.
    pub fn environment(env: &Env) -> Result<Self, LoadError> {
        Self::variables(env, Source::Env)
    }

    pub(crate) fn variables(env: &Env, source: Source) -> Result<Self, LoadError> {
        let mut layer = Self::new(source);
        for declared in DECLARED {
            layer.read_setting(env, declared, source)?;
        }
        layer.note_two_urls(env);
        Ok(layer)
    }

    fn read_setting(
        &mut self,
        env: &Env,
        declared: &Declared,
        source: Source,
    ) -> Result<(), LoadError> {
        for &variable in declared.variables {
            let provenance = Provenance::new(source, Some(Location::Variable(variable.to_owned())));
            let file_variable = format!("{variable}_FILE");
            let file = declared.secret.then(|| env.path(&file_variable)).flatten();
            let value = match (env.get(variable), file) {
                (None, None) => continue,
                (Some(_), Some(_)) => {
                    return Err(LoadError::new(
                        LoadErrorKind::Conflict,
                        format!("both {variable} and {file_variable} are set; unset one of them"),
                    )
                    .of(declared.name, provenance));
                }
                (None, Some(path)) => {
                    let secret = secret_file::read(&path, &file_variable)?;
                    let provenance =
                        Provenance::new(source, Some(Location::Variable(file_variable)))
                            .with_via(Via::SecretFile(path));
                    self.insert(declared.name, secret, provenance);
                    return Ok(());
                }
                (Some(value), None) => value,
            };
            let Some(text) = value.to_str() else {
                return Err(LoadError::new(
                    LoadErrorKind::Invalid,
                    format!("the value of {variable} is not UTF-8 text; set it again"),
                )
                .of(declared.name, provenance));
            };
            // The two debug switches are one: either true is on (decisions P8).
            if declared.name == names::DEBUG
                && crate::stack::parse_boolean(text) == Some(false)
                && declared.variables.last() != Some(&variable)
                && env.get("HH_DEBUG_MODE").is_some()
            {
                continue;
            }
            self.insert(declared.name, SecretString::from(text), provenance);
            return Ok(());
        }
        Ok(())
    }

    /// Two variables that name different servers are a trap worth a line (decisions P7).
    fn note_two_urls(&mut self, env: &Env) {
        let set: Vec<_> = names::BASE_URL
            .declared()
            .variables
            .iter()
            .filter_map(|&name| {
                let url = BaseUrl::parse(env.get(name)?.to_str()?).ok()?;
                Some((name, url))
            })
            .collect();
        if let [(winner, url), rest @ ..] = set.as_slice()
            && let Some((other, _)) = rest.iter().find(|(_, o)| o.origin() != url.origin())
        {
            self.warnings.push(format!(
                "{winner} and {other} name different servers; of the two, {winner} counts"
            ));
        }
    }
}
