"""FastAPI: every endpoint of docs/http.md below /auth, and who calls.

    TOTP=/usr/local/lib/doorward/libdoorward_totp.so uvicorn main:app
"""

import os
from typing import Any, Literal

import doorward
from doorward.fastapi import Fresh, OptionalSession, User, mount
from fastapi import FastAPI


def send(message: doorward.Delivery) -> Literal["delivered"]:
    print(message.address, message.template, message.params, flush=True)  # your mailer
    return "delivered"


auth = doorward.open(
    database=os.environ.get("DATABASE", "sqlite:doorward.db"),
    origins={"trusted": [os.environ.get("ORIGIN", "http://127.0.0.1:8000")]},
    development=True,
    attributes={"public": ["name"], "self": ["name"]},
    plugin={"totp": {"path": os.environ["TOTP"]}},
    provider={"email": {"kind": "password"}, "totp": {"kind": "totp"}},
    policy={"second_factor": ["totp"]},
    on_delivery=send,
)
app = FastAPI()
mount(app, auth)


@app.get("/")
def home(session: OptionalSession) -> str:
    return "hello" if session is None else f"hello, {session.user.public_attributes.get('name', 'you')}"


@app.get("/me")
def me(user: User) -> dict[str, Any]:
    return user.to_dict()


@app.get("/vault")
def vault(session: Fresh) -> str:
    return f"opened at {session.last_seen_at}"
