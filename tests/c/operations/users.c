/* Users: found, listed, counted, changed, kept out. */
#include "operations.h"

/* By id, identifier and attribute. */
void found_users(doorward_auth *auth)
{
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
}

/* Listed and counted, all or some. */
void listed_users(doorward_auth *auth)
{
    doorward_id read;

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

/* Changed, disabled and enabled, and helped by an operator. */
void changed_users(doorward_auth *auth)
{
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
}

/* Too many failures are delayed. */
void too_many_failures(doorward_auth *auth)
{
    size_t i;

    for (i = 0; i < 100; i++) {
        doorward_pair bad = {S("password"), S("not the password at all")};
        doorward_then(&answer, doorward_authenticate(auth, S("email"), S("bob@example.com"), &bad, 1));
        if (answer.status == DOORWARD_THROTTLED) break;
    }
    CHECK(i > 0 && i < 100 && doorward_answer_retry_after(answer) > 0 && doorward_answer_http_status(answer) == 429);
    CHECK(header("Retry-After", 0));
}
