/* What a caller gets wrong, and what each tag of the header promises: the table below is compared with the tags by
 * check_header.py. STARTED: [started] [may-block]. LIFE: [any-state] [may-block]. FREE: [any-state] [no-block]. */
#include "behaviour/behaviour.h"

#include <pthread.h>
#include <sys/wait.h>

doorward_pair password = {{"password", 8}, {PASSWORD, sizeof PASSWORD - 1}};
const doorward_proof *proof;
const doorward_session *session;
const doorward_delivery *delivery;
const doorward_id *id;
const doorward_bytes none = {NULL, 0};
doorward_config *test_settings;

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
    STARTED(doorward_http_handle, (c, none))                                                                           \
    STARTED(doorward_http_page, (c))                                                                                   \
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
    FREE(doorward_http_wants, (NULL, S("GET"), S("/auth/session")))                                                    \
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

static doorward_config *some_config;
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
doorward_status gives(doorward_answer given)
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
#define GIVES_doorward_http_wants(call) ((call) + 1)
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

/* A child of a process that did not quiesce: everything says so, and the handles can be freed. */
static void forked_child(doorward_auth *auth, doorward_auth *whole)
{
    int status;
    pid_t child;
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
}

int main(void)
{
    doorward_answer signed_up, signed_in, messages;
    doorward_auth *whole = NULL, *auth, *cold;
    doorward_id user;
    pthread_t threads[4];
    int i;

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
    bad_configurations();
    no_answers(auth);
    no_handles();
    closed_descriptors();

    cold = test_open("sqlite:cold.db");
    CHECK(try_started(cold, DOORWARD_E_INVALID_STATE) == 56);
    CHECK(try_started(NULL, DOORWARD_E_INVALID_ARGUMENT) == 56);
    doorward_close(cold);

    running = auth;
    DO(DOORWARD_REFUSED, doorward_authenticate(auth, S("email"), S("eve@example.com"), &password, 1));
    CHECK(called > 0);
    running = NULL;

    for (i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, use_from_thread, auth) == 0);
    for (i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);

    forked_child(auth, whole);
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
