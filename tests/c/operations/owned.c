/* What a user owns: authenticators, identities, credentials. */
#include "operations.h"

/* A new password takes the current one, where the configuration says so or the proof did not prove it of late. */
void current_password(void)
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

/* What there is, renamed, linked, and given another name. */
void owned(doorward_auth *auth)
{
    size_t n;

    DO(DOORWARD_OK, doorward_list_authenticators(auth, &ada));
    CHECK(doorward_answer_count(answer) == 2);
    {
        const doorward_authenticator *one = doorward_answer_authenticator(answer, 0);
        if (strcmp(doorward_authenticator_kind(one).ptr, "gadget")) one = doorward_answer_authenticator(answer, 1);
        CHECK(strcmp(doorward_authenticator_group(one).ptr, "key") == 0 && doorward_authenticator_created_at(one) > 0);
        CHECK(doorward_authenticator_last_used_at(one) == DOORWARD_NO_TIME || doorward_authenticator_last_used_at(one) > 0);
        CHECK(strcmp(doorward_authenticator_description(one).ptr, "{}") == 0);
        key_of_ada = *doorward_authenticator_id(one);
    }
    DO(DOORWARD_OK, doorward_rename_authenticator(auth, doorward_answer_proof(proof), S("key"), &key_of_ada, S("on my desk")));
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
}

/* Whose a new address is, a message asks: what is taken is answered as what is free, and nothing has changed before. */
void taken_addresses(doorward_auth *whole, doorward_auth *auth)
{
    size_t i;

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
void last_way_in(doorward_auth *auth)
{
    RENEW(doorward_update_identifier(auth, PROOF, S("email"), S("ada@example.com"), S("ada@unproved.example")));
    DO(DOORWARD_E_LAST_WAY_IN, doorward_unlink_identity(auth, PROOF, S("username"), S("countess")));
    RENEW(doorward_update_identifier(auth, PROOF, S("email"), S("ada@unproved.example"), S("Ada@Example.com")));
    {
        doorward_pair next = {S("password"), S("another tram under another moon")};
        doorward_pair beside[] = {next, {S("current"), S("not the word of today")}};
        DO(DOORWARD_REFUSED, doorward_update_credentials(auth, PROOF, S("email"), beside, 2));
        RENEW(doorward_update_credentials(auth, PROOF, S("email"), &next, 1));
    }
    RENEW(doorward_remove_authenticator(auth, PROOF, S("key"), &key_of_ada));
    RENEW(doorward_unlink_identity(auth, PROOF, S("username"), S("countess")));
    DO(DOORWARD_E_LAST_WAY_IN, doorward_unlink_identity(auth, PROOF, S("email"), S("ada@example.com")));
    DO(DOORWARD_SIGNED_OUT, doorward_validate_session(auth, S(access_token)));
}
