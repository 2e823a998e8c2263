"""The obvious middleware: resume, the page, and the lines of the view, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

import doorward
from doorward.testing import ManualClock, memory_auth

PASSWORD = {"password": "plum tractors hum at noon"}


class Site:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.auth = memory_auth(clock=self.clock)
        self.jar: dict[str, str] = {}
        for who in "ab":
            self.auth.create_user("email", f"{who}@example.com", PASSWORD)

    def on(self) -> doorward.Auth:
        cookie = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        return self.auth.on(doorward.Request("POST", [("sec-fetch-site", "same-origin"), ("cookie", cookie)]))

    def serve(self, page: Callable[[doorward.Auth], object]) -> object:
        on = self.on()
        was = on.resume_request()
        page(on)
        for cookie in on.headers.cookies:
            self.jar.pop(cookie.name, None)
            if cookie.value:
                self.jar[cookie.name] = cookie.value
        return was


def login(who: str) -> Callable[[doorward.Auth], object]:
    def page(on: doorward.Auth) -> object:
        proof = on.authenticate("email", f"{who}@example.com", PASSWORD).require()
        assert proof.purpose == "sign_in"
        return on.create_session(proof).require()

    return page


def test_it_signs_nobody_out() -> None:
    site = Site()
    site.serve(login("a"))
    site.clock.advance(timedelta(hours=9))
    was = site.serve(login("b"))
    assert isinstance(was, doorward.SignedIn)
    now = site.serve(lambda on: None)
    b = site.auth.find_user("email", "b@example.com")
    assert isinstance(now, doorward.SignedIn) and b is not None and now.user.id == b.id
    site.clock.advance(timedelta(hours=9))
    ended: list[int] = []
    site.serve(lambda on: ended.append(on.end_session().require()))
    assert ended == [1] and not any(name.endswith(("access", "refresh")) for name in site.jar)
    assert len(site.auth.headers) == 0


def test_a_sign_out_of_nothing_is_the_programs_mistake() -> None:
    with pytest.raises(doorward.InvalidState):
        Site().auth.end_session()


def test_a_401_says_how_to_authenticate() -> None:
    refused = Site().on().check_request()
    assert refused.http_status == 401 and ("WWW-Authenticate", "Bearer") in list(refused.headers)


def test_the_zone_of_an_address_is_no_part_of_it() -> None:
    assert doorward.Request("GET", [], "fe80::1%eth0").peer == "fe80::1"
