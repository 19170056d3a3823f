//! One SMTP session: connecting, `EHLO`, `STARTTLS`, `AUTH`, and commands with their time limits.

use std::{future::Future, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use envelope::Reply;
use tokio::{net::TcpStream, time::timeout};

use super::{
    SmtpError,
    extensions::Extensions,
    tls::Tls,
    wire::{RawReply, Wire},
};
use crate::{Credentials, SmtpOptions, TimeLimits, TlsPolicy};

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    wire: Wire,
    extensions: Extensions,
    limits: TimeLimits,
    /// How many messages went through.
    pub(super) messages: u32,
}

impl Session {
    /// Connects as the options ask for.
    pub(super) async fn open(options: &SmtpOptions, tls: Option<&Tls>) -> Result<Self, SmtpError> {
        match Self::open_once(options, tls).await {
            // Opportunistic security prefers clear text to no mail (RFC 7435, section 3), unless a password is at stake.
            Err(SmtpError::Tls(_))
                if options.tls == TlsPolicy::Opportunistic && options.credentials.is_none() =>
            {
                Self::open_once(options, None).await
            }
            opened => opened,
        }
    }

    async fn open_once(options: &SmtpOptions, tls: Option<&Tls>) -> Result<Self, SmtpError> {
        let (mut session, loopback) = Self::connect(options).await?;
        session.greet(&options.hello).await?;
        let mut encrypted = false;
        if let Some(tls) = tls {
            (session, encrypted) = session.encrypt(options, tls).await?;
        }
        if let Some(credentials) = &options.credentials {
            if !encrypted && !loopback {
                return Err(SmtpError::PasswordInClear);
            }
            session.authenticate(credentials).await?;
        }
        Ok(session)
    }

    async fn connect(options: &SmtpOptions) -> Result<(Self, bool), SmtpError> {
        let limits = options.time_limits;
        let stream = timeout(
            limits.connect,
            TcpStream::connect((options.host.as_str(), options.port)),
        )
        .await
        .map_err(|_| SmtpError::TimedOut {
            step: "a connection",
        })?
        .map_err(SmtpError::Connect)?;
        stream.set_nodelay(true)?;
        let loopback = stream.peer_addr()?.ip().is_loopback();
        let wire = Wire::new(Box::new(stream));
        let mut session = Self {
            wire,
            extensions: Extensions::default(),
            limits,
            messages: 0,
        };
        let greeting = session.reply("the greeting").await?.reply;
        expect(greeting, 220, "the connection")?;
        Ok((session, loopback))
    }

    /// Says `EHLO`, or `HELO` to a server that does not know it (RFC 5321, section 3.2).
    async fn greet(&mut self, hello: &str) -> Result<(), SmtpError> {
        let raw = self.command(&format!("EHLO {hello}"), "EHLO").await?;
        if raw.reply.code.is_permanent() {
            self.extensions = Extensions::default();
            let reply = self.command(&format!("HELO {hello}"), "HELO").await?.reply;
            return expect(reply, 250, "HELO").map(drop);
        }
        expect(raw.reply, 250, "EHLO")?;
        self.extensions = Extensions::parse(&raw.lines);
        Ok(())
    }

    async fn encrypt(
        mut self,
        options: &SmtpOptions,
        tls: &Tls,
    ) -> Result<(Self, bool), SmtpError> {
        let required = options.tls == TlsPolicy::Required;
        if !self.extensions.starttls {
            return if required {
                Err(SmtpError::TlsNotOffered)
            } else {
                Ok((self, false))
            };
        }
        let reply = self.command("STARTTLS", "STARTTLS").await?.reply;
        if reply.code.get() != 220 {
            let refused = SmtpError::Refused {
                step: "STARTTLS",
                reply,
            };
            return if required {
                Err(refused)
            } else {
                Ok((self, false))
            };
        }
        let wire = timeout(self.limits.reply, tls.encrypt(self.wire))
            .await
            .map_err(|_| SmtpError::TimedOut {
                step: "the TLS handshake",
            })??;
        // What was said in the clear is forgotten (RFC 3207, section 4.2).
        let mut session = Self {
            wire,
            extensions: Extensions::default(),
            ..self
        };
        session.greet(&options.hello).await?;
        Ok((session, true))
    }

    /// Says `AUTH` (RFC 4954) with PLAIN (RFC 4616), or LOGIN where that is all there is.
    async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), SmtpError> {
        let (user, password) = (&credentials.user, credentials.password.expose());
        let reply = if self.extensions.auth_plain {
            let response = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
            self.command(&format!("AUTH PLAIN {response}"), "AUTH")
                .await?
                .reply
        } else if self.extensions.auth_login {
            expect(self.command("AUTH LOGIN", "AUTH").await?.reply, 334, "AUTH")?;
            expect(
                self.command(&BASE64_STANDARD.encode(user), "AUTH")
                    .await?
                    .reply,
                334,
                "AUTH",
            )?;
            self.command(&BASE64_STANDARD.encode(password), "AUTH")
                .await?
                .reply
        } else {
            return Err(SmtpError::NoMechanism);
        };
        expect(reply, 235, "AUTH").map(drop)
    }

    pub(super) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Sends one command and reads its reply.
    pub(super) async fn command(
        &mut self,
        command: &str,
        step: &'static str,
    ) -> Result<RawReply, SmtpError> {
        self.send(format!("{command}\r\n").as_bytes(), step).await?;
        self.reply(step).await
    }

    /// Sends octets as they are.
    pub(super) async fn send(
        &mut self,
        octets: &[u8],
        step: &'static str,
    ) -> Result<(), SmtpError> {
        within(self.limits.reply, step, self.wire.write(octets)).await
    }

    /// Sends a message's octets, with no limit but the overall one: its time depends on its size.
    pub(super) async fn send_message(&mut self, octets: &[u8]) -> Result<(), SmtpError> {
        self.wire.write(octets).await
    }

    /// Reads the reply to `step`.
    pub(super) async fn reply(&mut self, step: &'static str) -> Result<RawReply, SmtpError> {
        within(self.limits.reply, step, self.wire.read_reply()).await
    }

    /// Ends the message: from here on the server may have it.
    pub(super) async fn final_dot(&mut self) -> Result<Reply, SmtpError> {
        let limit = self.limits.final_reply;
        let ended = async {
            self.wire.write(b".\r\n").await?;
            self.wire.read_reply().await
        };
        let raw = within(limit, "the reply to the final dot", ended).await?;
        self.messages += 1;
        Ok(raw.reply)
    }

    /// Forgets a transaction, and finds out whether the server is still there.
    pub(super) async fn reset(&mut self) -> Result<(), SmtpError> {
        expect(self.command("RSET", "RSET").await?.reply, 250, "RSET").map(drop)
    }

    /// Says goodbye.
    pub(super) async fn quit(mut self) {
        // The session ends either way, and a server that is gone cannot be told.
        drop(timeout(Duration::from_secs(1), self.command("QUIT", "QUIT")).await);
    }
}

async fn within<T>(
    limit: Duration,
    step: &'static str,
    work: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, SmtpError> {
    timeout(limit, work)
        .await
        .unwrap_or(Err(SmtpError::TimedOut { step }))
}

fn expect(reply: Reply, code: u16, step: &'static str) -> Result<Reply, SmtpError> {
    if reply.code.get() == code {
        Ok(reply)
    } else {
        Err(SmtpError::Refused { step, reply })
    }
}
