// Pages: the templates of demo/pages (Mustache, which escapes what it fills in), shared with the Python server.
#pragma once

#include <ctime>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>

namespace page {

using json = nlohmann::json;

inline kainjow::mustache::data filling(const json &value)
{
    using kainjow::mustache::data;
    if (value.is_boolean()) return value.get<bool>() ? data::type::bool_true : data::type::bool_false;
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array()) {
        data list(data::type::list);
        for (const json &item : value) list.push_back(filling(item));
        return list;
    }
    data object(data::type::object);
    for (const auto &[name, item] : value.items()) object.set(name, filling(item));
    return object;
}

inline std::string fill(const std::string &file, const json &view)
{
    std::ifstream in(file);
    kainjow::mustache::mustache made(std::string(std::istreambuf_iterator<char>(in), {}));
    if (!in || !made.is_valid()) throw std::runtime_error(file + ": " + made.error_message());
    return made.render(filling(view));
}

/* A whole page: the template `name` inside layout.html. */
inline std::string render(const std::string &folder, const std::string &name, json view)
{
    view["main"] = fill(folder + "/" + name + ".html", view);
    return fill(folder + "/layout.html", view);
}

/* A moment for people; `for_machines`: for <time datetime>. */
inline std::string moment(std::time_t seconds, bool for_machines = false)
{
    char text[64];
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::strftime(text, sizeof text, for_machines ? "%FT%TZ" : "%d %b %Y, %H:%M UTC", &utc);
    return text;
}

/* What people call a device, from its user agent: a guess, only for show. */
inline std::string device(const std::string &agent)
{
    const auto first = [&](std::initializer_list<std::pair<const char *, const char *>> known) -> std::string {
        for (auto [sign, name] : known)
            if (agent.find(sign) != std::string::npos) return name;
        return "";
    };
    const std::string browser = first({{"Edg/", "Edge"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}});
    const std::string system = first({{"iPhone", "iPhone"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"}});
    if (browser.empty()) return agent.empty() ? "Unknown device" : agent.substr(0, agent.find_first_of("/ "));
    return system.empty() ? browser : browser + " on " + system;
}

/* A key in groups of four, as people read and type it. */
inline std::string in_groups(std::string_view key)
{
    std::string spaced;
    for (size_t i = 0; i < key.size(); i += 4) spaced.append(i ? " " : "").append(key.substr(i, 4));
    return spaced;
}

} // namespace page
