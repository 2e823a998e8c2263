/* On a disk that hangs (LD_PRELOAD of tests/disks/hung_disk.c, which hangs while $HUNG_DISK is there) every caller is
 * answered at store.deadline, whether it waits or has a queue. */
#include "test.h"
#include <poll.h>

int main(void)
{
    const char *hung = getenv("HUNG_DISK");
    doorward_config *config = test_config("sqlite:doorward.db");
    doorward_ctx *ctx = NULL;
    doorward_queue *queue = NULL;
    doorward_completion done = DOORWARD_COMPLETION_INIT;
    doorward_call call = DOORWARD_CALL_INIT;
    doorward_field password = {S("password"), S(PASSWORD)};
    struct pollfd readable = {.events = POLLIN};
    CHECK(hung);
    DO(DOORWARD_OK, doorward_config_set(config, S("store.deadline"), S("1s"), &error));
    DO(DOORWARD_OK, doorward_open(config, &ctx, &error));
    DO(DOORWARD_OK, doorward_start(ctx, &error));
    DO(DOORWARD_OK, doorward_queue_new(&queue, &error));
    sign_up(ctx, "ada@example.com");

    fclose(fopen(hung, "w"));
    doorward_ctx *trusted = doorward_trusted(ctx);
    DO(DOORWARD_E_UNAVAILABLE,
       doorward_create_user(trusted, S("email"), S("bob@example.com"), &password, 1, NULL, NULL, &answer, &error));
    DO(DOORWARD_E_UNAVAILABLE, doorward_health(ctx, NULL, NULL, &answer, &error));
    call.queue = queue;
    DO(DOORWARD_PENDING,
       doorward_create_user(trusted, S("email"), S("eve@example.com"), &password, 1, NULL, &call, &answer, &error));
    readable.fd = doorward_queue_fd(queue);
    CHECK(poll(&readable, 1, 120000) == 1 && doorward_queue_next(queue, &done) == DOORWARD_OK);
    CHECK(done.status == DOORWARD_E_UNAVAILABLE);
    doorward_error_free(done.error);
    doorward_answer_free(done.answer);
    CHECK(unlink(hung) == 0);

    while (doorward_health(ctx, NULL, NULL, &answer, &error) != DOORWARD_OK) forget();
    sign_up(ctx, "zoe@example.com");
    forget();
    CHECK(doorward_queue_close(queue) == DOORWARD_OK && doorward_queue_next(queue, &done) == DOORWARD_CLOSED);
    CHECK(doorward_queue_free(queue) == DOORWARD_OK);
    doorward_ctx_free(trusted);
    doorward_ctx_free(ctx);
    doorward_config_free(config);
    puts("hung_disk: passed");
    return 0;
}
