/* The first sign-up and sign-in. Build: cc first_login.c $(pkg-config --cflags --libs doorward) */
#include <doorward.h>
#include <stdio.h>

static int failed(doorward_error *error)
{
    fprintf(stderr, "doorward: %s\n", error ? doorward_error_message(error, NULL) : "refused");
    return 1;
}

int main(void)
{
    doorward_config *config;
    doorward_ctx *auth;
    doorward_answer *user, *session;
    doorward_error *error;
    doorward_field password = {doorward_str("password"), doorward_str("plum tractors hum at noon")};
    doorward_bytes settings = doorward_str("database = 'sqlite:doorward.db'\n[provider.email]\nkind = 'password'\n");

    if (doorward_config_new(&config, &error) || doorward_config_load(config, settings, &error)) return failed(error);
    if (doorward_open(config, &auth, &error) || doorward_start(auth, &error)) return failed(error);
    if (doorward_create_user(auth, doorward_str("email"), doorward_str("ada@example.com"), &password, 1, NULL, NULL,
                             &user, &error)) return failed(error);
    if (doorward_create_session(auth, doorward_answer_proof(user), NULL, NULL, &session, &error)) return failed(error);

    size_t n;
    const doorward_field *header = doorward_answer_headers(session, &n);
    while (n--) printf("%s: %s\n", header->name.ptr, header->value.ptr), header++;

    doorward_answer_free(session);
    doorward_answer_free(user);
    doorward_ctx_free(auth);
    doorward_config_free(config);
    return 0;
}
