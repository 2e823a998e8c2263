/* Kind "crowd": begins threads. Credential "do": "many" begins as many as it gets, ends them and says how many it were;
 * "burn" leaves four behind that compute for ever; anything else does nothing. */
#define _GNU_SOURCE
#include <doorward_plugin.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_the_gate(void *unused)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return unused;
}

static void *burn(void *unused)
{
    volatile unsigned long turns = 0;
    for (;;)
        turns++;
    return unused;
}

static int begin(pthread_t *thread, void *(*what)(void *))
{
    pthread_attr_t small;
    int begun;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    begun = pthread_create(thread, &small, what, NULL) == 0;
    pthread_attr_destroy(&small);
    return begun;
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    static pthread_t threads[2000];
    dwp_bytes what = dwp_find(rq->credentials, rq->n_credentials, "do");
    int count = 0, at;
    char text[16];
    (void)self;
    if (what.len == 4 && memcmp(what.ptr, "many", 4) == 0) {
        pthread_mutex_lock(&gate);
        while (count < 2000 && begin(&threads[count], wait_at_the_gate))
            count++;
        pthread_mutex_unlock(&gate);
        for (at = 0; at < count; at++)
            pthread_join(threads[at], NULL);
    } else if (what.len == 4 && memcmp(what.ptr, "burn", 4) == 0)
        while (count < 4 && begin(&threads[count], burn))
            count++;
    rq->host->attribute(rp, "threads", text, (size_t)snprintf(text, sizeof text, "%d", count));
    rq->host->attribute(rp, "process", text, (size_t)snprintf(text, sizeof text, "%d", (int)getpid()));
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static const dwp_field do_field = {sizeof(dwp_field), 0, "do", NULL, 15, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&do_field};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START, .name = "crowd", .title = "Crowd",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "crowd", .fields = fields,
    .n_fields = 1, .default_deadline_ms = 60000, .verify = verify};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.crowd", .version = "1.0.0", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0"};

DWP_ENTRY(crowd) { return &module; }
