// What a team without a mail service writes: JSON in, MIME and DKIM by nodemailer, handed to the relay. It stores nothing, so
// a message that is under way when the process ends is lost.
//
// `node server.mjs ORIGIN`, where the sink is. Prints the port it serves.
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";
import nodemailer from "nodemailer";

const sink = new URL("/v1/messages", process.argv[2]);
const agent = new http.Agent({ keepAlive: true, noDelay: true });
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const transport = nodemailer.createTransport({
  streamTransport: true,
  buffer: true,
  newline: "windows",
  dkim: { domainName: "mail.sendlet.example", keySelector: "bench", privateKey },
});

async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

const mailbox = ({ address, displayName }) => ({ address, name: displayName ?? "" });
const mailboxes = (list) => (list ?? []).map(mailbox);

/** An `EmailMessage` of Azure Communication Services as nodemailer wants it. */
function toNodemailer({ senderAddress, content, recipients, attachments }) {
  return {
    from: senderAddress,
    to: mailboxes(recipients.to),
    cc: mailboxes(recipients.cc),
    bcc: mailboxes(recipients.bcc),
    subject: content.subject,
    text: content.plainText,
    html: content.html,
    attachments: (attachments ?? []).map(({ name, contentType, contentInBase64 }) => ({
      filename: name,
      contentType,
      content: contentInBase64,
      encoding: "base64",
    })),
  };
}

function handOver({ envelope, messageId, message }) {
  const headers = {
    authorization: "Bearer none",
    "content-type": "message/rfc822",
    "content-length": message.length,
    "idempotency-key": messageId,
    "envelope-from": `<${envelope.from}>`,
    "envelope-to": envelope.to.map((address) => `<${address}>`),
  };
  return new Promise((resolve, reject) => {
    const request = http.request(sink, { method: "POST", agent, headers }, async (response) => {
      const answer = await read(response);
      if (response.statusCode === 200) resolve(JSON.parse(answer));
      else reject(new Error(`the relay answered ${response.statusCode}`));
    });
    request.on("error", reject);
    request.end(message);
  });
}

async function work(body) {
  await handOver(await transport.sendMail(toNodemailer(body)));
}

const server = http.createServer(async (request, response) => {
  const body = JSON.parse(await read(request));
  // As Sendlet does, the answer goes first and the message behind it.
  response.writeHead(202, { "content-length": 0 }).end();
  await work(body);
});
server.on("connection", (socket) => socket.setNoDelay());
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
