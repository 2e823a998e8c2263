/* Every operation at least once, in the order in which a person would meet them. */
#include "test.h"

static unsigned events, lines, failures;

/* A change that gives a proof in place of the one that it took. */
#define RENEW(call)                                                                                                    \
    do {                                                                                                               \
        DO(DOORWARD_OK, call);                                                                                         \
        doorward_answer_free(&proof);                                                                                   \
        proof = keep();                                                                                                \
    } while (0)
#define PROOF doorward_answer_proof(proof)

static void on_event(void *tag, const doorward_event *event)
{
    CHECK(tag == &events && event->struct_size == sizeof *event && event->at > 0);
    CHECK(event->name.ptr[event->name.len] == 0 && event->reason.ptr[event->reason.len] == 0);
    __atomic_add_fetch(&events, 1, __ATOMIC_SEQ_CST);
    if (strcmp(event->name.ptr, "authn_login_fail") == 0) failures++;
}

static void on_log(void *tag, int32_t level, const char *target, const char *message, size_t len)
{
    CHECK(tag == &lines && level >= DOORWARD_LOG_ERROR && level <= DOORWARD_LOG_INFO);
    CHECK(strncmp(target, "doorward", 8) == 0 && strlen(message) == len);
    CHECK(!strstr(message, PASSWORD) && !strstr(message, "dwa_") && !strstr(message, "dwr_") && !strstr(message, "ada@"));
    __atomic_add_fetch(&lines, 1, __ATOMIC_SEQ_CST);
}

static const char *header(const char *name, size_t skip)
{
    size_t i;
    doorward_pairs all = doorward_answer_headers(answer);
    for (i = 0; i < all.len; i++) {
        CHECK(all.ptr[i].value.ptr[all.ptr[i].value.len] == 0);
        if (strcmp(all.ptr[i].name.ptr, name) == 0 && skip-- == 0) return all.ptr[i].value.ptr;
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
static void mailed(doorward_auth *auth, const char *template_, const char *address, char *token, size_t room)
{
    doorward_answer taken;
    const doorward_delivery *delivery;
    size_t i, found = 0;
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    taken = keep();
    for (i = 0; (delivery = doorward_answer_delivery(taken, i)); i++) {
        if (strcmp(doorward_delivery_template(delivery).ptr, template_) == 0) {
            doorward_pairs params = doorward_delivery_params(delivery);
            found++;
            CHECK(strcmp(doorward_delivery_address(delivery).ptr, address) == 0 && params.len >= 1);
            CHECK(strcmp(doorward_delivery_channel(delivery).ptr, "email") == 0 && doorward_delivery_realm(delivery).ptr[0] == 0);
            CHECK(strcmp(doorward_delivery_provider(delivery).ptr, strcmp(template_, "limiter.code") == 0 ? "mail" : "email") == 0);
            CHECK(doorward_delivery_user_id(delivery) != NULL);
            CHECK(doorward_delivery_attempts(delivery) == 1 && doorward_delivery_expires_at(delivery) > 0);
            if (token) {
                CHECK(params.len == 1 && strcmp(params.ptr->name.ptr, "token") == 0 && params.ptr->value.len > 20);
                snprintf(token, room, "%s", params.ptr->value.ptr);
            }
        }
        DO(DOORWARD_OK, doorward_settle_delivery(auth, doorward_delivery_id(delivery), doorward_delivery_attempts(delivery), DOORWARD_DELIVERED));
        DO(DOORWARD_ABSENT, doorward_settle_delivery(auth, doorward_delivery_id(delivery), doorward_delivery_attempts(delivery), DOORWARD_DELIVERED));
    }
    CHECK(i == doorward_answer_count(taken) && found == 1);
    doorward_answer_free(&taken);
}

/* What a person's form causes is refused on a context that is told of no request, and of none on purpose. */
static void forgotten_requests(doorward_auth *whole)
{
    static const char *said = "no request: doorward_on(auth, &request), or doorward_trusted(auth) where none caused this";
    doorward_pair password = {S("password"), S(PASSWORD)}, origin = {S("Origin"), S("https://app.example")};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_auth *trusted = doorward_trusted(whole), *on, *both;
#define EVE(of) doorward_authenticate(of, S("email"), S("eve@example.com"), &password, 1)
    DO(DOORWARD_E_INVALID_STATE, EVE(whole));
    CHECK(strcmp(doorward_answer_message(answer), said) == 0 && strcmp(doorward_answer_what(answer).ptr, "request") == 0);
    DO(DOORWARD_E_INVALID_STATE, doorward_create_user(whole, S("email"), S("eve@example.com"), &password, 1, NULL));
    DO(DOORWARD_E_INVALID_STATE, doorward_request_token(whole, S("recovery"), S("email"), S("eve@example.com"), NULL));
    DO(DOORWARD_ABSENT, doorward_find_user(whole, S("email"), S("eve@example.com")));
    DO(DOORWARD_REFUSED, EVE(trusted));
    request.method = S("POST"), request.headers = &origin, request.n_headers = 1;
    on = doorward_on(whole, &request);
    DO(DOORWARD_REFUSED, EVE(on));
    doorward_close(on);
    /* A view of a view has both: what is trusted and on a request has its origin checked. NULL is not "no request". */
    origin.value = S("https://evil.example");
    on = doorward_on(trusted, &request), both = doorward_trusted(on);
    DO(DOORWARD_REQUEST_REFUSED, EVE(on));
    DO(DOORWARD_REQUEST_REFUSED, EVE(both));
    doorward_close(both), doorward_close(on);
    on = doorward_on(trusted, NULL), both = doorward_trusted(on);
    DO(DOORWARD_E_INVALID_ARGUMENT, EVE(on));
    DO(DOORWARD_E_INVALID_ARGUMENT, EVE(both));
    doorward_close(both), doorward_close(on), doorward_close(trusted);
    CHECK(doorward_trusted(NULL) == NULL);
#undef EVE
}

/* Recovery from end to end, addresses that are proved and changed, and a message that nobody settles. */
static void tokens(doorward_auth *auth)
{
    doorward_pair old = {S("password"), S(PASSWORD)}, next = {S("password"), S("a windmill over the quiet lake")};
    doorward_pair weak = {S("password"), S("short")};
    doorward_answer proof, first, second;
    doorward_id cas, message;
    char token[512], access[256];

    /* what the calls above left in the outbox is sent */
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    first = keep();
    for (size_t i = 0; i < doorward_answer_count(first); i++)
        DO(DOORWARD_OK, doorward_settle_delivery(auth, doorward_delivery_id(doorward_answer_delivery(first, i)), doorward_delivery_attempts(doorward_answer_delivery(first, i)), DOORWARD_FAILED));
    doorward_answer_free(&first);

    sign_up(auth, "cas@example.com");
    proof = keep();
    cas = *doorward_proof_user_id(PROOF);
    DO(DOORWARD_OK, doorward_create_session_for_user(auth, &cas, NULL, 0, NULL));
    snprintf(access, sizeof access, "%s", doorward_session_access_token(doorward_answer_session(answer)).ptr);

    /* an address is proved */
    DO(DOORWARD_OK, doorward_request_token(auth, S("verify"), S("email"), S("cas@example.com"), PROOF));
    mailed(auth, "verify", "cas@example.com", token, sizeof token);
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_consume_token(auth, S(token), NULL));
    DO(DOORWARD_OK, doorward_consume_token(auth, S(token), PROOF));
    CHECK(strcmp(doorward_token_info_purpose(doorward_answer_token_info(answer)).ptr, "verify") == 0);
    DO(DOORWARD_REFUSED, doorward_consume_token(auth, S(token), NULL));
    CHECK(doorward_answer_token_info(answer) == NULL);
    DO(DOORWARD_OK, doorward_list_identities(auth, &cas));
    CHECK(doorward_identity_verified_at(doorward_answer_identity(answer, 0)) > 0);

    /* a new address is confirmed before it is the user's */
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_request_token(auth, S("change_identifier"), S("email"), S("cas@example.org"), NULL));
    {
        doorward_pairs challenge = doorward_answer_headers(answer);
        CHECK(doorward_answer_http_status(answer) == 401 && challenge.len == 1 && strcmp(challenge.ptr->name.ptr, "WWW-Authenticate") == 0);
        CHECK(strcmp(challenge.ptr->value.ptr, "Bearer error=\"insufficient_user_authentication\", error_description=\"proof_required\"") == 0);
    }
    DO(DOORWARD_OK, doorward_request_token(auth, S("change_identifier"), S("email"), S("cas@example.org"), PROOF));
    mailed(auth, "change_identifier", "cas@example.org", token, sizeof token);
    DO(DOORWARD_REFUSED, doorward_update_identifier_with_token(auth, S(token), S("cas@example.com"), S("other@example.org")));
    CHECK(doorward_answer_user_id(answer) == NULL);
    DO(DOORWARD_OK, doorward_update_identifier_with_token(auth, S(token), S("cas@example.com"), S("cas@example.org")));
    CHECK(memcmp(doorward_answer_user_id(answer), &cas, 16) == 0 && doorward_answer_proof(answer) == NULL);
    DO(DOORWARD_ABSENT, doorward_find_user(auth, S("email"), S("cas@example.com")));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(auth, S(access)));
    doorward_answer_free(&proof);

    /* whoever settles nothing is given the message again, and what comes late counts for nothing */
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    CHECK(doorward_answer_count(answer) == 2); /* both addresses are told of the change */
    DO(DOORWARD_OK, doorward_request_token(auth, S("recovery"), S("email"), S("nobody@example.org"), NULL));
    DO(DOORWARD_OK, doorward_request_token(auth, S("recovery"), S("email"), S("Cas@EXAMPLE.org"), NULL));
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 10, 1000000));
    first = keep();
    CHECK(doorward_answer_count(first) == 1 && doorward_answer_delivery(first, 0) && !doorward_answer_delivery(first, 1));
    message = *doorward_delivery_id(doorward_answer_delivery(first, 0));
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    CHECK(doorward_answer_count(answer) == 0);
    sleep(2);
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    second = keep();
    CHECK(doorward_answer_count(second) == 1 && memcmp(doorward_delivery_id(doorward_answer_delivery(second, 0)), &message, 16) == 0);
    CHECK(doorward_delivery_attempts(doorward_answer_delivery(second, 0)) == 2);
    CHECK(memcmp(doorward_delivery_user_id(doorward_answer_delivery(second, 0)), &cas, 16) == 0);
    DO(DOORWARD_ABSENT, doorward_settle_delivery(auth, doorward_delivery_id(doorward_answer_delivery(first, 0)), doorward_delivery_attempts(doorward_answer_delivery(first, 0)), DOORWARD_DELIVERED));
    CHECK(doorward_answer_http_status(answer) == 404);
    DO(DOORWARD_OK, doorward_settle_delivery(auth, doorward_delivery_id(doorward_answer_delivery(second, 0)), doorward_delivery_attempts(doorward_answer_delivery(second, 0)), DOORWARD_RETRY));
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    CHECK(doorward_answer_count(answer) == 0);
    doorward_answer_free(&first);
    doorward_answer_free(&second);

    /* a forgotten password is replaced, and what nobody proved goes */
    {
        doorward_pair key = {S("key"), S("ak_9")};
        DO(DOORWARD_OK, doorward_authenticate(auth, S("email"), S("cas@example.org"), &old, 1));
        proof = keep();
        DO(DOORWARD_OK, doorward_update_credentials(auth, PROOF, S("api"), &key, 1));
        doorward_answer_free(&proof);
    }
    DO(DOORWARD_OK, doorward_request_token(auth, S("recovery"), S("email"), S("cas@example.org"), NULL));
    mailed(auth, "recovery", "cas@example.org", token, sizeof token);
    DO(DOORWARD_OK, doorward_peek_token(auth, S(token)));
    {
        const doorward_token_info *info = doorward_answer_token_info(answer);
        CHECK(strcmp(doorward_token_info_purpose(info).ptr, "recovery") == 0 && doorward_token_info_expires_at(info) > 0);
        CHECK(strcmp(doorward_token_info_provider(info).ptr, "email") == 0);
        CHECK(strcmp(doorward_token_info_identifier(info).ptr, "cas@example.org") == 0);
        CHECK(memcmp(doorward_token_info_user_id(info), &cas, 16) == 0);
    }
    DO(DOORWARD_REFUSED, doorward_peek_token(auth, S("dwt_nonsense")));
    DO(DOORWARD_REFUSED, doorward_consume_token(auth, S(token), NULL));
    DO(DOORWARD_E_POLICY_VIOLATION, doorward_update_credentials_with_token(auth, S(token), S("email"), &weak, 1));
    DO(DOORWARD_OK, doorward_update_credentials_with_token(auth, S(token), S("email"), &next, 1));
    CHECK(memcmp(doorward_answer_user_id(answer), &cas, 16) == 0 && doorward_answer_proof(answer) == NULL);
    {
        const doorward_way *kept = doorward_answer_kept(answer, 0);
        CHECK(kept && !doorward_answer_kept(answer, 1) && !doorward_answer_others(answer, 0));
        CHECK(strcmp(doorward_way_name(kept).ptr, "cas@example.org") == 0 && doorward_way_verified_at(kept) > 0);
        const doorward_way *taken = doorward_answer_took(answer, 0);
        CHECK(taken && !doorward_answer_took(answer, 1) && strcmp(doorward_way_provider(taken).ptr, "api") == 0);
        CHECK(doorward_way_is_identity(taken) == 0 && strcmp(doorward_way_name(taken).ptr, "") == 0);
    }
    DO(DOORWARD_REFUSED, doorward_update_credentials_with_token(auth, S(token), S("email"), &old, 1));
    DO(DOORWARD_REFUSED, doorward_authenticate(auth, S("email"), S("cas@example.org"), &old, 1));
    DO(DOORWARD_OK, doorward_authenticate(auth, S("email"), S("cas@example.org"), &next, 1));
    mailed(auth, "credentials_changed", "cas@example.org", NULL, 0);
    DO(DOORWARD_OK, doorward_delete_user(auth, &cas));
}

