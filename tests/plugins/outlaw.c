/* A plugin that does what no process survives, or what no other process should have to suffer: for tests of isolation.
 *
 * Kind "outlaw". What is done is named by the credential "do" (enroll, verify, update, step), by the identifier after
 * "do:" (normalize), or by the option "do" where the option "in" says so (open, start, health). "accept" and "continue"
 * behave well. -DDEADLINE_MS=n sets the declared deadline. */
#define _GNU_SOURCE
#include <doorward_plugin.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef DEADLINE_MS
#define DEADLINE_MS 300
#endif

struct dwp_instance {
    char in[16], deed[32];
};

static void nap(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void accept_now(const dwp_request *rq, dwp_reply *rp)
{
    if (rq->operation == DWP_OP_NORMALIZE)
        rq->host->identifier(rp, "ann", 3);
    if (rq->purpose == DWP_FOR_ENROLL)
        rq->host->put_record(rp, NULL, "\001", 1);
    if (rq->purpose == DWP_FOR_UPDATE && rq->n_records)
        rq->host->put_record(rp, rq->records[0]->id, "\001", 1);
    rq->host->verdict(rp, DWP_ACCEPT, 0);
}

/* A frame of the helper's protocol: length, type 6 (answer), flags, call, then status 0 and a reply that accepts. */
static size_t forged(unsigned char *out, uint64_t call)
{
    static const unsigned char reply[] = {2, 0, 8, 0, 0, 0, 0x45, 0x43, 0x43, 0x41, 0, 0, 0, 0};
    unsigned char *at = out + 4;
    uint32_t length;
    *at++ = 6, *at++ = 0, *at++ = 0, *at++ = 0;
    memcpy(at, &call, 8), at += 8;
    *at++ = 17, *at++ = 0, *at++ = 4, *at++ = 0, *at++ = 0, *at++ = 0;
    memset(at, 0, 4), at += 4;
    *at++ = 18, *at++ = 0, *at++ = sizeof reply, *at++ = 0, *at++ = 0, *at++ = 0;
    memcpy(at, reply, sizeof reply), at += sizeof reply;
    length = (uint32_t)(at - out - 4);
    memcpy(out, &length, 4);
    return (size_t)(at - out);
}

static void say(const void *bytes, size_t length)
{
    if (send(3, bytes, length, MSG_NOSIGNAL) < 0)
        nap(1);
}

static void *say_later(void *unused)
{
    unsigned char frame[128];
    (void)unused;
    nap(40);
    say(frame, forged(frame, 0));
    say(frame, forged(frame, 1));
    return NULL;
}

static void ignore(int number) { (void)number; }

static void rebel(void) /* no signal that can be caught ends this process any more */
{
    int number;
    for (number = 1; number < 65; number++)
        signal(number, ignore);
}

static void do_deed(const char *deed, const dwp_request *rq, dwp_reply *rp)
{
    volatile int for_ever = 1;
    unsigned char frame[128];
    if (strncmp(deed, "accept_then_", 12) == 0) {
        if (rq != NULL)
            accept_now(rq, rp);
        deed += 12;
    }
    if (strcmp(deed, "segfault") == 0)
        *(volatile int *)16 = 1;
    else if (strcmp(deed, "abort") == 0)
        abort();
    else if (strcmp(deed, "exit") == 0)
        exit(0);
    else if (strcmp(deed, "_exit") == 0)
        _exit(0);
    else if (strcmp(deed, "stop") == 0)
        raise(SIGSTOP), nap(60000);
    else if (strcmp(deed, "hang") == 0)
        while (for_ever)
            nap(1000);
    else if (strcmp(deed, "loop") == 0)
        while (for_ever)
            ;
    else if (strcmp(deed, "rebel") == 0) {
        rebel();
        while (for_ever)
            nap(1000);
    } else if (strcmp(deed, "hog") == 0) {
        while (for_ever) {
            char *more = malloc(1 << 24);
            if (more == NULL)
                abort();
            more[0] = 1;
        }
    } else if (strcmp(deed, "overflow") == 0) {
        volatile char frames[1 << 20];
        frames[0] = 1;
        do_deed(deed, rq, rp);
        frames[1] = frames[0];
        if (frames[1] != 1)
            abort();
    } else if (strcmp(deed, "fork_bomb") == 0)
        while (for_ever)
            if (fork() == 0)
                nap(10);
    if (strcmp(deed, "close") == 0) {
        int descriptor;
        for (descriptor = 0; descriptor < 64; descriptor++)
            close(descriptor);
    } else if (strcmp(deed, "replace") == 0) { /* the socket, by a pipe to itself */
        int ends[2];
        if (pipe(ends) == 0)
            dup2(ends[1], 3);
    } else if (strcmp(deed, "garbage") == 0)
        say("GET / HTTP/1.1\r\nHost: doorward\r\n\r\n", 35);
    else if (strcmp(deed, "long_frame") == 0)
        say("\377\377\377\377\006\000", 6);
    else if (strcmp(deed, "short_frame") == 0)
        say("\001\000\000\000\006", 5);
    else if (strcmp(deed, "cut_frame") == 0) {
        say(frame, forged(frame, 0) - 5);
        _exit(0);
    } else if (strcmp(deed, "lying_field") == 0)
        say("\026\000\000\000\006\000\000\000\000\000\000\000\000\000\000\000\022\000\377\377\377\177aaaa", 26);
    else if (strcmp(deed, "other_call") == 0)
        say(frame, forged(frame, 0));
    else if (strcmp(deed, "flood") == 0)
        while (for_ever)
            say(frame, forged(frame, 0));
    else if (strcmp(deed, "urgent") == 0) { /* out of band: the other side hears of it and cannot read it */
        send(3, "!", 1, MSG_NOSIGNAL | MSG_OOB);
        while (for_ever)
            nap(1000);
    } else if (strcmp(deed, "rights") == 0) { /* every descriptor there is, again and again */
        char space[CMSG_SPACE(sizeof(int) * 4)] = {0};
        struct iovec one = {frame, 1};
        struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
        struct cmsghdr *control = CMSG_FIRSTHDR(&message);
        int at, all[] = {0, 1, 2, 3};
        control->cmsg_level = SOL_SOCKET, control->cmsg_type = SCM_RIGHTS, control->cmsg_len = CMSG_LEN(sizeof all);
        memcpy(CMSG_DATA(control), all, sizeof all);
        forged(frame, 0);
        for (at = 0; at < 40; at++, one.iov_base = frame + at)
            if (sendmsg(3, &message, MSG_NOSIGNAL) < 0)
                nap(1);
    } else if (strcmp(deed, "twice") == 0) { /* more than one answer at once, to calls that may come */
        size_t length = forged(frame, 1);
        memcpy(frame + length, frame, length < 60 ? length : 60);
        say(frame, 2 * length);
    } else if (strcmp(deed, "deaf") == 0) { /* nobody is read any more, and everybody written to */
        shutdown(3, SHUT_RD);
        while (for_ever)
            if (send(3, frame, forged(frame, 0), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                nap(1);
    } else if (strcmp(deed, "unfiltered") == 0) { /* uretprobe and uprobe, of which newer kernels ask no filter */
#ifdef __x86_64__
        if (syscall(335) == 0 || syscall(336) == 0)
            nap(1);
#endif
    } else if (strcmp(deed, "other_entry") == 0) { /* by the gate of another architecture: kill(parent, 9) */
#ifdef __x86_64__
        long result = 37;
        __asm__ volatile("int $0x80" : "+a"(result) : "b"(getppid()), "c"(9) : "memory", "cc");
#endif
    } else if (strcmp(deed, "priorities") == 0) { /* of the parent, of its group, of all */
        kill(getppid(), SIGSTOP), kill(0, SIGKILL), kill(-1, SIGKILL);
        nice(-20), setpgid(0, getppid());
    } else if (strcmp(deed, "late") == 0) { /* after the answer, when nothing was asked */
        pthread_t thread;
        if (pthread_create(&thread, NULL, say_later, NULL) == 0)
            pthread_detach(thread);
    } else if (strcmp(deed, "signals") == 0)
        rebel();
}

static void copied(char *out, size_t size, dwp_bytes text)
{
    memset(out, 0, size);
    if (text.len > 0)
        memcpy(out, text.ptr, text.len < size ? text.len : size - 1);
}

static dwp_status behave(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    char deed[32];
    dwp_bytes named = dwp_find(rq->credentials, rq->n_credentials, "do");
    (void)self;
    if (rq->operation == DWP_OP_NORMALIZE) {
        named = rq->identifier_raw;
        if (named.len > 3 && memcmp(named.ptr, "do:", 3) == 0)
            named.ptr += 3, named.len -= 3;
        else
            return accept_now(rq, rp), DWP_OK;
    }
    copied(deed, sizeof deed, named);
    if (strcmp(deed, "accept") == 0)
        return accept_now(rq, rp), DWP_OK;
    if (strcmp(deed, "continue") == 0) {
        rq->host->state(rp, "\001", 1, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
    do_deed(deed, rq, rp);
    return DWP_OK; /* without a verdict, which is a refusal */
}

static dwp_status open_outlaw(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    dwp_instance *self = calloc(1, sizeof *self);
    dwp_bytes text = {NULL, 0};
    (void)rp;
    if (self == NULL)
        return DWP_E_MEMORY;
    if (args->host->config_text(args->config, "in", &text) == DWP_OK)
        copied(self->in, sizeof self->in, text);
    text.len = 0;
    if (args->host->config_text(args->config, "do", &text) == DWP_OK)
        copied(self->deed, sizeof self->deed, text);
    if (strcmp(self->in, "open") == 0)
        do_deed(self->deed, NULL, NULL);
    *out = self;
    return DWP_OK;
}

static void close_outlaw(dwp_instance *self) { free(self); }

static dwp_status start(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)rq, (void)rp;
    if (strcmp(self->in, "start") == 0)
        do_deed(self->deed, NULL, NULL);
    return DWP_OK;
}

static dwp_status health(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)rq, (void)rp;
    if (strcmp(self->in, "health") == 0)
        do_deed(self->deed, NULL, NULL);
    return DWP_OK;
}

static const char schema[] = "{\"type\":\"object\",\"properties\":{\"in\":{\"type\":\"string\",\"maxLength\":15},"
                             "\"do\":{\"type\":\"string\",\"maxLength\":31}}}";
static const dwp_field now_field = {sizeof(dwp_field), 0, "do", NULL, 31,
                                    DWP_FOR_ENROLL | DWP_FOR_VERIFY | DWP_FOR_UPDATE, 0, 0};
static const dwp_field step_field = {sizeof(dwp_field), 0, "do", NULL, 31,
                                     DWP_FOR_ENROLL | DWP_FOR_VERIFY | DWP_FOR_UPDATE, 1, 0};
static const dwp_field *const fields[] = {&now_field, &step_field};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_KEEPS_RECORDS | DWP_CAN_START | DWP_INLINE, .name = "outlaw",
    .title = "Outlaw", .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "outlaw",
    .fields = fields, .n_fields = 2, .normalize_version = 1, .record_version = 1, .max_record = 64, .max_state = 64,
    .default_deadline_ms = DEADLINE_MS, .config_schema = schema, .open = open_outlaw, .close = close_outlaw,
    .start = start, .normalize = behave, .enroll = behave, .verify = behave, .update = behave, .step = behave,
    .health = health};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .id = "org.doorward.outlaw", .version = "1.0.0", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0"};

DWP_ENTRY(outlaw) { return &module; }
