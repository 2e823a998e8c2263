"""An application that sends messages, and a mailbox: smtplib to aiosmtpd on loopback, read back with Python's email library.

Reads one message a line as JSON (address, template, params), writes one line of JSON for each that arrived.
"""

import email
import email.policy
import json
import smtplib
import socket
import sys
from email.message import EmailMessage

from aiosmtpd.controller import Controller

ARRIVED = []


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        ARRIVED.append(
            {
                "recipients": envelope.rcpt_tos,
                "to": message["To"],
                "bcc": message["Bcc"],
                "text": message.get_content(),
            }
        )
        return "250 taken"


def written(delivery):
    """The words that an application might use."""
    params = delivery["params"]
    assert delivery["template"] == "sign_in_code", delivery
    message = EmailMessage()
    message["From"] = "app@app.example"
    message["To"] = delivery["address"]
    message["Subject"] = "Your code"
    text = f"Code: {params['code']}\nGood for {params['minutes']} minutes.\n"
    if "link" in params:
        text += f"Link: {params['link']}\n"
    message.set_content(text)
    return message


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
controller = Controller(Mailbox(), hostname="127.0.0.1", port=port)
controller.start()
try:
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for line in sys.stdin:
            smtp.send_message(written(json.loads(line)))
finally:
    controller.stop()
for mail in ARRIVED:
    print(json.dumps(mail))
