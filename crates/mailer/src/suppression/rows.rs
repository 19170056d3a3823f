//! Rows of addresses as text: CSV (RFC 4180) and NDJSON, read piece by piece and in bounded memory.
//!
//! In CSV the first record names the columns, in any order and letter case; unknown ones are passed over. If it has an address instead, it
//! is a row like the others, whose first column is the address. In NDJSON each line is an object with the same names.
//!
//! Lines are counted as they are in the file, from 1; a quoted field may have several.

use csv_core::{ReadRecordResult, Reader};
use envelope::AddrSpec;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::error::FieldError;
use super::identity::Name;
use super::record::{Kind, Person, Suppression};
use crate::time::Timestamp;

/// Longest record, in octets.
pub const MAX_RECORD_OCTETS: usize = 8 * 1024;
/// Most columns of a record.
pub const MAX_COLUMNS: usize = 64;
/// What some programs begin a file with: the byte order mark, in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, RFC 4180.
    Csv,
    /// A JSON object in each line.
    Ndjson,
}

/// One row, as it is written. All but one of address and hash may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawRow {
    /// The address.
    #[serde(
        alias = "address",
        alias = "recipient",
        skip_serializing_if = "Option::is_none"
    )]
    pub email: Option<String>,
    /// What it is stored under, where addresses are hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Whose address it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Whose address it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Why it is on the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// `Added`, `Bounce`, `Complaint` or `Unsubscribed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Since when, as RFC 3339 has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Until when, as RFC 3339 has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The reply that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

/// The columns of an export.
pub const COLUMNS: [&str; 9] = [
    "email",
    "hash",
    "firstName",
    "lastName",
    "notes",
    "cause",
    "since",
    "until",
    "reply",
];

/// A row that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The address, or what it is stored under.
    pub who: Who,
    /// What is written about it.
    pub person: Person,
    /// What put it on the list.
    pub kind: Kind,
    /// Since when; when the import was made, if it does not say.
    pub since: Option<Timestamp>,
    /// Until when; for good, if it does not say.
    pub until: Option<Timestamp>,
    /// The reply that led to it.
    pub reply: Option<String>,
}

/// Whom a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// An address.
    Address(AddrSpec),
    /// The hash of one.
    Hash(Name),
}

