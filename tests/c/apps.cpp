// Apps under attack: what a browser sends is no app's, what an app is answered is no cookie, and what came twice is
// nobody's.
#include "test.hpp"

#include <initializer_list>
#include <utility>
#include <vector>

using doorward::auth;
using doorward::lines;
using doorward::result;
using line = std::pair<std::string, std::string>;

static constexpr std::string_view ann = "ann@example.com", other = "another tram under another moon";

// Without a second factor, or with passkeys as one.
static auth opened(bool passkeys)
{
    auto whole = auth::open(doorward::config()
                                .load("database = 'memory:'\n[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n"
                                      "[origins]\ntrusted = ['https://app.example']\n[provider.email]\nkind = 'password'\n"
                                      "[provider.passkey]\nkind = 'passkey'\n")
                                .set("plugin.claims.path", std::getenv("CLAIMS"))
                                .set("policy.second_factor", passkeys ? "['passkey']" : "[]"))
                     .value();
    whole.start().value();
    return whole;
}

static auth with(const auth &whole, const std::vector<line> &headers)
{
    doorward::request request("POST", "192.0.2.7");
    for (const auto &[name, value] : headers) request.header(name, value);
    return whole.on(request);
}

static auth app(const auth &whole, std::vector<line> more = {})
{
    more.insert(more.begin(), {"Doorward-Client", "app"});
    return with(whole, more);
}

static result<doorward::proof> sign_in(const auth &on, std::string_view secret = password)
{
    return on.authenticate("email", ann, {{"password", secret}});
}

static std::string bearer(const doorward::session &session) { return std::string("Bearer ").append(session.access_token()); }

static bool is_live(const auth &whole, const doorward::session &session)
{
    return whole.trusted().validate_session(session.access_token()).ok();
}

static std::string token_of(const auth &whole, std::string_view message)
{
    std::string token;
    for (const auto &one : whole.trusted().take_deliveries().value()) {
        auto params = one.params();
        if (one.template_name() == message) token = params.find("token").value();
        whole.trusted().settle_delivery(one.id(), one.attempts(), DOORWARD_DELIVERED).value();
    }
    return token;
}

// Neither the answer nor the handle has a line for a browser's jar.
template <class T>
static result<T> without_cookies(const auth &on, result<T> answer)
{
    for (const auto &of : {answer.headers(), on.headers()})
        for (auto line : of) CHECK(line.name != "Set-Cookie");
    return answer;
}

// Everything that sets or clears a cookie for a browser.
static void no_answer_to_an_app_has_a_cookie()
{
    auto whole = opened(false);
    auto on = app(whole);
    auto proof = without_cookies(on, on.create_user("email", ann, {{"password", password}})).value();
    auto session = without_cookies(on, on.create_session(proof)).value();
    CHECK(!session.access_token().empty() && !session.refresh_token().empty());
    auto mine = [&] { return app(whole, {{"Authorization", bearer(session)}}); };
    on = mine();
    auto caller = without_cookies(on, on.check_request()).value();
    CHECK(caller.session()->id() == session.id());
    on = mine();
    auto changed = without_cookies(on, on.update_credentials(whole.trusted().session_proof(session).value(), "email", {{"password", other}}));
    CHECK(changed.ok() && changed.headers().size() > 0);
    auto lines = changed.headers();
    CHECK(lines.find("Doorward-Device"));
    on = app(whole);
    on.request_token("recovery", "email", ann).value();
    auto recovered = without_cookies(on, on.update_credentials_with_token(token_of(whole, "recovery"), "email", {{"password", password}}));
    lines = recovered.headers();
    CHECK(recovered.ok() && lines.find("Doorward-Device"));
    // The session is over: a browser's cookies would be cleared.
    on = mine();
    CHECK(without_cookies(on, on.resume_request()).status() == DOORWARD_SIGNED_OUT);
    on = mine();
    CHECK(without_cookies(on, on.check_request()).status() == DOORWARD_SIGNED_OUT);
    // Ended by its bearer token, and by a token in hand.
    for (bool in_hand : {false, true}) {
        on = app(whole);
        session = on.create_session(sign_in(on).value()).value();
        on = in_hand ? app(whole) : mine();
        auto ended = in_hand ? on.end_session(session.access_token()) : on.end_session();
        CHECK(without_cookies(on, std::move(ended)).value() == 1 && !is_live(whole, session));
    }
    whole.stop().value();
}

