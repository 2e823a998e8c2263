"""Every way in that the demo offers besides the password, over HTTP: the mailbox, recovery codes, a new password."""

import re

import totp
from client import Client, Reply
from steps import Steps

from servers import Servers

MAIL, EMAIL, NAME = "hedy@example.com", "rosalind@example.com", "Hedy <Lamarr>"
OTHER = "hedy.other@example.com"
OLD, NEW = "nine patient herons by the weir", "eleven brisk herons by the weir"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def walk(steps: Steps, at: Servers) -> None:
    mail_code(steps, at)
    recovery_codes(steps, at)
    forgotten(steps, at)


def newest(at: Servers, template: str, address: str) -> str:
    """The newest message of a kind to an address, from the mailbox page."""
    page = Client("postman").get(at.python + "/mailbox").body
    for letter in page.split("<li ")[1:]:
        if f'data-template="{template}"' in letter and f"to {address}" in letter:
            return letter
    raise AssertionError(f"no {template} to {address}")


def confirm(at: Servers, of: Client, address: str) -> Reply:
    """Follows the newest link that proves this address, and presses its button."""
    found = re.search(r'href="(/verify\?token=[^"]+)"', newest(at, "verify", address))
    assert found
    form = of.get(at.python + found[1])
    assert form.status == 200, form.text
    return of.post(at.python + "/verify", {"token": form.hidden("token")})


def code_for(at: Servers, address: str) -> str:
    found = re.search(r'class="secret">(\d+)<', newest(at, "sign_in_code", address))
    assert found
    return found[1]


