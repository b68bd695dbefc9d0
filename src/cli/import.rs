//! Reads filings from a file: one JSON object a line, the fields of a filing or `{id, text, …}`.

use super::output::{FOUND, Failure, OK, Outcome, Progress};
use crate::app::App;
use crate::intake::bulk::{Bulk, Ends, Given, Taken, on_every_core};
use crate::intake::submission::{Raw, RawExternal};
use crate::intake::{FileError, IdempotencyKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The system of the external references that a line's `id` becomes.
pub(super) const SYSTEM: &str = "import";

/// Lines of a batch: enough that a commit, and what it adds to the counters, is shared by many; few enough that a serving
/// process, which writes nothing else meanwhile, stays quick.
const BATCH: usize = 512;

/// The fields of a filing; a test holds them against [`Raw`].
const FIELDS: &[&str] = &[
    "kind",
    "narrative",
    "respondent",
    "complainant",
    "demands",
    "amount",
    "division",
    "incident_date",
    "received_at",
    "channel",
    "settle_first",
    "external_references",
    "sector",
    "publish_consent",
    "entrust_consent",
    "agent",
    "representatives",
    "anonymous",
    "lang",
];

/// A line that wasn't taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    line: u64,
    pointer: String,
    reason: String,
    more: Vec<(String, String)>,
}

impl Refused {
    fn new(line: u64, pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { line, pointer: pointer.into(), reason: reason.into(), more: Vec::new() }
    }

    fn json(&self) -> Value {
        let mut value = json!({"line": self.line, "pointer": self.pointer, "reason": self.reason});
        if !self.more.is_empty() {
            let more = self.more.iter().map(|(pointer, reason)| json!({"pointer": pointer, "reason": reason}));
            value["more"] = more.collect();
        }
        value
    }
}

/// What became of the lines so far.
#[derive(Debug, Default)]
struct Tally {
    read: u64,
    created: u64,
    existing: u64,
    refused: Vec<Refused>,
    ignored: BTreeSet<String>,
    /// Lines without an `id` so far, by what they say.
    same: HashMap<Says, u64>,
}

/// One line, ready to be filed.
struct Ready {
    line: u64,
    /// What a line without an `id` is known by.
    says: Option<Says>,
    raw: Raw,
}

/// The beginning of the SHA-256 of a line: long enough that no two of a file share one.
type Says = [u8; 16];

/// Takes a file in. What is here already is counted and left alone, so that an import that was cut off is simply run again: a
/// line is known by its `id`, one without by what it says and how many lines before it say the same.
pub(super) async fn run(
    app: &Arc<App>,
    file: &Path,
    trust_labels: bool,
    progress: &Progress,
) -> Result<Outcome, Failure> {
    let (mut lines, size) = read_lines(file, app.settings.server.max_json_bytes)?;
    let mut tally = Tally::default();
    let mut bulk = Bulk::new(Arc::clone(app));
    let mut stopped = None;
    let mut at = 0;
    let mut batch = Vec::with_capacity(BATCH);
    while stopped.is_none() && lines.recv_many(&mut batch, BATCH).await > 0 {
        // The reader may not have come as far yet: a batch is filled, not taken as it is.
        while let more @ 1.. = BATCH - batch.len()
            && lines.recv_many(&mut batch, more).await > 0
        {}
        at = batch.last().map_or(at, |line| line.end);
        let mapped = on_every_core(std::mem::take(&mut batch), move |line| map_line(line, trust_labels)).await?;
        let ready = tally.number(mapped);
        match bulk.take(ready).await {
            Ok(ends) => tally.settle(ends, &mut stopped),
            Err(error) => stopped = Some(error.to_string()),
        }
        progress.tell(at, Some(size.max(at)));
    }
    match bulk.finish().await {
        Ok(ends) => tally.settle(ends, &mut stopped),
        Err(error) => stopped = Some(error.to_string()),
    }
    progress.tell(size, Some(size));
    Ok(report(tally, stopped))
}

