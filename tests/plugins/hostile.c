/* A plugin that breaks its contract in every way that a host can survive. It must never let anybody in.
 *
 *   cc -std=c11 -O1 -fPIC -shared -fvisibility=hidden -Iinclude tests/plugins/hostile.c -o hostile.so
 *
 * Kinds: "hostile" (given identifier, on the pool), "hostile.inline", "hostile.found", "hostile.user" (second factor).
 * The credential "do" names what enroll, verify, update and step do; the table at the end lists all. "accept" and "deny"
 * behave well, so that a test can enroll first and see that the host is not merely refusing everything.
 * -DDEADLINE_MS=n sets the declared deadline.
 * -DMODULE_FAULT=n (1 to 12, see the end) makes the module itself wrong: the loader has to refuse it. */
#define _POSIX_C_SOURCE 199309L
#include <doorward_plugin.h>
#include <pthread.h>
#include <time.h>

#ifndef DEADLINE_MS
#define DEADLINE_MS 200
#endif
#ifndef MODULE_FAULT
#define MODULE_FAULT 0
#endif

enum { MAX_RECORD = 64, MAX_STATE = 64 };
static const uint8_t big[200000]; /* more than any limit allows */

static void nap(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static dwp_status say(const dwp_request *rq, dwp_reply *rp, uint32_t verdict)
{
    rq->host->verdict(rp, verdict, 0);
    return DWP_OK;
}

/* Behaves well: enrollment stores one byte, verification accepts. */
static dwp_status accept(const dwp_request *rq, dwp_reply *rp)
{
    if (rq->purpose == DWP_FOR_ENROLL)
        rq->host->put_record(rp, NULL, "\001", 1);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status accept_nothing(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, DWP_ACCEPT); }
static dwp_status accept_and_violate(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->violation(rp, "do", "too_bad", 0);
    return accept(rq, rp);
}
static dwp_status record_new(const dwp_request *rq, dwp_reply *rp) /* right in enroll, wrong in verify */
{
    rq->host->put_record(rp, NULL, "\001", 1);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status deny(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, DWP_DENY); }
/* Behaves well: a second step, which obeys its own "do". */
static dwp_status go_on(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->state(rp, "\001", 1, 0);
    return say(rq, rp, DWP_CONTINUE);
}

/* Says whom it accepts, as only a kind that finds identifiers may. */
static dwp_status accept_whom(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->identifier(rp, "somebody", 8);
    return accept_nothing(rq, rp);
}
static dwp_status accept_whom_new(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->identifier(rp, "somebody", 8);
    return record_new(rq, rp);
}

/* Verdicts that are none. */
static dwp_status no_verdict(const dwp_request *rq, dwp_reply *rp) { (void)rq, (void)rp; return DWP_OK; }
static dwp_status verdict_one(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, 1); }
static dwp_status verdict_minus_one(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, (uint32_t)-1); }
static dwp_status verdict_garbage(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, 0xdeadbeefu); }
static dwp_status verdict_swapped(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, 0x45434341u); }
static dwp_status verdict_low_byte(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, DWP_ACCEPT & 0xffu); }

/* ACCEPT together with something that takes it back. */
static dwp_status accept_and_fail(const dwp_request *rq, dwp_reply *rp) { return accept(rq, rp), DWP_E_INTERNAL; }
static dwp_status accept_and_down(const dwp_request *rq, dwp_reply *rp) { return accept(rq, rp), DWP_E_UNAVAILABLE; }
static dwp_status accept_and_pending(const dwp_request *rq, dwp_reply *rp) { return accept(rq, rp), 1; }
static dwp_status accept_and_magic(const dwp_request *rq, dwp_reply *rp)
{
    return accept(rq, rp), (dwp_status)DWP_ACCEPT;
}
static dwp_status accept_then_deny(const dwp_request *rq, dwp_reply *rp) { return accept(rq, rp), deny(rq, rp); }

