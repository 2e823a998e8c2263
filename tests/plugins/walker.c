/* Kind "walker": tries every command of every call that has commands, from inside a sandbox.
 *
 * Credential "pid": a process that must not be reached; "abstract" and "path": sockets of another process. The first half
 * asks with arguments that nothing can come of and tells which commands came through to the kernel: what the sandbox
 * forbids answers ENOSYS. The second half means it. */
#define _GNU_SOURCE
#include <doorward_plugin.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* What came through, as a JSON array of texts. */
struct list {
    char text[8000];
    size_t used;
};
static void say(struct list *list, const char *format, unsigned a, unsigned b, unsigned c)
{
    char one[64];
    int length = snprintf(one, sizeof one, format, a, b, c);
    if (length > 0 && list->used + (size_t)length + 4 < sizeof list->text)
        list->used += (size_t)sprintf(list->text + list->used, "%s\"%s\"", list->used ? "," : "", one);
}
static void tell(const dwp_request *rq, dwp_reply *rp, const char *name, struct list *list)
{
    static char text[8100];
    int length = snprintf(text, sizeof text, "[%s]", list->text);
    rq->host->attribute(rp, name, text, (size_t)length);
    memset(list, 0, sizeof *list);
}
static int came_through(long result)
{
    int came = result != -1 || errno != ENOSYS;
    if (result > 4 && came) /* 3 and 4 are the worker's own */
        close((int)result);
    return came;
}
#define TRY(...) came_through(syscall(__VA_ARGS__))

