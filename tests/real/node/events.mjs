// Reads a notification with Microsoft's @azure/eventgrid and verifies it with standardwebhooks.
//
// Reads {"schema", "fields", "body", "secret"} and writes {"verified", "events": [{"id", "type", "subject", "data", "known"}]}.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(new URL("../../../target/test-tools/node/", import.meta.url));
const { EventGridDeserializer, isSystemEvent } = require("@azure/eventgrid");
const { Webhook } = require("standardwebhooks");

const KNOWN = [
  "Microsoft.Communication.EmailDeliveryReportReceived",
  "Microsoft.Communication.EmailEngagementTrackingReportReceived",
];

function verify(job) {
  try {
    new Webhook(job.secret).verify(job.body, job.fields);
    return true;
  } catch {
    return false;
  }
}

async function read(job) {
  const deserializer = new EventGridDeserializer();
  const body = JSON.parse(job.body);
  const events =
    job.schema === "EventGridSchema"
      ? await deserializer.deserializeEventGridEvents(body)
      : await deserializer.deserializeCloudEvents(body);
  return events.map((event) => ({
    id: event.id,
    type: event.eventType ?? event.type,
    subject: event.subject,
    data: event.data,
    known: KNOWN.some((name) => isSystemEvent(name, event)),
  }));
}

const job = JSON.parse(await text(process.stdin));
console.log(JSON.stringify({ verified: verify(job), events: await read(job) }));
