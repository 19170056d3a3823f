//! One mail transaction (RFC 5321, section 3.3), up to the final dot.

use envelope::{EnhancedStatusCode, Envelope, Reply, ReplyCode, StatusClass};

use super::{SmtpError, dot_stuffing, extensions::Extensions, notifications::Request, pool::Lease};
use crate::answer::{Answer, RecipientResult};

/// How many `RCPT` commands go out before their replies are read, where the server offers PIPELINING (RFC 2920): few
/// enough that neither side's buffers fill up while both write.
const PIPELINED: usize = 50;

/// What a transaction hands over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) envelope: &'a Envelope,
    pub(super) message: &'a [u8],
    /// What reports are asked for, if any are.
    pub(super) request: Option<Request<'a>>,
}

/// How far a transaction came.
#[derive(Debug)]
pub(super) enum Begun {
    /// Nobody gets the message, and these are the reasons.
    Refused(Lease, Answer),
    /// The message was sent, apart from the final dot.
    Sent(Lease, Recipients),
}

/// The reply to each `RCPT`.
#[derive(Debug)]
pub(super) struct Recipients(Vec<Reply>);

impl Recipients {
    /// Puts the final reply in the place of every positive one.
    pub(super) fn finish(self, envelope: &Envelope, final_reply: &Reply) -> Answer {
        let replies = self.0.into_iter().map(|reply| {
            if reply.code.is_positive() {
                final_reply.clone()
            } else {
                reply
            }
        });
        let results = envelope
            .forward_paths()
            .iter()
            .zip(replies)
            .map(|(path, reply)| RecipientResult::new(path, reply))
            .collect();
        Answer { results }
    }

    fn none_accepted(&self) -> bool {
        !self.0.iter().any(|reply| reply.code.is_positive())
    }
}

/// What a message needs of a server.
#[derive(Clone, Copy, Debug)]
struct Needs {
    octets: usize,
    eight_bit: bool,
    smtputf8: bool,
}

impl Needs {
    fn of(envelope: &Envelope, message: &[u8]) -> Self {
        let header_end = message
            .windows(4)
            .position(|octets| octets == b"\r\n\r\n")
            .unwrap_or(message.len());
        // Octets over 127 in the header section mean an internationalised message (RFC 6532).
        let header_is_ascii = message.get(..header_end).is_none_or(<[u8]>::is_ascii);
        Self {
            octets: message.len(),
            eight_bit: !message.is_ascii(),
            smtputf8: envelope.needs_smtputf8() || !header_is_ascii,
        }
    }

    /// Returns our own reply for a message that this server cannot take, so that nothing is sent that it would mangle.
    fn unmet(self, extensions: &Extensions) -> Option<Reply> {
        let too_large = extensions
            .max_message_octets
            .is_some_and(|limit| u64::try_from(self.octets).is_ok_and(|octets| octets > limit));
        if too_large {
            return our_reply(552, (3, 4), "the message is larger than the MTA takes");
        }
        if self.smtputf8 && !extensions.smtputf8 {
            // RFC 6531, section 3.5.
            return our_reply(
                553,
                (6, 7),
                "the message needs SMTPUTF8, which the MTA does not offer",
            );
        }
        if self.eight_bit && !extensions.eight_bit_mime {
            // RFC 6152, section 3.
            return our_reply(
                554,
                (6, 3),
                "the message needs 8BITMIME, which the MTA does not offer",
            );
        }
        None
    }

    fn mail_command(self, outgoing: Outgoing<'_>, extensions: &Extensions) -> String {
        let mut command = format!("MAIL FROM:{}", outgoing.envelope.reverse_path);
        if extensions.size {
            command.push_str(&format!(" SIZE={}", self.octets));
        }
        if self.eight_bit {
            command.push_str(" BODY=8BITMIME");
        }
        if self.smtputf8 {
            command.push_str(" SMTPUTF8");
        }
        if let Some(request) = outgoing.request {
            command.push_str(&request.of_mail());
        }
        command
    }
}

fn our_reply(code: u16, (subject, detail): (u16, u16), text: &str) -> Option<Reply> {
    let code = ReplyCode::new(code).ok()?;
    Some(Reply::new(
        code,
        EnhancedStatusCode::new(StatusClass::Permanent, subject, detail),
        text,
    ))
}

/// Says `MAIL`, `RCPT` and `DATA`, and sends the message without its final dot.
pub(super) async fn begin(mut lease: Lease, outgoing: Outgoing<'_>) -> Result<Begun, SmtpError> {
    let Outgoing {
        envelope, message, ..
    } = outgoing;
    let paths = envelope.forward_paths();
    let needs = Needs::of(envelope, message);
    if let Some(reply) = needs.unmet(lease.session.extensions()) {
        return Ok(Begun::Refused(lease, Answer::to_all(paths, &reply)));
    }
    let mail = needs.mail_command(outgoing, lease.session.extensions());
    let reply = definite(lease.session.command(&mail, "MAIL").await?.reply, "MAIL")?;
    if !reply.code.is_positive() {
        return Ok(Begun::Refused(lease, Answer::to_all(paths, &reply)));
    }
    let recipients = name_recipients(&mut lease, outgoing).await?;
    if recipients.none_accepted() {
        let unused = reply;
        return Ok(Begun::Refused(lease, recipients.finish(envelope, &unused)));
    }
    let reply = lease.session.command("DATA", "DATA").await?.reply;
    if reply.code.get() != 354 {
        let reply = definite(reply, "DATA")?;
        if reply.code.is_positive() {
            return Err(SmtpError::Refused {
                step: "DATA",
                reply,
            });
        }
        return Ok(Begun::Refused(lease, recipients.finish(envelope, &reply)));
    }
    lease
        .session
        .send_message(&dot_stuffing::stuff(message))
        .await?;
    Ok(Begun::Sent(lease, recipients))
}

async fn name_recipients(
    lease: &mut Lease,
    outgoing: Outgoing<'_>,
) -> Result<Recipients, SmtpError> {
    let at_once = if lease.session.extensions().pipelining {
        PIPELINED
    } else {
        1
    };
    let all = outgoing.envelope.forward_paths();
    let mut replies = Vec::with_capacity(all.len());
    for paths in all.chunks(at_once) {
        let command = |path| {
            let request = outgoing.request.map(|request| request.of_rcpt(path));
            format!("RCPT TO:<{path}>{}\r\n", request.unwrap_or_default())
        };
        let commands: String = paths.iter().map(command).collect();
        lease.session.send(commands.as_bytes(), "RCPT").await?;
        for _ in paths {
            replies.push(definite(lease.session.reply("RCPT").await?.reply, "RCPT")?);
        }
    }
    Ok(Recipients(replies))
}

/// Makes an error of a reply that says nothing about the command: 421, with which a server goes away whatever the
/// command was (RFC 5321, section 3.8), and an intermediate reply where none belongs.
pub(super) fn definite(reply: Reply, step: &'static str) -> Result<Reply, SmtpError> {
    match reply.code.get() {
        421 | 300..400 => Err(SmtpError::Refused { step, reply }),
        _ => Ok(reply),
    }
}
