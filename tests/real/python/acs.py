"""Sends a message with Microsoft's Python SDK and polls to the end.

Reads {"endpoint", "key", "message", "operation_id" or null, "style": "sync" or "async"} and writes what the SDK returned,
as {"result": ...}, or the error it raised, as {"error": {"class", "status", "code", "message"}}.
"""

import asyncio
import json
import sys

from azure.communication.email import EmailClient
from azure.communication.email.aio import EmailClient as AsyncEmailClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError


def client_of(client_class, job):
    return client_class(job["endpoint"], AzureKeyCredential(job["key"]))


def options(job):
    return {"operation_id": job["operation_id"]} if job["operation_id"] else {}


def send(job):
    poller = client_of(EmailClient, job).begin_send(job["message"], **options(job))
    return poller.result()


async def send_async(job):
    async with client_of(AsyncEmailClient, job) as client:
        poller = await client.begin_send(job["message"], **options(job))
        return await poller.result()


def outcome(job):
    try:
        result = asyncio.run(send_async(job)) if job["style"] == "async" else send(job)
        return {"result": dict(result)}
    except HttpResponseError as error:
        code = error.error.code if error.error else None
        message = error.error.message if error.error else str(error)
        return {"error": {"class": type(error).__name__, "status": error.status_code, "code": code, "message": message}}


json.dump(outcome(json.load(sys.stdin)), sys.stdout)
