/* Faults of a disk, for the process that preloads this: on files whose name has DOORWARD_FAULTS_FILE in it, one of so many
 * calls fails. DOORWARD_FAULTS is "KIND N SEED":
 *
 *   write     pwrite fails with EIO            full      pwrite fails with ENOSPC
 *   short     pwrite writes a half             truncate  ftruncate fails with EIO
 *   sync      fsync and fdatasync fail (EIO)   lie       pwrite says that it has written, and has not
 *   moved     before fsync or fdatasync of a log its database gets another name: `.aside` behind its own
 *
 * DOORWARD_FAULTS_SWITCH is a file of two numbers of eight bytes: not 0 while there are faults, and how many there were.
 * Where N is 0 the first one says which of the calls to come fails, that one alone: it is counted down to 0. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static char kind[16];
static unsigned one_in = 1;
static _Atomic uint64_t seed = 1;
static const char *wanted;
static _Atomic uint64_t *switched;

__attribute__((constructor)) static void begin(void) {
    const char *faults = getenv("DOORWARD_FAULTS"), *path = getenv("DOORWARD_FAULTS_SWITCH");
    unsigned long long number = 1;
    wanted = getenv("DOORWARD_FAULTS_FILE");
    if (!faults || !path || !wanted || sscanf(faults, "%15s %u %llu", kind, &one_in, &number) != 3) return;
    seed = number;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *shared = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared != MAP_FAILED) switched = shared;
}

/* Whether this call is to fail. */
static int strikes(int fd, const char *asked) {
    if (strcmp(kind, asked) != 0 || !switched || !switched[0]) return 0;
    char link[64], name[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return 0;
    name[length] = 0;
    if (!strstr(name, wanted)) return 0;
    if (!one_in) {
        if (--switched[0]) return 0;
        switched[1]++;
        return 1;
    }
    uint64_t draw = atomic_fetch_add(&seed, 0x9e3779b97f4a7c15u); /* splitmix64 */
    draw = (draw ^ (draw >> 30)) * 0xbf58476d1ce4e5b9u;
    draw = (draw ^ (draw >> 27)) * 0x94d049bb133111ebu;
    if ((draw ^ (draw >> 31)) % one_in != 0) return 0;
    switched[1]++;
    return 1;
}

static int fail(int error) {
    errno = error;
    return -1;
}

/* What libc has under this name; finding it twice does no harm. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    if (strikes(fd, "write")) return fail(EIO);
    if (strikes(fd, "full")) return fail(ENOSPC);
    if (strikes(fd, "lie")) return (ssize_t)count;
    if (count > 1 && strikes(fd, "short")) count /= 2;
    return REAL(pwrite64)(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

/* The log's database is renamed under whoever commits. */
static void move_away(int fd) {
    char link[64], name[PATH_MAX], aside[PATH_MAX + 8];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 4 || memcmp(name + length - 4, "-wal", 4) != 0) return;
    name[length - 4] = 0;
    snprintf(aside, sizeof aside, "%s.aside", name);
    rename(name, aside);
}

int fsync(int fd) {
    if (strikes(fd, "moved")) move_away(fd);
    return strikes(fd, "sync") ? fail(EIO) : REAL(fsync)(fd);
}

int fdatasync(int fd) {
    if (strikes(fd, "moved")) move_away(fd);
    return strikes(fd, "sync") ? fail(EIO) : REAL(fdatasync)(fd);
}

int ftruncate64(int fd, off64_t length) {
    return strikes(fd, "truncate") ? fail(EIO) : REAL(ftruncate64)(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
