/* The HTTP surface from C: what it wants, what it answers, what it says of a program's mistakes. */
#include "test.h"

static doorward_auth *auth;
static char cookie[4096];

/* One request; what it gave is the last answer. */
static void ask(doorward_status want, const char *method, const char *target, const char *type, doorward_bytes body)
{
    doorward_pair headers[] = {{S("Origin"), S("https://app.example")}, {S("Cookie"), S(cookie)}, {S("Content-Type"), S(type)}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    request.method = S(method), request.target = S(target), request.peer = S("203.0.113.9");
    request.headers = headers, request.n_headers = 3;
    DO(want, doorward_http_handle(on_request(auth, &request), body));
}

/* The value of a header line of the last answer; NULL: it has none. */
static const char *line(const char *name)
{
    doorward_pairs lines = doorward_answer_headers(answer);
    for (size_t i = 0; i < lines.len; i++)
        if (strcmp(lines.ptr[i].name.ptr, name) == 0) return lines.ptr[i].value.ptr;
    return NULL;
}

static void take_cookies(void)
{
    doorward_pairs lines = doorward_answer_headers(answer);
    cookie[0] = 0;
    for (size_t i = 0; i < lines.len; i++)
        if (strcmp(lines.ptr[i].name.ptr, "Set-Cookie") == 0)
            snprintf(cookie + strlen(cookie), sizeof cookie - strlen(cookie), "%s%.*s", cookie[0] ? "; " : "",
                     (int)strcspn(lines.ptr[i].value.ptr, ";"), lines.ptr[i].value.ptr);
}

static void wants(void)
{
    CHECK(doorward_http_wants(auth, S("POST"), S("/auth/sign-in")) == 65536);
    CHECK(doorward_http_wants(auth, S("GET"), S("/auth/session?a=b")) == 0);
    CHECK(doorward_http_wants(auth, S("POST"), S("/auth/nothing")) == 0);
    CHECK(doorward_http_wants(auth, S("POST"), S("/elsewhere")) == -1);
    CHECK(doorward_http_wants(auth, S("POST"), doorward_span(NULL, 0)) == -1);
    CHECK(doorward_http_wants(auth, doorward_span("G\0T", 3), doorward_span("/auth/\0\xff", 8)) == 0);
    CHECK(doorward_http_wants(NULL, S("POST"), S("/auth/sign-in")) == -1);
}

static void a_sign_up_and_a_sign_out(void)
{
    size_t len;
    ask(DOORWARD_OK, "POST", "/auth/sign-up", "application/json",
        S("{\"provider\":\"email\",\"identifier\":\"ann@example.com\",\"fields\":{\"password\":\"" PASSWORD "\"}}"));
    CHECK(doorward_answer_http_status(answer) == 201);
    CHECK(strstr(text_of(doorward_answer_body(answer), &len), "\"outcome\":\"accepted\"") && len > 100);
    CHECK(strcmp(line("Content-Type"), "application/json") == 0 && strcmp(line("Cache-Control"), "no-store") == 0);
    take_cookies();
    ask(DOORWARD_OK, "GET", "/auth/session", "", doorward_span(NULL, 0));
    CHECK(doorward_answer_http_status(answer) == 200 && strstr(doorward_answer_body(answer).ptr, "\"signed_in\""));
    ask(DOORWARD_OK, "HEAD", "/auth/session", "", doorward_span(NULL, 0));
    CHECK(doorward_answer_body(answer).len == 0 && doorward_answer_body(answer).ptr[0] == 0);
    ask(DOORWARD_OK, "POST", "/auth/sign-out", "application/json", S("{}"));
    CHECK(strcmp(line("Clear-Site-Data"), "\"cache\"") == 0);
    ask(DOORWARD_OK, "POST", "/auth/sign-in", "text/plain", S("{}"));
    CHECK(doorward_answer_http_status(answer) == 415 && strcmp(line("Content-Type"), "application/problem+json") == 0);
    ask(DOORWARD_OK, "PUT", "/auth/sign-in", "application/json", S("{}"));
    CHECK(doorward_answer_http_status(answer) == 405 && strcmp(line("Allow"), "POST, OPTIONS") == 0);
    ask(DOORWARD_ABSENT, "GET", "/elsewhere", "", doorward_span(NULL, 0));
    CHECK(doorward_answer_http_status(answer) == 404 && doorward_answer_body(answer).len == 0 && doorward_answer_headers(answer).len == 0);
    cookie[0] = 0;
}

static void what_the_view_has_is_the_response(void)
{
    doorward_pair headers[] = {{S("Origin"), S("https://app.example")}, {S("Content-Type"), S("application/json")}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_auth *on;
    doorward_pairs ours, lines;
    request.method = S("POST"), request.target = S("/auth/sign-in"), request.headers = headers, request.n_headers = 2;
    on = doorward_on(auth, &request);
    DO(DOORWARD_OK, doorward_http_handle(on, S("{\"provider\":\"email\",\"identifier\":\"ann@example.com\",\"fields\":{\"password\":\"" PASSWORD "\"}}")));
    CHECK(doorward_answer_http_status(answer) == 200);
    ours = doorward_headers(on), lines = doorward_answer_headers(answer);
    CHECK(ours.len == lines.len && lines.len > 8);
    for (size_t i = 0; i < lines.len; i++) {
        size_t found = 0;
        for (size_t j = 0; j < ours.len; j++)
            found += strcmp(ours.ptr[j].name.ptr, lines.ptr[i].name.ptr) == 0 && strcmp(ours.ptr[j].value.ptr, lines.ptr[i].value.ptr) == 0;
        CHECK(found == 1);
    }
    doorward_close(on);
}

static void a_form_and_its_page(void)
{
    doorward_pair headers[] = {{S("Cookie"), {NULL, 0}}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_auth *on;
    ask(DOORWARD_OK, "POST", "/auth/sign-in", "application/x-www-form-urlencoded", S("provider=email&identifier=ann@example.com&fields.password=wrong"));
    CHECK(doorward_answer_http_status(answer) == 303 && strcmp(line("Location"), "/sign-in") == 0);
    take_cookies();
    request.method = S("GET"), request.headers = headers, request.n_headers = 1;
    headers[0].value = S(cookie);
    on = doorward_on(auth, &request);
    DO(DOORWARD_OK, doorward_http_page(on));
    CHECK(strstr(doorward_answer_text(answer).ptr, "\"refused\""));
    CHECK(doorward_headers(on).len == 2); /* no-store, and the cookie that is gone */
    doorward_close(on);
    headers[0].value = S("a=b");
    DO(DOORWARD_ABSENT, doorward_http_page(on_request(auth, &request)));
    DO(DOORWARD_E_INVALID_STATE, doorward_http_page(auth));
    cookie[0] = 0;
}

static void mistakes_of_the_program(void)
{
    doorward_request request = DOORWARD_REQUEST_INIT;
    request.method = S("GET");
    DO(DOORWARD_E_INVALID_STATE, doorward_http_handle(on_request(auth, &request), doorward_span(NULL, 0)));
    CHECK(strstr(doorward_answer_message(answer), "target"));
    DO(DOORWARD_E_INVALID_STATE, doorward_http_handle(auth, doorward_span(NULL, 0)));
    DO(DOORWARD_E_INVALID_ARGUMENT, doorward_http_handle(NULL, doorward_span(NULL, 0)));
    request.target = S("/auth/session");
    DO(DOORWARD_E_INVALID_ARGUMENT, doorward_http_handle(on_request(auth, &request), doorward_span("", (size_t)1 << 40)));
    CHECK(doorward_answer_body(answer).len == 0 && doorward_answer_body(answer).ptr[0] == 0);
}

int main(void)
{
    auth = test_open("memory:");
    DO(DOORWARD_OK, doorward_start(auth));
    wants();
    a_sign_up_and_a_sign_out();
    what_the_view_has_is_the_response();
    a_form_and_its_page();
    mistakes_of_the_program();
    on_request(auth, NULL);
    forget();
    doorward_close(auth);
    return 0;
}
