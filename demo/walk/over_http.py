"""The journey over HTTP: forms and cookies, as a browser without JavaScript makes it."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import totp
from client import Client
from steps import Steps
from ways_in import confirm

from servers import Servers

EMAIL, PASSWORD, NAME = "ada@example.com", "violet otters juggle lanterns", 'Ada <Lovelace> & "Co"'
ACCESS, REFRESH = "__Host-doorward-access", "__Host-doorward-refresh"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Mobile/15E148 Safari/604.1"


def walk(steps: Steps, at: Servers) -> None:
    laptop = Client(LAPTOP)
    sign_up(steps, at, laptop)
    refusals(steps, at)
    devices(steps, at, laptop)
    second_factor(steps, at, laptop)
    endings(steps, at)


def sign_up(steps: Steps, at: Servers, laptop: Client) -> None:
    steps.part("Over HTTP: signing up")
    new = {"name": NAME, "email": EMAIL, "password": PASSWORD}
    for name, server in (("C++", at.cpp), ("Python", at.python)):
        with steps.step(f"{name} shows its start page to nobody in particular"):
            reply = laptop.get(server + "/")
            assert reply.status == 200 and f"{name} server" in reply.text, reply.text
            assert laptop.session(server) == {"signed_in": False}
        with steps.step(f"{name} says what is wrong with a short password, and keeps what was typed"):
            reply = laptop.post(server + "/sign-up", {**new, "password": "too short"})
            assert reply.status == 422, reply.status
            assert "15" in reply.at("password-error") and 'aria-describedby="password-hint password-error"' in reply.body
            assert f'value="{EMAIL}"' in reply.body and "too short" not in reply.body
        with steps.step(f"{name} says what is wrong with an address that is none"):
            reply = laptop.post(server + "/sign-up", {**new, "email": "ada"})
            assert reply.status == 422 and reply.at("email-error"), reply.text
        for origin in (None, "http://evil.example", "null"):
            with steps.step(f"{name} refuses a sign-up from {origin or 'a client that names no origin'}"):
                reply = laptop.post(server + "/sign-up", new, origin)
                assert reply.status == 403 and not laptop.cookie(ACCESS), (reply.status, reply.text)

    with steps.step("signing up at C++ signs in there"):
        reply = laptop.post(at.cpp + "/sign-up", new)
        assert (reply.status, reply.path) == (200, "/"), (reply.status, reply.url, reply.text)
        assert f"Hello, {NAME}" in reply.text, reply.text
    with steps.step("what a person typed is text in the page, never markup"):
        assert "<Lovelace>" not in reply.body and "&lt;Lovelace&gt;" in reply.body
    for name in (ACCESS, REFRESH):
        with steps.step(f"the cookie {name} is Secure, HttpOnly, SameSite=Lax, of this host and every path"):
            cookie = laptop.cookie(name)
            assert cookie and cookie.secure and cookie.path == "/" and not cookie.domain_specified
            assert cookie.has_nonstandard_attr("HttpOnly") and cookie.get_nonstandard_attr("SameSite") == "Lax"
    with steps.step("Python knows the same user and the same session"):
        here, there = laptop.session(at.cpp), laptop.session(at.python)
        assert here == there and here["signed_in"] and here["user"]["attributes"]["name"] == NAME, (here, there)
        assert f"Hello, {NAME}" in laptop.get(at.python + "/").text
    with steps.step("browsers get public attributes only; the server renders the others"):
        assert set(here["user"]["attributes"]) == {"name"} and "C++" not in str(here), here
        assert "Signed up at C++" in laptop.get(at.python + "/").text
    with steps.step("pages are never kept by caches"):
        assert laptop.get(at.cpp + "/").headers.get_all("Cache-Control") == ["no-store"]
        assert laptop.get(at.python + "/").headers.get_all("Cache-Control") == ["no-store"]


def refusals(steps: Steps, at: Servers) -> None:
    steps.part("Over HTTP: wrong answers")
    for name, server in (("C++", at.cpp), ("Python", at.python)):
        stranger = Client("stranger")
        with steps.step(f"{name} says the same about a wrong password and about nobody"):
            wrong = stranger.post(server + "/sign-in", {"email": EMAIL, "password": "violet otters juggle torches"})
            nobody = stranger.post(server + "/sign-in", {"email": "eve@example.com", "password": PASSWORD})
            assert wrong.status == nobody.status == 401, (wrong.status, nobody.status)
            assert wrong.text == nobody.text and "do not match" in wrong.at("problem"), wrong.text
            assert not stranger.cookie(ACCESS) and not stranger.session(server)["signed_in"]
        with steps.step(f"{name} tells who signs up that the address is taken"):
            reply = stranger.post(server + "/sign-up", {"name": "Eve", "email": EMAIL.upper(), "password": PASSWORD})
            assert reply.status == 409 and reply.at("email-error"), (reply.status, reply.text)
        with steps.step(f"{name} sends who is signed out to the sign-in page"):
            assert stranger.get(server + "/devices").path == "/sign-in"
            assert stranger.get(server + "/totp").path == "/sign-in"
        with steps.step(f"{name} answers what is not there with 404"):
            assert stranger.get(server + "/nothing").status == 404
            assert stranger.get(server + "/static/../doorward.toml").status in (400, 404)


def devices(steps: Steps, at: Servers, laptop: Client) -> None:
    steps.part("Over HTTP: devices")
    for here, there, names in ((at.cpp, at.python, ("C++", "Python")), (at.python, at.cpp, ("Python", "C++"))):
        phone = Client(PHONE)
        with steps.step(f"a phone signs in at {names[1]}, and {names[0]} lists both devices"):
            reply = phone.post(there + "/sign-in", {"email": EMAIL, "password": PASSWORD})
            assert reply.status == 200 and phone.session(here)["signed_in"], reply.text
            listed = laptop.get(here + "/devices")
            assert "Firefox on Linux this device" in listed.text and "Safari on iPhone" in listed.text, listed.text
        with steps.step(f"the phone is ended at {names[0]}: {names[1]} refuses it at once"):
            kept = {cookie.name: cookie.value for cookie in phone.jar}
            reply = laptop.post(here + "/devices/end", {"id": listed.hidden("id")})
            assert reply.status == 200 and "Safari on iPhone" not in reply.text, reply.text
            assert phone.session(there) == {"signed_in": False} and phone.session(here) == {"signed_in": False}
            assert kept[ACCESS] and laptop.session(there)["signed_in"]
    with steps.step("an id that is not one of the user's own ends nothing"):
        mallory = Client("mallory")
        mallory.post(at.cpp + "/sign-up", {"name": "Mallory", "email": "m@example.com", "password": PASSWORD})
        victim = laptop.session(at.cpp)["session"]["id"]
        for server in (at.cpp, at.python):
            mallory.post(server + "/devices/end", {"id": victim})
            mallory.post(server + "/devices/end", {"id": "nonsense"})
        assert laptop.session(at.cpp)["signed_in"]
    with steps.step("another site's form ends nothing"):
        for server in (at.cpp, at.python):
            assert laptop.post(server + "/sign-out", {"where": "everywhere"}, "http://evil.example").status == 403
        assert laptop.session(at.cpp)["signed_in"]


def second_factor(steps: Steps, at: Servers, laptop: Client) -> None:
    steps.part("Over HTTP: an authenticator app")
    phone, secret = Client(PHONE), ""
    phone.post(at.cpp + "/sign-in", {"email": EMAIL, "password": PASSWORD})
    for name, server in (("C++", at.cpp), ("Python", at.python)):
        with steps.step(f"{name} adds no app beside an address that nobody has proved, and sends the link again"):
            reply = laptop.post(server + "/totp", {})
            assert reply.status == 422 and "Confirm your address" in reply.text, (reply.status, reply.text)
    with steps.step("the link of the sign-up proves nothing for whoever is not signed in, and stays good"):
        assert confirm(at, Client("a scanner of mail"), EMAIL).status == 401
    with steps.step("with the session, it proves the address, and nothing ends"):
        reply = confirm(at, laptop, EMAIL)
        assert reply.status == 200 and "is confirmed" in reply.text, (reply.status, reply.text)
        assert laptop.session(at.cpp)["signed_in"] and phone.session(at.cpp)["signed_in"]
    with steps.step("Python shows a new key, as text and as an otpauth address"):
        reply = laptop.post(at.python + "/totp", {})
        secret = reply.at("secret")
        assert re.fullmatch(r"[A-Z2-7 ]{32,}", secret), reply.text
        uri = reply.at("uri-text")
        assert uri.startswith("otpauth://totp/") and secret.replace(" ", "") in uri and "ada" in uri, uri
    with steps.step("a wrong code adds nothing and may be corrected"):
        wrong = {"flow": reply.hidden("flow"), "code": totp.wrong_code(secret)}
        reply = laptop.post(at.python + "/totp/confirm", wrong)
        assert reply.status == 401 and reply.at("code-error"), (reply.status, reply.text)
        assert reply.at("secret") == secret
    with steps.step("the right code adds it, this device stays, the others end"):
        totp.settle()
        right = {"flow": reply.hidden("flow"), "code": totp.code(secret, before=1), "label": "My <phone>"}
        reply = laptop.post(at.python + "/totp/confirm", right)
        assert reply.status == 200 and "My <phone>" in laptop.get(at.cpp + "/totp").text, reply.text
        assert laptop.session(at.cpp)["signed_in"] and not phone.session(at.cpp)["signed_in"]
    with steps.step("signing out at C++ signs out at Python"):
        stolen = {cookie.name: cookie.value for cookie in laptop.jar}
        reply = laptop.post(at.cpp + "/sign-out", {"where": "here"})
        assert reply.status == 200 and not laptop.cookie(ACCESS) and not laptop.cookie(REFRESH), reply.text
        assert laptop.session(at.python) == {"signed_in": False}
    with steps.step("what was in the cookies is worth nothing any more"):
        thief = Client("thief")
        thief.opener.addheaders = [("Cookie", "; ".join(f"{name}={value}" for name, value in stolen.items()))]
        assert not thief.session(at.cpp)["signed_in"] and not thief.session(at.python)["signed_in"]
    for name, server in (("C++", at.cpp), ("Python", at.python)):
        with steps.step(f"at {name} the password alone signs nobody in any more"):
            reply = laptop.post(server + "/sign-in", {"email": EMAIL, "password": PASSWORD})
            assert reply.status == 200 and "One more step" in reply.text, reply.text
            assert not laptop.cookie(ACCESS) and not laptop.session(server)["signed_in"]
        with steps.step(f"at {name} a wrong code signs nobody in and may be corrected"):
            reply = laptop.post(server + "/code", {"flow": reply.hidden("flow"), "code": totp.wrong_code(secret)})
            assert reply.status == 401 and reply.at("code-error") and not laptop.cookie(ACCESS), reply.text
        with steps.step(f"at {name} a step's token is worth nothing in another browser"):
            other = laptop.post(server + "/sign-in", {"email": EMAIL, "password": PASSWORD})
            right = {"flow": other.hidden("flow"), "code": totp.code(secret)}
            stolen_flow = Client("thief").post(server + "/code", right)
            assert stolen_flow.status == 401 and stolen_flow.path == "/code", stolen_flow.text
    with steps.step("the right code, given at Python to a step begun at C++, signs in"):
        begun = laptop.post(at.cpp + "/sign-in", {"email": EMAIL, "password": PASSWORD})
        used = totp.code(secret)
        reply = laptop.post(at.python + "/code", {"flow": begun.hidden("flow"), "code": used})
        assert reply.status == 200 and reply.path == "/" and laptop.session(at.cpp)["signed_in"], reply.text
        assert "email, totp" in reply.at("factors"), reply.text
    with steps.step("the same code does not work twice, not even at the other server"):
        begun = phone.post(at.cpp + "/sign-in", {"email": EMAIL, "password": PASSWORD})
        reply = phone.post(at.cpp + "/code", {"flow": begun.hidden("flow"), "code": used})
        assert reply.status == 401 and not phone.session(at.python)["signed_in"], reply.text


def endings(steps: Steps, at: Servers) -> None:
    steps.part("Over HTTP: signing out everywhere")
    account = {"email": "grace@example.com", "password": PASSWORD}
    clients = [Client(LAPTOP), Client(PHONE), Client("curl/8.15.0")]
    clients[0].post(at.python + "/sign-up", {"name": "Grace", **account})

    def signed_in() -> list[bool]:
        return [client.session(at.cpp)["signed_in"] for client in clients]

    with steps.step("“my other devices” at Python ends all but this one, also for C++"):
        for client in clients[1:]:
            client.post(at.cpp + "/sign-in", account)
        assert signed_in() == [True, True, True]
        clients[0].post(at.python + "/sign-out", {"where": "others"})
        assert signed_in() == [True, False, False], signed_in()
    with steps.step("“my other devices” at C++ likewise"):
        clients[1].post(at.python + "/sign-in", account)
        clients[0].post(at.cpp + "/sign-out", {"where": "others"})
        assert signed_in() == [True, False, False], signed_in()
    for name, server in (("C++", at.cpp), ("Python", at.python)):
        with steps.step(f"“everywhere” at {name} ends all"):
            for client in clients:
                client.post(at.python + "/sign-in", account)
            assert signed_in() == [True, True, True]
            clients[2].post(server + "/sign-out", {"where": "everywhere"})
            assert signed_in() == [False, False, False] and not clients[2].cookie(ACCESS)
    for name, server in (("C++", at.cpp), ("Python", at.python)):
        with steps.step(f"{name} slows guessing down and says for how long"):
            guesser = Client("guesser")
            for n in range(12):
                reply = guesser.post(server + "/sign-in", {**account, "password": f"guess number {n} of very many"})
                if reply.status == 429:
                    break
            assert reply.status == 429 and int(reply.headers["Retry-After"]) > 0, reply.status
            assert "Try again in" in reply.at("problem"), reply.text


def stale(steps: Steps, again: Callable[..., AbstractContextManager[Servers]]) -> None:
    """On servers of its own: `again()` starts them on one folder, with changes to the configuration."""
    steps.part("Over HTTP: the next day")
    laptop, account = Client(LAPTOP), {"email": "edith@example.com", "password": PASSWORD}
    with again() as at:
        laptop.post(at.cpp + "/sign-up", {"name": "Edith", **account})
        confirm(at, laptop, account["email"])
        before = laptop.session(at.python)
    with again({"[policy]": '[policy]\nstep_up_max_age = "1s"'}) as at:
        with steps.step("users and sessions are there when the servers start again"):
            assert before["signed_in"] and laptop.session(at.cpp) == laptop.session(at.python) == before
        for name, server in (("C++", at.cpp), ("Python", at.python)):
            time.sleep(1.1)
            with steps.step(f"{name} wants a password again before it adds an app to a session that is not fresh"):
                reply = laptop.post(server + "/totp", {})
                assert reply.status == 401 and "sign in again" in reply.at("problem"), (reply.status, reply.text)
            with steps.step(f"{name} takes it, and goes on with the same device"):
                reply = laptop.post(server + "/sign-in", account)
                assert reply.status == 200 and laptop.session(at.cpp)["user"] == before["user"], reply.text
                assert laptop.post(server + "/totp", {}).at("secret")
                assert laptop.get(server + "/devices").text.count("Firefox on Linux") == 1
