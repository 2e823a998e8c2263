/*
 * doorward_plugin.hpp - write a provider for Doorward in C++17.       SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A thin layer over doorward_plugin.h, which is the contract and is to be read beside this. It adds no library: a
 * plugin still exports one function and links against nothing of ours. What it takes off your hands:
 *
 *   - exceptions end at the edge: throw doorward::plugin::failure to say "could not decide" and why; std::bad_alloc
 *     becomes DWP_E_MEMORY, any other exception DWP_E_INTERNAL. Nothing is accepted by a throw;
 *   - the tables of fields, kinds and operations are made at compile time from what your class declares and has;
 *   - a verdict is a value that must be returned, and the default is none.
 *
 *     class badge {
 *       public:
 *         static constexpr auto about = doorward::plugin::about("badge", "Badge").given().possession().channel("badge")
 *                                           .keeps_records(1, 32).can_start();
 *         static constexpr dwp_field fields[] = {
 *             doorward::plugin::field("number", 16).asked_for(DWP_FOR_ENROLL | DWP_FOR_VERIFY).secret()};
 *         explicit badge(const doorward::plugin::config &) {}
 *         verdict enroll(const request &rq, reply &rp);       // those that it has, and no others; they may be const
 *         verdict verify(const request &rq, reply &rp);
 *     };
 *     DOORWARD_PLUGIN(badge, "org.example.badge", "1.0.0", "Example", "MIT", badge)
 *
 * MEMORY and THREADS are those of doorward_plugin.h: what a request gives is borrowed until the operation returns;
 * operations of one object run on many threads at once, unless about says serial().
 * BUILD with -fvisibility=hidden and with a version script: the standard library's templates are exported otherwise,
 * and the host refuses a plugin that exports anything but its entry (plugins/template/cpp/exports.map).
 */
#ifndef DOORWARD_PLUGIN_HPP
#define DOORWARD_PLUGIN_HPP

