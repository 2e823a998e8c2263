"""Writes tests/fixtures/origin_table.tsv: requests and what the trusted-origin check must say about them.

Independent of the Rust code on purpose: no URL parser, no shared rule. What each Origin header *is* was decided by hand
and stands in the third column of ORIGINS; what follows from it is the decision table of core/src/origin.rs,
in `verdict` below.

    python3 tests/python_tables/origin_table.py > tests/fixtures/origin_table.tsv
"""

import itertools
import sys

# What a header is: the (scheme, host, port) it stands for, or why it stands for none.
NULL, MALFORMED = "null", "malformed"


def tup(scheme, host, port):
    return (scheme, host, port)


SHOP = tup("https", "shop.example", 443)

# Trusted sets: name -> {configured text: tuple}.
TRUSTED = {
    "one": {"https://shop.example": SHOP},
    "none": {},
    "many": {
        "https://shop.example": SHOP,
        "https://shop.example:8443": tup("https", "shop.example", 8443),
        "https://www.shop.example/": tup("https", "www.shop.example", 443),
        "https://B\u00fccher.example": tup("https", "xn--bcher-kva.example", 443),
        "https://192.0.2.7": tup("https", "192.0.2.7", 443),
        "https://[2001:DB8:0:0::1]:8443": tup("https", "[2001:db8::1]", 8443),
        "http://localhost:3000": tup("http", "localhost", 3000),
        "http://127.0.0.1": tup("http", "127.0.0.1", 80),
        "http://[::1]:80": tup("http", "[::1]", 80),
        "https://dot.example.": tup("https", "dot.example.", 443),
    },
}

