// The first sign-up and sign-in. Build: c++ -std=c++17 first_login.cpp $(pkg-config --cflags --libs doorward)
#include <doorward.hpp>
#include <iostream>

int main()
{
    auto settings = doorward::config().load("database = 'sqlite:doorward.db'\n[provider.email]\nkind = 'password'\n");
    auto auth = doorward::auth::open(settings).value();
    auth.start().value();

    auto proof = auth.create_user("email", "ada@example.com", {{"password", "plum tractors hum at noon"}}).value();
    auto session = auth.create_session(proof);
    for (auto line : session.headers()) std::cout << line.name << ": " << line.value << '\n';
    return session.ok() ? 0 : 1;
}