#include "doorward_plugin.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace doorward {
namespace plugin {
inline namespace v1 {

// ---- Values ---------------------------------------------------------------------------------------------------------

/// Borrowed bytes as text; std::string_view holds NULs and any other byte.
inline std::string_view view(dwp_bytes bytes) noexcept
{
    return bytes.ptr == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char *>(bytes.ptr), bytes.len);
}

inline dwp_bytes bytes(std::string_view text) noexcept
{
    return dwp_bytes{reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

/// Throw it to say that the operation could not decide. The text is for the operator, never a secret.
class failure : public std::exception {
  public:
    failure(dwp_status status, std::string text) : status_(status), text_(std::move(text)) {}
    /// A backend is down: nobody gets in, and nobody is blamed.
    static failure unavailable(std::string text) { return {DWP_E_UNAVAILABLE, std::move(text)}; }
    /// An option cannot work: name it, its limit and the fix.
    static failure config(std::string text) { return {DWP_E_CONFIG, std::move(text)}; }
    /// A stored record or state is not understood.
    static failure format(std::string text) { return {DWP_E_FORMAT, std::move(text)}; }
    static failure timeout() { return {DWP_E_TIMEOUT, "the deadline passed"}; }
    static failure unsupported() { return {DWP_E_UNSUPPORTED, "not supported by this kind"}; }
    dwp_status status() const noexcept { return status_; }
    const char *what() const noexcept override { return text_.c_str(); }

  private:
    dwp_status status_;
    std::string text_;
};

/// Throws unless the host function did what it was asked.
inline void check(dwp_status status, const char *doing)
{
    if (status != DWP_OK)
        throw failure(status, doing);
}

/// What an operation decided. There is no default.
class [[nodiscard]] verdict {
  public:
    static verdict accept() noexcept { return {DWP_ACCEPT, 0}; }
    /// One more step: reply::state must have been called.
    static verdict proceed() noexcept { return {DWP_CONTINUE, 0}; }
    /// verify and its steps: reply::handle names a record; the host loads it and asks again.
    static verdict resolve() noexcept { return {DWP_RESOLVE, 0}; }
    /// `reason` is DWP_WRONG and so on; only that one counts as a failed attempt.
    static verdict deny(uint32_t reason = DWP_WRONG) noexcept { return {DWP_DENY, reason}; }
    uint32_t number() const noexcept { return number_; }
    uint32_t reason() const noexcept { return reason_; }

  private:
    verdict(uint32_t number, uint32_t reason) noexcept : number_(number), reason_(reason) {}
    uint32_t number_;
    uint32_t reason_;
};

// ---- Declarations ---------------------------------------------------------------------------------------------------

/// One credential that the kind asks for: see dwp_field. `max_len` in bytes, at most 65536.
class field {
  public:
    constexpr field(const char *name, uint32_t max_len)
        : raw_{sizeof(dwp_field), 0, name, nullptr, max_len, 0, 0, 0}
    {
    }
    constexpr field secret() const { return with_flags(DWP_SECRET); }
    constexpr field optional() const { return with_flags(DWP_OPTIONAL); }
    /// DWP_FOR_ENROLL | ...
    constexpr field asked_for(uint32_t purposes) const
    {
        field copy = *this;
        copy.raw_.purposes = purposes;
        return copy;
    }
    /// 1: with the first step after the operation, and so on.
    constexpr field at_step(uint32_t step) const
    {
        field copy = *this;
        copy.raw_.step = step;
        return copy;
    }
    /// An HTML autocomplete token.
    constexpr field autocomplete(const char *token) const
    {
        field copy = *this;
        copy.raw_.autocomplete = token;
        return copy;
    }
    constexpr operator dwp_field() const { return raw_; }

  private:
    constexpr field with_flags(uint32_t flags) const
    {
        field copy = *this;
        copy.raw_.flags |= flags;
        return copy;
    }
    dwp_field raw_;
};

/// What a kind is: the data of dwp_kind.
class about {
  public:
    constexpr about(const char *name, const char *title) : raw_{}
    {
        raw_.struct_size = sizeof(dwp_kind);
        raw_.name = name;
        raw_.title = title;
        raw_.identifier_source = DWP_SOURCE_GIVEN;
    }
    // Where the identifier comes from.
    constexpr about given() const { return with(&dwp_kind::identifier_source, DWP_SOURCE_GIVEN); }
    constexpr about found() const { return with(&dwp_kind::identifier_source, DWP_SOURCE_FOUND); }
    constexpr about of_user() const { return with(&dwp_kind::identifier_source, DWP_SOURCE_USER); }
    // What it proves.
    constexpr about knowledge() const { return with(&dwp_kind::factor, DWP_FACTOR_KNOWLEDGE); }
    constexpr about possession() const { return with(&dwp_kind::factor, DWP_FACTOR_POSSESSION); }
    constexpr about inherence() const { return with(&dwp_kind::factor, DWP_FACTOR_INHERENCE); }
    /// How the proof travels: two factors of one sign-in differ in it.
    constexpr about channel(const char *channel) const
    {
        about copy = *this;
        copy.raw_.channel = channel;
        return copy;
    }
    /// Something is stored for each user, of this format and at most so many bytes.
    constexpr about keeps_records(uint32_t format, uint32_t max_bytes) const
    {
        return with_flags(DWP_KEEPS_RECORDS).with(&dwp_kind::record_version, format).with(&dwp_kind::max_record, max_bytes);
    }
    /// A user may enroll more than one.
    constexpr about several_records() const { return with_flags(DWP_SEVERAL_RECORDS); }
    /// It has steps, with a state of at most so many bytes between them.
    constexpr about has_steps(uint32_t max_state) const { return with(&dwp_kind::max_state, max_state); }
    constexpr about can_start() const { return with_flags(DWP_CAN_START); }
    /// Never blocks and takes well under a millisecond.
    constexpr about never_blocks() const { return with_flags(DWP_INLINE); }
    /// Its credentials hold 112 random bits or more: verified first, never throttled.
    constexpr about unguessable() const { return with_flags(DWP_UNGUESSABLE); }
    /// A sign-in's first step, for nobody yet, writes no row: its state, at most DWP_UNSTORED_MAX_STATE bytes, travels
    /// sealed in the flow token. For unguessable kinds that are found and can start.
    constexpr about unstored_start() const { return with_flags(DWP_UNGUESSABLE | DWP_UNSTORED_START); }
    constexpr about serial() const { return with_flags(DWP_SERIAL); }
    constexpr about deadline_ms(uint32_t ms) const { return with(&dwp_kind::default_deadline_ms, ms); }
    constexpr about max_concurrency(uint32_t most) const { return with(&dwp_kind::max_concurrency, most); }
    constexpr about normalize_version(uint32_t version) const { return with(&dwp_kind::normalize_version, version); }
    /// JSON Schema of its options.
    constexpr about config_schema(const char *schema) const
    {
        about copy = *this;
        copy.raw_.config_schema = schema;
        return copy;
    }
    constexpr const dwp_kind &raw() const { return raw_; }

  private:
    constexpr about with(uint32_t dwp_kind::*which, uint32_t value) const
    {
        about copy = *this;
        copy.raw_.*which = value;
        return copy;
    }
    constexpr about with_flags(uint32_t flags) const { return with(&dwp_kind::flags, raw_.flags | flags); }
    dwp_kind raw_;
};

// ---- The host -------------------------------------------------------------------------------------------------------

/// The host's services. Cheap to copy; good as long as the process, its call as long as the operation.
class host {
  public:
    host(const dwp_host *table, const dwp_call *call) noexcept : table_(table), call_(call) {}
    const dwp_host *table() const noexcept { return table_; }
    const dwp_call *call() const noexcept { return call_; }

    /// A line for the operator: DWP_LOG_... Never a secret.
    void log(int32_t level, std::string_view text) const { table_->log(table_, call_, level, text.data(), text.size()); }
    /// An entry in the event stream; `detail` is JSON or empty.
    void audit(const char *event, std::string_view detail = {}) const
    {
        check(table_->audit(table_, call_, event, detail.data(), detail.size()), "audit");
    }
    void random(void *out, size_t len) const { check(table_->random(table_, out, len), "no randomness"); }
    /// Wall clock, UTC.
    std::chrono::microseconds now() const { return std::chrono::microseconds(table_->unix_micros(table_)); }
    /// Until the deadline; zero or less: give up.
    std::chrono::nanoseconds remaining() const { return std::chrono::nanoseconds(table_->remaining_ns(table_, call_)); }
    bool cancelled() const { return table_->cancelled(table_, call_) != 0; }
    void wipe(void *memory, size_t len) const noexcept { table_->wipe(memory, len); }
    /// In constant time; of different lengths: false.
    bool equal(std::string_view a, std::string_view b) const noexcept
    {
        return a.size() == b.size() && table_->ct_equal(a.data(), b.data(), a.size()) == 1;
    }
    std::array<uint8_t, 32> sha256(std::string_view data) const
    {
        std::array<uint8_t, 32> out{};
        check(table_->sha256(data.data(), data.size(), out.data()), "sha256");
        return out;
    }
    std::array<uint8_t, 32> hmac_sha256(std::string_view key, std::string_view data) const
    {
        std::array<uint8_t, 32> out{};
        check(table_->hmac_sha256(key.data(), key.size(), data.data(), data.size(), out.data()), "hmac_sha256");
        return out;
    }
    /// The host's extension with this id, or NULL.
    template <class Extension> const Extension *extension(const char *id) const
    {
        return static_cast<const Extension *>(table_->extension(table_, id));
    }

  private:
    const dwp_host *table_;
    const dwp_call *call_;
};

/// `doorward.pwhash/1`: Argon2id within the memory budget of the host.
class pwhash {
  public:
    explicit pwhash(const dwp_host *table) : raw_(host(table, nullptr).extension<dwp_pwhash>(DWP_EXT_PWHASH))
    {
        if (raw_ == nullptr)
            throw failure(DWP_E_UNSUPPORTED, "the host does not hash passwords");
    }
    std::string hash(const host &host, std::string_view password) const
    {
        std::array<char, DWP_PWHASH_MAX> out{};
        size_t written = 0;
        check(raw_->hash(host.table(), host.call(), password.data(), password.size(), out.data(), out.size(), &written),
              "the password could not be hashed");
        return {out.data(), written};
    }
    /// With an empty `phc` it costs the same and is false: for people without a record.
    bool matches(const host &host, std::string_view password, std::string_view phc) const
    {
        uint32_t verdict = DWP_DENY;
        check(raw_->verify(host.table(), host.call(), password.data(), password.size(), phc.data(), phc.size(), &verdict),
              "the password could not be compared");
        return verdict == DWP_ACCEPT;
    }
    bool needs_rehash(const host &host, std::string_view phc) const
    {
        int32_t needed = 0;
        check(raw_->needs_rehash(host.table(), phc.data(), phc.size(), &needed), "the hash is not understood");
        return needed != 0;
    }

  private:
    const dwp_pwhash *raw_;
};

/// `doorward.kv/1`: keys and values of this provider name, with expiry and compare-and-swap.
class kv {
  public:
    struct entry {
        std::string value;
        int64_t version;
    };
    explicit kv(const dwp_host *table) : raw_(host(table, nullptr).extension<dwp_kv>(DWP_EXT_KV))
    {
        if (raw_ == nullptr)
            throw failure(DWP_E_UNSUPPORTED, "the host keeps no keys and values");
    }
    std::optional<entry> get(const host &host, std::string_view key) const
    {
        entry found{std::string(256, '\0'), 0};
        for (;;) {
            size_t written = 0;
            dwp_status status = raw_->get(host.table(), host.call(), key.data(), key.size(), &found.value[0],
                                          found.value.size(), &written, &found.version);
            if (status == DWP_E_NOT_FOUND)
                return std::nullopt;
            if (status == DWP_E_TOO_LARGE && written > found.value.size()) {
                found.value.resize(written);
                continue;
            }
            check(status, "a value could not be read");
            found.value.resize(written);
            return found;
        }
    }
    /// False: what is there is not what `expect` says (DWP_KV_ANY, DWP_KV_ABSENT or a version).
    bool put(const host &host, std::string_view key, std::string_view value, uint32_t seconds, int64_t expect = DWP_KV_ANY) const
    {
        return won(raw_->put(host.table(), host.call(), key.data(), key.size(), value.data(), value.size(), seconds, expect, nullptr));
    }
    /// True for exactly one of many callers.
    bool remove(const host &host, std::string_view key, int64_t expect = DWP_KV_ANY) const
    {
        return won(raw_->remove(host.table(), host.call(), key.data(), key.size(), expect));
    }
    int64_t add(const host &host, std::string_view key, int64_t delta, uint32_t seconds) const
    {
        int64_t sum = 0;
        check(raw_->add(host.table(), host.call(), key.data(), key.size(), delta, seconds, &sum), "a counter could not be changed");
        return sum;
    }

  private:
    static bool won(dwp_status status)
    {
        if (status == DWP_E_CONFLICT || status == DWP_E_NOT_FOUND)
            return false;
        check(status, "a value could not be changed");
        return true;
    }
    const dwp_kv *raw_;
};

/// `doorward.limit/1`: bounds on what strangers can make a kind do. The host counts.
class limits {
  public:
    explicit limits(const dwp_host *table) : raw_(host(table, nullptr).extension<dwp_limit>(DWP_EXT_LIMIT))
    {
        if (raw_ == nullptr)
            throw failure(DWP_E_UNSUPPORTED, "the host counts nothing for kinds");
    }
    /// Whether one more of `name` is allowed for this subject: `burst` at once, then one every `pace` seconds. 0: it is, and
    /// is charged with the answer of CONTINUE, or of ACCEPT of enroll and update. Otherwise the seconds until it is: answer
    /// as always, without the message.
    uint32_t closed_for(const host &host, const char *name, std::string_view subject, uint32_t burst, uint32_t pace) const
    {
        uint32_t wait = UINT32_MAX;
        check(raw_->limit(host.table(), host.call(), name, subject.data(), subject.size(), burst, pace, &wait),
              "a limit could not be read");
        return wait;
    }

  private:
    const dwp_limit *raw_;
};

// ---- Configuration, requests, replies -------------------------------------------------------------------------------

/// The options of one configured provider, checked against the schema. Good until the constructor returns.
class config {
  public:
    explicit config(const dwp_open &open) noexcept : open_(open) {}
    class host host() const noexcept { return {open_.host, nullptr}; }
    std::string_view provider() const noexcept { return view(open_.provider); }
    std::optional<std::string_view> text(const char *name) const { return bytes_of(open_.host->config_text, name); }
    std::optional<std::string_view> secret(const char *name) const { return bytes_of(open_.host->config_secret, name); }
    std::optional<int64_t> integer(const char *name) const
    {
        int64_t out = 0;
        return found(open_.host->config_integer(open_.config, name, &out), name) ? std::optional<int64_t>(out) : std::nullopt;
    }
    std::optional<bool> boolean(const char *name) const
    {
        int32_t out = 0;
        return found(open_.host->config_boolean(open_.config, name, &out), name) ? std::optional<bool>(out != 0) : std::nullopt;
    }

  private:
    template <class Get> std::optional<std::string_view> bytes_of(Get get, const char *name) const
    {
        dwp_bytes out{nullptr, 0};
        return found(get(open_.config, name, &out), name) ? std::optional<std::string_view>(view(out)) : std::nullopt;
    }
    static bool found(dwp_status status, const char *name)
    {
        if (status == DWP_E_NOT_FOUND)
            return false;
        if (status != DWP_OK)
            throw failure::config(std::string("option ") + name + " has another type");
        return true;
    }
    const dwp_open &open_;
};

/// What the plugin keeps for a user. Borrowed.
class record {
  public:
    explicit record(const dwp_record &raw) noexcept : raw_(&raw) {}
    const uint8_t *id() const noexcept { return raw_->id; }
    uint32_t format() const noexcept { return raw_->format; }
    std::string_view bytes() const noexcept { return view(raw_->bytes); }
    std::string_view label() const noexcept { return view(raw_->label); }

  private:
    const dwp_record *raw_;
};

/// What the host asks. Borrowed until the operation returns.
class request {
  public:
    explicit request(const dwp_request &raw) noexcept : raw_(raw) {}
    const dwp_request &raw() const noexcept { return raw_; }
    class host host() const noexcept { return {raw_.host, raw_.call}; }
    uint32_t purpose() const noexcept { return raw_.purpose; }
    uint32_t step() const noexcept { return raw_.step; }
    /// No such user: do the same work and answer the same.
    bool is_decoy() const noexcept { return (raw_.flags & DWP_RF_DECOY) != 0; }
    std::string_view realm() const noexcept { return view(raw_.realm); }
    std::string_view provider() const noexcept { return view(raw_.provider); }
    std::string_view subject() const noexcept { return view(raw_.subject); }
    std::string_view identifier_raw() const noexcept { return view(raw_.identifier_raw); }
    std::string_view identifier() const noexcept { return view(raw_.identifier); }
    std::string_view display() const noexcept { return view(raw_.display); }
    std::string_view state() const noexcept { return view(raw_.state); }
    std::string_view agent() const noexcept { return view(raw_.agent); }
    std::string_view address() const noexcept { return view(raw_.address); }
    std::string_view resolved() const noexcept { return view(raw_.resolved); }
    /// Empty when it did not come.
    std::string_view credential(const char *name) const noexcept
    {
        return view(dwp_find(raw_.credentials, raw_.n_credentials, name));
    }
    std::string_view new_credential(const char *name) const noexcept
    {
        return view(dwp_find(raw_.new_credentials, raw_.n_new_credentials, name));
    }
    size_t record_count() const noexcept { return raw_.n_records; }
    class record record(size_t index) const noexcept { return plugin::record(*raw_.records[index]); }
    std::vector<class record> records() const
    {
        std::vector<class record> all;
        for (uint32_t i = 0; i < raw_.n_records; i++)
            all.emplace_back(*raw_.records[i]);
        return all;
    }

  private:
    const dwp_request &raw_;
};

/// What the kind answers besides the verdict. What the host refuses makes the reply void: nothing needs to be checked.
class reply {
  public:
    reply(dwp_reply *raw, const dwp_host *table) noexcept : raw_(raw), table_(table) {}
    dwp_reply *raw() const noexcept { return raw_; }
    void identifier(std::string_view text) { table_->identifier(raw_, text.data(), text.size()); }
    /// enroll: what to store. update of a kind without several records, too.
    void new_record(std::string_view bytes) { table_->put_record(raw_, nullptr, bytes.data(), bytes.size()); }
    /// ACCEPT then holds only if nobody else changed it since it was read.
    void replace_record(const class record &old, std::string_view bytes)
    {
        table_->put_record(raw_, old.id(), bytes.data(), bytes.size());
    }
    void label(std::string_view text) { table_->label(raw_, text.data(), text.size()); }
    void handle(std::string_view handle) { table_->handle(raw_, handle.data(), handle.size()); }
    void used_record(const class record &used) { table_->used_record(raw_, used.id()); }
    /// With proceed(). Zero seconds: the host's default, which is also the most.
    void state(std::string_view state, uint32_t seconds = 0) { table_->state(raw_, state.data(), state.size(), seconds); }
    void challenge(const char *name, std::string_view value) { table_->challenge(raw_, name, value.data(), value.size()); }
    void show_once(const char *name, std::string_view value) { table_->show_once(raw_, name, value.data(), value.size()); }
    void attribute(const char *name, std::string_view json) { table_->attribute(raw_, name, json.data(), json.size()); }
    void violation(const char *field, const char *code, int64_t limit) { table_->violation(raw_, field, code, limit); }
    void message(std::string_view text) { table_->message(raw_, text.data(), text.size()); }
    /// `doorward.deliver/1`: a message to a person, stored with CONTINUE or ACCEPT and with nothing else.
    void deliver(const dwp_deliver &service, const char *channel, std::string_view address, const char *template_name,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> params, uint32_t seconds = 0)
    {
        std::vector<dwp_pair> values;
        for (const auto &param : params)
            values.push_back({plugin::bytes(param.first), plugin::bytes(param.second)});
        service.message(raw_, channel, address.data(), address.size(), template_name, values.data(),
                        static_cast<uint32_t>(values.size()), seconds);
    }

  private:
    dwp_reply *raw_;
    const dwp_host *table_;
};

// ---- The edge: from C to the class and back -------------------------------------------------------------------------

namespace edge {

/// Runs the body; whatever it throws becomes a status, with its text for the operator.
template <class Body> dwp_status guarded(const dwp_host *table, dwp_reply *rp, Body body) noexcept
{
    auto told = [&](dwp_status status, const char *text) noexcept {
        if (rp != nullptr)
            table->message(rp, text, std::char_traits<char>::length(text));
        return status;
    };
    try {
        return body();
    } catch (const failure &failed) {
        return told(failed.status() == DWP_OK ? DWP_E_INTERNAL : failed.status(), failed.what());
    } catch (const std::bad_alloc &) {
        return told(DWP_E_MEMORY, "out of memory");
    } catch (const std::exception &thrown) {
        return told(DWP_E_INTERNAL, thrown.what());
    } catch (...) {
        return told(DWP_E_INTERNAL, "something was thrown that is no exception");
    }
}

/// Which operations the class has, which names of operations it has, and how the operation is called. A name that is there
/// and cannot be called would be an operation that is silently missing: two bases of one name are ambiguous, whatever each is.
#define DOORWARD_OPERATION(operation, result, arguments)                                                               \
    template <class T, class = void> struct has_##operation : std::false_type {                                        \
    };                                                                                                                 \
    template <class T>                                                                                                 \
    struct has_##operation<                                                                                            \
        T, std::enable_if_t<std::is_same_v<decltype(std::declval<T &>().operation arguments), result>>>                \
        : std::true_type {                                                                                             \
    };                                                                                                                 \
    struct name_##operation {                                                                                          \
        int operation;                                                                                                 \
    };                                                                                                                 \
    template <class T> struct with_##operation : T, name_##operation {                                                 \
    };                                                                                                                 \
    template <class T, class = void> struct names_##operation : std::true_type {                                       \
    };                                                                                                                 \
    template <class T>                                                                                                 \
    struct names_##operation<T, std::void_t<decltype(&with_##operation<T>::operation)>> : std::false_type {            \
    };                                                                                                                 \
    struct call_##operation {                                                                                          \
        template <class T, class... Arguments> static result on(T &self, Arguments &&...given)                         \
        {                                                                                                              \
            return self.operation(std::forward<Arguments>(given)...);                                                  \
        }                                                                                                              \
    }