static void walk(const dwp_request *rq, dwp_reply *rp)
{
    static struct list list;
    static const unsigned large[] = {0x53564d41, 0x59616d61, 0x80045430, 0x80086601, 0x40086602, 0x400454ca, 0xc0502100,
                                     0xc0182101, 0x4020940d, 0x40049409, 0xc0185879, 0x801c581f, 0x5437, 0xff00, 0xff0b};
    static const unsigned protocols[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                         58, 132, 136, 255, 262};
    static const unsigned levels[] = {0, 1, 6, 17, 41, 58, 132, 136, 255, 263, 268, 270, 271, 279, 281, 282, 283, 284};
    unsigned a, b, c;

    for (a = 0; a < 4096; a++)
        if (TRY(SYS_fcntl, -1, a, 0))
            say(&list, "%u", a, 0, 0);
    for (a = 0; a < 32; a++) /* the bits of F_SETFL */
        if (TRY(SYS_fcntl, -1, F_SETFL, 1u << a) == 0)
            say(&list, "no %x", 1u << a, 0, 0);
    tell(rq, rp, "fcntl", &list);
    for (a = 0; a < 1u << 17; a++)
        if (TRY(SYS_ioctl, -1, a, 0))
            say(&list, "%x", a, 0, 0);
    for (a = 0; a < sizeof large / sizeof *large; a++)
        if (large[a] >= 1u << 17 && TRY(SYS_ioctl, -1, large[a], 0))
            say(&list, "%x", large[a], 0, 0);
    for (a = 0, b = 1; a < 200000; a++, b = b * 1664525u + 1013904223u)
        if (b >= 1u << 17 && TRY(SYS_ioctl, -1, b, 0))
            say(&list, "%x", b, 0, 0);
    tell(rq, rp, "ioctl", &list);
    for (a = 0; a < 4096; a++)
        if (TRY(SYS_prctl, a, -1L, -1L, -1L, -1L))
            say(&list, "%u", a, 0, 0);
    for (a = 0; a < sizeof large / sizeof *large; a++)
        if (TRY(SYS_prctl, large[a], -1L, -1L, -1L, -1L))
            say(&list, "%x", large[a], 0, 0);
    tell(rq, rp, "prctl", &list);
    for (a = 0; a < 32; a++) { /* none of these could be made: what threads need is missing, or excluded beside it */
        if (TRY(SYS_clone, 1u << a | CLONE_SIGHAND, 0, 0, 0, 0))
            say(&list, "%x", 1u << a, 0, 0);
        if (TRY(SYS_clone, 1u << a | CLONE_THREAD | CLONE_NEWUSER, 0, 0, 0, 0))
            say(&list, "thread %x", 1u << a, 0, 0);
    }
    if (TRY(SYS_clone3, NULL, 0))
        say(&list, "clone3", 0, 0, 0);
    if (TRY(SYS_unshare, 0))
        say(&list, "unshare", 0, 0, 0);
    tell(rq, rp, "clone", &list);
    for (a = 0; a < 64; a++)
        for (b = 0; b < 16; b++)
            for (c = 0; c < sizeof protocols / sizeof *protocols; c++)
                if (TRY(SYS_socket, a, b, protocols[c]))
                    say(&list, "%u/%u/%u", a, b, protocols[c]);
    tell(rq, rp, "socket", &list);
    for (a = 0; a < 64; a++)
        for (b = 0; b < 16; b++)
            if (TRY(SYS_socketpair, a, b, 0, NULL))
                say(&list, "%u/%u", a, b, 0);
    tell(rq, rp, "socketpair", &list);
    for (c = 0; c < 2; c++) {
        for (a = 0; a < sizeof levels / sizeof *levels; a++)
            for (b = 0; b < 256; b++)
                if (TRY(c ? SYS_getsockopt : SYS_setsockopt, -1, levels[a], b, NULL, NULL))
                    say(&list, "%u/%u", levels[a], b, 0);
        tell(rq, rp, c ? "getsockopt" : "setsockopt", &list);
    }
    for (a = 0; a < 256; a++)
        if (TRY(SYS_madvise, 1, 1, a))
            say(&list, "%u", a, 0, 0);
    tell(rq, rp, "madvise", &list);
    for (a = 0; a < 128; a++) /* of those that exist */
        if (TRY(SYS_futex, 1, a, 0, NULL, 1, 0))
            say(&list, "%u", a, 0, 0);
    tell(rq, rp, "futex", &list);
    for (a = 0; a < 16; a++)
        if (TRY(SYS_membarrier, 1 << a, 0xff, 0))
            say(&list, "%u", 1u << a, 0, 0);
    tell(rq, rp, "membarrier", &list);
    for (a = 0; a < 32; a++) /* a negative one is another process's */
        if (TRY(SYS_clock_gettime, a, NULL))
            say(&list, "%u", a, 0, 0);
    if (TRY(SYS_clock_gettime, (~getppid()) << 3 | 2, NULL))
        say(&list, "another's", 0, 0, 0);
    tell(rq, rp, "clock", &list);
    if (TRY(SYS_prlimit64, getppid(), 0, NULL, NULL))
        say(&list, "prlimit", 0, 0, 0);
    if (TRY(SYS_tgkill, getppid(), getppid(), 0))
        say(&list, "tgkill", 0, 0, 0);
    if (TRY(SYS_pipe2, NULL, O_DIRECT) || TRY(SYS_pipe2, NULL, O_EXCL))
        say(&list, "pipe2", 0, 0, 0);
    if (TRY(SYS_timerfd_create, 8, 0) || TRY(SYS_timerfd_create, 9, 0))
        say(&list, "alarm clocks", 0, 0, 0);
    for (a = 0; a < 600; a++) { /* signals, and handles on processes, by any name */
        static const long calls[] = {SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_open,
                                     SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_timer_create, SYS_setitimer, SYS_setpgid,
                                     SYS_setsid, SYS_setpriority, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_ptrace,
                                     SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_migrate_pages, SYS_ioprio_set,
                                     SYS_setuid, SYS_setresuid, SYS_setfsuid, SYS_capset, SYS_seccomp, SYS_bpf,
                                     SYS_io_uring_setup, SYS_userfaultfd, SYS_perf_event_open, SYS_shmget, SYS_msgget,
                                     SYS_semget, SYS_mq_open, SYS_memfd_create, SYS_inotify_init1, SYS_fanotify_init,
                                     SYS_keyctl, SYS_add_key, SYS_mount, SYS_setns, SYS_execve, SYS_fork, SYS_vfork,
                                     SYS_listen, SYS_accept, SYS_accept4, SYS_process_madvise};
        if (a < sizeof calls / sizeof *calls && TRY(calls[a], -1L, -1L, -1L, -1L, -1L, -1L))
            say(&list, "%u", (unsigned)calls[a], 0, 0);
    }
    tell(rq, rp, "others", &list);
    for (a = 0; a < 1200; a++) { /* every call by its number, and by the one that it has for 32-bit pointers */
        if (a == SYS_exit || a == SYS_exit_group || a == SYS_rt_sigreturn)
            continue;
        if (a == 335 || a == 336) /* uretprobe, uprobe: newer kernels ask no filter, and end whom they did not put there */
            continue;
        if (TRY(a, -1L, -1L, -1L, -1L, -1L, -1L))
            say(&list, "%u", a, 0, 0);
        if (TRY(0x40000000L | a, -1L, -1L, -1L, -1L, -1L, -1L))
            say(&list, "x32 %u", a, 0, 0);
    }
    for (a = 0; a < 200; a++)
        if (TRY(SYS_bind, -1, NULL, a))
            say(&list, "bind of %u", a, 0, 0);
    tell(rq, rp, "numbers", &list);
}