/* States and handles that are missing or wrong. */
static dwp_status continue_bare(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, DWP_CONTINUE); }
static dwp_status resolve_bare(const dwp_request *rq, dwp_reply *rp) { return say(rq, rp, DWP_RESOLVE); }
static dwp_status resolve_again(const dwp_request *rq, dwp_reply *rp) /* for ever */
{
    rq->host->handle(rp, "handle", 6);
    return say(rq, rp, DWP_RESOLVE);
}
static dwp_status resolve_garbage(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->handle(rp, "\377\376\000\001", 4);
    return say(rq, rp, DWP_RESOLVE);
}
static dwp_status resolve_long(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->handle(rp, big, sizeof big);
    return say(rq, rp, DWP_RESOLVE);
}

/* Lengths that lie; ACCEPT comes last, so only a void reply is refused. */
static dwp_status record_long(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->put_record(rp, rq->n_records ? rq->records[0]->id : NULL, big, MAX_RECORD + 1);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status record_null(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->put_record(rp, rq->n_records ? rq->records[0]->id : NULL, NULL, 8);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status record_endless(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->put_record(rp, rq->n_records ? rq->records[0]->id : NULL, big, SIZE_MAX);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status record_foreign(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->put_record(rp, (const uint8_t *)"not of this user", "\001", 1);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status record_twice(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->put_record(rp, rq->n_records ? rq->records[0]->id : NULL, "\001", 1);
    rq->host->put_record(rp, rq->n_records ? rq->records[0]->id : NULL, "\002", 1);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status used_foreign(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->used_record(rp, (const uint8_t *)"not of this user");
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status used_null(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->used_record(rp, NULL);
    return say(rq, rp, DWP_ACCEPT);
}
static dwp_status state_long(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->state(rp, big, MAX_STATE + 1, 0);
    return say(rq, rp, DWP_CONTINUE);
}
static dwp_status state_null(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->state(rp, NULL, 8, 0);
    return say(rq, rp, DWP_CONTINUE);
}
static dwp_status challenge_long(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->challenge(rp, "big", big, sizeof big);
    return go_on(rq, rp);
}
static dwp_status challenge_nameless(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->challenge(rp, NULL, "x", 1);
    return go_on(rq, rp);
}
static dwp_status label_long(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->label(rp, big, 256);
    return accept(rq, rp);
}
static dwp_status label_not_utf8(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->label(rp, "\377", 1);
    return accept(rq, rp);
}
static dwp_status identifier_long(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->identifier(rp, big, 1025);
    return accept(rq, rp);
}
static dwp_status identifier_null(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->identifier(rp, NULL, 8);
    return accept(rq, rp);
}
static dwp_status show_once_null(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->show_once(rp, "codes", NULL, 8);
    return accept(rq, rp);
}
static dwp_status attribute_long(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->attribute(rp, "name", big, sizeof big);
    return accept(rq, rp);
}

/* Values that a host which only counts bytes would take. */
static dwp_status label_of_two_lines(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->label(rp, "phone\nadmin", 11);
    return accept(rq, rp);
}
static dwp_status attribute_no_json(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->attribute(rp, "name", "{", 1);
    return accept(rq, rp);
}
static dwp_status attribute_twice(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->attribute(rp, "name", "1", 1);
    rq->host->attribute(rp, "name", "2", 1);
    return accept(rq, rp);
}
static dwp_status challenge_twice(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->challenge(rp, "nonce", "1", 1);
    rq->host->challenge(rp, "nonce", "2", 1);
    return accept(rq, rp);
}
static dwp_status challenge_misnamed(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->challenge(rp, "No Name", "1", 1);
    return accept(rq, rp);
}
static dwp_status challenges_without_end(const dwp_request *rq, dwp_reply *rp)
{
    char name[] = "a0";
    int at;
    for (at = 0; at < 40; at++) {
        name[0] = (char)('a' + at % 20);
        name[1] = (char)('0' + at / 20);
        rq->host->challenge(rp, name, "1", 1);
    }
    return accept(rq, rp);
}
/* A violation denies by itself; the verdict that stands beside this one is a step. */
static dwp_status violation_misnamed(const dwp_request *rq, dwp_reply *rp)
{
    rq->host->violation(rp, "do", "Too Short", 8);
    rq->host->state(rp, "1", 1, 0);
    return say(rq, rp, DWP_CONTINUE);
}
static dwp_status letter_to(const dwp_request *rq, dwp_reply *rp, const char *address)
{
    const dwp_deliver *deliver = rq->host->extension(rq->host, DWP_EXT_DELIVER);
    if (deliver == NULL)
        return DWP_E_UNSUPPORTED;
    deliver->message(rp, "email", address, strlen(address), "hostile.letter", NULL, 0, 0);
    rq->host->state(rp, "1", 1, 0);
    return say(rq, rp, DWP_CONTINUE);
}
static dwp_status letter_of_two_lines(const dwp_request *rq, dwp_reply *rp)
{
    return letter_to(rq, rp, "jane@example.org\r\nBcc: all@example.org");
}

/* Replies that are not the one to be written. */
static dwp_reply *kept; /* of a request that is over */
static dwp_status keep_reply(const dwp_request *rq, dwp_reply *rp) { (void)rq; return kept = rp, DWP_OK; }
static dwp_status write_to_kept(const dwp_request *rq, dwp_reply *rp) { (void)rp; return say(rq, kept, DWP_ACCEPT); }
static dwp_status write_to_null(const dwp_request *rq, dwp_reply *rp) { (void)rp; return say(rq, NULL, DWP_ACCEPT); }
struct lent { const dwp_request *rq; dwp_reply *rp; };
static void *accept_elsewhere(void *lent) { return accept(((struct lent *)lent)->rq, ((struct lent *)lent)->rp), NULL; }
static dwp_status write_on_thread(const dwp_request *rq, dwp_reply *rp)
{
    struct lent lent = {rq, rp};
    pthread_t thread;
    if (pthread_create(&thread, NULL, accept_elsewhere, &lent) == 0)
        pthread_join(thread, NULL);
    return DWP_OK;
}

/* Time. Only for kinds on the pool. */
static dwp_status never(const dwp_request *rq, dwp_reply *rp)
{
    static volatile int for_ever = 1;
    while (for_ever)
        nap(1000);
    return accept(rq, rp);
}
static dwp_status late(const dwp_request *rq, dwp_reply *rp) /* after any deadline that a test sets below 500 ms */
{
    nap(500);
    return accept(rq, rp);
}

static const struct { const char *name; dwp_status (*run)(const dwp_request *, dwp_reply *); } behaviours[] = {
    {"accept", accept}, {"deny", deny}, {"continue", go_on}, {"accept_nothing", accept_nothing},
    {"accept_and_violate", accept_and_violate}, {"record_new", record_new}, {"accept_whom", accept_whom},
    {"accept_whom_new", accept_whom_new},
    {"no_verdict", no_verdict}, {"verdict_one", verdict_one}, {"verdict_minus_one", verdict_minus_one},
    {"verdict_garbage", verdict_garbage}, {"verdict_swapped", verdict_swapped}, {"verdict_low_byte", verdict_low_byte},
    {"accept_and_fail", accept_and_fail}, {"accept_and_down", accept_and_down},
    {"accept_and_pending", accept_and_pending}, {"accept_and_magic", accept_and_magic},
    {"accept_then_deny", accept_then_deny}, {"continue_bare", continue_bare}, {"resolve_bare", resolve_bare},
    {"resolve_again", resolve_again}, {"resolve_garbage", resolve_garbage}, {"resolve_long", resolve_long},
    {"record_long", record_long}, {"record_null", record_null}, {"record_endless", record_endless},
    {"record_foreign", record_foreign}, {"record_twice", record_twice}, {"used_foreign", used_foreign},
    {"used_null", used_null}, {"state_long", state_long}, {"state_null", state_null},
    {"challenge_long", challenge_long}, {"challenge_nameless", challenge_nameless}, {"label_long", label_long},
    {"label_not_utf8", label_not_utf8}, {"identifier_long", identifier_long}, {"identifier_null", identifier_null},
    {"show_once_null", show_once_null}, {"attribute_long", attribute_long}, {"keep_reply", keep_reply},
    {"label_of_two_lines", label_of_two_lines}, {"attribute_no_json", attribute_no_json},
    {"attribute_twice", attribute_twice}, {"challenge_twice", challenge_twice},
    {"challenge_misnamed", challenge_misnamed}, {"challenges_without_end", challenges_without_end},
    {"violation_misnamed", violation_misnamed}, {"letter_of_two_lines", letter_of_two_lines},
    {"write_to_kept", write_to_kept}, {"write_to_null", write_to_null}, {"write_on_thread", write_on_thread},
    {"never", never}, {"late", late},
};

static dwp_status behave(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes what = dwp_find(rq->credentials, rq->n_credentials, "do");
    size_t i;
    (void)self;
    for (i = 0; i < sizeof behaviours / sizeof *behaviours; i++)
        if (what.len == strlen(behaviours[i].name) && memcmp(what.ptr, behaviours[i].name, what.len) == 0)
            return behaviours[i].run(rq, rp);
    return DWP_E_ARGUMENT;
}

static const dwp_field now_field = {sizeof(dwp_field), 0, "do", NULL, 64,
                                    DWP_FOR_ENROLL | DWP_FOR_VERIFY | DWP_FOR_UPDATE, 0, 0};
static const dwp_field step_field = {sizeof(dwp_field), 0, "do", NULL, 64,
                                     DWP_FOR_ENROLL | DWP_FOR_VERIFY | DWP_FOR_UPDATE, 1, 0};
static const dwp_field *const fields[] = {&now_field, &step_field};

#define COMMON                                                                                                         \
    .channel = "hostile", .fields = fields, .n_fields = 2, .normalize_version = 1, .record_version = 1,                \
    .max_record = MAX_RECORD, .max_state = MAX_STATE, .default_deadline_ms = DEADLINE_MS, .max_concurrency = 2,                \
    .enroll = behave, .verify = behave, .update = behave, .step = behave

static const dwp_kind given = {
    .struct_size = MODULE_FAULT == 8 ? 8 : sizeof(dwp_kind),
    .flags = DWP_KEEPS_RECORDS | DWP_CAN_START | (MODULE_FAULT == 9 ? 0x80000000u : 0),
    .name = MODULE_FAULT == 10 ? "Not A Name!" : "hostile", .title = "Hostile",
    .identifier_source = MODULE_FAULT == 11 ? 7 : DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, COMMON};
static const dwp_kind in_line = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_CAN_START,
    .name = MODULE_FAULT == 12 ? "hostile" : "hostile.inline", .title = "Hostile, inline",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, COMMON};
static const dwp_kind found = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START, .name = "hostile.found", .title = "Hostile, found",
    .identifier_source = DWP_SOURCE_FOUND, .factor = DWP_FACTOR_KNOWLEDGE, COMMON};
static const dwp_kind resident = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_KEEPS_RECORDS | DWP_SEVERAL_RECORDS | DWP_CAN_START,
    .name = "hostile.resident", .title = "Hostile, found, with records", .identifier_source = DWP_SOURCE_FOUND,
    .factor = DWP_FACTOR_POSSESSION, COMMON};
static const dwp_kind user = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_KEEPS_RECORDS | DWP_SEVERAL_RECORDS, .name = "hostile.user",
    .title = "Hostile, second", .identifier_source = DWP_SOURCE_USER, .factor = DWP_FACTOR_POSSESSION, COMMON};
static const dwp_kind *const kinds[] = {&given, &in_line, &found, &resident, &user};

static dwp_status load(const dwp_host *host)
{
    (void)host;
    return MODULE_FAULT == 7 ? DWP_E_UNSUPPORTED : DWP_OK;
}

/* What a loader has to refuse: 1 no module, 2 wrong magic, 3 other major version, 4 needs a newer host, 5 too small,
   6 says it has kinds and has none, 7 load refuses, 8 kind too small, 9 unknown kind flag, 10 no name, 11 unknown
   identifier source, 12 two kinds of one name. */
static const dwp_module module = {
    .struct_size = MODULE_FAULT == 5 ? 16 : sizeof(dwp_module), .magic = MODULE_FAULT == 2 ? 0 : DWP_MAGIC,
    .abi_major = MODULE_FAULT == 3 ? 2 : DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .min_host_minor = MODULE_FAULT == 4 ? 65535 : 0, .n_kinds = 5, .kinds = MODULE_FAULT == 6 ? NULL : kinds,
    .id = "org.doorward.hostile", .version = "1.0.0", .vendor = "Doorward", .license = "MIT OR Apache-2.0", .load = load,
};

DWP_ENTRY(hostile) { return MODULE_FAULT == 1 ? NULL : &module; }
