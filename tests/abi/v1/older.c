/* A kind whose records of version 2 are a word; those of version 1 had "v1:" in front. It rewrites them, and its verify knows
 * version 2 only. The word decides how it misbehaves. Its gateway's key is a secret, though the schema does not say so. */
#include <doorward_plugin.h>

#ifndef VERSION
#define VERSION 2
#endif
#ifndef WITHOUT_MIGRATE
#define WITHOUT_MIGRATE 0
#endif
#ifndef MIN_HOST_MINOR
#define MIN_HOST_MINOR 0
#endif
#ifndef SECRET_OPTION
#define SECRET_OPTION "gateway.key"
#endif

static int is(dwp_bytes text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static dwp_status enroll(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes word = dwp_find(rq->credentials, rq->n_credentials, "word");
    char record[64] = "v1:";
    (void)self;
    if (word.len > sizeof record - 3)
        return DWP_E_TOO_LARGE;
    memcpy(record + 3, word.ptr, word.len);
    if (VERSION == 1)
        rq->host->put_record(rp, NULL, record, word.len + 3);
    else
        rq->host->put_record(rp, NULL, word.ptr, word.len);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes word = dwp_find(rq->credentials, rq->n_credentials, "word");
    uint32_t i;
    (void)self;
    for (i = 0; i < rq->n_records; i++) {
        dwp_bytes known = rq->records[i]->bytes;
        if (rq->records[i]->format != VERSION)
            return DWP_E_FORMAT;
        if (VERSION == 1 && known.len >= 3)
            known.ptr += 3, known.len -= 3;
        if (known.len == word.len && rq->host->ct_equal(known.ptr, word.ptr, word.len)) {
            if (is(word, "replace"))
                rq->host->put_record(rp, rq->records[i]->id, known.ptr, known.len);
            return rq->host->verdict(rp, DWP_ACCEPT, 0);
        }
    }
    return rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
}

static dwp_status migrate(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    const dwp_record *old = rq->records[0];
    dwp_bytes word = {old->bytes.ptr + 3, old->bytes.len - 3};
    (void)self;
    if (rq->operation != DWP_OP_MIGRATE || rq->purpose != 0 || rq->n_records != 1 || rq->n_credentials != 0 ||
        rq->state.len != 0 || rq->identifier.len != 0 || rq->subject.len != 16 || old->format != 1)
        return DWP_E_INTERNAL;
    if (is(word, "deny"))
        return rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
    if (is(word, "format"))
        return DWP_E_FORMAT;
    if (is(word, "down"))
        return DWP_E_UNAVAILABLE;
    if (is(word, "nothing"))
        return rq->host->verdict(rp, DWP_ACCEPT, 0);
    if (is(word, "new"))
        rq->host->put_record(rp, NULL, word.ptr, word.len);
    else if (is(word, "long"))
        rq->host->put_record(rp, old->id, old, 65);
    else
        rq->host->put_record(rp, old->id, word.ptr, word.len);
    if (is(word, "verdictless"))
        return DWP_OK;
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_operation migration(const char *kind) { return strcmp(kind, "older") == 0 ? migrate : NULL; }
static const dwp_migrate migrates = {sizeof(dwp_migrate), 0, migration};
static const dwp_secret secret[] = {{"older", SECRET_OPTION}};
static const dwp_secrets secrets = {sizeof(dwp_secrets), 1, secret};
static const void *extension(const char *id)
{
    if (strcmp(id, DWP_EXT_MIGRATE) == 0)
        return VERSION > 1 && !WITHOUT_MIGRATE ? &migrates : NULL;
    return strcmp(id, DWP_EXT_SECRETS) == 0 ? &secrets : NULL;
}

static dwp_status open_older(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    dwp_bytes key = {NULL, 0};
    (void)out;
    if (args->host->config_secret(args->config, "gateway.key", &key) == DWP_E_CONFIG ||
        args->host->config_text(args->config, "gateway.key", &key) == DWP_OK) {
        args->host->message(rp, "gateway.key is no secret", 24);
        return DWP_E_CONFIG;
    }
    return DWP_OK;
}

static const dwp_field word = {sizeof(dwp_field), DWP_SECRET, "word", NULL, 32, DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&word};
static const dwp_kind older = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_KEEPS_RECORDS | DWP_CAN_START, .name = "older", .title = "Older",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "older", .fields = fields,
    .n_fields = 1, .record_version = VERSION, .max_record = 64, .open = open_older, .enroll = enroll, .verify = verify,
    .config_schema = "{\"type\":\"object\",\"properties\":{\"number\":{\"type\":\"integer\"},\"gateway\":{\"type\":"
                     "\"object\",\"properties\":{\"key\":{\"type\":\"string\"}}}}}",
};
static const dwp_kind *const kinds[] = {&older};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .min_host_minor = MIN_HOST_MINOR, .n_kinds = 1, .kinds = kinds, .id = "org.doorward.tests.older", .version = "2", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0", .extension = extension,
};

DWP_ENTRY(older) { return &module; }