/* Takes a name or a port that another process would want. */
static int takes(int family, int type, const void *address, socklen_t length)
{
    int ends[2] = {-1, -1}, taken;
    if (family != AF_UNIX)
        ends[0] = socket(family, type, 0);
    else if (socketpair(family, type, 0, ends) != 0)
        ends[0] = 3; /* the worker's own */
    taken = ends[0] >= 0 && bind(ends[0], address, length) == 0;
    if (ends[0] > 4)
        close(ends[0]);
    if (ends[1] > 4)
        close(ends[1]);
    return taken;
}

/* Every command on a descriptor that would signal, with the sentinel as its argument, by value and by address. */
static void own(int descriptor, int sentinel)
{
    struct f_owner_ex owner = {F_OWNER_PID, sentinel};
    int on = 1, number;
    for (number = 0; number < 1100; number++) {
        if (number == F_SETFL || number == F_SETLKW || number == F_OFD_SETLKW)
            continue;
        came_through(fcntl(descriptor, number, sentinel));
        came_through(fcntl(descriptor, number, &owner));
        came_through(fcntl(descriptor, number, SIGKILL));
    }
    fcntl(descriptor, F_SETOWN, sentinel);
    fcntl(descriptor, F_SETOWN_EX, &owner);
    ioctl(descriptor, FIOSETOWN, &sentinel);
    ioctl(descriptor, SIOCSPGRP, &sentinel);
    fcntl(descriptor, F_SETSIG, SIGKILL);
    fcntl(descriptor, F_SETFL, O_ASYNC | O_NONBLOCK);
    ioctl(descriptor, FIOASYNC, &on);
}

static int reaches(int family, int type, const char *name, int is_abstract)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (is_abstract ? 1 : 0) + strlen(name));
    int pair[2] = {-1, -1}, alone = socket(family, type, 0), reached;
    strncpy(to.sun_path + (is_abstract ? 1 : 0), name, sizeof to.sun_path - 2);
    reached = alone >= 0 && connect(alone, (struct sockaddr *)&to, length) == 0;
    if (socketpair(family, type, 0, pair) == 0)
        reached |= sendto(pair[0], "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&to, length) == 1 && type == SOCK_DGRAM;
    close(alone), close(pair[0]), close(pair[1]);
    return reached;
}

