/* A disk that hangs: as long as the file $HUNG_DISK is there, no fsync ends. For LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void hang(void)
{
    const char *while_there = getenv("HUNG_DISK");
    const struct timespec moment = {.tv_nsec = 5000000};
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
