// The HTTP surface from C++: what a program writes is a request, a body and what to send.
#include "test.hpp"

struct page : browser {
    doorward::auth auth;
    std::string body;
    int send(std::string_view method, std::string_view target, std::string_view type = "", std::string_view given = "")
    {
        auto on = auth.on(request(method).target(target).header("Content-Type", type));
        auto answer = on.http_handle(given);
        if (answer.status() == DOORWARD_ABSENT) return 0;
        auto response = std::move(answer).value();
        take(response.headers());
        body = std::string(response.body());
        return response.status();
    }
    doorward::request request(std::string_view method) const
    {
        std::string cookies;
        for (const auto &[name, value] : jar) cookies.append(cookies.empty() ? "" : "; ").append(name).append("=").append(value);
        return doorward::request(method, "203.0.113.9").header("Origin", "https://app.example").header("Cookie", cookies);
    }
    bool has(std::string_view words) const { return body.find(words) != std::string::npos; }
};

int main()
{
    auto config = doorward::config();
    config.load("database = 'memory:'\norigins.trusted = ['https://app.example']\npassword.unsafe_fast_hashes = true\n"
                "password.memory_kib = 64\npassword.passes = 1\nprovider.email.kind = 'password'\n");
    auto auth = doorward::auth::open(config).value();
    auth.start().value();
    CHECK(auth.http_wants("POST", "/auth/sign-in") == 65536u);
    CHECK(auth.http_wants("GET", "/auth/session") == 0u);
    CHECK(!auth.http_wants("GET", "/elsewhere"));

    page ann{{}, auth, {}};
    const auto given = "{\"provider\":\"email\",\"identifier\":\"ann@example.com\",\"fields\":{\"password\":\"" + std::string(password) + "\"}}";
    CHECK(ann.send("GET", "/elsewhere") == 0);
    CHECK(ann.send("GET", "/auth/session") == 200 && ann.has("signed_out"));
    CHECK(ann.send("POST", "/auth/sign-up", "application/json", given) == 201 && ann.has("accepted"));
    CHECK(ann.send("GET", "/auth/session") == 200 && ann.has("signed_in"));
    CHECK(ann.send("POST", "/auth/sign-out", "application/json", "{}") == 200);
    CHECK(ann.send("POST", "/auth/sign-in", "application/x-www-form-urlencoded", "provider=email&identifier=ann@example.com&fields.password=wrong") == 303);
    auto shown = auth.on(ann.request("GET")).http_page();
    CHECK(std::move(shown).value().find("refused") != std::string::npos);
    CHECK(auth.on(doorward::request("GET")).http_page().status() == DOORWARD_ABSENT);
    CHECK(auth.http_handle().status() == DOORWARD_E_INVALID_STATE);
    return 0;
}
