// The C++ server of the demo: what a program does with doorward.hpp, from the first page to the last.
//
//     server CONFIGURATION PORT OTHER_SERVER
//
// Every handler gets a visit (visit.hpp): the request, Doorward on this request (so that it checks the origin, slows
// guessing down and binds steps to the browser), and the session, if there is one. It asks Doorward, notes
// the answer, and shows a page; the headers of all of it are sent at the end. demo/python/server.py is the same program in Python, with more ways in.

#include <algorithm>
#include <csignal>
#include <iostream>
#include <thread>

#include "visit.hpp"

namespace {

// ---- Signing up and in ------------------------------------------------------------------------------------------------

std::string wait_for(doorward::duration wait)
{
    return "Too many attempts. Try again in " + std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()) + " s.";
}

void ask_for_password(visit &v, const std::string &problem = "", int status = 200)
{
    json view = {{"form", {{"email", v.field("email")}}}};
    if (!problem.empty()) view["problem"] = problem;
    v.show("sign-in", "Sign in", view, status);
}

// Which second factor was answered with: the form says it.
std::string answered_with(const visit &v)
{
    const std::string provider = v.field("provider");
    return provider.empty() ? "totp" : provider;
}

void ask_for_code(visit &v, json view, const std::string &error, int status)
{
    if (!error.empty()) view["errors"] = {{answered_with(v), error}};
    v.show("code", "One more step", view, status);
}

void ask_for_code(visit &v, const doorward::flow &flow, const std::string &error = "", int status = 200)
{
    json view = {{"flow", flow.token()}};
    for (const auto &method : flow.next()) view[std::string(method.provider())] = true;
    ask_for_code(v, view, error, status);
}

// Where every way in ends: a proof becomes a session, or the next thing is asked.
void come_in(visit &v, const doorward::result<doorward::proof> &answer, const char *refusal)
{
    v.note(answer);
    switch (answer.status()) {
    case DOORWARD_OK: {
        const auto session = v.auth.create_session(answer.value());
        v.note(session);
        (void)session.value(); // throws if the user was disabled meanwhile
        return v.go("/");
    }
    case DOORWARD_CONTINUE:
        return ask_for_code(v, *answer.flow());
    case DOORWARD_REFUSED:
        if (const auto again = answer.flow()) return ask_for_code(v, *again, refusal, 401);
        return ask_for_password(v, refusal, 401);
    case DOORWARD_THROTTLED: // nothing was tried, so the flow that was sent is still good
        if (v.request.has_param("flow"))
            return ask_for_code(v, {{"flow", v.field("flow")}, {answered_with(v), true}}, wait_for(answer.retry_after()), 429);
        return ask_for_password(v, wait_for(answer.retry_after()), 429);
    default:
        (void)answer.value(); // throws what could not be decided
    }
}

// Has a link sent with which the address is proved; the Python server has the page that it leads to.
void send_proof(visit &v, const std::string &email, const doorward::proof &proof)
{
    const auto asked = v.auth.request_token("verify", "email", email, &proof);
    v.note(asked);
    asked.value();
}

void sign_up(visit &v)
{
    const std::string name = v.field("name"), email = v.field("email"), password = v.field("password");
    json errors = json::object();
    if (name.empty()) errors["name"] = "Enter your name.";
    if (errors.empty()) {
        const std::string attributes = json{{"name", name}, {"joined_at", "C++"}}.dump(-1, ' ', false, json::error_handler_t::replace);
        doorward::new_user with;
        with.attributes = attributes;
        const auto answer = v.auth.create_user("email", email, {{"password", password}}, with);
        for (const auto &broken : answer.violations()) {
            json &text = errors[broken.field() == "password" ? "password" : "email"];
            text = text.is_null() ? std::string(broken.message()) : text.get<std::string>().append("; ").append(broken.message());
        }
        if (answer.status() == DOORWARD_E_CONFLICT) errors["email"] = "There is an account with this address already.";
        if (answer.ok()) send_proof(v, email, answer.value());
        if (errors.empty()) return come_in(v, answer, "Signing up was refused.");
    }
    const int status = errors.value("email", "").find("already") != std::string::npos ? 409 : 422;
    v.show("sign-up", "Sign up", {{"form", {{"name", name}, {"email", email}}}, {"errors", errors}}, status);
}

void sign_in(visit &v)
{
    const std::string email = v.field("email"), password = v.field("password");
    come_in(v, v.auth.authenticate("email", email, {{"password", password}}), "The address and the password do not match.");
}

