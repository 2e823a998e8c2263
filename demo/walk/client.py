"""An HTTP client that behaves as a browser does, as far as the demo can tell: cookies, redirects, Origin.

Browsers send `Secure` cookies to http://localhost, because nobody is on the way (W3C Secure Contexts, section 3.1).
Python's cookie jar sends them over https only, unless its policy is told that http is secure too: that is what
`secure_protocols` below is for, and this client talks to nothing but localhost.
"""

import html
import json
import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any


@dataclass(frozen=True)
class Reply:
    status: int
    url: str
    headers: HTTPMessage
    body: str

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path

    @property
    def text(self) -> str:
        """What a person sees, roughly: without tags, in one line."""
        visible = re.sub(r"<head>.*?</head>|<[^>]*>", " ", self.body, flags=re.DOTALL)
        return " ".join(html.unescape(visible).split())

    def hidden(self, name: str) -> str:
        """The value of a hidden field."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.body)
        assert found, f"no hidden field {name} in: {self.text}"
        return html.unescape(found[1])

    def at(self, element: str) -> str:
        """The text of the element with this id, up to the next tag."""
        found = re.search(rf'id="{element}"[^>]*>([^<]*)<', self.body)
        assert found, f"no element {element} in: {self.text}"
        return html.unescape(found[1])


class Answers(urllib.request.HTTPErrorProcessor):
    """4xx and 5xx are answers like any other; redirects are followed. No answer sets one of our cookies twice."""

    def http_response(self, request: urllib.request.Request, response: HTTPResponse) -> HTTPResponse:
        lines = response.headers.get_all("Set-Cookie", [])
        names = [line.partition("=")[0] for line in lines if line.startswith("__Host-doorward")]
        assert len(names) == len(set(names)), f"{response.url} sets a cookie twice: {names}"
        assert (response.status == 401) == ("WWW-Authenticate" in response.headers), f"{response.url}: {response.status}"
        return super().http_response(request, response) if response.status < 400 else response


class Client:
    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.jar = CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))
        self.opener = urllib.request.build_opener(
            Answers, urllib.request.HTTPCookieProcessor(self.jar), urllib.request.ProxyHandler({})
        )

    def get(self, address: str) -> Reply:
        return self._open(urllib.request.Request(address))

    def post(self, address: str, fields: dict[str, str], origin: str | None = "") -> Reply:
        """Submits a form from a page of the same origin, or of `origin`; None: a client that says nothing."""
        request = urllib.request.Request(address, data=urllib.parse.urlencode(fields).encode(), method="POST")
        if origin is not None:
            parts = urllib.parse.urlsplit(address)
            request.add_header("Origin", origin or f"{parts.scheme}://{parts.netloc}")
        return self._open(request)

    def session(self, server: str) -> dict[str, Any]:
        """What /session.json says."""
        reply = self.get(server + "/session.json")
        assert reply.status == 200, f"/session.json: {reply.status} {reply.body}"
        now: dict[str, Any] = json.loads(reply.body)
        return now

    def cookie(self, name: str) -> Cookie | None:
        return next((cookie for cookie in self.jar if cookie.name == name), None)

    def _open(self, request: urllib.request.Request) -> Reply:
        request.add_header("User-Agent", self.agent)
        with self.opener.open(request, timeout=30) as response:
            return Reply(response.status, response.url, response.headers, response.read().decode())
