"""The whole applications of the package's README, as a browser meets them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import doorward
import pytest
from conftest import EMAIL, PASSWORD
from doorward.testing import as_page, memory_auth
from starlette.testclient import TestClient

README = Path(__file__).resolve().parents[2] / "python/README.md"


@pytest.fixture(scope="module")
def readme() -> dict[str, Any]:
    """What the README's programs define."""
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.M | re.S)
    defined: dict[str, Any] = {"__name__": "readme", "doorward": doorward}
    # The first one opens a file where it stands.
    for block in blocks[1:]:
        exec(compile(block, str(README), "exec"), defined)
    defined["site"].stop()
    return defined


def flask_client(readme: dict[str, Any], auth: doorward.Auth) -> Any:
    return readme["flask_app"](auth).test_client()


def fastapi_client(readme: dict[str, Any], auth: doorward.Auth) -> Any:
    return TestClient(readme["fastapi_app"](auth))


@pytest.fixture(params=[flask_client, fastapi_client])
def client(request: pytest.FixtureRequest, readme: dict[str, Any]) -> Iterator[Any]:
    make: Callable[[dict[str, Any], doorward.Auth], Any] = request.param
    with memory_auth(attributes={"public": ["name"]}) as auth:
        yield make(readme, auth)


def json_of(answer: Any) -> Any:
    return answer.json() if callable(answer.json) else answer.json


ADA = {"email": EMAIL, "password": PASSWORD, "name": "Ada"}


def test_a_person_signs_up_out_and_in(client: Any) -> None:
    page = as_page(client)
    assert page.get("/me").status_code == 401
    assert json_of(page.post("/sign-up", data=ADA)) == {"name": "Ada"}
    assert json_of(page.get("/me")) == {"name": "Ada"}
    assert json_of(page.post("/sign-out")) == {"ended": 1}
    assert page.get("/me").status_code == 401
    refused = page.post("/sign-in", data={"email": EMAIL, "password": "wrong"})
    assert refused.status_code == 401 and json_of(refused)["error"] == "refused"
    assert refused.headers["www-authenticate"]
    assert json_of(page.post("/sign-in", data=ADA)) == {"name": "Ada"}
    assert json_of(page.get("/me")) == {"name": "Ada"}


def test_what_goes_wrong_is_told(client: Any) -> None:
    stranger = client.post("/sign-up", data=ADA)
    assert stranger.status_code == 403 and "origin_absent" in json_of(stranger)["message"]
    page = as_page(client)
    assert page.post("/sign-up", data={**ADA, "password": "short"}).status_code == 422
    assert page.post("/sign-up", data=ADA).status_code == 200
    taken = page.post("/sign-up", data=ADA)
    assert taken.status_code == 409 and json_of(taken)["error"] == "conflict"