void code(visit &v)
{
    const std::string flow = v.field("flow"), code = v.field("code"), named = v.field("provider");
    std::optional<std::string_view> provider;
    if (!named.empty()) provider = named;
    come_in(v, v.auth.continue_flow(flow, provider, {{"code", code}}), "That code was not right. Each code works once.");
}

// ---- An authenticator app ---------------------------------------------------------------------------------------------

void totp(visit &v)
{
    json view = {{"apps", json::array()}};
    if (v.request.has_param("added")) view["notice"] = "Your app is set up. Your other devices have been signed out.";
    for (const auto &held : v.auth.list_authenticators(v.session->user().id()).value()) {
        if (held.group() != "totp") continue;
        json app = moment("at", held.created_at());
        app["label"] = held.label().empty() ? "Authenticator app" : held.label();
        view["apps"].push_back(app);
    }
    view["has_apps"] = !view["apps"].empty();
    v.show("totp", "Authenticator app", view);
}

void show_key(visit &v, const doorward::flow &flow, const std::string &error = "", int status = 200)
{
    json view = {{"flow", flow.token()}, {"form", {{"label", v.field("label")}}}};
    for (const auto &[name, value] : flow.next().at(0).challenge())
        view[std::string(name)] = name == "secret" ? page::in_groups(value) : std::string(value);
    if (!error.empty()) view["errors"] = {{"code", error}};
    v.show("totp-confirm", "Set up your app", view, status);
}

// No second factor beside an address that nobody has proved: another link is sent.
void confirm_first(visit &v, const doorward::proof &proof)
{
    for (const auto &held : v.auth.list_identities(proof.user_id()).value())
        if (held.provider() == "email" && !held.verified_at()) send_proof(v, std::string(held.identifier()), proof);
    v.show("problem", "Confirm your address",
           {{"text", "Confirm your address first, with the link that we have sent you. In this demo, it comes to the Python server's mailbox page."}},
           422);
}

void add_totp(visit &v)
{
    // A session gives a proof that is fresh as long as its factors are young: whoever finds a browser open adds nothing.
    const doorward::proof proof = v.auth.session_proof(*v.session).value();
    const auto answer = v.auth.begin_enrollment("totp", {}, &proof);
    v.note(answer);
    if (answer.status() == DOORWARD_E_PROOF_REQUIRED) return ask_for_password(v, "Please sign in again first.", 401);
    if (answer.status() == DOORWARD_CONTINUE) return show_key(v, *answer.flow());
    for (const auto &broken : answer.violations())
        if (broken.rule() == "address_unproved") return confirm_first(v, proof);
    (void)answer.value();
}

// Gives the app that was just added the name that was typed. The proof is the one of the enrollment: fresh.
void name_newest(visit &v, const doorward::proof &proof)
{
    const std::string label = v.field("label");
    const auto all = v.auth.list_authenticators(proof.user_id()).value();
    const auto newest = std::max_element(all.begin(), all.end(), [](auto &a, auto &b) { return a.created_at() < b.created_at(); });
    if (!label.empty()) v.auth.rename_authenticator(proof, "totp", newest->id(), label).value();
}

void confirm_totp(visit &v)
{
    const std::string flow = v.field("flow"), code = v.field("code");
    const auto answer = v.auth.continue_flow(flow, std::nullopt, {{"code", code}});
    v.note(answer);
    if (answer.ok()) {
        name_newest(v, answer.value());
        return v.go("/totp?added");
    }
    if (const auto again = answer.flow()) return show_key(v, *again, "That code was not right. Look at the app again.", 401);
    if (answer.status() == DOORWARD_REFUSED) return v.go("/totp");
    if (answer.status() == DOORWARD_THROTTLED) return v.show("problem", "Not so fast", {{"text", wait_for(answer.retry_after())}}, 429);
    (void)answer.value();
}

// ---- Devices and signing out ------------------------------------------------------------------------------------------

void devices(visit &v)
{
    json listed = json::array();
    for (const auto &device : v.auth.list_sessions(v.session->user().id()).value()) {
        json one = moment("since", device.created_at());
        one.update({{"id", device.id().text()}, {"name", page::device(std::string(device.agent()))}, {"address", device.address()},
                    {"factors", factors_of(device.factors())}, {"is_this", device.id() == v.session->id()}});
        listed.push_back(one);
    }
    v.show("devices", "Your devices", {{"devices", listed}});
}

void end_device(visit &v)
{
    // The user's id goes along: a stranger's sign-in cannot be ended by knowing its id.
    if (const auto id = doorward::id::parse(v.field("id"))) (void)v.auth.end_sign_in(v.session->user().id(), *id).value();
    v.go("/devices");
}

