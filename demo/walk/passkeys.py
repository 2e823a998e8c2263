"""Passkeys in a browser with a virtual authenticator, and a code by e-mail read in the mailbox's tab."""

import authenticator
from browser import Browser
from steps import Steps

from servers import Servers

PASSWORD = "six amber kettles on a shelf"


def walk(steps: Steps, at: Servers, browser: Browser) -> None:
    steps.part("In the browser: passkeys")
    tab = browser.tab(at.python, "/sign-in")
    authenticator.plug_in(browser)
    with steps.step("the sign-in page of many ways looks right"):
        browser.look("sign-in-ways")
    with steps.step("somebody signs up with a passkey alone"):
        browser.press("nav a[href='/sign-up']")
        browser.press("a[href='/passkey/sign-up']")
        browser.submit({"name": "Katherine"})
        browser.look("passkey")
        ceremony(browser, "Hello, Katherine", {"label": "This laptop"})
        browser.press("nav a[href='/methods']")
        assert "Passkey This laptop" in browser.text("#held"), browser.text("#held")
        browser.look("methods")
    with steps.step("and signs in with it, without saying who they are; C++ knows it"):
        browser.press(".who button")
        signs_in(browser, "Hello, Katherine")
        assert browser.text("#factors") == "passkey"
        browser.driver.get(at.cpp + "/")
        assert "Hello, Katherine" in browser.text("#main")
    with steps.step("somebody with a password adds one, and the other passkey stays whose it is"):
        browser.driver.get(at.python + "/")
        browser.press(".who button")
        browser.driver.remove_all_credentials()
        browser.press("nav a[href='/sign-up']")
        browser.submit({"name": "Dorothy", "email": "dorothy@example.com", "password": PASSWORD})
        browser.press("nav a[href='/methods']")
        browser.press("form[action='/passkey/add'] button")
        ceremony(browser, "Your passkey is added", {"label": "A key"})
        browser.press(".who button")
        signs_in(browser, "Hello, Dorothy")
    with steps.step("the same device takes no second one, and the page says why"):
        browser.press("nav a[href='/methods']")
        browser.press("form[action='/passkey/add'] button")
        browser.find("main form button").click()
        browser.wait(lambda: "has a passkey for you already" in browser.text("#passkey-error"))
    with steps.step("a passkey that nobody registered signs nobody in"):
        browser.press(".who button")
        credential = browser.driver.get_credentials()[0]
        browser.driver.remove_all_credentials()
        credential._id = b"an id that is nobody's"
        browser.driver.add_credential(credential)
        signs_in(browser, "does not sign anybody in")
    by_mail(steps, at, browser, tab)
    authenticator.unplug(browser.to(tab))


def ceremony(browser: Browser, text: str, fields: dict[str, str] | None = None) -> None:
    """Presses the button of the passkey's page, and waits for the page after it."""
    browser.wait(lambda: bool(browser.driver.execute_script("return document.readyState == 'complete'")))
    for name, value in (fields or {}).items():
        browser.find(f"main [name={name}]").send_keys(value)
    browser.find("main form button").click()
    browser.wait(lambda: text in browser.text(), text)


def signs_in(browser: Browser, text: str) -> None:
    browser.press("nav a[href='/sign-in']")
    browser.press("form[action='/passkey/sign-in'] button")
    ceremony(browser, text)


def by_mail(steps: Steps, at: Servers, browser: Browser, tab: str) -> None:
    steps.part("In the browser: a code by e-mail")
    with steps.step("the code that the mailbox shows signs up"):
        browser.press("nav a[href='/sign-in']")
        browser.press("a[href='/mail']")
        browser.submit({"email": "emmy@example.com"})
        browser.look("mail-code")
        browser.tab(at.python, "/mailbox")
        code = browser.text("#letters .secret")
        browser.look("mailbox")
        browser.driver.close()
        browser.to(tab).submit({"code": code})
        browser.submit({"name": "Emmy"})
        browser.wait(lambda: "Hello, Emmy" in browser.text("#main"))
        assert browser.text("#factors") == "mail"
