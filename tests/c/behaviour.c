/* What a caller gets wrong, and what each tag of the header promises: the table below is compared with the tags by
 * check_header.py. STARTED: [started] [may-block]. LIFE: [any-state] [may-block]. FREE: [any-state] [no-block]. */
#include "test.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

static doorward_pair password = {{"password", 8}, {PASSWORD, sizeof PASSWORD - 1}};
static const doorward_proof *proof;
static const doorward_session *session;
static const doorward_delivery *delivery;
static const doorward_id *id;
static doorward_bytes none = {NULL, 0};

/* Every operation with operands that are well formed, so that nothing but the state of `c` decides. */
#define TABLE                                                                                                          \
    STARTED(doorward_health, (c))                                                                                      \
    STARTED(doorward_stats, (c))                                                                                       \
    STARTED(doorward_metrics, (c))                                                                                     \
    STARTED(doorward_purge_expired, (c))                                                                               \
    STARTED(doorward_create_user, (c, S("email"), S("eve@example.com"), &password, 1, NULL))                           \
    STARTED(doorward_create_user_from_claim, (c, S("dwc_x"), NULL))                                                    \
    STARTED(doorward_peek_claim, (c, S("dwc_x")))                                                                      \
    STARTED(doorward_begin_enrollment, (c, S("email"), none, NULL))                                                    \
    STARTED(doorward_authenticate, (c, S("email"), S("eve@example.com"), &password, 1))                                \
    STARTED(doorward_continue_flow, (c, S("dwf_x"), none, &password, 1))                                               \
    STARTED(doorward_list_methods, (c, NULL))                                                                          \
    STARTED(doorward_create_session, (c, proof, NULL))                                                                 \
    STARTED(doorward_create_session_for_user, (c, id, NULL, 0, NULL))                                                  \
    STARTED(doorward_validate_session, (c, S("dwa_x")))                                                                \
    STARTED(doorward_refresh_session, (c, S("dwr_x")))                                                                 \
    STARTED(doorward_check_request, (c))                                                                               \
    STARTED(doorward_resume_request, (c))                                                                              \
    STARTED(doorward_end_session, (c, none))                                                                           \
    STARTED(doorward_end_sign_in, (c, id, id))                                                                         \
    STARTED(doorward_end_other_sessions, (c, proof))                                                                   \
    STARTED(doorward_end_all_sessions, (c, id))                                                                        \
    STARTED(doorward_list_sessions, (c, id))                                                                           \
    STARTED(doorward_session_alive, (c, id, id))                                                                       \
    STARTED(doorward_session_proof, (c, session))                                                                      \
    STARTED(doorward_update_session_attributes, (c, session, S("{}")))                                                 \
    STARTED(doorward_get_user, (c, id))                                                                                \
    STARTED(doorward_find_user, (c, S("email"), S("eve@example.com")))                                                 \
    STARTED(doorward_find_user_by_attribute, (c, S("nick"), S("eve")))                                                 \
    STARTED(doorward_list_users, (c, NULL, 0, NULL))                                                                   \
    STARTED(doorward_count_users, (c, NULL))                                                                           \
    STARTED(doorward_update_attributes, (c, id, S("{}"), 0))                                                           \
    STARTED(doorward_disable_user, (c, id))                                                                            \
    STARTED(doorward_enable_user, (c, id))                                                                             \
    STARTED(doorward_delete_user, (c, id))                                                                             \
    STARTED(doorward_reset_factors, (c, id, S("lost")))                                                                \
    STARTED(doorward_set_credentials, (c, id, S("email"), &password, 1))                                               \
    STARTED(doorward_add_address, (c, id, S("email"), S("b@example.com")))                                             \
    STARTED(doorward_update_credentials, (c, proof, S("email"), &password, 1))                                         \
    STARTED(doorward_update_identifier, (c, proof, S("email"), S("a@example.com"), S("b@example.com")))                \
    STARTED(doorward_link_identity, (c, proof, S("username"), S("eve"), NULL, 0))                                      \
    STARTED(doorward_begin_link, (c, proof, S("gate"), S("eve"), NULL, 0))                                             \
    STARTED(doorward_link_claim, (c, proof, S("dwc_x")))                                                               \
    STARTED(doorward_unlink_identity, (c, proof, S("username"), S("eve")))                                             \
    STARTED(doorward_list_identities, (c, id))                                                                         \
    STARTED(doorward_list_authenticators, (c, id))                                                                     \
    STARTED(doorward_rename_authenticator, (c, proof, S("email"), id, S("label")))                                     \
    STARTED(doorward_remove_authenticator, (c, proof, S("email"), id))                                                 \
    STARTED(doorward_request_token, (c, S("recovery"), S("email"), S("a@example.com"), NULL))                          \
    STARTED(doorward_peek_token, (c, S("dwt_x")))                                                                      \
    STARTED(doorward_consume_token, (c, S("dwt_x"), NULL))                                                             \
    STARTED(doorward_update_credentials_with_token, (c, S("dwt_x"), S("email"), &password, 1))                         \
    STARTED(doorward_update_identifier_with_token, (c, S("dwt_x"), S("a@example.com"), S("b@example.com")))            \
    STARTED(doorward_take_deliveries, (c, 0, 0))                                                                       \
    STARTED(doorward_settle_delivery, (c, doorward_delivery_id(delivery), 1, DOORWARD_RETRY))                          \
    LIFE(doorward_open, (test_settings, &unused))                                                                      \
    LIFE(doorward_start, (c))                                                                                          \
    LIFE(doorward_stop, (c))                                                                                           \
    LIFE(doorward_before_fork, (c))                                                                                    \
    LIFE(doorward_migrate, (c))                                                                                        \
    LIFE(doorward_agree, (c, S("provider/email")))                                                                     \
    LIFE(doorward_close, (NULL))                                                                                       \
    FREE(doorward_on, (NULL, NULL))                                                                                    \
    FREE(doorward_realm, (NULL, none))                                                                                 \
    FREE(doorward_within, (NULL, 1))                                                                                   \
    FREE(doorward_through, (NULL, NULL))                                                                               \
    FREE(doorward_trusted, (NULL))                                                                                     \
    FREE(doorward_headers, (NULL))                                                                                     \
    FREE(doorward_cancel, (NULL))                                                                                      \
    FREE(doorward_version, ())                                                                                         \
    FREE(doorward_version_string, ())                                                                                  \
    FREE(doorward_id_new, (&some_id))                                                                                  \
    FREE(doorward_id_parse, (S("00000000-0000-7000-8000-000000000001"), &some_id))                                     \
    FREE(doorward_id_text, (&some_id, some_text))                                                                      \
    FREE(doorward_id_equal, (&some_id, &some_id))                                                                      \
    FREE(doorward_config_new, ())                                                                                      \
    FREE(doorward_config_load, (some_config, S("database = 'memory:'")))                                               \
    FREE(doorward_config_set, (some_config, S("database"), S("memory:")))                                              \
    FREE(doorward_config_on_log, (some_config, DOORWARD_LOG_ERROR, NULL, NULL))                                        \
    FREE(doorward_config_on_event, (some_config, NULL, NULL))                                                          \
    FREE(doorward_config_on_delivery, (some_config, NULL, NULL))                                                       \
    FREE(doorward_config_free, (some_config))                                                                          \
    FREE(doorward_queue_new, (&some_queue))                                                                            \
    FREE(doorward_queue_fd, (some_queue))                                                                              \
    FREE(doorward_queue_next, (some_queue, &some_answer, NULL))                                                        \
    FREE(doorward_queue_close, (some_queue))                                                                           \
    FREE(doorward_queue_free, (some_queue))

