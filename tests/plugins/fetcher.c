/* A kind that asks doorward.http/1 in the way that its credential `how` names, mostly wrongly, and tells what came of it as an
 * attribute, "status|HTTP status|bytes". Once on the pool and once inline, where it is refused. */
#include <doorward_plugin.h>
#include <stdio.h>

static const dwp_http *http_of(const dwp_host *host)
{
    const dwp_http *http = (const dwp_http *)host->extension(host, DWP_EXT_HTTP);
    return http && DWP_HAS(dwp_http, http, fetch) ? http : NULL;
}

static int is(dwp_bytes text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

#define TEXT(word) {(const uint8_t *)(word), sizeof(word) - 1}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    static const char url[] = "https://issuer.example/token", zeros[DWP_HTTP_MAX + 1];
    static const dwp_pair good[33] = {{TEXT("accept"), TEXT("text/plain")}, {TEXT("x-a"), TEXT("b")}};
    static const dwp_pair bad[1] = {{TEXT("x-\xff"), TEXT("b")}};
    const dwp_host *h = rq->host;
    const dwp_http *http = http_of(h);
    dwp_bytes how = dwp_find(rq->credentials, rq->n_credentials, "how");
    uint32_t status = 77;
    size_t written = 77;
    char out[64], line[64];
    dwp_status told;
    int length;
    (void)self;
    if (http == NULL)
        return DWP_E_UNSUPPORTED;
#define FETCH(call, method, url, url_len, headers, n, body, len, status, out, room, written)                           \
    told = http->fetch(h, call, method, url, url_len, headers, n, body, len, status, out, room, written)
    if (is(how, "rightly"))
        FETCH(rq->call, "POST", url, sizeof url - 1, good, 2, "a=b", 3, &status, out, sizeof out, &written);
    else if (is(how, "barely"))
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "without room"))
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, NULL, 0, &written);
    else if (is(how, "without a place for the status"))
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, NULL, out, sizeof out, &written);
    else if (is(how, "without a place for the length"))
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, sizeof out, NULL);
    else if (is(how, "into nothing"))
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, NULL, sizeof out, &written);
    else if (is(how, "without an address"))
        FETCH(rq->call, "GET", NULL, 5, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "with a long address"))
        FETCH(rq->call, "GET", zeros, DWP_HTTP_MAX_URL + 1, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "without a method"))
        FETCH(rq->call, NULL, url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "with an unknown method"))
        FETCH(rq->call, "get", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "with a long method"))
        FETCH(rq->call, "GETGETGETGETGETGETGET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "without the headers"))
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 1, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "with many headers"))
        FETCH(rq->call, "GET", url, sizeof url - 1, good, 33, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "with a header of bytes"))
        FETCH(rq->call, "GET", url, sizeof url - 1, bad, 1, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "without the body"))
        FETCH(rq->call, "POST", url, sizeof url - 1, NULL, 0, NULL, 9, &status, out, sizeof out, &written);
    else if (is(how, "with a long body"))
        FETCH(rq->call, "POST", url, sizeof url - 1, NULL, 0, zeros, sizeof zeros, &status, out, sizeof out, &written);
    else if (is(how, "without a call"))
        FETCH(NULL, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
    else if (is(how, "with the reply for a call"))
        FETCH((const dwp_call *)(const void *)&status, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out,
              sizeof out, &written);
    else if (is(how, "into eight bytes")) /* and what the host says of it is the answer */
        return http->fetch(h, rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, 8, &written);
    else if (is(how, "into eight bytes, accepting")) {
        h->verdict(rp, DWP_ACCEPT, 0);
        return http->fetch(h, rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, 8, &written);
    } else if (is(how, "into eight bytes, unavailable")) {
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, 8, &written);
        return told == DWP_OK ? DWP_E_INTERNAL : DWP_E_UNAVAILABLE;
    } else if (is(how, "into eight bytes, then more")) {
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, 8, &written);
        FETCH(rq->call, "GET", url, sizeof url - 1, NULL, 0, NULL, 0, &status, out, sizeof out, &written);
        return told == DWP_OK ? DWP_E_TOO_LARGE : told;
    } else if (is(how, "too large")) /* of what nobody knows */
        return DWP_E_TOO_LARGE;
    else if (is(how, "too large, as it says")) {
        h->message(rp, "the directory's entry has 70000 bytes, and 65536 are taken", 58);
        return DWP_E_TOO_LARGE;
    } else if (is(how, "too large a label")) {
        h->message(rp, "a label", 7);
        return h->label(rp, zeros, sizeof zeros) == DWP_OK ? DWP_OK : DWP_E_TOO_LARGE;
    } else
        return DWP_E_ARGUMENT;
    length = snprintf(line, sizeof line, "\"%d|%u|%zu\"", (int)told, (unsigned)status, written);
    h->attribute(rp, "told", line, (size_t)length);
    return h->verdict(rp, DWP_ACCEPT, 0);
}

/* Pure: so it may not ask. */
static dwp_status normalize(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    const dwp_http *http = http_of(rq->host);
    uint32_t status;
    size_t written;
    (void)self;
    if (http == NULL || http->fetch(rq->host, rq->call, "GET", "https://issuer.example", 22, NULL, 0, NULL, 0, &status,
                                    NULL, 0, &written) != DWP_E_ARGUMENT)
        return DWP_E_INTERNAL;
    rq->host->identifier(rp, rq->identifier_raw.ptr, rq->identifier_raw.len);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status open_fetcher(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    const dwp_http *http = http_of(args->host);
    uint32_t status;
    size_t written;
    (void)out;
    (void)rp;
    return http && http->fetch(args->host, NULL, "GET", "https://issuer.example", 22, NULL, 0, NULL, 0, &status, NULL, 0,
                               &written) != DWP_OK
               ? DWP_OK
               : DWP_E_INTERNAL;
}

static const dwp_field how = {sizeof(dwp_field), 0, "how", NULL, 64, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&how};
#define KIND(called, with)                                                                                             \
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START | with, .name = called, .title = "Fetcher",                \
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "fetcher", .fields = fields,     \
    .n_fields = 1, .open = open_fetcher, .normalize = normalize, .verify = verify
static const dwp_kind pooled = {KIND("fetcher", 0)};
static const dwp_kind in_line = {KIND("fetcher.inline", DWP_INLINE)};
static const dwp_kind *const kinds[] = {&pooled, &in_line};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 2, .kinds = kinds, .id = "org.doorward.tests.fetcher", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(fetcher) { return &module; }
