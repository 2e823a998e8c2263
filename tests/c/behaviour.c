/* What a caller gets wrong, and what each tag of the header promises: the table below is compared with the tags by
 * check_header.py. STARTED: [started] [may-block]. LIFE: [any-state] [may-block]. FREE: [any-state] [no-block]. */
#include "test.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

static doorward_field password = {{"password", 8}, {PASSWORD, sizeof PASSWORD - 1}};
static const doorward_proof *proof;
static const doorward_session *session;
static const doorward_delivery *delivery;
static const doorward_id *id;
static doorward_bytes none = {NULL, 0};

/* Every operation with operands that are well formed, so that nothing but the state of `c` decides. */
#define TABLE                                                                                                          \
    STARTED(doorward_health, (c, NULL, k, a, e))                                                                       \
    STARTED(doorward_stats, (c, NULL, k, a, e))                                                                        \
    STARTED(doorward_purge_expired, (c, NULL, k, a, e))                                                                \
    STARTED(doorward_create_user, (c, S("email"), S("eve@example.com"), &password, 1, NULL, k, a, e))                  \
    STARTED(doorward_create_user_from_claim, (c, S("dwc_x"), NULL, k, a, e))                                           \
    STARTED(doorward_peek_claim, (c, S("dwc_x"), NULL, k, a, e))                                                       \
    STARTED(doorward_begin_enrolment, (c, S("email"), NULL, k, a, e))                                                  \
    STARTED(doorward_authenticate, (c, S("email"), S("eve@example.com"), &password, 1, NULL, k, a, e))                 \
    STARTED(doorward_continue_flow, (c, S("dwf_x"), &password, 1, NULL, k, a, e))                                      \
    STARTED(doorward_list_methods, (c, NULL, k, a, e))                                                                 \
    STARTED(doorward_create_session, (c, proof, NULL, k, a, e))                                                        \
    STARTED(doorward_create_session_for_user, (c, id, NULL, k, a, e))                                                  \
    STARTED(doorward_validate_session, (c, S("dwa_x"), NULL, k, a, e))                                                 \
    STARTED(doorward_refresh_session, (c, S("dwr_x"), NULL, k, a, e))                                                  \
    STARTED(doorward_check_request, (c, NULL, k, a, e))                                                                \
    STARTED(doorward_resume_request, (c, NULL, k, a, e))                                                               \
    STARTED(doorward_end_session, (c, none, NULL, k, a, e))                                                            \
    STARTED(doorward_end_sign_in, (c, id, id, NULL, k, a, e))                                                          \
    STARTED(doorward_end_other_sessions, (c, proof, NULL, k, a, e))                                                    \
    STARTED(doorward_end_all_sessions, (c, id, NULL, k, a, e))                                                         \
    STARTED(doorward_list_sessions, (c, id, NULL, k, a, e))                                                            \
    STARTED(doorward_session_alive, (c, id, id, NULL, k, a, e))                                                        \
    STARTED(doorward_session_proof, (c, session, NULL, k, a, e))                                                       \
    STARTED(doorward_update_session_attributes, (c, session, S("{}"), NULL, k, a, e))                                  \
    STARTED(doorward_get_user, (c, id, NULL, k, a, e))                                                                 \
    STARTED(doorward_find_user, (c, S("email"), S("eve@example.com"), NULL, k, a, e))                                  \
    STARTED(doorward_find_user_by_attribute, (c, S("nick"), S("eve"), NULL, k, a, e))                                  \
    STARTED(doorward_list_users, (c, NULL, k, a, e))                                                                   \
    STARTED(doorward_update_attributes, (c, id, S("{}"), NULL, k, a, e))                                               \
    STARTED(doorward_disable_user, (c, id, NULL, k, a, e))                                                             \
    STARTED(doorward_enable_user, (c, id, NULL, k, a, e))                                                              \
    STARTED(doorward_delete_user, (c, id, NULL, k, a, e))                                                              \
    STARTED(doorward_reset_factors, (c, id, S("lost"), NULL, k, a, e))                                                 \
    STARTED(doorward_set_credentials, (c, id, S("email"), &password, 1, NULL, k, a, e))                                \
    STARTED(doorward_add_address, (c, id, S("email"), S("b@example.com"), NULL, k, a, e))                              \
    STARTED(doorward_update_credentials, (c, proof, S("email"), &password, 1, NULL, k, a, e))                          \
    STARTED(doorward_update_identifier, (c, proof, S("email"), S("a@example.com"), S("b@example.com"), NULL, k, a, e)) \
    STARTED(doorward_link_identity, (c, proof, S("username"), S("eve"), NULL, 0, NULL, k, a, e))                       \
    STARTED(doorward_begin_link, (c, proof, S("gate"), S("eve"), NULL, 0, NULL, k, a, e))                              \
    STARTED(doorward_link_claim, (c, proof, S("dwc_x"), NULL, k, a, e))                                                \
    STARTED(doorward_unlink_identity, (c, proof, S("username"), S("eve"), NULL, k, a, e))                              \
    STARTED(doorward_list_identities, (c, id, NULL, k, a, e))                                                          \
    STARTED(doorward_list_authenticators, (c, id, NULL, k, a, e))                                                      \
    STARTED(doorward_rename_authenticator, (c, proof, S("email"), id, S("label"), NULL, k, a, e))                      \
    STARTED(doorward_remove_authenticator, (c, proof, S("email"), id, NULL, k, a, e))                                  \
    STARTED(doorward_request_token, (c, S("recovery"), S("email"), S("a@example.com"), NULL, k, a, e))                 \
    STARTED(doorward_peek_token, (c, S("dwt_x"), NULL, k, a, e))                                                       \
    STARTED(doorward_consume_token, (c, S("dwt_x"), NULL, k, a, e))                                                    \
    STARTED(doorward_update_credentials_with_token, (c, S("dwt_x"), S("email"), &password, 1, NULL, k, a, e))          \
    STARTED(doorward_update_identifier_with_token, (c, S("dwt_x"), S("a@example.com"), S("b@example.com"), NULL, k, a, e))\
    STARTED(doorward_take_deliveries, (c, NULL, k, a, e))                                                              \
    STARTED(doorward_settle_delivery, (c, delivery, DOORWARD_RETRY, NULL, k, a, e))                                    \
    LIFE(doorward_open, (test_settings, &unused, e))                                                                   \
    LIFE(doorward_start, (c, e))                                                                                       \
    LIFE(doorward_stop, (c, e))                                                                                        \
    LIFE(doorward_before_fork, (c, e))                                                                                 \
    LIFE(doorward_migrate, (c, e))                                                                                     \
    LIFE(doorward_agree, (c, S("provider/email"), e))                                                                  \
    LIFE(doorward_ctx_free, (NULL))                                                                                    \
    FREE(doorward_on, (NULL, NULL))                                                                                    \
    FREE(doorward_trusted, (NULL))                                                                                     \
    FREE(doorward_headers, (NULL, NULL))                                                                               \
    FREE(doorward_version, ())                                                                                         \
    FREE(doorward_id_new, (&some_id))                                                                                  \
    FREE(doorward_id_parse, (S("00000000-0000-7000-8000-000000000001"), &some_id))                                     \
    FREE(doorward_id_text, (&some_id, some_text))                                                                      \
    FREE(doorward_config_new, (&some_config, e))                                                                       \
    FREE(doorward_config_load, (some_config, S("database = 'memory:'"), e))                                            \
    FREE(doorward_config_set, (some_config, S("database"), S("memory:"), e))                                           \
    FREE(doorward_config_on_log, (some_config, DOORWARD_LOG_ERROR, NULL, NULL, e))                                     \
    FREE(doorward_config_on_event, (some_config, NULL, NULL, e))                                                       \
    FREE(doorward_config_free, (some_config))                                                                          \
    FREE(doorward_queue_new, (&some_queue, e))                                                                         \
    FREE(doorward_queue_fd, (some_queue))                                                                              \
    FREE(doorward_queue_next, (some_queue, &some_completion))                                                          \
    FREE(doorward_queue_cancel, (some_queue, 1))                                                                       \
    FREE(doorward_queue_close, (some_queue))                                                                           \
    FREE(doorward_queue_free, (some_queue))

