//! Answers questions from Markdown files and traces each step.
//!
//! The program retrieves the best sections by BM25, and then extracts the best sentence of these sections. It sends
//! nothing except the trace.
//!
//! ```console
//! ask_docs --ask "How do I log in?" --ask "Where is my key saved?" docs/guides/*.md
//! ```

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bm25::{Language, SearchEngine, SearchEngineBuilder};
use hh_sdk::{HoneyHiveTracer, Session, Span, SpanKind};
use serde_json::json;

/// The number of sections to retrieve.
const SECTIONS: usize = 3;

/// A section of a file: the text below a heading.
struct Section {
    file: String,
    heading: String,
    text: String,
}

/// A matching section or sentence: its index and its score.
struct Hit {
    index: usize,
    score: f32,
}

const USAGE: &str = "usage: ask_docs --ask QUESTION [--ask QUESTION]... FILE.md...";

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        drop(writeln!(std::io::stdout(), "{USAGE}"));
        return ExitCode::SUCCESS;
    }
    let Some((questions, files)) = arguments() else {
        drop(writeln!(std::io::stderr(), "{USAGE}"));
        return ExitCode::from(2);
    };
    match run(&questions, &files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(questions: &[String], files: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let tracer = HoneyHiveTracer::builder().build()?;
    let mut out = std::io::stdout().lock();

    let session = tracer
        .session("ask docs")
        .with_input("questions", questions)
        .with_input("files", files)
        .start();
    let sections = read_sections(&session, files)?;
    let mut answers = Vec::new();
    for question in questions {
        let answer = answer(&session, &sections, question);
        writeln!(out, "Q: {question}\nA: {answer}\n")?;
        answers.push(answer);
    }
    session.set_output("answers", &answers);
    let id = session.id();
    session.end();
    // The server has the session only if nothing was lost.
    tracer.shutdown_blocking(Duration::from_secs(10))?;
    writeln!(out, "session {id}")?;
    Ok(())
}

/// Parses the command line; returns `None` if it is invalid.
fn arguments() -> Option<(Vec<String>, Vec<PathBuf>)> {
    let (mut questions, mut files) = (Vec::new(), Vec::new());
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        if argument == "--ask" {
            questions.push(rest.next()?);
        } else {
            files.push(PathBuf::from(argument));
        }
    }
    (!questions.is_empty() && !files.is_empty()).then_some((questions, files))
}

fn read_sections(session: &Session, files: &[PathBuf]) -> Result<Vec<Section>, Box<dyn Error>> {
    let mut span = session
        .span("read files", SpanKind::Tool)
        .with_input("files", files)
        .start();
    let mut sections = Vec::new();
    for path in files {
        let text = fs::read_to_string(path).map_err(|error| {
            span.set_error(&error);
            format!("{}: {error}", path.display())
        })?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        split(&file, &text, &mut sections);
    }
    span.set_output("sections", sections.len());
    Ok(sections)
}

/// Splits a file into sections at its headings, without code blocks.
fn split(file: &str, text: &str, sections: &mut Vec<Section>) {
    let start = |heading: &str| Section {
        file: file.to_owned(),
        heading: heading.to_owned(),
        text: String::new(),
    };
    let mut section = start(file);
    let mut in_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
        } else if line.starts_with('#') {
            let next = start(line.trim_start_matches('#').trim());
            sections.push(std::mem::replace(&mut section, next));
        } else {
            section.text.push_str(line.trim());
            section
                .text
                .push(if line.trim().is_empty() { '\n' } else { ' ' });
        }
    }
    sections.push(section);
    sections.retain(|section| !section.text.trim().is_empty());
}

fn answer(session: &Session, sections: &[Section], question: &str) -> String {
    let mut chain = session
        .span("answer", SpanKind::Chain)
        .with_input("question", question)
        .start();
    let hits = retrieve(&chain, sections, question);
    let found = extract(&chain, sections, &hits, question);
    let answer = match &found {
        Some((sentence, section)) => {
            format!("{sentence} ({}: {})", section.file, section.heading)
        }
        None => "No answer found in these files.".to_owned(),
    };
    chain.set_output("answer", &answer);
    answer
}

/// Finds the best sections for a question.
fn retrieve(chain: &Span, sections: &[Section], question: &str) -> Vec<Hit> {
    let mut span = chain
        .child("retrieve", SpanKind::Tool)
        .with_input("question", question)
        .with_input("limit", SECTIONS)
        .with_config("method", "BM25")
        .with_config("sections", sections.len())
        .start();
    let corpus = sections
        .iter()
        .map(|section| format!("{} {}", section.heading, section.text));
    let hits = search(corpus.collect(), question, SECTIONS);
    let shown: Vec<_> = hits
        .iter()
        .map(|hit| {
            let section = &sections[hit.index];
            json!({ "file": section.file, "heading": section.heading, "score": hit.score })
        })
        .collect();
    span.set_output("hits", shown);
    span.set_metric("best_score", hits.first().map_or(0.0, |hit| hit.score));
    hits
}

/// Returns the best sentence of the retrieved sections.
fn extract<'a>(
    chain: &Span,
    sections: &'a [Section],
    hits: &[Hit],
    question: &str,
) -> Option<(String, &'a Section)> {
    let mut span = chain
        .child("extract answer", SpanKind::Model)
        .with_input("question", question)
        .with_config("model", "extractive, BM25 over sentences")
        .start();
    let candidates: Vec<(String, &Section)> = hits
        .iter()
        .map(|hit| &sections[hit.index])
        .flat_map(|section| sentences(&section.text).map(move |sentence| (sentence, section)))
        .collect();
    span.set_metadata("candidates", candidates.len());
    let corpus = candidates.iter().map(|(sentence, _)| sentence.clone());
    let best = search(corpus.collect(), question, 1).into_iter().next()?;
    let (sentence, section) = candidates.into_iter().nth(best.index)?;
    span.set_output("sentence", &sentence);
    span.set_metric("score", best.score);
    Some((sentence, section))
}

/// Splits a text at periods before a space, so that a period in a name such as `config.yaml` does not end a sentence.
fn sentences(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .flat_map(|paragraph| paragraph.split_inclusive(". "))
        .map(|sentence| sentence.trim().to_owned())
        .filter(|sentence| !sentence.is_empty())
}

fn search(corpus: Vec<String>, query: &str, limit: usize) -> Vec<Hit> {
    let engine: SearchEngine<u32> =
        SearchEngineBuilder::<u32>::with_corpus(Language::English, corpus).build();
    engine
        .search(query, limit)
        .into_iter()
        .map(|result| Hit {
            index: result.document.id as usize,
            score: result.score,
        })
        .collect()
}