# (what it shows, header text, what it is)
ORIGINS = [
    ("same", "https://shop.example", SHOP),
    ("upper-case host", "https://SHOP.Example", SHOP),
    ("upper-case scheme", "HTTPS://shop.example", SHOP),
    ("default port written out", "https://shop.example:443", SHOP),
    ("port + 1", "https://shop.example:444", tup("https", "shop.example", 444)),
    ("port of the other scheme", "https://shop.example:80", tup("https", "shop.example", 80)),
    ("other configured port", "https://shop.example:8443", tup("https", "shop.example", 8443)),
    ("other scheme", "http://shop.example", tup("http", "shop.example", 80)),
    ("other scheme, port of https", "http://shop.example:443", tup("http", "shop.example", 443)),
    ("foreign scheme", "chrome-extension://shop.example", MALFORMED),
    ("websocket scheme", "wss://shop.example", MALFORMED),
    ("ftp", "ftp://shop.example", MALFORMED),
    ("subdomain", "https://www.shop.example", tup("https", "www.shop.example", 443)),
    ("subdomain of attacker", "https://shop.example.evil.example", tup("https", "shop.example.evil.example", 443)),
    ("shared suffix", "https://evilshop.example", tup("https", "evilshop.example", 443)),
    ("shared prefix", "https://shop.exampl", tup("https", "shop.exampl", 443)),
    ("longer", "https://shop.examples", tup("https", "shop.examples", 443)),
    ("parent", "https://example", tup("https", "example", 443)),
    ("attacker", "https://evil.example", tup("https", "evil.example", 443)),
    ("trailing dot", "https://shop.example.", tup("https", "shop.example.", 443)),
    ("configured trailing dot", "https://dot.example.", tup("https", "dot.example.", 443)),
    ("trailing dot left out", "https://dot.example", tup("https", "dot.example", 443)),
    ("user info", "https://user@shop.example", MALFORMED),
    ("user info of attacker", "https://shop.example@evil.example", MALFORMED),
    ("user info with password", "https://shop.example:443@evil.example", MALFORMED),
    ("path", "https://shop.example/", MALFORMED),
    ("longer path", "https://shop.example/login", MALFORMED),
    ("query", "https://shop.example?x", MALFORMED),
    ("fragment", "https://shop.example#x", MALFORMED),
    ("backslash", "https:\\\\shop.example", MALFORMED),
    ("backslash before attacker", "https://shop.example\\evil.example", MALFORMED),
    ("no scheme", "shop.example", MALFORMED),
    ("no scheme, slashes", "//shop.example", MALFORMED),
    ("no slashes", "https:shop.example", MALFORMED),
    ("one slash", "https:/shop.example", MALFORMED),
    ("three slashes", "https:///shop.example", MALFORMED),
    ("no host", "https://", MALFORMED),
    ("port only", "https://:443", MALFORMED),
    ("empty port", "https://shop.example:", MALFORMED),
    ("port with zeros", "https://shop.example:0443", MALFORMED),
    ("port too large", "https://shop.example:65979", MALFORMED),
    ("port with sign", "https://shop.example:+443", MALFORMED),
    ("two ports", "https://shop.example:443:443", MALFORMED),
    ("percent-encoded letter", "https://sh%6fp.example", MALFORMED),
    ("percent-encoded dot", "https://shop%2eexample", MALFORMED),
    ("inner space", "https://shop .example", MALFORMED),
    ("inner tab", "https://sh\top.example", MALFORMED),
    ("line feed", "https://shop.example\n", MALFORMED),
    ("NUL", "https://shop.example\0", MALFORMED),
    ("two in one", "https://shop.example https://evil.example", MALFORMED),
    ("two with comma", "https://shop.example,https://evil.example", MALFORMED),
    ("same twice with comma", "https://shop.example, https://shop.example", MALFORMED),
    ("wildcard", "*", MALFORMED),
    ("wildcard host", "https://*.shop.example", tup("https", "*.shop.example", 443)),
    ("empty", "", MALFORMED),
    ("null", "null", NULL),
    ("upper-case null", "NULL", MALFORMED),
    ("null as host", "https://null", tup("https", "null", 443)),
    ("undefined", "undefined", MALFORMED),
    ("file", "file://", MALFORMED),
    ("data", "data:text/html,x", MALFORMED),
    ("blob", "blob:https://shop.example", MALFORMED),
    ("international, A-label", "https://xn--bcher-kva.example", tup("https", "xn--bcher-kva.example", 443)),
    ("international, U-label", "https://b\u00fccher.example", MALFORMED),
    ("international, without diaeresis", "https://bucher.example", tup("https", "bucher.example", 443)),
    ("full-width letters", "https://\uff53hop.example", MALFORMED),
    ("ideographic full stop", "https://shop\u3002example", MALFORMED),
    ("soft hyphen", "https://sh\u00adop.example", MALFORMED),
    ("not UTF-8", b"https://shop.example\xff", MALFORMED),
    ("IPv4", "https://192.0.2.7", tup("https", "192.0.2.7", 443)),
    ("IPv4, hexadecimal", "https://0xc0000207", MALFORMED),
    ("IPv4, octal", "https://0300.0.2.7", MALFORMED),
    ("IPv4, decimal", "https://3221225991", MALFORMED),
    ("IPv4, three parts", "https://192.0.519", MALFORMED),
    ("IPv4, neighbour", "https://192.0.2.8", tup("https", "192.0.2.8", 443)),
    ("IPv6", "https://[2001:db8::1]:8443", tup("https", "[2001:db8::1]", 8443)),
    ("IPv6, other port", "https://[2001:db8::1]", tup("https", "[2001:db8::1]", 443)),
    ("IPv6, upper case", "https://[2001:DB8::1]:8443", tup("https", "[2001:db8::1]", 8443)),
    ("IPv6, long form", "https://[2001:db8:0:0:0:0:0:1]:8443", MALFORMED),
    ("IPv6, zone", "https://[2001:db8::1%25eth0]:8443", MALFORMED),
    ("IPv6, no brackets", "https://2001:db8::1", MALFORMED),
    ("IPv6, open bracket", "https://[2001:db8::1", MALFORMED),
    ("IPv6, mapped", "https://[::ffff:192.0.2.7]", MALFORMED),
    ("localhost", "http://localhost:3000", tup("http", "localhost", 3000)),
    ("localhost, other port", "http://localhost", tup("http", "localhost", 80)),
    ("localhost with TLS", "https://localhost:3000", tup("https", "localhost", 3000)),
    ("loopback IPv4", "http://127.0.0.1", tup("http", "127.0.0.1", 80)),
    ("loopback IPv4, short", "http://127.1", MALFORMED),
    ("loopback IPv6", "http://[::1]", tup("http", "[::1]", 80)),
    ("loopback IPv6, default port", "http://[::1]:80", tup("http", "[::1]", 80)),
]

# Every header that browsers are known to write, and what none may: for the full product.
CORE = ["same", "port + 1", "other scheme", "subdomain", "subdomain of attacker", "shared suffix", "user info of attacker",
        "trailing dot", "upper-case host", "empty", "null", "attacker", "path"]

