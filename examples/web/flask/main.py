"""Flask: every endpoint of docs/http.md below /auth, and who calls.

    TOTP=/usr/local/lib/doorward/libdoorward_totp.so gunicorn main:app
"""

import os
from typing import Any, Literal

import doorward
from doorward.flask import Doorward, current_session, fresh_required, sign_in_required
from flask import Flask


def send(message: doorward.Delivery) -> Literal["delivered"]:
    print(message.address, message.template, message.params, flush=True)  # your mailer
    return "delivered"


app = Flask(__name__)
app.config["DOORWARD"] = {
    "database": os.environ.get("DATABASE", "sqlite:doorward.db"),
    "origins": {"trusted": [os.environ.get("ORIGIN", "http://127.0.0.1:8000")]},
    "development": True,
    "attributes": {"public": ["name"], "self": ["name"]},
    "plugin": {"totp": {"path": os.environ["TOTP"]}},
    "provider": {"email": {"kind": "password"}, "totp": {"kind": "totp"}},
    "policy": {"second_factor": ["totp"]},
    "on_delivery": send,
}
Doorward(app)


@app.get("/me")
@sign_in_required
def me() -> dict[str, Any]:
    return current_session.user.to_dict()


@app.get("/vault")
@fresh_required
def vault() -> str:
    return f"opened at {current_session.last_seen_at}"
