/* Signing up, and the first session. */
#include "operations.h"

/* What may be answered, a password that is too weak, and a user. */
void sign_up_here(doorward_auth *auth)
{
    doorward_new_user fresh = DOORWARD_NEW_USER_INIT;
    doorward_pair password = {S("password"), S(PASSWORD)};
    doorward_id read;
    char text[DOORWARD_ID_TEXT_SIZE];
    size_t n, i;

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
}

/* A session, its tokens and its attributes. */
void first_session(doorward_auth *auth)
{
    size_t n;

    {
        doorward_new_session with = DOORWARD_NEW_SESSION_INIT;
        with.attributes = S("{\"cart\":[1]}");
        with.persistent = DOORWARD_NO;
        DO(DOORWARD_OK, doorward_create_session(auth, doorward_answer_proof(signed_up), &with));
    }
    CHECK(strstr(header("Set-Cookie", 0), "refresh") || strstr(header("Set-Cookie", 0), "dwr_"));
    CHECK(strstr(header("Set-Cookie", 1), "dwa_") && strcmp(header("Cache-Control", 0), "no-store") == 0);
    cookies_of_answer(cookies, sizeof cookies);
    session = keep();
    {
        const doorward_session *s = doorward_answer_session(session);
        snprintf(access_token, sizeof access_token, "%s", text_of(doorward_session_access_token(s), &n));
        CHECK(n == strlen(access_token) && strncmp(access_token, "dwa_", 4) == 0);
        snprintf(refresh_token, sizeof refresh_token, "%s", text_of(doorward_session_refresh_token(s), &n));
        CHECK(strncmp(refresh_token, "dwr_", 4) == 0);
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
    DO(DOORWARD_OK, doorward_validate_session(auth, S(access_token)));
    CHECK(text_of(doorward_session_access_token(doorward_answer_session(answer)), &n)[0] == 0 && n == 0);
    CHECK(strcmp(doorward_user_public_attributes(auth, doorward_answer_user(answer)).ptr, "{\"theme\":\"dark\"}") == 0);
    CHECK(strstr(doorward_user_attributes(doorward_answer_user(answer)).ptr, "private"));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(auth, S("dwa_nonsense")));
    CHECK(strcmp(doorward_answer_reason(answer).ptr, "invalid") == 0 && doorward_answer_http_status(answer) == 401);
    DO(DOORWARD_OK, doorward_refresh_session(auth, S(refresh_token)));
    CHECK(doorward_session_access_token(doorward_answer_session(answer)).len);
    DO(DOORWARD_SIGNED_OUT, doorward_refresh_session(auth, S(access_token)));
    DO(DOORWARD_OK, doorward_update_session_attributes(auth, doorward_answer_session(session), S("{\"cart\":null,\"page\":2}")));
    CHECK(strcmp(doorward_answer_text(answer).ptr, "{\"page\":2}") == 0);
}
