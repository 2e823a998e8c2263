/* What the subjects read of answers and messages. */
#include "operations.h"

const char *header(const char *name, size_t skip)
{
    size_t i;
    doorward_pairs all = doorward_answer_headers(answer);
    for (i = 0; i < all.len; i++) {
        CHECK(all.ptr[i].value.ptr[all.ptr[i].value.len] == 0);
        if (strcmp(all.ptr[i].name.ptr, name) == 0 && skip-- == 0) return all.ptr[i].value.ptr;
    }
    return NULL;
}

/* A request with the cookies that the last answer set. */
void cookies_of_answer(char *cookie, size_t room)
{
    const char *line;
    size_t i;
    cookie[0] = 0;
    for (i = 0; (line = header("Set-Cookie", i)); i++)
        snprintf(cookie + strlen(cookie), room - strlen(cookie), "%s%.*s", i ? "; " : "", (int)strcspn(line, ";"), line);
}

/* Sends what is due: settles all, and copies the token of the one message of this template, which goes to `address`. */
void mailed(doorward_auth *auth, const char *template_, const char *address, char *token, size_t room)
{
    doorward_answer taken;
    const doorward_delivery *delivery;
    size_t i, found = 0;
    DO(DOORWARD_OK, doorward_take_deliveries(auth, 0, 0));
    taken = keep();
    for (i = 0; (delivery = doorward_answer_delivery(taken, i)); i++) {
        if (strcmp(doorward_delivery_template(delivery).ptr, template_) == 0) {
            doorward_pairs params = doorward_delivery_params(delivery);
            found++;
            CHECK(strcmp(doorward_delivery_address(delivery).ptr, address) == 0 && params.len >= 1);
            CHECK(strcmp(doorward_delivery_channel(delivery).ptr, "email") == 0 && doorward_delivery_realm(delivery).ptr[0] == 0);
            CHECK(strcmp(doorward_delivery_provider(delivery).ptr, strcmp(template_, "limiter.code") == 0 ? "mail" : "email") == 0);
            CHECK(doorward_delivery_user_id(delivery) != NULL);
            CHECK(doorward_delivery_attempts(delivery) == 1 && doorward_delivery_expires_at(delivery) > 0);
            if (token) {
                CHECK(params.len == 1 && strcmp(params.ptr->name.ptr, "token") == 0 && params.ptr->value.len > 20);
                snprintf(token, room, "%s", params.ptr->value.ptr);
            }
        }
        DO(DOORWARD_OK, doorward_settle_delivery(auth, doorward_delivery_id(delivery), doorward_delivery_attempts(delivery), DOORWARD_DELIVERED));
        DO(DOORWARD_ABSENT, doorward_settle_delivery(auth, doorward_delivery_id(delivery), doorward_delivery_attempts(delivery), DOORWARD_DELIVERED));
    }
    CHECK(i == doorward_answer_count(taken) && found == 1);
    doorward_answer_free(&taken);
}

/* Goes on with the flow of the last answer, on this handle. */
doorward_answer go_on(doorward_auth *on, const doorward_pair *with, size_t n)
{
    doorward_answer flow = keep();
    char token[512];
    snprintf(token, sizeof token, "%s", doorward_flow_token(doorward_answer_flow(flow)).ptr);
    doorward_answer_free(&flow);
    return doorward_continue_flow(on, S(token), doorward_span(NULL, 0), with, n);
}

int flow_is(const char *purpose, const char *provider, const doorward_id *user)
{
    const doorward_flow *flow = doorward_answer_flow(answer);
    const doorward_id *whose = doorward_flow_user_id(flow);
    return strcmp(doorward_flow_purpose(flow).ptr, purpose) == 0 && strcmp(doorward_flow_provider(flow).ptr, provider) == 0 &&
           (user ? whose && memcmp(whose, user, 16) == 0 : !whose);
}

int proof_is(const char *purpose)
{
    size_t n;
    return strcmp(text_of(doorward_proof_purpose(doorward_answer_proof(answer)), &n), purpose) == 0 && n == strlen(purpose);
}

/* How many lines set this cookie; the last of them is left in *line. */
size_t sets(doorward_pairs lines_, const char *name, const char **line)
{
    size_t i, found = 0;
    for (i = 0; i < lines_.len; i++)
        if (strcmp(lines_.ptr[i].name.ptr, "Set-Cookie") == 0 && strncmp(lines_.ptr[i].value.ptr, name, strlen(name)) == 0) *line = lines_.ptr[i].value.ptr, found++;
    return found;
}

const char *line_of(doorward_pairs lines_, const char *name)
{
    size_t i;
    for (i = 0; i < lines_.len; i++)
        if (strcmp(lines_.ptr[i].name.ptr, name) == 0) return lines_.ptr[i].value.ptr;
    return NULL;
}
