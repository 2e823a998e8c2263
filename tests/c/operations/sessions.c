/* Devices: listed, ended one by one, all others, or all. */
#include "operations.h"

/* What people see of their sign-ins. */
void devices(doorward_auth *auth)
{
    doorward_id read;
    size_t i;

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
    snprintf(access_token, sizeof access_token, "%s", doorward_session_access_token(doorward_answer_session(answer)).ptr);
    DO(DOORWARD_OK, doorward_end_session(auth, S(access_token)));
    CHECK(strstr(header("Set-Cookie", 0), "Expires=Thu, 01 Jan 1970"));
    DO(DOORWARD_OK, doorward_end_session(auth, S(access_token)));
    DO(DOORWARD_OK, doorward_end_all_sessions(auth, &ada));
    CHECK(doorward_answer_ended(answer) == 0);
}
