"""The snippets of the pages, each page one program: checked by mypy --strict, and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST_LOGIN = [ROOT / "README.md", ROOT / "python/README.md", ROOT / "docs/tutorials/python.md"]
HOW_TO = sorted((ROOT / "docs/how-to").glob("*.md"))
SETTINGS = ROOT / "tests/python/mypy.ini"
# Starlette 1.10 would rather have httpx2.
BUT = ["-W", "ignore:Using `httpx` with"]
# Where the pages find plugins.
PLUGINS = {name.upper(): str(ROOT / f"target/debug/libdoorward_{name}.so") for name in ("recovery_codes", "totp")}


def snippets(document: Path) -> list[str]:
    text = document.read_text() if document.exists() else ""
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", FIRST_LOGIN + HOW_TO, ids=lambda path: str(path.relative_to(ROOT)))
def test_snippets_are_typed_and_run(document: Path, tmp_path: Path) -> None:
    found = snippets(document)
    assert found, "a page without a program"
    script = tmp_path / "snippets.py"
    script.write_text("\n\n".join(found))
    command = [sys.executable, "-m", "mypy", "--strict", f"--config-file={SETTINGS}", f"--cache-dir={tmp_path}/mypy", str(script)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    ran = subprocess.run([sys.executable, "-W", "error", *BUT, str(script)], cwd=tmp_path, env=os.environ | PLUGINS, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ("Set-Cookie: __Host-doorward-access=dwa_" in ran.stdout) == (document in FIRST_LOGIN)


def test_the_first_login_is_the_same_everywhere() -> None:
    example = (ROOT / "examples/first_login/python/first_login.py").read_text()
    (shown, *_) = snippets(ROOT / "python/README.md")
    assert example.split("\n", 1)[1].strip() == shown.strip()


def test_the_two_views_have_the_same_operations() -> None:
    import doorward

    def names(view: type) -> set[str]:
        return {name for name in dir(view) if not name.startswith("_")}

    assert names(doorward.Auth) - names(doorward.AsyncAuth) == {"aio"}
    assert names(doorward.AsyncAuth) <= names(doorward.Auth)
