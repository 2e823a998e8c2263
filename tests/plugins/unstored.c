/* A kind whose first step asks to travel in the flow token. -DLACKS=n leaves out one thing that it needs for that: 1 that
 * its credentials cannot be guessed, 2 that it finds who it is, 3 that it can start, 4 its step. */
#include <doorward_plugin.h>

#ifndef LACKS
#define LACKS 0
#endif

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    return rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
}

static const dwp_field key = {sizeof(dwp_field), DWP_SECRET, "key", NULL, 64, DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&key};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind),
    .flags = DWP_KEEPS_RECORDS | DWP_UNSTORED_START | (LACKS == 1 ? 0 : DWP_UNGUESSABLE) | (LACKS == 3 ? 0 : DWP_CAN_START),
    .name = "unstored", .title = "Unstored", .identifier_source = LACKS == 2 ? DWP_SOURCE_GIVEN : DWP_SOURCE_FOUND,
    .factor = DWP_FACTOR_POSSESSION, .channel = "unstored", .fields = fields, .n_fields = 1, .record_version = 1,
    .max_record = 16, .enroll = verify, .verify = verify,
#if LACKS != 4
    .max_state = 16, .step = verify,
#endif
};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.tests.unstored", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(unstored) { return &module; }
