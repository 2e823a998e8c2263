// A provider in C++17: a PIN, then one character of a memorable word. doorward_plugin.hpp says what each part is.
// Build: make
#include <doorward_plugin.hpp>

namespace {

using doorward::plugin::about;
using doorward::plugin::config;
using doorward::plugin::failure;
using doorward::plugin::field;
using doorward::plugin::pwhash;
using doorward::plugin::reply;
using doorward::plugin::request;
using doorward::plugin::verdict;

constexpr char format = 1;
constexpr size_t pin_min = 6, pin_max = 12, word_min = 6, word_max = 32, head = 5;

/// What is kept for each user: a format number, the sign-ins so far, the lengths of the word and of the hash, both of them.
/// The host stores it encrypted.
struct kept {
    uint8_t sign_ins = 0;
    std::string word;
    std::string phc;

    std::string bytes() const
    {
        return std::string{format, static_cast<char>(sign_ins), static_cast<char>(word.size()),
                           static_cast<char>(phc.size() >> 8), static_cast<char>(phc.size())} + word + phc;
    }
    static kept of(std::string_view bytes)
    {
        if (bytes.size() < head || bytes[0] != format)
            throw failure::format("the record is not of this plugin");
        size_t length = static_cast<uint8_t>(bytes[2]);
        size_t hash = static_cast<uint8_t>(bytes[3]) * 256u + static_cast<uint8_t>(bytes[4]);
        if (length < word_min || length > word_max || bytes.size() != head + length + hash)
            throw failure::format("the record is not whole");
        if (bytes.substr(head + length, 10) != "$argon2id$")
            throw failure::format("the record has no hash");
        return {static_cast<uint8_t>(bytes[1]), std::string(bytes.substr(head, length)), std::string(bytes.substr(head + length))};
    }
    /// Which character is asked for. It moves on with each sign-in only.
    size_t position() const { return sign_ins % word.size(); }
};

class pin {
  public:
    static constexpr auto about = ::about("pin", "PIN").given().knowledge().channel("pin").can_start()
                                      .keeps_records(1, head + word_max + DWP_PWHASH_MAX).has_steps(2);
    static constexpr dwp_field fields[] = {
        field("pin", pin_max).secret().asked_for(DWP_FOR_ENROLL | DWP_FOR_VERIFY),
        field("word", word_max).secret().asked_for(DWP_FOR_ENROLL),
        field("character", 1).secret().asked_for(DWP_FOR_VERIFY).at_step(1),
    };

    explicit pin(const config &config) : hashing(config.host().table()) {}

    verdict enroll(const request &rq, reply &rp)
    {
        std::string_view pin = rq.credential("pin"), word = rq.credential("word");
        if (pin.size() < pin_min)
            rp.violation("pin", "too_short", pin_min); // all violations, then the verdict
        if (word.size() < word_min)
            rp.violation("word", "too_short", word_min);
        if (pin.size() < pin_min || word.size() < word_min)
            return verdict::deny(DWP_INVALID_INPUT);
        rp.new_record(kept{0, std::string(word), hashing.hash(rq.host(), pin)}.bytes());
        return verdict::accept();
    }

    /// First step: the PIN. Without a record the hash is empty, which costs the same and never matches.
    verdict verify(const request &rq, reply &rp)
    {
        std::optional<kept> known;
        if (rq.record_count() == 1)
            known = kept::of(rq.record(0).bytes());
        if (!hashing.matches(rq.host(), rq.credential("pin"), known ? known->phc : ""))
            return verdict::deny(known ? DWP_WRONG : DWP_NOT_ENROLLED);
        if (!known)
            return verdict::deny(DWP_NOT_ENROLLED);
        rp.challenge("position", std::to_string(known->position() + 1)); // "3": the third character, please
        rp.state(std::string{format, static_cast<char>(known->position())});
        return verdict::proceed();
    }

    /// Second step: the character. The record is stored by compare-and-swap, so one challenge serves one sign-in.
    verdict step(const request &rq, reply &rp)
    {
        if (rq.purpose() != DWP_FOR_VERIFY || rq.state().size() != 2 || rq.state()[0] != format)
            throw failure::format("the state is of another version of this plugin: the person begins again");
        if (rq.record_count() != 1)
            return verdict::deny(DWP_NOT_ENROLLED);
        kept known = kept::of(rq.record(0).bytes());
        size_t asked = static_cast<uint8_t>(rq.state()[1]);
        if (asked != known.position() || !rq.host().equal(rq.credential("character"), known.word.substr(asked, 1)))
            return verdict::deny();
        known.sign_ins++;
        rp.replace_record(rq.record(0), known.bytes());
        return verdict::accept();
    }

  private:
    pwhash hashing;
};

} // namespace

DOORWARD_PLUGIN(pin, "org.doorward.pin", "1.0.0", "Doorward", "MIT OR Apache-2.0", pin)
