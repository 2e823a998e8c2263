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

/* The outputs of the last call: freed by the next DO. */
static doorward_answer *answer;
static doorward_error *error;

static inline void forget(void)
{
    doorward_answer_free(answer);
    doorward_error_free(error);
    answer = NULL;
    error = NULL;
}

/* Makes a call, which must give this status, and outputs that go with it. */
#define DO(want, call)                                                                                                 \
    do {                                                                                                               \
        forget();                                                                                                      \
        doorward_status got_ = (call);                                                                                 \
        if (got_ != (want)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s gave %d (%s) instead of %d (%s): %s %s\n", __FILE__, __LINE__, #call, got_,     \
                    doorward_status_id(got_), (want), doorward_status_id(want), doorward_error_message(error, NULL),   \
                    doorward_answer_reason(answer, NULL));                                                             \
            exit(1);                                                                                                   \
        }                                                                                                              \
        CHECK(got_ >= 0 || answer == NULL);                                                                            \
        CHECK(got_ < 0 || error == NULL);                                                                              \
        CHECK(error == NULL || doorward_error_status(error) == got_);                                                  \
    } while (0)

/* Keeps the last answer, which the caller frees. */
static inline doorward_answer *keep(void)
{
    doorward_answer *kept = answer;
    answer = NULL;
    return kept;
}

/* A configuration on a file of the working folder, with cheap hashes and the plugin gadget.so ($GADGET). */
static inline doorward_config *test_config(const char *database)
{
    static char text[4096];
    const char *gadget = getenv("GADGET"), *claims = getenv("CLAIMS"), *limiter = getenv("LIMITER");
    doorward_config *config = NULL;
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
    DO(DOORWARD_OK, doorward_config_new(&config, &error));
    DO(DOORWARD_OK, doorward_config_load(config, S(text), &error));
    return config;
}

static inline doorward_ctx *test_open(const char *database)
{
    doorward_config *config = test_config(database);
    doorward_ctx *ctx = NULL;
    DO(DOORWARD_OK, doorward_open(config, &ctx, &error));
    doorward_config_free(config);
    return ctx;
}

/* Signs somebody up, by no request; the answer has the proof. */
static inline void sign_up(doorward_ctx *ctx, const char *address)
{
    doorward_field password = {S("password"), S(PASSWORD)};
    doorward_ctx *trusted = doorward_trusted(ctx);
    DO(DOORWARD_OK, doorward_create_user(trusted, S("email"), S(address), &password, 1, NULL, NULL, &answer, &error));
    doorward_ctx_free(trusted);
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