/* Goes on with the flow of the last answer, on this handle. */
static doorward_answer go_on(doorward_auth *on, const doorward_pair *with, size_t n)
{
    doorward_answer flow = keep();
    char token[512];
    snprintf(token, sizeof token, "%s", doorward_flow_token(doorward_answer_flow(flow)).ptr);
    doorward_answer_free(&flow);
    return doorward_continue_flow(on, S(token), doorward_span(NULL, 0), with, n);
}

static int flow_is(const char *purpose, const char *provider, const doorward_id *user)
{
    const doorward_flow *flow = doorward_answer_flow(answer);
    const doorward_id *whose = doorward_flow_user_id(flow);
    return strcmp(doorward_flow_purpose(flow).ptr, purpose) == 0 && strcmp(doorward_flow_provider(flow).ptr, provider) == 0 &&
           (user ? whose && memcmp(whose, user, 16) == 0 : !whose);
}

static int proof_is(const char *purpose)
{
    size_t n;
    return strcmp(text_of(doorward_proof_purpose(doorward_answer_proof(answer)), &n), purpose) == 0 && n == strlen(purpose);
}

/* What a flow or a proof is for: sign-up, enrollment, linking, sign-in, step-up. */
static void purposes(doorward_auth *auth)
{
    doorward_bytes nobody = {NULL, 0};
    doorward_pair password = {S("password"), S(PASSWORD)}, made = {S("id"), S("k0")}, held = {S("id"), S("k1")};
    doorward_pair lines_[2] = {{S("Cookie"), {NULL, 0}}, {S("Origin"), S("https://app.example")}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_answer proof, eve;
    doorward_auth *on;
    doorward_id user;
    char token[128], cookie[2048];
    request.method = S("POST"), request.headers = lines_, request.n_headers = 2;
    DO(DOORWARD_CONTINUE, doorward_create_user(auth, S("passkey"), S("Eve"), NULL, 0, NULL));
    CHECK(flow_is("sign_up", "passkey", NULL));
    DO(DOORWARD_OK, go_on(auth, &made, 1));
    CHECK(proof_is("sign_in"));
    eve = keep();
    sign_up(auth, "pat@example.com");
    proof = keep(), user = *doorward_proof_user_id(PROOF);
    DO(DOORWARD_OK, doorward_request_token(auth, S("verify"), S("email"), S("pat@example.com"), PROOF));
    mailed(auth, "verify", "pat@example.com", token, sizeof token);
    DO(DOORWARD_OK, doorward_consume_token(auth, S(token), PROOF));
    DO(DOORWARD_CONTINUE, doorward_begin_enrollment(auth, S("passkey"), nobody, PROOF));
    CHECK(flow_is("enroll", "passkey", &user));
    DO(DOORWARD_OK, go_on(auth, &held, 1));
    doorward_answer_free(&proof);
    proof = keep();
    DO(DOORWARD_CONTINUE, doorward_begin_link(auth, PROOF, S("github"), nobody, NULL, 0));
    CHECK(flow_is("link", "github", &user));
    /* A sign-in on a request, then a step-up on the session that it made. */
    lines_[0].value = S("a=b"), on = doorward_on(auth, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(on, S("email"), S("pat@example.com"), &password, 1));
    CHECK(strcmp(doorward_flow_purpose(doorward_answer_flow(answer)).ptr, "sign_in") == 0);
    cookies_of_answer(cookie, sizeof cookie);
    lines_[0].value = S(cookie), doorward_close(on), on = doorward_on(auth, &request);
    DO(DOORWARD_OK, go_on(on, &held, 1));
    CHECK(proof_is("sign_in"));
    doorward_answer_free(&proof);
    proof = keep();
    DO(DOORWARD_OK, doorward_create_session(on, PROOF, NULL));
    doorward_answer_free(&proof);
    proof = keep();
    DO(DOORWARD_OK, doorward_session_proof(on, doorward_answer_session(proof)));
    CHECK(proof_is("session"));
    forget();
    answer = proof; /* whose cookies the browser has now */
    cookies_of_answer(cookie, sizeof cookie);
    lines_[0].value = S(cookie), doorward_close(on), on = doorward_on(auth, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(on, S("passkey"), nobody, NULL, 0));
    CHECK(flow_is("step_up", "passkey", &user));
    {
        char *end = cookie + strlen(cookie);
        *end++ = ';', *end++ = ' ';
        cookies_of_answer(end, sizeof cookie - (size_t)(end - cookie));
    }
    lines_[0].value = S(cookie), doorward_close(on), on = doorward_on(auth, &request);
    DO(DOORWARD_OK, go_on(on, &held, 1));
    CHECK(proof_is("step_up"));
    doorward_close(on);
    DO(DOORWARD_OK, doorward_delete_user(auth, &user));
    DO(DOORWARD_OK, doorward_delete_user(auth, doorward_proof_user_id(doorward_answer_proof(eve))));
    doorward_answer_free(&eve);
    forget();
}

/* How many lines set this cookie; the last of them is left in *line. */
static size_t sets(doorward_pairs lines_, const char *name, const char **line)
{
    size_t i, found = 0;
    for (i = 0; i < lines_.len; i++)
        if (strcmp(lines_.ptr[i].name.ptr, "Set-Cookie") == 0 && strncmp(lines_.ptr[i].value.ptr, name, strlen(name)) == 0) *line = lines_.ptr[i].value.ptr, found++;
    return found;
}

/* The obvious middleware resumes first and sends last: a sign-in between is not overwritten by the refresh. */
static void final_cookies(doorward_auth *auth)
{
    doorward_pair password = {S("password"), S(PASSWORD)};
    doorward_pair lines_[2] = {{S("Cookie"), {NULL, 0}}, {S("Origin"), S("https://app.example")}};
    doorward_new_session brief = DOORWARD_NEW_SESSION_INIT;
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_answer proof;
    doorward_auth *on;
    doorward_id ids[2];
    doorward_pairs first, last;
    const char *line = NULL, *access, *refresh, *before;
    char cookie[2048];
    size_t i;
    sign_up(auth, "one@example.com");
    proof = keep(), ids[0] = *doorward_proof_user_id(PROOF);
    brief.access_ttl = 1; /* a microsecond: it is past its time at once */
    DO(DOORWARD_OK, doorward_create_session(auth, PROOF, &brief));
    doorward_answer_free(&proof);
    snprintf(cookie, sizeof cookie, "__Host-doorward-access=%s; __Host-doorward-refresh=%s",
             doorward_session_access_token(doorward_answer_session(answer)).ptr, doorward_session_refresh_token(doorward_answer_session(answer)).ptr);
    sign_up(auth, "two@example.com");
    ids[1] = *doorward_proof_user_id(doorward_answer_proof(answer));
    request.method = S("POST"), request.headers = lines_, request.n_headers = 2, lines_[0].value = S(cookie);
    on = doorward_on(auth, &request);
    DO(DOORWARD_OK, doorward_resume_request(on));
    first = doorward_headers(on);
    CHECK(sets(first, "__Host-doorward-access=", &before) == 1 && first.len >= 2);
    DO(DOORWARD_OK, doorward_authenticate(on, S("email"), S("two@example.com"), &password, 1));
    proof = keep();
    DO(DOORWARD_OK, doorward_create_session(on, PROOF, NULL));
    doorward_answer_free(&proof);
    last = doorward_headers(on);
    access = doorward_session_access_token(doorward_answer_session(answer)).ptr;
    refresh = doorward_session_refresh_token(doorward_answer_session(answer)).ptr;
    CHECK(sets(last, "__Host-doorward-refresh=", &line) == 1 && strstr(line, refresh));
    CHECK(sets(last, "__Host-doorward-access=", &line) == 1 && strstr(line, access));
    CHECK(sets(last, "__Host-doorward-device=", &line) == 1 && strcmp(last.ptr[0].name.ptr, "Cache-Control") == 0);
    for (i = 1; i < last.len; i++) CHECK(strcmp(last.ptr[i].name.ptr, "Set-Cookie") == 0 && strcmp(last.ptr[i].value.ptr, before) != 0);
    CHECK(sets(first, "__Host-doorward-access=", &line) == 1 && line == before); /* the first look still lives */
    /* A sign-out at the end is what the browser gets: no line of the sign-in is left but the device's. */
    snprintf(cookie, sizeof cookie, "%s", refresh); /* the next call frees the answer that lends it */
    DO(DOORWARD_OK, doorward_end_session(on, S(cookie)));
    last = doorward_headers(on);
    CHECK(sets(last, "__Host-doorward-access=;", &line) == 1 && sets(last, "__Host-doorward-access=", &line) == 1);
    CHECK(sets(last, "__Host-doorward-refresh=;", &line) == 1 && sets(last, "__Host-doorward-refresh=", &line) == 1);
    doorward_close(on);
    for (i = 0; i < 2; i++) DO(DOORWARD_OK, doorward_delete_user(auth, &ids[i]));
    forget();
}

static const char *line_of(doorward_pairs lines_, const char *name)
{
    size_t i;
    for (i = 0; i < lines_.len; i++)
        if (strcmp(lines_.ptr[i].name.ptr, name) == 0) return lines_.ptr[i].value.ptr;
    return NULL;
}

/* An app has neither cookies nor an origin: its binding and its device come and go in header lines of their own. */
static void app_mode(doorward_auth *auth)
{
    doorward_bytes nobody = {NULL, 0};
    doorward_pair good = {S("code"), S("good:9")}, password = {S("password"), S(PASSWORD)};
    doorward_pair lines_[3] = {{S("Doorward-Client"), S("app")}, {S("Doorward-Flow"), {NULL, 0}}, {S("Doorward-Device"), {NULL, 0}}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_answer proof;
    doorward_auth *app;
    doorward_id user;
    char binding[256], device[512], bearer[300];
    doorward_pairs all;
    request.method = S("POST"), request.headers = lines_, request.n_headers = 1;
    app = doorward_on(auth, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(app, S("github"), nobody, NULL, 0));
    CHECK(header("Doorward-Flow", 0) && !header("Set-Cookie", 0) && strcmp(header("Cache-Control", 0), "no-store") == 0);
    snprintf(binding, sizeof binding, "%s", header("Doorward-Flow", 0));
    all = doorward_headers(app);
    CHECK(all.len == 2 && strcmp(line_of(all, "Doorward-Flow"), binding) == 0);
    /* Not without the binding; then with it. */
    proof = keep();
    CHECK(strcmp(doorward_flow_purpose(doorward_answer_flow(proof)).ptr, "sign_in") == 0);
    doorward_close(app);
    lines_[1].value = S(binding), request.n_headers = 2, app = doorward_on(auth, &request);
    DO(DOORWARD_UNREGISTERED, doorward_continue_flow(app, doorward_flow_token(doorward_answer_flow(proof)), doorward_span(NULL, 0), &good, 1));
    doorward_answer_free(&proof);
    doorward_close(app);
    request.n_headers = 1, app = doorward_on(auth, &request);
    DO(DOORWARD_CONTINUE, doorward_authenticate(app, S("github"), nobody, NULL, 0));
    CHECK(strcmp(header("Doorward-Flow", 0), binding) != 0);
    DO(DOORWARD_REFUSED, go_on(app, &good, 1));
    /* The tokens are in the session, the device in a line. */
    sign_up(auth, "app@example.com");
    user = *doorward_proof_user_id(doorward_answer_proof(answer));
    DO(DOORWARD_OK, doorward_authenticate(app, S("email"), S("app@example.com"), &password, 1));
    proof = keep();
    DO(DOORWARD_OK, doorward_create_session(app, PROOF, NULL));
    doorward_answer_free(&proof);
    CHECK(header("Doorward-Device", 0) && !header("Set-Cookie", 0));
    CHECK(doorward_session_refresh_token(doorward_answer_session(answer)).len);
    snprintf(device, sizeof device, "%s", header("Doorward-Device", 0));
    all = doorward_headers(app);
    CHECK(strcmp(line_of(all, "Doorward-Device"), device) == 0 && !line_of(all, "Set-Cookie"));
    snprintf(bearer, sizeof bearer, "Bearer %s", doorward_session_access_token(doorward_answer_session(answer)).ptr);
    doorward_close(app);
    lines_[1].name = S("Authorization"), lines_[1].value = S(bearer), lines_[2].value = S(device);
    request.n_headers = 3, app = doorward_on(auth, &request);
    DO(DOORWARD_OK, doorward_check_request(app));
    DO(DOORWARD_OK, doorward_end_session(app, nobody));
    CHECK(doorward_answer_ended(answer) == 1);
    doorward_close(app);
    /* A page has an origin: it is no app, whatever it says. */
    lines_[1].name = S("Origin"), lines_[1].value = S("https://evil.example"), request.n_headers = 2, app = doorward_on(auth, &request);
    DO(DOORWARD_REQUEST_REFUSED, doorward_authenticate(app, S("email"), S("app@example.com"), &password, 1));
    doorward_close(app);
    DO(DOORWARD_OK, doorward_delete_user(auth, &user));
    forget();
}

/* A new password takes the current one, where the configuration says so or the proof did not prove it of late. */
static void current_password(void)
{
    doorward_pair next[2] = {{S("password"), S("a windmill over the quiet lake")}, {S("current"), S(PASSWORD)}};
    doorward_config *config = test_config("memory:");
    doorward_auth *auth = NULL;
    doorward_answer proof;
    doorward_config_set(config, S("policy.current_password"), S("always"));
    DO(DOORWARD_OK, doorward_open(config, &auth));
    doorward_config_free(config);
    DO(DOORWARD_OK, doorward_start(auth));
    sign_up(auth, "ada@example.com");
    proof = keep();
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_update_credentials(auth, PROOF, S("email"), next, 1));
    CHECK(strcmp(doorward_answer_what(answer).ptr, "current") == 0);
    DO(DOORWARD_OK, doorward_update_credentials(auth, PROOF, S("email"), next, 2));
    doorward_answer_free(&proof);
    forget();
    doorward_close(auth);
}

/* Where the outbox's callback says what it was given. */
static int mailbox[2];

static doorward_settlement on_delivery(void *tag, const doorward_delivery *delivery)
{
    char line[256];
    int len = snprintf(line, sizeof line, "%s %s %u;", doorward_delivery_template(delivery).ptr, doorward_delivery_address(delivery).ptr,
                       doorward_delivery_attempts(delivery));
    CHECK(tag == mailbox && doorward_delivery_params(delivery).len == 1 && write(mailbox[1], line, (size_t)len) == len);
    return DOORWARD_DELIVERED;
}

/* With a callback nobody takes messages: it is given each, and what it returns settles it. */
static void outbox_callback(void)
{
    doorward_config *config = test_config("memory:");
    doorward_auth *whole = NULL, *auth;
    char said[256];
    size_t len = 0;
    CHECK(pipe(mailbox) == 0);
    doorward_config_on_delivery(config, on_delivery, mailbox);
    DO(DOORWARD_OK, doorward_open(config, &whole));
    doorward_config_free(config);
    auth = doorward_trusted(whole);
    DO(DOORWARD_OK, doorward_start(auth));
    sign_up(auth, "mia@example.com");
    DO(DOORWARD_OK, doorward_request_token(auth, S("recovery"), S("email"), S("mia@example.com"), NULL));
    do CHECK(len < sizeof said - 1 && read(mailbox[0], said + len, 1) == 1);
    while (said[len++] != ';');
    said[len] = 0;
    CHECK(strcmp(said, "recovery mia@example.com 1;") == 0);
    DO(DOORWARD_OK, doorward_stop(auth));
    forget();
    doorward_close(auth), doorward_close(whole);
    close(mailbox[0]), close(mailbox[1]);
}

int main(void)
{
    doorward_config *config = test_config("sqlite:operations.db");
    doorward_auth *whole = NULL, *auth = NULL;
    doorward_answer signed_up, session, proof, flow;
    doorward_new_user fresh = DOORWARD_NEW_USER_INIT;
    doorward_pair password = {S("password"), S(PASSWORD)}, code = {S("code"), S("2468")}, wrong = {S("code"), S("1")};
    doorward_id ada, read;
    char text[DOORWARD_ID_TEXT_SIZE], access[256], refresh[256], cookie[1024];
    size_t n, i;

    /* the context */
    CHECK(doorward_version() == DOORWARD_VERSION && strcmp(doorward_version_string(), DOORWARD_VERSION_STRING) == 0);
    doorward_config_set(config, S("session.grace"), S("30s"));
    doorward_config_on_event(config, on_event, &events);
    doorward_config_on_log(config, DOORWARD_LOG_INFO, on_log, &lines);
    DO(DOORWARD_OK, doorward_open(config, &whole));
    /* the first mistake is kept for doorward_open */
    doorward_config_set(config, S("session.grase"), S("30s"));
    doorward_config_set(config, S("nothing"), S("1"));
    doorward_config_load(config, S("x = ["));
    DO(DOORWARD_E_CONFIGURATION, doorward_open(config, &auth));
    CHECK(!auth && strstr(doorward_answer_message(answer), "session.grace") && doorward_answer_http_status(answer) == 500);
    doorward_config_free(config);
    auth = doorward_trusted(whole);
    DO(DOORWARD_OK, doorward_migrate(auth));
    DO(DOORWARD_OK, doorward_start(auth));
    DO(DOORWARD_OK, doorward_start(auth));
    DO(DOORWARD_OK, doorward_health(auth));
    DO(DOORWARD_OK, doorward_agree(auth, S("provider/email")));
    DO(DOORWARD_E_NOT_FOUND, doorward_agree(auth, S("provider/none")));

    library_threads_take_no_signals();

    forgotten_requests(whole);
    purposes(auth);
    final_cookies(auth);
    app_mode(auth);
    current_password();
    outbox_callback();

    /* signing up */
    DO(DOORWARD_OK, doorward_list_methods(auth, NULL));
    CHECK(doorward_answer_count(answer) >= 2);
    for (i = 0; i < doorward_answer_count(answer); i++) {
        const doorward_method *method = doorward_answer_method(answer, i);
        if (strcmp(doorward_method_provider(method).ptr, "email")) continue;
        CHECK(strcmp(text_of(doorward_method_action(method), &n), "verify") == 0 && n == 6);
        CHECK(strcmp(doorward_method_factor_class(method).ptr, "knowledge") == 0);
        CHECK(doorward_method_field(method, 0) && !doorward_method_field(method, 1));
        CHECK(strcmp(doorward_field_name(doorward_method_field(method, 0)).ptr, "password") == 0);
        CHECK(strcmp(doorward_field_autocomplete(doorward_method_field(method, 0)).ptr, "current-password") == 0);
        CHECK(doorward_field_is_secret(doorward_method_field(method, 0)) == 1);
        CHECK(doorward_field_is_optional(doorward_method_field(method, 0)) == 0);
        CHECK(doorward_field_max_len(doorward_method_field(method, 0)) >= 64);
    }
    CHECK(doorward_answer_method(answer, doorward_answer_count(answer)) == NULL);
    CHECK(doorward_id_new(&ada) == DOORWARD_OK);
    doorward_id_text(&ada, text);
    CHECK(strlen(text) == 36 && doorward_id_parse(S(text), &read) == DOORWARD_OK && memcmp(&ada, &read, 16) == 0);
    fresh.id = &ada;
    fresh.attributes = S("{\"nick\":\"ada\",\"theme\":\"dark\",\"note\":\"private\"}");
    {
        doorward_pair weak = {S("password"), S("short")};
        DO(DOORWARD_E_POLICY_VIOLATION, doorward_create_user(auth, S("email"), S("ada@example.com"), &weak, 1, &fresh));
        CHECK(doorward_answer_violation(answer, 0) && doorward_answer_violation(answer, 99) == NULL);
        CHECK(strcmp(doorward_answer_violation(answer, 0)->rule.ptr, "too_short") == 0);
        CHECK(strcmp(doorward_answer_violation(answer, 0)->field.ptr, "password") == 0);
        CHECK(doorward_answer_violation(answer, 0)->limit >= 8 && doorward_answer_violation(answer, 0)->message.len > 0);
    }
    DO(DOORWARD_OK, doorward_create_user(auth, S("email"), S("Ada@Example.com"), &password, 1, &fresh));
    signed_up = keep();
    CHECK(memcmp(doorward_proof_user_id(doorward_answer_proof(signed_up)), &ada, 16) == 0);
    CHECK(doorward_proof_factor(doorward_answer_proof(signed_up), 0) && !doorward_proof_factor(doorward_answer_proof(signed_up), 1));
    CHECK(strcmp(doorward_factor_provider(doorward_proof_factor(doorward_answer_proof(signed_up), 0)).ptr, "email") == 0);
    CHECK(strcmp(doorward_factor_class(doorward_proof_factor(doorward_answer_proof(signed_up), 0)).ptr, "knowledge") == 0);
    CHECK(doorward_factor_channel(doorward_proof_factor(doorward_answer_proof(signed_up), 0)).ptr != NULL);
    CHECK(doorward_factor_at(doorward_proof_factor(doorward_answer_proof(signed_up), 0)) > 0);
    {
        doorward_id other;
        CHECK(doorward_id_new(&other) == DOORWARD_OK);
        fresh.id = &other;
        DO(DOORWARD_E_CONFLICT, doorward_create_user(auth, S("email"), S("ada@example.com"), &password, 1, &fresh));
        CHECK(strcmp(doorward_answer_what(answer).ptr, "identifier") == 0 || strcmp(doorward_answer_what(answer).ptr, "attribute") == 0);
    }

    /* a session */
    {
        doorward_new_session with = DOORWARD_NEW_SESSION_INIT;
        with.attributes = S("{\"cart\":[1]}");
        with.persistent = DOORWARD_NO;
        DO(DOORWARD_OK, doorward_create_session(auth, doorward_answer_proof(signed_up), &with));
    }
    CHECK(strstr(header("Set-Cookie", 0), "refresh") || strstr(header("Set-Cookie", 0), "dwr_"));
    CHECK(strstr(header("Set-Cookie", 1), "dwa_") && strcmp(header("Cache-Control", 0), "no-store") == 0);
    cookies_of_answer(cookie, sizeof cookie);
    session = keep();
    {
        const doorward_session *s = doorward_answer_session(session);
        snprintf(access, sizeof access, "%s", text_of(doorward_session_access_token(s), &n));
        CHECK(n == strlen(access) && strncmp(access, "dwa_", 4) == 0);
        snprintf(refresh, sizeof refresh, "%s", text_of(doorward_session_refresh_token(s), &n));
        CHECK(strncmp(refresh, "dwr_", 4) == 0);
        CHECK(strcmp(doorward_session_attributes(s).ptr, "{\"cart\":[1]}") == 0 && doorward_session_version(s) == 1);
        CHECK(doorward_session_is_persistent(s) == 0 && doorward_session_factor(s, 0) && !doorward_session_factor(s, 1));
        CHECK(doorward_session_factor(s, 0) && !doorward_session_factor(s, 1));
        CHECK(doorward_session_access_expires_at(s) < doorward_session_idle_expires_at(s));
        CHECK(doorward_session_idle_expires_at(s) < doorward_session_absolute_expires_at(s));
        CHECK(doorward_session_authenticated_at(s) <= doorward_session_created_at(s) && doorward_session_last_seen_at(s) > 0);
        CHECK(doorward_session_agent(s).ptr[0] == 0 && doorward_session_address(s).ptr[0] == 0);
        CHECK(memcmp(doorward_user_id(doorward_session_user(s)), &ada, 16) == 0);
    }
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_create_session(auth, doorward_answer_proof(signed_up), NULL));
    DO(DOORWARD_OK, doorward_validate_session(auth, S(access)));
    CHECK(text_of(doorward_session_access_token(doorward_answer_session(answer)), &n)[0] == 0 && n == 0);
    CHECK(strcmp(doorward_user_public_attributes(auth, doorward_answer_user(answer)).ptr, "{\"theme\":\"dark\"}") == 0);
    CHECK(strstr(doorward_user_attributes(doorward_answer_user(answer)).ptr, "private"));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(auth, S("dwa_nonsense")));
    CHECK(strcmp(doorward_answer_reason(answer).ptr, "invalid") == 0 && doorward_answer_http_status(answer) == 401);
    DO(DOORWARD_OK, doorward_refresh_session(auth, S(refresh)));
    CHECK(doorward_session_access_token(doorward_answer_session(answer)).len);
    DO(DOORWARD_SIGNED_OUT, doorward_refresh_session(auth, S(access)));
    DO(DOORWARD_OK, doorward_update_session_attributes(auth, doorward_answer_session(session), S("{\"cart\":null,\"page\":2}")));
    CHECK(strcmp(doorward_answer_text(answer).ptr, "{\"page\":2}") == 0);

    /* on a request */
    {
        doorward_pair lines_[2] = {{S("Cookie"), S(cookie)}, {S("Origin"), S("https://app.example")}};
        doorward_request request = DOORWARD_REQUEST_INIT;
        request.method = S("POST"), request.headers = lines_, request.n_headers = 2, request.peer = S("203.0.113.7");
        DO(DOORWARD_OK, doorward_check_request(on_request(auth, &request)));
        CHECK(doorward_answer_session(answer) && memcmp(doorward_user_id(doorward_answer_user(answer)), &ada, 16) == 0);
        CHECK(text_of(doorward_answer_provider(answer), &n)[0] == 0 && n == 0);
        DO(DOORWARD_OK, doorward_resume_request(on_request(auth, &request)));
        lines_[1].value = S("https://evil.example");
        DO(DOORWARD_REQUEST_REFUSED, doorward_check_request(on_request(auth, &request)));
        CHECK(doorward_answer_http_status(answer) == 403 && strstr(doorward_answer_setting(answer).ptr, "origins"));
        request.headers = lines_ + 1, lines_[1].value = S("https://app.example"), request.n_headers = 1;
        DO(DOORWARD_SIGNED_OUT, doorward_check_request(on_request(auth, &request)));
        CHECK(strcmp(doorward_answer_reason(answer).ptr, "no_token") == 0);
        DO(DOORWARD_E_INVALID_STATE, doorward_check_request(auth));
        doorward_auth *elsewhere = doorward_realm(auth, S("elsewhere"));
        request.headers = lines_, request.n_headers = 2;
        DO(DOORWARD_SIGNED_OUT, doorward_check_request(on_request(elsewhere, &request)));
        doorward_close(elsewhere);
    }

    /* a view on a request collects: the sign-out after the resume is what the browser gets */
    {
        doorward_pair held[2] = {{S("Cookie"), S(cookie)}, {S("Origin"), S("https://app.example")}};
        doorward_pair wrong = {S("password"), S("wrong donkey capacitor")};
        doorward_request request = DOORWARD_REQUEST_INIT;
        request.method = S("POST"), request.headers = held, request.n_headers = 2, request.peer = S("fe80::1%eth0");
        doorward_auth *view = doorward_on(auth, &request), *bad;
        held[0].value = S("gone");
        DO(DOORWARD_OK, doorward_resume_request(view));
        CHECK(doorward_headers(view).len == 0 && doorward_headers(view).ptr == NULL);
        DO(DOORWARD_REFUSED, doorward_authenticate(view, S("email"), S("nobody@example.com"), &wrong, 1));
        CHECK(doorward_answer_headers(answer).len == 1);
        CHECK(strcmp(doorward_answer_headers(answer).ptr[0].name.ptr, "WWW-Authenticate") == 0);
        doorward_close(view);
        DO(DOORWARD_E_INVALID_STATE, doorward_end_session(auth, doorward_span(NULL, 0)));
        held[0].value = S("x=y");
        view = doorward_on(auth, &request);
        DO(DOORWARD_OK, doorward_end_session(view, doorward_span(NULL, 0)));
        CHECK(doorward_answer_ended(answer) == 0);
        doorward_pairs last = doorward_headers(view);
        CHECK(last.len == 3 && strcmp(last.ptr[0].name.ptr, "Cache-Control") == 0 && strstr(last.ptr[2].value.ptr, "Expires=Thu, 01 Jan 1970"));
        doorward_close(view);
        request.peer = S("nowhere"), bad = doorward_on(auth, &request);
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_check_request(bad));
        CHECK(doorward_headers(bad).len == 0 && doorward_on(NULL, &request) == NULL);
        doorward_close(bad);
        bad = doorward_on(auth, NULL);
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_check_request(bad));
        doorward_close(bad);
    }

    /* a second factor, enrolled in two steps */
    DO(DOORWARD_OK, doorward_session_proof(auth, doorward_answer_session(session)));
    proof = keep();
    {
        char token[128];
        /* not before the address is proved */
        DO(DOORWARD_E_POLICY_VIOLATION, doorward_begin_enrollment(auth, S("key"), doorward_span(NULL, 0), PROOF));
        CHECK(!doorward_answer_violation(answer, 1) && strcmp(doorward_answer_violation(answer, 0)->rule.ptr, "address_unproved") == 0);
        DO(DOORWARD_OK, doorward_request_token(auth, S("verify"), S("email"), S("ada@example.com"), PROOF));
        mailed(auth, "verify", "Ada@Example.com", token, sizeof token);
        DO(DOORWARD_OK, doorward_consume_token(auth, S(token), PROOF));
        DO(DOORWARD_CONTINUE, doorward_begin_enrollment(auth, S("key"), doorward_span(NULL, 0), PROOF));
        flow = keep();
    }
    {
        const doorward_flow *f = doorward_answer_flow(flow);
        const doorward_method *method = doorward_flow_next(f, 0);
        doorward_pairs challenge = doorward_method_challenge(method);
        CHECK(challenge.len == 1 && strcmp(challenge.ptr->name.ptr, "serial") == 0 && strcmp(challenge.ptr->value.ptr, "2468") == 0);
        CHECK(doorward_flow_expires_at(f) > 0 && !doorward_flow_next(f, 1));
        DO(DOORWARD_REFUSED, doorward_continue_flow(auth, doorward_flow_token(f), doorward_span(NULL, 0), &wrong, 1));
        doorward_answer_free(&flow);
        flow = keep();
        CHECK(doorward_answer_flow(flow));
        DO(DOORWARD_OK, doorward_continue_flow(auth, doorward_flow_token(doorward_answer_flow(flow)), doorward_span(NULL, 0), &code, 1));
        CHECK(doorward_answer_show_once(answer).len == 0);
        {
            const doorward_way *other = doorward_answer_others(answer, 0);
            CHECK(other && !doorward_answer_others(answer, 1) && !doorward_answer_took(answer, 0) && !doorward_answer_kept(answer, 0));
            CHECK(strcmp(doorward_way_provider(other).ptr, "email") == 0 && doorward_way_is_identity(other) == 1);
            CHECK(strcmp(text_of(doorward_way_name(other), &n), "Ada@Example.com") == 0 && n == 15);
            CHECK(doorward_way_created_at(other) > 0 && doorward_way_last_used_at(NULL) == DOORWARD_NO_TIME);
        }
        doorward_answer_free(&flow);
    }

    /* signing in with it */
    DO(DOORWARD_REFUSED, doorward_authenticate(auth, S("email"), S("ada@example.com"), &wrong, 0));
    DO(DOORWARD_REFUSED, doorward_authenticate(auth, S("email"), S("nobody@example.com"), &password, 1));
    DO(DOORWARD_CONTINUE, doorward_authenticate(auth, S("email"), S("ada@example.com"), &password, 1));
    flow = keep();
    {
                DO(DOORWARD_OK, doorward_continue_flow(auth, doorward_flow_token(doorward_answer_flow(flow)), S("key"), &code, 1));
        doorward_answer_free(&flow);
        doorward_answer_free(&proof);
        proof = keep();
        CHECK(doorward_proof_factor(doorward_answer_proof(proof), 1) && !doorward_proof_factor(doorward_answer_proof(proof), 2));
    }

    /* what the user owns */
    DO(DOORWARD_OK, doorward_list_authenticators(auth, &ada));
    CHECK(doorward_answer_count(answer) == 2);
    {
        const doorward_authenticator *one = doorward_answer_authenticator(answer, 0);
        if (strcmp(doorward_authenticator_kind(one).ptr, "gadget")) one = doorward_answer_authenticator(answer, 1);
        CHECK(strcmp(doorward_authenticator_group(one).ptr, "key") == 0 && doorward_authenticator_created_at(one) > 0);
        CHECK(doorward_authenticator_last_used_at(one) == DOORWARD_NO_TIME || doorward_authenticator_last_used_at(one) > 0);
        CHECK(strcmp(doorward_authenticator_description(one).ptr, "{}") == 0);
        read = *doorward_authenticator_id(one);
    }
    DO(DOORWARD_OK, doorward_rename_authenticator(auth, doorward_answer_proof(proof), S("key"), &read, S("on my desk")));
    DO(DOORWARD_OK, doorward_list_authenticators(auth, &ada));
    CHECK(strcmp(doorward_authenticator_label(doorward_answer_authenticator(answer, 0)).ptr, "on my desk") == 0 ||
          strcmp(doorward_authenticator_label(doorward_answer_authenticator(answer, 1)).ptr, "on my desk") == 0);
    RENEW(doorward_link_identity(auth, PROOF, S("username"), S("ada"), NULL, 0));
    RENEW(doorward_update_identifier(auth, PROOF, S("username"), S("ada"), S("countess")));
    DO(DOORWARD_OK, doorward_list_identities(auth, &ada));
    CHECK(doorward_answer_count(answer) == 2 && !doorward_answer_identity(answer, 2));
    {
        const doorward_identity *one = doorward_answer_identity(answer, 0);
        if (strcmp(doorward_identity_provider(one).ptr, "username")) one = doorward_answer_identity(answer, 1);
        CHECK(strcmp(text_of(doorward_identity_identifier(one), &n), "countess") == 0 && n == 8);
        CHECK(doorward_identity_verified_at(one) == DOORWARD_NO_TIME && doorward_identity_created_at(one) > 0);
    }
    /* Whose a new address is, a message asks: what is taken is answered as what is free, and nothing has changed before. */
    {
        const char *const wanted[] = {"nobody@example.org", "ada@example.com", "taken@example.org"};
        doorward_pair of = {S("password"), S("a ladder against the green moon")};
        doorward_id gone;
        DO(DOORWARD_OK, doorward_create_user(auth, S("email"), S(wanted[2]), &of, 1, NULL));
        for (i = 0; i < 3; i += 2) {
            RENEW(doorward_update_identifier(whole, PROOF, S("email"), S(wanted[1]), S(wanted[i])));
            RENEW(doorward_link_identity(whole, PROOF, S("email"), S(wanted[i]), NULL, 0));
        }
        DO(DOORWARD_OK, doorward_list_identities(auth, &ada));
        CHECK(doorward_answer_count(answer) == 2);
        DO(DOORWARD_E_CONFLICT, doorward_link_identity(auth, PROOF, S("email"), S(wanted[2]), NULL, 0));
        DO(DOORWARD_OK, doorward_find_user(auth, S("email"), S(wanted[2])));
        gone = *doorward_user_id(doorward_answer_user(answer));
        DO(DOORWARD_OK, doorward_delete_user(auth, &gone));
    }
    /* An account that a second factor established is not left with an address that nobody proved. */
    RENEW(doorward_update_identifier(auth, PROOF, S("email"), S("ada@example.com"), S("ada@unproved.example")));
    DO(DOORWARD_E_LAST_WAY_IN, doorward_unlink_identity(auth, PROOF, S("username"), S("countess")));
    RENEW(doorward_update_identifier(auth, PROOF, S("email"), S("ada@unproved.example"), S("Ada@Example.com")));
    {
        doorward_pair next = {S("password"), S("another tram under another moon")};
        doorward_pair beside[] = {next, {S("current"), S("not the word of today")}};
        DO(DOORWARD_REFUSED, doorward_update_credentials(auth, PROOF, S("email"), beside, 2));
        RENEW(doorward_update_credentials(auth, PROOF, S("email"), &next, 1));
    }
    RENEW(doorward_remove_authenticator(auth, PROOF, S("key"), &read));
    RENEW(doorward_unlink_identity(auth, PROOF, S("username"), S("countess")));
    DO(DOORWARD_E_LAST_WAY_IN, doorward_unlink_identity(auth, PROOF, S("email"), S("ada@example.com")));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(auth, S(access)));

    /* devices */
    for (i = 0; i < 2; i++) {
        doorward_asserted_factor vouched = {S("badge"), S("possession"), S("nfc"), 1000000, i == 1, 0};
        doorward_new_session inner = DOORWARD_NEW_SESSION_INIT;
        DO(DOORWARD_OK, doorward_create_session_for_user(auth, &ada, &vouched, 1, &inner));
        CHECK(doorward_factor_is_two_in_one(doorward_session_factor(doorward_answer_session(answer), 0)) == (int)(i == 1));
        vouched.two_in_one = 2;
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_create_session_for_user(auth, &ada, &vouched, 1, &inner));
        vouched.two_in_one = 0, vouched.reserved = 1;
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_create_session_for_user(auth, &ada, &vouched, 1, &inner));
        vouched.reserved = 0;
        if (i == 1) DO(DOORWARD_OK, doorward_create_session_for_user(auth, &ada, &vouched, 1, &inner));
    }
    doorward_answer_free(&session);
    session = keep();
    read = *doorward_session_id(doorward_answer_session(session));
    DO(DOORWARD_OK, doorward_list_sessions(auth, &ada));
    CHECK(doorward_answer_count(answer) == 3 && !doorward_answer_device(answer, 3));
    {
        const doorward_device *device = doorward_answer_device(answer, 0);
        CHECK(memcmp(doorward_device_id(device), &read, 16) == 0 && doorward_device_created_at(device) > 0);
        CHECK(doorward_device_last_seen_at(device) > 0 && doorward_device_agent(device).ptr[0] == 0);
        CHECK(doorward_device_address(device).ptr[0] == 0 && strcmp(doorward_device_attributes(device).ptr, "{}") == 0);
        CHECK(doorward_device_factor(device, 0) && !doorward_device_factor(device, 1) && doorward_device_factor(device, 0));
        CHECK(strcmp(doorward_factor_channel(doorward_device_factor(device, 0)).ptr, "nfc") == 0);
    }
    DO(DOORWARD_OK, doorward_session_proof(auth, doorward_answer_session(session)));
    doorward_answer_free(&proof);
    proof = keep();
    DO(DOORWARD_OK, doorward_end_other_sessions(auth, PROOF));
    CHECK(doorward_answer_ended(answer) == 2);
    DO(DOORWARD_OK, doorward_session_alive(auth, &ada, &read));
    DO(DOORWARD_OK, doorward_end_sign_in(auth, &ada, &read));
    CHECK(doorward_answer_ended(answer) == 1);
    DO(DOORWARD_SIGNED_OUT, doorward_session_alive(auth, &ada, &read));
    CHECK(doorward_answer_http_status(answer) == 401 && header("WWW-Authenticate", 0));
    DO(DOORWARD_OK, doorward_create_session_for_user(auth, &ada, NULL, 0, NULL));
    snprintf(access, sizeof access, "%s", doorward_session_access_token(doorward_answer_session(answer)).ptr);
    DO(DOORWARD_OK, doorward_end_session(auth, S(access)));
    CHECK(strstr(header("Set-Cookie", 0), "Expires=Thu, 01 Jan 1970"));
    DO(DOORWARD_OK, doorward_end_session(auth, S(access)));
    DO(DOORWARD_OK, doorward_end_all_sessions(auth, &ada));
    CHECK(doorward_answer_ended(answer) == 0);

    tokens(auth);

    /* users */
    sign_up(auth, "bob@example.com");
    DO(DOORWARD_OK, doorward_get_user(auth, &ada));
    CHECK(doorward_user_version(doorward_answer_user(answer)) == 1 && doorward_user_realm(doorward_answer_user(answer)).ptr[0] == 0);
    CHECK(doorward_user_disabled_at(doorward_answer_user(answer)) == DOORWARD_NO_TIME);
    CHECK(doorward_user_created_at(doorward_answer_user(answer)) <= doorward_user_updated_at(doorward_answer_user(answer)));
    DO(DOORWARD_OK, doorward_find_user(auth, S("email"), S("ADA@example.com")));
    CHECK(memcmp(doorward_user_id(doorward_answer_user(answer)), &ada, 16) == 0);
    DO(DOORWARD_ABSENT, doorward_find_user(auth, S("email"), S("carol@example.com")));
    CHECK(doorward_answer_user(answer) == NULL && doorward_answer_http_status(answer) == 404);
    DO(DOORWARD_OK, doorward_find_user_by_attribute(auth, S("nick"), S("ada")));
    DO(DOORWARD_ABSENT, doorward_find_user_by_attribute(auth, S("nick"), S("bob")));
    {
        doorward_user_filter filter = DOORWARD_USER_FILTER_INIT;
        DO(DOORWARD_OK, doorward_list_users(auth, NULL, 0, NULL));
        CHECK(doorward_answer_count(answer) == 2 && !doorward_answer_user_at(answer, 2));
        read = *doorward_user_id(doorward_answer_user_at(answer, 0));
        DO(DOORWARD_OK, doorward_list_users(auth, &read, 1, NULL));
        CHECK(doorward_answer_count(answer) == 1 && memcmp(doorward_user_id(doorward_answer_user_at(answer, 0)), &read, 16) != 0);
        filter.newest_first = DOORWARD_YES;
        DO(DOORWARD_OK, doorward_list_users(auth, NULL, 0, &filter));
        CHECK(doorward_answer_count(answer) == 2 && doorward_id_equal(doorward_user_id(doorward_answer_user_at(answer, 1)), &read));
        DO(DOORWARD_OK, doorward_list_users(auth, &read, 0, &filter));
        CHECK(doorward_answer_count(answer) == 0);
        filter.provider = S("email"), filter.begins = S("BO");
        DO(DOORWARD_OK, doorward_list_users(auth, NULL, 0, &filter));
        CHECK(doorward_answer_count(answer) == 1 && !doorward_id_equal(doorward_user_id(doorward_answer_user_at(answer, 0)), &ada));
        DO(DOORWARD_OK, doorward_count_users(auth, &filter));
        CHECK(doorward_answer_count(answer) == 1 && doorward_answer_ended(answer) == 0);
        DO(DOORWARD_OK, doorward_count_users(auth, NULL));
        CHECK(doorward_answer_count(answer) == 2);
        filter.enabled = DOORWARD_NO;
        DO(DOORWARD_OK, doorward_count_users(auth, &filter));
        CHECK(doorward_answer_count(answer) == 0);
        DO(DOORWARD_OK, doorward_metrics(auth));
        CHECK(strstr(doorward_answer_text(answer).ptr, "doorward_events_total{name=\""));
    }
    {
        DO(DOORWARD_OK, doorward_update_attributes(auth, &ada, S("{\"theme\":\"light\"}"), 1));
        CHECK(doorward_user_version(doorward_answer_user(answer)) == 2);
        DO(DOORWARD_E_CONFLICT, doorward_update_attributes(auth, &ada, S("{\"theme\":\"dark\"}"), 1));
        CHECK(strcmp(doorward_answer_what(answer).ptr, "version") == 0);
    }
    DO(DOORWARD_OK, doorward_create_session_for_user(auth, &ada, NULL, 0, NULL));
    DO(DOORWARD_OK, doorward_disable_user(auth, &ada));
    CHECK(doorward_answer_ended(answer) == 1);
    DO(DOORWARD_E_INVALID_STATE, doorward_reset_factors(auth, &ada, S("lost")));
    DO(DOORWARD_OK, doorward_enable_user(auth, &ada));
    DO(DOORWARD_OK, doorward_reset_factors(auth, &ada, S("lost")));
    CHECK(doorward_answer_ended(answer) == 0);
    DO(DOORWARD_OK, doorward_add_address(auth, &ada, S("email"), S("ada@by-hand.example")));

    /* too many failures */
    for (i = 0; i < 100; i++) {
        doorward_pair bad = {S("password"), S("not the password at all")};
        doorward_then(&answer, doorward_authenticate(auth, S("email"), S("bob@example.com"), &bad, 1));
        if (answer.status == DOORWARD_THROTTLED) break;
    }
    CHECK(i > 0 && i < 100 && doorward_answer_retry_after(answer) > 0 && doorward_answer_http_status(answer) == 429);
    CHECK(header("Retry-After", 0));

    /* claims: a user made from one, another identity linked by one; and keys */
    {
        doorward_bytes nobody = {NULL, 0};
        doorward_pair good = {S("code"), S("good:7:ada@example.com")}, other = {S("code"), S("good:8")};
        doorward_pair key[2] = {{S("key"), S("ak_1")}, {S("scopes"), S("[\"read\",\"write\"]")}};
        doorward_pair bearer = {S("Authorization"), S("Bearer ak_1")};
        doorward_request request = DOORWARD_REQUEST_INIT;
        doorward_new_user with = DOORWARD_NEW_USER_INIT;
        doorward_answer vouched;
        const doorward_claim *claim;
        DO(DOORWARD_UNREGISTERED, doorward_authenticate(auth, S("github"), nobody, &good, 1));
        CHECK(doorward_answer_http_status(answer) == 404 && !doorward_answer_proof(answer));
        vouched = keep(), claim = doorward_answer_claim(vouched);
        CHECK(strncmp(text_of(doorward_claim_token(claim), &n), "dwc_", 4) == 0 && n > 4);
        CHECK(strcmp(doorward_claim_provider(claim).ptr, "github") == 0 && doorward_claim_expires_at(claim) > 0);
        CHECK(strcmp(text_of(doorward_claim_identifier(claim), &n), "https://issuer.example 7") == 0 && n == 24);
        CHECK(strcmp(doorward_claim_attributes(claim).ptr, "{\"email\":\"ada@example.com\"}") == 0);
        DO(DOORWARD_OK, doorward_peek_claim(auth, doorward_claim_token(claim)));
        CHECK(strcmp(doorward_claim_identifier(doorward_answer_claim(answer)).ptr, "https://issuer.example 7") == 0);
        DO(DOORWARD_REFUSED, doorward_peek_claim(auth, S("dwc_nonsense")));
        CHECK(!doorward_answer_claim(answer));
        DO(DOORWARD_REFUSED, doorward_create_user_from_claim(auth, S("dwc_nonsense"), NULL));
        CHECK(doorward_id_new(&read) == DOORWARD_OK);
        with.id = &read, with.attributes = S("{\"nick\":\"seven\"}");
        DO(DOORWARD_OK, doorward_create_user_from_claim(auth, doorward_claim_token(claim), &with));
        doorward_answer_free(&proof);
        proof = keep();
        CHECK(memcmp(doorward_proof_user_id(PROOF), &read, 16) == 0);
        DO(DOORWARD_E_CONFLICT, doorward_create_user_from_claim(auth, doorward_claim_token(claim), NULL));
        CHECK(strcmp(doorward_answer_what(answer).ptr, "identifier") == 0);
        doorward_answer_free(&vouched);
        DO(DOORWARD_OK, doorward_authenticate(auth, S("github"), nobody, &good, 1));
        DO(DOORWARD_E_UNSUPPORTED, doorward_begin_link(auth, PROOF, S("email"), S("x@example.com"), NULL, 0));
        DO(DOORWARD_CONTINUE, doorward_begin_link(auth, PROOF, S("github"), nobody, NULL, 0));
        flow = keep();
        DO(DOORWARD_UNREGISTERED, doorward_continue_flow(auth, doorward_flow_token(doorward_answer_flow(flow)), doorward_span(NULL, 0), &other, 1));
        doorward_answer_free(&flow);
        vouched = keep();
        DO(DOORWARD_REFUSED, doorward_link_claim(auth, PROOF, S("dwc_nonsense")));
        RENEW(doorward_link_claim(auth, PROOF, doorward_claim_token(doorward_answer_claim(vouched))));
        doorward_answer_free(&vouched);
        DO(DOORWARD_OK, doorward_list_identities(auth, &read));
        CHECK(doorward_answer_count(answer) == 2 && doorward_identity_verified_at(doorward_answer_identity(answer, 1)) > 0);
        DO(DOORWARD_OK, doorward_update_credentials(auth, PROOF, S("api"), key, 2));
        CHECK(doorward_answer_show_once(answer).len == 1 && strcmp(doorward_answer_show_once(answer).ptr->value.ptr, "ak_1") == 0);
        request.method = S("GET"), request.headers = &bearer, request.n_headers = 1;
        DO(DOORWARD_OK, doorward_check_request(on_request(auth, &request)));
        CHECK(!doorward_answer_session(answer) && memcmp(doorward_user_id(doorward_answer_user(answer)), &read, 16) == 0);
        CHECK(strcmp(doorward_answer_provider(answer).ptr, "api") == 0 && doorward_answer_scope_count(answer) == 2);
        CHECK(strcmp(doorward_answer_scope(answer, 0).ptr, "read") == 0 && strcmp(text_of(doorward_answer_scope(answer, 1), &n), "write") == 0 && n == 5);
        CHECK(text_of(doorward_answer_scope(answer, 2), &n)[0] == 0 && n == 0);
        bearer.value = S("Bearer ak_2");
        DO(DOORWARD_REFUSED, doorward_check_request(on_request(auth, &request)));
        DO(DOORWARD_OK, doorward_delete_user(auth, &read));
    }

    /* the link of a mailed code signs in where it is confirmed, once */
    {
        doorward_pair ask[2] = {{S("do"), S("ask")}, {S("name"), S("other")}}, send[2] = {{S("do"), S("send")}, {S("name"), S("code")}};
        doorward_request request = DOORWARD_REQUEST_INIT;
        doorward_answer vouched;
        doorward_id dora;
        char link[128];
        DO(DOORWARD_UNREGISTERED, doorward_authenticate(auth, S("mail"), S("dora@example.com"), ask, 2));
        vouched = keep();
        DO(DOORWARD_OK, doorward_create_user_from_claim(auth, doorward_claim_token(doorward_answer_claim(vouched)), NULL));
        memcpy(&dora, doorward_proof_user_id(doorward_answer_proof(answer)), sizeof dora);
        doorward_answer_free(&vouched);
        DO(DOORWARD_CONTINUE, doorward_authenticate(auth, S("mail"), S("dora@example.com"), send, 2));
        flow = keep();
        mailed(auth, "limiter.code", "dora@example.com", link, sizeof link);
        DO(DOORWARD_OK, doorward_peek_token(auth, S(link)));
        CHECK(strcmp(doorward_token_info_purpose(doorward_answer_token_info(answer)).ptr, "sign_in_link") == 0);
        request.method = S("GET");
        DO(DOORWARD_E_INVALID_STATE, doorward_continue_flow(on_request(auth, &request), S(link), doorward_span(NULL, 0), NULL, 0));
        DO(DOORWARD_E_INVALID_ARGUMENT, doorward_continue_flow(auth, S(link), doorward_span(NULL, 0), send, 2));
        DO(DOORWARD_REFUSED, doorward_consume_token(auth, S(link), NULL));
        DO(DOORWARD_OK, doorward_continue_flow(auth, S(link), doorward_span(NULL, 0), NULL, 0));
        CHECK(memcmp(doorward_proof_user_id(doorward_answer_proof(answer)), &dora, sizeof dora) == 0);
        DO(DOORWARD_REFUSED, doorward_continue_flow(auth, S(link), doorward_span(NULL, 0), NULL, 0));
        DO(DOORWARD_REFUSED, doorward_continue_flow(auth, doorward_flow_token(doorward_answer_flow(flow)), doorward_span(NULL, 0), NULL, 0));
        doorward_answer_free(&flow);
        DO(DOORWARD_OK, doorward_delete_user(auth, &dora));
    }

    /* upkeep */
    DO(DOORWARD_OK, doorward_stats(auth));
    CHECK(doorward_answer_stats(answer)->users == 2 && doorward_answer_purged(answer) == NULL);
    DO(DOORWARD_OK, doorward_purge_expired(auth));
    CHECK(doorward_answer_purged(answer)->struct_size == sizeof(doorward_row_counts) && doorward_answer_stats(answer) == NULL);
    CHECK(doorward_answer_purged(answer)->more == 0);
    DO(DOORWARD_OK, doorward_delete_user(auth, &ada));
    DO(DOORWARD_E_NOT_FOUND, doorward_get_user(auth, &ada));

    library_threads_take_no_signals();
    CHECK(events > 20 && failures >= 2 && lines > 0);
    doorward_answer_free(&signed_up);
    doorward_answer_free(&session);
    doorward_answer_free(&proof);
    forget();
    DO(DOORWARD_OK, doorward_stop(auth));
    DO(DOORWARD_OK, doorward_stop(auth));
    DO(DOORWARD_OK, doorward_start(auth));
    DO(DOORWARD_OK, doorward_find_user(auth, S("email"), S("bob@example.com")));
    forget();
    doorward_close(auth);
    doorward_close(whole);
    return 0;
}
