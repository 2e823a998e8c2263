/* Every operation at least once, in the order in which a person would meet them. */
#include "test.h"

static unsigned events, lines, failures;

/* A change that gives a proof in place of the one that it took. */
#define RENEW(call)                                                                                                    \
    do {                                                                                                               \
        DO(DOORWARD_OK, call);                                                                                         \
        doorward_answer_free(proof);                                                                                   \
        proof = keep();                                                                                                \
    } while (0)
#define PROOF doorward_answer_proof(proof)

static void on_event(void *user, const doorward_event *event)
{
    CHECK(user == &events && event->struct_size == sizeof *event && event->at > 0);
    CHECK(event->name.ptr[event->name.len] == 0 && event->reason.ptr[event->reason.len] == 0);
    __atomic_add_fetch(&events, 1, __ATOMIC_SEQ_CST);
    if (strcmp(event->name.ptr, "authn_login_fail") == 0) failures++;
}

static void on_log(void *user, int32_t level, const char *target, const char *message, size_t len)
{
    CHECK(user == &lines && level >= DOORWARD_LOG_ERROR && level <= DOORWARD_LOG_INFO);
    CHECK(strncmp(target, "doorward", 8) == 0 && strlen(message) == len);
    CHECK(!strstr(message, PASSWORD) && !strstr(message, "dwa_") && !strstr(message, "dwr_") && !strstr(message, "ada@"));
    __atomic_add_fetch(&lines, 1, __ATOMIC_SEQ_CST);
}

static const char *header(const char *name, size_t skip)
{
    size_t n, i;
    const doorward_field *all = doorward_answer_headers(answer, &n);
    for (i = 0; i < n; i++) {
        CHECK(all[i].value.ptr[all[i].value.len] == 0);
        if (strcmp(all[i].name.ptr, name) == 0 && skip-- == 0) return all[i].value.ptr;
    }
    return NULL;
}

/* A request with the cookies that the last answer set. */
static void cookies_of_answer(char *cookie, size_t room)
{
    const char *line;
    size_t i;
    cookie[0] = 0;
    for (i = 0; (line = header("Set-Cookie", i)); i++)
        snprintf(cookie + strlen(cookie), room - strlen(cookie), "%s%.*s", i ? "; " : "", (int)strcspn(line, ";"), line);
}

/* Sends what is due: settles all, and copies the token of the one message of this template, which goes to `address`. */
static void mailed(doorward_ctx *ctx, const char *template_, const char *address, char *token, size_t room)
{
    doorward_answer *taken;
    const doorward_delivery *delivery;
    size_t i, n, found = 0;
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, NULL, NULL, &answer, &error));
    taken = keep();
    for (i = 0; (delivery = doorward_answer_delivery(taken, i)); i++) {
        if (strcmp(doorward_delivery_template(delivery, NULL), template_) == 0) {
            const doorward_field *params = doorward_delivery_params(delivery, &n);
            found++;
            CHECK(strcmp(doorward_delivery_address(delivery, NULL), address) == 0 && n >= 1);
            CHECK(strcmp(doorward_delivery_channel(delivery, NULL), "email") == 0 && doorward_delivery_realm(delivery, NULL)[0] == 0);
            CHECK(strcmp(doorward_delivery_provider(delivery, NULL), strcmp(template_, "limiter.code") == 0 ? "mail" : "email") == 0);
            CHECK(doorward_delivery_user_id(delivery) != NULL);
            CHECK(doorward_delivery_attempts(delivery) == 1 && doorward_delivery_expires_at(delivery) > 0);
            if (token) {
                CHECK(n == 1 && strcmp(params->name.ptr, "token") == 0 && params->value.len > 20);
                snprintf(token, room, "%s", params->value.ptr);
            }
        }
        DO(DOORWARD_OK, doorward_settle_delivery(ctx, delivery, DOORWARD_DELIVERED, NULL, NULL, &answer, &error));
        DO(DOORWARD_ABSENT, doorward_settle_delivery(ctx, delivery, DOORWARD_DELIVERED, NULL, NULL, &answer, &error));
    }
    CHECK(i == doorward_answer_count(taken) && found == 1);
    doorward_answer_free(taken);
}

/* What a person's form causes is refused on a context that is told of no request, and of none on purpose. */
static void forgotten_requests(doorward_ctx *whole)
{
    static const char *said = "no request: doorward_on(auth, &request), or doorward_trusted(auth) where none caused this";
    doorward_field password = {S("password"), S(PASSWORD)}, origin = {S("Origin"), S("https://app.example")};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_call call = DOORWARD_CALL_INIT;
    doorward_ctx *trusted = doorward_trusted(whole), *on, *both;
#define EVE(of, k) doorward_authenticate(of, S("email"), S("eve@example.com"), &password, 1, NULL, k, &answer, &error)
    DO(DOORWARD_E_INVALID_STATE, EVE(whole, NULL));
    CHECK(strcmp(doorward_error_message(error, NULL), said) == 0 && strcmp(doorward_error_what(error, NULL), "request") == 0);
    DO(DOORWARD_E_INVALID_STATE, EVE(whole, &call));
    DO(DOORWARD_E_INVALID_STATE, doorward_create_user(whole, S("email"), S("eve@example.com"), &password, 1, NULL, NULL, &answer, &error));
    DO(DOORWARD_E_INVALID_STATE, doorward_request_token(whole, S("recovery"), S("email"), S("eve@example.com"), NULL, NULL, &answer, &error));
    DO(DOORWARD_ABSENT, doorward_find_user(whole, S("email"), S("eve@example.com"), NULL, NULL, &answer, &error));
    DO(DOORWARD_REFUSED, EVE(trusted, NULL));
    /* On a request, by a view or by the call. */
    request.method = S("POST"), request.headers = &origin, request.n_headers = 1, call.request = &request;
    DO(DOORWARD_REFUSED, EVE(whole, &call));
    on = doorward_on(whole, &request);
    DO(DOORWARD_REFUSED, EVE(on, NULL));
    doorward_ctx_free(on);
    /* A view of a view has both: what is trusted and on a request has its origin checked. NULL is not "no request". */
    origin.value = S("https://evil.example");
    on = doorward_on(trusted, &request), both = doorward_trusted(on);
    DO(DOORWARD_REQUEST_REFUSED, EVE(on, NULL));
    DO(DOORWARD_REQUEST_REFUSED, EVE(both, NULL));
    DO(DOORWARD_REQUEST_REFUSED, EVE(trusted, &call));
    doorward_ctx_free(both), doorward_ctx_free(on);
    on = doorward_on(trusted, NULL), both = doorward_trusted(on);
    DO(DOORWARD_E_INVALID_ARGUMENT, EVE(on, NULL));
    DO(DOORWARD_E_INVALID_ARGUMENT, EVE(both, NULL));
    doorward_ctx_free(both), doorward_ctx_free(on), doorward_ctx_free(trusted);
    CHECK(doorward_trusted(NULL) == NULL);
#undef EVE
}

