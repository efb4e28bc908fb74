//! Describes syntax errors of YAML.

use serde_saphyr::granit_parser::{ErrorKind, Parser};

/// Describes the first syntax error of a text, without any part of the text.
pub(super) fn describe(text: &str) -> &'static str {
    let error = Parser::new_from_str(text).find_map(Result::err);
    error.map_or("invalid YAML", |error| of_kind(error.kind()))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other errors are rare, and their position is enough"
)]
fn of_kind(kind: &ErrorKind) -> &'static str {
    use ErrorKind as Kind;
    match kind {
        Kind::MappingValueNotAllowed | Kind::InvalidColonPlacement => {
            "invalid YAML: unexpected colon; check the indentation, and put a value that contains a colon in quotes"
        }
        Kind::ExpectedBlockMappingKey | Kind::MappingKeyNotAllowed => {
            "invalid YAML: expected a setting with the indentation of the lines above"
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            "invalid YAML: expected a colon after the name"
        }
        Kind::InvalidMappingValueWhitespace | Kind::ExpectedWhitespace => {
            "invalid YAML: expected a space after the colon"
        }
        Kind::InvalidIndentation | Kind::InvalidQuotedScalarIndent => {
            "invalid YAML: wrong indentation"
        }
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabInPlainScalar
        | Kind::TabAtBlockScalarStart => "invalid YAML: a tab is not allowed here; use spaces",
        Kind::UnclosedQuotedScalar | Kind::DocumentIndicatorInQuotedScalar => {
            "invalid YAML: a quote is not closed"
        }
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            "invalid YAML: unexpected text after the closing quote"
        }
        Kind::UnknownQuotedScalarEscape | Kind::InvalidQuotedScalarHexEscape => {
            "invalid YAML: unknown escape sequence in double quotes"
        }
        Kind::UnclosedFlowCollection { .. }
        | Kind::UnexpectedEofFlowSequence
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping => {
            "invalid YAML: a bracket or a brace is not closed"
        }
        Kind::ExpectedFlowSequenceSeparator => {
            "invalid YAML: expected a comma or a closing bracket"
        }
        Kind::ExpectedFlowMappingSeparator => "invalid YAML: expected a comma or a closing brace",
        Kind::MisplacedFlowCollectionEnd | Kind::MismatchedFlowCollectionEnd { .. } => {
            "invalid YAML: this closing bracket or brace does not belong to an opening one"
        }
        Kind::BlockSequenceEntryNotAllowed
        | Kind::ExpectedBlockSequenceEntry
        | Kind::BlockEntryInFlowCollection => "invalid YAML: a list element is not allowed here",
        Kind::UnexpectedCharacter { .. } => {
            "invalid YAML: a value that begins with this character must be in quotes"
        }
        Kind::ExpectedNodeContent => "invalid YAML: expected a value",
        _ => "invalid YAML",
    }
}
