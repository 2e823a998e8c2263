"""The surface keeps its own document, as schemathesis reads it: a short run. `make test-schema` is the long one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

SCHEMA = Path(__file__).resolve().parents[1] / "schema"


def test_nothing_is_answered_that_is_not_in_the_document() -> None:
    ran = subprocess.run([SCHEMA / "run.sh", "1"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # As nobody, and as somebody who is signed in: every endpoint there is.
    tested = re.findall(r"Selected: (\d+)/\1\s+Tested: \1\n", ran.stdout)
    assert len(tested) == 2 and int(tested[0]) > 35 and "generated" in ran.stdout, ran.stdout
