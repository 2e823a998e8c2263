/* A kind that says more than one call may: 150 log lines and 30 audit records. It shows how many records were taken. */
#include <doorward_plugin.h>
#include <stdio.h>

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    char text[16];
    int i, taken = 0, refused = 0, n;
    (void)self;
    for (i = 0; i < 150; i++)
        rq->host->log(rq->host, i % 2 ? rq->call : NULL, DWP_LOG_WARN, "chatter", 7);
    for (i = 0; i < 30; i++) {
        dwp_status status = rq->host->audit(rq->host, i % 2 ? rq->call : NULL, "chatty.said", "", 0);
        taken += status == DWP_OK;
        refused += status == DWP_E_OVERLOADED;
    }
    n = snprintf(text, sizeof text, "[%d,%d]", taken, refused);
    rq->host->attribute(rp, "records", text, (size_t)n);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static const dwp_field word = {sizeof(dwp_field), DWP_SECRET, "word", NULL, 8, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&word};
static const dwp_kind chatty = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_CAN_START, .name = "chatty", .title = "Chatty",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "chatty", .fields = fields,
    .n_fields = 1, .verify = verify,
};
static const dwp_kind *const kinds[] = {&chatty};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.tests.chatty", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(chatty) { return &module; }
