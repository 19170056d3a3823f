"""Reads a notification with Microsoft's azure-eventgrid and verifies it with standardwebhooks.

Reads {"schema", "fields", "body", "secret"} and writes {"verified", "events": [{"id", "type", "subject", "data"}]}.
"""

import json
import sys

from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, SystemEventNames
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

KNOWN = (
    SystemEventNames.AcsEmailDeliveryReportReceivedEventName,
    SystemEventNames.AcsEmailEngagementTrackingReportReceivedEventName,
)


def read_event_grid(event):
    read = EventGridEvent.from_json(json.dumps(event))
    is_known = read.event_type in KNOWN
    return {"id": read.id, "type": read.event_type, "subject": read.subject, "data": read.data, "known": is_known}


def read_cloud_event(event):
    read = CloudEvent.from_dict(event)
    is_known = read.type in KNOWN
    return {"id": read.id, "type": read.type, "subject": read.subject, "data": read.data, "known": is_known}


def verify(job):
    try:
        Webhook(job["secret"]).verify(job["body"], job["fields"])
    except WebhookVerificationError:
        return False
    return True


def main():
    job = json.load(sys.stdin)
    body = json.loads(job["body"])
    events = body if isinstance(body, list) else [body]
    read = read_event_grid if job["schema"] == "EventGridSchema" else read_cloud_event
    json.dump({"verified": verify(job), "events": [read(event) for event in events]}, sys.stdout)


main()
