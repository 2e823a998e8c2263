"""Type checkers know what every operation gives: mypy and pyright, on the same files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import doorward
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SITE = Path(doorward.__file__).parent.parent


def mypy(file: Path, tmp_path: Path) -> list[tuple[int, str]]:
    """Its errors in this file: line and text."""
    cache = ["--cache-dir", str(ROOT / "target/python/mypy"), "--config-file", str(HERE / "mypy.ini")]
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *cache, str(file)],
        capture_output=True,
        text=True,
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    found = re.findall(rf"^(?:.*/)?{re.escape(file.name)}:(\d+): error: (.*)$", ran.stdout, re.M)
    assert bool(found) == bool(ran.returncode), ran.stdout
    return [(int(line), text) for line, text in found]


def pyright(file: Path, tmp_path: Path) -> list[tuple[int, str]]:
    """The same of pyright, which is what Pylance and so many editors run."""
    project = tmp_path / "pyrightconfig.json"
    off = dict.fromkeys(["reportUnusedExpression", "reportUnusedImport"], False)
    project.write_text(json.dumps({"extraPaths": [str(SITE)], "typeCheckingMode": "strict", **off}))
    copy = tmp_path / file.name
    if copy != file:
        copy.write_text(file.read_text())
    ran = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(project)],
        capture_output=True,
        text=True,
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    report = json.loads(ran.stdout)
    assert report["summary"]["filesAnalyzed"] >= 1
    errors = [found for found in report["generalDiagnostics"] if found["severity"] == "error"]
    assert all(found["file"] == str(copy) for found in errors), errors
    return [(found["range"]["start"]["line"] + 1, found["message"]) for found in errors]


CHECKERS = [mypy, pyright]


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_operation_and_outcome_has_its_type(checker: type[object], tmp_path: Path) -> None:
    assert checker(HERE / "typed.py", tmp_path) == []  # type: ignore[call-arg]


@pytest.mark.parametrize("checker", CHECKERS)
def test_mistakes_are_reported_where_they_are(checker: type[object], tmp_path: Path) -> None:
    file = HERE / "typed_wrong.py"
    marked = {n for n, line in enumerate(file.read_text().splitlines(), 1) if "# wrong:" in line}
    found: list[tuple[int, str]] = checker(file, tmp_path)  # type: ignore[call-arg, assignment]
    assert {line for line, _ in found} == marked, found


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("page", ["README.md", "python/README.md"])
def test_the_style_of_the_readme_is_right(page: str, checker: type[object], tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    assert blocks
    file = tmp_path / "readme.py"
    file.write_text("\n\n".join(blocks))
    assert checker(file, tmp_path) == []  # type: ignore[call-arg]


def test_no_operation_is_left_out() -> None:
    text = (HERE / "typed.py").read_text()
    apart = {"aio", "apply", "headers", "on", "realm", "trusted"}
    for view, name in ((doorward.Auth, "auth"), (doorward.AsyncAuth, "aio")):
        operations = {operation for operation in dir(view) if not operation.startswith("_")} - apart
        assert len(operations) > 50
        assert {operation for operation in operations if f"{name}.{operation}(" not in text} == set()
