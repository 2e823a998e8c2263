/* Kind "caged": tries what a sandbox is there to forbid and says, for each attempt, whether it worked. */
#define _GNU_SOURCE
#include <doorward_plugin.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int forks(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);
    return child > 0;
}
static int reads(const char *path)
{
    int descriptor = open(path, O_RDONLY);
    if (descriptor >= 0)
        close(descriptor);
    return descriptor >= 0;
}
static int writes(void)
{
    int descriptor = open("/tmp/doorward-caged", O_WRONLY | O_CREAT, 0600);
    if (descriptor >= 0) {
        close(descriptor);
        unlink("/tmp/doorward-caged");
    }
    return descriptor >= 0;
}
static int connects(void) /* to a port that nobody serves: to be refused by the other side is as good */
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return descriptor >= 0 && (connect(descriptor, (struct sockaddr *)&to, sizeof to) == 0 || errno == ECONNREFUSED);
}
static int listens(void)
{
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    return descriptor >= 0 && listen(descriptor, 1) == 0;
}
static void *nothing(void *unused) { return unused; }
static int threads(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}
static int runs(void)
{
    static char *const arguments[] = {"/bin/true", NULL};
    pid_t child = vfork();
    if (child == 0) {
        execv(arguments[0], arguments);
        _exit(1);
    }
    return child > 0 && waitpid(child, NULL, 0) == child;
}
static int maps_code(void) { return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }
static int takes_all_memory(void)
{
    void *memory = mmap(NULL, (size_t)3 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED)
        munmap(memory, (size_t)3 << 30);
    return memory != MAP_FAILED;
}
static int raises_limits(void)
{
    struct rlimit most = {1 << 20, 1 << 20};
    return setrlimit(RLIMIT_NOFILE, &most) == 0;
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    struct { const char *name; int worked; } tried[] = {
        {"threads", threads()}, {"forks", forks()}, {"runs", runs()}, {"reads_passwd", reads("/etc/passwd")},
        {"reads_hosts", reads("/etc/hosts")}, {"reads_zone", reads("/usr/share/zoneinfo")},
        {"reads_proc", reads("/proc/self/environ")}, {"writes", writes()}, {"connects", connects()},
        {"listens", listens()}, {"traces", ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0},
        {"kills", kill(getppid(), 0) == 0}, {"maps_code", maps_code()}, {"memory", takes_all_memory()},
        {"limits", raises_limits()}, {"umask", umask(022) != (mode_t)-1 && mkdir("/tmp/doorward-caged.d", 0700) == 0},
    };
    size_t i;
    (void)self;
    rmdir("/tmp/doorward-caged.d");
    for (i = 0; i < sizeof tried / sizeof *tried; i++)
        rq->host->attribute(rp, tried[i].name, tried[i].worked ? "true" : "false", tried[i].worked ? 4 : 5);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START, .name = "caged", .title = "Caged",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "caged", .verify = verify};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.caged", .version = "1.0.0", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0"};

DWP_ENTRY(caged) { return &module; }
