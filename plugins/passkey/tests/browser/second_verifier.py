"""The same responses, verified by python-fido2: it accepts what Doorward accepted, and refuses what was tampered with."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from fido2.server import Fido2Server
from fido2.webauthn import AttestedCredentialData, PublicKeyCredentialRpEntity
from site_under_test import Ceremony

VECTORS = Path(__file__).resolve().parent.parent / "fixtures/webauthn_l3_section_16.json"


class SecondVerifier:
    """One relying party, and the credentials that it has seen registered."""

    def __init__(self, rp_id: str, origin: str) -> None:
        self.server = Fido2Server(
            PublicKeyCredentialRpEntity(name="second", id=rp_id), verify_origin=lambda given: given == origin
        )
        self.credentials: list[AttestedCredentialData] = []

    def accepts(self, ceremony: Ceremony) -> bool:
        selection = ceremony.options.get("authenticatorSelection", ceremony.options)
        state = {"challenge": ceremony.options["challenge"], "user_verification": selection["userVerification"]}
        try:
            if ceremony.kind == "create":
                data = self.server.register_complete(state, ceremony.response)
                assert data.credential_data
                self.credentials.append(data.credential_data)
            else:
                self.server.authenticate_complete(state, self.credentials, ceremony.response)
        except ValueError:
            return False
        return True


def base64url(hexadecimal: str) -> str:
    return urlsafe_b64encode(bytes.fromhex(hexadecimal)).rstrip(b"=").decode()


def vectors() -> list[tuple[str, list[Ceremony]]]:
    """The vectors of WebAuthn section 16 as a browser would send them."""

    def ceremony(kind: str, vector: dict[str, Any], part: dict[str, str], *names: str) -> Ceremony:
        named = base64url(vector["registration"]["credential_id"])
        written = {name: base64url(part[name]) for name in names}
        options = {"challenge": base64url(part["challenge"]), "userVerification": "preferred"}
        response = {"id": named, "rawId": named, "type": "public-key", "response": written}
        return Ceremony(kind, options, response)

    return [
        (
            vector["name"],
            [
                ceremony("create", vector, vector["registration"], "clientDataJSON", "attestationObject"),
                ceremony("get", vector, vector["authentication"], "clientDataJSON", "authenticatorData", "signature"),
            ],
        )
        for vector in json.loads(VECTORS.read_text())["vectors"]
    ]