/* Recovery from end to end, addresses that are proved and changed, and a message that nobody settles. */
static void tokens(doorward_ctx *ctx)
{
    doorward_field old = {S("password"), S(PASSWORD)}, next = {S("password"), S("a windmill over the quiet lake")};
    doorward_field weak = {S("password"), S("short")};
    doorward_request_token_options with = DOORWARD_REQUEST_TOKEN_OPTIONS_INIT;
    doorward_consume_token_options confirm = DOORWARD_CONSUME_TOKEN_OPTIONS_INIT;
    doorward_take_deliveries_options take = DOORWARD_TAKE_DELIVERIES_OPTIONS_INIT;
    doorward_answer *proof, *first, *second;
    doorward_id cas, message;
    char token[512], access[256];

    /* what the calls above left in the outbox is sent */
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, NULL, NULL, &answer, &error));
    first = keep();
    for (size_t i = 0; i < doorward_answer_count(first); i++)
        DO(DOORWARD_OK, doorward_settle_delivery(ctx, doorward_answer_delivery(first, i), DOORWARD_FAILED, NULL, NULL, &answer, &error));
    doorward_answer_free(first);

    sign_up(ctx, "cas@example.com");
    proof = keep();
    cas = *doorward_proof_user_id(PROOF);
    DO(DOORWARD_OK, doorward_create_session_for_user(ctx, &cas, NULL, NULL, &answer, &error));
    snprintf(access, sizeof access, "%s", doorward_session_access_token(doorward_answer_session(answer), NULL));

    /* an address is proved */
    with.proof = PROOF;
    DO(DOORWARD_OK, doorward_request_token(ctx, S("verify"), S("email"), S("cas@example.com"), &with, NULL, &answer, &error));
    mailed(ctx, "verify", "cas@example.com", token, sizeof token);
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_consume_token(ctx, S(token), NULL, NULL, &answer, &error));
    confirm.proof = PROOF;
    DO(DOORWARD_OK, doorward_consume_token(ctx, S(token), &confirm, NULL, &answer, &error));
    CHECK(strcmp(doorward_token_info_purpose(doorward_answer_token_info(answer), NULL), "verify") == 0);
    DO(DOORWARD_REFUSED, doorward_consume_token(ctx, S(token), NULL, NULL, &answer, &error));
    CHECK(doorward_answer_token_info(answer) == NULL);
    DO(DOORWARD_OK, doorward_list_identities(ctx, &cas, NULL, NULL, &answer, &error));
    CHECK(doorward_identity_verified_at(doorward_answer_identity(answer, 0)) > 0);

    /* a new address is confirmed before it is the user's */
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_request_token(ctx, S("change_identifier"), S("email"), S("cas@example.org"), NULL, NULL, &answer, &error));
    {
        size_t count;
        const doorward_field *challenge = doorward_error_headers(error, &count);
        CHECK(doorward_error_http_status(error) == 401 && count == 1 && strcmp(challenge->name.ptr, "WWW-Authenticate") == 0);
        CHECK(strcmp(challenge->value.ptr, "Bearer error=\"insufficient_user_authentication\", error_description=\"proof_required\"") == 0);
        CHECK(doorward_error_headers(NULL, &count) == NULL && count == 0 && doorward_error_http_status(NULL) == 0);
    }
    DO(DOORWARD_OK, doorward_request_token(ctx, S("change_identifier"), S("email"), S("cas@example.org"), &with, NULL, &answer, &error));
    mailed(ctx, "change_identifier", "cas@example.org", token, sizeof token);
    DO(DOORWARD_REFUSED, doorward_update_identifier_with_token(ctx, S(token), S("cas@example.com"), S("other@example.org"), NULL, NULL, &answer, &error));
    CHECK(doorward_answer_user_id(answer) == NULL);
    DO(DOORWARD_OK, doorward_update_identifier_with_token(ctx, S(token), S("cas@example.com"), S("cas@example.org"), NULL, NULL, &answer, &error));
    CHECK(memcmp(doorward_answer_user_id(answer), &cas, 16) == 0 && doorward_answer_proof(answer) == NULL);
    DO(DOORWARD_ABSENT, doorward_find_user(ctx, S("email"), S("cas@example.com"), NULL, NULL, &answer, &error));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(ctx, S(access), NULL, NULL, &answer, &error));
    doorward_answer_free(proof);

    /* whoever settles nothing is given the message again, and what comes late counts for nothing */
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 2); /* both addresses are told of the change */
    DO(DOORWARD_OK, doorward_request_token(ctx, S("recovery"), S("email"), S("nobody@example.org"), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_request_token(ctx, S("recovery"), S("email"), S("Cas@EXAMPLE.org"), NULL, NULL, &answer, &error));
    take.lease = 1000000, take.limit = 10;
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, &take, NULL, &answer, &error));
    first = keep();
    CHECK(doorward_answer_count(first) == 1 && doorward_answer_delivery(first, 0) && !doorward_answer_delivery(first, 1));
    message = *doorward_delivery_id(doorward_answer_delivery(first, 0));
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 0);
    sleep(2);
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, NULL, NULL, &answer, &error));
    second = keep();
    CHECK(doorward_answer_count(second) == 1 && memcmp(doorward_delivery_id(doorward_answer_delivery(second, 0)), &message, 16) == 0);
    CHECK(doorward_delivery_attempts(doorward_answer_delivery(second, 0)) == 2);
    CHECK(memcmp(doorward_delivery_user_id(doorward_answer_delivery(second, 0)), &cas, 16) == 0);
    DO(DOORWARD_ABSENT, doorward_settle_delivery(ctx, doorward_answer_delivery(first, 0), DOORWARD_DELIVERED, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_http_status(answer) == 404);
    DO(DOORWARD_OK, doorward_settle_delivery(ctx, doorward_answer_delivery(second, 0), DOORWARD_RETRY, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_take_deliveries(ctx, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 0);
    doorward_answer_free(first);
    doorward_answer_free(second);

    /* a forgotten password is replaced, and what nobody proved goes */
    {
        doorward_field key = {S("key"), S("ak_9")};
        DO(DOORWARD_OK, doorward_authenticate(ctx, S("email"), S("cas@example.org"), &old, 1, NULL, NULL, &answer, &error));
        proof = keep();
        DO(DOORWARD_OK, doorward_update_credentials(ctx, PROOF, S("api"), &key, 1, NULL, NULL, &answer, &error));
        doorward_answer_free(proof);
    }
    DO(DOORWARD_OK, doorward_request_token(ctx, S("recovery"), S("email"), S("cas@example.org"), NULL, NULL, &answer, &error));
    mailed(ctx, "recovery", "cas@example.org", token, sizeof token);
    DO(DOORWARD_OK, doorward_peek_token(ctx, S(token), NULL, NULL, &answer, &error));
    {
        const doorward_token_info *info = doorward_answer_token_info(answer);
        CHECK(strcmp(doorward_token_info_purpose(info, NULL), "recovery") == 0 && doorward_token_info_expires_at(info) > 0);
        CHECK(strcmp(doorward_token_info_provider(info, NULL), "email") == 0);
        CHECK(strcmp(doorward_token_info_identifier(info, NULL), "cas@example.org") == 0);
        CHECK(memcmp(doorward_token_info_user_id(info), &cas, 16) == 0);
    }
    DO(DOORWARD_REFUSED, doorward_peek_token(ctx, S("dwt_nonsense"), NULL, NULL, &answer, &error));
    DO(DOORWARD_REFUSED, doorward_consume_token(ctx, S(token), NULL, NULL, &answer, &error));
    DO(DOORWARD_E_POLICY_VIOLATION, doorward_update_credentials_with_token(ctx, S(token), S("email"), &weak, 1, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_update_credentials_with_token(ctx, S(token), S("email"), &next, 1, NULL, NULL, &answer, &error));
    CHECK(memcmp(doorward_answer_user_id(answer), &cas, 16) == 0 && doorward_answer_proof(answer) == NULL);
    {
        const doorward_way *kept = doorward_answer_kept(answer, 0);
        CHECK(kept && !doorward_answer_kept(answer, 1) && !doorward_answer_others(answer, 0));
        CHECK(strcmp(doorward_way_name(kept, NULL), "cas@example.org") == 0 && doorward_way_verified_at(kept) > 0);
        const doorward_way *taken = doorward_answer_took(answer, 0);
        CHECK(taken && !doorward_answer_took(answer, 1) && strcmp(doorward_way_provider(taken, NULL), "api") == 0);
        CHECK(doorward_way_is_identity(taken) == 0 && strcmp(doorward_way_name(taken, NULL), "") == 0);
    }
    DO(DOORWARD_REFUSED, doorward_update_credentials_with_token(ctx, S(token), S("email"), &old, 1, NULL, NULL, &answer, &error));
    DO(DOORWARD_REFUSED, doorward_authenticate(ctx, S("email"), S("cas@example.org"), &old, 1, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_authenticate(ctx, S("email"), S("cas@example.org"), &next, 1, NULL, NULL, &answer, &error));
    mailed(ctx, "credentials_changed", "cas@example.org", NULL, 0);
    DO(DOORWARD_OK, doorward_delete_user(ctx, &cas, NULL, NULL, &answer, &error));
}

/* Goes on with the flow of the last answer, on this handle. */
static doorward_status go_on(doorward_ctx *on, const doorward_field *with, size_t n)
{
    doorward_answer *flow = keep();
    char token[512];
    snprintf(token, sizeof token, "%s", doorward_flow_token(doorward_answer_flow(flow), NULL));
    doorward_answer_free(flow);
    return doorward_continue_flow(on, S(token), with, n, NULL, NULL, &answer, &error);
}

static int flow_is(const char *purpose, const char *provider, const doorward_id *user)
{
    const doorward_flow *flow = doorward_answer_flow(answer);
    const doorward_id *whose = doorward_flow_user_id(flow);
    return strcmp(doorward_flow_purpose(flow, NULL), purpose) == 0 && strcmp(doorward_flow_provider(flow, NULL), provider) == 0 &&
           (user ? whose && memcmp(whose, user, 16) == 0 : !whose);
}

static int proof_is(const char *purpose)
{
    size_t n;
    return strcmp(doorward_proof_purpose(doorward_answer_proof(answer), &n), purpose) == 0 && n == strlen(purpose);
}

/* What a flow or a proof is for: sign-up, enrolment, linking, sign-in, step-up. */
static void purposes(doorward_ctx *ctx)
{
    doorward_bytes nobody = {NULL, 0};
    doorward_field password = {S("password"), S(PASSWORD)}, made = {S("id"), S("k0")}, held = {S("id"), S("k1")};
    doorward_field lines_[2] = {{S("Cookie"), {NULL, 0}}, {S("Origin"), S("https://app.example")}};
    doorward_begin_enrolment_options enrol = DOORWARD_BEGIN_ENROLMENT_OPTIONS_INIT;
    doorward_request_token_options by = DOORWARD_REQUEST_TOKEN_OPTIONS_INIT;
    doorward_consume_token_options confirm = DOORWARD_CONSUME_TOKEN_OPTIONS_INIT;
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_answer *proof, *eve;
    doorward_ctx *on;
    doorward_id user;
    char token[128], cookie[2048];
    request.method = S("POST"), request.headers = lines_, request.n_headers = 2;
    DO(DOORWARD_CONTINUE, doorward_create_user(ctx, S("passkey"), S("Eve"), NULL, 0, NULL, NULL, &answer, &error));
    CHECK(flow_is("sign_up", "passkey", NULL));
    CHECK(go_on(ctx, &made, 1) == DOORWARD_OK && proof_is("sign_in"));
    eve = keep();
    sign_up(ctx, "pat@example.com");
    proof = keep(), user = *doorward_proof_user_id(PROOF);
    by.proof = confirm.proof = PROOF;
    DO(DOORWARD_OK, doorward_request_token(ctx, S("verify"), S("email"), S("pat@example.com"), &by, NULL, &answer, &error));
    mailed(ctx, "verify", "pat@example.com", token, sizeof token);
    DO(DOORWARD_OK, doorward_consume_token(ctx, S(token), &confirm, NULL, &answer, &error));
    enrol.proof = PROOF;
    DO(DOORWARD_CONTINUE, doorward_begin_enrolment(ctx, S("passkey"), &enrol, NULL, &answer, &error));
    CHECK(flow_is("enrol", "passkey", &user));
    CHECK(go_on(ctx, &held, 1) == DOORWARD_OK);
    doorward_answer_free(proof);
    proof = keep();
    DO(DOORWARD_CONTINUE, doorward_begin_link(ctx, PROOF, S("github"), nobody, NULL, 0, NULL, NULL, &answer, &error));
    CHECK(flow_is("link", "github", &user));
    /* A sign-in on a request, then a step-up on the session that it made. */
    lines_[0].value = S("a=b"), on = doorward_on(ctx, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(on, S("email"), S("pat@example.com"), &password, 1, NULL, NULL, &answer, &error));
    CHECK(strcmp(doorward_flow_purpose(doorward_answer_flow(answer), NULL), "sign_in") == 0);
    cookies_of_answer(cookie, sizeof cookie);
    lines_[0].value = S(cookie), doorward_ctx_free(on), on = doorward_on(ctx, &request);
    CHECK(go_on(on, &held, 1) == DOORWARD_OK && proof_is("sign_in"));
    doorward_answer_free(proof);
    proof = keep();
    DO(DOORWARD_OK, doorward_create_session(on, PROOF, NULL, NULL, &answer, &error));
    doorward_answer_free(proof);
    proof = keep();
    DO(DOORWARD_OK, doorward_session_proof(on, doorward_answer_session(proof), NULL, NULL, &answer, &error));
    CHECK(proof_is("session"));
    forget();
    answer = proof; /* whose cookies the browser has now */
    cookies_of_answer(cookie, sizeof cookie);
    lines_[0].value = S(cookie), doorward_ctx_free(on), on = doorward_on(ctx, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(on, S("passkey"), nobody, NULL, 0, NULL, NULL, &answer, &error));
    CHECK(flow_is("step_up", "passkey", &user));
    {
        char *end = cookie + strlen(cookie);
        *end++ = ';', *end++ = ' ';
        cookies_of_answer(end, sizeof cookie - (size_t)(end - cookie));
    }
    lines_[0].value = S(cookie), doorward_ctx_free(on), on = doorward_on(ctx, &request);
    CHECK(go_on(on, &held, 1) == DOORWARD_OK && proof_is("step_up"));
    doorward_ctx_free(on);
    DO(DOORWARD_OK, doorward_delete_user(ctx, &user, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_delete_user(ctx, doorward_proof_user_id(doorward_answer_proof(eve)), NULL, NULL, &answer, &error));
    doorward_answer_free(eve);
    forget();
}

/* How many lines set this cookie; the last of them is left in *line. */
static size_t sets(const doorward_field *lines_, size_t n, const char *name, const char **line)
{
    size_t i, found = 0;
    for (i = 0; i < n; i++)
        if (strcmp(lines_[i].name.ptr, "Set-Cookie") == 0 && strncmp(lines_[i].value.ptr, name, strlen(name)) == 0) *line = lines_[i].value.ptr, found++;
    return found;
}

/* The obvious middleware resumes first and sends last: a sign-in between is not overwritten by the refresh. */
static void final_cookies(doorward_ctx *ctx)
{
    doorward_field password = {S("password"), S(PASSWORD)};
    doorward_field lines_[2] = {{S("Cookie"), {NULL, 0}}, {S("Origin"), S("https://app.example")}};
    doorward_create_session_options brief = DOORWARD_CREATE_SESSION_OPTIONS_INIT;
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_answer *proof;
    doorward_ctx *on;
    doorward_id ids[2];
    const doorward_field *first, *last;
    const char *line = NULL, *access, *refresh, *before;
    char cookie[2048];
    size_t n, m, i;
    sign_up(ctx, "one@example.com");
    proof = keep(), ids[0] = *doorward_proof_user_id(PROOF);
    brief.access_ttl = 1; /* a microsecond: it is past its time at once */
    DO(DOORWARD_OK, doorward_create_session(ctx, PROOF, &brief, NULL, &answer, &error));
    doorward_answer_free(proof);
    snprintf(cookie, sizeof cookie, "__Host-doorward-access=%s; __Host-doorward-refresh=%s",
             doorward_session_access_token(doorward_answer_session(answer), NULL), doorward_session_refresh_token(doorward_answer_session(answer), NULL));
    sign_up(ctx, "two@example.com");
    ids[1] = *doorward_proof_user_id(doorward_answer_proof(answer));
    request.method = S("POST"), request.headers = lines_, request.n_headers = 2, lines_[0].value = S(cookie);
    on = doorward_on(ctx, &request);
    DO(DOORWARD_OK, doorward_resume_request(on, NULL, NULL, &answer, &error));
    first = doorward_headers(on, &n);
    CHECK(sets(first, n, "__Host-doorward-access=", &before) == 1 && n >= 2);
    DO(DOORWARD_OK, doorward_authenticate(on, S("email"), S("two@example.com"), &password, 1, NULL, NULL, &answer, &error));
    proof = keep();
    DO(DOORWARD_OK, doorward_create_session(on, PROOF, NULL, NULL, &answer, &error));
    doorward_answer_free(proof);
    last = doorward_headers(on, &m);
    access = doorward_session_access_token(doorward_answer_session(answer), NULL);
    refresh = doorward_session_refresh_token(doorward_answer_session(answer), NULL);
    CHECK(sets(last, m, "__Host-doorward-refresh=", &line) == 1 && strstr(line, refresh));
    CHECK(sets(last, m, "__Host-doorward-access=", &line) == 1 && strstr(line, access));
    CHECK(sets(last, m, "__Host-doorward-device=", &line) == 1 && strcmp(last[0].name.ptr, "Cache-Control") == 0);
    for (i = 1; i < m; i++) CHECK(strcmp(last[i].name.ptr, "Set-Cookie") == 0 && strcmp(last[i].value.ptr, before) != 0);
    CHECK(sets(first, n, "__Host-doorward-access=", &line) == 1 && line == before); /* the first look still lives */
    /* A sign-out at the end is what the browser gets: no line of the sign-in is left but the device's. */
    snprintf(cookie, sizeof cookie, "%s", refresh); /* the next call frees the answer that lends it */
    DO(DOORWARD_OK, doorward_end_session(on, S(cookie), NULL, NULL, &answer, &error));
    last = doorward_headers(on, &m);
    CHECK(sets(last, m, "__Host-doorward-access=;", &line) == 1 && sets(last, m, "__Host-doorward-access=", &line) == 1);
    CHECK(sets(last, m, "__Host-doorward-refresh=;", &line) == 1 && sets(last, m, "__Host-doorward-refresh=", &line) == 1);
    doorward_ctx_free(on);
    for (i = 0; i < 2; i++) DO(DOORWARD_OK, doorward_delete_user(ctx, &ids[i], NULL, NULL, &answer, &error));
    forget();
}

static const char *line_of(const doorward_field *lines_, size_t n, const char *name)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (strcmp(lines_[i].name.ptr, name) == 0) return lines_[i].value.ptr;
    return NULL;
}

/* An app has neither cookies nor an origin: its binding and its device come and go in header lines of their own. */
static void app_mode(doorward_ctx *ctx)
{
    doorward_bytes nobody = {NULL, 0};
    doorward_field good = {S("code"), S("good:9")}, password = {S("password"), S(PASSWORD)};
    doorward_field lines_[3] = {{S("Doorward-Client"), S("app")}, {S("Doorward-Flow"), {NULL, 0}}, {S("Doorward-Device"), {NULL, 0}}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_answer *proof;
    doorward_ctx *app;
    doorward_id user;
    char binding[256], device[512], bearer[300];
    const doorward_field *all;
    size_t n;
    request.method = S("POST"), request.headers = lines_, request.n_headers = 1;
    app = doorward_on(ctx, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(app, S("github"), nobody, NULL, 0, NULL, NULL, &answer, &error));
    CHECK(header("Doorward-Flow", 0) && !header("Set-Cookie", 0) && strcmp(header("Cache-Control", 0), "no-store") == 0);
    snprintf(binding, sizeof binding, "%s", header("Doorward-Flow", 0));
    all = doorward_headers(app, &n);
    CHECK(n == 2 && strcmp(line_of(all, n, "Doorward-Flow"), binding) == 0);
    /* Not without the binding; then with it. */
    proof = keep();
    CHECK(strcmp(doorward_flow_purpose(doorward_answer_flow(proof), NULL), "sign_in") == 0);
    doorward_ctx_free(app);
    lines_[1].value = S(binding), request.n_headers = 2, app = doorward_on(ctx, &request);
    DO(DOORWARD_UNREGISTERED, doorward_continue_flow(app, S(doorward_flow_token(doorward_answer_flow(proof), NULL)), &good, 1, NULL, NULL, &answer, &error));
    doorward_answer_free(proof);
    doorward_ctx_free(app);
    request.n_headers = 1, app = doorward_on(ctx, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(app, S("github"), nobody, NULL, 0, NULL, NULL, &answer, &error));
    CHECK(strcmp(header("Doorward-Flow", 0), binding) != 0 && go_on(app, &good, 1) == DOORWARD_REFUSED);
    /* The tokens are in the session, the device in a line. */
    sign_up(ctx, "app@example.com");
    user = *doorward_proof_user_id(doorward_answer_proof(answer));
    DO(DOORWARD_OK, doorward_authenticate(app, S("email"), S("app@example.com"), &password, 1, NULL, NULL, &answer, &error));
    proof = keep();
    DO(DOORWARD_OK, doorward_create_session(app, PROOF, NULL, NULL, &answer, &error));
    doorward_answer_free(proof);
    CHECK(header("Doorward-Device", 0) && !header("Set-Cookie", 0));
    CHECK(doorward_session_refresh_token(doorward_answer_session(answer), NULL));
    snprintf(device, sizeof device, "%s", header("Doorward-Device", 0));
    all = doorward_headers(app, &n);
    CHECK(strcmp(line_of(all, n, "Doorward-Device"), device) == 0 && !line_of(all, n, "Set-Cookie"));
    snprintf(bearer, sizeof bearer, "Bearer %s", doorward_session_access_token(doorward_answer_session(answer), NULL));
    doorward_ctx_free(app);
    lines_[1].name = S("Authorization"), lines_[1].value = S(bearer), lines_[2].value = S(device);
    request.n_headers = 3, app = doorward_on(ctx, &request);
    DO(DOORWARD_OK, doorward_check_request(app, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_end_session(app, nobody, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 1);
    doorward_ctx_free(app);
    /* A page has an origin: it is no app, whatever it says. */
    lines_[1].name = S("Origin"), lines_[1].value = S("https://evil.example"), request.n_headers = 2, app = doorward_on(ctx, &request);
    DO(DOORWARD_REQUEST_REFUSED, doorward_authenticate(app, S("email"), S("app@example.com"), &password, 1, NULL, NULL, &answer, &error));
    doorward_ctx_free(app);
    DO(DOORWARD_OK, doorward_delete_user(ctx, &user, NULL, NULL, &answer, &error));
    forget();
}

/* A new password takes the current one, where the configuration says so or the proof did not prove it of late. */
static void current_password(void)
{
    doorward_field next[2] = {{S("password"), S("a windmill over the quiet lake")}, {S("current"), S(PASSWORD)}};
    doorward_config *config = test_config("memory:");
    doorward_ctx *ctx = NULL;
    doorward_answer *proof;
    DO(DOORWARD_OK, doorward_config_set(config, S("policy.current_password"), S("always"), &error));
    DO(DOORWARD_OK, doorward_open(config, &ctx, &error));
    doorward_config_free(config);
    DO(DOORWARD_OK, doorward_start(ctx, &error));
    sign_up(ctx, "ada@example.com");
    proof = keep();
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_update_credentials(ctx, PROOF, S("email"), next, 1, NULL, NULL, &answer, &error));
    CHECK(strcmp(doorward_error_what(error, NULL), "current") == 0);
    DO(DOORWARD_OK, doorward_update_credentials(ctx, PROOF, S("email"), next, 2, NULL, NULL, &answer, &error));
    doorward_answer_free(proof);
    forget();
    doorward_ctx_free(ctx);
}

int main(void)
{
    doorward_config *config = test_config("sqlite:operations.db");
    doorward_ctx *whole = NULL, *ctx;
    doorward_answer *signed_up, *session, *proof, *flow;
    doorward_create_user_options fresh = DOORWARD_CREATE_USER_OPTIONS_INIT;
    doorward_field password = {S("password"), S(PASSWORD)}, code = {S("code"), S("2468")}, wrong = {S("code"), S("1")};
    doorward_id ada, read;
    char text[DOORWARD_ID_TEXT_SIZE], access[256], refresh[256], cookie[1024];
    size_t n, i;

    /* the context */
    CHECK(doorward_version() == DOORWARD_VERSION && strcmp(doorward_version_string(), DOORWARD_VERSION_STRING) == 0);
    DO(DOORWARD_OK, doorward_config_set(config, S("session.grace"), S("30s"), &error));
    DO(DOORWARD_E_CONFIGURATION, doorward_config_set(config, S("session.grase"), S("30s"), &error));
    CHECK(strstr(doorward_error_message(error, NULL), "session.grace"));
    DO(DOORWARD_OK, doorward_config_on_event(config, on_event, &events, &error));
    DO(DOORWARD_OK, doorward_config_on_log(config, DOORWARD_LOG_INFO, on_log, &lines, &error));
    DO(DOORWARD_OK, doorward_open(config, &whole, &error));
    doorward_config_free(config);
    ctx = doorward_trusted(whole);
    DO(DOORWARD_OK, doorward_migrate(ctx, &error));
    DO(DOORWARD_OK, doorward_start(ctx, &error));
    DO(DOORWARD_OK, doorward_start(ctx, &error));
    DO(DOORWARD_OK, doorward_health(ctx, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_agree(ctx, S("provider/email"), &error));
    DO(DOORWARD_E_NOT_FOUND, doorward_agree(ctx, S("provider/none"), &error));

    library_threads_take_no_signals();

    forgotten_requests(whole);
    purposes(ctx);
    final_cookies(ctx);
    app_mode(ctx);
    current_password();

    /* signing up */
    DO(DOORWARD_OK, doorward_list_methods(ctx, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) >= 2);
    for (i = 0; i < doorward_answer_count(answer); i++) {
        const doorward_method *method = doorward_answer_method(answer, i);
        if (strcmp(doorward_method_provider(method, NULL), "email")) continue;
        CHECK(strcmp(doorward_method_action(method, &n), "verify") == 0 && n == 6);
        CHECK(strcmp(doorward_method_factor_class(method, NULL), "knowledge") == 0);
        CHECK(doorward_method_input_count(method) == 1);
        CHECK(strcmp(doorward_input_name(doorward_method_input(method, 0), NULL), "password") == 0);
        CHECK(strcmp(doorward_input_autocomplete(doorward_method_input(method, 0), NULL), "current-password") == 0);
        CHECK(doorward_input_is_secret(doorward_method_input(method, 0)) == 1);
        CHECK(doorward_input_is_optional(doorward_method_input(method, 0)) == 0);
        CHECK(doorward_input_max_len(doorward_method_input(method, 0)) >= 64);
    }
    CHECK(doorward_answer_method(answer, doorward_answer_count(answer)) == NULL);
    CHECK(doorward_id_new(&ada) == DOORWARD_OK);
    doorward_id_text(&ada, text);
    CHECK(strlen(text) == 36 && doorward_id_parse(S(text), &read) == DOORWARD_OK && memcmp(&ada, &read, 16) == 0);
    fresh.id = &ada;
    fresh.attributes = S("{\"nick\":\"ada\",\"theme\":\"dark\",\"note\":\"private\"}");
    {
        doorward_field weak = {S("password"), S("short")};
        DO(DOORWARD_E_POLICY_VIOLATION, doorward_create_user(ctx, S("email"), S("ada@example.com"), &weak, 1, &fresh, NULL, &answer, &error));
        CHECK(doorward_error_violation_count(error) >= 1 && doorward_error_violation(error, 99) == NULL);
        CHECK(strcmp(doorward_error_violation(error, 0)->rule.ptr, "too_short") == 0);
        CHECK(strcmp(doorward_error_violation(error, 0)->field.ptr, "password") == 0);
        CHECK(doorward_error_violation(error, 0)->limit >= 8 && doorward_error_violation(error, 0)->message.len > 0);
    }
    DO(DOORWARD_OK, doorward_create_user(ctx, S("email"), S("Ada@Example.com"), &password, 1, &fresh, NULL, &answer, &error));
    signed_up = keep();
    CHECK(memcmp(doorward_proof_user_id(doorward_answer_proof(signed_up)), &ada, 16) == 0);
    CHECK(doorward_proof_factor_count(doorward_answer_proof(signed_up)) == 1);
    CHECK(strcmp(doorward_factor_provider(doorward_proof_factor(doorward_answer_proof(signed_up), 0), NULL), "email") == 0);
    CHECK(strcmp(doorward_factor_factor_class(doorward_proof_factor(doorward_answer_proof(signed_up), 0), NULL), "knowledge") == 0);
    CHECK(doorward_factor_channel(doorward_proof_factor(doorward_answer_proof(signed_up), 0), NULL) != NULL);
    CHECK(doorward_factor_at(doorward_proof_factor(doorward_answer_proof(signed_up), 0)) > 0);
    {
        doorward_id other;
        CHECK(doorward_id_new(&other) == DOORWARD_OK);
        fresh.id = &other;
        DO(DOORWARD_E_CONFLICT, doorward_create_user(ctx, S("email"), S("ada@example.com"), &password, 1, &fresh, NULL, &answer, &error));
        CHECK(strcmp(doorward_error_what(error, NULL), "identifier") == 0 || strcmp(doorward_error_what(error, NULL), "attribute") == 0);
    }

    /* a session */
    {
        doorward_create_session_options with = DOORWARD_CREATE_SESSION_OPTIONS_INIT;
        with.attributes = S("{\"cart\":[1]}");
        with.persistent = DOORWARD_NO;
        DO(DOORWARD_OK, doorward_create_session(ctx, doorward_answer_proof(signed_up), &with, NULL, &answer, &error));
    }
    CHECK(strstr(header("Set-Cookie", 0), "refresh") || strstr(header("Set-Cookie", 0), "dwr_"));
    CHECK(strstr(header("Set-Cookie", 1), "dwa_") && strcmp(header("Cache-Control", 0), "no-store") == 0);
    cookies_of_answer(cookie, sizeof cookie);
    session = keep();
    {
        const doorward_session *s = doorward_answer_session(session);
        snprintf(access, sizeof access, "%s", doorward_session_access_token(s, &n));
        CHECK(n == strlen(access) && strncmp(access, "dwa_", 4) == 0);
        snprintf(refresh, sizeof refresh, "%s", doorward_session_refresh_token(s, &n));
        CHECK(strncmp(refresh, "dwr_", 4) == 0);
        CHECK(strcmp(doorward_session_attributes(s, NULL), "{\"cart\":[1]}") == 0 && doorward_session_version(s) == 1);
        CHECK(doorward_session_is_persistent(s) == 0 && doorward_session_factor_count(s) == 1);
        CHECK(doorward_session_factor(s, 0) && !doorward_session_factor(s, 1));
        CHECK(doorward_session_access_expires_at(s) < doorward_session_idle_expires_at(s));
        CHECK(doorward_session_idle_expires_at(s) < doorward_session_absolute_expires_at(s));
        CHECK(doorward_session_authenticated_at(s) <= doorward_session_created_at(s) && doorward_session_last_seen_at(s) > 0);
        CHECK(doorward_session_agent(s, NULL)[0] == 0 && doorward_session_address(s, NULL)[0] == 0);
        CHECK(memcmp(doorward_user_id(doorward_session_user(s)), &ada, 16) == 0);
    }
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_create_session(ctx, doorward_answer_proof(signed_up), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_validate_session(ctx, S(access), NULL, NULL, &answer, &error));
    CHECK(doorward_session_access_token(doorward_answer_session(answer), &n) == NULL && n == 0);
    CHECK(strcmp(doorward_user_public_attributes(ctx, doorward_answer_user(answer), NULL), "{\"theme\":\"dark\"}") == 0);
    CHECK(strstr(doorward_user_attributes(doorward_answer_user(answer), NULL), "private"));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(ctx, S("dwa_nonsense"), NULL, NULL, &answer, &error));
    CHECK(strcmp(doorward_answer_reason(answer, NULL), "invalid") == 0 && doorward_answer_http_status(answer) == 401);
    DO(DOORWARD_OK, doorward_refresh_session(ctx, S(refresh), NULL, NULL, &answer, &error));
    CHECK(doorward_session_access_token(doorward_answer_session(answer), NULL));
    DO(DOORWARD_SIGNED_OUT, doorward_refresh_session(ctx, S(access), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_update_session_attributes(ctx, doorward_answer_session(session), S("{\"cart\":null,\"page\":2}"), NULL, NULL, &answer, &error));
    CHECK(strcmp(doorward_answer_text(answer, NULL), "{\"page\":2}") == 0);

    /* on a request */
    {
        doorward_field lines_[2] = {{S("Cookie"), S(cookie)}, {S("Origin"), S("https://app.example")}};
        doorward_request request = DOORWARD_REQUEST_INIT;
        doorward_call call = DOORWARD_CALL_INIT;
        request.method = S("POST"), request.headers = lines_, request.n_headers = 2, request.peer = S("203.0.113.7");
        call.request = &request;
        DO(DOORWARD_OK, doorward_check_request(ctx, NULL, &call, &answer, &error));
        CHECK(doorward_answer_session(answer) && memcmp(doorward_user_id(doorward_answer_user(answer)), &ada, 16) == 0);
        CHECK(doorward_answer_provider(answer, &n)[0] == 0 && n == 0);
        DO(DOORWARD_OK, doorward_resume_request(ctx, NULL, &call, &answer, &error));
        lines_[1].value = S("https://evil.example");
        DO(DOORWARD_REQUEST_REFUSED, doorward_check_request(ctx, NULL, &call, &answer, &error));
        CHECK(doorward_answer_http_status(answer) == 403 && strstr(doorward_answer_setting(answer, NULL), "origins"));
        request.headers = lines_ + 1, lines_[1].value = S("https://app.example"), request.n_headers = 1;
        DO(DOORWARD_SIGNED_OUT, doorward_check_request(ctx, NULL, &call, &answer, &error));
        CHECK(strcmp(doorward_answer_reason(answer, NULL), "no_token") == 0);
        DO(DOORWARD_E_INVALID_STATE, doorward_check_request(ctx, NULL, NULL, &answer, &error));
        call.realm = S("elsewhere"), request.headers = lines_, request.n_headers = 2;
        DO(DOORWARD_SIGNED_OUT, doorward_check_request(ctx, NULL, &call, &answer, &error));
    }

    /* a view on a request collects: the sign-out after the resume is what the browser gets */
    {
        doorward_field held[2] = {{S("Cookie"), S(cookie)}, {S("Origin"), S("https://app.example")}};
        doorward_field wrong = {S("password"), S("wrong donkey capacitor")};
        doorward_request request = DOORWARD_REQUEST_INIT;
        request.method = S("POST"), request.headers = held, request.n_headers = 2, request.peer = S("fe80::1%eth0");
        doorward_ctx *view = doorward_on(ctx, &request), *bad;
        held[0].value = S("gone");
        DO(DOORWARD_OK, doorward_resume_request(view, NULL, NULL, &answer, &error));
        CHECK(doorward_headers(view, &n) == NULL && n == 0);
        DO(DOORWARD_REFUSED, doorward_authenticate(view, S("email"), S("nobody@example.com"), &wrong, 1, NULL, NULL, &answer, &error));
        CHECK(doorward_answer_headers(answer, &n) && n == 1);
        CHECK(strcmp(doorward_answer_headers(answer, &n)[0].name.ptr, "WWW-Authenticate") == 0);
        doorward_ctx_free(view);
        DO(DOORWARD_E_INVALID_STATE, doorward_end_session(ctx, doorward_span(NULL, 0), NULL, NULL, &answer, &error));
        held[0].value = S("x=y");
        view = doorward_on(ctx, &request);
        DO(DOORWARD_OK, doorward_end_session(view, doorward_span(NULL, 0), NULL, NULL, &answer, &error));
        CHECK(doorward_answer_count(answer) == 0);
        const doorward_field *last = doorward_headers(view, &n);
        CHECK(last && n == 3 && strcmp(last[0].name.ptr, "Cache-Control") == 0 && strstr(last[2].value.ptr, "Expires=Thu, 01 Jan 1970"));
        doorward_ctx_free(view);
        request.peer = S("nowhere"), bad = doorward_on(ctx, &request);
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_check_request(bad, NULL, NULL, &answer, &error));
        CHECK(doorward_headers(bad, &n) == NULL && doorward_on(NULL, &request) == NULL);
        doorward_ctx_free(bad);
        bad = doorward_on(ctx, NULL);
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_check_request(bad, NULL, NULL, &answer, &error));
        doorward_ctx_free(bad);
    }

    /* a second factor, enrolled in two steps */
    DO(DOORWARD_OK, doorward_session_proof(ctx, doorward_answer_session(session), NULL, NULL, &answer, &error));
    proof = keep();
    {
        doorward_begin_enrolment_options with = DOORWARD_BEGIN_ENROLMENT_OPTIONS_INIT;
        doorward_request_token_options by = DOORWARD_REQUEST_TOKEN_OPTIONS_INIT;
        doorward_consume_token_options confirm = DOORWARD_CONSUME_TOKEN_OPTIONS_INIT;
        char token[128];
        with.proof = by.proof = confirm.proof = doorward_answer_proof(proof);
        /* not before the address is proved */
        DO(DOORWARD_E_POLICY_VIOLATION, doorward_begin_enrolment(ctx, S("key"), &with, NULL, &answer, &error));
        CHECK(doorward_error_violation_count(error) == 1 && strcmp(doorward_error_violation(error, 0)->rule.ptr, "address_unproved") == 0);
        DO(DOORWARD_OK, doorward_request_token(ctx, S("verify"), S("email"), S("ada@example.com"), &by, NULL, &answer, &error));
        mailed(ctx, "verify", "Ada@Example.com", token, sizeof token);
        DO(DOORWARD_OK, doorward_consume_token(ctx, S(token), &confirm, NULL, &answer, &error));
        DO(DOORWARD_CONTINUE, doorward_begin_enrolment(ctx, S("key"), &with, NULL, &answer, &error));
        flow = keep();
    }
    {
        const doorward_flow *f = doorward_answer_flow(flow);
        const doorward_method *method = doorward_flow_method(f, 0);
        const doorward_field *challenge = doorward_method_challenge(method, &n);
        CHECK(n == 1 && strcmp(challenge->name.ptr, "serial") == 0 && strcmp(challenge->value.ptr, "2468") == 0);
        CHECK(doorward_flow_method_count(f) == 1 && doorward_flow_expires_at(f) > 0 && !doorward_flow_method(f, 1));
        DO(DOORWARD_REFUSED, doorward_continue_flow(ctx, S(doorward_flow_token(f, NULL)), &wrong, 1, NULL, NULL, &answer, &error));
        doorward_answer_free(flow);
        flow = keep();
        CHECK(doorward_answer_flow(flow));
        DO(DOORWARD_OK, doorward_continue_flow(ctx, S(doorward_flow_token(doorward_answer_flow(flow), NULL)), &code, 1, NULL, NULL, &answer, &error));
        CHECK(doorward_answer_show_once(answer, &n) == NULL && n == 0);
        {
            const doorward_way *other = doorward_answer_others(answer, 0);
            CHECK(other && !doorward_answer_others(answer, 1) && !doorward_answer_took(answer, 0) && !doorward_answer_kept(answer, 0));
            CHECK(strcmp(doorward_way_provider(other, NULL), "email") == 0 && doorward_way_is_identity(other) == 1);
            CHECK(strcmp(doorward_way_name(other, &n), "Ada@Example.com") == 0 && n == 15);
            CHECK(doorward_way_created_at(other) > 0 && doorward_way_last_used_at(NULL) == DOORWARD_NO_TIME);
        }
        doorward_answer_free(flow);
    }

    /* signing in with it */
    DO(DOORWARD_REFUSED, doorward_authenticate(ctx, S("email"), S("ada@example.com"), &wrong, 0, NULL, NULL, &answer, &error));
    DO(DOORWARD_REFUSED, doorward_authenticate(ctx, S("email"), S("nobody@example.com"), &password, 1, NULL, NULL, &answer, &error));
    DO(DOORWARD_CONTINUE, doorward_authenticate(ctx, S("email"), S("ada@example.com"), &password, 1, NULL, NULL, &answer, &error));
    flow = keep();
    {
        doorward_continue_flow_options with = DOORWARD_CONTINUE_FLOW_OPTIONS_INIT;
        with.provider = S("key");
        DO(DOORWARD_OK, doorward_continue_flow(ctx, S(doorward_flow_token(doorward_answer_flow(flow), NULL)), &code, 1, &with, NULL, &answer, &error));
        doorward_answer_free(flow);
        doorward_answer_free(proof);
        proof = keep();
        CHECK(doorward_proof_factor_count(doorward_answer_proof(proof)) == 2);
    }

    /* what the user owns */
    DO(DOORWARD_OK, doorward_list_authenticators(ctx, &ada, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 2);
    {
        const doorward_authenticator *one = doorward_answer_authenticator(answer, 0);
        if (strcmp(doorward_authenticator_kind(one, NULL), "gadget")) one = doorward_answer_authenticator(answer, 1);
        CHECK(strcmp(doorward_authenticator_group(one, NULL), "key") == 0 && doorward_authenticator_created_at(one) > 0);
        CHECK(doorward_authenticator_last_used_at(one) == DOORWARD_NO_TIME || doorward_authenticator_last_used_at(one) > 0);
        read = *doorward_authenticator_id(one);
    }
    DO(DOORWARD_OK, doorward_rename_authenticator(ctx, doorward_answer_proof(proof), S("key"), &read, S("on my desk"), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_list_authenticators(ctx, &ada, NULL, NULL, &answer, &error));
    CHECK(strcmp(doorward_authenticator_label(doorward_answer_authenticator(answer, 0), NULL), "on my desk") == 0 ||
          strcmp(doorward_authenticator_label(doorward_answer_authenticator(answer, 1), NULL), "on my desk") == 0);
    RENEW(doorward_link_identity(ctx, PROOF, S("username"), S("ada"), NULL, 0, NULL, NULL, &answer, &error));
    RENEW(doorward_update_identifier(ctx, PROOF, S("username"), S("ada"), S("countess"), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_list_identities(ctx, &ada, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 2 && !doorward_answer_identity(answer, 2));
    {
        const doorward_identity *one = doorward_answer_identity(answer, 0);
        if (strcmp(doorward_identity_provider(one, NULL), "username")) one = doorward_answer_identity(answer, 1);
        CHECK(strcmp(doorward_identity_identifier(one, &n), "countess") == 0 && n == 8);
        CHECK(doorward_identity_verified_at(one) == DOORWARD_NO_TIME && doorward_identity_created_at(one) > 0);
    }
    /* Whose a new address is, a message asks: what is taken is answered as what is free, and nothing has changed before. */
    {
        const char *const wanted[] = {"nobody@example.org", "ada@example.com", "taken@example.org"};
        doorward_field of = {S("password"), S("a ladder against the green moon")};
        doorward_id gone;
        DO(DOORWARD_OK, doorward_create_user(ctx, S("email"), S(wanted[2]), &of, 1, NULL, NULL, &answer, &error));
        for (i = 0; i < 3; i += 2) {
            RENEW(doorward_update_identifier(whole, PROOF, S("email"), S(wanted[1]), S(wanted[i]), NULL, NULL, &answer, &error));
            RENEW(doorward_link_identity(whole, PROOF, S("email"), S(wanted[i]), NULL, 0, NULL, NULL, &answer, &error));
        }
        DO(DOORWARD_OK, doorward_list_identities(ctx, &ada, NULL, NULL, &answer, &error));
        CHECK(doorward_answer_count(answer) == 2);
        DO(DOORWARD_E_CONFLICT, doorward_link_identity(ctx, PROOF, S("email"), S(wanted[2]), NULL, 0, NULL, NULL, &answer, &error));
        DO(DOORWARD_OK, doorward_find_user(ctx, S("email"), S(wanted[2]), NULL, NULL, &answer, &error));
        gone = *doorward_user_id(doorward_answer_user(answer));
        DO(DOORWARD_OK, doorward_delete_user(ctx, &gone, NULL, NULL, &answer, &error));
    }
    /* An account that a second factor established is not left with an address that nobody proved. */
    RENEW(doorward_update_identifier(ctx, PROOF, S("email"), S("ada@example.com"), S("ada@unproved.example"), NULL, NULL, &answer, &error));
    DO(DOORWARD_E_LAST_WAY_IN, doorward_unlink_identity(ctx, PROOF, S("username"), S("countess"), NULL, NULL, &answer, &error));
    RENEW(doorward_update_identifier(ctx, PROOF, S("email"), S("ada@unproved.example"), S("Ada@Example.com"), NULL, NULL, &answer, &error));
    {
        doorward_field next = {S("password"), S("another tram under another moon")};
        doorward_field beside[] = {next, {S("current"), S("not the word of today")}};
        DO(DOORWARD_REFUSED, doorward_update_credentials(ctx, PROOF, S("email"), beside, 2, NULL, NULL, &answer, &error));
        RENEW(doorward_update_credentials(ctx, PROOF, S("email"), &next, 1, NULL, NULL, &answer, &error));
    }
    RENEW(doorward_remove_authenticator(ctx, PROOF, S("key"), &read, NULL, NULL, &answer, &error));
    RENEW(doorward_unlink_identity(ctx, PROOF, S("username"), S("countess"), NULL, NULL, &answer, &error));
    DO(DOORWARD_E_LAST_WAY_IN, doorward_unlink_identity(ctx, PROOF, S("email"), S("ada@example.com"), NULL, NULL, &answer, &error));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(ctx, S(access), NULL, NULL, &answer, &error));

    /* devices */
    for (i = 0; i < 2; i++) {
        doorward_asserted_factor vouched = {S("badge"), S("possession"), S("nfc"), 1000000, i == 1, 0};
        doorward_create_session_for_user_options with = DOORWARD_CREATE_SESSION_FOR_USER_OPTIONS_INIT;
        doorward_create_session_options inner = DOORWARD_CREATE_SESSION_OPTIONS_INIT;
        with.factors = &vouched, with.n_factors = 1, with.session = &inner;
        DO(DOORWARD_OK, doorward_create_session_for_user(ctx, &ada, &with, NULL, &answer, &error));
        CHECK(doorward_factor_is_two_in_one(doorward_session_factor(doorward_answer_session(answer), 0)) == (int)(i == 1));
        vouched.two_in_one = 2;
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_create_session_for_user(ctx, &ada, &with, NULL, &answer, &error));
        vouched.two_in_one = 0, vouched.reserved = 1;
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_create_session_for_user(ctx, &ada, &with, NULL, &answer, &error));
        vouched.reserved = 0;
        if (i == 1) DO(DOORWARD_OK, doorward_create_session_for_user(ctx, &ada, &with, NULL, &answer, &error));
    }
    doorward_answer_free(session);
    session = keep();
    read = *doorward_session_id(doorward_answer_session(session));
    DO(DOORWARD_OK, doorward_list_sessions(ctx, &ada, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 3 && !doorward_answer_device(answer, 3));
    {
        const doorward_device *device = doorward_answer_device(answer, 0);
        CHECK(memcmp(doorward_device_id(device), &read, 16) == 0 && doorward_device_created_at(device) > 0);
        CHECK(doorward_device_last_seen_at(device) > 0 && doorward_device_agent(device, NULL)[0] == 0);
        CHECK(doorward_device_address(device, NULL)[0] == 0 && strcmp(doorward_device_attributes(device, NULL), "{}") == 0);
        CHECK(doorward_device_factor_count(device) == 1 && doorward_device_factor(device, 0));
        CHECK(strcmp(doorward_factor_channel(doorward_device_factor(device, 0), NULL), "nfc") == 0);
    }
    DO(DOORWARD_OK, doorward_session_proof(ctx, doorward_answer_session(session), NULL, NULL, &answer, &error));
    doorward_answer_free(proof);
    proof = keep();
    DO(DOORWARD_OK, doorward_end_other_sessions(ctx, PROOF, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 2);
    DO(DOORWARD_OK, doorward_session_alive(ctx, &ada, &read, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_end_sign_in(ctx, &ada, &read, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 1);
    DO(DOORWARD_SIGNED_OUT, doorward_session_alive(ctx, &ada, &read, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_http_status(answer) == 401 && header("WWW-Authenticate", 0));
    DO(DOORWARD_OK, doorward_create_session_for_user(ctx, &ada, NULL, NULL, &answer, &error));
    snprintf(access, sizeof access, "%s", doorward_session_access_token(doorward_answer_session(answer), NULL));
    DO(DOORWARD_OK, doorward_end_session(ctx, S(access), NULL, NULL, &answer, &error));
    CHECK(strstr(header("Set-Cookie", 0), "Expires=Thu, 01 Jan 1970"));
    DO(DOORWARD_OK, doorward_end_session(ctx, S(access), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_end_all_sessions(ctx, &ada, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 0);

    tokens(ctx);

    /* users */
    sign_up(ctx, "bob@example.com");
    DO(DOORWARD_OK, doorward_get_user(ctx, &ada, NULL, NULL, &answer, &error));
    CHECK(doorward_user_version(doorward_answer_user(answer)) == 1 && doorward_user_realm(doorward_answer_user(answer), NULL)[0] == 0);
    CHECK(doorward_user_disabled_at(doorward_answer_user(answer)) == DOORWARD_NO_TIME);
    CHECK(doorward_user_created_at(doorward_answer_user(answer)) <= doorward_user_updated_at(doorward_answer_user(answer)));
    DO(DOORWARD_OK, doorward_find_user(ctx, S("email"), S("ADA@example.com"), NULL, NULL, &answer, &error));
    CHECK(memcmp(doorward_user_id(doorward_answer_user(answer)), &ada, 16) == 0);
    DO(DOORWARD_ABSENT, doorward_find_user(ctx, S("email"), S("carol@example.com"), NULL, NULL, &answer, &error));
    CHECK(doorward_answer_user(answer) == NULL && doorward_answer_http_status(answer) == 404);
    DO(DOORWARD_OK, doorward_find_user_by_attribute(ctx, S("nick"), S("ada"), NULL, NULL, &answer, &error));
    DO(DOORWARD_ABSENT, doorward_find_user_by_attribute(ctx, S("nick"), S("bob"), NULL, NULL, &answer, &error));
    {
        doorward_list_users_options with = DOORWARD_LIST_USERS_OPTIONS_INIT;
        DO(DOORWARD_OK, doorward_list_users(ctx, &with, NULL, &answer, &error));
        CHECK(doorward_answer_count(answer) == 2 && !doorward_answer_user_at(answer, 2));
        read = *doorward_user_id(doorward_answer_user_at(answer, 0));
        with.after = &read, with.limit = 1;
        DO(DOORWARD_OK, doorward_list_users(ctx, &with, NULL, &answer, &error));
        CHECK(doorward_answer_count(answer) == 1 && memcmp(doorward_user_id(doorward_answer_user_at(answer, 0)), &read, 16) != 0);
    }
    {
        doorward_update_attributes_options with = DOORWARD_UPDATE_ATTRIBUTES_OPTIONS_INIT;
        with.version = 1;
        DO(DOORWARD_OK, doorward_update_attributes(ctx, &ada, S("{\"theme\":\"light\"}"), &with, NULL, &answer, &error));
        CHECK(doorward_user_version(doorward_answer_user(answer)) == 2);
        DO(DOORWARD_E_CONFLICT, doorward_update_attributes(ctx, &ada, S("{\"theme\":\"dark\"}"), &with, NULL, &answer, &error));
        CHECK(strcmp(doorward_error_what(error, NULL), "version") == 0);
    }
    DO(DOORWARD_OK, doorward_create_session_for_user(ctx, &ada, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_disable_user(ctx, &ada, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 1);
    DO(DOORWARD_E_INVALID_STATE, doorward_reset_factors(ctx, &ada, S("lost"), NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_enable_user(ctx, &ada, NULL, NULL, &answer, &error));
    DO(DOORWARD_OK, doorward_reset_factors(ctx, &ada, S("lost"), NULL, NULL, &answer, &error));
    CHECK(doorward_answer_count(answer) == 0);
    DO(DOORWARD_OK, doorward_add_address(ctx, &ada, S("email"), S("ada@by-hand.example"), NULL, NULL, &answer, &error));

    /* too many failures */
    for (i = 0; i < 100; i++) {
        doorward_field bad = {S("password"), S("not the password at all")};
        forget();
        if (doorward_authenticate(ctx, S("email"), S("bob@example.com"), &bad, 1, NULL, NULL, &answer, &error) == DOORWARD_THROTTLED) break;
    }
    CHECK(i > 0 && i < 100 && doorward_answer_retry_after(answer) > 0 && doorward_answer_http_status(answer) == 429);
    CHECK(header("Retry-After", 0));

    /* claims: a user made from one, another identity linked by one; and keys */
    {
        doorward_bytes nobody = {NULL, 0};
        doorward_field good = {S("code"), S("good:7:ada@example.com")}, other = {S("code"), S("good:8")};
        doorward_field key[2] = {{S("key"), S("ak_1")}, {S("scopes"), S("[\"read\",\"write\"]")}};
        doorward_field bearer = {S("Authorization"), S("Bearer ak_1")};
        doorward_request request = DOORWARD_REQUEST_INIT;
        doorward_call call = DOORWARD_CALL_INIT;
        doorward_create_user_options with = DOORWARD_CREATE_USER_OPTIONS_INIT;
        doorward_answer *vouched;
        const doorward_claim *claim;
        DO(DOORWARD_UNREGISTERED, doorward_authenticate(ctx, S("github"), nobody, &good, 1, NULL, NULL, &answer, &error));
        CHECK(doorward_answer_http_status(answer) == 404 && !doorward_answer_proof(answer));
        vouched = keep(), claim = doorward_answer_claim(vouched);
        CHECK(strncmp(doorward_claim_token(claim, &n), "dwc_", 4) == 0 && n > 4);
        CHECK(strcmp(doorward_claim_provider(claim, NULL), "github") == 0 && doorward_claim_expires_at(claim) > 0);
        CHECK(strcmp(doorward_claim_identifier(claim, &n), "https://issuer.example 7") == 0 && n == 24);
        CHECK(strcmp(doorward_claim_attributes(claim, NULL), "{\"email\":\"ada@example.com\"}") == 0);
        DO(DOORWARD_OK, doorward_peek_claim(ctx, S(doorward_claim_token(claim, NULL)), NULL, NULL, &answer, &error));
        CHECK(strcmp(doorward_claim_identifier(doorward_answer_claim(answer), NULL), "https://issuer.example 7") == 0);
        DO(DOORWARD_REFUSED, doorward_peek_claim(ctx, S("dwc_nonsense"), NULL, NULL, &answer, &error));
        CHECK(!doorward_answer_claim(answer));
        DO(DOORWARD_REFUSED, doorward_create_user_from_claim(ctx, S("dwc_nonsense"), NULL, NULL, &answer, &error));
        CHECK(doorward_id_new(&read) == DOORWARD_OK);
        with.id = &read, with.attributes = S("{\"nick\":\"seven\"}");
        DO(DOORWARD_OK, doorward_create_user_from_claim(ctx, S(doorward_claim_token(claim, NULL)), &with, NULL, &answer, &error));
        doorward_answer_free(proof);
        proof = keep();
        CHECK(memcmp(doorward_proof_user_id(PROOF), &read, 16) == 0);
        DO(DOORWARD_E_CONFLICT, doorward_create_user_from_claim(ctx, S(doorward_claim_token(claim, NULL)), NULL, NULL, &answer, &error));
        CHECK(strcmp(doorward_error_what(error, NULL), "identifier") == 0);
        doorward_answer_free(vouched);
        DO(DOORWARD_OK, doorward_authenticate(ctx, S("github"), nobody, &good, 1, NULL, NULL, &answer, &error));
        DO(DOORWARD_E_UNSUPPORTED, doorward_begin_link(ctx, PROOF, S("email"), S("x@example.com"), NULL, 0, NULL, NULL, &answer, &error));
        DO(DOORWARD_CONTINUE, doorward_begin_link(ctx, PROOF, S("github"), nobody, NULL, 0, NULL, NULL, &answer, &error));
        flow = keep();
        DO(DOORWARD_UNREGISTERED, doorward_continue_flow(ctx, S(doorward_flow_token(doorward_answer_flow(flow), NULL)), &other, 1, NULL, NULL, &answer, &error));
        doorward_answer_free(flow);
        vouched = keep();
        DO(DOORWARD_REFUSED, doorward_link_claim(ctx, PROOF, S("dwc_nonsense"), NULL, NULL, &answer, &error));
        RENEW(doorward_link_claim(ctx, PROOF, S(doorward_claim_token(doorward_answer_claim(vouched), NULL)), NULL, NULL, &answer, &error));
        doorward_answer_free(vouched);
        DO(DOORWARD_OK, doorward_list_identities(ctx, &read, NULL, NULL, &answer, &error));
        CHECK(doorward_answer_count(answer) == 2 && doorward_identity_verified_at(doorward_answer_identity(answer, 1)) > 0);
        DO(DOORWARD_OK, doorward_update_credentials(ctx, PROOF, S("api"), key, 2, NULL, NULL, &answer, &error));
        CHECK(strcmp(doorward_answer_show_once(answer, &n)->value.ptr, "ak_1") == 0 && n == 1);
        request.method = S("GET"), request.headers = &bearer, request.n_headers = 1, call.request = &request;
        DO(DOORWARD_OK, doorward_check_request(ctx, NULL, &call, &answer, &error));
        CHECK(!doorward_answer_session(answer) && memcmp(doorward_user_id(doorward_answer_user(answer)), &read, 16) == 0);
        CHECK(strcmp(doorward_answer_provider(answer, NULL), "api") == 0 && doorward_answer_count(answer) == 2);
        CHECK(strcmp(doorward_answer_scope(answer, 0, NULL), "read") == 0 && strcmp(doorward_answer_scope(answer, 1, &n), "write") == 0 && n == 5);
        CHECK(doorward_answer_scope(answer, 2, &n)[0] == 0 && n == 0);
        bearer.value = S("Bearer ak_2");
        DO(DOORWARD_REFUSED, doorward_check_request(ctx, NULL, &call, &answer, &error));
        DO(DOORWARD_OK, doorward_delete_user(ctx, &read, NULL, NULL, &answer, &error));
    }

    /* the link of a mailed code signs in where it is confirmed, once */
    {
        doorward_field ask[2] = {{S("do"), S("ask")}, {S("name"), S("other")}}, send[2] = {{S("do"), S("send")}, {S("name"), S("code")}};
        doorward_request request = DOORWARD_REQUEST_INIT;
        doorward_call call = DOORWARD_CALL_INIT;
        doorward_answer *vouched;
        doorward_id dora;
        char link[128];
        DO(DOORWARD_UNREGISTERED, doorward_authenticate(ctx, S("mail"), S("dora@example.com"), ask, 2, NULL, NULL, &answer, &error));
        vouched = keep();
        DO(DOORWARD_OK, doorward_create_user_from_claim(ctx, S(doorward_claim_token(doorward_answer_claim(vouched), NULL)), NULL, NULL, &answer, &error));
        memcpy(&dora, doorward_proof_user_id(doorward_answer_proof(answer)), sizeof dora);
        doorward_answer_free(vouched);
        DO(DOORWARD_CONTINUE, doorward_authenticate(ctx, S("mail"), S("dora@example.com"), send, 2, NULL, NULL, &answer, &error));
        flow = keep();
        mailed(ctx, "limiter.code", "dora@example.com", link, sizeof link);
        DO(DOORWARD_OK, doorward_peek_token(ctx, S(link), NULL, NULL, &answer, &error));
        CHECK(strcmp(doorward_token_info_purpose(doorward_answer_token_info(answer), NULL), "sign_in_link") == 0);
        request.method = S("GET"), call.request = &request;
        DO(DOORWARD_E_INVALID_STATE, doorward_continue_flow(ctx, S(link), NULL, 0, NULL, &call, &answer, &error));
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_continue_flow(ctx, S(link), send, 2, NULL, NULL, &answer, &error));
        DO(DOORWARD_REFUSED, doorward_consume_token(ctx, S(link), NULL, NULL, &answer, &error));
        DO(DOORWARD_OK, doorward_continue_flow(ctx, S(link), NULL, 0, NULL, NULL, &answer, &error));
        CHECK(memcmp(doorward_proof_user_id(doorward_answer_proof(answer)), &dora, sizeof dora) == 0);
        DO(DOORWARD_REFUSED, doorward_continue_flow(ctx, S(link), NULL, 0, NULL, NULL, &answer, &error));
        DO(DOORWARD_REFUSED, doorward_continue_flow(ctx, S(doorward_flow_token(doorward_answer_flow(flow), NULL)), NULL, 0, NULL, NULL, &answer, &error));
        doorward_answer_free(flow);
        DO(DOORWARD_OK, doorward_delete_user(ctx, &dora, NULL, NULL, &answer, &error));
    }

    /* upkeep */
    DO(DOORWARD_OK, doorward_stats(ctx, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_stats(answer)->users == 2 && doorward_answer_purged(answer) == NULL);
    DO(DOORWARD_OK, doorward_purge_expired(ctx, NULL, NULL, &answer, &error));
    CHECK(doorward_answer_purged(answer)->struct_size == sizeof(doorward_row_counts) && doorward_answer_stats(answer) == NULL);
    CHECK(doorward_answer_purged(answer)->more == 0);
    DO(DOORWARD_OK, doorward_delete_user(ctx, &ada, NULL, NULL, &answer, &error));
    DO(DOORWARD_E_NOT_FOUND, doorward_get_user(ctx, &ada, NULL, NULL, &answer, &error));

    library_threads_take_no_signals();
    CHECK(events > 20 && failures >= 2 && lines > 0);
    doorward_answer_free(signed_up);
    doorward_answer_free(session);
    doorward_answer_free(proof);
    forget();
    DO(DOORWARD_OK, doorward_stop(ctx, &error));
    DO(DOORWARD_OK, doorward_stop(ctx, &error));
    DO(DOORWARD_OK, doorward_start(ctx, &error));
    DO(DOORWARD_OK, doorward_find_user(ctx, S("email"), S("bob@example.com"), NULL, NULL, &answer, &error));
    forget();
    doorward_ctx_free(ctx);
    doorward_ctx_free(whole);
    return 0;
}
