"""Walks through the whole demo and says what holds. Started by `demo/check`."""

import os
import signal
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import at_issuer
import in_browser
import over_http
import ways_in
from steps import Steps

from servers import BUILT, ROOT, servers

LOG = BUILT / "servers.log"


def main() -> int:
    # Stopped from outside, everything that was started is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    steps = Steps()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="doorward-demo-") as folder,
            open(LOG, "wb") as log,
            servers(Path(folder), log=log) as at,
        ):
            print(f"C++ at {at.cpp}, Python at {at.python}; what they say: {LOG.relative_to(ROOT)}", flush=True)
            over_http.walk(steps, at)
            ways_in.walk(steps, at)
            in_browser.walk(steps, at, BUILT / "screenshots")
        with tempfile.TemporaryDirectory(prefix="doorward-demo-") as folder, open(LOG, "ab") as log:
            over_http.stale(steps, partial(servers, Path(folder), (0, 0), log))
        with tempfile.TemporaryDirectory(prefix="doorward-demo-") as folder, open(LOG, "ab") as log:
            at_issuer.walk(steps, Path(folder), log)
        secrets(steps, LOG.read_text())
    except Exception:
        traceback.print_exc()
        steps.failed += 1
    return steps.close()


def secrets(steps: Steps, log: str) -> None:
    steps.part("What the servers printed")
    with steps.step("every kind of event is there, from both"):
        for line in (
            "C++     authn_login_success",
            "Python  authn_login_fail",
            "C++     session_ended",
            "Python  session_created",
        ):
            assert line in log, f"{line} is not in the log"
    with steps.step("no password, address or token is"):
        typed = (over_http.PASSWORD, in_browser.PASSWORD, ways_in.OLD, ways_in.NEW, over_http.EMAIL, ways_in.MAIL)
        for secret in (*typed, "dwa_", "dwr_", "dwf_", "otpauth", "token="):
            assert secret not in log, "a secret is in the log"
    with steps.step("nobody stumbled"):
        assert "Traceback" not in log and "internal" not in log and "plugin_fault" not in log, log


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
