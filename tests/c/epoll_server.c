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
    doorward_auth *on;
    doorward_pair headers[16];
};

static doorward_auth *auth, *loop; /* the loop's view goes through the queue and has a time limit */
static doorward_queue *queue;
static int epoll, listener, port;
static unsigned pending, completed, at_once, served;

static void respond(struct connection *c, doorward_answer given)
{
    char out[8192];
    size_t i;
    doorward_pairs headers = doorward_headers(c->on);
    const doorward_user *user = doorward_answer_user(given);
    char id[DOORWARD_ID_TEXT_SIZE];
    int len = snprintf(out, sizeof out, "HTTP/1.1 %d %s\r\nConnection: close\r\n", doorward_answer_http_status(given), doorward_status_id(given.status));
    for (i = 0; i < headers.len; i++)
        len += snprintf(out + len, sizeof out - len, "%s: %s\r\n", headers.ptr[i].name.ptr, headers.ptr[i].value.ptr);
    doorward_id_text(user ? doorward_user_id(user) : NULL, id);
    if (doorward_answer_body(given).len)
        len += snprintf(out + len, sizeof out - len, "\r\n%s", doorward_answer_body(given).ptr);
    else
        len += snprintf(out + len, sizeof out - len, "\r\n%s%s", id, doorward_answer_message(given));
    CHECK((size_t)len < sizeof out);
    CHECK(write(c->fd, out, len) == len);
    close(c->fd);
    doorward_answer_free(&given);
    doorward_close(c->on);
    free(c);
    served++;
}

/* What a call gave, at once or through the queue. */
static void answered(struct connection *c, doorward_answer given)
{
    if (doorward_ok(given) && doorward_answer_proof(given)) {
        doorward_then(&given, doorward_create_session(c->on, doorward_answer_proof(given), NULL));
        if (given.status != DOORWARD_PENDING) at_once++;
    }
    if (given.status == DOORWARD_PENDING) {
        CHECK(!given.held);
        pending++;
        return;
    }
    respond(c, given);
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
    doorward_answer given;
    size_t n = 0;

    path = strchr(line, ' ') + 1;
    fresh.method = doorward_span(line, path - 1 - line);
    fresh.target = doorward_span(path, strcspn(path, " "));
    for (line = strstr(line, "\r\n") + 2; line < body - 2 && n < 16; line = end + 2, n++) {
        char *colon = strchr(line, ':');
        end = strstr(line, "\r\n");
        c->headers[n].name = doorward_span(line, colon - line);
        c->headers[n].value = doorward_span(colon + 1, end - colon - 1);
    }
    fresh.headers = c->headers, fresh.n_headers = n, fresh.peer = S("127.0.0.1"), fresh.tag = c;
    c->on = doorward_on(loop, &fresh);
    {
        doorward_pair password = {S("password"), form(body, "password=")};
        doorward_bytes email = form(body, "email=");
        if (doorward_http_wants(c->on, fresh.method, fresh.target) >= 0)
            given = doorward_http_handle(c->on, S(body));
        else if (strncmp(path, "/sign-up ", 9) == 0)
            given = doorward_create_user(c->on, S("email"), email, &password, 1, NULL);
        else if (strncmp(path, "/sign-in ", 9) == 0)
            given = doorward_authenticate(c->on, S("email"), email, &password, 1);
        else if (strncmp(path, "/sign-out ", 10) == 0)
            given = doorward_end_session(c->on, doorward_span(NULL, 0));
        else
            given = doorward_check_request(c->on);
    }
    if (given.status != DOORWARD_PENDING) at_once++;
    answered(c, given);
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
                doorward_answer done;
                void *tag;
                while (doorward_queue_next(queue, &done, &tag) == DOORWARD_OK) {
                    completed++;
                    answered(tag, done);
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
                       "%s%s%s%sContent-Length: %zu\r\n\r\n%s",
                       method, path, body[0] == '{' ? "Content-Type: application/json\r\n" : "", cookie ? "Cookie: " : "", cookie ? cookie : "", cookie ? "\r\n" : "", strlen(body), body);
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
    // The same by the HTTP surface.
    CHECK(ask("GET", "/auth/session", cookie, "", reply, sizeof reply) == 200 && strstr(reply, me));
    snprintf(body, sizeof body, "{\"provider\":\"email\",\"identifier\":\"person%d@example.com\",\"fields\":{\"password\":\"%s\"}}",
             *(int *)number, PASSWORD);
    CHECK(ask("POST", "/auth/sign-in", NULL, body, reply, sizeof reply) == 200 && strstr(reply, "\"accepted\""));
    cookies(reply, cookie, sizeof cookie);
    CHECK(ask("GET", "/auth/session", cookie, "", reply, sizeof reply) == 200 && strstr(reply, me));
    CHECK(ask("POST", "/auth/sign-out", cookie, "", reply, sizeof reply) == 200 && strstr(reply, "Clear-Site-Data: \"cache\""));
    CHECK(ask("GET", "/auth/session", NULL, "", reply, sizeof reply) == 200 && strstr(reply, "signed_out"));
    CHECK(ask("GET", "/auth/nothing", NULL, "", reply, sizeof reply) == 404 && strstr(reply, "problem+json"));
    return NULL;
}

/* ---- exactly once ---- */

static int is_readable(void)
{
    struct pollfd poll_ = {.fd = doorward_queue_fd(queue), .events = POLLIN};
    return poll(&poll_, 1, 0) == 1;
}

