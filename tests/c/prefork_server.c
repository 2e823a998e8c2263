/* A preforking server: the parent opens, starts, and quiesces before it forks; every child serves on the same socket and
 * the same database, and so does the parent. Nothing that was acknowledged is lost. */
#include "test.h"
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CHILDREN 4
#define ROUNDS 25

static int listener;

/* A queue in a child: the context's threads are made anew, and take no signals. */
static void use_queue(doorward_auth *auth)
{
    doorward_queue *queue = NULL;
    doorward_pair password = {S("password"), S(PASSWORD)};
    doorward_auth *trusted = doorward_trusted(auth), *loop;
    struct pollfd readable = {.events = POLLIN};
    DO(DOORWARD_OK, doorward_queue_new(&queue));
    loop = doorward_through(trusted, queue);
    /* What is there at once comes at once: a thread may have finished before the caller looks. */
    doorward_then(&answer, doorward_authenticate(loop, S("email"), S("parent@example.com"), &password, 1));
    doorward_close(loop), doorward_close(trusted); /* the answer still comes */
    if (answer.status == DOORWARD_PENDING) {
        readable.fd = doorward_queue_fd(queue);
        CHECK(poll(&readable, 1, 60000) == 1 && doorward_queue_next(queue, &answer, NULL) == DOORWARD_OK);
    }
    /* The children ask at one moment about one person: honest overlaps are not refused. */
    CHECK(doorward_ok(answer));
    forget();
    library_threads_take_no_signals();
    CHECK(doorward_queue_close(queue) == DOORWARD_OK && doorward_queue_next(queue, &answer, NULL) == DOORWARD_CLOSED);
    CHECK(doorward_queue_free(queue) == DOORWARD_OK);
}

/* One line in, one out: `s ADDRESS` signs up and in and answers with the access token; `v TOKEN` says whose it is. */
static void serve(doorward_auth *auth)
{
    char line[512], text[DOORWARD_ID_TEXT_SIZE];
    size_t have;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) _exit(0);
        for (have = 0; !have || line[have - 1] != '\n'; have++) CHECK(read(fd, line + have, 1) == 1);
        line[have - 1] = 0;
        if (line[0] == 'q') {
            forget();
            doorward_close(auth);
            _exit(0);
        }
        if (line[0] == 's') {
            doorward_auth *trusted = doorward_trusted(auth);
            doorward_answer proof;
            sign_up(auth, line + 2);
            proof = keep();
            DO(DOORWARD_OK, doorward_create_session(trusted, doorward_answer_proof(proof), NULL));
            doorward_answer_free(&proof);
            doorward_close(trusted);
            dprintf(fd, "%s\n", doorward_session_access_token(doorward_answer_session(answer)).ptr);
        } else {
            DO(DOORWARD_OK, doorward_validate_session(auth, S(line + 2)));
            doorward_id_text(doorward_user_id(doorward_answer_user(answer)), text);
            dprintf(fd, "%s %d\n", text, (int)getpid());
        }
        close(fd);
    }
}

static void ask(struct sockaddr_in *to, const char *line, char *reply, size_t room)
{
    size_t have = 0;
    ssize_t got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)to, sizeof *to) == 0 && dprintf(fd, "%s\n", line) > 0);
    while ((got = read(fd, reply + have, room - 1 - have)) > 0) have += got;
    close(fd);
    CHECK(got == 0);
    reply[have] = 0;
    reply[strcspn(reply, "\n")] = 0;
}

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof here;
    doorward_auth *auth = test_open("sqlite:prefork.db"), *other;
    doorward_queue *queue = NULL;
    pid_t children[CHILDREN];
    char line[512], token[256], reply[256], text[DOORWARD_ID_TEXT_SIZE];
    int i, status, by_children = 0;

    alarm(300); /* children that die leave nobody to answer */
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&here, len) == 0 && listen(listener, 64) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&here, &len) == 0);

    DO(DOORWARD_OK, doorward_start(auth));
    sign_up(auth, "parent@example.com");
    DO(DOORWARD_OK, doorward_queue_new(&queue));
    forget();

    for (i = 0; i < CHILDREN; i++) {
        DO(DOORWARD_OK, doorward_before_fork(auth));
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            CHECK(doorward_queue_close(queue) == DOORWARD_E_FORKED_CONTEXT); /* the parent's */
            CHECK(doorward_queue_free(queue) == DOORWARD_OK);
            use_queue(auth);
            serve(auth);
        }
        /* The parent works between two forks: it has started again by itself. */
        snprintf(line, sizeof line, "between%d@example.com", i);
        sign_up(auth, line);
    }

    for (i = 0; i < ROUNDS; i++) {
        snprintf(line, sizeof line, "s person%d@example.com", i);
        ask(&here, line, token, sizeof token);
        CHECK(strncmp(token, "dwa_", 4) == 0);
        snprintf(line, sizeof line, "v %s", token);
        ask(&here, line, reply, sizeof reply); /* perhaps another child */
        for (status = 0; status < CHILDREN; status++) by_children += atoi(reply + 37) == children[status];
        DO(DOORWARD_OK, doorward_validate_session(auth, S(token))); /* and the parent */
        doorward_id_text(doorward_user_id(doorward_answer_user(answer)), text);
        CHECK(strncmp(text, reply, 36) == 0);
        snprintf(line, sizeof line, "mine%d@example.com", i);
        sign_up(auth, line);
    }
    CHECK(by_children == ROUNDS);

    for (i = 0; i < CHILDREN; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect(fd, (struct sockaddr *)&here, sizeof here) == 0 && dprintf(fd, "q\n") == 2);
        CHECK(read(fd, reply, 1) == 0);
        close(fd);
    }
    for (i = 0; i < CHILDREN; i++) CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);

    /* Everything that was acknowledged, by whichever process, is there for a context that sees only the file. */
    DO(DOORWARD_OK, doorward_stop(auth));
    other = test_open("sqlite:prefork.db");
    DO(DOORWARD_OK, doorward_start(other));
    DO(DOORWARD_OK, doorward_stats(other));
    CHECK(doorward_answer_stats(answer)->users == 1 + CHILDREN + 2 * ROUNDS && doorward_answer_stats(answer)->sign_ins == ROUNDS);
    doorward_close(other);
    CHECK(doorward_queue_close(queue) == DOORWARD_OK && doorward_queue_free(queue) == DOORWARD_OK);
    forget();
    doorward_close(auth);
    close(listener);
    return 0;
}
