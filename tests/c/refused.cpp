// Lines that must not compile: LINE says which is there. Without one (0), the right way beside them does.
#include <doorward.hpp>

#include <string>
#include <vector>

void send(std::string_view name, std::string_view value);

void right(const doorward::auth &auth, const doorward::proof &proof, const std::vector<doorward::pair> &typed);
void right(const doorward::auth &auth, const doorward::proof &proof, const std::vector<doorward::pair> &typed)
{
    for (auto line : auth.create_session(proof).headers()) send(line.name, line.value);
    auto found = auth.find_user("email", "ada@example.com");
    if (!found.ok()) return;
    auto user = found.value();
    doorward::text attributes = user.attributes();
    send("attributes", attributes);
    (void)auth.continue_flow("flow", "totp", typed);
    (void)auth.continue_flow("flow", std::nullopt, {{"code", "123456"}});
    (void)auth.authenticate("email", "ada@example.com", {{"password", "plum tractors hum at noon"}});
    auto moved = std::move(found);
    (void)moved.ok();
}

int wrong(const doorward::auth &auth, const doorward::proof &proof, doorward::result<doorward::session> &result);
int wrong(const doorward::auth &auth, const doorward::proof &proof, doorward::result<doorward::session> &result)
{
    (void)auth, (void)proof, (void)result;
#if LINE == 1
/*1*/ doorward::text a = auth.find_user("email", "ada@example.com").value().attributes();
#elif LINE == 2
/*2*/ if (auth.create_session(proof)) return 1;
#elif LINE == 3
/*3*/ if (!result) return 1;
#elif LINE == 4
/*4*/ doorward::text why = auth.validate_session("dwa_x").reason();
#elif LINE == 5
/*5*/ doorward::text why = auth.validate_session("dwa_x").message();
#elif LINE == 6
/*6*/ auto first = auth.create_session(proof).headers().begin();
#elif LINE == 7
/*7*/ auto value = auth.create_session(proof).headers()[0];
#elif LINE == 8
/*8*/ auto cookie = auth.create_session(proof).headers().find("Set-Cookie");
#elif LINE == 9
/*9*/ doorward::pairs typed; typed = {{"password", "x"}};
#elif LINE == 10
/*10*/ auto again = auth.session_proof(proof);
#elif LINE == 11
/*11*/ auto made = auth.create_session(result);
#elif LINE == 12
/*12*/ auth.create_session(proof);
#elif LINE == 13
/*13*/ auto copy = result;
#elif LINE == 14
/*14*/ doorward::text token = auth.authenticate("email", {}, {}).flow()->token();
#elif LINE == 15
/*15*/ const doorward_session *c = auth.create_session(proof).value().c();
#elif LINE == 16
/*16*/ doorward::text of = auth.public_attributes(auth.get_user(proof.user_id()).value());
#elif LINE == 17
/*17*/ doorward::text whose = auth.create_session(proof).get()->attributes();
#elif LINE == 18
/*18*/ auto flow = auth.continue_flow("flow", {{"code", "123456"}}, "totp");
#elif LINE == 19
/*19*/ bool let_in = static_cast<bool>(result);
#endif
    return 0;
}