DOORWARD_OPERATION(normalize, verdict, (std::declval<const request &>(), std::declval<reply &>()));
DOORWARD_OPERATION(enroll, verdict, (std::declval<const request &>(), std::declval<reply &>()));
DOORWARD_OPERATION(verify, verdict, (std::declval<const request &>(), std::declval<reply &>()));
DOORWARD_OPERATION(update, verdict, (std::declval<const request &>(), std::declval<reply &>()));
DOORWARD_OPERATION(step, verdict, (std::declval<const request &>(), std::declval<reply &>()));
DOORWARD_OPERATION(describe, void, (std::declval<const request &>(), std::declval<reply &>()));
DOORWARD_OPERATION(health, void, (std::declval<const host &>()));
DOORWARD_OPERATION(start, void, (std::declval<const host &>()));
DOORWARD_OPERATION(stop, void, ());
#undef DOORWARD_OPERATION

template <class T> T &object(dwp_instance *self) noexcept { return *reinterpret_cast<T *>(self); }

template <class T> dwp_status DWP_CALL open(const dwp_open *args, dwp_instance **out, dwp_reply *rp) noexcept
{
    return guarded(args->host, rp, [&] {
        *out = reinterpret_cast<dwp_instance *>(new T(config(*args)));
        return DWP_OK;
    });
}

