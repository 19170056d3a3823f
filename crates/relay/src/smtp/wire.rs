//! Lines and replies on one connection (RFC 5321, section 4.2), bounded whatever the other side sends.

use std::fmt;

use envelope::Reply;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

use super::SmtpError;

/// The longest reply line read, four times what RFC 5321, section 4.5.3.1.5, allows.
pub(super) const MAX_LINE_OCTETS: usize = 2_048;
/// The most lines of one reply.
pub(super) const MAX_REPLY_LINES: usize = 128;

/// A connection, encrypted or not.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Writes commands and reads replies.
pub(super) struct Wire(BufReader<Box<dyn Io>>);

/// A reply, and its lines as they came, which `EHLO` needs.
#[derive(Debug)]
pub(super) struct RawReply {
    pub(super) reply: Reply,
    pub(super) lines: Vec<String>,
}

impl Wire {
    pub(super) fn new(io: Box<dyn Io>) -> Self {
        Self(BufReader::new(io))
    }

    /// Writes octets as they are and flushes them.
    pub(super) async fn write(&mut self, octets: &[u8]) -> Result<(), SmtpError> {
        self.0.write_all(octets).await?;
        self.0.flush().await?;
        Ok(())
    }

    /// Reads one reply of one or more lines.
    pub(super) async fn read_reply(&mut self) -> Result<RawReply, SmtpError> {
        let mut lines = Vec::new();
        loop {
            let line = self.read_line().await?;
            let last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if last {
                let reply = Reply::parse(&lines.join("\r\n"))?;
                return Ok(RawReply { reply, lines });
            }
            if lines.len() == MAX_REPLY_LINES {
                return Err(SmtpError::ReplyTooLong);
            }
        }
    }

    async fn read_line(&mut self) -> Result<String, SmtpError> {
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_LINE_OCTETS).unwrap_or(u64::MAX);
        (&mut self.0)
            .take(limit)
            .read_until(b'\n', &mut line)
            .await?;
        let Some(text) = line.strip_suffix(b"\n") else {
            return Err(if line.len() == MAX_LINE_OCTETS {
                SmtpError::ReplyTooLong
            } else {
                SmtpError::Closed
            });
        };
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        // Replies are ASCII, or UTF-8 under SMTPUTF8; whatever else comes is still shown.
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Gives the connection up for encryption, unless octets were already read ahead: they came in the clear, so
    /// anybody may have written them.
    pub(super) fn into_io(self) -> Result<Box<dyn Io>, SmtpError> {
        if self.0.buffer().is_empty() {
            Ok(self.0.into_inner())
        } else {
            Err(SmtpError::TlsInjection)
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a reply from `octets`, and shows it, its lines, or the error.
    async fn read(octets: &[u8]) -> String {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        far.write_all(octets).await.unwrap();
        drop(far);
        match Wire::new(Box::new(near)).read_reply().await {
            Ok(raw) => format!("{} | {}", raw.reply, raw.lines.join(" | ")),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn replies_of_one_and_many_lines_are_read() {
        assert_eq!(
            read(b"250 2.0.0 Ok\r\n").await,
            "250 2.0.0 Ok | 250 2.0.0 Ok"
        );
        assert_eq!(read(b"250\r\n").await, "250 | 250");
        assert_eq!(
            read(b"550-5.1.1 no\r\n550 5.1.1 such user\r\n").await,
            "550 5.1.1 no such user | 550-5.1.1 no | 550 5.1.1 such user"
        );
        assert_eq!(
            read(b"250 caf\xe9\n").await,
            "250 caf\u{fffd} | 250 caf\u{fffd}"
        );
    }

    #[tokio::test]
    async fn broken_and_endless_replies_are_refused() {
        assert_eq!(read(b"").await, "the MTA closed the connection");
        assert_eq!(read(b"250 half").await, "the MTA closed the connection");
        assert_eq!(read(b"250-one\r\n").await, "the MTA closed the connection");
        assert_eq!(
            read(b"hello\r\n").await,
            "malformed reply: expected a three-digit reply code at offset 0"
        );
        let long = "expected a reply of at most 128 lines of 2048 octets";
        assert_eq!(
            read(&[b"250 ".as_slice(), &b"x".repeat(5_000)].concat()).await,
            long
        );
        assert_eq!(read(&b"250-x\r\n".repeat(1_000)).await, long);
        assert!(
            read(b"250-a\r\n550 b\r\n")
                .await
                .starts_with("malformed reply")
        );
    }

    #[tokio::test]
    async fn octets_read_ahead_forbid_encryption() {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        far.write_all(b"220 go\r\n250 injected\r\n").await.unwrap();
        let mut wire = Wire::new(Box::new(near));
        wire.read_reply().await.unwrap();
        assert!(matches!(wire.into_io(), Err(SmtpError::TlsInjection)));
    }
}
