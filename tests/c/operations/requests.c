/* What is on a request: its origin, its cookies, its header lines, and what goes back. */
#include "operations.h"

/* What a person's form causes is refused on a context that is told of no request, and of none on purpose. */
void forgotten_requests(doorward_auth *whole)
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

/* The obvious middleware resumes first and sends last: a sign-in between is not overwritten by the refresh. */
void final_cookies(doorward_auth *auth)
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

/* An app has neither cookies nor an origin: its binding and its device come and go in header lines of their own. */
void app_mode(doorward_auth *auth)
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

/* Whom a request comes from, on which origin, in which realm. */
void on_a_request(doorward_auth *auth)
{
    size_t n;

    doorward_pair lines_[2] = {{S("Cookie"), S(cookies)}, {S("Origin"), S("https://app.example")}};
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

/* A view on a request collects: the sign-out after the resume is what the browser gets. */
void collecting_views(doorward_auth *auth)
{
    doorward_pair held[2] = {{S("Cookie"), S(cookies)}, {S("Origin"), S("https://app.example")}};
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
