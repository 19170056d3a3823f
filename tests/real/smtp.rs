//! Handing a message to an MTA, octet by octet as it is (RFC 5321).
//!
//! # Not supported
//! Answers other than the expected ones, which end the test.

use tests::PATIENCE;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

/// How the client calls itself.
pub(crate) const HELO: &str = "client.example";

/// Hands over a message, with lines ended by CRLF, through a port of 127.0.0.1.
pub(crate) async fn hand_over(port: u16, mail_from: &str, recipient: &str, message: &[u8]) {
    let talk = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut talk = Talk(BufReader::new(stream));
        talk.expect("220").await;
        talk.say(&format!("EHLO {HELO}"), "250").await;
        talk.say(&format!("MAIL FROM:<{mail_from}>"), "250").await;
        talk.say(&format!("RCPT TO:<{recipient}>"), "250").await;
        talk.say("DATA", "354").await;
        talk.0.write_all(&with_dots(message)).await.unwrap();
        talk.say(".", "250").await;
        talk.say("QUIT", "221").await;
    };
    timeout(PATIENCE, talk).await.expect("the MTA answers");
}

/// What an MTA says to a recipient of mail with a null reverse-path; no message is handed over.
pub(crate) async fn reply_to_rcpt(port: u16, recipient: &str) -> String {
    let talk = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut talk = Talk(BufReader::new(stream));
        talk.expect("220").await;
        talk.say(&format!("EHLO {HELO}"), "250").await;
        talk.say("MAIL FROM:<>", "250").await;
        let line = format!("RCPT TO:<{recipient}>\r\n");
        talk.0.write_all(line.as_bytes()).await.unwrap();
        let mut reply = String::new();
        talk.0.read_line(&mut reply).await.unwrap();
        reply
    };
    timeout(PATIENCE, talk).await.expect("the MTA answers")
}

struct Talk(BufReader<TcpStream>);

impl Talk {
    async fn say(&mut self, command: &str, code: &str) {
        let line = format!("{command}\r\n");
        self.0.write_all(line.as_bytes()).await.unwrap();
        self.expect(code).await;
    }

    /// Reads a reply, of which all lines but the last have a hyphen behind the code.
    async fn expect(&mut self, code: &str) {
        let mut line = String::new();
        while line.as_bytes().get(3) != Some(&b' ') {
            line.clear();
            let length = self.0.read_line(&mut line).await.unwrap();
            let is_expected = length > 0 && line.starts_with(code);
            assert!(is_expected, "expected {code}, found {line:?}");
        }
    }
}

/// Doubles the dot at the start of a line: RFC 5321, section 4.5.2.
fn with_dots(message: &[u8]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            sent.push(b'.');
        }
        sent.extend_from_slice(line);
    }
    sent
}
