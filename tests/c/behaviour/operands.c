/* Operands that no program should pass, and what is no answer and no handle. */
#include "behaviour.h"

#define BAD(call_, part)                                                                                               \
    DO(DOORWARD_E_INVALID_ARGUMENT, call_);                                                                            \
    if (!strstr(doorward_answer_message(answer), part)) fprintf(stderr, "%s\n", doorward_answer_message(answer));      \
    CHECK(strstr(doorward_answer_message(answer), part))

/* What is wrong with a view, every operation on it says. */
static void bad_view(doorward_auth *view, const char *part)
{
    CHECK(view && doorward_headers(view).len == 0);
    BAD(doorward_list_users(view, NULL, 0, NULL), part);
    doorward_close(view);
}

static void bad_filters(doorward_auth *auth)
{
    doorward_user_filter filter = DOORWARD_USER_FILTER_INIT;
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
}

static void bad_users(doorward_auth *auth)
{
    doorward_bytes huge = doorward_span("x", SIZE_MAX), broken = doorward_span("\xff\xfe", 2), torn = doorward_span(NULL, 5);
    doorward_new_user options = DOORWARD_NEW_USER_INIT;
    doorward_new_session session_options = DOORWARD_NEW_SESSION_INIT;
    doorward_pair field = password;
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
}

static void bad_views(doorward_auth *auth)
{
    doorward_bytes huge = doorward_span("x", SIZE_MAX);
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_pair headers[1] = {{{"Cookie", 6}, {"a=b", 3}}};
    doorward_auth *first;
    bad_view(doorward_realm(auth, huge), "realm");
    bad_view(doorward_realm(auth, none), "realm");
    bad_view(doorward_within(auth, -1), "timeout");
    bad_view(doorward_through(auth, NULL), "queue");
    bad_view(doorward_on(auth, NULL), "request");
    bad_view(doorward_on(auth, &request), "method");
    request.method = S("GET"), request.peer = S("not an address");
    bad_view(doorward_on(auth, &request), "peer");
    request.peer = S("unix:/run/app.sock");
    DO(DOORWARD_SIGNED_OUT, doorward_check_request(on_request(auth, &request)));
    request.peer = none, request.n_headers = SIZE_MAX, request.headers = headers;
    bad_view(doorward_on(auth, &request), "headers");
    request.n_headers = 1, headers[0].value = huge;
    bad_view(doorward_on(auth, &request), "header value");
    headers[0].value = S("a=b"), request.target = huge;
    bad_view(doorward_on(auth, &request), "target");
    request.struct_size = 0;
    bad_view(doorward_on(auth, &request), "size");
    on_request(auth, NULL);
    /* What is wrong with a view is wrong with its views, whatever else they are. */
    first = doorward_within(auth, -1);
    bad_view(doorward_trusted(first), "timeout");
    doorward_close(first);
}

void bad_operands(doorward_auth *auth)
{
    bad_filters(auth);
    bad_users(auth);
    bad_views(auth);
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
}

/* A context that is not made, and a queue. */
void bad_configurations(void)
{
    doorward_bytes huge = doorward_span("x", SIZE_MAX);
    doorward_config *config;
    doorward_auth *out = (doorward_auth *)&config;
    doorward_queue *no_queue = (doorward_queue *)&config;
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
}

/* No answer is no success: of zeros, never given, freed, freed twice. */
void no_answers(doorward_auth *auth)
{
    doorward_answer zero = {DOORWARD_OK, 0, NULL}, init = DOORWARD_ANSWER_INIT;
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
}

/* A NULL handle is no handle. */
void no_handles(void)
{
    doorward_answer some_answer = DOORWARD_ANSWER_INIT;
    doorward_id some_id;
    char some_text[DOORWARD_ID_TEXT_SIZE];
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
