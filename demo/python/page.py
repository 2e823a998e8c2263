"""Pages: the templates of demo/pages (Mustache, which escapes what it fills in), shared with the C++ server."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import chevron

DEMO = Path(__file__).resolve().parent.parent

BROWSERS = {"Edg/": "Edge", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {"iPhone": "iPhone", "Android": "Android", "Windows": "Windows", "Mac OS X": "macOS", "Linux": "Linux"}


def render(name: str, view: dict[str, Any]) -> str:
    """A whole page: the template `name` inside layout.html."""
    return fill("layout", view | {"main": fill(name, view)})


def fill(name: str, view: dict[str, Any]) -> str:
    return str(chevron.render((DEMO / "pages" / f"{name}.html").read_text(), view))


def moment(name: str, at: datetime) -> dict[str, str]:
    """A moment for machines, and for people."""
    utc = at.astimezone(timezone.utc)
    return {name: utc.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{name}_text": utc.strftime("%d %b %Y, %H:%M UTC")}


def device(agent: str) -> str:
    """What people call a device, from its user agent: a guess, only for show."""
    browser = next((name for sign, name in BROWSERS.items() if sign in agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in agent), "")
    if not browser:
        return agent.split("/")[0].split(" ")[0] or "Unknown device"
    return f"{browser} on {system}" if system else browser


def in_groups(key: str) -> str:
    """A key in groups of four, as people read and type it."""
    return " ".join(key[i : i + 4] for i in range(0, len(key), 4))
