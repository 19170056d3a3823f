//! A component's standard output and standard error: whole lines to the log.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

use super::guest::ComponentContext;
use crate::log::LogEvent;

/// A line longer than this is cut into several.
const MAX_LINE_BYTES: usize = 8 * 1024;

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
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines {
            component: Arc::clone(&self.component),
            pending: Vec::new(),
        })
    }
}

/// Collects bytes until a line is whole.
struct Lines {
    component: Arc<ComponentContext>,
    pending: Vec<u8>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' || self.pending.len() >= MAX_LINE_BYTES {
                self.report();
            }
            if *byte != b'\n' {
                self.pending.push(*byte);
            }
        }
    }

    fn report(&mut self) {
        let line = String::from_utf8_lossy(&self.pending);
        (self.component.log)(&LogEvent::Guest {
            component: &self.component.id,
            line: line.trim_end(),
        });
        self.pending.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.report();
        }
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
