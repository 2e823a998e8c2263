/* The outbox: with a callback nobody takes messages. */
#include "operations.h"

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
void outbox_callback(void)
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
