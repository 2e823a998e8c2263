// The C++ wrapper: values, outcomes, moves, callbacks, requests, and a queue.
#include "test.hpp"

#include <thread>
#include <type_traits>

#include <poll.h>

using namespace std::string_view_literals;

// Counts what is allocated on this thread.
static thread_local size_t allocations = 0;
void *operator new(size_t size)
{
    allocations++;
    if (void *memory = std::malloc(size ? size : 1)) return memory;
    std::abort();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

// A request is made for each call: its copies cost a few allocations, not one for each name and value.
static void requests_are_cheap()
{
    size_t before = allocations;
    auto request = doorward::request("POST", "203.0.113.9");
    for (int i = 0; i < 16; i++) request.header("X-A-Header-With-A-Name", "and a value that fits no small string");
    CHECK(allocations - before <= 3);
}

static_assert(!std::is_copy_constructible_v<doorward::result<doorward::proof>>);
static_assert(std::is_nothrow_move_constructible_v<doorward::result<doorward::proof>>);
static_assert(!std::is_constructible_v<bool, doorward::result<doorward::proof>>, "an outcome is no truth value");
static_assert(!std::is_copy_constructible_v<doorward::queue> && std::is_nothrow_move_constructible_v<doorward::queue>);
static_assert(std::is_copy_constructible_v<doorward::session> && std::is_copy_constructible_v<doorward::auth>);

// Owned copies of what a result or a message has.
template <class T>
static std::string purpose_of(const doorward::result<T> &of)
{
    auto value = of.value();
    return std::string(value.purpose());
}
template <class T>
static std::string reason_of(const doorward::result<T> &of) { return std::string(of.reason()); }
static std::string token_of(const doorward::delivery &message)
{
    auto params = message.params();
    return std::string(params.find("token").value());
}

// What a flow or a proof is for, on a handle that is bound to each request and writes the final cookies once.
static void on_requests()
{
    auto whole = doorward::auth::open(doorward::config()
                                          .load("database = 'memory:'\n[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n"
                                                "[session]\nunsafe_short_lifetimes = true\n[origins]\ntrusted = ['https://app.example']\n"
                                                "[policy]\nsecond_factor = ['passkey']\ncurrent_password = 'always'\n"
                                                "[provider.email]\nkind = 'password'\n[provider.github]\nkind = 'issuer'\n"
                                                "[provider.passkey]\nkind = 'passkey'\n")
                                          .set("plugin.claims.path", std::getenv("CLAIMS")))
                     .value();
    auto auth = whole.trusted();
    auth.start().value();

    auto up = auth.create_user("passkey", "Eve", {});
    CHECK(up.status() == DOORWARD_CONTINUE && up.flow()->purpose() == "sign_up" && up.flow()->provider() == "passkey" && !up.flow()->user_id());
    CHECK(purpose_of(auth.continue_flow(up.flow()->token(), std::nullopt, {{"id", "k0"}})) == "sign_in");

    auto proof = auth.create_user("email", "pat@example.com", {{"password", password}}).value();
    auto user = proof.user_id();
    auth.request_token("verify", "email", "pat@example.com", &proof).value();
    for (const auto &message : auth.take_deliveries().value())
        if (message.template_name() == "verify") auth.consume_token(token_of(message), &proof).value();
    auto enrolling = auth.begin_enrollment("passkey", {}, &proof);
    CHECK(enrolling.flow()->purpose() == "enroll" && enrolling.flow()->user_id() == user);
    proof = auth.continue_flow(enrolling.flow()->token(), std::nullopt, {{"id", "k1"}}).value();
    auto linking = auth.begin_link(proof, "github", std::nullopt, {});
    CHECK(linking.flow()->purpose() == "link" && linking.flow()->provider() == "github" && linking.flow()->user_id() == user);

    // The current password goes along with a new one.
    auto changed = auth.update_credentials(proof, "email", {{"password", "another tram under another moon"}});
    CHECK(changed.status() == DOORWARD_E_PROOF_REQUIRED && changed.what() == "current");
    CHECK(auth.update_credentials(proof, "email", {{"password", "another tram under another moon"}, {"current", "not this one"}}).status() == DOORWARD_REFUSED);
    proof = auth.update_credentials(proof, "email", {{"password", "another tram under another moon"}, {"current", password}}).value();

    // Sign-in and step-up: each on its own request, whose lines are sent once.
    browser pat;
    auto on = whole.on(pat.request());
    auto in = on.authenticate("email", "pat@example.com", {{"password", "another tram under another moon"}});
    CHECK(in.flow()->purpose() == "sign_in" && on.headers().size() == in.headers().size());
    pat.take(on.headers());
    on = whole.on(pat.request());
    auto both = on.continue_flow(in.flow()->token(), std::nullopt, {{"id", "k1"}}).value();
    CHECK(both.purpose() == "sign_in");
    doorward::new_session brief;
    brief.access_ttl = doorward::duration(1);
    auto session = on.create_session(both, brief).value();
    CHECK(purpose_of(on.session_proof(session)) == "session");
    pat.take(on.headers());
    auto refresh = pat.jar.at("__Host-doorward-refresh");
    CHECK(refresh == session.refresh_token());
    pat.jar["__Host-doorward-access"] = std::string(session.access_token()); // a browser drops it; ours asks with it

    on = whole.on(pat.request());
    CHECK(on.resume_request().ok());
    auto resumed = on.headers();
    CHECK(resumed.size() == 2 && resumed[0].name == "Cache-Control");
    auto before = std::string(resumed[1].value);
    auto stepping = on.authenticate("passkey", std::nullopt, {});
    CHECK(stepping.flow()->purpose() == "step_up" && stepping.flow()->user_id() == user);
    auto copy = on; // shares what the handle remembers
    pat.take(copy.headers());
    on = whole.on(pat.request());
    CHECK(on.resume_request().ok());
    auto stepped = on.continue_flow(stepping.flow()->token(), std::nullopt, {{"id", "k1"}}).value();
    CHECK(stepped.purpose() == "step_up");
    auto next = on.create_session(stepped).value();
    pat.take(on.headers()); // newest last, each name once, though the resume before wrote the old one's
    CHECK(pat.jar.at("__Host-doorward-refresh") == next.refresh_token() && pat.jar.at("__Host-doorward-access") == next.access_token());
    CHECK(pat.jar.at("__Host-doorward-refresh") != refresh && resumed[1].value == before);
    on = whole.on(pat.request());
    CHECK(reason_of(on.check_request()) == "expired_refreshable" && on.headers().empty()); // its lifetimes are copied
    auto once_more = on.resume_request().value();
    CHECK(once_more.session()->id() == next.id());
    CHECK(on.end_session().value() == 1);
    pat.take(on.headers());
    CHECK(!pat.jar.count("__Host-doorward-refresh") && !pat.jar.count("__Host-doorward-access") && whole.headers().empty());
    CHECK(reason_of(whole.on(pat.request()).check_request()) == "no_token");
    auth.stop().value();
}

// A mistake is kept until open, and named.
static void mistakes()
{
    auto wrong = doorward::auth::open(doorward::config().set("databse", "memory:").set("session.grace", "1s"));
    CHECK(!wrong.ok() && wrong.status() == DOORWARD_E_CONFIGURATION && wrong.message().find("database") != wrong.message().npos);
    try {
        std::move(wrong).value();
        CHECK(false);
    } catch (const doorward::error &e) {
        CHECK(e.status() == DOORWARD_E_CONFIGURATION && e.id() == "configuration"sv && e.actor() == "operator"sv);
    }
}

// Signing up, with everything that a user starts with.
static doorward::proof sign_up(doorward::auth &auth, const doorward::id &mine)
{
    CHECK(doorward::id::parse(mine.text()) == mine && !doorward::id::parse("x"));
    doorward::new_user with;
    with.attributes = "{\"nick\":\"ada\",\"note\":1}"sv;
    with.id = mine;
    auto refused = auth.create_user("email", "ada@example.com", {{"password", "short"}}, with);
    CHECK(refused.status() == DOORWARD_E_POLICY_VIOLATION && refused.violations().at(0).rule() == "too_short");
    auto proof = auth.create_user("email", "ada@example.com", {{"password", password}}, with).value();
    CHECK(proof.user_id() == mine && proof.factors().size() == 1 && proof.factors()[0].factor_class() == "knowledge");
    auto conflict = auth.create_user("email", "ada@example.com", {{"password", password}});
    CHECK(conflict.status() == DOORWARD_E_CONFLICT && conflict.what() == "identifier");
    return proof;
}

// A session outlives the result that gave it.
static doorward::session first_session(doorward::auth &auth, const doorward::proof &proof, std::string &cookie)
{
    auto mine = proof.user_id();
    doorward::session session = [&] {
        doorward::new_session options;
        options.attributes = "{\"a\":1}"sv;
        options.persistent = false;
        auto made = auth.create_session(proof, options);
        for (auto line : made.headers())
            if (line.name == "Set-Cookie") cookie.append(cookie.empty() ? "" : "; ").append(line.value.substr(0, line.value.find(';')));
        return made.value();
    }();
    CHECK(session.attributes() == "{\"a\":1}" && !session.is_persistent() && session.user().id() == mine);
    CHECK(session.access_expires_at() < session.absolute_expires_at() && !session.user().disabled_at());
    auto access = std::string(session.access_token()), refresh = std::string(session.refresh_token());
    CHECK(access.rfind("dwa_", 0) == 0 && refresh.rfind("dwr_", 0) == 0);
    auto again = session; // cheap
    CHECK(again.id() == session.id() && again.access_token().data() == session.access_token().data());

    auto validated = auth.validate_session(access).value();
    auto ada = validated.user();
    CHECK(ada.attributes().find("note") != std::string_view::npos && validated.access_token().empty());
    CHECK(auth.public_attributes(ada) == "{\"nick\":\"ada\"}");
    CHECK(auth.refresh_session(refresh).value().id() == session.id());
    auto out = auth.validate_session("dwa_x");
    CHECK(out.status() == DOORWARD_SIGNED_OUT && out.reason() == "invalid" && out.http_status() == 401);
    try {
        out.value();
        CHECK(false);
    } catch (const doorward::error &e) {
        CHECK(e.status() == DOORWARD_SIGNED_OUT && std::string_view(e.what()) == "signed_out: invalid");
    }
    return session;
}

// A status says how to authenticate, an error's too.
static void challenges(doorward::auth &auth, const doorward::proof &proof)
{
    auto said = auth.validate_session("dwa_x").headers();
    CHECK(said[0].name == "WWW-Authenticate" && said[0].value.find("invalid_token") != std::string_view::npos && !said.find("Set-Cookie"));
    auto spent = auth.create_session(proof);
    CHECK(spent.status() == DOORWARD_E_PROOF_REQUIRED && spent.http_status() == 401 && spent.headers().size() == 1);
    said = spent.headers();
    CHECK(said[0].value.find("insufficient_user_authentication") != std::string_view::npos);
    auto taken = auth.create_user("email", "ada@example.com", {{"password", password}});
    CHECK(taken.http_status() == 409 && taken.headers().empty());
}

// A forgotten request is refused, not served; a view of a view has both.
static void forgotten_requests(doorward::auth &whole, doorward::auth &auth)
{
    auto forgotten = whole.authenticate("email", "eve@example.com", {{"password", password}});
    CHECK(forgotten.status() == DOORWARD_E_INVALID_STATE && forgotten.what() == "request");
    CHECK(forgotten.message() == "no request: auth.on(request), or auth.trusted() where none caused this");
    CHECK(whole.find_user("email", "eve@example.com").status() == DOORWARD_ABSENT);
    auto evil = doorward::request("POST").header("Origin", "https://evil.example");
    for (auto both : {auth.on(evil), whole.on(evil).trusted(), auth.realm("elsewhere").on(evil)})
        CHECK(both.authenticate("email", "eve@example.com", {{"password", password}}).status() == DOORWARD_REQUEST_REFUSED);
}

// On a request.
static void of_a_request(doorward::auth &auth, const doorward::id &mine, const std::string &cookie)
{
    auto request = doorward::request("POST", "203.0.113.9").header("Cookie", cookie).header("Origin", "https://app.example");
    auto caller = auth.on(request).check_request().value();
    CHECK(caller.session() && caller.user().id() == mine && caller.provider().empty());
    auto foreign = auth.on(doorward::request("POST").header("Cookie", cookie).header("Origin", "https://evil.example")).check_request();
    CHECK(foreign.status() == DOORWARD_REQUEST_REFUSED && !foreign.setting().empty());
    CHECK(auth.realm("elsewhere").find_user("email", "ada@example.com").status() == DOORWARD_ABSENT);
}

// What a user owns.
static void owned(doorward::auth &auth, const doorward::session &session)
{
    auto mine = session.user().id();
    auto fresh = auth.session_proof(session).value();
    fresh = auth.link_identity(fresh, "username", "ada").value();
    CHECK(auth.list_identities(mine).value().size() == 2 && auth.list_authenticators(mine).value().size() == 1);
    CHECK(auth.list_authenticators(mine).value()[0].description() == "{}");
    fresh = auth.unlink_identity(fresh, "username", "ada").value();
    fresh = auth.update_credentials(fresh, "email", {{"password", "another tram under another moon"}}).value();
    CHECK(auth.authenticate("email", "ada@example.com", {{"password", password}}).status() == DOORWARD_REFUSED);
    CHECK(auth.update_session_attributes(session, "{\"a\":null}").value() == "{}");
    CHECK(auth.list_sessions(mine).value().size() == 1);
    auth.session_alive(mine, session.id()).value();
    CHECK(auth.end_sign_in(mine, session.id()).value() == 1);
    CHECK(auth.session_alive(mine, session.id()).status() == DOORWARD_SIGNED_OUT);
}

// Users, all or some.
static void listed(doorward::auth &auth)
{
    CHECK(auth.list_users().value().size() == 1 && auth.stats().value().users == 1);
    doorward::user_filter filter;
    filter.newest_first = true, filter.provider = "email", filter.begins = "AD";
    CHECK(auth.list_users({}, 10, filter).value().size() == 1 && auth.count_users(filter).value() == 1 && auth.count_users().value() == 1);
    filter.enabled = false;
    CHECK(auth.list_users({}, 10, filter).value().empty() && auth.count_users(filter).value() == 0);
    CHECK(auth.metrics().value().find("doorward_events_total{name=") != std::string::npos);
}

// What an issuer vouches for, and a key.
static void vouched_for(doorward::auth &auth)
{
    auto vouched = auth.authenticate("github", std::nullopt, {{"code", "good:7"}});
    CHECK(vouched.status() == DOORWARD_UNREGISTERED && vouched.http_status() == 404 && vouched.claim());
    auto claim = *vouched.claim();
    CHECK(claim.provider() == "github" && claim.identifier() == "https://issuer.example 7" && claim.attributes() == "{}");
    CHECK(auth.peek_claim(claim.token()).value().expires_at() == claim.expires_at());
    auto seven = auth.create_user_from_claim(claim.token()).value();
    CHECK(auth.create_user_from_claim(claim.token()).status() == DOORWARD_E_CONFLICT);
    auto linked = auth.begin_link(seven, "github", std::nullopt, {{"code", "good:8"}});
    CHECK(linked.status() == DOORWARD_UNREGISTERED);
    seven = auth.link_claim(seven, linked.claim()->token()).value();
    CHECK(auth.list_identities(seven.user_id()).value().size() == 2);
    auto key = auth.update_credentials(seven, "api", {{"key", "ak_1"}, {"scopes", "[\"read\"]"}});
    auto shown = key.show_once();
    CHECK(shown[0].value == "ak_1");
    auto called = auth.on(doorward::request("GET").header("Authorization", "Bearer ak_1")).check_request().value();
    CHECK(!called.session() && called.provider() == "api" && called.scopes() == std::vector<std::string>{"read"});
    CHECK(auth.delete_user(seven.user_id()).ok());
}

// The link of a mailed code signs in where it is confirmed, once.
static void mailed_link(doorward::auth &auth)
{
    auto claim = auth.authenticate("mail", "dora@example.com", {{"do", "ask"}, {"name", "other"}});
    CHECK(claim.status() == DOORWARD_UNREGISTERED);
    auto dora = auth.create_user_from_claim(claim.claim()->token()).value().user_id();
    auto asked = auth.authenticate("mail", "dora@example.com", {{"do", "send"}, {"name", "code"}});
    CHECK(asked.status() == DOORWARD_CONTINUE);
    std::string link;
    for (const auto &message : auth.take_deliveries().value()) {
        for (const auto &param : message.params())
            if (message.template_name() == "limiter.code" && param.name == "token") link = param.value;
        CHECK(auth.settle_delivery(message.id(), message.attempts(), DOORWARD_DELIVERED).ok());
    }
    CHECK(purpose_of(auth.peek_token(link)) == "sign_in_link");
    CHECK(auth.on(doorward::request("GET")).continue_flow(link).status() == DOORWARD_E_INVALID_STATE);
    CHECK(auth.continue_flow(link, std::nullopt, {{"do", "send"}}).status() == DOORWARD_E_INVALID_ARGUMENT);
    CHECK(auth.continue_flow(link).value().user_id() == dora);
    CHECK(auth.continue_flow(link).status() == DOORWARD_REFUSED);
    CHECK(auth.continue_flow(asked.flow()->token()).status() == DOORWARD_REFUSED);
    CHECK(auth.delete_user(dora).ok());
}

// Recovery by a message.
static void recovery(doorward::auth &auth)
{
    auto proof = auth.create_user("email", "cas@example.com", {{"password", password}}).value();
    proof = auth.update_credentials(proof, "api", {{"key", "ak_2"}}).value();
    auth.request_token("verify", "email", "cas@example.com", &proof).value();
    auth.request_token("recovery", "email", "cas@example.com").value();
    int seen = 0;
    for (const auto &message : auth.take_deliveries().value()) {
        if (message.user_id() == proof.user_id() && message.template_name() == "verify") {
            CHECK(message.address() == "cas@example.com" && message.channel() == "email" && message.attempts() == 1);
            auto info = auth.consume_token(token_of(message), &proof).value();
            CHECK(info.purpose() == "verify" && info.identifier() == "cas@example.com" && info.provider() == "email");
            seen++;
        }
        if (message.user_id() == proof.user_id() && message.template_name() == "recovery") {
            auto token = token_of(message);
            CHECK(auth.peek_token(token).value().user_id() == proof.user_id());
            CHECK(auth.update_identifier_with_token(token, "cas@example.com", "x@example.com").status() == DOORWARD_REFUSED);
            auto recovered = auth.update_credentials_with_token(token, "email", {{"password", "a windmill over the quiet lake"}});
            CHECK(recovered.value() == proof.user_id() && recovered.kept().size() == 1 && recovered.others().empty());
            CHECK(recovered.kept().at(0).name() == "cas@example.com" && recovered.kept().at(0).verified_at());
            // A key that was added before is taken.
            CHECK(recovered.took().size() == 1 && recovered.took().at(0).provider() == "api" && !recovered.took().at(0).is_identity());
            seen++;
        }
        CHECK(auth.settle_delivery(message.id(), message.attempts(), static_cast<doorward::settlement>(0)).status() == DOORWARD_E_INVALID_ARGUMENT);
        CHECK(auth.settle_delivery(message.id(), message.attempts(), DOORWARD_DELIVERED).ok());
        CHECK(auth.settle_delivery(message.id(), message.attempts(), DOORWARD_DELIVERED).status() == DOORWARD_ABSENT);
    }
    CHECK(seen == 2 && auth.delete_user(proof.user_id()).ok());
}

// Through a queue.
static void through_a_queue(doorward::auth &auth)
{
    auto queue = doorward::queue::make().value();
    int mark = 0;
    auto through = auth.through(queue);
    auto marked = through.on(doorward::request("POST").header("Origin", "https://app.example").tag(&mark));
    // What is there at once needs no queue: on a busy machine, the work may be done before the call looks.
    auto pending = [](auto call) {
        for (;;) {
            auto given = call();
            if (given.status() == DOORWARD_PENDING) return !given.ok();
            CHECK(given.ok());
        }
    };
    std::string bob;
    CHECK(pending([&, n = 0]() mutable {
        bob = "bob" + std::to_string(n++) + "@example.com";
        return marked.create_user("email", bob, {{"password", password}});
    }));
    pollfd readable{queue.fd(), POLLIN, 0};
    CHECK(poll(&readable, 1, 60000) == 1);
    auto done = queue.next();
    CHECK(done && done->tag() == &mark && done->status() == DOORWARD_OK);
    auto taken = done->take<doorward::proof>();
    CHECK(taken.ok() && taken.value().factors().size() == 1 && !queue.next() && done->status() == DOORWARD_E_INVALID_STATE);
    // What is given up still comes, once.
    CHECK(pending([&] { return marked.authenticate("email", bob, {{"password", password}}); }));
    marked.cancel();
    CHECK(poll(&readable, 1, 60000) == 1);
    done = queue.next();
    CHECK(done && done->tag() == &mark && (done->status() == DOORWARD_E_CANCELLED || done->status() == DOORWARD_OK));
    // What is pending when a queue goes is cancelled and drained.
    (void)through.authenticate("email", bob, {{"password", password}});
    doorward::queue moved = std::move(queue);
    CHECK(moved.fd() >= 0);
}

// What was moved from has no answer, and says so.
static void moved_from(doorward::auth &auth, const doorward::id &mine)
{
    auto given = auth.get_user(mine);
    auto moved = std::move(given);
    CHECK(moved.ok() && moved.get()->id() == mine);
    CHECK(!given.ok() && given.status() == DOORWARD_E_INVALID_STATE && !given.get() && given.headers().empty()); // NOLINT
    try {
        (void)given.value();
        CHECK(false);
    } catch (const doorward::error &e) {
        CHECK(e.status() == DOORWARD_E_INVALID_STATE);
    }
}

// Credentials whose number is known at run time, and lists that keep what they are of.
static void lists(doorward::auth &auth)
{
    std::vector<doorward::pair> typed;
    typed.emplace_back("password", "another tram under another moon");
    CHECK(auth.authenticate("email", "ada@example.com", typed).ok());
    const doorward::pair array[] = {{"password", password}};
    CHECK(auth.authenticate("email", "ada@example.com", array).status() == DOORWARD_REFUSED);
    CHECK(auth.authenticate("email", "ada@example.com", {typed.data(), typed.size()}).ok());
    size_t before = allocations;
    doorward::pairs given = typed;
    CHECK(given.size() == 1 && allocations == before);
    size_t lines_seen = 0;
    for (auto line : auth.authenticate("email", "ada@example.com", array).headers()) lines_seen += line.name == "WWW-Authenticate" && line.value.size() > 5;
    CHECK(lines_seen == 1);
    auto kept = auth.authenticate("email", "ada@example.com", array).headers();
    CHECK(kept.size() == 1 && kept.find("WWW-Authenticate"));
    for (const auto &way : auth.list_methods().value())
        for (const auto &asked : way.fields()) CHECK(!asked.name().empty() && asked.max_len() > 0);
}

// From many threads.
static void many_threads(doorward::auth &auth, const doorward::id &mine)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&auth, mine] {
            for (int j = 0; j < 10; j++) CHECK(auth.get_user(mine).value().id() == mine);
        });
    for (auto &thread : threads) thread.join();
}

