/* A server with one event loop: sockets and the completion queue in one epoll. Its client is a second thread with plain
 * blocking sockets. Then: what is cancelled, times out or is pending at a stop completes exactly once. */
#define _GNU_SOURCE
#include "test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define CLIENTS 8

/* One connection: read a request, ask Doorward, write the answer, close. */
struct connection {
    int fd;
    char input[4096];
    size_t have;
    doorward_answer *proof; /* between sign-in and session */
    doorward_field headers[16];
    doorward_request request;
};

static doorward_ctx *ctx;
static doorward_queue *queue;
static int epoll, listener, port;
static unsigned pending, completed, at_once, served;

static void respond(struct connection *c, doorward_status status, doorward_answer *given, doorward_error *failed)
{
    char out[8192];
    size_t n, i;
    const doorward_field *headers = doorward_answer_headers(given, &n);
    const doorward_user *user = doorward_answer_user(given);
    char id[DOORWARD_ID_TEXT_SIZE];
    int code = given ? doorward_answer_http_status(given) : 503;
    int len = snprintf(out, sizeof out, "HTTP/1.1 %d %s\r\nConnection: close\r\n", code, doorward_status_id(status));
    for (i = 0; i < n; i++)
        len += snprintf(out + len, sizeof out - len, "%s: %s\r\n", headers[i].name.ptr, headers[i].value.ptr);
    doorward_id_text(user ? doorward_user_id(user) : NULL, id);
    len += snprintf(out + len, sizeof out - len, "\r\n%s%s", id, doorward_error_message(failed, NULL));
    CHECK(write(c->fd, out, len) == len);
    close(c->fd);
    doorward_answer_free(c->proof);
    doorward_answer_free(given);
    doorward_error_free(failed);
    free(c);
    served++;
}

/* What a call gave, at once or through the queue. */
static void answered(struct connection *c, doorward_status status, doorward_answer *given, doorward_error *failed)
{
    if (status == DOORWARD_PENDING) {
        CHECK(!given && !failed);
        pending++;
        return;
    }
    if (status == DOORWARD_OK && doorward_answer_proof(given)) {
        doorward_call call = DOORWARD_CALL_INIT;
        doorward_answer *next = NULL;
        doorward_error *why = NULL;
        CHECK(!c->proof);
        c->proof = given;
        call.queue = queue, call.user = c, call.request = &c->request;
        status = doorward_create_session(ctx, doorward_answer_proof(given), NULL, &call, &next, &why);
        if (status != DOORWARD_PENDING) at_once++;
        answered(c, status, next, why);
        return;
    }
    respond(c, status, given, failed);
}

/* The value of `name=` in a form without escapes. */
static doorward_bytes form(const char *body, const char *name)
{
    const char *at = strstr(body, name);
    if (!at) return S("");
    at += strlen(name);
    return doorward_span(at, strcspn(at, "&"));
}

static void request(struct connection *c)
{
    char *body = strstr(c->input, "\r\n\r\n") + 4, *line = c->input, *end, *path;
    doorward_request fresh = DOORWARD_REQUEST_INIT;
    doorward_call call = DOORWARD_CALL_INIT;
    doorward_answer *given = NULL;
    doorward_error *failed = NULL;
    doorward_status status;
    size_t n = 0;

    path = strchr(line, ' ') + 1;
    fresh.method = doorward_span(line, path - 1 - line);
    for (line = strstr(line, "\r\n") + 2; line < body - 2 && n < 16; line = end + 2, n++) {
        char *colon = strchr(line, ':');
        end = strstr(line, "\r\n");
        c->headers[n].name = doorward_span(line, colon - line);
        c->headers[n].value = doorward_span(colon + 1, end - colon - 1);
    }
    fresh.headers = c->headers, fresh.n_headers = n, fresh.peer = S("127.0.0.1");
    c->request = fresh;
    call.request = &c->request, call.queue = queue, call.user = c, call.timeout = 30 * 1000000;
    {
        doorward_field password = {S("password"), form(body, "password=")};
        doorward_bytes email = form(body, "email=");
        if (strncmp(path, "/sign-up ", 9) == 0)
            status = doorward_create_user(ctx, S("email"), email, &password, 1, NULL, &call, &given, &failed);
        else if (strncmp(path, "/sign-in ", 9) == 0)
            status = doorward_authenticate(ctx, S("email"), email, &password, 1, NULL, &call, &given, &failed);
        else if (strncmp(path, "/sign-out ", 10) == 0)
            status = doorward_end_session(ctx, doorward_span(NULL, 0), NULL, &call, &given, &failed);
        else
            status = doorward_check_request(ctx, NULL, &call, &given, &failed);
    }
    if (status != DOORWARD_PENDING) at_once++;
    answered(c, status, given, failed);
}

