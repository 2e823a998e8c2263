"""A kind that runs in processes of its own: what `test_hosts.py` configures by name."""

from __future__ import annotations

import os

from doorward.plugin import Accept, Deny, Field, Kind, Request


class Word(Kind):
    """A word. Says in which process it was verified, and does odd things for odd words."""

    name = "word"
    factor = "knowledge"
    fields = [Field("word", 64, asked_for=("enroll", "verify"), secret=True)]
    can_start = True
    max_record = 300
    deadline_ms = 2000

    def enroll(self, request: Request) -> Accept | Deny:
        return Accept(record=request.host.hash_password(request.credentials["word"]).encode())

    def verify(self, request: Request) -> Accept | Deny:
        word = request.credentials["word"]
        request.host.audit("word.pid", str(os.getpid()))
        if word == b"exit":
            os._exit(1)
        while word == b"hang":
            pass
        phc = request.records[0].bytes.decode() if request.records else ""
        if request.host.password_matches(word, phc):
            return Accept()
        return Deny("wrong" if phc else "not_enrolled")
