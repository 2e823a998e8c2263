"""Calls the library as a language without a C compiler does: the header's prototypes, and structs by value.

    call.py HEADER LIBRARY
"""

import ctypes as c
import re
import sys
from pathlib import Path


class Bytes(c.Structure):
    _fields_ = [("ptr", c.c_void_p), ("len", c.c_size_t)]

    def __bytes__(self):
        return c.string_at(self.ptr, self.len)


class Pair(c.Structure):
    _fields_ = [("name", Bytes), ("value", Bytes)]


class Pairs(c.Structure):
    _fields_ = [("ptr", c.POINTER(Pair)), ("len", c.c_size_t)]


class Answer(c.Structure):
    _fields_ = [("status", c.c_int32), ("kind", c.c_uint32), ("held", c.c_void_p)]


VALUES = {"doorward_bytes": Bytes, "doorward_pairs": Pairs, "doorward_answer": Answer, "bool": c.c_bool, "int32_t": c.c_int32}
VALUES |= {"int64_t": c.c_int64, "uint32_t": c.c_uint32, "uint64_t": c.c_uint64, "size_t": c.c_size_t, "void": None}
VALUES |= dict.fromkeys(("doorward_status", "doorward_settlement", "doorward_choice"), c.c_int32)
CALLBACKS = ("doorward_log_fn", "doorward_event_fn", "doorward_delivery_fn")


def type_of(text):
    text = re.sub(r"\b(const|struct)\b|DOORWARD_MUST_USE|DOORWARD_VIEW", "", text).strip()
    if "*" in text or "[" in text or text in CALLBACKS:
        return c.c_char_p if text.startswith("char ") and text.count("*") == 1 else c.c_void_p
    return VALUES[text]


def load(header, library):
    """The library with every function of the header, typed as it says."""
    bare = re.sub(r"/\*.*?\*/", "", Path(header).read_text(encoding="utf-8"), flags=re.S)
    bare = re.sub(r"static inline.*?\n}", "", bare, flags=re.S)
    lib, found = c.CDLL(library), 0
    for gives, name, takes in re.findall(r"^((?!static|typedef|#)[\w ]+[ *])(doorward_\w+)\(([^;{}]*)\);", bare, re.M):
        function = getattr(lib, name)
        function.restype = type_of(gives)
        operands = [operand.strip() for operand in takes.replace("\n", " ").split(",")]
        function.argtypes = [type_of(re.sub(r"\w+(\[.*\])?$", r"\1", operand)) for operand in operands if operand != "void"]
        found += 1
    assert found > 200, found
    return lib


def text(value):
    """An operand; the bytes live as long as it does."""
    raw = value.encode() if isinstance(value, str) else value
    given = Bytes(c.cast(c.c_char_p(raw), c.c_void_p), len(raw))
    given.kept = raw
    return given


def main():
    lib = load(*sys.argv[1:3])
    assert lib.doorward_version() > 0
    answer = Answer(-2, 0, None)

    def must(given, status=0):
        lib.doorward_answer_free(c.byref(answer))
        answer.status, answer.kind, answer.held = given.status, given.kind, given.held
        assert answer.status == status, (lib.doorward_status_id(answer.status), lib.doorward_answer_message(answer))

    config = lib.doorward_config_new()
    settings = "database = 'memory:'\n[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n[provider.email]\nkind = 'password'\n"
    lib.doorward_config_load(config, text(settings))
    auth = c.c_void_p()
    must(lib.doorward_open(config, c.byref(auth)))
    must(lib.doorward_start(auth))
    password = Pair(text("password"), text("plum tractors hum at noon"))
    must(lib.doorward_create_user(auth, text("email"), text("ada@example.com"), c.byref(password), 1, None))
    must(lib.doorward_create_session(auth, lib.doorward_answer_proof(answer), None))
    headers = lib.doorward_answer_headers(answer)
    names = [bytes(headers.ptr[i].name) for i in range(headers.len)]
    assert names.count(b"Set-Cookie") == 2, names
    token = bytes(lib.doorward_session_access_token(lib.doorward_answer_session(answer)))
    assert token.startswith(b"dwa_")
    must(lib.doorward_validate_session(auth, text(token)))
    assert lib.doorward_answer_http_status(answer) == 200
    must(lib.doorward_validate_session(auth, text("dwa_nonsense")), 5)
    assert bytes(lib.doorward_answer_reason(answer)) == b"invalid"
    must(lib.doorward_create_user(auth, text("email"), text("ada@example.com"), c.byref(password), 1, None), -7)
    assert bytes(lib.doorward_answer_what(answer)) == b"identifier" and lib.doorward_answer_message(answer)
    lib.doorward_answer_free(c.byref(answer))
    assert answer.status == -2 and not answer.held
    lib.doorward_close(auth)
    lib.doorward_config_free(config)
    print("called from Python")


if __name__ == "__main__":
    main()
