/* Doorward as a C program calls it, for bench/run: `WHAT COUNT CALLERS` on a line in, nanoseconds on a line out. */
#define _GNU_SOURCE
#include <doorward.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { OWN_SESSIONS = 64, MAX_CALLERS = 256 };

static const char email[] = "ada@example.com";
static const char password[] = "a lantern over quiet water";

static doorward_ctx *ctx;
static char **tokens;
static doorward_id *users;
static size_t n_tokens, n_users, done;

static void fail(const char *what, doorward_status status, doorward_error *error)
{
    fprintf(stderr, "bench/c/ours: %s: %s %s\n", what, doorward_status_id(status), doorward_error_message(error, NULL));
    exit(1);
}

static char *copy(const char *text, size_t len)
{
    char *copied = text ? malloc(len + 1) : NULL;
    if (!copied)
        fail("a session without its tokens", DOORWARD_E_INTERNAL, NULL);
    memcpy(copied, text, len);
    copied[len] = 0;
    return copied;
}

static void validate(size_t n)
{
    doorward_answer *answer = NULL;
    doorward_error *error = NULL;
    doorward_status status =
        doorward_validate_session(ctx, doorward_str(tokens[n % n_tokens]), NULL, NULL, &answer, &error);
    if (status != DOORWARD_OK)
        fail("validate", status, error);
    doorward_answer_free(answer);
}

/* The new session's token, access or refresh, copied; NULL where none is asked for. */
static char *create(size_t n, const char *(*token)(const doorward_session *, size_t *))
{
    doorward_answer *answer = NULL;
    doorward_error *error = NULL;
    doorward_status status = doorward_create_session_for_user(ctx, &users[n % n_users], NULL, NULL, &answer, &error);
    size_t len = 0;
    char *copied = NULL;
    if (status != DOORWARD_OK)
        fail("create", status, error);
    if (token) {
        const char *text = token(doorward_answer_session(answer), &len);
        copied = copy(text, len);
    }
    doorward_answer_free(answer);
    return copied;
}

static char **refresh_tokens;
static size_t n_refresh_tokens;

static void make_refresh_token(size_t n) { refresh_tokens[n] = create(done + n, doorward_session_refresh_token); }

static void refresh(size_t n)
{
    doorward_answer *answer = NULL;
    doorward_error *error = NULL;
    doorward_status status = doorward_refresh_session(ctx, doorward_str(refresh_tokens[n]), NULL, NULL, &answer, &error);
    if (status != DOORWARD_OK)
        fail("refresh", status, error);
    /* Without one it was the same session once more, which costs something else. */
    if (!doorward_session_refresh_token(doorward_answer_session(answer), NULL))
        fail("refresh: no exchange", status, error);
    doorward_answer_free(answer);
}

static void authenticate(size_t n)
{
    doorward_field credential = {doorward_str("password"), doorward_str(password)};
    doorward_answer *answer = NULL;
    doorward_error *error = NULL;
    doorward_status status =
        doorward_authenticate(ctx, doorward_str("email"), doorward_str(email), &credential, 1, NULL, NULL, &answer, &error);
    (void)n;
    if (status != DOORWARD_OK)
        fail("authenticate", status, error);
    doorward_answer_free(answer);
}

static void validate_next(size_t n) { validate(done + n); }
static void create_next(size_t n) { (void)create(done + n, NULL); }

/* ---- Rounds ------------------------------------------------------------------------------------------------------ */

static void (*work)(size_t);
static size_t count, callers;
static pthread_barrier_t ready;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *caller(void *number)
{
    size_t n;
    pthread_barrier_wait(&ready);
    for (n = (size_t)number; n < count; n += callers)
        work(n);
    return NULL;
}

/* The time from the moment when all callers are ready to the last answer. */
static int64_t timed(void (*what)(size_t), size_t how_many, size_t by)
{
    pthread_t threads[MAX_CALLERS];
    int64_t began_at;
    size_t n;
    work = what;
    count = how_many;
    callers = by;
    if (by <= 1) {
        began_at = now();
        for (n = 0; n < count; n++)
            work(n);
        return now() - began_at;
    }
    pthread_barrier_init(&ready, NULL, (unsigned)by + 1);
    for (n = 0; n < by; n++)
        if (pthread_create(&threads[n], NULL, caller, (void *)n) != 0)
            exit(1);
    pthread_barrier_wait(&ready);
    began_at = now();
    for (n = 0; n < by; n++)
        pthread_join(threads[n], NULL);
    pthread_barrier_destroy(&ready);
    return now() - began_at;
}

