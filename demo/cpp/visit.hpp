// A visit: one request, with what every handler needs. And how a request comes to its handler.
#pragma once

#include <iostream>

#include <doorward.hpp>
#include <httplib.h>

#include "page.hpp"

using json = nlohmann::json;

inline const std::string DEMO = DEMO_FOLDER;
inline std::string other_server;

struct visit {
    const httplib::Request &request;
    httplib::Response &response;
    doorward::auth auth;
    std::optional<doorward::session> session{};

    // What was typed into a form.
    std::string field(const char *name) const { return request.get_param_value(name); }

    // Sends a response header; Set-Cookie lines each, others once.
    void header(std::string_view name, std::string_view value)
    {
        if (name == "Set-Cookie" || !response.has_header(std::string(name)))
            response.set_header(std::string(name), std::string(value));
    }

    // What the newest answer says beside its cookies: how to authenticate, or when to try again.
    std::vector<std::pair<std::string, std::string>> said{};

    template <class T>
    void note(const doorward::result<T> &result)
    {
        said.clear();
        for (const auto &[name, value] : result.headers())
            if (name == "WWW-Authenticate" || name == "Retry-After") said.emplace_back(name, value);
    }

    // The one duty of every page, once and last: the final cookies of all that was decided on this request, so that a
    // sign-in or a sign-out is not overwritten by the refresh before it.
    void send_headers()
    {
        for (const auto &[name, value] : auth.headers()) header(name, value);
        if (response.status == 401 || response.status == 429)
            for (const auto &[name, value] : said) header(name, value);
    }

    void go(const char *path)
    {
        header("Cache-Control", "no-store");
        response.set_redirect(path, 303);
    }

    void show(const std::string &name, const std::string &title, json view = json::object(), int status = 200);
};

inline std::string factors_of(const std::vector<doorward::factor> &factors)
{
    std::string text;
    for (const auto &factor : factors) text.append(text.empty() ? "" : ", ").append(factor.provider());
    return text;
}

inline json moment(const char *name, doorward::time_point at)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
    return {{name, page::moment(seconds, true)}, {std::string(name) + "_text", page::moment(seconds)}};
}

// Shows a page of demo/pages with what all of them need: the servers, the user, the session.
inline void visit::show(const std::string &name, const std::string &title, json view, int status)
{
    view.update({{"server", "C++"}, {"other", "Python"}, {"other_url", other_server + "/"}, {"title", title},
                 {"at", {{name, true}}}, {"signed_in", session.has_value()}});
    if (session) {
        const doorward::user user = session->user();
        const json attributes = json::parse(user.attributes());
        view["user"] = {{"id", user.id().text()}, {"name", attributes.value("name", "")},
                        {"joined_at", attributes.value("joined_at", "")}};
        view["session"] = moment("since", session->created_at());
        view["session"].update({{"id", session->id().text()}, {"factors", factors_of(session->factors())}});
    }
    header("Cache-Control", "no-store");
    response.status = status;
    response.set_content(page::render(DEMO + "/pages", name, view), "text/html; charset=utf-8");
}

enum class wants { nobody, anybody, somebody };

// What could not be decided. A database that does not answer is nobody's sign-out: no cookie is touched, and trying again
// may help.
inline void show_trouble(visit &v, std::exception_ptr thrown)
{
    int status = 500;
    try {
        std::rethrow_exception(thrown);
    } catch (const doorward::error &error) {
        if (error.is_retryable()) status = 503;
        std::cerr << "C++     " << error.what() << std::endl;
    } catch (const std::exception &error) {
        std::cerr << "C++     " << error.what() << std::endl;
    }
    v.show("problem", "Something went wrong", {{"text", "Please try again in a moment."}}, status);
}

// Who is there, and may they be? `wants::nobody` are pages that make no sense when signed in.
inline void answer(visit &v, wants who, void (*handler)(visit &))
{
    const auto caller = v.auth.resume_request(); // a new access token comes with the headers, when it is time
    v.note(caller);
    if (caller.status() == DOORWARD_REQUEST_REFUSED)
        return v.show("problem", "Refused", {{"text", "This request did not come from a page of this site."}}, 403);
    if (caller.status() != DOORWARD_SIGNED_OUT) {
        const auto who_it_is = caller.value();
        v.session = who_it_is.session();
    }
    if (who == wants::somebody && !v.session) return v.go("/sign-in");
    if (who == wants::nobody && v.session) return v.go("/");
    handler(v);
}

// Wraps a handler: whatever it decides or fails at, the response has the final headers of the request.
inline httplib::Server::Handler page_for(const doorward::auth &auth, wants who, void (*handler)(visit &))
{
    return [auth, who, handler](const httplib::Request &request, httplib::Response &response) {
        doorward::request seen(request.method, request.remote_addr);
        for (const auto &[name, value] : request.headers) seen.header(name, value);
        visit v{request, response, auth.on(seen)};
        try {
            answer(v, who, handler);
        } catch (...) {
            show_trouble(v, std::current_exception());
        }
        v.send_headers();
    };
}