/// Why a row means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowError {
    /// Too long.
    #[error(
        "expected a record of at most {MAX_RECORD_OCTETS} octets and {MAX_COLUMNS} columns, found a longer one"
    )]
    TooLong,
    /// A quotation mark opens a field, and none closes it on its line, or ever.
    #[error(
        "expected a quotation mark that ends the field, found none up to line {last_line}: no line from here to there was read"
    )]
    OpenQuote {
        /// The last line that may be in the field by mistake.
        last_line: u64,
    },
    /// Not UTF-8.
    #[error("expected UTF-8, found other octets")]
    Utf8,
    /// Not JSON, or another property than there is.
    #[error("expected a JSON object with an address in the property email, found another text")]
    Json,
    /// The first record has names, and none of them is of an address.
    #[error("expected a column email or hash, found none")]
    NoAddressColumn,
    /// No address.
    #[error("expected an address, found nothing")]
    NoAddress,
    /// The address is none.
    #[error(transparent)]
    Address(#[from] envelope::AddrSpecError),
    /// Not a hash.
    #[error("expected 64 hexadecimal digits in lower case as hash, found another text")]
    Hash,
    /// A hash where addresses are not hashed.
    #[error("expected an address, found a hash, and addresses are not hashed here")]
    HashInClear,
    /// A text that cannot be stored.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// A row of a file, or why it is none, with the number of its line.
pub type Numbered = (u64, Result<Row, RowError>);

impl RawRow {
    /// What it means.
    ///
    /// # Errors
    /// Names the first thing that is wrong.
    pub fn check(self) -> Result<Row, RowError> {
        let text = |text: Option<String>| {
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let who = match (text(self.email), text(self.hash)) {
            (Some(email), _) => Who::Address(AddrSpec::parse(&email)?),
            (None, Some(hash)) => Who::Hash(Name::parse_hash(&hash).ok_or(RowError::Hash)?),
            (None, None) => return Err(RowError::NoAddress),
        };
        let person = Person {
            first_name: self.first_name.unwrap_or_default(),
            last_name: self.last_name.unwrap_or_default(),
            notes: self.notes.unwrap_or_default(),
        };
        person.check()?;
        let kind = text(self.cause).map(|text| {
            let name = "cause";
            Kind::parse(&text).ok_or(FieldError::Kind { name })
        });
        let time = |name, given| {
            let time = text(given)
                .map(|text| Timestamp::parse_rfc3339(&text).ok_or(FieldError::Time { name }));
            time.transpose()
        };
        Ok(Row {
            who,
            person,
            kind: kind.transpose()?.unwrap_or_default(),
            since: time("since", self.since)?,
            until: time("until", self.until)?,
            reply: text(self.reply).map(|reply| super::record::bounded_reply(&reply)),
        })
    }

    /// The row that stands for `entry` in an export.
    #[must_use]
    pub fn of(name: &Name, entry: &Suppression) -> Self {
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let clear = || (!name.is_hash()).then(|| name.as_str().to_owned());
        Self {
            email: entry.email.clone().or_else(clear),
            hash: name.is_hash().then(|| name.as_str().to_owned()),
            first_name: text(&entry.first_name),
            last_name: text(&entry.last_name),
            notes: text(&entry.notes),
            cause: Some(entry.kind.as_str().to_owned()),
            since: Some(entry.since.to_rfc3339()),
            until: entry.until.map(Timestamp::to_rfc3339),
            reply: entry.reply.clone(),
        }
    }

    /// The row as a record of CSV or a line of JSON, with its line end.
    #[must_use]
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Ndjson => {
                let line = serde_json::to_string(self).unwrap_or_default();
                format!("{line}\n")
            }
            Format::Csv => record(&self.columns().map(Option::unwrap_or_default)),
        }
    }

    fn columns(&self) -> [Option<&str>; COLUMNS.len()] {
        [
            &self.email,
            &self.hash,
            &self.first_name,
            &self.last_name,
            &self.notes,
            &self.cause,
            &self.since,
            &self.until,
            &self.reply,
        ]
        .map(Option::as_deref)
    }

    fn column(&mut self, name: &str) -> Option<&mut Option<String>> {
        let is = |other: &str| name.trim().eq_ignore_ascii_case(other);
        let column = match () {
            () if is("email") || is("address") || is("recipient") => &mut self.email,
            () if is("hash") => &mut self.hash,
            () if is("firstName") => &mut self.first_name,
            () if is("lastName") => &mut self.last_name,
            () if is("notes") => &mut self.notes,
            () if is("cause") => &mut self.cause,
            () if is("since") => &mut self.since,
            () if is("until") => &mut self.until,
            () if is("reply") => &mut self.reply,
            () => return None,
        };
        Some(column)
    }
}

/// The record that an export begins with.
#[must_use]
pub fn heading(format: Format) -> String {
    match format {
        Format::Csv => record(&COLUMNS),
        Format::Ndjson => String::new(),
    }
}

fn record(fields: &[&str]) -> String {
    let quoted = |field: &&str| {
        if field.contains(['"', ',', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ')
        {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            (*field).to_owned()
        }
    };
    let fields: Vec<String> = fields.iter().map(quoted).collect();
    format!("{}\r\n", fields.join(","))
}

/// Reads rows from pieces of a file, however it is cut.
#[derive(Debug)]
pub struct RowReader(Inner);

#[derive(Debug)]
enum Inner {
    Csv(Box<CsvRows>),
    Ndjson(NdjsonRows),
}

impl RowReader {
    /// A reader of a whole file.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self(match format {
            Format::Csv => Inner::Csv(Box::new(CsvRows::new())),
            Format::Ndjson => Inner::Ndjson(NdjsonRows::default()),
        })
    }

    /// The rows that end in `piece`.
    pub fn push(&mut self, piece: &[u8], rows: &mut Vec<Numbered>) {
        if piece.is_empty() {
            // To the CSV reader that would be the end.
            return;
        }
        match &mut self.0 {
            Inner::Csv(csv) => csv.push(piece, rows),
            Inner::Ndjson(ndjson) => ndjson.push(piece, rows),
        }
    }

    /// The row that ends with the file, if its last line has no end.
    pub fn finish(mut self, rows: &mut Vec<Numbered>) {
        match &mut self.0 {
            Inner::Csv(csv) => csv.finish(rows),
            Inner::Ndjson(ndjson) => ndjson.end_line(rows),
        }
    }
}

