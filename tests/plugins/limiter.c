/* A kind that asks doorward.limit/1 what its credentials say. `do`: "ask" tells "status|wait" as an attribute and accepts;
 * "send" writes a message if the counter is open, and continues; "deny" and "fail" ask and do that; "meet" is "send", but
 * says at `ready` that it has asked, and waits until `go` is opened (both are pipes). Once on the pool and once inline,
 * where it is refused. */
#define _POSIX_C_SOURCE 200809L
#include <doorward_plugin.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static dwp_bytes given(const dwp_request *rq, const char *name)
{
    return dwp_find(rq->credentials, rq->n_credentials, name);
}

static void text_of(dwp_bytes from, char *out, size_t room)
{
    size_t len = from.len < room - 1 ? from.len : room - 1;
    if (len > 0)
        memcpy(out, from.ptr, len);
    out[len] = 0;
}

static uint32_t number(const dwp_request *rq, const char *name, uint32_t otherwise)
{
    char digits[32];
    text_of(given(rq, name), digits, sizeof digits);
    return digits[0] == 0 ? otherwise : (uint32_t)strtoul(digits, NULL, 10);
}

static const dwp_limit *limit_of(const dwp_host *host)
{
    const dwp_limit *limit = (const dwp_limit *)host->extension(host, DWP_EXT_LIMIT);
    return limit && DWP_HAS(dwp_limit, limit, limit) ? limit : NULL;
}

static void meet(const dwp_request *rq)
{
    char path[256], byte = 1;
    text_of(given(rq, "ready"), path, sizeof path);
    int ready = open(path, O_WRONLY);
    if (ready >= 0 && write(ready, &byte, 1) == 1)
        close(ready);
    text_of(given(rq, "go"), path, sizeof path);
    int go = open(path, O_RDONLY);
    if (go >= 0)
        close(go);
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    static const char zeros[2000];
    const dwp_host *h = rq->host;
    const dwp_limit *limit = limit_of(h);
    const dwp_deliver *deliver = (const dwp_deliver *)h->extension(h, DWP_EXT_DELIVER);
    char what[16], name[64], line[64];
    dwp_bytes subject = rq->identifier;
    uint32_t wait = 12345, times = number(rq, "times", 1), i;
    dwp_status status = DWP_E_UNSUPPORTED;
    int length;
    (void)self;
    if (limit == NULL || deliver == NULL)
        return DWP_E_UNSUPPORTED;
    text_of(given(rq, "do"), what, sizeof what);
    text_of(given(rq, "name"), name, sizeof name);
    if (given(rq, "many").len > 0) {
        subject.ptr = (const uint8_t *)zeros;
        subject.len = number(rq, "many", 0);
    }
    for (i = 0; i < times; i++) { /* of so many counters */
        if (times > 1)
            name[0] = (char)('a' + i);
        status = limit->limit(h, strcmp(what, "uncalled") == 0 ? NULL : rq->call, strcmp(what, "unnamed") == 0 ? NULL : name,
                              subject.ptr, subject.len, number(rq, "burst", 2), number(rq, "pace", 60),
                              strcmp(what, "untold") == 0 ? NULL : &wait);
        if (status == DWP_E_UNAVAILABLE || status == DWP_E_TIMEOUT)
            return status;
    }
    if (strcmp(what, "twice") == 0)
        limit->limit(h, rq->call, name, subject.ptr, subject.len, number(rq, "burst", 2), number(rq, "pace", 60), &wait);
    if (strcmp(what, "deny") == 0)
        return h->verdict(rp, DWP_DENY, DWP_WRONG);
    if (strcmp(what, "fail") == 0)
        return DWP_E_UNAVAILABLE;
    if (strcmp(what, "meet") == 0)
        meet(rq);
    if (strcmp(what, "send") == 0 || strcmp(what, "meet") == 0 || strcmp(what, "twice") == 0) {
        if (status != DWP_OK)
            return DWP_E_INTERNAL;
        if (wait == 0)
            deliver->message(rp, "email", rq->identifier.ptr, rq->identifier.len, "limiter.code", NULL, 0, 0);
        h->state(rp, "sent", 4, 0);
        return h->verdict(rp, DWP_CONTINUE, 0);
    }
    length = snprintf(line, sizeof line, "\"%d|%lu\"", (int)status, (unsigned long)wait);
    h->attribute(rp, "told", line, (size_t)length);
    return h->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status step(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

/* Pure: so it may not ask. */
static dwp_status normalize(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    uint32_t wait = 0;
    const dwp_limit *limit = limit_of(rq->host);
    (void)self;
    if (limit == NULL || limit->limit(rq->host, rq->call, "k", "a", 1, 1, 1, &wait) != DWP_E_ARGUMENT || wait == 0)
        return DWP_E_INTERNAL;
    rq->host->identifier(rp, rq->identifier_raw.ptr, rq->identifier_raw.len);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status open_limiter(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    uint32_t wait = 0;
    const dwp_limit *limit = limit_of(args->host);
    (void)out;
    (void)rp;
    return limit && limit->limit(args->host, NULL, "k", "a", 1, 1, 1, &wait) != DWP_OK && wait != 0 ? DWP_OK : DWP_E_INTERNAL;
}

#define FIELD(name) {sizeof(dwp_field), DWP_OPTIONAL, name, NULL, 256, DWP_FOR_VERIFY, 0, 0}
static const dwp_field asked[] = {FIELD("do"), FIELD("name"), FIELD("many"), FIELD("burst"),
                                  FIELD("pace"), FIELD("times"), FIELD("ready"), FIELD("go")};
static const dwp_field *const fields[] = {asked, asked + 1, asked + 2, asked + 3, asked + 4, asked + 5, asked + 6, asked + 7};
#define KIND(called, with)                                                                                             \
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START | with, .name = called, .title = "Limiter",                \
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_POSSESSION, .channel = "email", .fields = fields,      \
    .n_fields = 8, .max_state = 8, .open = open_limiter, .normalize = normalize, .verify = verify, .step = step
static const dwp_kind pooled = {KIND("limiter", 0)};
static const dwp_kind in_line = {KIND("limiter.inline", DWP_INLINE)};
static const dwp_kind *const kinds[] = {&pooled, &in_line};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 2, .kinds = kinds, .id = "org.doorward.tests.limiter", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(limiter) { return &module; }
