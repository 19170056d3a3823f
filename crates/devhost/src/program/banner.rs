//! What a newcomer reads once everything runs.

use super::state::RunningServer;

/// Returns the text: where everything is, and three ways to send the first mail.
pub(super) fn banner(server: &RunningServer, access_key: &str) -> String {
    let RunningServer {
        origin,
        inbox,
        sender,
    } = server;
    let inbox = inbox
        .as_deref()
        .unwrap_or("none: mail goes to the relay given with --relay");
    format!(
        r#"
Sendlet is ready.

  address            {origin}
  connection string  endpoint={origin}/;accesskey={access_key}
  sender             {sender}
  inbox              {inbox}

Send the first mail, from another terminal:

  cargo run -- send --to you@example.com

Or from Python (pip install azure-communication-email):

  from azure.communication.email import EmailClient
  from azure.core.credentials import AzureKeyCredential
  client = EmailClient("{origin}", AzureKeyCredential("{access_key}"))
  poller = client.begin_send({{
      "senderAddress": "{sender}",
      "recipients": {{"to": [{{"address": "you@example.com"}}]}},
      "content": {{"subject": "Hello", "plainText": "It works."}},
  }})
  print(poller.result())

Or from JavaScript (npm install @azure/communication-email):

  import {{ EmailClient }} from "@azure/communication-email";
  const client = new EmailClient("endpoint={origin}/;accesskey={access_key}",
    {{ allowInsecureConnection: true }});
  const poller = await client.beginSend({{
    senderAddress: "{sender}",
    recipients: {{ to: [{{ address: "you@example.com" }}] }},
    content: {{ subject: "Hello", plainText: "It works." }},
  }});
  console.log(await poller.pollUntilDone());

Ctrl-C ends the server.
"#
    )
}
