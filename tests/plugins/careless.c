/* A plugin that changes what belongs to the whole process, in a constructor or, with -DIN_LOAD, in load; or that is
 * built in a way that no plugin may be. -DCHANGE says what: handler, mask, locale, umask, directory, nothing. */
#define _GNU_SOURCE
#include <doorward_plugin.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef EXPORTS
DWP_EXPORT int another_symbol(void);
int another_symbol(void) { return 1; }
#endif
#ifdef STATIC_TLS
static __thread volatile int counted __attribute__((tls_model("initial-exec")));
#endif
#ifdef CALLS
extern int of_a_library(void);
#endif

static void change(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    switch (CHANGE) {
    case 'h':
        signal(SIGUSR1, SIG_IGN);
        break;
    case 'm':
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        break;
    case 'l':
        setlocale(LC_ALL, "C.UTF-8");
        break;
    case 'u':
        umask(0);
        break;
    case 'd':
        (void)!chdir("/usr");
        break;
    default:
        break;
    }
#ifdef STATIC_TLS
    counted++;
#endif
#ifdef CALLS
    of_a_library();
#endif
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    return rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
}

#ifdef IN_LOAD
static dwp_status load(const dwp_host *host)
{
    (void)host;
    change();
    return DWP_OK;
}
#else
__attribute__((constructor)) static void construct(void) { change(); }
#endif

static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_CAN_START, .name = "careless", .title = "Careless",
    .identifier_source = DWP_SOURCE_GIVEN, .verify = verify,
};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .n_kinds = 1, .kinds = kinds,
    .id = "org.example.careless", .version = "1.0",
#ifdef ALONE
    .flags = DWP_MODULE_ISOLATED,
#endif
#ifdef IN_LOAD
    .load = load,
#endif
};

DWP_ENTRY(careless) { return &module; }
