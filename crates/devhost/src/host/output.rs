//! A component's standard output and standard error: whole lines to the log.

use std::{
    borrow::Cow,
    io::{self, BufRead as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError, StreamResult},
};

use super::guest::ComponentContext;
use crate::log::LogEvent;

/// A line longer than this is cut into several.
const MAX_LINE_BYTES: usize = 8 * 1024;
/// The most a guest may write at once.
const MAX_WRITE_BYTES: usize = 8 * 1024;

/// Where an instance writes. Each stream a guest opens collects its own lines.
#[derive(Clone)]
pub(super) struct Output {
    component: Arc<ComponentContext>,
}

impl Output {
    pub(super) fn new(component: &Arc<ComponentContext>) -> Self {
        Self {
            component: Arc::clone(component),
        }
    }

    fn lines(&self) -> Lines {
        Lines {
            component: Arc::clone(&self.component),
            line: PartialLine::default(),
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.lines())
    }

    // Else each write would be taken to a task of its own and the instance wait for that twice, which costs more than a line does.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.lines())
    }
}

/// Lines of a component, to its log.
struct Lines {
    component: Arc<ComponentContext>,
    line: PartialLine,
}

impl Lines {
    fn take(&mut self, octets: &[u8]) {
        self.line.take(octets, |line| report(&self.component, line));
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.line.end(|line| report(&self.component, line));
    }
}

fn report(component: &ComponentContext, line: &str) {
    (component.log)(&LogEvent::Guest {
        component: &component.id,
        line,
    });
}

/// Collects octets until a line is whole.
#[derive(Default)]
struct PartialLine(Vec<u8>);

impl PartialLine {
    fn take(&mut self, mut octets: &[u8], mut report: impl FnMut(&str)) {
        while !octets.is_empty() {
            let (line, rest) = split_line(octets);
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    self.collect(line, &mut report);
                    self.report(&mut report);
                }
                None => self.collect(line, &mut report),
            }
            octets = rest;
        }
    }

    /// Adds to the line; when it is as long as it may be, what follows is another.
    fn collect(&mut self, mut octets: &[u8], report: &mut impl FnMut(&str)) {
        let room = |line: &Vec<u8>| MAX_LINE_BYTES.saturating_sub(line.len());
        while let Some((fit, rest)) = octets.split_at_checked(room(&self.0))
            && !rest.is_empty()
        {
            self.0.extend_from_slice(fit);
            self.report(report);
            octets = rest;
        }
        self.0.extend_from_slice(octets);
    }

    fn report(&mut self, report: &mut impl FnMut(&str)) {
        // Nearly every line is UTF-8, and `from_utf8_lossy` takes several times as long to see it.
        let lossy = |_| String::from_utf8_lossy(&self.0);
        let line = str::from_utf8(&self.0).map_or_else(lossy, Cow::Borrowed);
        report(line.trim_end());
        self.0.clear();
    }

    fn end(&mut self, mut report: impl FnMut(&str)) {
        if !self.0.is_empty() {
            self.report(&mut report);
        }
    }
}

/// Parts `octets` behind the first line end, if there is one.
fn split_line(octets: &[u8]) -> (&[u8], &[u8]) {
    let mut rest = octets;
    // Of what std does with slices, this looks at several octets at once. To read a slice does not fail.
    let line = rest.skip_until(b'\n').unwrap_or(octets.len());
    octets.split_at(line)
}

#[async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, octets: Bytes) -> StreamResult<()> {
        if octets.len() > MAX_WRITE_BYTES {
            return Err(StreamError::trap(
                "a write exceeds what `check-write` allows",
            ));
        }
        self.take(&octets);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE_BYTES)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(writes: &[&[u8]], expected: &[&str]) {
        let mut found = Vec::new();
        let mut line = PartialLine::default();
        for octets in writes {
            line.take(octets, |line| found.push(line.to_owned()));
        }
        line.end(|line| found.push(line.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_are_reported_when_they_end_and_the_last_one_with_the_stream() {
        check(&[], &[]);
        check(&[b"a\n"], &["a"]);
        check(&[b"a\nb\r\n\n c "], &["a", "b", "", " c"]);
        check(&[b"a", b"b", b"", b"\nc\nd", b"\n"], &["ab", "c", "d"]);
    }

    #[test]
    fn what_is_no_utf_8_is_replaced_and_what_is_written_in_pieces_is_not() {
        check(&["ü\n".as_bytes()], &["ü"]);
        check(
            &[b"\xc3", b"\xbc\n\xc3\nx\xff"],
            &["ü", "\u{fffd}", "x\u{fffd}"],
        );
    }

    #[test]
    fn long_lines_are_cut_into_several() {
        let octets = [b'x'; 2 * MAX_LINE_BYTES + 1];
        let text = str::from_utf8(&octets).expect("ASCII");
        let (longest, rest) = text.split_at(MAX_LINE_BYTES);
        check(&[longest.as_bytes(), b"\n"], &[longest]);
        check(&[longest.as_bytes(), b"y"], &[longest, "y"]);
        check(
            &[b"y", longest.as_bytes()],
            &[&format!("y{}", &longest[1..]), "x"],
        );
        check(&[text.as_bytes(), b"\ny"], &[longest, &rest[1..], "x", "y"]);
    }
}