/// A line as a filing, and what it has besides.
fn map_line(line: Line, trust_labels: bool) -> (Result<Ready, Refused>, BTreeSet<String>) {
    let Line { number, text, .. } = line;
    let mut ignored = BTreeSet::new();
    let mapped = text
        .map_err(|reason| Refused::new(number, "", reason))
        .and_then(|text| map(number, &text, trust_labels, &mut ignored));
    (mapped, ignored)
}

impl Tally {
    /// Counts lines, and gives those without an `id` a key: what they say, and how many before said the same.
    fn number(&mut self, mapped: Vec<(Result<Ready, Refused>, BTreeSet<String>)>) -> Vec<Given> {
        let mut ready = Vec::with_capacity(mapped.len());
        for (one, ignored) in mapped {
            self.read += 1;
            self.ignored.extend(ignored);
            match one {
                Ok(Ready { line, says, raw }) => {
                    let key = says.map(|says| {
                        let before = self.same.entry(says).or_default();
                        *before += 1;
                        let says = says.map(|byte| format!("{byte:02x}")).concat();
                        IdempotencyKey::new(SYSTEM, &format!("{says} {before}"), &Value::Null)
                    });
                    ready.push(Given { number: line, raw, key });
                }
                Err(refused) => self.refused.push(refused),
            }
        }
        ready
    }

    fn settle(&mut self, ends: Ends, stopped: &mut Option<String>) {
        for (line, end) in ends {
            match end {
                Ok(Taken::Created) => self.created += 1,
                Ok(Taken::Here) => self.existing += 1,
                Err(FileError::Invalid(faults)) => {
                    let mut faults = faults.0.into_iter().map(|problem| (problem.pointer, problem.fault.to_string()));
                    let (pointer, reason) = faults.next().unwrap_or_default();
                    self.refused.push(Refused { line, pointer, reason, more: faults.collect() });
                }
                Err(error) => *stopped = Some(format!("line {line}: {error}")),
            }
        }
    }
}

fn report(mut tally: Tally, stopped: Option<String>) -> Outcome {
    tally.refused.sort_by_key(|refused| refused.line);
    let none = tally.created == 0 && tally.existing == 0;
    let mut result = json!({
        "read": tally.read,
        "created": tally.created,
        "existing": tally.existing,
        "refused": tally.refused.iter().map(Refused::json).collect::<Vec<_>>(),
        "ignored": tally.ignored,
    });
    let mut lines = vec![format!(
        "{} read, {} created, {} here already, {} refused",
        tally.read,
        tally.created,
        tally.existing,
        tally.refused.len()
    )];
    lines.extend(
        tally.refused.iter().map(|refused| format!("  line {}: {} {}", refused.line, refused.pointer, refused.reason)),
    );
    let mut notes = Vec::new();
    if !tally.ignored.is_empty() {
        notes.push(format!("ignored: {}", Vec::from_iter(tally.ignored).join(", ")));
    }
    if let Some(reason) = &stopped {
        result["stopped"] = json!(reason);
        notes.push(format!("stopped at {reason}; what was taken stays: run it again to go on"));
    }
    Outcome { code: if none || stopped.is_some() { FOUND } else { OK }, result, lines, notes }
}

