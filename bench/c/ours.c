/* Doorward as a C program calls it, for bench/run: `WHAT COUNT CALLERS` on a line in, nanoseconds on a line out. */
#define _GNU_SOURCE
#include <doorward.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#define S doorward_str

enum { OWN_SESSIONS = 64, MAX_CALLERS = 256 };

static const char email[] = "ada@example.com";
static const char password[] = "a lantern over quiet water";

static doorward_auth *auth;
static char **tokens;
static doorward_id *users;
static size_t n_tokens, n_users, done;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench/c/ours: %s: %s\n", what, why);
    exit(1);
}

/* The answer, if the thing asked for happened. */
static doorward_answer must(const char *what, doorward_answer answer)
{
    if (!doorward_ok(answer))
        fail(what, doorward_answer_message(answer));
    return answer;
}

/* Asks for what has no content. */
static void must_do(const char *what, doorward_answer answer)
{
    answer = must(what, answer);
    doorward_answer_free(&answer);
}

static char *copy(doorward_bytes text)
{
    char *copied = text.len ? malloc(text.len + 1) : NULL;
    if (!copied)
        fail("create", "a session without its tokens");
    memcpy(copied, text.ptr, text.len + 1);
    return copied;
}

static void validate(size_t n)
{
    must_do("validate", doorward_validate_session(auth, S(tokens[n % n_tokens])));
}

/* The new session's token, access or refresh, copied; NULL where none is asked for. */
static char *create(size_t n, doorward_bytes (*token)(const doorward_session *))
{
    doorward_answer answer = must("create", doorward_create_session_for_user(auth, &users[n % n_users], NULL, 0, NULL));
    char *copied = token ? copy(token(doorward_answer_session(answer))) : NULL;
    doorward_answer_free(&answer);
    return copied;
}

static char **refresh_tokens;
static size_t n_refresh_tokens;

static void make_refresh_token(size_t n) { refresh_tokens[n] = create(done + n, doorward_session_refresh_token); }

static void refresh(size_t n)
{
    doorward_answer answer = must("refresh", doorward_refresh_session(auth, S(refresh_tokens[n])));
    /* Without one it was the same session once more, which costs something else. */
    if (!doorward_session_refresh_token(doorward_answer_session(answer)).len)
        fail("refresh", "no exchange");
    doorward_answer_free(&answer);
}

static void authenticate(size_t n)
{
    doorward_pair credential = {S("password"), S(password)};
    (void)n;
    must_do("authenticate", doorward_authenticate(auth, S("email"), S(email), &credential, 1));
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
        fail(what, "no such round");
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
        fail(path, "cannot be read");
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
        if (doorward_id_parse(S(line), &users[n_users++]) != DOORWARD_OK)
            exit(1);
}

/* A memory store, which nobody else can fill. */
static void fill(void)
{
    doorward_pair credential = {S("password"), S(password)};
    doorward_answer found;
    must_do("create_user", doorward_create_user(auth, S("email"), S(email), &credential, 1, NULL));
    found = must("find_user", doorward_find_user(auth, S("email"), S(email)));
    users = malloc(sizeof *users);
    users[n_users++] = *doorward_user_id(doorward_answer_user(found));
    doorward_answer_free(&found);
    tokens = malloc(OWN_SESSIONS * sizeof *tokens);
    while (n_tokens < OWN_SESSIONS) {
        tokens[n_tokens] = create(0, doorward_session_access_token);
        n_tokens++;
    }
}

int main(int argc, char **argv)
{
    doorward_config *config = doorward_config_new();
    char line[256], what[64];
    size_t len, how_many, by;
    char *toml;
    if (argc != 3)
        return 2;
    toml = read_all(argv[1], "", &len);
    doorward_config_load(config, doorward_span(toml, len));
    must_do("open", doorward_open(config, &auth));
    must_do("start", doorward_start(auth));
    doorward_config_free(config);
    if (strcmp(argv[2], "-") == 0)
        fill();
    else
        read_lists(argv[2]);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %zu %zu", what, &how_many, &by) != 3 || by > MAX_CALLERS)
            fail("a round", "it is WHAT COUNT CALLERS");
        printf("%lld\n", (long long)turn(what, how_many, by));
        fflush(stdout);
        done += how_many;
    }
    must_do("stop", doorward_stop(auth));
    doorward_close(auth);
    return 0;
}
