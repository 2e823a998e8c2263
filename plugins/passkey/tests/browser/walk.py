"""Headless Chromium with a virtual authenticator signs up and in through the real library and the built plugin; then
another verifier looks at the same responses. All of it with the plugin in the process, and in one of its own.

    walk.py PLUGIN PLUGIN_HOST
"""

import contextlib
import json
import shutil
import sys
import tempfile
import traceback
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from second_verifier import SecondVerifier, vectors
from selenium import webdriver
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support.wait import WebDriverWait
from site_under_test import RP_ID, Site

FLAGS = """--headless=new --no-sandbox --disable-dev-shm-usage --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync""".split()
PASSWORD = "seven quiet lighthouses at noon"
OLDER = """
    delete PublicKeyCredential.parseCreationOptionsFromJSON;
    delete PublicKeyCredential.parseRequestOptionsFromJSON;
    delete PublicKeyCredential.prototype.toJSON;
"""
JANE = {"email": "jane@example.org", "password": PASSWORD}


class Steps:
    passed = failed = 0

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001
            self.failed += 1
            print(f"  FAILED  {what}", flush=True)
            traceback.print_exc()
        else:
            self.passed += 1
            print(f"  ok      {what}", flush=True)


class Page:
    """One browser at the site, with one authenticator."""

    def __init__(self, driver: webdriver.Chrome, site: Site) -> None:
        self.driver, self.origin = driver, site.origin
        driver.set_script_timeout(20)
        self.load()
        options = VirtualAuthenticatorOptions(
            protocol="ctap2",
            transport="internal",
            has_resident_key=True,
            has_user_verification=True,
            is_user_verified=True,
        )
        driver.add_virtual_authenticator(options)

    def load(self) -> None:
        """The page, once its modules have run: they come after the page is complete."""
        self.driver.get(self.origin + "/")
        WebDriverWait(self.driver, 20).until(lambda driver: driver.execute_script("return 'post' in window"))

    def run(self, script: str, *values: Any) -> Any:
        """The value of a script, or the name of the exception that it ended with."""
        ended = "const done = arguments[arguments.length - 1];"
        wrapped = f"{ended} (async () => {{ {script} }})().then(done, (error) => done(error.name))"
        return self.driver.execute_async_script(wrapped, *values)

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.run("return await post(arguments[0], arguments[1])", path, body)
        assert isinstance(answer, dict), answer
        return answer

    def respond(self, kind: str, options: str) -> Any:
        return self.run(f"return await passkey.{'enroll' if kind == 'create' else 'signIn'}(arguments[0])", options)

    def ceremony(self, kind: str, begun: dict[str, Any], **more: str) -> dict[str, Any]:
        assert begun.get("outcome") == "Continue", begun
        response = self.respond(kind, begun["options"])
        return self.post("/finish", {"kind": kind, "flow": begun["flow"], "response": response, **more})

    def signs_out(self) -> None:
        self.post("/sign-out")
        assert self.post("/session") == {"user": None}