template <class T> void DWP_CALL close(dwp_instance *self) noexcept { delete &object<T>(self); }

template <class T, class Operation>
dwp_status DWP_CALL decide(dwp_instance *self, const dwp_request *rq, dwp_reply *rp) noexcept
{
    return guarded(rq->host, rp, [&] {
        reply answer(rp, rq->host);
        const request asked(*rq);
        verdict decided = Operation::on(object<T>(self), asked, answer);
        return rq->host->verdict(rp, decided.number(), decided.reason());
    });
}

template <class T, class Operation>
dwp_status DWP_CALL tell(dwp_instance *self, const dwp_request *rq, dwp_reply *rp) noexcept
{
    return guarded(rq->host, rp, [&] {
        reply answer(rp, rq->host);
        const request asked(*rq);
        Operation::on(object<T>(self), asked, answer);
        return DWP_OK;
    });
}

template <class T, class Operation>
dwp_status DWP_CALL serve(dwp_instance *self, const dwp_request *rq, dwp_reply *rp) noexcept
{
    return guarded(rq->host, rp, [&] {
        const host from(rq->host, rq->call);
        Operation::on(object<T>(self), from);
        return DWP_OK;
    });
}

template <class T> void DWP_CALL stop(dwp_instance *self) noexcept
{
    try {
        object<T>(self).stop();
    } catch (...) {
        // Nobody could be told, and the process goes on.
    }
}