#[derive(Debug, Default)]
struct NdjsonRows {
    // At most one octet more than a record may have.
    line: Vec<u8>,
    number: u64,
}

impl NdjsonRows {
    fn push(&mut self, piece: &[u8], rows: &mut Vec<Numbered>) {
        let mut lines = piece.split(|octet| *octet == b'\n').peekable();
        while let Some(part) = lines.next() {
            let room = (MAX_RECORD_OCTETS + 1).saturating_sub(self.line.len());
            self.line.extend(part.iter().take(room));
            if lines.peek().is_some() {
                self.end_line(rows);
            }
        }
    }

    fn end_line(&mut self, rows: &mut Vec<Numbered>) {
        let line = std::mem::take(&mut self.line);
        self.number += 1;
        let text = line.strip_prefix(BOM).filter(|_| self.number == 1);
        let trimmed = text.unwrap_or(&line).trim_ascii();
        if trimmed.is_empty() {
            return;
        }
        let row = if line.len() > MAX_RECORD_OCTETS {
            Err(RowError::TooLong)
        } else if std::str::from_utf8(trimmed).is_err() {
            Err(RowError::Utf8)
        } else if !trimmed.starts_with(b"{") {
            // An array would do for serde.
            Err(RowError::Json)
        } else {
            let row: Result<RawRow, _> = serde_json::from_slice(trimmed);
            row.map_err(|_| RowError::Json).and_then(RawRow::check)
        };
        rows.push((self.number, row));
    }
}

#[derive(Debug)]
struct CsvRows {
    reader: Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
    // How much of both is filled.
    filled: (usize, usize),
    is_too_long: bool,
    last: u8,
    place: Place,
    // Text follows a quotation mark that seemed to close a field: maybe it opened one, and the first was never closed.
    is_astray: bool,
    // Lines that ended, and on which the record under way began, if one is.
    lines: u64,
    began: Option<u64>,
    // The names of the columns, once they are known.
    columns: Option<Vec<String>>,
}

impl CsvRows {
    fn new() -> Self {
        Self {
            reader: Reader::new(),
            fields: vec![0; MAX_RECORD_OCTETS],
            ends: vec![0; MAX_COLUMNS],
            filled: (0, 0),
            is_too_long: false,
            last: 0,
            place: Place::Start,
            is_astray: false,
            lines: 0,
            began: None,
            columns: None,
        }
    }

