/* A provider that accepts everything, for measuring what the way to it costs. INLINE, or on a pool with
 * -DFLAGS=0; keeps no records. */
#include <doorward_plugin.h>

#ifndef FLAGS
#define FLAGS DWP_INLINE
#endif

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static const dwp_field word = {sizeof(dwp_field), DWP_SECRET, "word", NULL, 64, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&word};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = FLAGS | DWP_CAN_START, .name = "yes", .title = "Yes",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "yes", .fields = fields,
    .n_fields = 1, .verify = verify,
};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.bench.yes", .version = "1.0.0", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(yes) { return &module; }
