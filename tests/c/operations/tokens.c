/* Tokens: an address that is proved, one that is changed, a password that is replaced; and a message that nobody settles. */
#include "operations.h"

/* Cas, who has a session and lends a proof. */
static doorward_id cas;
static doorward_answer of_cas;
static char token[512];
#undef PROOF
#define PROOF doorward_answer_proof(of_cas)

/* What earlier calls left in the outbox is sent. */
static void all_is_sent(doorward_auth *auth)
{
    doorward_answer first;
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    first = keep();
    for (size_t i = 0; i < doorward_answer_count(first); i++)
        DO(DOORWARD_OK, doorward_settle_delivery(auth, doorward_delivery_id(doorward_answer_delivery(first, i)), doorward_delivery_attempts(doorward_answer_delivery(first, i)), DOORWARD_FAILED));
    doorward_answer_free(&first);
}

/* By whoever reads it. */
static void an_address_is_proved(doorward_auth *auth)
{
    DO(DOORWARD_OK, doorward_request_token(auth, S("verify"), S("email"), S("cas@example.com"), PROOF));
    mailed(auth, "verify", "cas@example.com", token, sizeof token);
    DO(DOORWARD_E_PROOF_REQUIRED, doorward_consume_token(auth, S(token), NULL));
    DO(DOORWARD_OK, doorward_consume_token(auth, S(token), PROOF));
    CHECK(strcmp(doorward_token_info_purpose(doorward_answer_token_info(answer)).ptr, "verify") == 0);
    DO(DOORWARD_REFUSED, doorward_consume_token(auth, S(token), NULL));
    CHECK(doorward_answer_token_info(answer) == NULL);
    DO(DOORWARD_OK, doorward_list_identities(auth, &cas));
    CHECK(doorward_identity_verified_at(doorward_answer_identity(answer, 0)) > 0);
}

/* A new address is confirmed before it is the user's. */
static void an_address_is_changed(doorward_auth *auth)
{
    char access_token[256];

    DO(DOORWARD_OK, doorward_create_session_for_user(auth, &cas, NULL, 0, NULL));
    snprintf(access_token, sizeof access_token, "%s", doorward_session_access_token(doorward_answer_session(answer)).ptr);
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
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(auth, S(access_token)));
    doorward_answer_free(&of_cas);
}

/* Whoever settles nothing is given the message again, and what comes late counts for nothing. */
static void messages_come_again(doorward_auth *auth)
{
    doorward_answer first, second;
    doorward_id message;

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
}

/* A forgotten password is replaced, and what nobody proved goes. */
static void a_password_is_forgotten(doorward_auth *auth)
{
    doorward_pair old = {S("password"), S(PASSWORD)}, next = {S("password"), S("a windmill over the quiet lake")};
    doorward_pair weak = {S("password"), S("short")}, key = {S("key"), S("ak_9")};

    DO(DOORWARD_OK, doorward_authenticate(auth, S("email"), S("cas@example.org"), &old, 1));
    of_cas = keep();
    DO(DOORWARD_OK, doorward_update_credentials(auth, PROOF, S("api"), &key, 1));
    doorward_answer_free(&of_cas);
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

void tokens(doorward_auth *auth)
{
    all_is_sent(auth);
    sign_up(auth, "cas@example.com");
    of_cas = keep();
    cas = *doorward_proof_user_id(PROOF);
    an_address_is_proved(auth);
    an_address_is_changed(auth);
    messages_come_again(auth);
    a_password_is_forgotten(auth);
}