template <class T, class = void> struct field_list {
    static constexpr std::array<const dwp_field *, 1> pointers{nullptr};
    static constexpr uint32_t count = 0;
};
template <class T> struct field_list<T, std::void_t<decltype(T::fields)>> {
    static constexpr uint32_t count = static_cast<uint32_t>(std::extent_v<decltype(T::fields)>);
    template <size_t... I> static constexpr std::array<const dwp_field *, count> make(std::index_sequence<I...>)
    {
        return {&T::fields[I]...};
    }
    static constexpr std::array<const dwp_field *, count> pointers = make(std::make_index_sequence<count>());
};

template <class T> constexpr dwp_kind table()
{
    dwp_kind kind = T::about.raw();
    kind.fields = field_list<T>::pointers.data();
    kind.n_fields = field_list<T>::count;
    kind.open = &open<T>;
    kind.close = &close<T>;
    if constexpr (has_normalize<T>::value)
        kind.normalize = &decide<T, call_normalize>;
    if constexpr (has_enroll<T>::value)
        kind.enroll = &decide<T, call_enroll>;
    if constexpr (has_verify<T>::value)
        kind.verify = &decide<T, call_verify>;
    if constexpr (has_update<T>::value)
        kind.update = &decide<T, call_update>;
    if constexpr (has_step<T>::value)
        kind.step = &decide<T, call_step>;
    if constexpr (has_describe<T>::value)
        kind.describe = &tell<T, call_describe>;
    if constexpr (has_health<T>::value)
        kind.health = &serve<T, call_health>;
    if constexpr (has_start<T>::value)
        kind.start = &serve<T, call_start>;
    if constexpr (has_stop<T>::value)
        kind.stop = &stop<T>;
    return kind;
}

