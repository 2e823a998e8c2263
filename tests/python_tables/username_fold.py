"""Prints, for every assigned code point, what the username rule must fold it to, up to the choice of representative.

Independent of the Rust code: Python's own Unicode tables and `str.casefold` (full case folding of CaseFolding.txt).
Assigned characters fold alike in every version of Unicode since, so an older Python is as good a witness.
"""

import sys
import unicodedata


def once(text):
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.replace("\u0131", "i").replace("i\u0307", "i")


def fold(text):
    while (after := once(text)) != text:
        text = after
    return text


for point in range(sys.maxunicode + 1):
    character = chr(point)
    if unicodedata.category(character) not in ("Cn", "Co", "Cs"):
        print(f"{point:x} " + ",".join(f"{ord(part):x}" for part in fold(character)))