    fn push(&mut self, mut piece: &[u8], rows: &mut Vec<Numbered>) {
        let is_end = piece.is_empty();
        loop {
            if self.began.is_none() && !is_end {
                piece = self.skip_empty_lines(piece);
                if piece.is_empty() {
                    return;
                }
                self.began = Some(self.lines + 1);
            }
            let (octets, fields) = self.filled;
            let (Some(output), Some(ends)) =
                (self.fields.get_mut(octets..), self.ends.get_mut(fields..))
            else {
                return;
            };
            let (result, read, wrote, ended) = self.reader.read_record(piece, output, ends);
            self.filled = (octets + wrote, fields + ended);
            let (taken, rest) = piece.split_at(read.min(piece.len()));
            self.follow(taken);
            piece = rest;
            match result {
                ReadRecordResult::InputEmpty if !is_end => return,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.is_too_long = true;
                    self.filled = (0, 0);
                }
                ReadRecordResult::Record => self.end_record(rows),
                ReadRecordResult::End => return,
            }
        }
    }

    /// Ends the record that the file ends in.
    fn finish(&mut self, rows: &mut Vec<Numbered>) {
        match self.began {
            Some(line) if self.place == Place::Quoted => {
                let last_line = self.last_line();
                rows.push((line, Err(RowError::OpenQuote { last_line })));
            }
            _ => self.push(&[], rows),
        }
    }

    /// The line of the octet that was read last.
    fn last_line(&self) -> u64 {
        self.lines + u64::from(self.last != b'\n')
    }

    /// Follows what was read of a record.
    fn follow(&mut self, octets: &[u8]) {
        for &octet in octets {
            let next = self.place.after(octet);
            self.is_astray |= self.place == Place::Closed && next == Place::Plain;
            self.place = next;
            self.lines += u64::from(octet == b'\n');
            self.last = octet;
        }
    }

    /// What follows the empty lines that `piece` begins with: the end of a line of CR LF among them.
    fn skip_empty_lines<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let is_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
        let count = piece.iter().take_while(|octet| is_end(octet)).count();
        let (ends, rest) = piece.split_at(count);
        self.lines += line_ends(ends);
        rest
    }

    fn end_record(&mut self, rows: &mut Vec<Numbered>) {
        let (_, fields) = std::mem::take(&mut self.filled);
        let line = self.began.take().unwrap_or(self.lines + 1);
        let last_line = self.last_line();
        self.place = Place::Start;
        let is_too_long = std::mem::take(&mut self.is_too_long);
        if std::mem::take(&mut self.is_astray) && last_line > line {
            rows.push((line, Err(RowError::OpenQuote { last_line })));
            return;
        }
        if is_too_long {
            rows.push((line, Err(RowError::TooLong)));
            return;
        }
        let mut start = 0;
        let mut texts = Vec::with_capacity(fields);
        for &end in self.ends.iter().take(fields) {
            let field = self.fields.get(start..end).unwrap_or_default();
            start = end;
            match std::str::from_utf8(field) {
                Ok(text) => texts.push(text),
                Err(_) => {
                    rows.push((line, Err(RowError::Utf8)));
                    return;
                }
            }
        }
        if texts.iter().all(|text| text.trim().is_empty()) {
            return;
        }
        let Some(columns) = &self.columns else {
            let (columns, is_heading) = heading_of(&texts);
            let row = (!is_heading).then(|| row(&columns, &texts));
            rows.extend(row.map(|row| (line, row)));
            if is_heading && !columns.iter().any(|name| is_address(name)) {
                rows.push((line, Err(RowError::NoAddressColumn)));
            }
            self.columns = Some(columns);
            return;
        };
        rows.push((line, row(columns, &texts)));
    }
}

/// Where in a field of CSV an octet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Plain,
    Quoted,
    /// Behind a quotation mark that closes the field, or is the first of two that stand for one.
    Closed,
}

impl Place {
    const fn after(self, octet: u8) -> Self {
        match (self, octet) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Quoted, _) | (Self::Start | Self::Closed, b'"') => Self::Quoted,
            (_, b',' | b'\r' | b'\n') => Self::Start,
            _ => Self::Plain,
        }
    }
}

fn line_ends(octets: &[u8]) -> u64 {
    octets.iter().map(|octet| u64::from(*octet == b'\n')).sum()
}

fn is_address(name: &str) -> bool {
    let mut row = RawRow::default();
    let column = row.column(name).map(|column| *column = Some(String::new()));
    column.is_some() && (row.email.is_some() || row.hash.is_some())
}

/// The names of the columns, and whether `first` has them.
fn heading_of(first: &[&str]) -> (Vec<String>, bool) {
    let bom = '\u{feff}';
    let names = first.iter().map(|name| name.trim_start_matches(bom));
    if first.iter().any(|text| text.contains('@')) {
        return (vec!["email".to_owned()], false);
    }
    (names.map(str::to_owned).collect(), true)
}