static doorward_config *test_settings, *some_config;
static doorward_ctx *unused;
static doorward_queue *some_queue;
static doorward_completion some_completion = DOORWARD_COMPLETION_INIT;
static doorward_id some_id;
static char some_text[DOORWARD_ID_TEXT_SIZE];

/* The [started] operations on a context, all of which must give the same error and outputs that go with it. */
static unsigned try_started(doorward_ctx *c, const doorward_call *k, doorward_status want)
{
    unsigned tried = 0;
#define STARTED(name, arguments)                                                                                       \
    {                                                                                                                  \
        doorward_answer *an = (doorward_answer *)&tried, **a = &an;                                                    \
        doorward_error *er = (doorward_error *)&tried, **e = &er;                                                      \
        doorward_status got = name arguments;                                                                          \
        if (got != want) {                                                                                             \
            fprintf(stderr, #name " gave %s instead of %s\n", doorward_status_id(got), doorward_status_id(want));      \
            exit(1);                                                                                                   \
        }                                                                                                              \
        CHECK(an == NULL && er != NULL && doorward_error_message(er, NULL)[0]);                                        \
        doorward_error_free(er);                                                                                       \
        tried++;                                                                                                       \
    }
#define LIFE(name, arguments)
#define FREE(name, arguments)
    TABLE
#undef STARTED
#undef LIFE
#undef FREE
    return tried;
}

static doorward_ctx *running;
static unsigned called;

/* Inside a callback everything that may block is refused, and everything else works. */
static void on_event(void *user, const doorward_event *event)
{
    doorward_error *er = NULL, **e = &er;
    doorward_ctx *c = running;
    (void)user, (void)event;
    if (!running || called++) return;
    try_started(c, NULL, DOORWARD_E_REENTRANT);
#define STARTED(name, arguments)
#define LIFE(name, arguments)                                                                                          \
    if (strcmp(#name, "doorward_ctx_free") != 0) {                                                                     \
        LIFE_##name arguments;                                                                                         \
    }
#define REENTERED(call)                                                                                                \
    {                                                                                                                  \
        CHECK((call) == DOORWARD_E_REENTRANT);                                                                         \
        doorward_error_free(er);                                                                                       \
        er = NULL;                                                                                                     \
    }
#define LIFE_doorward_open(...) REENTERED(doorward_open(__VA_ARGS__))
#define LIFE_doorward_start(...) REENTERED(doorward_start(__VA_ARGS__))
#define LIFE_doorward_stop(...) REENTERED(doorward_stop(__VA_ARGS__))
#define LIFE_doorward_before_fork(...) REENTERED(doorward_before_fork(__VA_ARGS__))
#define LIFE_doorward_migrate(...) REENTERED(doorward_migrate(__VA_ARGS__))
#define LIFE_doorward_agree(...) REENTERED(doorward_agree(__VA_ARGS__))
#define LIFE_doorward_ctx_free(...) doorward_ctx_free(__VA_ARGS__)
#define FREE(name, arguments)                                                                                          \
    {                                                                                                                  \
        long long got = GIVES_##name((name arguments));                                                                \
        if (got == DOORWARD_E_REENTRANT || (got < 0 && got > -30)) {                                                   \
            fprintf(stderr, #name " failed inside a callback: %lld %s\n", got, doorward_error_message(er, NULL));      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    }
#define GIVES_doorward_version(call) call
#define GIVES_doorward_on(call) ((call) != NULL)
#define GIVES_doorward_trusted(call) ((call) != NULL)
#define GIVES_doorward_headers(call) ((call) != NULL)
#define GIVES_doorward_id_new(call) call
#define GIVES_doorward_id_parse(call) call
#define GIVES_doorward_id_text(call) (call, 0)
#define GIVES_doorward_config_new(call) call
#define GIVES_doorward_config_load(call) call
#define GIVES_doorward_config_set(call) call
#define GIVES_doorward_config_on_log(call) call
#define GIVES_doorward_config_on_event(call) call
#define GIVES_doorward_config_free(call) (call, 0)
#define GIVES_doorward_queue_new(call) call
#define GIVES_doorward_queue_fd(call) call
#define GIVES_doorward_queue_next(call) call
#define GIVES_doorward_queue_cancel(call) call
#define GIVES_doorward_queue_close(call) call
#define GIVES_doorward_queue_free(call) call
    TABLE
#undef STARTED
#undef LIFE
#undef FREE
}

/* A context that a program frees inside a callback, against the rules: nobody may wait for himself. */
static doorward_ctx *victim;

static void on_log(void *user, int32_t level, const char *target, const char *message, size_t len)
{
    (void)user, (void)level, (void)target, (void)message, (void)len;
    doorward_ctx_free(__atomic_exchange_n(&victim, NULL, __ATOMIC_SEQ_CST));
}

/* Operands that no program should pass. */
static void bad_operands(doorward_ctx *ctx)
{
    doorward_bytes huge = doorward_span("x", SIZE_MAX), broken = doorward_span("\xff\xfe", 2), torn = doorward_span(NULL, 5);
    doorward_call call = DOORWARD_CALL_INIT;
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_create_user_options options = DOORWARD_CREATE_USER_OPTIONS_INIT;
    doorward_create_session_options session_options = DOORWARD_CREATE_SESSION_OPTIONS_INIT;
    doorward_take_deliveries_options take = DOORWARD_TAKE_DELIVERIES_OPTIONS_INIT;
    doorward_field field = password, headers[1] = {{{"Cookie", 6}, {"a=b", 3}}};
    doorward_config *config = NULL;
    doorward_ctx *out = (doorward_ctx *)&call;
    size_t i;

#define BAD(call_, part)                                                                                               \
    DO(DOORWARD_E_INVALID_ARGUMENT, call_);                                                                            \
    if (!strstr(doorward_error_message(error, NULL), part))                                                            \
        fprintf(stderr, "%s\n", doorward_error_message(error, NULL));                                                  \
    CHECK(strstr(doorward_error_message(error, NULL), part))
    BAD(doorward_create_user(ctx, none, S("x"), &password, 1, NULL, NULL, &answer, &error), "provider");
    BAD(doorward_create_user(ctx, huge, S("x"), &password, 1, NULL, NULL, &answer, &error), "at most");
    BAD(doorward_create_user(ctx, broken, S("x"), &password, 1, NULL, NULL, &answer, &error), "UTF-8");
    BAD(doorward_create_user(ctx, torn, S("x"), &password, 1, NULL, NULL, &answer, &error), "NULL with a length");
    BAD(doorward_create_user(ctx, S("email"), none, &password, 1, NULL, NULL, &answer, &error), "identifier");
    BAD(doorward_create_user(ctx, S("email"), huge, &password, 1, NULL, NULL, &answer, &error), "at most");
    BAD(doorward_create_user(ctx, S("email"), S("x"), NULL, 1, NULL, NULL, &answer, &error), "credentials");
    BAD(doorward_create_user(ctx, S("email"), S("x"), &password, SIZE_MAX, NULL, NULL, &answer, &error), "at most 64");
    BAD(doorward_create_user(ctx, S("nothing"), S("x"), &password, 1, NULL, NULL, &answer, &error), "no provider");
    field.value = huge;
    BAD(doorward_create_user(ctx, S("email"), S("x"), &field, 1, NULL, NULL, &answer, &error), "at most");
    field = password, field.name = broken;
    BAD(doorward_create_user(ctx, S("email"), S("x"), &field, 1, NULL, NULL, &answer, &error), "UTF-8");
    options.attributes = S("[1]");
    BAD(doorward_create_user(ctx, S("email"), S("x@example.com"), &password, 1, &options, NULL, &answer, &error), "object");
    options.flags = 1;
    BAD(doorward_create_user(ctx, S("email"), S("x"), &password, 1, &options, NULL, &answer, &error), "flags");
    options.flags = 0, options.struct_size = 4;
    DO(DOORWARD_E_ABI_MISMATCH, doorward_create_user(ctx, S("email"), S("x"), &password, 1, &options, NULL, &answer, &error));
    session_options.persistent = 9;
    BAD(doorward_create_session(ctx, proof, &session_options, NULL, &answer, &error), "persistent");
    session_options.persistent = 0, session_options.access_ttl = -1;
    BAD(doorward_create_session(ctx, proof, &session_options, NULL, &answer, &error), "access_ttl");
    session_options.access_ttl = INT64_MAX;
    BAD(doorward_create_session(ctx, proof, &session_options, NULL, &answer, &error), "access");
    call.realm = huge;
    BAD(doorward_list_users(ctx, NULL, &call, &answer, &error), "realm");
    call.realm = none, call.timeout = -1;
    BAD(doorward_list_users(ctx, NULL, &call, &answer, &error), "timeout");
    call.timeout = 0, call.request = &request;
    BAD(doorward_check_request(ctx, NULL, &call, &answer, &error), "method");
    request.method = S("GET"), request.peer = S("not an address");
    BAD(doorward_check_request(ctx, NULL, &call, &answer, &error), "peer");
    request.peer = S("unix:/run/app.sock");
    DO(DOORWARD_SIGNED_OUT, doorward_check_request(ctx, NULL, &call, &answer, &error));
    request.peer = none, request.n_headers = SIZE_MAX, request.headers = headers;
    BAD(doorward_check_request(ctx, NULL, &call, &answer, &error), "headers");
    request.n_headers = 1, headers[0].value = huge;
    BAD(doorward_check_request(ctx, NULL, &call, &answer, &error), "header value");
    request.struct_size = 0;
    DO(DOORWARD_E_ABI_MISMATCH, doorward_check_request(ctx, NULL, &call, &answer, &error));
    call.struct_size = 5000;
    DO(DOORWARD_E_ABI_MISMATCH, doorward_list_users(ctx, NULL, &call, &answer, &error));
    BAD(doorward_get_user(ctx, NULL, NULL, NULL, &answer, &error), "user");
    BAD(doorward_create_session(ctx, NULL, NULL, NULL, &answer, &error), "proof");
    BAD(doorward_session_proof(ctx, NULL, NULL, NULL, &answer, &error), "session");
    BAD(doorward_request_token(ctx, S("magic"), S("email"), S("a@example.com"), NULL, NULL, &answer, &error), "change_identifier");
    BAD(doorward_request_token(ctx, none, S("email"), S("a@example.com"), NULL, NULL, &answer, &error), "purpose");
    BAD(doorward_request_token(ctx, S("verify"), S("email"), none, NULL, NULL, &answer, &error), "identifier");
    BAD(doorward_peek_token(ctx, none, NULL, NULL, &answer, &error), "token");
    take.lease = -1;
    BAD(doorward_take_deliveries(ctx, &take, NULL, &answer, &error), "lease");
    take.lease = 1;
    BAD(doorward_take_deliveries(ctx, &take, NULL, &answer, &error), "lease");
    take.lease = 0, take.limit = 1001;
    BAD(doorward_take_deliveries(ctx, &take, NULL, &answer, &error), "limit");
    take.limit = 0, take.reserved = 1;
    BAD(doorward_take_deliveries(ctx, &take, NULL, &answer, &error), "reserved");
    BAD(doorward_settle_delivery(ctx, NULL, DOORWARD_RETRY, NULL, NULL, &answer, &error), "delivery");
    BAD(doorward_settle_delivery(ctx, delivery, 0, NULL, NULL, &answer, &error), "DOORWARD_DELIVERED");
    BAD(doorward_settle_delivery(ctx, delivery, 4, NULL, NULL, &answer, &error), "DOORWARD_DELIVERED");
    BAD(doorward_start(NULL, &error), "ctx");
    BAD(doorward_open(NULL, &out, &error), "config");
    CHECK(out == NULL);
    BAD(doorward_config_new(NULL, &error), "config");
    DO(DOORWARD_OK, doorward_config_new(&config, &error));
    BAD(doorward_config_load(config, huge, &error), "at most");
    DO(DOORWARD_E_CONFIGURATION, doorward_config_load(config, S("x = ["), &error));
    BAD(doorward_config_on_log(config, 6, NULL, NULL, &error), "level");
    DO(DOORWARD_E_CONFIGURATION, doorward_open(config, &out, &error));
    doorward_config_free(config);

    /* Without places for the outputs the status is still there. */
    CHECK(doorward_get_user(ctx, NULL, NULL, NULL, NULL, NULL) == DOORWARD_E_INVALID_ARGUMENT);
    CHECK(doorward_stats(ctx, NULL, NULL, NULL, NULL) == DOORWARD_OK);

    /* A NULL handle is no handle. */
    CHECK(doorward_answer_status(NULL) == DOORWARD_E_INVALID_ARGUMENT && doorward_answer_session(NULL) == NULL);
    CHECK(doorward_answer_headers(NULL, &i) == NULL && i == 0 && doorward_answer_headers(NULL, NULL) == NULL);
    CHECK(doorward_session_access_token(NULL, &i) == NULL && i == 0 && doorward_user_id(NULL) == NULL);
    CHECK(doorward_user_attributes(NULL, NULL)[0] == 0 && doorward_error_message(NULL, NULL)[0] == 0);
    CHECK(doorward_user_created_at(NULL) == DOORWARD_NO_TIME && doorward_answer_method(NULL, 7) == NULL);
    CHECK(doorward_claim_token(NULL, NULL)[0] == 0 && doorward_claim_expires_at(NULL) == DOORWARD_NO_TIME);
    CHECK(doorward_way_name(NULL, NULL)[0] == 0 && doorward_way_created_at(NULL) == DOORWARD_NO_TIME && !doorward_way_is_identity(NULL));
    CHECK(!doorward_answer_took(NULL, 0) && !doorward_answer_kept(NULL, 0) && !doorward_answer_others(NULL, 0) && !doorward_factor_is_two_in_one(NULL));
    CHECK(doorward_answer_claim(NULL) == NULL && doorward_answer_scope(NULL, 0, &i)[0] == 0 && i == 0);
    CHECK(doorward_flow_token(NULL, NULL)[0] == 0 && doorward_proof_factor(NULL, 0) == NULL);
    CHECK(doorward_queue_fd(NULL) == -1 && doorward_queue_free(NULL) == DOORWARD_OK);
    CHECK(doorward_queue_next(NULL, &some_completion) == DOORWARD_E_INVALID_ARGUMENT);
    CHECK(doorward_answer_delivery(NULL, 0) == NULL && doorward_answer_token_info(NULL) == NULL && doorward_answer_user_id(NULL) == NULL);
    CHECK(doorward_delivery_id(NULL) == NULL && doorward_delivery_user_id(NULL) == NULL && doorward_delivery_attempts(NULL) == 0);
    CHECK(doorward_delivery_params(NULL, &i) == NULL && i == 0 && doorward_delivery_expires_at(NULL) == DOORWARD_NO_TIME);
    CHECK(doorward_token_info_purpose(NULL, NULL)[0] == 0 && doorward_token_info_user_id(NULL) == NULL);
    doorward_answer_free(NULL), doorward_error_free(NULL), doorward_config_free(NULL), doorward_ctx_free(NULL);
    doorward_id_text(NULL, some_text);
    CHECK(some_text[0] == 0 && doorward_id_parse(S("x"), &some_id) == DOORWARD_E_INVALID_ARGUMENT);
    CHECK(doorward_id_parse(S("x"), NULL) == DOORWARD_E_INVALID_ARGUMENT && doorward_id_new(NULL) == DOORWARD_E_INVALID_ARGUMENT);
}

/* The descriptor of this process that leads to such a file, or -1. */
static int descriptor_of(const char *part)
{
    char path[300], target[300];
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    int found = -1;
    CHECK(folder);
    while ((entry = readdir(folder))) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t len = readlink(path, target, sizeof target - 1);
        if (len > 0 && (target[len] = 0, strstr(target, part))) found = atoi(entry->d_name);
    }
    closedir(folder);
    return found;
}

/* A program that closes, between open and start, what it has not opened, and a stranger's file on the number. */
static void closed_descriptors(void)
{
    doorward_ctx *ctx = test_open("memory:");
    int mine = descriptor_of("doorward-hashing");
    CHECK(mine >= 0 && close(mine) == 0);
    CHECK(open("/dev/null", O_RDWR | O_CLOEXEC) == mine);
    DO(DOORWARD_E_INVALID_STATE, doorward_start(ctx, &error));
    CHECK(strstr(doorward_error_message(error, NULL), "closefrom"));
    doorward_ctx_free(ctx);
    CHECK(fcntl(mine, F_GETFD) >= 0 && close(mine) == 0);
}

/* The numbers that programs compare, each with its text. */
static void numbers(void)
{
#define NUMBER(name, number, text)                                                                                     \
    CHECK(name == (number) && strcmp(doorward_status_id(name), text) == 0);                                            \
    CHECK((name < 0) == (doorward_status_actor(name)[0] != 0))
    NUMBER(DOORWARD_OK, 0, "ok");
    NUMBER(DOORWARD_CONTINUE, 1, "continue");
    NUMBER(DOORWARD_REFUSED, 2, "refused");
    NUMBER(DOORWARD_UNREGISTERED, 3, "unregistered");
    NUMBER(DOORWARD_THROTTLED, 4, "throttled");
    NUMBER(DOORWARD_SIGNED_OUT, 5, "signed_out");
    NUMBER(DOORWARD_REQUEST_REFUSED, 6, "request_refused");
    NUMBER(DOORWARD_PENDING, 7, "pending");
    NUMBER(DOORWARD_ABSENT, 8, "absent");
    NUMBER(DOORWARD_CLOSED, 9, "closed");
    NUMBER(DOORWARD_E_INVALID_ARGUMENT, -1, "invalid_argument");
    NUMBER(DOORWARD_E_INVALID_STATE, -2, "invalid_state");
    NUMBER(DOORWARD_E_ABI_MISMATCH, -3, "abi_mismatch");
    NUMBER(DOORWARD_E_INTERNAL, -4, "internal");
    NUMBER(DOORWARD_E_CONFIGURATION, -5, "configuration");
    NUMBER(DOORWARD_E_NOT_FOUND, -6, "not_found");
    NUMBER(DOORWARD_E_CONFLICT, -7, "conflict");
    NUMBER(DOORWARD_E_POLICY_VIOLATION, -8, "policy_violation");
    NUMBER(DOORWARD_E_PROOF_REQUIRED, -9, "proof_required");
    NUMBER(DOORWARD_E_UNAVAILABLE, -10, "unavailable");
    NUMBER(DOORWARD_E_OVERLOADED, -11, "overloaded");
    NUMBER(DOORWARD_E_TIMEOUT, -12, "timeout");
    NUMBER(DOORWARD_E_CANCELLED, -13, "cancelled");
    NUMBER(DOORWARD_E_FORKED_CONTEXT, -14, "forked_context");
    NUMBER(DOORWARD_E_REENTRANT, -15, "reentrant");
    NUMBER(DOORWARD_E_PLUGIN_REFUSED, -16, "plugin_refused");
    NUMBER(DOORWARD_E_PLUGIN_FAULT, -17, "plugin_fault");
    NUMBER(DOORWARD_E_UNSUPPORTED, -18, "unsupported");
    NUMBER(DOORWARD_E_STORE_SHARED_IN_PROCESS, -19, "store_shared_in_process");
    NUMBER(DOORWARD_E_KEY_MISSING, -20, "key_missing");
    NUMBER(DOORWARD_E_DISAGREEMENT, -21, "disagreement");
    NUMBER(DOORWARD_E_SCHEMA_MISMATCH, -22, "schema_mismatch");
    NUMBER(DOORWARD_E_CORRUPT, -23, "corrupt");
    NUMBER(DOORWARD_E_LAST_WAY_IN, -24, "last_way_in");
    NUMBER(DOORWARD_E_REFUSED, -25, "refused");
    NUMBER(DOORWARD_E_STEP_REQUIRED, -26, "step_required");
    NUMBER(DOORWARD_E_THROTTLED, -27, "throttled");
    NUMBER(DOORWARD_E_SIGNED_OUT, -28, "signed_out");
    NUMBER(DOORWARD_E_REQUEST_REFUSED, -29, "request_refused");
    NUMBER(DOORWARD_E_UNREGISTERED, -30, "unregistered");
    CHECK(strcmp(doorward_status_id(-31), "unknown") == 0 && strcmp(doorward_status_id(10), "unknown") == 0);
    CHECK(doorward_status_is_retryable(DOORWARD_E_UNAVAILABLE) && !doorward_status_is_retryable(DOORWARD_E_CONFLICT));
    CHECK(doorward_status_is_public(DOORWARD_E_CONFLICT) && !doorward_status_is_public(DOORWARD_E_INTERNAL));
    CHECK(strcmp(doorward_status_actor(DOORWARD_E_CONFIGURATION), "operator") == 0);
}

static void *use_from_thread(void *ctx)
{
    doorward_answer *given = NULL;
    int i;
    for (i = 0; i < 20; i++) {
        CHECK(doorward_get_user(ctx, id, NULL, NULL, &given, NULL) == DOORWARD_OK);
        CHECK(memcmp(doorward_user_id(doorward_answer_user(given)), id, 16) == 0);
        doorward_answer_free(given);
    }
    return NULL;
}

int main(void)
{
    doorward_answer *signed_up, *signed_in, *messages;
    doorward_ctx *whole = NULL, *ctx, *cold;
    doorward_id user;
    pthread_t threads[4];
    int i, status;
    pid_t child;

    alarm(300);

    numbers();
    test_settings = test_config("sqlite:behaviour.db");
    DO(DOORWARD_OK, doorward_config_on_event(test_settings, on_event, NULL, &error));
    DO(DOORWARD_OK, doorward_config_on_log(test_settings, DOORWARD_LOG_TRACE, on_log, NULL, &error));
    DO(DOORWARD_OK, doorward_open(test_settings, &whole, &error));
    ctx = doorward_trusted(whole);
    DO(DOORWARD_OK, doorward_open(test_settings, &victim, &error));
    DO(DOORWARD_OK, doorward_start(ctx, &error));
    sign_up(ctx, "ada@example.com");
    signed_up = keep();
    proof = doorward_answer_proof(signed_up);
    user = *doorward_proof_user_id(proof), id = &user;
    DO(DOORWARD_OK, doorward_create_session_for_user(ctx, id, NULL, NULL, &answer, &error));
    signed_in = keep();
    session = doorward_answer_session(signed_in);
    DO(DOORWARD_OK, doorward_request_token(ctx, S("recovery"), S("email"), S("ada@example.com"), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, NULL, NULL, &answer, &error));
    messages = keep();
    delivery = doorward_answer_delivery(messages, 0);
    CHECK(delivery);

    CHECK(victim == NULL);

    bad_operands(ctx);
    closed_descriptors();

    cold = test_open("sqlite:cold.db");
    CHECK(try_started(cold, NULL, DOORWARD_E_INVALID_STATE) == 52);
    CHECK(try_started(NULL, NULL, DOORWARD_E_INVALID_ARGUMENT) == 52);
    doorward_ctx_free(cold);

    running = ctx;
    DO(DOORWARD_REFUSED, doorward_authenticate(ctx, S("email"), S("eve@example.com"), &password, 1, NULL, NULL, &answer, &error));
    CHECK(called > 0);
    running = NULL;

    for (i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, use_from_thread, ctx) == 0);
    for (i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);

    /* A child of a process that did not quiesce: everything says so, and the handles can be freed. */
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        try_started(ctx, NULL, DOORWARD_E_FORKED_CONTEXT);
        CHECK(doorward_start(ctx, NULL) == DOORWARD_E_FORKED_CONTEXT);
        CHECK(doorward_stop(ctx, NULL) == DOORWARD_E_FORKED_CONTEXT);
        doorward_ctx_free(ctx);
        doorward_ctx_free(whole);
        execl("/bin/true", "true", (char *)NULL); /* no leak check here: the threads that held memory are the parent's */
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    DO(DOORWARD_OK, doorward_get_user(ctx, id, NULL, NULL, &answer, &error));

    DO(DOORWARD_OK, doorward_stop(ctx, &error));
    try_started(ctx, NULL, DOORWARD_E_INVALID_STATE);
    forget();
    doorward_answer_free(signed_up);
    doorward_answer_free(signed_in);
    doorward_answer_free(messages);
    doorward_ctx_free(ctx);
    doorward_ctx_free(whole);
    doorward_config_free(test_settings);
    return 0;
}