static void readable(struct connection *c)
{
    char *end, *length;
    ssize_t got = read(c->fd, c->input + c->have, sizeof c->input - 1 - c->have);
    CHECK(got > 0);
    c->have += got;
    c->input[c->have] = 0;
    end = strstr(c->input, "\r\n\r\n");
    if (!end) return;
    length = strcasestr(c->input, "content-length:");
    if (length && c->have < (size_t)(end + 4 - c->input) + strtoul(length + 15, NULL, 10)) return;
    CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL) == 0);
    request(c);
}

static void watch(int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = what}};
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void serve(unsigned requests)
{
    while (served < requests) {
        struct epoll_event events[16];
        int n = epoll_wait(epoll, events, 16, 60000), i;
        CHECK(n > 0);
        for (i = 0; i < n; i++) {
            if (events[i].data.ptr == &listener) {
                struct connection *c = calloc(1, sizeof *c);
                CHECK(c && (c->fd = accept(listener, NULL, NULL)) >= 0);
                watch(c->fd, c);
            } else if (events[i].data.ptr == &queue) {
                doorward_completion done = DOORWARD_COMPLETION_INIT;
                while (doorward_queue_next(queue, &done) == DOORWARD_OK) {
                    completed++;
                    answered(done.user, done.status, done.answer, done.error);
                }
            } else {
                readable(events[i].data.ptr);
            }
        }
    }
}

/* ---- the client ---- */

static int ask(const char *method, const char *path, const char *cookie, const char *body, char *reply, size_t room)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char out[4096];
    size_t have = 0;
    ssize_t got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int len = snprintf(out, sizeof out,
                       "%s %s HTTP/1.1\r\nHost: app.example\r\nOrigin: https://app.example\r\nUser-Agent: test\r\n"
                       "%s%s%sContent-Length: %zu\r\n\r\n%s",
                       method, path, cookie ? "Cookie: " : "", cookie ? cookie : "", cookie ? "\r\n" : "", strlen(body), body);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && write(fd, out, len) == len);
    while ((got = read(fd, reply + have, room - 1 - have)) > 0) have += got;
    reply[have] = 0;
    close(fd);
    return atoi(reply + 9);
}

static void cookies(const char *reply, char *cookie, size_t room)
{
    const char *at = reply;
    cookie[0] = 0;
    while ((at = strstr(at, "Set-Cookie: "))) {
        at += 12;
        snprintf(cookie + strlen(cookie), room - strlen(cookie), "%s%.*s", cookie[0] ? "; " : "", (int)strcspn(at, ";"), at);
    }
}

static void *client(void *number)
{
    char body[256], wrong[256], reply[8192], cookie[2048], me[64];
    snprintf(body, sizeof body, "email=person%d@example.com&password=%s", *(int *)number, PASSWORD);
    snprintf(wrong, sizeof wrong, "email=person%d@example.com&password=something quite different", *(int *)number);
    CHECK(ask("GET", "/me", NULL, "", reply, sizeof reply) == 401);
    CHECK(ask("POST", "/sign-up", NULL, body, reply, sizeof reply) == 200);
    cookies(reply, cookie, sizeof cookie);
    snprintf(me, sizeof me, "%s", strstr(reply, "\r\n\r\n") + 4);
    CHECK(strlen(me) == 36);
    CHECK(ask("GET", "/me", cookie, "", reply, sizeof reply) == 200 && strstr(reply, me));
    CHECK(ask("POST", "/sign-out", cookie, "", reply, sizeof reply) == 200);
    CHECK(ask("GET", "/me", cookie, "", reply, sizeof reply) == 401);
    CHECK(ask("POST", "/sign-in", NULL, wrong, reply, sizeof reply) == 401);
    CHECK(ask("POST", "/sign-in", NULL, body, reply, sizeof reply) == 200);
    cookies(reply, cookie, sizeof cookie);
    CHECK(ask("GET", "/me", cookie, "", reply, sizeof reply) == 200 && strstr(reply, me));
    return NULL;
}

/* ---- exactly once ---- */

static int is_readable(void)
{
    struct pollfd poll_ = {.fd = doorward_queue_fd(queue), .events = POLLIN};
    return poll(&poll_, 1, 0) == 1;
}

static void wait_for(doorward_completion *done)
{
    struct pollfd poll_ = {.fd = doorward_queue_fd(queue), .events = POLLIN};
    CHECK(poll(&poll_, 1, 60000) == 1 && doorward_queue_next(queue, done) == DOORWARD_OK);
}

