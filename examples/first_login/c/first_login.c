/* The first sign-up and sign-in. Build: cc first_login.c $(pkg-config --cflags --libs doorward) */
#include <doorward.h>
#include <stdio.h>

int main(void)
{
    doorward_config *config = NULL;
    doorward_ctx *auth = NULL;
    doorward_answer *user = NULL, *session = NULL;
    doorward_error *error = NULL;
    doorward_field password = {doorward_str("password"), doorward_str("plum tractors hum at noon")};
    doorward_bytes settings = doorward_str("database = 'sqlite:doorward.db'\n[provider.email]\nkind = 'password'\n");

    int ok = !doorward_config_new(&config, &error) && !doorward_config_load(config, settings, &error) &&
             !doorward_open(config, &auth, &error) && !doorward_start(auth, &error) &&
             !doorward_create_user(auth, doorward_str("email"), doorward_str("ada@example.com"), &password, 1, NULL, NULL,
                                   &user, &error) &&
             !doorward_create_session(auth, doorward_answer_proof(user), NULL, NULL, &session, &error);

    size_t count = 0;
    const doorward_field *headers = doorward_answer_headers(session, &count);
    for (size_t i = 0; i < count; i++) printf("%s: %s\n", headers[i].name.ptr, headers[i].value.ptr);
    if (!ok) fprintf(stderr, "doorward: %s\n", error ? doorward_error_message(error, NULL) : "refused");

    doorward_error_free(error);
    doorward_answer_free(session);
    doorward_answer_free(user);
    doorward_ctx_free(auth);
    doorward_config_free(config);
    return !ok;
}