def mail_code(steps: Steps, at: Servers) -> None:
    steps.part("Over HTTP: a code by e-mail")
    hedy = Client(LAPTOP)

    def asks() -> Reply:
        reply = hedy.post(at.python + "/mail", {"email": MAIL})
        assert reply.status == 200, (reply.status, reply.text)
        return reply

    with steps.step("the mailbox says that it is for development"):
        assert "For development only" in hedy.get(at.python + "/mailbox").text
    with steps.step("what is no address is answered alike, and nothing is sent"):
        assert "Look into" in hedy.post(at.python + "/mail", {"email": "hedy"}).text
        assert 'data-template="sign_in_code"' not in hedy.get(at.python + "/mailbox").body
    with steps.step("a wrong code signs nobody up and may be corrected"):
        flow, code = asks().hidden("flow"), code_for(at, MAIL)
        wrong = str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
        reply = hedy.post(at.python + "/mail/code", {"flow": flow, "code": wrong, "email": MAIL})
        assert reply.status == 401 and reply.at("code-error"), (reply.status, reply.text)
    with steps.step("the right one proves the address; with a name, it signs up, also at C++"):
        reply = hedy.post(at.python + "/mail/code", {"flow": reply.hidden("flow"), "code": code, "email": MAIL})
        assert reply.status == 200 and "new here" in reply.text, (reply.status, reply.text)
        claim = {"claim": reply.hidden("claim"), "email": MAIL}
        assert hedy.post(at.python + "/mail/sign-up", {**claim, "name": ""}).status == 422
        reply = hedy.post(at.python + "/mail/sign-up", {**claim, "name": NAME})
        assert reply.status == 200 and f"Hello, {NAME}" in reply.text and reply.at("factors") == "mail", reply.text
        assert hedy.session(at.cpp)["signed_in"] and f"Hello, {NAME}" in hedy.get(at.cpp + "/").text
        signed_up = hedy.session(at.cpp)["user"]
    with steps.step("the next code signs in, once"):
        hedy.post(at.cpp + "/sign-out", {"where": "here"})
        good = {"flow": asks().hidden("flow"), "code": code_for(at, MAIL), "email": MAIL}
        assert hedy.post(at.python + "/mail/code", good).path == "/"
        assert hedy.session(at.cpp)["user"] == signed_up
        thief = Client("thief").post(at.python + "/mail/code", good)
        assert thief.status == 401, (thief.status, thief.text)
    with steps.step("the link of a code signs in where it is confirmed, once, and not where it was asked for"):
        asker, scanner, phone = Client("asker"), Client("scanner"), Client("phone")
        flow = asker.post(at.python + "/mail", {"email": MAIL}).hidden("flow")
        found = re.search(r'href="(/mail/link\?token=[^"]+)"', newest(at, "sign_in_code", MAIL))
        assert found
        for _ in range(2):
            assert MAIL in scanner.get(at.python + found[1]).text
        form = phone.get(at.python + found[1])
        reply = phone.post(at.python + "/mail/link", {"token": form.hidden("token")})
        assert reply.path == "/" and phone.session(at.cpp)["user"] == signed_up, (reply.path, reply.text)
        assert scanner.get(at.python + found[1]).status == 401
        assert scanner.post(at.python + "/mail/link", {"token": form.hidden("token")}).status == 401
        spent = {"flow": flow, "code": code_for(at, MAIL), "email": MAIL}
        assert asker.post(at.python + "/mail/code", spent).status == 401
        assert not asker.session(at.cpp)["signed_in"] and not scanner.session(at.cpp)["signed_in"]
    with steps.step("who is signed in adds an address, and its codes sign the same user in"):
        flow = hedy.post(at.python + "/mail", {"email": OTHER}).hidden("flow")
        reply = hedy.post(at.python + "/mail/code", {"flow": flow, "code": code_for(at, OTHER), "email": OTHER})
        assert reply.path == "/methods" and f"to {OTHER}" in reply.text, (reply.path, reply.text)
        elsewhere = Client("elsewhere")
        flow = elsewhere.post(at.python + "/mail", {"email": OTHER}).hidden("flow")
        good = {"flow": flow, "code": code_for(at, OTHER), "email": OTHER}
        assert elsewhere.post(at.python + "/mail/code", good).path == "/", elsewhere.get(at.python + "/").text
        assert elsewhere.session(at.cpp)["user"] == signed_up
    with steps.step("an address that signs somebody else in is not added"):
        flow = elsewhere.post(at.python + "/mail", {"email": MAIL}).hidden("flow")
        good = {"flow": flow, "code": code_for(at, MAIL), "email": MAIL}
        reply = elsewhere.post(at.python + "/mail/code", good)
        assert reply.status == 409 and "already" in reply.at("email-error"), (reply.status, reply.text)


def recovery_codes(steps: Steps, at: Servers) -> None:
    steps.part("Over HTTP: recovery codes")
    owner, account = Client(LAPTOP), {"email": EMAIL, "password": OLD}
    owner.post(at.python + "/sign-up", {"name": "Rosalind", **account})
    confirm(at, owner, EMAIL)
    with steps.step("who has just added an app signs in with it before anything else is added"):
        reply = owner.post(at.python + "/totp", {})
        secret = reply.at("secret")
        totp.settle()
        reply = owner.post(at.python + "/totp/confirm", {"flow": reply.hidden("flow"), "code": totp.code(secret, before=1)})
        assert reply.status == 200, reply.text
        reply = owner.post(at.python + "/recovery-codes", {})
        assert reply.status == 401 and "sign in again" in reply.text, (reply.status, reply.text)
        begun = owner.post(at.python + "/sign-in", account)
        answer = {"flow": begun.hidden("flow"), "provider": "totp", "code": totp.code(secret)}
        reply = owner.post(at.python + "/code", answer)
        assert reply.path == "/" and reply.at("factors") == "email, totp", (reply.path, reply.text)
    with steps.step("who has an app gets a set of codes, shown once"):
        codes = codes_in(owner.post(at.python + "/recovery-codes", {}))
        assert not re.search(codes[0], owner.get(at.python + "/methods").body)
    with steps.step("a new set replaces the old one"):
        old, codes = codes, codes_in(owner.post(at.python + "/recovery-codes", {}))
        assert not set(old) & set(codes)
    for name, server, n in (("Python", at.python, 0), ("C++", at.cpp, 1)):
        with steps.step(f"at {name}, one of them is the second factor when the phone is gone; another set's is none"):
            owner.post(server + "/sign-out", {"where": "here"})
            begun = owner.post(server + "/sign-in", account)
            assert "recovery codes" in begun.text and not owner.session(server)["signed_in"], begun.text
            answer = {"flow": begun.hidden("flow"), "provider": "recovery_codes"}
            reply = owner.post(server + "/code", {**answer, "code": old[n]})
            assert reply.status == 401 and reply.at("recovery-error"), (reply.status, reply.text)
            reply = owner.post(server + "/code", {**answer, "flow": reply.hidden("flow"), "code": codes[n].lower()})
            assert reply.path == "/" and reply.at("factors") == "email, recovery_codes", (reply.path, reply.text)
    with steps.step("a code that was used is worth nothing, and the others still are"):
        owner.post(at.cpp + "/sign-out", {"where": "here"})
        begun = owner.post(at.python + "/sign-in", account)
        answer = {"flow": begun.hidden("flow"), "provider": "recovery_codes", "code": codes[1]}
        reply = owner.post(at.python + "/code", answer)
        assert reply.status == 401 and not owner.session(at.python)["signed_in"], reply.text
        good = {**answer, "flow": reply.hidden("flow"), "code": codes[2]}
        assert owner.post(at.python + "/code", good).path == "/"


