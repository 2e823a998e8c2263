"""An authenticator app: the codes of RFC 6238, as a phone makes them."""

import base64
import hashlib
import hmac
import time

PERIOD = 30


def code(secret: str, *, before: int = 0) -> str:
    """The code of now, or of so many periods before, of a base32 key as people type it (any spaces)."""
    key = base64.b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    counter = int(time.time()) // PERIOD - before
    digest = hmac.digest(key, counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def wrong_code(secret: str) -> str:
    """Six digits that are no code of this moment or of those around it."""
    near = {code(secret, before=n) for n in range(-2, 4)}
    return next(guess for n in range(10) if (guess := f"{n:06}") not in near)


def settle(seconds: int = 8) -> None:
    """Waits for the next period when this one is nearly over, so that `code(before=1)` stays good for some seconds."""
    left = PERIOD - time.time() % PERIOD
    if left < seconds:
        time.sleep(left + 0.1)
