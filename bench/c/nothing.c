/* What other authentication interfaces take to decide the same nothing, for bench/run: `WHAT COUNT CALLERS` on a line
 * in, nanoseconds on a line out. WHAT is
 *
 *   pam    pam_start, pam_authenticate and pam_end over a stack of pam_permit alone, in the folder that is the argument
 *   sasl   sasl_server_new, sasl_checkpass and sasl_dispose, decided by a callback that says yes */
#define _GNU_SOURCE
#include <sasl/sasl.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *folder;

static void fail(const char *what, int status)
{
    fprintf(stderr, "bench/c/nothing: %s: %d\n", what, status);
    exit(1);
}

static int converse(int n, const struct pam_message **asked, struct pam_response **answers, void *unused)
{
    (void)n, (void)asked, (void)answers, (void)unused;
    return PAM_CONV_ERR; /* pam_permit asks for nothing */
}

static void pam(void)
{
    static const struct pam_conv conversation = {converse, NULL};
    pam_handle_t *handle = NULL;
    int status = pam_start_confdir("nothing", "ada", &conversation, folder, &handle);
    if (status == PAM_SUCCESS)
        status = pam_authenticate(handle, PAM_SILENT);
    if (status != PAM_SUCCESS)
        fail("pam", status);
    pam_end(handle, status);
}

static int yes(sasl_conn_t *connection, void *unused, const char *user, const char *password, unsigned length,
               struct propctx *properties)
{
    (void)connection, (void)unused, (void)user, (void)password, (void)length, (void)properties;
    return SASL_OK;
}

static int option(void *unused, const char *plugin, const char *name, const char **value, unsigned *length)
{
    (void)unused, (void)plugin, (void)length;
    if (strcmp(name, "pwcheck_method") != 0)
        return SASL_FAIL;
    *value = "alwaystrue"; /* never reached: the callback decides first */
    return SASL_OK;
}

static const sasl_callback_t callbacks[] = {
    {SASL_CB_SERVER_USERDB_CHECKPASS, (int (*)(void))(void (*)(void))yes, NULL},
    {SASL_CB_GETOPT, (int (*)(void))(void (*)(void))option, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

static void sasl(void)
{
    sasl_conn_t *connection = NULL;
    int status = sasl_server_new("nothing", "localhost", NULL, NULL, NULL, callbacks, 0, &connection);
    if (status == SASL_OK)
        status = sasl_checkpass(connection, "ada", 3, "please", 6);
    if (status != SASL_OK)
        fail("sasl", status);
    sasl_dispose(&connection);
}

int main(int count, char **arguments)
{
    char line[128], what[16];
    unsigned long n, callers;
    int status;
    if (count != 2)
        fail("usage: nothing FOLDER", 0);
    folder = arguments[1];
    if ((status = sasl_server_init(callbacks, "nothing")) != SASL_OK)
        fail("sasl_server_init", status);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        struct timespec began, ended;
        if (sscanf(line, "%15s %lu %lu", what, &n, &callers) != 3)
            fail("a round is WHAT COUNT CALLERS", 0);
        clock_gettime(CLOCK_MONOTONIC, &began);
        while (n-- > 0)
            strcmp(what, "pam") == 0 ? pam() : sasl();
        clock_gettime(CLOCK_MONOTONIC, &ended);
        printf("%lld\n", (ended.tv_sec - began.tv_sec) * 1000000000LL + ended.tv_nsec - began.tv_nsec);
        fflush(stdout);
    }
    return 0;
}
