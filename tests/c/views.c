/* Views that go while others use what was made of them: of a view, of a context, and of what is pending on either. */
#include "test.h"

#include <pthread.h>
#include <poll.h>

#define THREADS 64
#define ROUNDS 20

static doorward_auth *context, *shared;
static doorward_queue *queue;
static pthread_barrier_t begun, closed;

/* Says what a call gave, which is freed: each thread has its own answers. */
static doorward_status status_of(doorward_answer given)
{
    const doorward_status status = given.status;
    doorward_answer_free(&given);
    return status;
}

static doorward_status look(doorward_auth *view)
{
    return status_of(doorward_find_user(view, S("email"), S("ann@example.com")));
}

static void together(void *(*what)(void *), void (*meanwhile)(void))
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, what, (void *)i) == 0);
    meanwhile();
    for (size_t i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

/* A view of the shared one, which is closed before it is used; then views of views, each closed before its child. */
static void *on_views_of_views(void *number)
{
    doorward_auth *leaf = doorward_within(shared, 60 * 1000000);
    char name[32];
    pthread_barrier_wait(&begun);
    pthread_barrier_wait(&closed);
    snprintf(name, sizeof name, "realm %zu", (size_t)number);
    for (int round = 0; round < ROUNDS; round++) {
        doorward_auth *next = round % 2 ? doorward_trusted(leaf) : doorward_realm(leaf, S(name));
        CHECK(leaf && next);
        doorward_close(leaf);
        CHECK(look(next) == DOORWARD_ABSENT);
        CHECK(doorward_headers(next).len == 0);
        leaf = next;
    }
    doorward_close(leaf);
    return NULL;
}

static void close_the_shared_one(void)
{
    pthread_barrier_wait(&begun);
    doorward_close(shared);
    pthread_barrier_wait(&closed);
}

/* Which answers came at once, and which through the queue. */
static int at_once[THREADS][ROUNDS], queued[THREADS][ROUNDS];

/* What is pending on a view that is closed at once still comes, once. */
static void *leaves_it_pending(void *number)
{
    const size_t mine = (size_t)number;
    doorward_pair password = {S("password"), S(PASSWORD)};
    char address[64];
    for (int round = 0; round < ROUNDS; round++) {
        doorward_request request = DOORWARD_REQUEST_INIT;
        doorward_pair origin = {S("Origin"), S("https://app.example")};
        doorward_auth *on, *view;
        request.method = S("POST"), request.headers = &origin, request.n_headers = 1, request.tag = &queued[mine][round];
        on = doorward_on(context, &request), view = doorward_through(on, queue);
        doorward_close(on);
        snprintf(address, sizeof address, "user-%zu-%d@example.com", mine, round);
        doorward_status status = status_of(doorward_authenticate(view, S("email"), S(address), &password, 1));
        doorward_close(view);
        /* How busy the machine is, is no matter: it is answered, here or there. */
        CHECK(status != DOORWARD_OK && status != DOORWARD_E_INVALID_STATE);
        at_once[mine][round] = status != DOORWARD_PENDING;
    }
    return NULL;
}

static void nothing(void) {}

static void drained(void)
{
    doorward_answer given = DOORWARD_ANSWER_INIT;
    doorward_status status;
    void *tag = NULL;
    int waited = 0;
    while ((status = doorward_queue_next(queue, &given, &tag)) != DOORWARD_CLOSED) {
        if (status == DOORWARD_PENDING) {
            struct pollfd readable = {doorward_queue_fd(queue), POLLIN, 0};
            int expected = 0, came = 0;
            for (int i = 0; i < THREADS * ROUNDS; i++) expected += !(&at_once[0][0])[i], came += (&queued[0][0])[i];
            if (expected == came) CHECK(doorward_queue_close(queue) == DOORWARD_OK);
            else CHECK(poll(&readable, 1, 60000) == 1);
            continue;
        }
        CHECK(given.status != DOORWARD_OK && given.status != DOORWARD_E_INVALID_STATE);
        ++*(int *)tag, waited++;
        doorward_answer_free(&given);
    }
    CHECK(doorward_queue_free(queue) == DOORWARD_OK && waited > 0);
    for (int i = 0; i < THREADS * ROUNDS; i++) CHECK((&at_once[0][0])[i] + (&queued[0][0])[i] == 1);
}

/* A view of a context that goes meanwhile: answered as before, then always the same. It may be viewed and closed still. */
static void *until_the_context_goes(void *number)
{
    doorward_auth *leaf = number && (size_t)number % 2 ? doorward_realm(context, S("shop")) : doorward_trusted(context);
    doorward_status status;
    pthread_barrier_wait(&begun);
    while ((status = look(leaf)) == DOORWARD_ABSENT) {}
    CHECK(status == DOORWARD_E_INVALID_STATE);
    for (int round = 0; round < ROUNDS; round++) {
        doorward_auth *next = doorward_within(leaf, 1000000);
        doorward_close(leaf);
        CHECK(next && look(next) == DOORWARD_E_INVALID_STATE);
        leaf = next;
    }
    doorward_close(leaf);
    return NULL;
}

static void close_the_context(void)
{
    pthread_barrier_wait(&begun);
    doorward_close(context);
}

int main(void)
{
    CHECK(pthread_barrier_init(&begun, NULL, THREADS + 1) == 0 && pthread_barrier_init(&closed, NULL, THREADS + 1) == 0);
    context = test_open("memory:");
    DO(DOORWARD_OK, doorward_start(context));
    shared = doorward_realm(context, S("shared"));
    together(on_views_of_views, close_the_shared_one);
    DO(DOORWARD_OK, doorward_queue_new(&queue));
    together(leaves_it_pending, nothing);
    drained();
    together(until_the_context_goes, close_the_context);
    forget();
    return 0;
}
