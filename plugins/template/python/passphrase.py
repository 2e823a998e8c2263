"""A provider in Python: a passphrase, hashed by the host. The contract is that of doorward_plugin.h, in doorward.plugin's words."""

from __future__ import annotations

from doorward.plugin import Accept, Config, Deny, Field, Kind, NotUnderstood, Request


class Passphrase(Kind):
    """One configured provider."""

    name = "passphrase"
    title = "Passphrase"
    factor = "knowledge"
    channel = "passphrase"
    fields = [
        Field("phrase", 256, asked_for=("enroll", "verify"), secret=True, autocomplete="current-password"),
    ]
    options = {"min_words": {"type": "integer", "minimum": 4, "maximum": 20, "default": 5}}
    can_start = True
    max_record = 256

    def __init__(self, config: Config) -> None:
        self.min_words = config.integer("min_words", 5) or 5

    def enroll(self, request: Request) -> Accept | Deny:
        phrase = request.credentials["phrase"]
        if len(phrase.split()) < self.min_words:
            return Deny("invalid_input", violations=[("phrase", "too_few_words", self.min_words)])
        return Accept(record=request.host.hash_password(phrase).encode())

    def verify(self, request: Request) -> Accept | Deny:
        # Without a record the hash is empty: the same work, and never a match. So nobody learns who exists.
        phc = ""
        if request.records:
            try:
                phc = request.records[0].bytes.decode()
            except UnicodeDecodeError:
                raise NotUnderstood("the record is not a hash") from None
            if not phc:
                raise NotUnderstood("the record is empty")
        if request.host.password_matches(request.credentials["phrase"], phc):
            return Accept()
        return Deny("wrong" if phc else "not_enrolled")