static doorward_config *test_settings, *some_config;
static doorward_auth *unused;
static doorward_queue *some_queue;
static doorward_answer some_answer;
static doorward_id some_id;
static char some_text[DOORWARD_ID_TEXT_SIZE];

/* The [started] operations on a context, all of which must give the same error, with a message. */
static unsigned try_started(doorward_auth *c, doorward_status want)
{
    unsigned tried = 0;
#define STARTED(name, arguments)                                                                                       \
    {                                                                                                                  \
        doorward_answer got = name arguments;                                                                          \
        if (got.status != want) {                                                                                      \
            fprintf(stderr, #name " gave %s instead of %s\n", doorward_status_id(got.status), doorward_status_id(want)); \
            exit(1);                                                                                                   \
        }                                                                                                              \
        CHECK(got.held && !doorward_ok(got) && doorward_answer_message(got)[0]);                                       \
        doorward_answer_free(&got);                                                                                    \
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

/* The status of an answer that nobody needs any more. */
static doorward_status gives(doorward_answer given)
{
    doorward_status status = given.status;
    doorward_answer_free(&given);
    return status;
}

static doorward_auth *running;
static unsigned called;

/* Inside a callback everything that may block is refused, and everything else works. */
static void on_event(void *tag, const doorward_event *event)
{
    doorward_auth *c = running;
    (void)tag, (void)event;
    if (!running || called++) return;
    try_started(c, DOORWARD_E_REENTRANT);
#define STARTED(name, arguments)
#define LIFE(name, arguments)                                                                                          \
    if (strcmp(#name, "doorward_close") != 0) {                                                                     \
        LIFE_##name arguments;                                                                                         \
    }
#define REENTERED(call) CHECK(gives(call) == DOORWARD_E_REENTRANT)
#define LIFE_doorward_open(...) REENTERED(doorward_open(__VA_ARGS__))
#define LIFE_doorward_start(...) REENTERED(doorward_start(__VA_ARGS__))
#define LIFE_doorward_stop(...) REENTERED(doorward_stop(__VA_ARGS__))
#define LIFE_doorward_before_fork(...) REENTERED(doorward_before_fork(__VA_ARGS__))
#define LIFE_doorward_migrate(...) REENTERED(doorward_migrate(__VA_ARGS__))
#define LIFE_doorward_agree(...) REENTERED(doorward_agree(__VA_ARGS__))
#define LIFE_doorward_close(...) doorward_close(__VA_ARGS__)
#define FREE(name, arguments)                                                                                          \
    {                                                                                                                  \
        long long got = GIVES_##name((name arguments));                                                                \
        if (got == DOORWARD_E_REENTRANT || (got < 0 && got > -30)) {                                                   \
            fprintf(stderr, #name " failed inside a callback: %lld\n", got);      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    }
#define GIVES_doorward_version(call) call
#define GIVES_doorward_version_string(call) ((call) == NULL)
#define GIVES_doorward_on(call) ((call) != NULL)
#define GIVES_doorward_realm(call) ((call) != NULL)
#define GIVES_doorward_within(call) ((call) != NULL)
#define GIVES_doorward_through(call) ((call) != NULL)
#define GIVES_doorward_trusted(call) ((call) != NULL)
#define GIVES_doorward_headers(call) (long long)(call).len
#define GIVES_doorward_cancel(call) (call, 0)
#define GIVES_doorward_id_new(call) call
#define GIVES_doorward_id_parse(call) call
#define GIVES_doorward_id_text(call) (call, 0)
#define GIVES_doorward_id_equal(call) !(call)
#define GIVES_doorward_config_new(call) (some_config = call, 0)
#define GIVES_doorward_config_load(call) (call, 0)
#define GIVES_doorward_config_set(call) (call, 0)
#define GIVES_doorward_config_on_log(call) (call, 0)
#define GIVES_doorward_config_on_event(call) (call, 0)
#define GIVES_doorward_config_on_delivery(call) (call, 0)
#define GIVES_doorward_config_free(call) (call, 0)
#define GIVES_doorward_queue_new(call) gives(call)
#define GIVES_doorward_queue_fd(call) call
#define GIVES_doorward_queue_next(call) call
#define GIVES_doorward_queue_close(call) call
#define GIVES_doorward_queue_free(call) call
    TABLE
#undef STARTED
#undef LIFE
#undef FREE
}

/* A context that a program frees inside a callback, against the rules: nobody may wait for himself. */
static doorward_auth *victim;

static void on_log(void *tag, int32_t level, const char *target, const char *message, size_t len)
{
    (void)tag, (void)level, (void)target, (void)message, (void)len;
    doorward_close(__atomic_exchange_n(&victim, NULL, __ATOMIC_SEQ_CST));
}

/* Operands that no program should pass. */
static void bad_operands(doorward_auth *auth)
{
    doorward_bytes huge = doorward_span("x", SIZE_MAX), broken = doorward_span("\xff\xfe", 2), torn = doorward_span(NULL, 5);
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_new_user options = DOORWARD_NEW_USER_INIT;
    doorward_user_filter filter = DOORWARD_USER_FILTER_INIT;
    doorward_new_session session_options = DOORWARD_NEW_SESSION_INIT;
    doorward_pair field = password, headers[1] = {{{"Cookie", 6}, {"a=b", 3}}};
    doorward_answer zero = {DOORWARD_OK, 0, NULL}, init = DOORWARD_ANSWER_INIT;
    doorward_config *config;
    doorward_auth *out = (doorward_auth *)&request, *view;
    doorward_queue *no_queue = (doorward_queue *)&request;

#define BAD(call_, part)                                                                                               \
    DO(DOORWARD_E_INVALID_ARGUMENT, call_);                                                                            \
    if (!strstr(doorward_answer_message(answer), part)) fprintf(stderr, "%s\n", doorward_answer_message(answer));      \
    CHECK(strstr(doorward_answer_message(answer), part))
#define BAD_VIEW(made, part)                                                                                           \
    view = (made);                                                                                                     \
    CHECK(view && doorward_headers(view).len == 0);                                                                    \
    BAD(doorward_list_users(view, NULL, 0, NULL), part);                                                                     \
    doorward_close(view)
    filter.enabled = 3;
    BAD(doorward_count_users(auth, &filter), "`enabled` is 3");
    filter.enabled = DOORWARD_NO, filter.newest_first = 7;
    BAD(doorward_list_users(auth, NULL, 0, &filter), "`newest_first` is 7");
    filter.newest_first = DOORWARD_YES, filter.begins = S("a");
    BAD(doorward_list_users(auth, NULL, 0, &filter), "given together");
    filter.begins = none, filter.provider = S("email");
    BAD(doorward_count_users(auth, &filter), "given together");
    filter.begins = S("a"), filter.provider = S("nowhere");
    BAD(doorward_count_users(auth, &filter), "no provider of that name");
    filter.provider = S("email"), filter.flags = 1;
    BAD(doorward_count_users(auth, &filter), "flags");
    BAD(doorward_create_user(auth, none, S("x"), &password, 1, NULL), "provider");
    BAD(doorward_create_user(auth, huge, S("x"), &password, 1, NULL), "at most");
    BAD(doorward_create_user(auth, broken, S("x"), &password, 1, NULL), "UTF-8");
    BAD(doorward_create_user(auth, torn, S("x"), &password, 1, NULL), "NULL with a length");
    BAD(doorward_create_user(auth, S("email"), none, &password, 1, NULL), "identifier");
    BAD(doorward_create_user(auth, S("email"), huge, &password, 1, NULL), "at most");
    BAD(doorward_create_user(auth, S("email"), S("x"), NULL, 1, NULL), "credentials");
    BAD(doorward_create_user(auth, S("email"), S("x"), &password, SIZE_MAX, NULL), "at most 64");
    BAD(doorward_create_user(auth, S("nothing"), S("x"), &password, 1, NULL), "no provider");
    field.value = huge;
    BAD(doorward_create_user(auth, S("email"), S("x"), &field, 1, NULL), "at most");
    field = password, field.name = broken;
    BAD(doorward_create_user(auth, S("email"), S("x"), &field, 1, NULL), "UTF-8");
    options.attributes = S("[1]");
    BAD(doorward_create_user(auth, S("email"), S("x@example.com"), &password, 1, &options), "object");
    options.flags = 1;
    BAD(doorward_create_user(auth, S("email"), S("x"), &password, 1, &options), "flags");
    options.flags = 0, options.struct_size = 4;
    DO(DOORWARD_E_ABI_MISMATCH, doorward_create_user(auth, S("email"), S("x"), &password, 1, &options));
    session_options.persistent = 9;
    BAD(doorward_create_session(auth, proof, &session_options), "persistent");
    session_options.persistent = 0, session_options.access_ttl = -1;
    BAD(doorward_create_session(auth, proof, &session_options), "access_ttl");
    session_options.access_ttl = INT64_MAX;
    BAD(doorward_create_session(auth, proof, &session_options), "access");
    BAD_VIEW(doorward_realm(auth, huge), "realm");
    BAD_VIEW(doorward_realm(auth, none), "realm");
    BAD_VIEW(doorward_within(auth, -1), "timeout");
    BAD_VIEW(doorward_through(auth, NULL), "queue");
    BAD_VIEW(doorward_on(auth, NULL), "request");
    BAD_VIEW(doorward_on(auth, &request), "method");
    request.method = S("GET"), request.peer = S("not an address");
    BAD_VIEW(doorward_on(auth, &request), "peer");
    request.peer = S("unix:/run/app.sock");
    DO(DOORWARD_SIGNED_OUT, doorward_check_request(on_request(auth, &request)));
    request.peer = none, request.n_headers = SIZE_MAX, request.headers = headers;
    BAD_VIEW(doorward_on(auth, &request), "headers");
    request.n_headers = 1, headers[0].value = huge;
    BAD_VIEW(doorward_on(auth, &request), "header value");
    headers[0].value = S("a=b"), request.target = huge;
    BAD_VIEW(doorward_on(auth, &request), "target");
    request.struct_size = 0;
    BAD_VIEW(doorward_on(auth, &request), "size");
    on_request(auth, NULL);
    /* What is wrong with a view is wrong with its views, whatever else they are. */
    {
        doorward_auth *first = doorward_within(auth, -1);
        view = doorward_trusted(first);
        doorward_close(first);
        BAD(doorward_list_users(view, NULL, 0, NULL), "timeout");
        doorward_close(view);
    }
    BAD(doorward_get_user(auth, NULL), "user");
    BAD(doorward_create_session(auth, NULL, NULL), "proof");
    BAD(doorward_session_proof(auth, NULL), "session");
    BAD(doorward_request_token(auth, S("magic"), S("email"), S("a@example.com"), NULL), "change_identifier");
    BAD(doorward_request_token(auth, none, S("email"), S("a@example.com"), NULL), "purpose");
    BAD(doorward_request_token(auth, S("verify"), S("email"), none, NULL), "identifier");
    BAD(doorward_peek_token(auth, none), "token");
    BAD(doorward_take_deliveries(auth, 0, -1), "lease");
    BAD(doorward_take_deliveries(auth, 0, 1), "lease");
    BAD(doorward_take_deliveries(auth, 1001, 0), "limit");
    BAD(doorward_settle_delivery(auth, NULL, 1, DOORWARD_RETRY), "delivery");
    BAD(doorward_settle_delivery(auth, doorward_delivery_id(delivery), 1, (doorward_settlement)0), "DOORWARD_DELIVERED");
    BAD(doorward_settle_delivery(auth, doorward_delivery_id(delivery), 1, (doorward_settlement)4), "DOORWARD_DELIVERED");
    BAD(doorward_create_session_for_user(auth, id, NULL, 17, NULL), "at most 16");
    BAD(doorward_start(NULL), "auth");
    BAD(doorward_open(NULL, &out), "config");
    CHECK(out == NULL);
    BAD(doorward_open(test_settings, NULL), "auth");
    BAD(doorward_queue_new(NULL), "queue");
    CHECK(gives(doorward_queue_new(&no_queue)) == DOORWARD_OK && no_queue);
    CHECK(doorward_queue_next(no_queue, NULL, NULL) == DOORWARD_E_INVALID_ARGUMENT);
    CHECK(doorward_queue_close(no_queue) == DOORWARD_OK && doorward_queue_free(no_queue) == DOORWARD_OK);
    /* The first mistake of a configuration, whatever comes after it. */
#define WRONG(status_, step, part)                                                                                     \
    config = doorward_config_new();                                                                                    \
    step;                                                                                                              \
    doorward_config_load(config, S("nothing"));                                                                        \
    DO(status_, doorward_open(config, &out));                                                                          \
    CHECK(!out && strstr(doorward_answer_message(answer), part));                                                      \
    doorward_config_free(config)
    WRONG(DOORWARD_E_INVALID_ARGUMENT, doorward_config_load(config, huge), "at most");
    WRONG(DOORWARD_E_INVALID_ARGUMENT, doorward_config_set(config, none, S("x")), "key");
    WRONG(DOORWARD_E_INVALID_ARGUMENT, doorward_config_on_log(config, 6, NULL, NULL), "level");
    WRONG(DOORWARD_E_CONFIGURATION, doorward_config_set(config, S("databse"), S("memory:")), "database");
    config = doorward_config_new();
    DO(DOORWARD_E_CONFIGURATION, doorward_open(config, &out));
    doorward_config_free(config);

    /* No answer is no success: of zeros, never given, freed, freed twice. */
    CHECK(!doorward_ok(zero) && !doorward_ok(init) && doorward_answer_http_status(zero) == 500);
    CHECK(doorward_answer_http_status(init) == 500 && doorward_answer_message(init)[0] && doorward_answer_message(zero)[0]);
    DO(DOORWARD_OK, doorward_get_user(auth, id));
    forget();
    CHECK(!doorward_ok(answer) && !doorward_answer_user(answer) && answer.status == DOORWARD_E_INVALID_STATE);
    forget();
    CHECK(!doorward_answer_session(zero) && !doorward_answer_proof(init) && !doorward_answer_user_at(zero, 0));
    CHECK(doorward_answer_headers(zero).len == 0 && doorward_answer_count(zero) == 0 && doorward_answer_ended(zero) == 0);
    CHECK(doorward_answer_scope(zero, 0).ptr[0] == 0 && doorward_answer_scope_count(zero) == 0);
    CHECK(!doorward_answer_claim(zero) && !doorward_answer_flow(zero) && !doorward_answer_violation(zero, 0));
    CHECK(!doorward_answer_took(zero, 0) && !doorward_answer_kept(zero, 0) && !doorward_answer_others(zero, 0));
    CHECK(!doorward_answer_delivery(zero, 0) && !doorward_answer_token_info(zero) && !doorward_answer_user_id(zero));
    CHECK(doorward_answer_text(zero).ptr[0] == 0 && doorward_answer_what(zero).ptr[0] == 0 && !doorward_answer_method(zero, 7));

    /* A NULL handle is no handle. */
    CHECK(doorward_session_access_token(NULL).ptr[0] == 0 && doorward_user_id(NULL) == NULL && !doorward_session_factor(NULL, 0));
    CHECK(doorward_user_attributes(NULL).len == 0 && doorward_user_created_at(NULL) == DOORWARD_NO_TIME);
    CHECK(doorward_claim_token(NULL).ptr[0] == 0 && doorward_claim_expires_at(NULL) == DOORWARD_NO_TIME);
    CHECK(doorward_way_name(NULL).ptr[0] == 0 && doorward_way_created_at(NULL) == DOORWARD_NO_TIME && !doorward_way_is_identity(NULL));
    CHECK(!doorward_factor_is_two_in_one(NULL) && doorward_flow_token(NULL).ptr[0] == 0 && !doorward_proof_factor(NULL, 0));
    CHECK(doorward_queue_fd(NULL) == -1 && doorward_queue_free(NULL) == DOORWARD_OK);
    CHECK(doorward_queue_next(NULL, &some_answer, NULL) == DOORWARD_E_INVALID_ARGUMENT && !doorward_ok(some_answer));
    CHECK(doorward_delivery_id(NULL) == NULL && doorward_delivery_user_id(NULL) == NULL && doorward_delivery_attempts(NULL) == 0);
    CHECK(doorward_delivery_params(NULL).len == 0 && doorward_delivery_expires_at(NULL) == DOORWARD_NO_TIME);
    CHECK(doorward_token_info_purpose(NULL).ptr[0] == 0 && doorward_token_info_user_id(NULL) == NULL);
    CHECK(!doorward_id_equal(NULL, NULL) && !doorward_id_equal(id, NULL) && doorward_id_equal(id, id));
    doorward_answer_free(NULL), doorward_config_free(NULL), doorward_close(NULL), doorward_cancel(NULL);
    doorward_config_load(NULL, none), doorward_config_set(NULL, none, none), doorward_config_on_event(NULL, NULL, NULL);
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
    doorward_auth *auth = test_open("memory:");
    int mine = descriptor_of("doorward-hashing");
    CHECK(mine >= 0 && close(mine) == 0);
    CHECK(open("/dev/null", O_RDWR | O_CLOEXEC) == mine);
    DO(DOORWARD_E_INVALID_STATE, doorward_start(auth));
    CHECK(strstr(doorward_answer_message(answer), "closefrom"));
    doorward_close(auth);
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

static void *use_from_thread(void *auth)
{
    doorward_answer given;
    int i;
    for (i = 0; i < 20; i++) {
        given = doorward_get_user(auth, id);
        CHECK(doorward_ok(given) && memcmp(doorward_user_id(doorward_answer_user(given)), id, 16) == 0);
        doorward_answer_free(&given);
    }
    return NULL;
}

int main(void)
{
    doorward_answer signed_up, signed_in, messages;
    doorward_auth *whole = NULL, *auth, *cold;
    doorward_id user;
    pthread_t threads[4];
    int i, status;
    pid_t child;

    alarm(300);

    numbers();
    test_settings = test_config("sqlite:behaviour.db");
    doorward_config_on_event(test_settings, on_event, NULL);
    doorward_config_on_log(test_settings, DOORWARD_LOG_TRACE, on_log, NULL);
    DO(DOORWARD_OK, doorward_open(test_settings, &whole));
    auth = doorward_trusted(whole);
    DO(DOORWARD_OK, doorward_open(test_settings, &victim));
    DO(DOORWARD_OK, doorward_start(auth));
    sign_up(auth, "ada@example.com");
    signed_up = keep();
    proof = doorward_answer_proof(signed_up);
    user = *doorward_proof_user_id(proof), id = &user;
    DO(DOORWARD_OK, doorward_create_session_for_user(auth, id, NULL, 0, NULL));
    signed_in = keep();
    session = doorward_answer_session(signed_in);
    DO(DOORWARD_OK, doorward_request_token(auth, S("recovery"), S("email"), S("ada@example.com"), NULL));
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    messages = keep();
    delivery = doorward_answer_delivery(messages, 0);
    CHECK(delivery);

    CHECK(victim == NULL);

    bad_operands(auth);
    closed_descriptors();

    cold = test_open("sqlite:cold.db");
    CHECK(try_started(cold, DOORWARD_E_INVALID_STATE) == 54);
    CHECK(try_started(NULL, DOORWARD_E_INVALID_ARGUMENT) == 54);
    doorward_close(cold);

    running = auth;
    DO(DOORWARD_REFUSED, doorward_authenticate(auth, S("email"), S("eve@example.com"), &password, 1));
    CHECK(called > 0);
    running = NULL;

    for (i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, use_from_thread, auth) == 0);
    for (i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);

    /* A child of a process that did not quiesce: everything says so, and the handles can be freed. */
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        try_started(auth, DOORWARD_E_FORKED_CONTEXT);
        CHECK(gives(doorward_start(auth)) == DOORWARD_E_FORKED_CONTEXT);
        CHECK(gives(doorward_stop(auth)) == DOORWARD_E_FORKED_CONTEXT);
        doorward_close(auth);
        doorward_close(whole);
        execl("/bin/true", "true", (char *)NULL); /* no leak check here: the threads that held memory are the parent's */
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    DO(DOORWARD_OK, doorward_get_user(auth, id));

    DO(DOORWARD_OK, doorward_stop(auth));
    try_started(auth, DOORWARD_E_INVALID_STATE);
    DO(DOORWARD_OK, doorward_start(auth));
    forget();
    doorward_answer_free(&signed_up);
    doorward_answer_free(&messages);
    /* What doorward_open gave is closed before its view, which answers that to everything; answers outlive both. */
    doorward_close(whole);
    try_started(auth, DOORWARD_E_INVALID_STATE);
    CHECK(gives(doorward_start(auth)) == DOORWARD_E_INVALID_STATE && gives(doorward_migrate(auth)) == DOORWARD_E_INVALID_STATE);
    doorward_close(auth);
    CHECK(doorward_session_id(session) && doorward_user_realm(doorward_session_user(session)).len == 0);
    doorward_answer_free(&signed_in);
    doorward_config_free(test_settings);
    return 0;
}