/* A call that is pending until the descriptor it gives is closed. */
static int begin(int64_t timeout, void *user, uint64_t *operation)
{
    char number[16];
    int ends[2];
    doorward_field pipe_ = {S("pipe"), {number, 0}};
    doorward_call call = DOORWARD_CALL_INIT;
    doorward_ctx *trusted = doorward_trusted(ctx);
    CHECK(pipe(ends) == 0);
    pipe_.value.len = (size_t)snprintf(number, sizeof number, "%d", ends[0]);
    if (operation) call.queue = queue;
    call.user = user, call.operation = operation, call.timeout = timeout;
    DO(operation ? DOORWARD_PENDING : DOORWARD_E_TIMEOUT,
       doorward_authenticate(trusted, S("gate"), S("somebody"), &pipe_, 1, NULL, &call, &answer, &error));
    doorward_ctx_free(trusted);
    return ends[1];
}

static void *stop_context(void *unused)
{
    (void)unused;
    CHECK(doorward_stop(ctx, NULL) == DOORWARD_OK);
    return NULL;
}

static void exactly_once(void)
{
    doorward_completion done = DOORWARD_COMPLETION_INIT;
    uint64_t operation = 0, second = 0;
    int mark, gate, other;
    pthread_t stopper;

    CHECK(!is_readable() && doorward_queue_next(queue, &done) == DOORWARD_PENDING);
    gate = begin(0, &mark, &operation); /* answered by the provider */
    close(gate);
    wait_for(&done);
    CHECK(done.status == DOORWARD_REFUSED && done.user == &mark && done.operation == operation && done.answer && !done.error);
    doorward_answer_free(done.answer);
    CHECK(doorward_queue_cancel(queue, operation) == DOORWARD_ABSENT && !is_readable());

    gate = begin(0, &mark, &operation); /* cancelled; another one goes on */
    other = begin(0, &mark, &second);
    CHECK(doorward_queue_cancel(queue, operation) == DOORWARD_OK);
    wait_for(&done);
    CHECK(done.status == DOORWARD_E_CANCELLED && done.operation == operation && !done.answer);
    CHECK(doorward_error_status(done.error) == DOORWARD_E_CANCELLED);
    doorward_error_free(done.error);
    close(gate), close(other);
    wait_for(&done);
    CHECK(done.status == DOORWARD_REFUSED && done.operation == second && second != operation);
    doorward_answer_free(done.answer);

    gate = begin(20000, &mark, &operation); /* timed out */
    wait_for(&done);
    CHECK(done.status == DOORWARD_E_TIMEOUT && !done.answer);
    doorward_error_free(done.error);
    close(gate), close(begin(20000, NULL, NULL)); /* and without a queue */
    CHECK(!is_readable());

    gate = begin(0, &mark, &operation); /* pending at a stop */
    CHECK(pthread_create(&stopper, NULL, stop_context, NULL) == 0);
    wait_for(&done);
    CHECK(done.status == DOORWARD_E_CANCELLED && done.operation == operation);
    doorward_error_free(done.error);
    close(gate);
    CHECK(pthread_join(stopper, NULL) == 0);

    DO(DOORWARD_OK, doorward_start(ctx, &error)); /* pending when the queue closes */
    gate = begin(0, &mark, &operation);
    CHECK(doorward_queue_free(queue) == DOORWARD_E_INVALID_STATE);
    CHECK(doorward_queue_close(queue) == DOORWARD_OK && doorward_queue_close(queue) == DOORWARD_OK);
    wait_for(&done);
    CHECK(done.status == DOORWARD_E_CANCELLED && done.operation == operation);
    doorward_error_free(done.error);
    CHECK(is_readable() && doorward_queue_next(queue, &done) == DOORWARD_CLOSED && !done.answer && !done.error);
    {
        doorward_call call = DOORWARD_CALL_INIT;
        call.queue = queue;
        DO(DOORWARD_E_INVALID_STATE, doorward_stats(ctx, NULL, &call, &answer, &error));
    }
    CHECK(doorward_queue_free(queue) == DOORWARD_OK);
    close(gate);
}

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof here;
    pthread_t clients[CLIENTS];
    int numbers[CLIENTS], i;

    alarm(300);

    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&here, len) == 0 && listen(listener, 64) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&here, &len) == 0);
    port = ntohs(here.sin_port);

    ctx = test_open("sqlite:epoll.db");
    DO(DOORWARD_OK, doorward_start(ctx, &error));
    DO(DOORWARD_OK, doorward_queue_new(&queue, &error));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, &listener);
    watch(doorward_queue_fd(queue), &queue);

    for (i = 0; i < CLIENTS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&clients[i], NULL, client, &numbers[i]) == 0);
    }
    serve(CLIENTS * 8);
    for (i = 0; i < CLIENTS; i++) CHECK(pthread_join(clients[i], NULL) == 0);
    CHECK(pending == completed && pending >= CLIENTS * 2); /* a hash is never there at once */
    CHECK(at_once >= CLIENTS); /* a look-up is */

    library_threads_take_no_signals();
    exactly_once();
    forget();
    doorward_ctx_free(ctx);
    close(epoll), close(listener);
    return 0;
}