/* The next answer, which must be of this tag. */
static void wait_for(doorward_status want, void *tag)
{
    struct pollfd poll_ = {.fd = doorward_queue_fd(queue), .events = POLLIN};
    doorward_answer done;
    void *got = &done;
    CHECK(poll(&poll_, 1, 60000) == 1 && doorward_queue_next(queue, &done, &got) == DOORWARD_OK);
    DO(want, done);
    CHECK(got == tag && answer.held && doorward_answer_http_status(answer) >= 400);
}

/* A call that is pending until the descriptor it gives is closed, on a view. */
static int begin(const doorward_auth *on, doorward_status want)
{
    char number[16];
    int ends[2];
    doorward_pair pipe_ = {S("pipe"), {number, 0}};
    CHECK(pipe(ends) == 0);
    pipe_.value.len = (size_t)snprintf(number, sizeof number, "%d", ends[0]);
    DO(want, doorward_authenticate(on, S("gate"), S("somebody"), &pipe_, 1));
    return ends[1];
}

/* A view on a request of this tag, through the queue. */
static doorward_auth *tagged(const doorward_auth *of, void *tag)
{
    static const doorward_pair origin = {{"Origin", 6}, {"https://app.example", 19}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    request.method = S("POST"), request.headers = &origin, request.n_headers = 1, request.tag = tag;
    return doorward_on(of, &request);
}

static void *stop_context(void *unused)
{
    doorward_answer stopped = doorward_stop(auth);
    (void)unused;
    CHECK(doorward_ok(stopped));
    doorward_answer_free(&stopped);
    return NULL;
}

static void exactly_once(void)
{
    doorward_answer done;
    void *tag = &done;
    int mark, second_mark, gate, other;
    doorward_auth *through = doorward_through(auth, queue), *on = tagged(through, &mark), *second = tagged(through, &second_mark);
    doorward_auth *brief = doorward_within(on, 20000), *trusted = doorward_trusted(auth), *waiting = doorward_within(trusted, 20000);
    pthread_t stopper;

    CHECK(!is_readable() && doorward_queue_next(queue, &done, &tag) == DOORWARD_PENDING && !tag && !doorward_ok(done));
    gate = begin(on, DOORWARD_PENDING); /* answered by the provider */
    close(gate);
    wait_for(DOORWARD_REFUSED, &mark);
    doorward_cancel(on); /* nothing is pending */
    CHECK(!is_readable());

    gate = begin(on, DOORWARD_PENDING); /* two of a view are cancelled; that of another one goes on */
    close(gate), gate = begin(on, DOORWARD_PENDING);
    wait_for(DOORWARD_REFUSED, &mark);
    {
        int again = begin(on, DOORWARD_PENDING);
        other = begin(second, DOORWARD_PENDING);
        doorward_cancel(on);
        wait_for(DOORWARD_E_CANCELLED, &mark);
        wait_for(DOORWARD_E_CANCELLED, &mark);
        CHECK(!is_readable());
        close(gate), close(again), close(other);
    }
    wait_for(DOORWARD_REFUSED, &second_mark);

    gate = begin(brief, DOORWARD_PENDING); /* timed out */
    wait_for(DOORWARD_E_TIMEOUT, &mark);
    close(gate), close(begin(waiting, DOORWARD_E_TIMEOUT)); /* and without a queue */
    CHECK(!is_readable());

    gate = begin(second, DOORWARD_PENDING); /* the view is closed: the answer still comes */
    doorward_close(second);
    close(gate);
    wait_for(DOORWARD_REFUSED, &second_mark);

    gate = begin(on, DOORWARD_PENDING); /* pending at a stop */
    CHECK(pthread_create(&stopper, NULL, stop_context, NULL) == 0);
    wait_for(DOORWARD_E_CANCELLED, &mark);
    close(gate);
    CHECK(pthread_join(stopper, NULL) == 0);

    DO(DOORWARD_OK, doorward_start(auth)); /* pending when the queue closes */
    gate = begin(on, DOORWARD_PENDING);
    CHECK(doorward_queue_free(queue) == DOORWARD_E_INVALID_STATE);
    CHECK(doorward_queue_close(queue) == DOORWARD_OK && doorward_queue_close(queue) == DOORWARD_OK);
    wait_for(DOORWARD_E_CANCELLED, &mark);
    CHECK(is_readable() && doorward_queue_next(queue, &done, &tag) == DOORWARD_CLOSED && !tag && !done.held);
    DO(DOORWARD_E_INVALID_STATE, doorward_stats(through));
    CHECK(doorward_queue_free(queue) == DOORWARD_OK);
    doorward_close(brief), doorward_close(waiting), doorward_close(trusted), doorward_close(on), doorward_close(through);
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

    auth = test_open("sqlite:epoll.db");
    DO(DOORWARD_OK, doorward_start(auth));
    DO(DOORWARD_OK, doorward_queue_new(&queue));
    {
        doorward_auth *through = doorward_through(auth, queue);
        loop = doorward_within(through, 30 * 1000000);
        doorward_close(through);
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, &listener);
    watch(doorward_queue_fd(queue), &queue);

    for (i = 0; i < CLIENTS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&clients[i], NULL, client, &numbers[i]) == 0);
    }
    serve(CLIENTS * 14);
    for (i = 0; i < CLIENTS; i++) CHECK(pthread_join(clients[i], NULL) == 0);
    CHECK(pending == completed && pending >= CLIENTS * 2); /* a hash is never there at once */
    CHECK(at_once >= CLIENTS); /* a look-up is */

    library_threads_take_no_signals();
    doorward_close(loop);
    exactly_once();
    forget();
    doorward_close(auth);
    close(epoll), close(listener);
    return 0;
}