fn row(columns: &[String], texts: &[&str]) -> Result<Row, RowError> {
    let mut raw = RawRow::default();
    for (name, text) in columns.iter().zip(texts) {
        if let Some(column) = raw.column(name).filter(|column| column.is_none()) {
            let text = text.trim_start_matches('\u{feff}');
            *column = Some(text.to_owned()).filter(|text| !text.is_empty());
        }
    }
    raw.check()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(format: Format, pieces: &[&[u8]]) -> Vec<Numbered> {
        let mut reader = RowReader::new(format);
        let mut rows = Vec::new();
        for piece in pieces {
            reader.push(piece, &mut rows);
        }
        reader.finish(&mut rows);
        rows
    }

    /// Of each row its line, and address and notes or what is wrong.
    #[track_caller]
    fn check(format: Format, file: &str, expected: &[(u64, &str)]) {
        let whole = read(format, &[file.as_bytes()]);
        let octets: Vec<&[u8]> = file.as_bytes().chunks(1).collect();
        assert_eq!(read(format, &octets), whole, "cut into octets: {file:?}");
        let told: Vec<(u64, String)> = whole
            .into_iter()
            .map(|(line, row)| match row {
                Ok(Row {
                    who: Who::Address(address),
                    person,
                    ..
                }) => (line, format!("{address} {}", person.notes)),
                Ok(Row {
                    who: Who::Hash(name),
                    ..
                }) => (line, name.as_str().to_owned()),
                Err(error) => (line, error.to_string()),
            })
            .collect();
        let expected: Vec<(u64, String)> = expected
            .iter()
            .map(|(line, text)| (*line, (*text).to_owned()))
            .collect();
        assert_eq!(told, expected, "{file:?}");
    }

    #[test]
    fn csv_is_read_as_rfc_4180_has_it() {
        let csv = |file, expected: &[(u64, &str)]| check(Format::Csv, file, expected);
        csv("email,notes\r\na@b.example,x\r\n", &[(2, "a@b.example x")]);
        csv("email\na@b.example", &[(2, "a@b.example ")]);
        csv(
            "a@b.example\nc@b.example\n",
            &[(1, "a@b.example "), (2, "c@b.example ")],
        );
        csv("\u{feff}EMAIL,x\na@b.example,y\n", &[(2, "a@b.example ")]);
        csv(
            "notes,Email\n\"a \"\"b\"\", c\",a@b.example\n",
            &[(2, "a@b.example a \"b\", c")],
        );
        csv(
            "email,notes\na@b.example,\"two\r\nlines\"\nc@b.example,z\n",
            &[(2, "a@b.example two\r\nlines"), (4, "c@b.example z")],
        );
        csv("\"\"\"a b\"\"@c.example\"\n", &[(1, "\"a b\"@c.example ")]);
        csv("", &[]);
        csv("email\n\n\na@b.example\n", &[(4, "a@b.example ")]);
        csv(
            "name,age\nx,1\n",
            &[
                (1, "expected a column email or hash, found none"),
                (2, "expected an address, found nothing"),
            ],
        );
        csv(
            "email\nx\n,\n",
            &[(2, "expected an at sign, found the end at offset 1")],
        );
        csv(
            "email,cause\na@b.example,why\n",
            &[(
                2,
                "expected Added, Bounce, Complaint or Unsubscribed as cause, found another text",
            )],
        );
        csv(
            "email,until\na@b.example,soon\n",
            &[(
                2,
                "expected a time such as 2026-11-24T16:39:12.000Z as until, found another text",
            )],
        );
    }

    #[test]
    fn ndjson_is_read_line_by_line() {
        let ndjson = |file, expected: &[(u64, &str)]| check(Format::Ndjson, file, expected);
        let json =
            "expected a JSON object with an address in the property email, found another text";
        ndjson(
            "{\"email\":\"a@b.example\",\"notes\":\"x\"}\r\n\n{\"address\":\"c@b.example\"}",
            &[(1, "a@b.example x"), (3, "c@b.example ")],
        );
        ndjson(
            "\u{feff}{\"email\":\"a@b.example\"}\n\u{feff}{}\n",
            &[(1, "a@b.example "), (2, json)],
        );
        ndjson("{\"email\":1}\n[]\n{", &[(1, json), (2, json), (3, json)]);
        ndjson("{}\n", &[(1, "expected an address, found nothing")]);
        ndjson(
            "{\"email\":\"a@b.example\\r\\nBcc: x\"}\n",
            &[(
                1,
                "expected a letter, digit, hyphen or dot, found '\\r' at offset 11",
            )],
        );
        ndjson(
            "{\"hash\":\"abc\"}\n",
            &[(
                1,
                "expected 64 hexadecimal digits in lower case as hash, found another text",
            )],
        );
    }

    #[test]
    fn a_record_that_is_too_long_is_passed_over_and_told_of() {
        let long = "x".repeat(3 * MAX_RECORD_OCTETS);
        let text = RowError::TooLong.to_string();
        let expected = [(2, text.as_str()), (3, "a@b.example ")];
        check(
            Format::Csv,
            &format!("email,notes\na@b.example,{long}\na@b.example,\n"),
            &expected,
        );
        let commas = ",".repeat(2 * MAX_COLUMNS);
        check(
            Format::Csv,
            &format!("email,notes\na@b.example{commas}\na@b.example,\n"),
            &expected,
        );
        let file = format!(
            "{{\"email\":\"c@b.example\"}}\n{{\"email\":\"{long}\"}}\n{{\"email\":\"a@b.example\"}}\n"
        );
        check(
            Format::Ndjson,
            &file,
            &[(1, "c@b.example "), (2, text.as_str()), (3, "a@b.example ")],
        );
    }

    #[test]
    fn a_quotation_mark_that_stays_open_is_told_of() {
        let open = |last_line| RowError::OpenQuote { last_line }.to_string();
        let csv = |file: &str, expected: &[(u64, &str)]| check(Format::Csv, file, expected);
        let rows = "email,notes\nz@b.example,\na@b.example,\"oops\nc@b.example,x\nd@b.example,y";
        csv(rows, &[(2, "z@b.example "), (3, &open(5))]);
        csv("a@b.example,\"", &[(1, &open(1))]);
        csv(&format!("{rows}\n"), &[(2, "z@b.example "), (3, &open(5))]);
        let long = format!("{rows}{}", "\nx".repeat(MAX_RECORD_OCTETS));
        csv(&long, &[(2, "z@b.example "), (3, &open(5 + 8192))]);
        csv("email,notes\na@b.example,\"x\"", &[(2, "a@b.example x")]);
        // What seems to close it opens another field.
        csv(
            &format!("{rows}\ne@b.example,\"y\"\nf@b.example,\n"),
            &[(2, "z@b.example "), (3, &open(6)), (7, "f@b.example ")],
        );
        csv(
            &format!("{rows},\"two\r\nlines\"\r\nf@b.example,\r\n"),
            &[
                (2, "z@b.example "),
                (3, &open(5)),
                (6, "expected an at sign, found the end at offset 6"),
                (7, "f@b.example "),
            ],
        );
        csv("a@b.example,\"5\" disk\n", &[(1, "a@b.example ")]);
    }

    #[test]
    fn what_is_no_utf_8_is_told_of() {
        for format in [Format::Csv, Format::Ndjson] {
            let rows = read(format, &[b"{\"email\":\"\xff@b.example\"}\n"]);
            assert_eq!(rows, [(1, Err(RowError::Utf8))]);
        }
    }

    proptest! {
        #[test]
        fn no_file_panics_and_cuts_change_nothing(file in prop::collection::vec(any::<u8>(), 0..300), cut in 0..300_usize) {
            for format in [Format::Csv, Format::Ndjson] {
                let (one, two) = file.split_at(cut.min(file.len()));
                prop_assert_eq!(read(format, &[&file]), read(format, &[one, two]));
            }
        }

        #[test]
        fn what_is_written_is_read_again(texts in prop::collection::vec("[ -~\r\n]{0,40}", 1..5)) {
            for format in [Format::Csv, Format::Ndjson] {
                let raw = |notes: &String| RawRow { email: Some("a@b.example".to_owned()), notes: Some(notes.clone()), ..RawRow::default() };
                let file: String = texts.iter().map(|notes| raw(notes).write(format)).collect();
                let file = format!("{}{file}", heading(format));
                let rows = read(format, &[file.as_bytes()]);
                let notes: Vec<Option<String>> = rows.into_iter().map(|(_, row)| row.ok().map(|row| row.person.notes)).collect();
                let expected: Vec<Option<String>> = texts.iter().cloned().map(Some).collect();
                prop_assert_eq!(notes, expected);
            }
        }
    }
}
