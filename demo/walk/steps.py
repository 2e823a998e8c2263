"""Counts claims: each is printed with its result, and a failed one does not stop the walk."""

import contextlib
import traceback
from collections.abc import Iterator


class Steps:
    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def part(self, title: str) -> None:
        print(f"\n{title}", flush=True)

    @contextlib.contextmanager
    def step(self, claim: str) -> Iterator[None]:
        """Passes when nothing is raised inside."""
        try:
            yield
        except Exception:
            self.failed += 1
            print(f"  FAILED  {claim}", flush=True)
            # ChromeDriver appends its own addresses, which say nothing to anybody.
            print(traceback.format_exc().split("\nStacktrace:")[0], flush=True)
        else:
            self.passed += 1
            print(f"  ok      {claim}", flush=True)

    def close(self) -> int:
        """Prints the closing line and gives the exit status."""
        print(f"\n{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
