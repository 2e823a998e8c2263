/* A kind that writes to people: `courier` sends a code to whoever is named, known or not, and a welcome at enrollment. Its
 * credential "do" names what is wrong with what it sends; empty: nothing is. */
#include <doorward_plugin.h>

static const char long_text[5000] = "x";

static int is(dwp_bytes text, const char *name)
{
    size_t i;
    for (i = 0; i < text.len && name[i] != 0; i++)
        if (text.ptr[i] != (uint8_t)name[i])
            return 0;
    return i == text.len && name[i] == 0;
}

static dwp_pair value(const char *name, size_t name_len, const void *text, size_t len)
{
    dwp_pair made = {{(const uint8_t *)name, name_len}, {text, len}};
    return made;
}

static dwp_status send(const dwp_request *rq, dwp_reply *rp, const char *words)
{
    const dwp_deliver *deliver = rq->host->extension(rq->host, DWP_EXT_DELIVER);
    dwp_bytes how = dwp_find(rq->credentials, rq->n_credentials, "do");
    dwp_pair params[17];
    const char *channel = "email";
    const void *address = rq->identifier.ptr;
    size_t address_len = rq->identifier.len;
    uint32_t n = 1, times = 1, i;

    if (deliver == NULL)
        return DWP_E_UNSUPPORTED;
    for (i = 0; i < 17; i++)
        params[i] = value("code", 4, "4711", 4);
    if (is(how, "five")) times = 5;
    if (is(how, "four")) times = 4;
    if (is(how, "bad_channel")) channel = "E-Mail";
    if (is(how, "null_channel")) channel = NULL;
    if (is(how, "bad_template")) words = "Bad Template";
    if (is(how, "long_template")) words = "a23456789012345678901234567890123456789012345678901234567890123456";
    if (is(how, "no_address")) address_len = 0;
    if (is(how, "null_address")) address = NULL;
    if (is(how, "long_address")) address = long_text, address_len = 1025;
    if (is(how, "two_lines")) address = "a@b.c\r\nbcc: d", address_len = 13;
    if (is(how, "not_utf8")) address = "\xff\xfe@b.c", address_len = 6;
    if (is(how, "param_twice")) n = 2;
    if (is(how, "many_params")) n = 17;
    if (is(how, "param_unnamed")) params[0].name.len = 0;
    if (is(how, "param_long")) params[0].value.ptr = (const uint8_t *)long_text, params[0].value.len = 4097;
    if (is(how, "param_null")) params[0].value.ptr = NULL;
    if (is(how, "param_not_utf8")) params[0].value.ptr = (const uint8_t *)"\xff\xff\xff\xff";
    if (is(how, "endless")) address_len = SIZE_MAX;
    if (is(how, "too_much")) {
        static const char names[16][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"};
        static const char full[4096] = {0};
        for (i = 0; i < 16; i++) params[i] = value(names[i], 1, full, sizeof full);
        n = 16, times = 2;
    }
    for (i = 0; i < times; i++)
        deliver->message(rp, channel, address, address_len, words, n == 0 ? NULL : params, n, is(how, "hour") ? 3600 : 0);
    if (is(how, "foreign"))
        deliver->message((dwp_reply *)((char *)rp + 1), channel, address, address_len, words, params, n, 0);
    return DWP_OK;
}

static dwp_status enroll(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    dwp_status status = send(rq, rp, "courier.welcome");
    if (status != DWP_OK)
        return status;
    rq->host->put_record(rp, NULL, "1", 1);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    dwp_bytes how = dwp_find(rq->credentials, rq->n_credentials, "do");
    dwp_status status = send(rq, rp, "courier.code");
    if (status != DWP_OK)
        return status;
    if (is(how, "deny"))
        return rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
    if (is(how, "fail"))
        return DWP_E_UNAVAILABLE;
    if (is(how, "silent"))
        return DWP_OK;
    if (is(how, "accept"))
        return rq->host->verdict(rp, DWP_ACCEPT, 0);
    rq->host->state(rp, "sent", 4, 0);
    return rq->host->verdict(rp, DWP_CONTINUE, 0);
}

static dwp_status step(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    dwp_bytes code = dwp_find(rq->credentials, rq->n_credentials, "code");
    if (is(code, "again")) {
        send(rq, rp, "courier.code");
        rq->host->state(rp, "sent", 4, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
    if (is(code, "4711"))
        return rq->host->verdict(rp, DWP_ACCEPT, 0);
    send(rq, rp, "courier.code");
    return rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
}

static const dwp_field how = {sizeof(dwp_field), DWP_OPTIONAL, "do", NULL, 32, DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0, 0};
static const dwp_field code = {sizeof(dwp_field), DWP_SECRET, "code", NULL, 32, DWP_FOR_VERIFY, 1, 0};
static const dwp_field second = {sizeof(dwp_field), DWP_SECRET, "code", NULL, 32, DWP_FOR_VERIFY, 2, 0};
static const dwp_field *const fields[] = {&how, &code, &second};
static const dwp_kind courier = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_CAN_START, .name = "courier",
    .title = "Courier", .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_POSSESSION, .channel = "email",
    .fields = fields, .n_fields = 3, .record_version = 1, .max_record = 32, .max_state = 16,
    .enroll = enroll, .verify = verify, .step = step,
};
static const dwp_kind *const kinds[] = {&courier};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.tests.courier", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(courier) { return &module; }