def codes_in(reply: Reply) -> list[str]:
    codes = re.findall(r"<li><code>([0-9A-Z-]+)</code>", reply.body)
    assert len(set(codes)) == 10, (reply.status, reply.text)
    return codes


def forgotten(steps: Steps, at: Servers) -> None:
    steps.part("Over HTTP: a forgotten password")
    owner, account = Client(LAPTOP), {"email": "barbara@example.com", "password": OLD}
    owner.post(at.cpp + "/sign-up", {"name": "Barbara", **account})
    forgetful = Client("forgetful")
    with steps.step("asking says nothing about who is here"):
        known = forgetful.post(at.python + "/forgot", {"email": account["email"]})
        unknown = forgetful.post(at.python + "/forgot", {"email": "eve@example.com"})
        assert known.status == unknown.status == 200 and known.text == unknown.text
        letter = newest(at, "recovery", account["email"])
        assert "to eve@" not in Client("postman").get(at.python + "/mailbox").body
    with steps.step("the link only looks; a password that is too short leaves it good"):
        found = re.search(r'href="(/reset\?token=[^"]+)"', letter)
        assert found
        for _ in range(2):
            form = forgetful.get(at.python + found[1])
            assert form.status == 200, form.text
        reply = forgetful.post(at.python + "/reset", {"token": form.hidden("token"), "password": "too short"})
        assert reply.status == 422 and "15" in reply.at("password-error"), (reply.status, reply.text)
        assert owner.session(at.cpp)["signed_in"]
    with steps.step("a new password ends every session and signs in at both servers; the old one does not"):
        reply = forgetful.post(at.python + "/reset", {"token": form.hidden("token"), "password": NEW})
        assert reply.at("reset-done") and "is changed" in reply.text, (reply.path, reply.text)
        before, kept = reply.body.split('id="kept"')
        assert account["email"] in kept and 'id="took"' not in before, reply.text
        assert not owner.session(at.cpp)["signed_in"] and not forgetful.session(at.python)["signed_in"]
        assert owner.post(at.cpp + "/sign-in", account).status == 401
        assert owner.post(at.cpp + "/sign-in", {**account, "password": NEW}).path == "/"
    with steps.step("the link is good once, and its owner is told"):
        assert forgetful.get(at.python + found[1]).status == 401
        assert forgetful.post(at.python + "/reset", {"token": form.hidden("token"), "password": OLD}).status == 401
        assert newest(at, "credentials_changed", account["email"])
