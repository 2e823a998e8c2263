/* On a disk that hangs (LD_PRELOAD of tests/disks/hung_disk.c, which hangs while $HUNG_DISK is there) every caller is
 * answered at store.deadline, whether it waits or has a queue. */
#include "test.h"
#include <poll.h>

int main(void)
{
    const char *hung = getenv("HUNG_DISK");
    doorward_config *config = test_config("sqlite:doorward.db");
    doorward_auth *auth = NULL;
    doorward_queue *queue = NULL;
    doorward_pair password = {S("password"), S(PASSWORD)};
    struct pollfd readable = {.events = POLLIN};
    CHECK(hung);
    doorward_config_set(config, S("store.deadline"), S("1s"));
    DO(DOORWARD_OK, doorward_open(config, &auth));
    DO(DOORWARD_OK, doorward_start(auth));
    DO(DOORWARD_OK, doorward_queue_new(&queue));
    sign_up(auth, "ada@example.com");

    fclose(fopen(hung, "w"));
    doorward_auth *trusted = doorward_trusted(auth);
    DO(DOORWARD_E_UNAVAILABLE,
       doorward_create_user(trusted, S("email"), S("bob@example.com"), &password, 1, NULL));
    DO(DOORWARD_E_UNAVAILABLE, doorward_health(auth));
    doorward_auth *loop = doorward_through(trusted, queue);
    DO(DOORWARD_PENDING,
       doorward_create_user(loop, S("email"), S("eve@example.com"), &password, 1, NULL));
    readable.fd = doorward_queue_fd(queue);
    CHECK(poll(&readable, 1, 120000) == 1 && doorward_queue_next(queue, &answer, NULL) == DOORWARD_OK);
    CHECK(answer.status == DOORWARD_E_UNAVAILABLE);
    CHECK(unlink(hung) == 0);

    do doorward_then(&answer, doorward_health(auth));
    while (!doorward_ok(answer));
    sign_up(auth, "zoe@example.com");
    forget();
    CHECK(doorward_queue_close(queue) == DOORWARD_OK && doorward_queue_next(queue, &answer, NULL) == DOORWARD_CLOSED);
    CHECK(doorward_queue_free(queue) == DOORWARD_OK);
    doorward_close(loop);
    doorward_close(trusted);
    doorward_close(auth);
    doorward_config_free(config);
    puts("hung_disk: passed");
    return 0;
}