static int64_t turn(const char *what, size_t how_many, size_t by)
{
    size_t n;
    if (strcmp(what, "validate") == 0)
        return timed(validate_next, how_many, by);
    if (strcmp(what, "create") == 0)
        return timed(create_next, how_many, by);
    if (strcmp(what, "authenticate") == 0)
        return timed(authenticate, how_many, by);
    if (strcmp(what, "refresh") == 0)
        return timed(refresh, how_many, by);
    if (strcmp(what, "prepare") != 0)
        fail(what, DOORWARD_E_INVALID_ARGUMENT, NULL);
    /* The tokens of the next round, each of which is exchanged once. */
    for (n = 0; n < n_refresh_tokens; n++)
        free(refresh_tokens[n]);
    free(refresh_tokens);
    refresh_tokens = calloc(how_many, sizeof *refresh_tokens);
    n_refresh_tokens = how_many;
    return timed(make_refresh_token, how_many, by);
}

/* ---- What there is to work on -------------------------------------------------------------------------------------- */

static char *read_all(const char *folder, const char *name, size_t *len)
{
    char path[4096];
    char *text = malloc(1 << 24);
    FILE *file;
    snprintf(path, sizeof path, "%s%s%s", folder, *name ? "/" : "", name);
    file = fopen(path, "r");
    if (!file || !text)
        fail(path, DOORWARD_E_NOT_FOUND, NULL);
    *len = fread(text, 1, (1 << 24) - 1, file);
    text[*len] = 0;
    fclose(file);
    return text;
}

static void read_lists(const char *folder)
{
    size_t len;
    char *line, *text = read_all(folder, "tokens", &len);
    tokens = malloc(len * sizeof *tokens / 8 + sizeof *tokens);
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        tokens[n_tokens++] = line;
    text = read_all(folder, "users", &len);
    users = malloc(len * sizeof *users / 8 + sizeof *users);
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (doorward_id_parse(doorward_str(line), &users[n_users++]) != DOORWARD_OK)
            exit(1);
}

/* A memory store, which nobody else can fill. */
static void fill(void)
{
    doorward_field credential = {doorward_str("password"), doorward_str(password)};
    doorward_answer *answer = NULL;
    doorward_error *error = NULL;
    doorward_status status = doorward_create_user(ctx, doorward_str("email"), doorward_str(email), &credential, 1, NULL,
                                                  NULL, &answer, &error);
    if (status != DOORWARD_OK)
        fail("create_user", status, error);
    doorward_answer_free(answer);
    status = doorward_find_user(ctx, doorward_str("email"), doorward_str(email), NULL, NULL, &answer, &error);
    if (status != DOORWARD_OK)
        fail("find_user", status, error);
    users = malloc(sizeof *users);
    users[n_users++] = *doorward_user_id(doorward_answer_user(answer));
    doorward_answer_free(answer);
    tokens = malloc(OWN_SESSIONS * sizeof *tokens);
    while (n_tokens < OWN_SESSIONS) {
        tokens[n_tokens] = create(0, doorward_session_access_token);
        n_tokens++;
    }
}

int main(int argc, char **argv)
{
    doorward_config *config = NULL;
    doorward_error *error = NULL;
    doorward_status status;
    char line[256], what[64];
    size_t len, how_many, by;
    char *toml;
    if (argc != 3)
        return 2;
    toml = read_all(argv[1], "", &len);
    if ((status = doorward_config_new(&config, &error)) != DOORWARD_OK ||
        (status = doorward_config_load(config, doorward_span(toml, len), &error)) != DOORWARD_OK ||
        (status = doorward_open(config, &ctx, &error)) != DOORWARD_OK ||
        (status = doorward_start(ctx, &error)) != DOORWARD_OK)
        fail("start", status, error);
    doorward_config_free(config);
    if (strcmp(argv[2], "-") == 0)
        fill();
    else
        read_lists(argv[2]);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %zu %zu", what, &how_many, &by) != 3 || by > MAX_CALLERS)
            fail("a round is WHAT COUNT CALLERS", DOORWARD_E_INVALID_ARGUMENT, NULL);
        printf("%lld\n", (long long)turn(what, how_many, by));
        fflush(stdout);
        done += how_many;
    }
    if (doorward_stop(ctx, NULL) != DOORWARD_OK)
        return 1;
    doorward_ctx_free(ctx);
    return 0;
}
