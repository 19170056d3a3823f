//! A mail server on the loopback address that does with a recipient what his name says.
//!
//! # Not supported
//! Extensions of SMTP. The replies it gives are those that tests ask for, whatever they say about them.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A running server. Dropping it closes its port.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Every recipient it was asked for.
    asked: Vec<String>,
    /// Recipients of the messages that it took.
    taken: Vec<String>,
    has_relented: bool,
}

impl Destination {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let state = Arc::<Mutex<State>>::default();
        Self {
            port: listener.local_addr().unwrap().port(),
            server: tokio::spawn(serve(listener, Arc::clone(&state))),
            state,
        }
    }

    /// Takes what it put off until now.
    pub(crate) fn relent(&self) {
        lock(&self.state).has_relented = true;
    }

    /// How often it was asked for this recipient.
    pub(crate) fn times_asked(&self, recipient: &str) -> usize {
        let state = lock(&self.state);
        state
            .asked
            .iter()
            .filter(|asked| *asked == recipient)
            .count()
    }

    /// Whether it took a message for this recipient.
    pub(crate) fn has_taken(&self, recipient: &str) -> bool {
        lock(&self.state)
            .taken
            .iter()
            .any(|taken| taken == recipient)
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        // A client that hangs up is no concern of the server's.
        tokio::spawn(async move { talk(stream, &state).await.unwrap_or_default() });
    }
}

async fn talk(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 destination.test\r\n").await?;
    let mut recipients = Vec::new();
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "RCPT" => {
                let reply = lock(state).reply(recipient(&line));
                if reply.starts_with("250") {
                    recipients.push(recipient(&line).to_owned());
                }
                reply
            }
            "DATA" if recipients.is_empty() => "554 5.5.1 no valid recipients".to_owned(),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                skip_message(&mut stream).await?;
                lock(state).taken.append(&mut mem::take(&mut recipients));
                "250 2.0.0 taken".to_owned()
            }
            "QUIT" => return stream.write_all(b"221 2.0.0 bye\r\n").await,
            _ => "250 destination.test".to_owned(),
        };
        stream.write_all(reply.as_bytes()).await?;
        stream.write_all(b"\r\n").await?;
        line.clear();
    }
    Ok(())
}

/// Reads up to the line with a dot and nothing else.
async fn skip_message(stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await? > 0 && line != b".\r\n" {
        line.clear();
    }
    Ok(())
}

/// What is between the angle brackets of a command.
fn recipient(command: &str) -> &str {
    let inner = command.split_once('<');
    let inner = inner.and_then(|(_, inner)| inner.split_once('>'));
    inner.map_or("", |(address, _)| address)
}

impl State {
    fn reply(&mut self, recipient: &str) -> String {
        self.asked.push(recipient.to_owned());
        match recipient.split('@').next() {
            Some("unknown") => format!("550 5.1.1 <{recipient}>: Recipient address rejected: User unknown"),
            // In several lines, and as Google says it.
            Some("gone") => "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n\
                 550-5.1.1 double-checking the recipient's email address for typos or\r\n\
                 550 5.1.1 unnecessary spaces. For more information, go to https://destination.test/ 4-abc"
                .to_owned(),
            Some("full") => "552 5.2.2 The email account that you tried to reach is over quota".to_owned(),
            Some("later") if !self.has_relented => "451 4.7.1 Greylisting in action, please come back later".to_owned(),
            _ => "250 2.1.5 ok".to_owned(),
        }
    }
}