static void text(const dwp_request *rq, const char *name, char *out, size_t size)
{
    dwp_bytes found = dwp_find(rq->credentials, rq->n_credentials, name);
    memset(out, 0, size);
    memcpy(out, found.ptr, found.len < size ? found.len : size - 1);
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    static struct list list;
    char pid[16], abstract[108], path[108];
    int ends[2], sentinel, types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}, i;
    (void)self;
    text(rq, "pid", pid, sizeof pid), text(rq, "abstract", abstract, sizeof abstract), text(rq, "path", path, sizeof path);
    sentinel = atoi(pid);
    walk(rq, rp);
    for (i = 0; i < 2; i++)
        if (pipe(ends) == 0) {
            own(ends[i], sentinel);
            if (write(ends[1], "x", 1) == 1 && read(ends[0], pid, 1) != 1)
                say(&list, "no pipe", 0, 0, 0);
            close(ends[0]), close(ends[1]);
        }
    for (i = 0; i < 2; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0) {
            own(ends[i], sentinel);
            if (send(ends[1], "x", 1, MSG_NOSIGNAL) == 1)
                came_through(send(ends[1], "y", 1, MSG_NOSIGNAL | MSG_OOB));
            close(ends[0]), close(ends[1]);
        }
    own(3, sentinel);
    fcntl(3, F_SETFL, 0);
    {
        struct sockaddr_in port = {.sin_family = AF_INET};
        struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0/tmp/.X11-unix/X7"};
        struct {
            long type;
            char text[8];
        } message = {0};
        int queue;
        if (takes(AF_INET, SOCK_DGRAM, &port, sizeof port) || takes(AF_INET, SOCK_STREAM, &port, sizeof port))
            say(&list, "port", 0, 0, 0);
        for (i = 0; i <= 18; i++) /* each length: of no name the kernel makes one, and of nine bytes it is as long as others' addresses */
            if (takes(AF_UNIX, SOCK_STREAM, &name, (socklen_t)(offsetof(struct sockaddr_un, sun_path)) + (socklen_t)i))
                say(&list, "name of %u", (unsigned)i, 0, 0);
        queue = (int)syscall(SYS_msgget, 0x646f6f72, 0666 | 01000);
        if (queue >= 0 || syscall(SYS_msgsnd, queue, &message, 8, 0) == 0)
            say(&list, "queue", 0, 0, 0);
    }
    for (i = 0; i < 3; i++) {
        if (reaches(AF_UNIX, types[i], abstract, 1))
            say(&list, "abstract %u", (unsigned)types[i], 0, 0);
        if (reaches(AF_UNIX, types[i], path, 0))
            say(&list, "path %u", (unsigned)types[i], 0, 0);
    }
    tell(rq, rp, "reached", &list);
    for (i = 0; i < 18; i++) {
        static const char *const files[] = {"mem", "environ", "maps", "fd", "root", "task"};
        const int processes[] = {sentinel, getppid(), getpid()};
        char file[64];
        int opened;
        snprintf(file, sizeof file, "/proc/%d/%s", processes[i / 6], files[i % 6]);
        opened = open(file, O_RDONLY);
        if (opened < 0)
            opened = open(file, O_RDWR);
        if (opened >= 0 || readlink(file, path, sizeof path) >= 0)
            say(&list, "%u", (unsigned)i, 0, 0), close(opened);
    }
    tell(rq, rp, "files", &list);
    {
        struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM}, *addresses = NULL;
        if (getaddrinfo("localhost", "80", &hints, &addresses) == 0) {
            say(&list, "localhost", 0, 0, 0);
            freeaddrinfo(addresses);
        }
        tell(rq, rp, "resolved", &list);
    }
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

#define FIELD(name) {sizeof(dwp_field), 0, name, NULL, 107, DWP_FOR_VERIFY, 0, 0}
static const dwp_field pid_field = FIELD("pid"), abstract_field = FIELD("abstract"), path_field = FIELD("path");
static const dwp_field *const fields[] = {&pid_field, &abstract_field, &path_field};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START, .name = "walker", .title = "Walker",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "walker", .fields = fields,
    .n_fields = 3, .default_deadline_ms = 60000, .verify = verify};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.walker", .version = "1.0.0", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0"};

DWP_ENTRY(walker) { return &module; }
