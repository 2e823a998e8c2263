/* A kind that returns the status and gives the verdict that it is told: the credential "say" has both, as the machine has
 * them. */
#include <doorward_plugin.h>

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes say = dwp_find(rq->credentials, rq->n_credentials, "say");
    int32_t status;
    uint32_t verdict;
    (void)self;
    if (say.len != sizeof status + sizeof verdict)
        return DWP_E_ARGUMENT;
    memcpy(&status, say.ptr, sizeof status);
    memcpy(&verdict, (const char *)say.ptr + sizeof status, sizeof verdict);
    rq->host->verdict(rp, verdict, 0);
    return status;
}

static const dwp_field say_field = {sizeof(dwp_field), 0, "say", NULL, 8, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&say_field};
static const dwp_kind numbers = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_CAN_START, .name = "numbers", .title = "Numbers",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "numbers", .fields = fields,
    .n_fields = 1, .verify = verify,
};
static const dwp_kind *const kinds[] = {&numbers};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.tests.numbers", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(numbers) { return &module; }
