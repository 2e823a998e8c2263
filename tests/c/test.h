/* What the C tests share: checks that say where they failed, and a context to work with. */
#ifndef TEST_H
#define TEST_H

#include <dirent.h>
#include <doorward.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define S(text) doorward_str(text)
#define PASSWORD "a violet tram under a low moon"

#define CHECK(claim)                                                                                                   \
    do {                                                                                                               \
        if (!(claim)) {                                                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);                                        \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The answer of the last call, one for all files of a program: freed by the next DO. */
__attribute__((weak)) doorward_answer answer = DOORWARD_ANSWER_INIT;

static inline void forget(void)
{
    doorward_answer_free(&answer);
}

/* Makes a call, which must give an answer of this status, that has what it should and nothing else. */
#define DO(want, call)                                                                                                 \
    do {                                                                                                               \
        doorward_then(&answer, (call));                                                                                \
        if (answer.status != (want)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s gave %s instead of %s: %s %s\n", __FILE__, __LINE__, #call,                     \
                    doorward_status_id(answer.status), doorward_status_id(want), doorward_answer_message(answer),      \
                    doorward_answer_reason(answer).ptr);                                                               \
            exit(1);                                                                                                   \
        }                                                                                                              \
        CHECK(doorward_ok(answer) == (answer.status == DOORWARD_OK));                                                  \
        CHECK((answer.status == DOORWARD_PENDING) == !answer.held);                                                    \
        CHECK(answer.status == DOORWARD_OK ? !doorward_answer_message(answer)[0] : doorward_answer_message(answer)[0] != 0); \
    } while (0)

/* Keeps the last answer, which the caller frees. */
static inline doorward_answer keep(void)
{
    doorward_answer kept = answer, init = DOORWARD_ANSWER_INIT;
    answer = init;
    return kept;
}

/* A text that the library gave: not NULL, with a NUL after it. */
static inline const char *text_of(doorward_bytes text, size_t *len)
{
    CHECK(text.ptr && text.ptr[text.len] == 0);
    *len = text.len;
    return text.ptr;
}

/* A view on a request, as long as until the next. */
static inline doorward_auth *on_request(const doorward_auth *auth, const doorward_request *request)
{
    static doorward_auth *on;
    doorward_close(on);
    on = request ? doorward_on(auth, request) : NULL;
    return on;
}

/* A configuration on a file of the working folder, with cheap hashes and the plugin gadget.so ($GADGET). */
static inline doorward_config *test_config(const char *database)
{
    static char text[4096];
    const char *gadget = getenv("GADGET"), *claims = getenv("CLAIMS"), *limiter = getenv("LIMITER");
    doorward_config *config = doorward_config_new();
    snprintf(text, sizeof text,
             "database = '%s'\n"
             "[session]\nunsafe_short_lifetimes = true\n"
             "[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n"
             "[origins]\ntrusted = ['https://app.example']\n"
             "[attributes]\nunique = ['nick']\npublic = ['theme']\n"
             "[provider.email]\nkind = 'password'\n"
             "[provider.username]\nkind = 'password'\n"
             "%s%s%s%s%s%s%s%s%s%s",
             database,
             claims   ? "[policy]\nsecond_factor = ['key', 'passkey']\n"
             : gadget ? "[policy]\nsecond_factor = ['key']\n"
                      : "",
             gadget ? "[provider.key]\nkind = 'gadget'\n[provider.gate]\nkind = 'gate'\n[plugin.gadget]\npath = '" : "",
             gadget ? gadget : "", gadget ? "'\n" : "",
             claims ? "[provider.github]\nkind = 'issuer'\n[provider.api]\nkind = 'token'\n[provider.passkey]\nkind = 'passkey'\n"
                      "[bearer.prefixes]\nak_ = 'api'\n[plugin.claims]\npath = '"
                    : "",
             claims ? claims : "", claims ? "'\n" : "",
             limiter ? "[provider.mail]\nkind = 'limiter'\nrule = 'email'\n[plugin.limiter]\npath = '" : "",
             limiter ? limiter : "", limiter ? "'\n" : "");
    CHECK(config);
    doorward_config_load(config, S(text));
    return config;
}

static inline doorward_auth *test_open(const char *database)
{
    doorward_config *config = test_config(database);
    doorward_auth *auth = NULL;
    DO(DOORWARD_OK, doorward_open(config, &auth));
    doorward_config_free(config);
    return auth;
}

/* Signs somebody up, by no request; the answer has the proof. */
static inline void sign_up(doorward_auth *auth, const char *address)
{
    doorward_pair password = {S("password"), S(PASSWORD)};
    doorward_auth *trusted = doorward_trusted(auth);
    DO(DOORWARD_OK, doorward_create_user(trusted, S("email"), S(address), &password, 1, NULL));
    doorward_close(trusted);
}

/* The library's threads leave all signals to the program's own. */
static inline void library_threads_take_no_signals(void)
{
    static const int faults[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
    char path[64], line[256];
    unsigned long long blocked;
    int seen = 0;
    struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    while ((entry = readdir(tasks))) {
        FILE *status;
        if (atoi(entry->d_name) == 0 || atoi(entry->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%d/status", atoi(entry->d_name));
        if (!(status = fopen(path, "r"))) continue;
        while (fgets(line, sizeof line, status))
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1) {
                /* All but SIGKILL and SIGSTOP, which nobody can block, two that the C library keeps, and the last,
                   which valgrind keeps. */
                blocked |= 1ull << 8 | 1ull << 18 | 3ull << 31 | 1ull << 63;
                /* And faults, which always meet the thread that made them: valgrind opens them while code runs. */
                for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) blocked |= 1ull << (faults[i] - 1);
                if (blocked != ~0ull) fprintf(stderr, "%s %s", path, line);
                CHECK(blocked == ~0ull);
                seen++;
            }
        fclose(status);
    }
    closedir(tasks);
    CHECK(seen > 0);
}

#endif
