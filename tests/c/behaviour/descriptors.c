/* Descriptors that a program closes, though it has not opened them. */
#include "behaviour.h"

#include <fcntl.h>

/* The descriptor of this process that leads to such a file, or -1. */
static int descriptor_of(const char *part)
{
    char path[300], target[300];
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    int found = -1;
    CHECK(folder);
    while ((entry = readdir(folder))) {
        snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t len = readlink(path, target, sizeof target - 1);
        if (len > 0 && (target[len] = 0, strstr(target, part))) found = atoi(entry->d_name);
    }
    closedir(folder);
    return found;
}

/* A program that closes, between open and start, what it has not opened, and a stranger's file on the number. */
void closed_descriptors(void)
{
    doorward_auth *auth = test_open("memory:");
    int mine = descriptor_of("doorward-hashing");
    CHECK(mine >= 0 && close(mine) == 0);
    CHECK(open("/dev/null", O_RDWR | O_CLOEXEC) == mine);
    DO(DOORWARD_E_INVALID_STATE, doorward_start(auth));
    CHECK(strstr(doorward_answer_message(answer), "closefrom"));
    doorward_close(auth);
    CHECK(fcntl(mine, F_GETFD) >= 0 && close(mine) == 0);
}