template <class T> struct kind_of {
#define DOORWARD_NOT_LOST(operation, called)                                                                           \
    static_assert(has_##operation<T>::value || !names_##operation<T>::value,                                           \
                  "the class has a `" #operation "` that cannot be called: make it public `" called                    \
                  "`, or give it another name")
#define DOORWARD_DECIDES(operation) DOORWARD_NOT_LOST(operation, "verdict " #operation "(const request &, reply &)")
    static_assert(!std::is_final_v<T>, "a class that is final cannot be looked into: leave out `final`");
    static_assert(has_verify<T>::value || names_verify<T>::value,
                  "a kind needs `verdict verify(const request &, reply &)`");
    DOORWARD_DECIDES(normalize);
    DOORWARD_DECIDES(enroll);
    DOORWARD_DECIDES(verify);
    DOORWARD_DECIDES(update);
    DOORWARD_DECIDES(step);
    DOORWARD_NOT_LOST(describe, "void describe(const request &, reply &)");
    DOORWARD_NOT_LOST(health, "void health(const host &)");
    DOORWARD_NOT_LOST(start, "void start(const host &)");
    DOORWARD_NOT_LOST(stop, "void stop()");
#undef DOORWARD_DECIDES
#undef DOORWARD_NOT_LOST
    static_assert(std::is_constructible_v<T, const config &>, "a kind is made from `const config &`");
    static constexpr dwp_kind value = table<T>();
};

