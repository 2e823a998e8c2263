"""Known answers for session tokens, by an independent implementation: Python's hashlib, hmac and base64 only.

Prints tests/fixtures/token_vectors.tsv. After a change: python3 tests/python_tables/token_vectors.py > that file.
docs/sessions.md: hash = SHA-256(kind, id, generation, secret); access(g) = HKDF(refresh(g), no salt, "a", id, g);
refresh(g + 1) = HKDF(refresh(g), salt, "r", id, g + 1).
"""

import base64
import hashlib
import hmac
import struct


def hkdf(ikm, salt, info):
    """RFC 5869 with SHA-256 and one block of output."""
    prk = hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def u32(number):
    return struct.pack(">I", number)


def text(prefix, *parts):
    return prefix + base64.urlsafe_b64encode(b"".join(parts)).rstrip(b"=").decode()


def digest(kind, id, generation, secret):
    return hashlib.sha256(kind + id + u32(generation) + secret).hexdigest()


def row(name, id, generation, family, secret, salt):
    access = hkdf(secret, b"", b"a" + id + u32(generation))
    following = following_access = "-"
    if generation < 2**32 - 1:
        g = generation + 1
        refresh = hkdf(secret, salt, b"r" + id + u32(g))
        following = text("dwr_", id, u32(g), family, refresh)
        following_access = text("dwa_", id, u32(g), hkdf(refresh, b"", b"a" + id + u32(g)))
    return "\t".join(
        [
            name,
            salt.hex(),
            text("dwr_", id, u32(generation), family, secret),
            text("dwa_", id, u32(generation), access),
            following,
            following_access,
            digest(b"f", id, 0, family),
            digest(b"r", id, generation, secret),
            digest(b"a", id, generation, access),
        ]
    )


def stream(label, length):
    """Bytes that look random and are the same everywhere."""
    return hashlib.sha512(label.encode()).digest()[:length]


def main():
    print("# SOURCE tests/python_tables/token_vectors.py (Python hashlib, hmac, base64)")
    print("# name\tsalt\trefresh(g)\taccess(g)\trefresh(g+1)\taccess(g+1)\tfamily hash\trefresh hash\taccess hash")
    print(row("zeros", bytes(16), 0, bytes(16), bytes(32), bytes(32)))
    print(row("ones", b"\xff" * 16, 2**32 - 1, b"\xff" * 16, b"\xff" * 32, b"\xff" * 32))
    print(row("counting", bytes(range(16)), 1, bytes(range(16, 32)), bytes(range(32, 64)), bytes(range(64, 96))))
    for generation in [0, 1, 255, 256, 65536, 2**31, 2**32 - 2, 2**32 - 1]:
        label = f"generation {generation}"
        print(
            row(
                label,
                stream(label + " id", 16),
                generation,
                stream(label + " family", 16),
                stream(label + " secret", 32),
                stream(label + " salt", 32),
            )
        )


main()
