/* Two kinds for tests of flows. `quiz` asks everybody its question first, known or not. `badge` is a second factor whose
 * number names its record, whoever it belongs to. */
#include <doorward_plugin.h>

static dwp_status enroll_quiz(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes answer = dwp_find(rq->credentials, rq->n_credentials, "answer");
    (void)self;
    if (answer.len == 0) { /* asked for in a step of its own */
        rq->host->state(rp, "e", 1, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
    rq->host->put_record(rp, NULL, answer.ptr, answer.len);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status verify_quiz(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    rq->host->challenge(rp, "question", "colour", 6);
    rq->host->state(rp, "v", 1, 0);
    return rq->host->verdict(rp, DWP_CONTINUE, 0);
}

static dwp_status step_quiz(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes answer = dwp_find(rq->credentials, rq->n_credentials, "answer");
    (void)self;
    if (rq->purpose == DWP_FOR_ENROLL)
        return enroll_quiz(self, rq, rp);
    int good = rq->n_records == 1 && rq->records[0]->bytes.len == answer.len &&
               rq->host->ct_equal(rq->records[0]->bytes.ptr, answer.ptr, answer.len);
    return rq->host->verdict(rp, good ? DWP_ACCEPT : DWP_DENY, good ? 0 : DWP_WRONG);
}

static dwp_status enroll_badge(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes number = dwp_find(rq->credentials, rq->n_credentials, "number");
    (void)self;
    if (number.len == 0) {
        rq->host->violation(rp, "number", "too_short", 1);
        return rq->host->verdict(rp, DWP_DENY, DWP_INVALID_INPUT);
    }
    rq->host->handle(rp, number.ptr, number.len);
    rq->host->put_record(rp, NULL, "badge", 5);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status verify_badge(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes number = dwp_find(rq->credentials, rq->n_credentials, "number");
    (void)self;
    if (rq->resolved.len == 0) {
        rq->host->handle(rp, number.ptr, number.len);
        return rq->host->verdict(rp, DWP_RESOLVE, 0);
    }
    if (rq->n_records == 0)
        return rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static const dwp_field first_answer = {sizeof(dwp_field), DWP_SECRET | DWP_OPTIONAL, "answer", NULL, 32, DWP_FOR_ENROLL, 0, 0};
static const dwp_field enroll_answer = {sizeof(dwp_field), DWP_SECRET, "answer", NULL, 32, DWP_FOR_ENROLL, 1, 0};
static const dwp_field answer = {sizeof(dwp_field), DWP_SECRET, "answer", NULL, 32, DWP_FOR_VERIFY, 1, 0};
static const dwp_field number = {sizeof(dwp_field), DWP_SECRET, "number", NULL, 32, DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const quiz_fields[] = {&first_answer, &enroll_answer, &answer};
static const dwp_field *const badge_fields[] = {&number};
static const dwp_kind quiz = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_CAN_START, .name = "quiz",
    .title = "Quiz", .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "quiz",
    .fields = quiz_fields, .n_fields = 3, .record_version = 1, .max_record = 32, .max_state = 2,
    .enroll = enroll_quiz, .verify = verify_quiz, .step = step_quiz,
};
static const dwp_kind badge = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_SEVERAL_RECORDS, .name = "badge",
    .title = "Badge", .identifier_source = DWP_SOURCE_USER, .factor = DWP_FACTOR_POSSESSION, .channel = "badge",
    .fields = badge_fields, .n_fields = 1, .record_version = 1, .max_record = 32,
    .enroll = enroll_badge, .verify = verify_badge,
};
static const dwp_kind *const kinds[] = {&quiz, &badge};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 2, .kinds = kinds, .id = "org.doorward.tests.steps", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(steps) { return &module; }