def walk(steps: Steps, site: Site, page: Page) -> None:
    with steps.step("somebody with a password adds a passkey"):
        jane = page.post("/sign-up", JANE)["user"]
        added = page.ceremony("create", page.post("/enroll"), label="This laptop")
        assert added.get("outcome") == "Accepted" and added["user"] == jane, added
        assert page.post("/passkeys") == {"labels": ["This laptop"]}
    for time in ("signs in with it, without saying who they are", "signs in again: the counter has grown"):
        with steps.step(time):
            page.signs_out()
            begun = page.post("/sign-in-with-passkey")
            assert json.loads(begun["options"])["allowCredentials"] == []
            signed_in = page.ceremony("get", begun)
            assert signed_in == {"outcome": "Accepted", "user": jane, "factors": ["passkey"]}, signed_in
            assert page.post("/session")["user"] == jane
    # Only now: a session of the password alone proves too little for a second passkey, once there is one.
    with steps.step("the same authenticator takes no second one: it is excluded"):
        begun = page.post("/enroll")
        assert len(json.loads(begun["options"])["excludeCredentials"]) == 1
        assert page.respond("create", begun["options"]) == "InvalidStateError"
    with steps.step("after the password, the passkey is the second factor, and only the user's own"):
        page.signs_out()
        begun = page.post("/sign-in", JANE)
        assert begun["provider"] == "passkey" and "options" not in begun, begun
        begun = page.post("/begin", {"flow": begun["flow"]})
        assert len(json.loads(begun["options"])["allowCredentials"]) == 1
        signed_in = page.ceremony("get", begun)
        assert signed_in["user"] == jane and sorted(signed_in["factors"]) == ["email", "passkey"], signed_in
    with steps.step("a response is good once, and for its own challenge"):
        page.signs_out()
        begun = page.post("/sign-in-with-passkey")
        response = page.respond("get", begun["options"])
        later = page.post("/sign-in-with-passkey")
        for flow, outcome in ((later, "Refused"), (begun, "Accepted"), (begun, "Refused")):
            answer = page.post("/finish", {"kind": "get", "flow": flow["flow"], "response": response})
            assert answer["outcome"] == outcome, answer
    with steps.step("a signature with one bit changed is refused"):
        page.signs_out()
        begun = page.post("/sign-in-with-passkey")
        response = json.loads(page.respond("get", begun["options"]))
        response["response"]["signature"] = flipped(response["response"]["signature"])
        body = {"kind": "get", "flow": begun["flow"], "response": json.dumps(response)}
        assert page.post("/finish", body)["outcome"] == "Refused"
    with steps.step("somebody new signs up with a passkey and nothing else, and signs in with it"):
        page.driver.remove_all_credentials()
        begun = page.post("/sign-up-with-passkey", {"name": "Ada"})
        assert json.loads(begun["options"])["user"]["name"] == "Ada"
        ada = page.ceremony("create", begun)["user"]
        assert ada and ada != jane
        page.signs_out()
        signed_in = page.ceremony("get", page.post("/sign-in-with-passkey"))
        assert signed_in == {"outcome": "Accepted", "user": ada, "factors": ["passkey"]}, signed_in
    with steps.step("in a browser older than the JSON forms the page does the same by hand"):
        page.signs_out()
        page.driver.remove_all_credentials()
        page.run(OLDER)
        old = page.ceremony("create", page.post("/sign-up-with-passkey", {"name": "Old"}))["user"]
        page.signs_out()
        signed_in = page.ceremony("get", page.post("/sign-in-with-passkey"))
        assert signed_in == {"outcome": "Accepted", "user": old, "factors": ["passkey"]}, signed_in
        assert page.run("return 'toJSON' in PublicKeyCredential.prototype") is False
        page.load()
    with steps.step("a copy of the authenticator is found out by its counter"):
        page.signs_out()
        (credential,) = page.driver.get_credentials()
        page.driver.remove_all_credentials()
        credential._sign_count = 1  # what the copy remembers
        page.driver.add_credential(credential)
        begun = page.post("/sign-in-with-passkey")
        assert page.ceremony("get", begun)["outcome"] == "Refused"
        assert any("sign_count_regressed" in event for event in site.events), site.events
    with steps.step("a passkey that nobody registered is refused"):
        page.driver.remove_all_credentials()
        begun = page.post("/sign-up-with-passkey", {"name": "Nobody"})
        page.respond("create", begun["options"])  # made, and never sent
        assert page.ceremony("get", page.post("/sign-in-with-passkey"))["outcome"] == "Refused"


def compare(steps: Steps, site: Site) -> None:
    """What Doorward accepted, python-fido2 accepts; it keeps no counters and knows no users, so it may accept more."""
    second = SecondVerifier(RP_ID, site.origin)
    accepted = [ceremony for ceremony in site.ceremonies if ceremony.accepted]
    with steps.step(f"python-fido2 accepts each of the {len(accepted)} responses that were accepted"):
        assert len(accepted) >= 9
        assert all(second.accepts(ceremony) for ceremony in accepted)
    with steps.step("python-fido2 refuses the foreign challenge and the changed signature, too"):
        refused = [ceremony for ceremony in site.ceremonies if not ceremony.accepted]
        assert sum(not second.accepts(ceremony) for ceremony in refused) >= 2, len(refused)


def flipped(text: str) -> str:
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[-1] ^= 1
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def visit(steps: Steps, plugin: Path, host: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="doorward-passkey-") as folder:
        site = Site(plugin, Path(folder) / "doorward.db", host)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        for flag in [*FLAGS, f"--user-data-dir={folder}/profile"]:
            options.add_argument(flag)
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            walk(steps, site, Page(driver, site))
        finally:
            driver.quit()
            site.close()
        compare(steps, site)


def main() -> int:
    steps = Steps()
    plugin, host = map(Path, sys.argv[1:])
    print("the plugin in the process")
    visit(steps, plugin, None)
    print("the plugin in a process of its own")
    visit(steps, plugin, host)
    with steps.step("python-fido2 takes the specification's vectors as they are in our fixture"):
        second = SecondVerifier("example.org", "https://example.org")
        for name, ceremonies in vectors():
            assert all(second.accepts(ceremony) for ceremony in ceremonies), name
    print(f"{steps.passed} passed, {steps.failed} failed")
    return 1 if steps.failed else 0


if __name__ == "__main__":
    sys.exit(main())
