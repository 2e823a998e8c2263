/* The first sign-up and sign-in. Build: cc first_login.c $(pkg-config --cflags --libs doorward) */
#include <doorward.h>
#include <stdio.h>
#define S doorward_str

int main(void)
{
    doorward_pair password = {S("password"), S("plum tractors hum at noon")};
    doorward_auth *auth = NULL;
    doorward_config *config = doorward_config_new();
    doorward_config_load(config, S("database = 'sqlite:doorward.db'\n[provider.email]\nkind = 'password'\n"));

    doorward_answer answer = doorward_open(config, &auth);
    if (doorward_ok(answer)) doorward_then(&answer, doorward_start(auth));
    if (doorward_ok(answer)) doorward_then(&answer, doorward_create_user(auth, S("email"), S("ada@example.com"), &password, 1, NULL));
    if (doorward_ok(answer)) doorward_then(&answer, doorward_create_session(auth, doorward_answer_proof(answer), NULL));

    int failed = !doorward_ok(answer);
    if (failed) fprintf(stderr, "doorward: %s\n", doorward_answer_message(answer));
    doorward_pairs headers = doorward_answer_headers(answer);
    for (size_t i = 0; i < headers.len; i++) printf("%s: %s\n", headers.ptr[i].name.ptr, headers.ptr[i].value.ptr);

    doorward_answer_free(&answer);
    doorward_close(auth);
    doorward_config_free(config);
    return failed;
}
