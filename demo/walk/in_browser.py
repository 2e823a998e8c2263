"""The journey in a browser: three tabs at two servers, and a phone elsewhere."""

import time
from pathlib import Path

import passkeys
import totp
from browser import Browser, chromium
from client import Client
from over_http import PHONE
from steps import Steps
from ways_in import newest

from servers import Servers

EMAIL, PASSWORD, NAME = "alan@example.com", "seven quiet lighthouses at noon", "Alan Turing"
SIGN_IN = {"email": EMAIL, "password": PASSWORD}
GREETING, SIGNED_OUT = f"Hello, {NAME}", "One library, two servers"


def walk(steps: Steps, at: Servers, screenshots: Path) -> None:
    with chromium(screenshots) as browser:
        tabs = Tabs(steps, at, browser)
        tabs.sign_up()
        tabs.devices()
        tabs.wrong_password()
        tabs.second_factor()
        tabs.unreachable()
        passkeys.walk(steps, at, browser)
        with steps.step("the console has no complaint"):
            assert browser.complaints() == [], browser.complaints()


class Tabs:
    def __init__(self, steps: Steps, at: Servers, browser: Browser) -> None:
        self.steps, self.at, self.browser = steps, at, browser
        self.cpp = browser.tab(at.cpp, "/")
        self.python = browser.tab(at.python, "/")
        self.waiting = browser.tab(at.cpp, "/devices")

    def all_follow(self, text: str, *tabs: str) -> None:
        """The other tabs come to what this one shows."""
        session = self.browser.session()
        for tab in tabs:
            self.browser.follows(tab, session, text)

    def sign_up(self) -> None:
        steps, browser = self.steps, self.browser
        steps.part("In the browser: signing up")
        with steps.step("the start pages look right, on a desk and on a phone"):
            browser.to(self.cpp).look("start-cpp")
            browser.to(self.python).look("start-python")
            browser.look("start-phone", phone=True)
        with steps.step("a field that is wrong says so where it is, and to screen readers"):
            browser.to(self.cpp).press("a[href='/sign-up']")
            browser.submit({"name": NAME, "email": EMAIL, "password": "too short"})
            field = browser.find("#password")
            assert field.get_attribute("aria-invalid") == "true"
            assert "password-error" in (field.get_attribute("aria-describedby") or "")
            assert "15" in browser.text("#password-error") and browser.find("#email").get_attribute("value") == EMAIL
            browser.look("sign-up-wrong")
        with steps.step("signing up at C++ signs in"):
            browser.submit({"password": PASSWORD})
            browser.watch()
            browser.wait(lambda: GREETING in browser.text("#main"))
        with steps.step("the other tabs follow without a reload, at both servers"):
            self.all_follow(GREETING, self.python, self.waiting)
        with steps.step("server and client agree, in every tab"):
            known = []
            for tab in (self.cpp, self.python, self.waiting):
                browser.to(tab).wait(lambda: "signed in" in browser.text("#client"), "signed in")
                assert NAME in browser.text("#client") and "Signed up at\nC++" in browser.text("#main")
                known.append(browser.text("#client").split("Session\n")[1].split("\n")[0])
            assert len(set(known)) == 1 and known[0], known
        with steps.step("the signed-in pages look right"):
            browser.to(self.cpp).look("home-cpp")
            browser.to(self.python).look("home-python")
            browser.look("home-phone", phone=True)
        with steps.step("no script can read the cookies"):
            assert browser.driver.execute_script("return document.cookie") == ""

    def devices(self) -> None:
        steps, browser, at = self.steps, self.browser, self.at
        steps.part("In the browser: devices")
        phone = Client(PHONE)
        with steps.step("a phone that signed in at Python is listed at C++"):
            assert phone.post(at.python + "/sign-in", SIGN_IN).status == 200 and phone.session(at.python)["signed_in"]
            browser.to(self.cpp).press("nav a[href='/devices']")
            assert "Safari on iPhone" in browser.text("#devices") and "this device" in browser.text("#devices")
            browser.look("devices")
        with steps.step("ended here at C++, the phone is refused at Python at once"):
            browser.press("#devices form button")
            assert phone.session(at.python) == {"signed_in": False}
            assert "Safari on iPhone" not in browser.text("#devices")
        with steps.step("ended by the phone at Python, this tab follows and says so, and the others follow"):
            phone.post(at.python + "/sign-in", SIGN_IN)
            browser.watch()
            ended = phone.post(at.python + "/devices/end", {"id": phone.get(at.python + "/devices").hidden("id")})
            assert ended.status == 200
            browser.stays("Email address")
            assert "You have been signed out" in browser.text("#live")
            self.all_follow(SIGNED_OUT, self.python, self.waiting)

    def wrong_password(self) -> None:
        steps, browser = self.steps, self.browser
        steps.part("In the browser: signing in")
        with steps.step("a wrong password is answered in words, and read out"):
            browser.to(self.cpp).submit({"email": EMAIL, "password": "seven loud lighthouses at noon"})
            assert "do not match" in browser.text("#problem[role=alert]")
            assert browser.find("#password").get_attribute("aria-describedby") == "problem"
            browser.look("sign-in-wrong")
        with steps.step("the right one signs in, and the other tabs follow"):
            browser.submit({"password": PASSWORD})
            browser.wait(lambda: GREETING in browser.text("#main"))
            browser.watch()
            self.all_follow(GREETING, self.python, self.waiting)

    def second_factor(self) -> None:
        steps, browser = self.steps, self.browser
        steps.part("In the browser: an authenticator app")
        with steps.step("the link of the sign-up, opened in this browser, proves the address"):
            letter = newest(self.at, "verify", EMAIL)
            browser.to(self.python).driver.get(self.at.python + letter.split('href="')[1].split('"')[0])
            browser.look("verify")
            browser.press("main form button")
            assert "is confirmed" in browser.text(), browser.text()
        with steps.step("Python shows a key and takes its code"):
            browser.press("nav a[href='/totp']")
            browser.press("main form button")
            secret = browser.text("#secret")
            browser.look("totp")
            totp.settle()
            browser.submit({"code": totp.code(secret, before=1), "label": "My phone"})
            assert "My phone" in browser.text("#main"), browser.text("#main")
            browser.look("totp-added")
            browser.watch()
        with steps.step("signing out at Python, the tabs at C++ follow"):
            browser.press(".who button")
            browser.watch()
            self.all_follow(SIGNED_OUT, self.cpp, self.waiting)
        with steps.step("signing in at C++ takes the password, then a code"):
            browser.to(self.cpp).press("nav a[href='/sign-in']")
            browser.submit(SIGN_IN)
            assert "One more step" in browser.text("#main") and GREETING not in browser.text("#main")
            browser.look("code")
            browser.submit({"code": totp.wrong_code(secret)})
            assert browser.text("#code-error") and browser.find("#code").get_attribute("aria-invalid") == "true"
            browser.submit({"code": totp.code(secret)})
            browser.wait(lambda: GREETING in browser.text("#main"))
            browser.watch()
            assert "email, totp" in browser.text("#factors"), browser.text("#factors")
        with steps.step("the other tabs follow, also at Python"):
            self.all_follow(GREETING, self.python, self.waiting)
        with steps.step("signing out everywhere at C++, all tabs follow"):
            browser.to(self.waiting).press("nav a[href='/devices']")
            browser.press("button[value=everywhere]")
            self.all_follow(SIGNED_OUT, self.cpp, self.python)

    def unreachable(self) -> None:
        steps, browser = self.steps, self.browser
        steps.part("In the browser: a server that cannot be asked")
        other = {"name": "Mary", "email": "mary@example.com", "password": PASSWORD}
        with steps.step("a tab that reaches no server stays as it is: that is no sign-out"):
            browser.to(self.python).press("nav a[href='/sign-up']")
            browser.submit(other)
            browser.wait(lambda: "signed in" in browser.text("#client"), "signed in")
            browser.offline(True)
            asked = browser.text("#client")
            time.sleep(3.5)  # two looks
            assert "Hello, Mary" in browser.text("#main") and browser.text("#client") == asked
            browser.offline(False)
            browser.wait(lambda: browser.text("#client") != asked, "the tab asks again")
            browser.press(".who button")
