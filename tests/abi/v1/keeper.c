/* A kind that does with doorward.kv/1 what its credentials say, and tells what came of it: `do` is get, put, remove or
 * add; the answer is an attribute, "status|value|number". Once on the pool and once inline, where it is refused. */
#include <doorward_plugin.h>
#include <stdio.h>
#include <stdlib.h>


static const dwp_kv *kv_of(const dwp_host *host)
{
    const dwp_kv *kv = (const dwp_kv *)host->extension(host, DWP_EXT_KV);
    return kv && DWP_HAS(dwp_kv, kv, add) ? kv : NULL;
}

static long long number(const dwp_request *rq, const char *name, long long otherwise)
{
    dwp_bytes text = dwp_find(rq->credentials, rq->n_credentials, name);
    char digits[32] = {0};
    if (text.len == 0 || text.len >= sizeof digits)
        return otherwise;
    memcpy(digits, text.ptr, text.len);
    return atoll(digits);
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    static const char hex[] = "0123456789abcdef";
    const dwp_host *h = rq->host;
    const dwp_kv *kv = kv_of(h);
    dwp_bytes what = dwp_find(rq->credentials, rq->n_credentials, "do");
    dwp_bytes key = dwp_find(rq->credentials, rq->n_credentials, "key");
    dwp_bytes value = dwp_find(rq->credentials, rq->n_credentials, "value");
    long long many = number(rq, "many", -1);
    uint32_t seconds = (uint32_t)number(rq, "seconds", 0);
    int64_t expect = number(rq, "expect", DWP_KV_ANY), out = 0;
    char read[64], line[256], shown[2 * sizeof read + 1];
    size_t written = 0, i, key_len = many < 0 ? key.len : (size_t)many;
    static char zeros[DWP_KV_MAX_VALUE + 1];
    const void *key_at = many < 0 ? (const void *)key.ptr : zeros;
    dwp_status status = DWP_E_UNSUPPORTED;
    int length;
    (void)self;
    if (kv == NULL)
        return DWP_E_UNSUPPORTED;
    if (what.len == 3 && memcmp(what.ptr, "get", 3) == 0)
        status = kv->get(h, rq->call, key_at, key_len, read, sizeof read, &written, &out);
    else if (what.len == 3 && memcmp(what.ptr, "put", 3) == 0)
        status = kv->put(h, rq->call, key_at, key_len, value.ptr, value.len, seconds, expect, &out);
    else if (what.len == 4 && memcmp(what.ptr, "fill", 4) == 0) /* a value of `delta` bytes */
        status = kv->put(h, rq->call, key_at, key_len, zeros, (size_t)number(rq, "delta", 0), seconds, expect, NULL);
    else if (what.len == 6 && memcmp(what.ptr, "remove", 6) == 0)
        status = kv->remove(h, rq->call, key_at, key_len, expect);
    else if (what.len == 3 && memcmp(what.ptr, "add", 3) == 0)
        status = kv->add(h, rq->call, key_at, key_len, number(rq, "delta", 1), seconds, &out);
    else if (what.len == 7 && memcmp(what.ptr, "uncalls", 7) == 0)
        status = kv->add(h, NULL, key_at, key_len, 1, 0, NULL);
    if (status == DWP_E_UNAVAILABLE || status == DWP_E_TIMEOUT)
        return status;
    if (status != DWP_OK || written > sizeof read)
        i = 0;
    else
        for (i = 0; i < written; i++) {
            shown[2 * i] = hex[(uint8_t)read[i] >> 4];
            shown[2 * i + 1] = hex[(uint8_t)read[i] & 15];
        }
    shown[2 * i] = 0;
    length = snprintf(line, sizeof line, "\"%d|%s|%lld\"", (int)status, shown, (long long)out);
    h->attribute(rp, "kept", line, (size_t)length);
    return h->verdict(rp, DWP_ACCEPT, 0);
}

/* Pure: so it may not ask. */
static dwp_status normalize(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    const dwp_kv *kv = kv_of(rq->host);
    (void)self;
    if (kv == NULL || kv->add(rq->host, rq->call, "k", 1, 1, 0, NULL) != DWP_E_ARGUMENT)
        return DWP_E_INTERNAL;
    rq->host->identifier(rp, rq->identifier_raw.ptr, rq->identifier_raw.len);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status open_keeper(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    const dwp_kv *kv = kv_of(args->host);
    (void)out;
    (void)rp;
    return kv && kv->add(args->host, NULL, "k", 1, 1, 0, NULL) != DWP_OK ? DWP_OK : DWP_E_INTERNAL;
}

#define FIELD(name, flags) {sizeof(dwp_field), flags, name, NULL, 65536, DWP_FOR_VERIFY, 0, 0}
static const dwp_field given[] = {FIELD("do", 0), FIELD("key", 0), FIELD("value", DWP_OPTIONAL),
                                  FIELD("many", DWP_OPTIONAL), FIELD("seconds", DWP_OPTIONAL),
                                  FIELD("expect", DWP_OPTIONAL), FIELD("delta", DWP_OPTIONAL)};
static const dwp_field *const fields[] = {given, given + 1, given + 2, given + 3, given + 4, given + 5, given + 6};
#define KIND(called, with)                                                                                             \
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START | with, .name = called, .title = "Keeper",                 \
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "keeper", .fields = fields,      \
    .n_fields = 7, .open = open_keeper, .normalize = normalize, .verify = verify
static const dwp_kind pooled = {KIND("keeper", 0)};
static const dwp_kind in_line = {KIND("keeper.inline", DWP_INLINE)};
static const dwp_kind *const kinds[] = {&pooled, &in_line};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 2, .kinds = kinds, .id = "org.doorward.tests.keeper", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(keeper) { return &module; }