// A page of another origin makes its visitor's browser send what it likes: never without an origin or what a browser says of
// where a request comes from.
static void a_page_that_says_it_is_an_app_is_a_page()
{
    auto whole = opened(false);
    whole.trusted().create_user("email", ann, {{"password", password}}).value();
    auto on = app(whole);
    auto session = on.create_session(sign_in(on).value()).value();
    const line cookie{"Cookie", std::string("__Host-doorward-access=").append(session.access_token())};
    const line authorization{"Authorization", bearer(session)}, evil{"Origin", "https://evil.example"};
    const line pages[] = {evil, {"Origin", "null"}, {"Origin", ""}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Cookie", ""}, cookie};
    for (const auto &page : pages) {
        on = app(whole, {page});
        CHECK(sign_in(on).status() == DOORWARD_REQUEST_REFUSED && on.headers().empty());
        // What the attacker's own app was given binds nobody's browser.
        CHECK(sign_in(app(whole, {page, {"Doorward-Flow", "AAAA"}, {"Doorward-Device", "AAAA"}})).status() == DOORWARD_REQUEST_REFUSED);
    }
    // Bearer and a session cookie: the bearer is meant, and the origin is checked, app or not.
    CHECK(app(whole, {authorization, cookie}).end_session().status() == DOORWARD_REQUEST_REFUSED);
    CHECK(app(whole, {authorization, cookie, evil}).end_session().status() == DOORWARD_REQUEST_REFUSED);
    CHECK(with(whole, {authorization, cookie}).end_session().status() == DOORWARD_REQUEST_REFUSED);
    CHECK(is_live(whole, session));
    // Said twice, or with anything else, it is not said.
    for (auto client : {"app, app", "APP", "web", ""}) CHECK(sign_in(with(whole, {{"Doorward-Client", client}})).status() == DOORWARD_REQUEST_REFUSED);
    CHECK(sign_in(app(whole, {{"Doorward-Client", "app"}})).status() == DOORWARD_REQUEST_REFUSED);
    CHECK(sign_in(with(whole, {{"Doorward-Client", "app "}})).ok());
    whole.stop().value();
}

// The binding of a flow and the mark of a known device are the app's where it is one, and the browser's cookies elsewhere.
static void bindings_that_came_twice_or_of_the_other_sort_bind_nothing()
{
    auto whole = opened(true);
    auto trusted = whole.trusted();
    auto proof = trusted.create_user("email", ann, {{"password", password}}).value();
    trusted.request_token("verify", "email", ann, &proof).value();
    trusted.consume_token(token_of(whole, "verify"), &proof).value();
    auto enrolling = trusted.begin_enrollment("passkey", {}, &proof);
    trusted.continue_flow(enrolling.flow()->token(), std::nullopt, {{"id", "k1"}}).value();
    // A flow that an app began, and its binding.
    auto begin = [&] {
        auto on = app(whole);
        auto begun = without_cookies(on, sign_in(on));
        CHECK(begun.status() == DOORWARD_CONTINUE);
        auto said = begun.headers();
        return std::pair(std::string(begun.flow()->token()), line("Doorward-Flow", said.find("Doorward-Flow").value()));
    };
    auto go_on = [](const auth &on, const std::string &flow) { return on.continue_flow(flow, std::nullopt, {{"id", "k1"}}).status(); };
    {
        auto [flow, bound] = begin();
        CHECK(go_on(app(whole, {bound}), flow) == DOORWARD_OK);
    }
    {
        auto [flow, bound] = begin();
        CHECK(go_on(app(whole, {bound, bound}), flow) == DOORWARD_REFUSED);
    }
    {
        auto [flow, bound] = begin();
        CHECK(go_on(app(whole), flow) == DOORWARD_REFUSED);
    }
    {
        auto [flow, bound] = begin();
        auto [foreign, unused] = begin();
        (void)unused;
        CHECK(go_on(app(whole, {bound}), foreign) == DOORWARD_REFUSED);
    }
    // A page sends the app's header.
    {
        auto [flow, bound] = begin();
        CHECK(go_on(with(whole, {{"Origin", "https://app.example"}, bound}), flow) == DOORWARD_REFUSED);
    }
    // An app without what is a browser's cookie, and with it twice.
    for (int times : {0, 2}) {
        browser visitor;
        auto on = whole.on(visitor.request());
        auto begun = sign_in(on);
        visitor.take(on.headers());
        line cookie("Doorward-Flow", visitor.jar.at("__Host-doorward-flow"));
        CHECK(go_on(app(whole, std::vector<line>(static_cast<size_t>(times), cookie)), std::string(begun.flow()->token())) == DOORWARD_REFUSED);
    }
    // The mark of a device, twice or as the cookie of a page that says it is an app, is no mark: nobody is let in by it, and
    // the answer to the app is as to a new one.
    auto on = app(whole, {{"Doorward-Device", "AAAA"}, {"Doorward-Device", "AAAA"}});
    CHECK(without_cookies(on, sign_in(on)).status() == DOORWARD_CONTINUE);
    whole.stop().value();
}

int main()
{
    no_answer_to_an_app_has_a_cookie();
    a_page_that_says_it_is_an_app_is_a_page();
    bindings_that_came_twice_or_of_the_other_sort_bind_nothing();
    return 0;
}
