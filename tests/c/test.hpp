// What the C++ tests share: a check that says where it failed, and a browser.
#ifndef TEST_HPP
#define TEST_HPP

#include <doorward.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#define CHECK(claim)                                                                                                   \
    do {                                                                                                               \
        if (!(claim)) {                                                                                                \
            std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " #claim "\n";                                      \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

inline constexpr std::string_view password = "a violet tram under a low moon";

// A browser: sends back the cookies that it was given.
struct browser {
    std::map<std::string, std::string, std::less<>> jar;
    doorward::request request() const
    {
        std::string cookies;
        for (const auto &[name, value] : jar) cookies.append(cookies.empty() ? "" : "; ").append(name).append("=").append(value);
        return doorward::request("POST", "203.0.113.9").header("Origin", "https://app.example").header("Cookie", cookies);
    }
    // Each name once: a response must not set one twice.
    void take(const doorward::lines &lines)
    {
        std::map<std::string, int, std::less<>> seen;
        for (auto line : lines) {
            if (line.name != "Set-Cookie") continue;
            auto name = std::string(line.value.substr(0, line.value.find('=')));
            auto value = line.value.substr(name.size() + 1, line.value.find(';') - name.size() - 1);
            CHECK(++seen[name] == 1);
            if (value.empty()) jar.erase(name);
            else jar[name] = std::string(value);
        }
    }
};

#endif