/// Makes a filing of a line. What it has besides is noted once for the whole file.
fn map(line: u64, text: &str, trust_labels: bool, ignored: &mut BTreeSet<String>) -> Result<Ready, Refused> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| Refused::new(line, "", format!("not JSON: {error}")))?;
    let Value::Object(mut given) = value else { return Err(Refused::new(line, "", "not a JSON object")) };
    let number = match given.remove("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id),
        Some(Value::Number(id)) => Some(id.to_string()),
        Some(_) => return Err(Refused::new(line, "/id", "neither text nor a number")),
    };
    if let Some(text) = given.remove("text") {
        if given.get("narrative").is_none_or(Value::is_null) {
            given.insert("narrative".to_owned(), text);
        } else {
            ignored.insert("text".to_owned());
        }
    }
    if !trust_labels && given.remove("sector").is_some_and(|sector| !sector.is_null()) {
        ignored.insert("sector".to_owned());
    }
    kind(line, &mut given, trust_labels, ignored)?;
    let mut fields = Map::new();
    for (key, value) in given {
        if FIELDS.contains(&key.as_str()) {
            fields.insert(key, value);
        } else {
            ignored.insert(key);
        }
    }
    let mut raw: Raw = serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let pointer = format!("/{}", error.path().to_string().replace('.', "/"));
        Refused::new(line, pointer, error.into_inner().to_string())
    })?;
    if let Some(number) = &number {
        let reference = RawExternal { system: SYSTEM.to_owned(), number: number.clone() };
        raw.external_references.get_or_insert_default().push(reference);
    }
    let says = number.is_none().then(|| {
        let mut says = Says::default();
        says.copy_from_slice(&Sha256::digest(text.trim())[..size_of::<Says>()]);
        says
    });
    Ok(Ready { line, says, raw })
}

/// A line is one case: its kind is a complaint's unless it says report.
fn kind(
    line: u64,
    given: &mut Map<String, Value>,
    trust_labels: bool,
    ignored: &mut BTreeSet<String>,
) -> Result<(), Refused> {
    match given.get("kind") {
        Some(Value::String(kind)) if kind == "complaint" || kind == "report" => return Ok(()),
        Some(Value::String(kind)) if kind == "both" && trust_labels => {
            return Err(Refused::new(line, "/kind", "an import never splits a line: give it as two"));
        }
        None | Some(Value::Null) => {}
        // Trusted: then it is refused like any unknown value.
        Some(_) if trust_labels => return Ok(()),
        Some(_) => {
            ignored.insert("kind other than complaint or report".to_owned());
        }
    }
    given.insert("kind".to_owned(), json!("complaint"));
    Ok(())
}

/// A line of the file: its number from 1, where it ends, and its text or why it can't be read.
struct Line {
    number: u64,
    end: u64,
    text: Result<String, String>,
}

/// Reads the lines on a thread of its own; gives the size of the file too.
fn read_lines(file: &Path, longest: usize) -> Result<(mpsc::Receiver<Line>, u64), Failure> {
    let fault = |error: io::Error| Failure::found(format!("{}: {error}", file.display()));
    let opened = File::open(file).map_err(fault)?;
    let size = opened.metadata().map_err(fault)?.len();
    let (send, lines) = mpsc::channel(BATCH * 2);
    let shown = file.display().to_string();
    std::thread::Builder::new()
        .name("fangxin-import".to_owned())
        .spawn(move || {
            let mut reader = BufReader::new(opened);
            let (mut number, mut end) = (0, 0);
            loop {
                match next_line(&mut reader, longest) {
                    Ok(None) => return,
                    Ok(Some((length, text))) => {
                        number += 1;
                        end += length;
                        let text = match text {
                            Ok(text) if number == 1 => Ok(text.trim_start_matches('\u{feff}').to_owned()),
                            text => text,
                        };
                        if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                            continue;
                        }
                        if send.blocking_send(Line { number, end, text }).is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        let text = Err(format!("{shown}: {error}"));
                        drop(send.blocking_send(Line { number: number + 1, end, text }));
                        return;
                    }
                }
            }
        })
        .map_err(fault)?;
    Ok((lines, size))
}

