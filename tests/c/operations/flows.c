/* Flows: what each is for, and a second factor in two steps. */
#include "operations.h"

/* What a flow or a proof is for: sign-up, enrollment, linking, sign-in, step-up. */
void purposes(doorward_auth *auth)
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

/* A second factor, enrolled in two steps. */
void second_factor(doorward_auth *auth)
{
    doorward_pair code = {S("code"), S("2468")}, wrong = {S("code"), S("1")};
    doorward_answer flow;
    size_t n;

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
}

/* Signing in with it. */
void sign_in_with_it(doorward_auth *auth)
{
    doorward_pair password = {S("password"), S(PASSWORD)};
    doorward_pair code = {S("code"), S("2468")}, wrong = {S("code"), S("1")};
    doorward_answer flow;

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
}