SITES = [[], ["same-origin"], ["same-site"], ["cross-site"], ["none"], ["Same-Origin"], [""], ["same-origin", "same-origin"],
         ["none", "cross-site"]]
# (method, Upgrade lines)
CHECKED = [("POST", []), ("PUT", []), ("PATCH", []), ("DELETE", []), ("CONNECT", []), ("QUERY", []), ("get", []),
           ("GET", ["websocket"]), ("GET", ["h2c, WebSocket"]), ("OPTIONS", ["websocket/13"])]
UNCHECKED = [("GET", []), ("HEAD", []), ("OPTIONS", []), ("TRACE", []), ("GET", ["h2c"])]
# Neither may matter, so they only vary from row to row.
COOKIES = [[], ["__Host-doorward-access=x"]]
REFERERS = [[], ["https://shop.example/"], ["https://evil.example/"]]


def verdict(trusted, mode, checked, origins, sites):
    """The decision table."""
    if not checked:
        return "trusted"
    if len(origins) > 1:
        return "origin_duplicate"
    if origins:
        what = origins[0]
        if what == NULL:
            return "origin_null"
        if what == MALFORMED:
            return "origin_malformed"
        return "trusted" if what in trusted.values() else "origin_not_configured"
    if len(sites) > 1:
        return "fetch_site_duplicate"
    if sites:
        return {
            "same-origin": "trusted",
            "none": "trusted",
            "same-site": "fetch_site_same_site",
            "cross-site": "fetch_site_cross_site",
        }.get(sites[0], "fetch_site_unknown")
    return "trusted" if mode == "compat" else "origin_absent"


def field(lines):
    shown = []
    for line in lines:
        data = line if isinstance(line, bytes) else line.encode()
        plain = lambda byte: 0x21 <= byte <= 0x7E and byte not in b"%[]"
        shown.append("[" + "".join(chr(byte) if plain(byte) else f"%{byte:02x}" for byte in data) + "]")
    return "".join(shown)


def rows():
    by_name = {name: (text, what) for name, text, what in ORIGINS}
    single = {name: [by_name[name]] for name in by_name}
    core = [[]] + [single[name] for name in CORE]
    core += [single["same"] * 2, single["same"] + single["attacker"], single["null"] + single["same"]]
    # 1. The product of everything that decides, over the core origins.
    for (method, upgrade), origins, sites in itertools.product(CHECKED, core, SITES):
        yield "one", "strict", method, upgrade, True, origins, sites
    for (method, upgrade), origins, sites in itertools.product(CHECKED[:1] + CHECKED[-3:], core, SITES):
        yield "one", "compat", method, upgrade, True, origins, sites
    # 2. Safe requests are not checked, whatever they carry.
    for (method, upgrade), origins, sites in itertools.product(UNCHECKED, core[::2], ([], ["cross-site"])):
        yield "one", "strict", method, upgrade, False, origins, sites
    # 3. Every origin against every trusted set, with and without the browser's word for it.
    for trusted, name, sites in itertools.product(TRUSTED, single, ([], ["same-origin"], ["cross-site"])):
        yield trusted, "strict", "POST", [], True, single[name], sites
    # 4. No origin configured, none sent.
    for mode, sites in itertools.product(("strict", "compat"), SITES):
        yield "none", mode, "POST", [], True, [], sites


def main():
    out = ["# Written by tests/python_tables/origin_table.py: change that, not this.",
           "# A trusted set: its name, then the configured origins. A row: trusted set, mode, method, Upgrade, Cookie,",
           "# Referer, Origin, Sec-Fetch-Site, verdict. Header lines stand in brackets; %xx is a byte."]
    out += [f"{name}\t{field(TRUSTED[name])}" for name in TRUSTED]
    for number, (trusted, mode, method, upgrade, checked, origins, sites) in enumerate(rows()):
        expected = verdict(TRUSTED[trusted], mode, checked, [what for _, what in origins], sites)
        out.append("\t".join([
            trusted, mode, method, field(upgrade), field(COOKIES[number % 2]),
            field(REFERERS[number % 3]), field([text for text, _ in origins]), field(sites), expected,
        ]))
    sys.stdout.buffer.write(("\n".join(out) + "\n").encode("ascii"))


if __name__ == "__main__":
    main()