void sign_out(visit &v)
{
    const std::string where = v.field("where");
    if (where == "others" && v.session) {
        (void)v.auth.end_other_sessions(v.auth.session_proof(*v.session).value()).value();
        return v.go("/devices");
    }
    if (where == "everywhere" && v.session) (void)v.auth.end_all_sessions(v.session->user().id()).value();
    const auto ended = v.auth.end_session(); // also clears the cookies
    v.note(ended);
    ended.value();
    v.go("/");
}

// What static/session.js asks for: nothing that may not be public.
void session_json(visit &v)
{
    json now = {{"signed_in", v.session.has_value()}};
    if (v.session) {
        const doorward::user user = v.session->user();
        now["user"] = {{"id", user.id().text()}, {"attributes", json::parse(v.auth.public_attributes(user))}};
        now["session"] = {{"id", v.session->id().text()}};
    }
    v.header("Cache-Control", "no-store");
    v.response.set_content(now.dump(), "application/json");
}

// ---- The server ---------------------------------------------------------------------------------------------------------

// What happens, without any secret: one line each.
void print(const doorward::event &event)
{
    std::string line = "C++     ";
    line.append(event.name);
    if (event.user) line.append(" user=").append(event.user->text());
    if (!event.provider.empty()) line.append(" provider=").append(event.provider);
    if (!event.reason.empty()) line.append(" reason=").append(event.reason);
    std::cerr << line.append("\n");
}

void run(const doorward::auth &auth, int port)
{
    httplib::Server server;
    server.new_task_queue = [] { return new httplib::ThreadPool(48); }; // a thread for each open connection
    server.set_keep_alive_timeout(2);
    server.set_keep_alive_max_count(1000);
    server.set_tcp_nodelay(true);
    server.set_payload_max_length(64 * 1024);
    server.set_default_headers({{"Content-Security-Policy", "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
                                {"Referrer-Policy", "same-origin"}, {"X-Content-Type-Options", "nosniff"}});
    server.set_mount_point("/static", DEMO + "/static");

    const auto get = [&](const char *path, wants who, void (*handler)(visit &)) { server.Get(path, page_for(auth, who, handler)); };
    const auto post = [&](const char *path, wants who, void (*handler)(visit &)) { server.Post(path, page_for(auth, who, handler)); };
    get("/", wants::anybody, [](visit &v) { v.show("home", v.session ? "Start" : "Welcome"); });
    get("/session.json", wants::anybody, session_json);
    get("/sign-up", wants::nobody, [](visit &v) { v.show("sign-up", "Sign up"); });
    post("/sign-up", wants::anybody, sign_up);
    get("/sign-in", wants::nobody, [](visit &v) { ask_for_password(v); });
    post("/sign-in", wants::anybody, sign_in);
    get("/code", wants::nobody, [](visit &v) { v.go("/sign-in"); });
    post("/code", wants::anybody, code);
    get("/totp", wants::somebody, totp);
    post("/totp", wants::somebody, add_totp);
    get("/totp/confirm", wants::somebody, [](visit &v) { v.go("/totp"); });
    post("/totp/confirm", wants::somebody, confirm_totp);
    get("/devices", wants::somebody, devices);
    post("/devices/end", wants::somebody, end_device);
    post("/sign-out", wants::anybody, sign_out);

    server.set_error_handler([&](const httplib::Request &request, httplib::Response &response) {
        if (!response.body.empty()) return;
        visit{request, response, auth}.show("problem", "Not here", {{"text", "There is no such page."}}, response.status);
    });
    server.set_exception_handler([&](const httplib::Request &request, httplib::Response &response, std::exception_ptr thrown) {
        visit v{request, response, auth};
        show_trouble(v, thrown);
    });

    sigset_t stops;
    sigemptyset(&stops), sigaddset(&stops, SIGINT), sigaddset(&stops, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stops, nullptr);
    std::thread([&server, stops] {
        int got = 0;
        sigwait(&stops, &got);
        server.stop();
    }).detach();
    if (!server.listen("127.0.0.1", port)) throw std::runtime_error("cannot listen on port " + std::to_string(port));
}

} // namespace

int main(int argc, char **argv)
try {
    if (argc != 4) throw std::runtime_error("usage: server CONFIGURATION PORT OTHER_SERVER");
    other_server = argv[3];
    std::ifstream file(argv[1]);
    const std::string configuration(std::istreambuf_iterator<char>(file), {});

    const doorward::auth auth = doorward::auth::open(doorward::config().load(configuration).on_event(print)).value();
    auth.start().value();
    run(auth, std::stoi(argv[2]));
    auth.stop().value();
} catch (const std::exception &error) {
    std::cerr << "C++     " << error.what() << '\n';
    return 1;
}
