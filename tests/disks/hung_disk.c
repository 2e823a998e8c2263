/* A disk that hangs: as long as the file $HUNG_DISK is there, no fsync ends, and a byte in it says that one hangs. For
 * LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void hang(void)
{
    const char *while_there = getenv("HUNG_DISK");
    const struct timespec moment = {.tv_nsec = 5000000};
    int told = while_there ? open(while_there, O_WRONLY | O_APPEND) : -1;
    if (told >= 0) {
        if (write(told, "h", 1) != 1) abort();
        close(told);
    }
    while (while_there && access(while_there, F_OK) == 0) nanosleep(&moment, NULL);
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    hang();
    return real(fd);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    hang();
    return real(fd);
}
