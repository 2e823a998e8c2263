/* A program that brings its own SQLite. On another file it does no harm; on Doorward's file it is refused, at the start
 * and while it runs, and whatever was acknowledged is there for a process that sees only the file. */
#include "test.h"
#include <sqlite3.h>
#include <sys/wait.h>
#include <time.h>

/* Opens the file with the other SQLite, and reads, so that it holds descriptors. */
static sqlite3 *other(const char *file)
{
    sqlite3 *db = NULL;
    CHECK(sqlite3_open(file, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) == SQLITE_OK);
    return db;
}

/* How many users a process that has nothing else open finds. */
static int users_in_a_fresh_process(void)
{
    int status, users = -1;
    FILE *told;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "second_sqlite", "count", NULL);
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK((told = fopen("count.txt", "r")) && fscanf(told, "%d", &users) == 1 && fclose(told) == 0);
    return users;
}

static void expect_users(int acknowledged)
{
    int found = users_in_a_fresh_process();
    if (found != acknowledged) fprintf(stderr, "%d users were acknowledged, %d are there\n", acknowledged, found);
    CHECK(found == acknowledged);
}

static int count(void)
{
    doorward_auth *auth = test_open("sqlite:mine.db");
    FILE *tell = fopen("count.txt", "w");
    DO(DOORWARD_OK, doorward_start(auth));
    DO(DOORWARD_OK, doorward_stats(auth));
    CHECK(tell && fprintf(tell, "%d\n", (int)doorward_answer_stats(answer)->users) > 0 && fclose(tell) == 0);
    forget();
    doorward_close(auth);
    return 0;
}

int main(int argc, char **argv)
{
    doorward_auth *auth;
    sqlite3 *db, *theirs;
    char address[64];
    int acknowledged = 0, i;
    time_t until;

    if (argc == 2 && strcmp(argv[1], "count") == 0) return count();
    CHECK(sqlite3_libversion_number() > 0);

    /* A file of its own: both work side by side. */
    theirs = other("theirs.db");
    CHECK(sqlite3_exec(theirs, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", NULL, NULL, NULL) == SQLITE_OK);
    auth = test_open("sqlite:mine.db");
    DO(DOORWARD_OK, doorward_start(auth));
    for (i = 0; i < 5; i++, acknowledged++) {
        snprintf(address, sizeof address, "before%d@example.com", i);
        sign_up(auth, address);
    }
    CHECK(sqlite3_exec(theirs, "INSERT INTO t VALUES (2)", NULL, NULL, NULL) == SQLITE_OK);

    /* The same file, while Doorward runs: found within about a second, then refused. */
    db = other("mine.db");
    for (until = time(NULL) + 30, i = 0;; i++) {
        doorward_pair password = {S("password"), S(PASSWORD)};
        doorward_auth *trusted = doorward_trusted(auth);
        snprintf(address, sizeof address, "during%d@example.com", i);
        doorward_then(&answer, doorward_create_user(trusted, S("email"), S(address), &password, 1, NULL));
        doorward_close(trusted);
        if (answer.status == DOORWARD_E_STORE_SHARED_IN_PROCESS) break;
        CHECK(doorward_ok(answer) && time(NULL) < until);
        acknowledged++;
    }
    CHECK(strstr(doorward_answer_message(answer), "mine.db"));
    sqlite3_close(db);
    forget();
    doorward_close(auth);
    expect_users(acknowledged);

    /* The same file, before Doorward starts: refused at the start, naming the file. */
    db = other("mine.db");
    auth = test_open("sqlite:mine.db");
    DO(DOORWARD_E_STORE_SHARED_IN_PROCESS, doorward_start(auth));
    CHECK(strstr(doorward_answer_message(answer), "mine.db"));
    sqlite3_close(db);
    DO(DOORWARD_OK, doorward_start(auth)); /* gone: it works */
    sign_up(auth, "after@example.com");
    acknowledged++;
    forget();
    doorward_close(auth);
    expect_users(acknowledged);
    sqlite3_close(theirs);
    return 0;
}
