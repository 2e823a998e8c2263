/* A plugin that calls every host service and says in one text what it saw. INLINE, keeps no records.
 * -DKIND='"name"' names the kind, so that several can be loaded side by side. */
#include <doorward_plugin.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef KIND
#define KIND "probe"
#endif

struct dwp_instance {
    int64_t limit;
    int32_t strict;
    char greeting[32];
    char key[32];
};

static dwp_status open_probe(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    dwp_instance *self = calloc(1, sizeof *self);
    dwp_bytes text = {NULL, 0};
    if (self == NULL)
        return DWP_E_MEMORY;
    self->limit = 3;
    if (args->host->config_text(args->config, "server.greeting", &text) == DWP_OK && text.len < sizeof self->greeting)
        memcpy(self->greeting, text.ptr, text.len);
    if (args->host->config_secret(args->config, "key", &text) == DWP_OK && text.len < sizeof self->key)
        memcpy(self->key, text.ptr, text.len);
    if (args->host->config_text(args->config, "key", &text) != DWP_E_CONFIG)
        return DWP_E_INTERNAL; /* a secret is not a text */
    args->host->config_integer(args->config, "limit", &self->limit);
    args->host->config_boolean(args->config, "strict", &self->strict);
    if (self->limit == 13) {
        args->host->message(rp, "thirteen is unlucky", 19);
        free(self);
        return DWP_E_CONFIG;
    }
    *out = self;
    return DWP_OK;
}

static void close_probe(dwp_instance *self) { free(self); }

static dwp_status normalize(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    uint8_t out[1026];
    size_t i, len = rq->identifier_raw.len;
    (void)self;
    if (len > 1024 || rq->identifier_raw.ptr[0] == '!')
        return rq->host->verdict(rp, DWP_DENY, DWP_INVALID_INPUT);
    for (i = 0; i < len; i++) {
        uint8_t c = rq->identifier_raw.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    if (out[0] == '+') /* a bug on purpose: every pass makes it longer */
        out[len++] = '+';
    rq->host->identifier(rp, out, len);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

#define CHECK(what) if (!(what)) { rq->host->message(rp, #what, sizeof #what - 1); return DWP_E_INTERNAL; }

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    const dwp_host *h = rq->host;
    uint8_t a[32] = {0}, b[32] = {0}, sealed[256], opened[64];
    size_t n = 0, m = 0;
    char text[128];
    dwp_bytes config = {NULL, 0};
    CHECK(h->struct_size >= sizeof(dwp_host) && h->abi_major == DWP_ABI_MAJOR)
    CHECK(strcmp(h->product, "doorward") == 0)
    CHECK(h->random(h, a, sizeof a) == DWP_OK && h->random(h, b, sizeof b) == DWP_OK && memcmp(a, b, 32) != 0)
    CHECK(h->random(h, NULL, 4) == DWP_E_ARGUMENT)
    /* In a process of its own the clock runs on from the moment of the question. */
    CHECK(h->unix_micros(h) >= 1700000000000000 && h->unix_micros(h) < 1700000030000000)
    CHECK(h->monotonic_ns(h) <= h->monotonic_ns(h))
    CHECK(h->remaining_ns(h, rq->call) > 0 && h->remaining_ns(h, NULL) == 0)
    CHECK(!h->cancelled(h, rq->call) && h->cancelled(h, (const dwp_call *)a))
    CHECK(h->ct_equal("abc", "abc", 3) == 1 && h->ct_equal("abc", "abd", 3) == 0 && h->ct_equal(NULL, "a", 1) == 0)
    CHECK(h->sha256("abc", 3, a) == DWP_OK && a[0] == 0xba && a[31] == 0xad)
    CHECK(h->hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, b) == DWP_OK && b[0] == 0x5b && b[31] == 0x43)
    CHECK(h->base64url_encode("\377\376", 2, text, 2, &n) == DWP_E_TOO_LARGE && n == 3)
    CHECK(h->base64url_encode("\377\376", 2, text, sizeof text, &n) == DWP_OK && n == 3 && memcmp(text, "__4", 3) == 0)
    CHECK(h->base64url_decode("__4", 3, a, sizeof a, &n) == DWP_OK && n == 2 && a[0] == 0xff)
    CHECK(h->base64url_decode("__5", 3, a, sizeof a, &n) == DWP_E_FORMAT) /* spare bits */
    CHECK(h->base64url_decode("__4=", 4, a, sizeof a, &n) == DWP_E_FORMAT)
    CHECK(h->seal(h, rq->call, "cookie", "secret", 6, sealed, sizeof sealed, &n) == DWP_OK && n > 6)
    CHECK(h->unseal(h, rq->call, "cookie", sealed, n, opened, sizeof opened, &m) == DWP_OK && m == 6)
    CHECK(memcmp(opened, "secret", 6) == 0)
    CHECK(h->unseal(h, rq->call, "other", sealed, n, opened, sizeof opened, &m) == DWP_E_FORMAT)
    CHECK(h->seal(h, NULL, "cookie", "secret", 6, sealed, sizeof sealed, &n) == DWP_E_ARGUMENT)
    h->wipe(opened, sizeof opened);
    CHECK(opened[0] == 0)
    CHECK(h->config_text((const dwp_config *)a, "greeting", &config) == DWP_E_ARGUMENT) /* in open only */
    CHECK(h->audit(h, rq->call, "probe.seen", "{\"n\":1}", 7) == DWP_OK)
    CHECK(h->audit(h, rq->call, "Probe", "", 0) == DWP_E_ARGUMENT && h->audit(h, rq->call, "p", "{", 1) == DWP_E_ARGUMENT)
    CHECK(h->extension(h, DWP_EXT_PWHASH) != NULL && h->extension(h, DWP_EXT_KV) != NULL)
    CHECK(h->extension(h, DWP_EXT_PWHASH "0") == NULL)
    h->log(h, rq->call, DWP_LOG_INFO, "a line\nforged", 13);
    n = (size_t)snprintf(text, sizeof text, "\"%s|%s|%lld|%d|%.*s\"", self->greeting, self->key, (long long)self->limit,
                         (int)self->strict, (int)rq->provider.len, (const char *)rq->provider.ptr);
    h->attribute(rp, "seen", text, n);
    return h->verdict(rp, DWP_ACCEPT, 0);
}

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":20},\"strict\":{\"type\":\"boolean\"},"
    "\"key\":{\"type\":\"string\",\"writeOnly\":true},"
    "\"server\":{\"type\":\"object\",\"properties\":{\"greeting\":{\"type\":\"string\",\"maxLength\":31}}}},"
    "\"required\":[\"key\"]}";

static const dwp_field word = {sizeof(dwp_field), DWP_SECRET, "word", "off", 8, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&word};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_CAN_START, .name = KIND, .title = "Probe",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "probe", .fields = fields,
    .n_fields = 1, .config_schema = schema, .open = open_probe, .close = close_probe, .normalize = normalize,
    .verify = verify,
};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward." KIND, .version = "1.0.0", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(probe) { return &module; }
