/* Every operation at least once, in the order in which a person would meet them; each subject is a file of `operations`. */
#include "operations/operations.h"

doorward_id ada, key_of_ada;
doorward_answer signed_up, session, proof;
char access_token[256], refresh_token[256], cookies[1024];

static unsigned events, lines, failures;

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

/* A context on a file; *auth is its trusted view. */
static doorward_auth *opened(doorward_auth **auth)
{
    doorward_config *config = test_config("sqlite:operations.db");
    doorward_auth *whole = NULL;

    CHECK(doorward_version() == DOORWARD_VERSION && strcmp(doorward_version_string(), DOORWARD_VERSION_STRING) == 0);
    doorward_config_set(config, S("session.grace"), S("30s"));
    doorward_config_on_event(config, on_event, &events);
    doorward_config_on_log(config, DOORWARD_LOG_INFO, on_log, &lines);
    DO(DOORWARD_OK, doorward_open(config, &whole));
    /* the first mistake is kept for doorward_open */
    doorward_config_set(config, S("session.grase"), S("30s"));
    doorward_config_set(config, S("nothing"), S("1"));
    doorward_config_load(config, S("x = ["));
    DO(DOORWARD_E_CONFIGURATION, doorward_open(config, auth));
    CHECK(!*auth && strstr(doorward_answer_message(answer), "session.grace") && doorward_answer_http_status(answer) == 500);
    doorward_config_free(config);
    *auth = doorward_trusted(whole);
    DO(DOORWARD_OK, doorward_migrate(*auth));
    DO(DOORWARD_OK, doorward_start(*auth));
    DO(DOORWARD_OK, doorward_start(*auth));
    DO(DOORWARD_OK, doorward_health(*auth));
    DO(DOORWARD_OK, doorward_agree(*auth, S("provider/email")));
    DO(DOORWARD_E_NOT_FOUND, doorward_agree(*auth, S("provider/none")));
    library_threads_take_no_signals();
    return whole;
}

/* What an operator does now and then, and the end of Ada. */
static void upkeep(doorward_auth *auth)
{
    DO(DOORWARD_OK, doorward_stats(auth));
    CHECK(doorward_answer_stats(answer)->users == 2 && doorward_answer_purged(answer) == NULL);
    DO(DOORWARD_OK, doorward_purge_expired(auth));
    CHECK(doorward_answer_purged(answer)->struct_size == sizeof(doorward_row_counts) && doorward_answer_stats(answer) == NULL);
    CHECK(doorward_answer_purged(answer)->more == 0);
    DO(DOORWARD_OK, doorward_delete_user(auth, &ada));
    DO(DOORWARD_E_NOT_FOUND, doorward_get_user(auth, &ada));
}

int main(void)
{
    doorward_auth *auth = NULL, *whole = opened(&auth);
    forgotten_requests(whole);
    purposes(auth);
    final_cookies(auth);
    app_mode(auth);
    current_password();
    outbox_callback();
    sign_up_here(auth);
    first_session(auth);
    on_a_request(auth);
    collecting_views(auth);
    second_factor(auth);
    sign_in_with_it(auth);
    owned(auth);
    taken_addresses(whole, auth);
    last_way_in(auth);
    devices(auth);
    tokens(auth);
    found_users(auth);
    listed_users(auth);
    changed_users(auth);
    too_many_failures(auth);
    claims(auth);
    mailed_link(auth);
    upkeep(auth);
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