template <class... Kinds> struct kinds_of {
    static constexpr std::array<const dwp_kind *, sizeof...(Kinds)> pointers{&kind_of<Kinds>::value...};
};

template <class... Kinds>
constexpr dwp_module module_of(const char *id, const char *version, const char *vendor, const char *license)
{
    dwp_module module{};
    module.struct_size = sizeof(dwp_module);
    module.magic = DWP_MAGIC;
    module.abi_major = DWP_ABI_MAJOR;
    module.abi_minor = DWP_ABI_MINOR;
    module.n_kinds = sizeof...(Kinds);
    module.kinds = kinds_of<Kinds...>::pointers.data();
    module.id = id;
    module.version = version;
    module.vendor = vendor;
    module.license = license;
    return module;
}

} // namespace edge
} // namespace v1
} // namespace plugin
} // namespace doorward

/// The plugin: its name for static linking, its id, version, vendor and licence, and the classes of its kinds.
#define DOORWARD_PLUGIN(name, id, version, vendor, license, ...)                                                       \
    static constexpr dwp_module doorward_module_##name =                                                               \
        doorward::plugin::edge::module_of<__VA_ARGS__>(id, version, vendor, license);                                  \
    DWP_ENTRY(name) { return &doorward_module_##name; }

#endif /* DOORWARD_PLUGIN_HPP */
