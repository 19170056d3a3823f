// Sends a message with Microsoft's JavaScript SDK and polls to the end.
//
// Reads {"endpoint", "key", "message", "operation_id" or null} and writes what the SDK returned, as {"result": ...}, or
// the error it threw, as {"error": {"class", "status", "code", "message"}}.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(new URL("../../../target/test-tools/node/", import.meta.url));
const { EmailClient } = require("@azure/communication-email");

async function send(job) {
  const connection = `endpoint=${job.endpoint}/;accesskey=${job.key}`;
  const client = new EmailClient(connection, { allowInsecureConnection: true });
  const options = job.operation_id ? { operationId: job.operation_id } : {};
  const poller = await client.beginSend(job.message, options);
  return poller.pollUntilDone();
}

async function outcome(job) {
  try {
    return { result: await send(job) };
  } catch (error) {
    const { name, statusCode, code, message } = error;
    return { error: { class: name, status: statusCode ?? null, code: code ?? null, message } };
  }
}

console.log(JSON.stringify(await outcome(JSON.parse(await text(process.stdin)))));
