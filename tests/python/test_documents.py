"""The snippets of the package's README and of the examples: checked by mypy --strict, and run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "python/README.md"]


def snippets(document: Path) -> list[str]:
    text = document.read_text() if document.exists() else ""
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_snippets_are_typed_and_run(document: Path, tmp_path: Path) -> None:
    found = snippets(document)
    if not found:
        assert document == ROOT / "README.md", "the package's README has snippets"
        return
    script = tmp_path / "snippets.py"
    script.write_text("\n\n".join(found))
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}/mypy", str(script)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    ran = subprocess.run([sys.executable, "-W", "error", str(script)], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "Set-Cookie: __Host-doorward-access=dwa_" in ran.stdout


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