/// The next line with its length, never more than `longest` bytes of it in memory.
fn next_line(reader: &mut impl BufRead, longest: usize) -> io::Result<Option<(u64, Result<String, String>)>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(1);
    let mut length = reader.by_ref().take(most).read_until(b'\n', &mut bytes)? as u64;
    if length == 0 {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') && bytes.len() > longest {
        // The rest of it is passed over, piece by piece.
        loop {
            let piece = reader.fill_buf()?;
            let (used, ended) = match piece.iter().position(|&byte| byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (piece.len(), piece.is_empty()),
            };
            reader.consume(used);
            length += used as u64;
            if ended {
                break;
            }
        }
        return Ok(Some((length, Err(format!("longer than {longest} bytes")))));
    }
    Ok(Some((length, String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(text: &str, trust: bool) -> (Result<Ready, Refused>, Vec<String>) {
        let mut ignored = BTreeSet::new();
        let ready = map(3, text, trust, &mut ignored);
        (ready, ignored.into_iter().collect())
    }

    #[test]
    fn the_fields_are_those_of_a_filing() {
        let error = serde_json::from_str::<Raw>(r#"{"no_such": 1}"#).unwrap_err().to_string();
        let listed: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(listed, FIELDS, "{error}");
    }

    #[test]
    fn a_labelled_text_becomes_a_complaint() {
        let (ready, ignored) = mapped(
            r#"{"id": "a1", "text": "电池三天就坏", "sector": "transport_auto", "kind": "enquiry", "source": "x", "lang": "zh"}"#,
            false,
        );
        let ready = ready.ok().unwrap();
        assert_eq!(ready.raw.narrative.as_deref(), Some("电池三天就坏"));
        assert_eq!(ready.raw.kind.as_deref(), Some("complaint"));
        assert_eq!(ready.raw.sector, None);
        assert_eq!(ready.says, None, "an id is enough to be known by");
        let external = ready.raw.external_references.unwrap();
        assert_eq!((external[0].system.as_str(), external[0].number.as_str()), ("import", "a1"));
        assert_eq!(ignored, ["kind other than complaint or report", "sector", "source"]);
    }

    #[test]
    fn labels_are_trusted_when_told_so() {
        let (ready, ignored) = mapped(r#"{"text": "电池", "sector": "courier", "kind": "report"}"#, true);
        let ready = ready.ok().unwrap();
        assert_eq!((ready.raw.sector.as_deref(), ready.raw.kind.as_deref()), (Some("courier"), Some("report")));
        assert!(ignored.is_empty() && ready.says.is_some());
        let (ready, _) = mapped(r#"{"text": "电池", "kind": "enquiry"}"#, true);
        assert_eq!(ready.ok().unwrap().raw.kind.as_deref(), Some("enquiry"));
        let both = r#"{"text": "电池", "kind": "both"}"#;
        assert_eq!(mapped(both, true).0.err().unwrap().pointer, "/kind", "a line is never split");
        assert_eq!(mapped(both, false).0.ok().unwrap().raw.kind.as_deref(), Some("complaint"));
    }

    #[test]
    fn what_is_no_single_filing_is_refused_with_its_place() {
        for (text, pointer) in [
            (r#"{"id": [1], "text": "电池"}"#, "/id"),
            (r#"{"text": "电池", "respondent": {"name": 5}}"#, "/respondent/name"),
            ("[1]", ""),
            ("{", ""),
        ] {
            let refused = mapped(text, false).0.err().unwrap();
            assert_eq!((refused.line, refused.pointer.as_str()), (3, pointer), "{text}");
        }
    }

    #[test]
    fn a_long_line_is_passed_over_and_the_next_one_read() {
        let text = format!("{}\nshort\n", "x".repeat(100));
        let mut reader = BufReader::with_capacity(8, text.as_bytes());
        let (length, long) = next_line(&mut reader, 10).unwrap().unwrap();
        assert_eq!((length, long.is_err()), (101, true));
        assert_eq!(next_line(&mut reader, 10).unwrap().unwrap(), (6, Ok("short\n".to_owned())));
        assert!(next_line(&mut reader, 10).unwrap().is_none());
    }
}