static doorward::config settings(int &events, int &lines)
{
    return doorward::config()
                        .load("database = 'sqlite:wrapper.db'\n[session]\nunsafe_short_lifetimes = true\n"
                              "[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n"
                              "[origins]\ntrusted = ['https://app.example']\n[attributes]\nunique = ['nick']\n"
                              "public = ['nick']\n[provider.email]\nkind = 'password'\n")
                        .set("provider.username.kind", "password")
                        .set("provider.github.kind", "issuer")
                        .set("provider.api.kind", "token")
                        .set("bearer.prefixes.ak_", "api")
                        .set("plugin.claims.path", std::getenv("CLAIMS"))
                        .set("plugin.limiter.path", std::getenv("LIMITER"))
                        .set("provider.mail.kind", "limiter")
                        .set("provider.mail.rule", "email")
                        .on_event([&](const doorward::event &event) { events += !event.name.empty(); })
                        .on_log(DOORWARD_LOG_INFO, [&](int, std::string_view, std::string_view) { lines++; });
}

int main()
{
    requests_are_cheap();
    on_requests();
    mistakes();

    int events = 0, lines = 0;
    auto whole = doorward::auth::open(settings(events, lines)).value();
    auto auth = whole.trusted();
    CHECK(auth.get_user(doorward::id{}).status() == DOORWARD_E_INVALID_STATE);
    auth.start().value();
    auth.health().value();
    CHECK(!auth.list_methods().value().empty());

    doorward::id mine;
    CHECK(doorward_id_new(&mine) == DOORWARD_OK);
    auto proof = sign_up(auth, mine);
    std::string cookie;
    auto session = first_session(auth, proof, cookie);
    challenges(auth, proof);
    forgotten_requests(whole, auth);
    of_a_request(auth, mine, cookie);
    owned(auth, session);
    listed(auth);
    vouched_for(auth);
    mailed_link(auth);
    recovery(auth);
    through_a_queue(auth);
    moved_from(auth, mine);
    lists(auth);
    many_threads(auth, mine);

    CHECK(auth.disable_user(mine).ok() && auth.enable_user(mine).ok() && auth.delete_user(mine).ok());
    CHECK(events > 5 && lines > 0);
    auth.stop().value();
    return 0;
}
