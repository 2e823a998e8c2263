/* A plugin for the tests. Kind `gadget`: a second factor that shows its code when it is enrolled, and asks for it.
 * Kind `gate`: answers when something is written into a pipe, so that a test decides how long a call is pending. */
#include <doorward_plugin.h>
#include <stdlib.h>
#include <unistd.h>

static dwp_status verdict(const dwp_request *rq, dwp_reply *rp, int good)
{
    return rq->host->verdict(rp, good ? DWP_ACCEPT : DWP_DENY, good ? 0 : DWP_WRONG);
}

static dwp_status gadget_enroll(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    rq->host->challenge(rp, "serial", "2468", 4);
    rq->host->state(rp, "2468", 4, 0);
    return rq->host->verdict(rp, DWP_CONTINUE, 0);
}

static dwp_status gadget_step(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes code = dwp_find(rq->credentials, rq->n_credentials, "code");
    int good = code.len == rq->state.len && memcmp(code.ptr, rq->state.ptr, code.len) == 0;
    (void)self;
    if (good) rq->host->put_record(rp, NULL, code.ptr, code.len);
    return verdict(rq, rp, good);
}

static dwp_status gadget_verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes code = dwp_find(rq->credentials, rq->n_credentials, "code");
    int good = 0;
    uint32_t i;
    (void)self;
    for (i = 0; i < rq->n_records; i++)
        good |= rq->records[i]->bytes.len == code.len && memcmp(rq->records[i]->bytes.ptr, code.ptr, code.len) == 0;
    return verdict(rq, rp, good);
}

/* The credential `pipe` is the number of a descriptor of this process. */
static dwp_status gate_verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes given = dwp_find(rq->credentials, rq->n_credentials, "pipe");
    char number[16] = "", byte;
    (void)self;
    if (given.len < sizeof number) memcpy(number, given.ptr, given.len);
    if (read(atoi(number), &byte, 1) < 0) return DWP_E_UNAVAILABLE;
    return verdict(rq, rp, 0);
}

static const dwp_field enroll_code = {sizeof(dwp_field), DWP_SECRET, "code", "one-time-code", 16, DWP_FOR_ENROLL, 1, 0};
static const dwp_field code = {sizeof(dwp_field), DWP_SECRET, "code", "one-time-code", 16, DWP_FOR_VERIFY, 0, 0};
static const dwp_field pipe_field = {sizeof(dwp_field), 0, "pipe", NULL, 15, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const gadget_fields[] = {&enroll_code, &code};
static const dwp_field *const gate_fields[] = {&pipe_field};
static const dwp_kind gadget = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_SEVERAL_RECORDS, .name = "gadget",
    .title = "Gadget", .identifier_source = DWP_SOURCE_USER, .factor = DWP_FACTOR_POSSESSION, .channel = "gadget",
    .fields = gadget_fields, .n_fields = 2, .record_version = 1, .max_record = 16, .max_state = 16,
    .enroll = gadget_enroll, .verify = gadget_verify, .step = gadget_step,
};
static const dwp_kind gate = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START, .name = "gate", .title = "Gate",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "gate", .fields = gate_fields,
    .n_fields = 1, .verify = gate_verify,
};
static const dwp_kind *const kinds[] = {&gadget, &gate};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 2, .kinds = kinds, .id = "org.doorward.test", .version = "1.0.0", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(gadget) { return &module; }
