/*
 * doorward.hpp - Doorward for C++17: a thin wrapper of doorward.h.      SPDX-License-Identifier: MIT OR Apache-2.0
 *
 *     auto auth = doorward::auth::open(doorward::config().load("database = 'sqlite:doorward.db'\n"
 *                                                              "[provider.email]\nkind = 'password'\n")).value();
 *     auth.start().value();
 *     auto proof = auth.create_user("email", "ada@example.com", {{"password", "plum tractors hum at noon"}}).value();
 *     auto session = auth.create_session(proof);
 *     for (auto line : session.headers()) send(line.name, line.value);      // each as a line of its own
 *
 * What each function means stands in doorward.h; here it has the same name without the prefix, and the same operands.
 *
 *      1. Small types: id, pair, pairs, list        4. Results
 *      2. What an answer has                        5. Configuration, queue, request
 *      3. Reading                                   6. The context, its views, the operations
 *
 * RESULTS.  Every operation gives a result<T>: a status, what was decided, or why nothing could be. A result is not a
 * truth value: ask ok(), or status(). get() gives the value if there is one; value() throws doorward::error where there is
 * none, or, without exceptions, says why on stderr and aborts. Nothing else in this header throws, except std::bad_alloc.
 * HANDLES.  auth, proof, session, user and their like are cheap to copy and keep alive what they stand for; all are
 * safe from many threads. config, queue and result are moved, not copied; what was moved from has no answer. Texts come as
 * std::string_view into the object that gave them, and end with a NUL: a text of something that is gone with the statement
 * does not compile. Lists, headers among them, keep what they are of.
 */
#ifndef DOORWARD_HPP
#define DOORWARD_HPP

#include <doorward.h>

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/* What is lent by an object, as clang looks at it. */
#if defined(__clang__)
#define DOORWARD_LENT [[clang::lifetimebound]]
#else
#define DOORWARD_LENT
#endif

namespace doorward {

/* ---- 1. Small types ---------------------------------------------------------------------------------------------- */

using status = doorward_status;
using settlement = doorward_settlement;
/* When something happened, to the microsecond. */
using time_point = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using duration = std::chrono::microseconds;

/* An operand's text. */
using text = std::string_view;

namespace detail {

inline doorward_bytes bytes(text given) noexcept { return doorward_span(given.data() ? given.data() : "", given.size()); }

inline doorward_bytes bytes(const std::optional<text> &given) noexcept { return given ? bytes(*given) : doorward_span(nullptr, 0); }

inline text view(doorward_bytes given) noexcept { return given.ptr ? text(given.ptr, given.len) : text(); }

inline time_point at(int64_t micros) noexcept { return time_point(duration(micros)); }

inline std::optional<time_point> maybe_at(int64_t micros) noexcept
{
    return micros == DOORWARD_NO_TIME ? std::nullopt : std::optional<time_point>(at(micros));
}

/* Owns an answer. */
class held {
public:
    explicit held(doorward_answer given) noexcept : answer(given) {}
    held(const held &) = delete;
    held &operator=(const held &) = delete;
    ~held() { doorward_answer_free(&answer); }

    doorward_answer answer;
};

using answer_ptr = std::shared_ptr<const held>;

inline doorward_answer raw(const answer_ptr &answer) noexcept
{
    const doorward_answer none = DOORWARD_ANSWER_INIT;
    return answer ? answer->answer : none;
}

/* Something inside an answer, kept alive by it. */
template <class Handle>
class part {
public:
    part() noexcept = default;
    /* The C handle: borrowed from this object. */
    const Handle *c() const & noexcept DOORWARD_LENT { return handle_; }
    const Handle *c() const && = delete;

protected:
    part(answer_ptr answer, const Handle *handle) noexcept : answer_(std::move(answer)), handle_(handle) {}
    answer_ptr answer_;
    const Handle *handle_ = nullptr;
};

} // namespace detail

/* The id of a user, a sign-in or an authenticator. */
struct id : doorward_id {
    id() noexcept : doorward_id{} {}
    id(const doorward_id &other) noexcept : doorward_id(other) {}
    /* The text form: 36 characters. */
    std::string text() const
    {
        char written[DOORWARD_ID_TEXT_SIZE];
        doorward_id_text(this, written);
        return written;
    }
    /* Reads the text form; none for any other text. */
    static std::optional<id> parse(std::string_view given) noexcept
    {
        id read;
        if (doorward_id_parse(detail::bytes(given), &read) != DOORWARD_OK) return std::nullopt;
        return read;
    }
    friend bool operator==(const id &a, const id &b) noexcept { return std::memcmp(a.bytes, b.bytes, 16) == 0; }
    friend bool operator!=(const id &a, const id &b) noexcept { return !(a == b); }
    friend bool operator<(const id &a, const id &b) noexcept { return std::memcmp(a.bytes, b.bytes, 16) < 0; }
};

/* A name with a value, as an operand: a credential. Borrows both; laid out like doorward_pair. */
struct pair : doorward_pair {
    pair(text given_name, text given_value) noexcept : doorward_pair{detail::bytes(given_name), detail::bytes(given_value)} {}
};

static_assert(sizeof(pair) == sizeof(doorward_pair) && std::is_standard_layout_v<pair>, "pairs are handed on as they are");

/* Credentials, as an operand: braces, a vector, an array, or a pointer and a count. Owns nothing, copies nothing. */
class pairs {
public:
    pairs() noexcept = default;
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winit-list-lifetime" /* it lives as long as the call that this is an operand of */
#endif
    pairs(std::initializer_list<pair> list) noexcept : pairs(list.begin(), list.size()) {}
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
#pragma GCC diagnostic pop
#endif
    /* A vector, an std::array: what has data() and size(). */
    template <class Of, class = std::enable_if_t<std::is_convertible_v<decltype(std::declval<const Of &>().data()), const pair *>>>
    pairs(const Of &of) noexcept : pairs(of.data(), of.size()) {}
    template <size_t N>
    pairs(const pair (&of)[N]) noexcept : pairs(of, N) {}
    pairs(const pair *first, size_t count) noexcept : first_(first), count_(count) {}
    pairs(const pairs &) noexcept = default;
    /* What it borrows would not outlive the statement. */
    pairs &operator=(const pairs &) = delete;

    const doorward_pair *c() const noexcept { return first_; }
    size_t size() const noexcept { return count_; }

private:
    const pair *first_ = nullptr;
    size_t count_ = 0;
};

/* A name with a value, as it is read: a header line, a challenge, what is shown once. */
struct named {
    text name;
    text value;
    /* To be given back, as a credential. */
    operator pair() const noexcept { return {name, value}; }
};

/* Named values, which keep what they are of. */
class lines {
public:
    lines() noexcept = default;
    lines(std::shared_ptr<const void> of, doorward_pairs given) noexcept : of_(std::move(of)), given_(given) {}

    class iterator {
    public:
        using difference_type = std::ptrdiff_t;
        using value_type = named;
        using pointer = void;
        using reference = named;
        using iterator_category = std::input_iterator_tag;
        explicit iterator(const doorward_pair *at) noexcept : at_(at) {}
        named operator*() const noexcept { return {detail::view(at_->name), detail::view(at_->value)}; }
        iterator &operator++() noexcept
        {
            ++at_;
            return *this;
        }
        iterator operator++(int) noexcept { return iterator(at_++); }
        friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }
        friend bool operator!=(iterator a, iterator b) noexcept { return a.at_ != b.at_; }

    private:
        const doorward_pair *at_;
    };

    iterator begin() const & noexcept DOORWARD_LENT { return iterator(given_.ptr); }
    iterator begin() const && = delete;
    iterator end() const & noexcept DOORWARD_LENT { return iterator(given_.ptr ? given_.ptr + given_.len : nullptr); }
    iterator end() const && = delete;
    size_t size() const noexcept { return given_.len; }
    bool empty() const noexcept { return given_.len == 0; }
    /* The line at an index below size(). */
    named operator[](size_t index) const & noexcept DOORWARD_LENT { return *iterator(given_.ptr + index); }
    named operator[](size_t index) const && = delete;
    /* The value of the first line of this name. */
    std::optional<text> find(text name) const & noexcept DOORWARD_LENT
    {
        for (size_t i = 0; i < given_.len; i++)
            if (detail::view(given_.ptr[i].name) == name) return detail::view(given_.ptr[i].value);
        return std::nullopt;
    }
    std::optional<text> find(text name) const && = delete;

private:
    std::shared_ptr<const void> of_;
    doorward_pairs given_{nullptr, 0};
};

/* What value() throws. */
class error : public std::runtime_error {
public:
    error(doorward::status given, const std::string &message) : std::runtime_error(message), status_(given) {}
    /* The number: negative when it could not be decided, positive for another outcome than the one asked for. */
    doorward::status status() const noexcept { return status_; }
    /* Its stable text. */
    const char *id() const noexcept { return doorward_status_id(status_); }
    /* Who must act. */
    const char *actor() const noexcept { return doorward_status_actor(status_); }
    bool is_retryable() const noexcept { return doorward_status_is_retryable(status_); }

private:
    doorward::status status_;
};

/* ---- 2. What an answer has ---------------------------------------------------------------------------------------- */

/* A text of the object, which lends it; of one that is gone with the statement it does not compile. */
#define DOORWARD_TEXT(name, of) \
    text name() const & noexcept DOORWARD_LENT { return detail::view(of(handle_)); } \
    text name() const && = delete;
#define DOORWARD_AT(name, of) \
    time_point name() const noexcept { return detail::at(of(handle_)); }
#define DOORWARD_MAYBE_AT(name, of) \
    std::optional<time_point> name() const noexcept { return detail::maybe_at(of(handle_)); }

namespace detail {

/* A list whose accessor gives NULL beyond the last. */
template <class T, class Of, class Handle>
std::vector<T> all(const answer_ptr &answer, Of of, const Handle *(*at)(Of, size_t))
{
    std::vector<T> found;
    for (size_t i = 0; const Handle *one = at(of, i); i++) found.emplace_back(answer, one);
    return found;
}

inline std::optional<doorward::id> maybe_id(const doorward_id *given) noexcept
{
    return given ? std::optional<doorward::id>(*given) : std::nullopt;
}

} // namespace detail

/* One rule of a policy that new credentials break. */
class violation : public detail::part<doorward_violation> {
public:
    violation(detail::answer_ptr answer, const doorward_violation *handle) noexcept : part(std::move(answer), handle) {}
    text rule() const & noexcept DOORWARD_LENT { return detail::view(handle_->rule); }
    text rule() const && = delete;
    text field() const & noexcept DOORWARD_LENT { return detail::view(handle_->field); }
    text field() const && = delete;
    /* What to do, for people. */
    text message() const & noexcept DOORWARD_LENT { return detail::view(handle_->message); }
    text message() const && = delete;
    uint64_t limit() const noexcept { return handle_->limit; }
};

class factor : public detail::part<doorward_factor> {
public:
    factor(detail::answer_ptr answer, const doorward_factor *handle) noexcept : part(std::move(answer), handle) {}
    DOORWARD_TEXT(provider, doorward_factor_provider)
    DOORWARD_TEXT(factor_class, doorward_factor_class)
    DOORWARD_TEXT(channel, doorward_factor_channel)
    DOORWARD_AT(at, doorward_factor_at)
    /* Two factors in one: it counts as two at names of `policy.second_factor` only. */
    bool is_two_in_one() const noexcept { return doorward_factor_is_two_in_one(handle_); }
};

class proof : public detail::part<doorward_proof> {
public:
    explicit proof(const detail::answer_ptr &answer) noexcept : part(answer, doorward_answer_proof(detail::raw(answer))) {}
    doorward::id user_id() const noexcept { return *doorward_proof_user_id(handle_); }
    /* "sign_in" makes one session, "step_up" a session's successor, "session" none. */
    DOORWARD_TEXT(purpose, doorward_proof_purpose)
    std::vector<factor> factors() const { return detail::all<factor>(answer_, handle_, doorward_proof_factor); }
};

/* One field of a form. */
class field : public detail::part<doorward_field> {
public:
    field(detail::answer_ptr answer, const doorward_field *handle) noexcept : part(std::move(answer), handle) {}
    DOORWARD_TEXT(name, doorward_field_name)
    DOORWARD_TEXT(autocomplete, doorward_field_autocomplete)
    size_t max_len() const noexcept { return doorward_field_max_len(handle_); }
    bool is_secret() const noexcept { return doorward_field_is_secret(handle_); }
    bool is_optional() const noexcept { return doorward_field_is_optional(handle_); }
};

class method : public detail::part<doorward_method> {
public:
    method(detail::answer_ptr answer, const doorward_method *handle) noexcept : part(std::move(answer), handle) {}
    DOORWARD_TEXT(provider, doorward_method_provider)
    DOORWARD_TEXT(action, doorward_method_action)
    DOORWARD_TEXT(factor_class, doorward_method_factor_class)
    std::vector<field> fields() const { return detail::all<field>(answer_, handle_, doorward_method_field); }
    lines challenge() const noexcept { return {answer_, doorward_method_challenge(handle_)}; }
};

class flow : public detail::part<doorward_flow> {
public:
    flow(detail::answer_ptr answer, const doorward_flow *handle) noexcept : part(std::move(answer), handle) {}
    /* What to answer with: to the same person only. */
    DOORWARD_TEXT(token, doorward_flow_token)
    /* "enroll", "link", "sign_in", "sign_up" or "step_up". */
    DOORWARD_TEXT(purpose, doorward_flow_purpose)
    /* Begun with, or whose step is open; may be empty. */
    DOORWARD_TEXT(provider, doorward_flow_provider)
    std::optional<doorward::id> user_id() const noexcept { return detail::maybe_id(doorward_flow_user_id(handle_)); }
    DOORWARD_AT(expires_at, doorward_flow_expires_at)
    /* One of them is to be answered. */
    std::vector<method> next() const { return detail::all<method>(answer_, handle_, doorward_flow_next); }
};

/* What was verified and is nobody's: good for ten minutes, in the browser that earned it. */
class claim : public detail::part<doorward_claim> {
public:
    explicit claim(const detail::answer_ptr &answer) noexcept : part(answer, doorward_answer_claim(detail::raw(answer))) {}
    /* What to create a user from, or to link: to the same person only. */
    DOORWARD_TEXT(token, doorward_claim_token)
    DOORWARD_TEXT(provider, doorward_claim_provider)
    DOORWARD_TEXT(identifier, doorward_claim_identifier)
    /* A JSON object: what the provider says of the person. Its word, not a proof. */
    DOORWARD_TEXT(attributes, doorward_claim_attributes)
    DOORWARD_AT(expires_at, doorward_claim_expires_at)
};

class user : public detail::part<doorward_user> {
public:
    explicit user(const detail::answer_ptr &answer) noexcept : part(answer, doorward_answer_user(detail::raw(answer))) {}
    user(detail::answer_ptr answer, const doorward_user *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_user_id(handle_); }
    DOORWARD_TEXT(realm, doorward_user_realm)
    /* A JSON object; not for browsers: see auth::public_attributes. */
    DOORWARD_TEXT(attributes, doorward_user_attributes)
    int64_t version() const noexcept { return doorward_user_version(handle_); }
    DOORWARD_MAYBE_AT(disabled_at, doorward_user_disabled_at)
    DOORWARD_AT(created_at, doorward_user_created_at)
    DOORWARD_AT(updated_at, doorward_user_updated_at)
};

class session : public detail::part<doorward_session> {
public:
    explicit session(const detail::answer_ptr &answer) noexcept : part(answer, doorward_answer_session(detail::raw(answer))) {}
    doorward::id id() const noexcept { return *doorward_session_id(handle_); }
    doorward::user user() const noexcept { return {answer_, doorward_session_user(handle_)}; }
    /* Empty where the call issued none. A secret. */
    DOORWARD_TEXT(access_token, doorward_session_access_token)
    DOORWARD_TEXT(refresh_token, doorward_session_refresh_token)
    DOORWARD_AT(access_expires_at, doorward_session_access_expires_at)
    DOORWARD_AT(idle_expires_at, doorward_session_idle_expires_at)
    DOORWARD_AT(absolute_expires_at, doorward_session_absolute_expires_at)
    DOORWARD_AT(authenticated_at, doorward_session_authenticated_at)
    DOORWARD_AT(created_at, doorward_session_created_at)
    DOORWARD_AT(last_seen_at, doorward_session_last_seen_at)
    bool is_persistent() const noexcept { return doorward_session_is_persistent(handle_); }
    DOORWARD_TEXT(attributes, doorward_session_attributes)
    int64_t version() const noexcept { return doorward_session_version(handle_); }
    DOORWARD_TEXT(agent, doorward_session_agent)
    DOORWARD_TEXT(address, doorward_session_address)
    std::vector<factor> factors() const { return detail::all<factor>(answer_, handle_, doorward_session_factor); }
};

/* Who a request comes from: a session, or the user of an accepted key. */
class caller {
public:
    explicit caller(detail::answer_ptr answer) noexcept : answer_(std::move(answer)) {}
    std::optional<doorward::session> session() const & noexcept
    {
        if (!doorward_answer_session(detail::raw(answer_))) return std::nullopt;
        return doorward::session(answer_);
    }
    std::optional<doorward::session> session() const && = delete;
    doorward::user user() const noexcept { return doorward::user(answer_); }
    /* Of a key: the provider that accepted it; else empty. */
    text provider() const & noexcept DOORWARD_LENT { return detail::view(doorward_answer_provider(detail::raw(answer_))); }
    text provider() const && = delete;
    /* Of a key: what it is good for, in the program's own words. */
    std::vector<std::string> scopes() const
    {
        std::vector<std::string> found;
        for (size_t i = 0; i < doorward_answer_scope_count(detail::raw(answer_)); i++)
            found.emplace_back(detail::view(doorward_answer_scope(detail::raw(answer_), i)));
        return found;
    }

private:
    detail::answer_ptr answer_;
};

/* What the HTTP surface answers a request with: send the status, each line, and the body. */
class http_response {
public:
    explicit http_response(detail::answer_ptr answer) noexcept : answer_(std::move(answer)) {}
    int status() const noexcept { return doorward_answer_http_status(detail::raw(answer_)); }
    lines headers() const noexcept { return {answer_, doorward_answer_headers(detail::raw(answer_))}; }
    text body() const & noexcept DOORWARD_LENT { return detail::view(doorward_answer_body(detail::raw(answer_))); }
    text body() const && = delete;

private:
    detail::answer_ptr answer_;
};

class device : public detail::part<doorward_device> {
public:
    device(detail::answer_ptr answer, const doorward_device *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_device_id(handle_); }
    DOORWARD_TEXT(agent, doorward_device_agent)
    DOORWARD_TEXT(address, doorward_device_address)
    DOORWARD_AT(created_at, doorward_device_created_at)
    DOORWARD_AT(last_seen_at, doorward_device_last_seen_at)
    DOORWARD_TEXT(attributes, doorward_device_attributes)
    std::vector<factor> factors() const { return detail::all<factor>(answer_, handle_, doorward_device_factor); }
};

class identity : public detail::part<doorward_identity> {
public:
    identity(detail::answer_ptr answer, const doorward_identity *handle) noexcept : part(std::move(answer), handle) {}
    DOORWARD_TEXT(provider, doorward_identity_provider)
    DOORWARD_TEXT(identifier, doorward_identity_identifier)
    DOORWARD_MAYBE_AT(verified_at, doorward_identity_verified_at)
    DOORWARD_AT(created_at, doorward_identity_created_at)
};

class authenticator : public detail::part<doorward_authenticator> {
public:
    authenticator(detail::answer_ptr answer, const doorward_authenticator *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_authenticator_id(handle_); }
    DOORWARD_TEXT(group, doorward_authenticator_group)
    DOORWARD_TEXT(kind, doorward_authenticator_kind)
    DOORWARD_TEXT(label, doorward_authenticator_label)
    /* A JSON object. */
    DOORWARD_TEXT(description, doorward_authenticator_description)
    DOORWARD_AT(created_at, doorward_authenticator_created_at)
    DOORWARD_MAYBE_AT(last_used_at, doorward_authenticator_last_used_at)
};

/* A way into an account, as its owner is told of it. Its name is not for logs. */
class way : public detail::part<doorward_way> {
public:
    way(detail::answer_ptr answer, const doorward_way *handle) noexcept : part(std::move(answer), handle) {}
    DOORWARD_TEXT(provider, doorward_way_provider)
    /* For people: the identifier as it was given, or the label of an authenticator. */
    DOORWARD_TEXT(name, doorward_way_name)
    bool is_identity() const noexcept { return doorward_way_is_identity(handle_); }
    DOORWARD_AT(created_at, doorward_way_created_at)
    DOORWARD_MAYBE_AT(last_used_at, doorward_way_last_used_at)
    /* Of an identity: when its owner proved it. */
    DOORWARD_MAYBE_AT(verified_at, doorward_way_verified_at)
};

/* A message to send. Its address and params are not for logs. */
class delivery : public detail::part<doorward_delivery> {
public:
    delivery(detail::answer_ptr answer, const doorward_delivery *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_delivery_id(handle_); }
    DOORWARD_TEXT(channel, doorward_delivery_channel)
    DOORWARD_TEXT(address, doorward_delivery_address)
    /* recovery, verify, change_identifier, credentials_changed, or one of a kind's own. */
    DOORWARD_TEXT(template_name, doorward_delivery_template)
    /* What the message says: a token or a code among it. */
    lines params() const noexcept { return {answer_, doorward_delivery_params(handle_)}; }
    DOORWARD_TEXT(realm, doorward_delivery_realm)
    DOORWARD_TEXT(provider, doorward_delivery_provider)
    std::optional<doorward::id> user_id() const noexcept { return detail::maybe_id(doorward_delivery_user_id(handle_)); }
    /* Which attempt this is, from 1. */
    uint32_t attempts() const noexcept { return doorward_delivery_attempts(handle_); }
    DOORWARD_AT(expires_at, doorward_delivery_expires_at)
};

/* What a single-use token is good for. */
class token_info : public detail::part<doorward_token_info> {
public:
    explicit token_info(const detail::answer_ptr &answer) noexcept : part(answer, doorward_answer_token_info(detail::raw(answer))) {}
    DOORWARD_TEXT(purpose, doorward_token_info_purpose)
    DOORWARD_TEXT(provider, doorward_token_info_provider)
    DOORWARD_TEXT(identifier, doorward_token_info_identifier)
    /* For the program, not for the browser. */
    doorward::id user_id() const noexcept { return *doorward_token_info_user_id(handle_); }
    DOORWARD_AT(expires_at, doorward_token_info_expires_at)
};

#undef DOORWARD_TEXT
#undef DOORWARD_AT
#undef DOORWARD_MAYBE_AT

/* Counts of rows, of stats and purge_expired. Of stats on PostgreSQL: exact up to 10,000 of a sort; beyond, the server's own
 * estimate, as of its last vacuum. */
struct row_counts {
    uint64_t users, sign_ins, flows, throttles, others;
    bool more; /* of purge_expired: more is left, so call it again */
};

/* ---- 3. Reading --------------------------------------------------------------------------------------------------- */

namespace detail {

/* How the value of an operation is read from its answer. */
template <class T>
struct read {
    static T from(const answer_ptr &answer) { return T(answer); }
};

template <>
struct read<void> {
    static void from(const answer_ptr &) noexcept {}
};

template <>
struct read<uint64_t> {
    /* An answer has one of both: what ended, or what was counted. */
    static uint64_t from(const answer_ptr &answer) noexcept { return doorward_answer_ended(raw(answer)) + doorward_answer_count(raw(answer)); }
};

template <>
struct read<std::string> {
    static std::string from(const answer_ptr &answer) { return std::string(view(doorward_answer_text(raw(answer)))); }
};

template <>
struct read<doorward::id> {
    static doorward::id from(const answer_ptr &answer) noexcept { return *doorward_answer_user_id(raw(answer)); }
};

template <>
struct read<row_counts> {
    static row_counts from(const answer_ptr &answer) noexcept
    {
        const doorward_row_counts *rows = doorward_answer_stats(raw(answer));
        if (!rows) rows = doorward_answer_purged(raw(answer));
        return rows ? row_counts{rows->users, rows->sign_ins, rows->flows, rows->throttles, rows->others, rows->more != 0} : row_counts{};
    }
};

template <class T, class Handle, const Handle *(*At)(doorward_answer, size_t)>
struct read_list {
    static std::vector<T> from(const answer_ptr &answer) { return all<T>(answer, raw(answer), At); }
};

template <>
struct read<std::vector<user>> : read_list<user, doorward_user, doorward_answer_user_at> {};
template <>
struct read<std::vector<delivery>> : read_list<delivery, doorward_delivery, doorward_answer_delivery> {};
template <>
struct read<std::vector<device>> : read_list<device, doorward_device, doorward_answer_device> {};
template <>
struct read<std::vector<identity>> : read_list<identity, doorward_identity, doorward_answer_identity> {};
template <>
struct read<std::vector<authenticator>> : read_list<authenticator, doorward_authenticator, doorward_answer_authenticator> {};
template <>
struct read<std::vector<method>> : read_list<method, doorward_method, doorward_answer_method> {};

/* What value() does where there is none. */
[[noreturn]] inline void refuse(doorward::status given, const std::string &message)
{
#if defined(__cpp_exceptions)
    throw doorward::error(given, message);
#else
    (void)given;
    std::fprintf(stderr, "doorward: %s\n", message.c_str());
    std::abort();
#endif
}

} // namespace detail

/* ---- 4. Results --------------------------------------------------------------------------------------------------- */

namespace detail {

/* An answer, and what is read of every one. */
class answered {
public:
    answered(answered &&) noexcept = default;
    answered &operator=(answered &&) noexcept = default;
    explicit operator bool() const = delete;

    /* DOORWARD_E_INVALID_STATE where there is no answer: after a move. */
    doorward::status status() const noexcept { return raw(answer_).status; }
    /* The thing asked for happened. */
    bool ok() const noexcept { return doorward_ok(raw(answer_)); }
    /* The stable text of the status. */
    const char *id() const noexcept { return doorward_status_id(status()); }
    /* The HTTP status that fits, of errors, too. */
    int http_status() const noexcept { return doorward_answer_http_status(raw(answer_)); }
    /* For errors: what failed and on what, what is taken, which rules are broken. */
    text message() const & noexcept DOORWARD_LENT
    {
        // The library says it in the words of C.
        if (what() == "request") return "no request: auth.on(request), or auth.trusted() where none caused this";
        return doorward_answer_message(raw(answer_));
    }
    text message() const && = delete;
    text what() const & noexcept DOORWARD_LENT { return view(doorward_answer_what(raw(answer_))); }
    text what() const && = delete;
    std::vector<violation> violations() const { return all<violation>(answer_, raw(answer_), doorward_answer_violation); }
    /* The C answer, borrowed. */
    doorward_answer c() const & noexcept DOORWARD_LENT { return raw(answer_); }
    doorward_answer c() const && = delete;

protected:
    explicit answered(doorward_answer given) : answer_(std::make_shared<const held>(given)) {}
    /* The status, and the message or the reason. */
    std::string describe() const
    {
        std::string said = id();
        text more = status() < 0 ? message() : view(doorward_answer_reason(raw(answer_)));
        if (!more.empty()) said.append(": ").append(more);
        return said;
    }
    answer_ptr answer_;
};

} // namespace detail

/* What an operation decided, or why it could not. Not a truth value. */
template <class T>
class [[nodiscard]] result : public detail::answered {
public:
    /* Takes what a C function gave. */
    explicit result(doorward_answer given) : answered(given) {}

    /* The value; throws doorward::error for every other status than DOORWARD_OK. */
    T value() const
    {
        if (!ok()) detail::refuse(status(), describe());
        return detail::read<T>::from(answer_);
    }
    /* The value, if the thing asked for happened. */
    template <class U = T, class = std::enable_if_t<!std::is_void_v<U>>>
    std::optional<U> get() const &
    {
        if (!ok()) return std::nullopt;
        return detail::read<U>::from(answer_);
    }
    template <class U = T, class = std::enable_if_t<!std::is_void_v<U>>>
    std::optional<U> get() const && = delete;

    /* Response headers of this one answer, each to be sent as a line of its own, however it was decided. */
    lines headers() const noexcept { return {answer_, doorward_answer_headers(detail::raw(answer_))}; }
    /* Values to show to the person once, and kept nowhere. */
    lines show_once() const noexcept { return {answer_, doorward_answer_show_once(detail::raw(answer_))}; }
    /* What recovery, or the click that makes an address its reader's, took from the account. Show them. */
    std::vector<way> took() const { return detail::all<way>(answer_, detail::raw(answer_), doorward_answer_took); }
    /* What it left. Show them. */
    std::vector<way> kept() const { return detail::all<way>(answer_, detail::raw(answer_), doorward_answer_kept); }
    /* With the first second factor of a user: what else opens the account. Show them. */
    std::vector<way> others() const { return detail::all<way>(answer_, detail::raw(answer_), doorward_answer_others); }
    /* What must be answered next. */
    std::optional<doorward::flow> flow() const & noexcept
    {
        const doorward_flow *next = doorward_answer_flow(detail::raw(answer_));
        if (!next) return std::nullopt;
        return doorward::flow(answer_, next);
    }
    std::optional<doorward::flow> flow() const && = delete;
    /* With DOORWARD_UNREGISTERED: what was verified and is nobody's. */
    std::optional<doorward::claim> claim() const & noexcept
    {
        if (!doorward_answer_claim(detail::raw(answer_))) return std::nullopt;
        return doorward::claim(answer_);
    }
    std::optional<doorward::claim> claim() const && = delete;
    text reason() const & noexcept DOORWARD_LENT { return detail::view(doorward_answer_reason(detail::raw(answer_))); }
    text reason() const && = delete;
    text setting() const & noexcept DOORWARD_LENT { return detail::view(doorward_answer_setting(detail::raw(answer_))); }
    text setting() const && = delete;
    duration retry_after() const noexcept { return duration(doorward_answer_retry_after(detail::raw(answer_))); }
};

/* A result whose value is not read from an answer: a handle. */
template <class T>
class [[nodiscard]] made : public detail::answered {
public:
    made(doorward_answer given, std::optional<T> value) : answered(given), value_(std::move(value)) {}
    T value() &&
    {
        if (!ok() || !value_) detail::refuse(status(), describe());
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

/* ---- 5. Configuration, queue, request ------------------------------------------------------------------------------- */

/* An event, as long as the callback runs. */
struct event {
    time_point at;
    uint64_t count;
    std::optional<doorward::id> user;
    std::optional<doorward::id> sign_in;
    text name, realm, provider, reason, address, origin;
};

class auth;

/* Settings. The first mistake is kept and given by auth::open. */
class config {
public:
    config() : config_(doorward_config_new()) {}
    /* TOML text. */
    config &load(text toml) &
    {
        doorward_config_load(config_.get(), detail::bytes(toml));
        return *this;
    }
    config &&load(text toml) && { return std::move(load(toml)); }
    /* One key by its dotted name. */
    config &set(text key, text value) &
    {
        doorward_config_set(config_.get(), detail::bytes(key), detail::bytes(value));
        return *this;
    }
    config &&set(text key, text value) && { return std::move(set(key, value)); }
    /* Called for each event, perhaps on several threads at once; must not throw, block or call back. */
    config &on_event(std::function<void(const event &)> function) &
    {
        callbacks_->event = std::move(function);
        doorward_config_on_event(config_.get(), &event_of, callbacks_.get());
        return *this;
    }
    config &&on_event(std::function<void(const event &)> function) && { return std::move(on_event(std::move(function))); }
    /* Called for each log line up to a level: level, target, message. Under the same rules. */
    config &on_log(int level, std::function<void(int, text, text)> function) &
    {
        callbacks_->log = std::move(function);
        doorward_config_on_log(config_.get(), level, &log_of, callbacks_.get());
        return *this;
    }
    config &&on_log(int level, std::function<void(int, text, text)> function) && { return std::move(on_log(level, std::move(function))); }
    /* Called for each message to send, one at a time; may block and call operations, must not throw. */
    config &on_delivery(std::function<settlement(const delivery &)> function) &
    {
        callbacks_->delivery = std::move(function);
        doorward_config_on_delivery(config_.get(), &delivery_of, callbacks_.get());
        return *this;
    }
    config &&on_delivery(std::function<settlement(const delivery &)> function) && { return std::move(on_delivery(std::move(function))); }

private:
    friend class auth;

    struct callbacks {
        std::function<void(const doorward::event &)> event;
        std::function<void(int, text, text)> log;
        std::function<settlement(const doorward::delivery &)> delivery;
    };
    struct free {
        void operator()(doorward_config *held) const noexcept { doorward_config_free(held); }
    };

    static void event_of(void *tag, const doorward_event *raw) noexcept
    {
        static_cast<callbacks *>(tag)->event(doorward::event{
            detail::at(raw->at), raw->count, detail::maybe_id(raw->user), detail::maybe_id(raw->sign_in), detail::view(raw->name),
            detail::view(raw->realm), detail::view(raw->provider), detail::view(raw->reason), detail::view(raw->address),
            detail::view(raw->origin)});
    }
    static void log_of(void *tag, int32_t level, const char *target, const char *message, size_t len) noexcept
    {
        static_cast<callbacks *>(tag)->log(level, target, text(message, len));
    }
    static doorward_settlement delivery_of(void *tag, const doorward_delivery *raw) noexcept
    {
        return static_cast<callbacks *>(tag)->delivery(doorward::delivery(nullptr, raw));
    }

    std::unique_ptr<doorward_config, free> config_;
    std::shared_ptr<callbacks> callbacks_ = std::make_shared<callbacks>();
};

/* An HTTP request, as far as Doorward looks at it. Owns copies, all of them in one text. */
class request {
public:
    explicit request(text method, text peer = {})
    {
        text_.reserve(2048), parts_.reserve(64);
        add(method), add(peer);
    }
    request &header(text name, text value) &
    {
        add(name), add(value);
        return *this;
    }
    request &&header(text name, text value) && { return std::move(header(name, value)); }
    /* Path and query, as in the request line: what the HTTP surface looks at. */
    request &target(text given) &
    {
        target_ = given;
        return *this;
    }
    request &&target(text given) && { return std::move(target(given)); }
    /* What comes back with each answer of this request that a queue brings. */
    request &tag(void *given) &
    {
        tag_ = given;
        return *this;
    }
    request &&tag(void *given) && { return std::move(tag(given)); }

private:
    friend class auth;
    void add(text part)
    {
        text_.append(part);
        parts_.push_back(text_.size());
    }
    // Method and peer, then each line's name and value.
    doorward_bytes part(size_t n) const
    {
        size_t from = n == 0 ? 0 : parts_[n - 1];
        return {text_.data() + from, parts_[n] - from};
    }
    std::string text_;
    std::vector<size_t> parts_; // where each ends
    std::optional<std::string> target_;
    void *tag_ = nullptr;
};

/* An answer that came through a queue. */
class completion {
public:
    completion(doorward_answer given, void *tag) noexcept : answer_(given), tag_(tag) {}
    completion(completion &&other) noexcept : answer_(other.release()), tag_(std::exchange(other.tag_, nullptr)) {}
    completion &operator=(completion &&other) noexcept
    {
        std::swap(answer_, other.answer_), std::swap(tag_, other.tag_);
        return *this;
    }
    ~completion() { doorward_answer_free(&answer_); }
    doorward::status status() const noexcept { return answer_.status; }
    /* The request's. */
    void *tag() const noexcept { return tag_; }
    /* The result, of the operation's own type. Once: then there is no answer any more. */
    template <class T>
    result<T> take()
    {
        return result<T>(release());
    }

private:
    doorward_answer release() noexcept { return std::exchange(answer_, doorward_answer DOORWARD_ANSWER_INIT); }
    doorward_answer answer_;
    void *tag_;
};

/* Answers for an event loop. Destroying one cancels and drains what is pending. */
class queue {
public:
    static made<queue> make()
    {
        doorward_queue *made_ = nullptr;
        doorward_answer answer = doorward_queue_new(&made_);
        std::optional<queue> value;
        if (made_) value = queue(made_);
        return {answer, std::move(value)};
    }
    queue(queue &&other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    queue &operator=(queue &&other) noexcept
    {
        std::swap(queue_, other.queue_);
        return *this;
    }
    ~queue()
    {
        if (!queue_ || doorward_queue_close(queue_) != DOORWARD_OK) {
            doorward_queue_free(queue_);
            return;
        }
        // Everything pending has been cancelled, so its answers are on their way.
        while (doorward_queue_free(queue_) != DOORWARD_OK) {
            pollfd readable{fd(), POLLIN, 0};
            ::poll(&readable, 1, -1);
            while (next()) {}
        }
    }
    /* Readable while next() would give something: for poll and epoll. Neither read nor close it. */
    int fd() const noexcept { return doorward_queue_fd(queue_); }
    /* The next answer, if there is one now. */
    std::optional<completion> next() noexcept
    {
        doorward_answer answer = DOORWARD_ANSWER_INIT;
        void *tag = nullptr;
        if (doorward_queue_next(queue_, &answer, &tag) != DOORWARD_OK) return std::nullopt;
        return completion(answer, tag);
    }
    doorward_queue *c() const noexcept { return queue_; }

private:
    explicit queue(doorward_queue *made_) noexcept : queue_(made_) {}
    doorward_queue *queue_ = nullptr;
};

/* ---- 6. The context, its views, the operations ------------------------------------------------------------------------ */

/* What a new user starts with. */
struct new_user {
    std::optional<text> attributes; /* a JSON object */
    std::optional<doorward::id> id;
};

/* Which users, and in which order: all of the realm, the oldest first. */
struct user_filter {
    std::optional<bool> enabled;
    bool newest_first = false;
    std::optional<text> provider, begins; /* both: those who have an identifier at this provider that begins so */
};

/* What a new session starts with. Lifetimes of zero are as configured. */
struct new_session {
    std::optional<text> attributes; /* a JSON object */
    duration access_ttl{}, idle_ttl{}, absolute_ttl{};
    std::optional<bool> persistent;
};

/* A factor that trusted code vouches for. */
struct asserted_factor {
    text provider, factor_class, channel;
    time_point at;
    bool two_in_one = false;
};

/* Users, provider ids and sessions of one database: the context, or a view of it. Copies are the same handle. */
class auth {
public:
    /* Makes a cold context. */
    static made<auth> open(const config &config)
    {
        doorward_auth *made_ = nullptr;
        doorward_answer answer = doorward_open(config.config_.get(), &made_);
        std::optional<auth> value;
        if (made_) {
            // The callbacks live as long as the context, which calls them until it is closed.
            auto callbacks = config.callbacks_;
            value = auth(std::shared_ptr<doorward_auth>(made_, [callbacks](doorward_auth *held) { doorward_close(held); }));
        }
        return {answer, std::move(value)};
    }

    /* On a request, which is read once; the view remembers what is decided on it. */
    auth on(const doorward::request &request) const
    {
        std::vector<doorward_pair> given;
        given.reserve(request.parts_.size() / 2);
        for (size_t n = 2; n + 1 < request.parts_.size(); n += 2) given.push_back({request.part(n), request.part(n + 1)});
        doorward_request raw{};
        raw.struct_size = sizeof raw;
        raw.method = request.part(0);
        if (request.target_) raw.target = {request.target_->data(), request.target_->size()};
        if (request.part(1).len > 0) raw.peer = request.part(1);
        raw.headers = given.data(), raw.n_headers = given.size();
        raw.tag = request.tag_;
        return viewed(doorward_on(c(), &raw));
    }
    /* In another realm. */
    auth realm(text name) const { return viewed(doorward_realm(c(), b(name))); }
    /* Its calls give up after this long. */
    auth within(duration timeout) const { return viewed(doorward_within(c(), timeout.count())); }
    /* Answers that are not there at once come through a queue, with the request's tag; the result's status is
     * DOORWARD_PENDING then. */
    auth through(const queue &queue) const { return viewed(doorward_through(c(), queue.c())); }
    /* For what no request causes: a command line, a job, an import. Where origins.trusted is configured, the operations that
     * a person's form causes are DOORWARD_E_INVALID_STATE with neither a request nor this (see doorward_trusted). What is
     * trusted and put on a request has its origin checked like any other. */
    auth trusted() const { return viewed(doorward_trusted(c())); }
    /* The final cookies of everything that was decided on this request so far, newest last: send them once. */
    lines headers() const noexcept { return {auth_, doorward_headers(c())}; }
    /* Gives up what is pending on this view: each is DOORWARD_E_CANCELLED, unless it is just done. */
    void cancel() const noexcept { doorward_cancel(c()); }

    /* The life of the context. */
    result<void> start() const { return result<void>(doorward_start(c())); }
    result<void> stop() const { return result<void>(doorward_stop(c())); }
    result<void> before_fork() const { return result<void>(doorward_before_fork(c())); }
    result<void> migrate() const { return result<void>(doorward_migrate(c())); }
    result<void> agree(text item) const { return result<void>(doorward_agree(c(), b(item))); }
    result<void> health() const { return result<void>(doorward_health(c())); }
    result<row_counts> stats() const { return result<row_counts>(doorward_stats(c())); }
    result<std::string> metrics() const { return result<std::string>(doorward_metrics(c())); }
    result<row_counts> purge_expired() const { return result<row_counts>(doorward_purge_expired(c())); }

    /* Users. */
    result<proof> create_user(text provider, text identifier, pairs credentials, const new_user &with = {}) const
    {
        const auto given = raw(with);
        return result<doorward::proof>(doorward_create_user(c(), b(provider), b(identifier), credentials.c(), credentials.size(), &given));
    }
    result<proof> create_user_from_claim(text claim, const new_user &with = {}) const
    {
        const auto given = raw(with);
        return result<doorward::proof>(doorward_create_user_from_claim(c(), b(claim), &given));
    }
    result<user> get_user(const doorward::id &user) const { return result<doorward::user>(doorward_get_user(c(), &user)); }
    result<user> find_user(text provider, text identifier) const
    {
        return result<doorward::user>(doorward_find_user(c(), b(provider), b(identifier)));
    }
    result<user> find_user_by_attribute(text name, text value) const
    {
        return result<doorward::user>(doorward_find_user_by_attribute(c(), b(name), b(value)));
    }
    result<std::vector<user>> list_users(std::optional<doorward::id> after = {}, uint32_t limit = 0, const user_filter &filter = {}) const
    {
        const auto given = raw(filter);
        return result<std::vector<doorward::user>>(doorward_list_users(c(), i(after), limit, &given));
    }
    result<uint64_t> count_users(const user_filter &filter = {}) const
    {
        const auto given = raw(filter);
        return result<uint64_t>(doorward_count_users(c(), &given));
    }
    result<user> update_attributes(const doorward::id &user, text patch, int64_t version = 0) const
    {
        return result<doorward::user>(doorward_update_attributes(c(), &user, b(patch), version));
    }
    result<uint64_t> disable_user(const doorward::id &user) const { return result<uint64_t>(doorward_disable_user(c(), &user)); }
    result<void> enable_user(const doorward::id &user) const { return result<void>(doorward_enable_user(c(), &user)); }
    result<uint64_t> delete_user(const doorward::id &user) const { return result<uint64_t>(doorward_delete_user(c(), &user)); }
    /* For an operator: takes every second factor of a user away. How many went. */
    result<uint64_t> reset_factors(const doorward::id &user, text why) const
    {
        return result<uint64_t>(doorward_reset_factors(c(), &user, b(why)));
    }
    /* For an operator: sets the credentials with which a user signs in at this name. */
    result<void> set_credentials(const doorward::id &user, text provider, pairs credentials) const
    {
        return result<void>(doorward_set_credentials(c(), &user, b(provider), credentials.c(), credentials.size()));
    }
    /* For an operator: gives a user an address that the operator has made sure of. */
    result<void> add_address(const doorward::id &user, text provider, text identifier) const
    {
        return result<void>(doorward_add_address(c(), &user, b(provider), b(identifier)));
    }

    /* Signing in. */
    result<proof> authenticate(text provider, std::optional<text> identifier, pairs credentials) const
    {
        return result<doorward::proof>(doorward_authenticate(c(), b(provider), b(identifier), credentials.c(), credentials.size()));
    }
    result<proof> begin_enrollment(text provider, std::optional<text> identifier = {}, const doorward::proof *proof = nullptr) const
    {
        return result<doorward::proof>(doorward_begin_enrollment(c(), b(provider), b(identifier), p(proof)));
    }
    /* Also of the link of a mailed code, alone: on a POST, in the browser that confirms it. */
    result<proof> continue_flow(text flow, std::optional<text> provider = {}, pairs credentials = {}) const
    {
        return result<doorward::proof>(doorward_continue_flow(c(), b(flow), b(provider), credentials.c(), credentials.size()));
    }
    result<std::vector<method>> list_methods(std::optional<doorward::id> user = {}) const
    {
        return result<std::vector<doorward::method>>(doorward_list_methods(c(), i(user)));
    }
    result<claim> peek_claim(text claim) const { return result<doorward::claim>(doorward_peek_claim(c(), b(claim))); }

    /* Sessions. */
    result<session> create_session(const doorward::proof &proof, const new_session &with = {}) const
    {
        const auto given = raw(with);
        return result<doorward::session>(doorward_create_session(c(), proof.c(), &given));
    }
    /* Without credentials: for trusted code, always evented. */
    result<session> create_session_for_user(const doorward::id &user, const std::vector<asserted_factor> &factors = {}, const new_session &with = {}) const
    {
        std::vector<doorward_asserted_factor> asserted;
        for (const auto &one : factors)
            asserted.push_back({b(one.provider), b(one.factor_class), b(one.channel), one.at.time_since_epoch().count(), one.two_in_one ? 1u : 0u, 0});
        const auto given = raw(with);
        return result<doorward::session>(doorward_create_session_for_user(c(), &user, asserted.data(), asserted.size(), &given));
    }
    result<session> validate_session(text access_token) const
    {
        return result<doorward::session>(doorward_validate_session(c(), b(access_token)));
    }
    result<session> refresh_session(text refresh_token) const
    {
        return result<doorward::session>(doorward_refresh_session(c(), b(refresh_token)));
    }
    /* Who the request comes from. Never refreshes, so it is safe everywhere. */
    result<caller> check_request() const { return result<doorward::caller>(doorward_check_request(c())); }
    /* Who the request comes from; refreshes an expired access token. Only where the response is yours to send, with headers(): a
     * renderer behind another server, or a component that cannot set cookies, leaves the browser with a refresh token that is
     * used up, and the browser's next refresh ends the sign-in (token_reuse). There, check_request(), and let the browser
     * refresh at "expired_refreshable". */
    result<caller> resume_request() const { return result<doorward::caller>(doorward_resume_request(c())); }
    /* How many bytes of body to read for a request of the HTTP surface (docs/http.md); nothing: it is not the surface's. */
    std::optional<size_t> http_wants(text method, text target) const noexcept
    {
        const int64_t most = doorward_http_wants(c(), b(method), b(target));
        return most < 0 ? std::optional<size_t>() : static_cast<size_t>(most);
    }
    /* Answers a request of the surface, on a view on it; absent where the path is not the surface's. */
    result<doorward::http_response> http_handle(text body = {}) const
    {
        return result<doorward::http_response>(doorward_http_handle(c(), b(body)));
    }
    /* What the last form of this browser, or an issuer, led to, as JSON: for the page that it was sent to, once; absent: nothing. */
    result<std::string> http_page() const { return result<std::string>(doorward_http_page(c())); }
    /* Without a token: by the request's bearer token or cookies. How many sign-ins ended. */
    result<uint64_t> end_session(std::optional<text> token = {}) const
    {
        return result<uint64_t>(doorward_end_session(c(), b(token)));
    }
    result<uint64_t> end_sign_in(const doorward::id &user, const doorward::id &sign_in) const
    {
        return result<uint64_t>(doorward_end_sign_in(c(), &user, &sign_in));
    }
    result<uint64_t> end_other_sessions(const doorward::proof &proof) const
    {
        return result<uint64_t>(doorward_end_other_sessions(c(), proof.c()));
    }
    result<uint64_t> end_all_sessions(const doorward::id &user) const
    {
        return result<uint64_t>(doorward_end_all_sessions(c(), &user));
    }
    result<std::vector<device>> list_sessions(const doorward::id &user) const
    {
        return result<std::vector<doorward::device>>(doorward_list_sessions(c(), &user));
    }
    result<void> session_alive(const doorward::id &user, const doorward::id &sign_in) const
    {
        return result<void>(doorward_session_alive(c(), &user, &sign_in));
    }
    result<proof> session_proof(const doorward::session &session) const
    {
        return result<doorward::proof>(doorward_session_proof(c(), session.c()));
    }
    result<std::string> update_session_attributes(const doorward::session &session, text patch) const
    {
        return result<std::string>(doorward_update_session_attributes(c(), session.c(), b(patch)));
    }

    /* What a user owns: a fresh proof is required. */
    result<proof> update_identifier(const doorward::proof &proof, text provider, text old_identifier, text new_identifier) const
    {
        return result<doorward::proof>(doorward_update_identifier(c(), proof.c(), b(provider), b(old_identifier), b(new_identifier)));
    }
    result<proof> link_identity(const doorward::proof &proof, text provider, text identifier, pairs credentials = {}) const
    {
        return result<doorward::proof>(doorward_link_identity(c(), proof.c(), b(provider), b(identifier), credentials.c(), credentials.size()));
    }
    result<proof> begin_link(const doorward::proof &proof, text provider, std::optional<text> identifier = {}, pairs credentials = {}) const
    {
        return result<doorward::proof>(doorward_begin_link(c(), proof.c(), b(provider), b(identifier), credentials.c(), credentials.size()));
    }
    result<proof> link_claim(const doorward::proof &proof, text claim) const
    {
        return result<doorward::proof>(doorward_link_claim(c(), proof.c(), b(claim)));
    }
    result<proof> unlink_identity(const doorward::proof &proof, text provider, text identifier) const
    {
        return result<doorward::proof>(doorward_unlink_identity(c(), proof.c(), b(provider), b(identifier)));
    }
    result<std::vector<identity>> list_identities(const doorward::id &user) const
    {
        return result<std::vector<doorward::identity>>(doorward_list_identities(c(), &user));
    }
    result<proof> update_credentials(const doorward::proof &proof, text provider, pairs credentials) const
    {
        return result<doorward::proof>(doorward_update_credentials(c(), proof.c(), b(provider), credentials.c(), credentials.size()));
    }
    result<std::vector<authenticator>> list_authenticators(const doorward::id &user) const
    {
        return result<std::vector<doorward::authenticator>>(doorward_list_authenticators(c(), &user));
    }
    result<void> rename_authenticator(const doorward::proof &proof, text provider, const doorward::id &authenticator, text label) const
    {
        return result<void>(doorward_rename_authenticator(c(), proof.c(), b(provider), &authenticator, b(label)));
    }
    result<proof> remove_authenticator(const doorward::proof &proof, text provider, const doorward::id &authenticator) const
    {
        return result<doorward::proof>(doorward_remove_authenticator(c(), proof.c(), b(provider), &authenticator));
    }

    /* Tokens. The purpose is recovery, verify or change_identifier. */
    result<void> request_token(text purpose, text provider, text identifier, const doorward::proof *proof = nullptr) const
    {
        return result<void>(doorward_request_token(c(), b(purpose), b(provider), b(identifier), p(proof)));
    }
    result<token_info> peek_token(text token) const { return result<doorward::token_info>(doorward_peek_token(c(), b(token))); }
    /* Takes the session of the request, or a proof of the user whose address it is. */
    result<token_info> consume_token(text token, const doorward::proof *proof = nullptr) const
    {
        return result<doorward::token_info>(doorward_consume_token(c(), b(token), p(proof)));
    }
    /* The user, who is not signed in by it. */
    result<doorward::id> update_credentials_with_token(text token, text provider, pairs credentials) const
    {
        return result<doorward::id>(doorward_update_credentials_with_token(c(), b(token), b(provider), credentials.c(), credentials.size()));
    }
    result<doorward::id> update_identifier_with_token(text token, text old_identifier, text new_identifier) const
    {
        return result<doorward::id>(doorward_update_identifier_with_token(c(), b(token), b(old_identifier), b(new_identifier)));
    }

    /* The outbox. Nobody else is given what is taken for as long as the lease: settle each. */
    result<std::vector<delivery>> take_deliveries(uint32_t limit = 0, duration lease = {}) const
    {
        return result<std::vector<doorward::delivery>>(doorward_take_deliveries(c(), limit, lease.count()));
    }
    /* The status is DOORWARD_ABSENT when it was handed out again, or is gone. */
    result<void> settle_delivery(const doorward::id &delivery, uint32_t attempt, settlement how) const
    {
        return result<void>(doorward_settle_delivery(c(), &delivery, attempt, how));
    }

    /* What a browser may see of a user: a JSON object. */
    text public_attributes(const doorward::user &user DOORWARD_LENT) const noexcept
    {
        return detail::view(doorward_user_public_attributes(c(), user.c()));
    }
    text public_attributes(const doorward::user &&) const = delete;

    /* The C handle, borrowed. */
    doorward_auth *c() const noexcept { return auth_.get(); }

private:
    explicit auth(std::shared_ptr<doorward_auth> held) noexcept : auth_(std::move(held)) {}

    /* A view keeps what it is of: closing it stops nothing, and its context lives at least as long. */
    auth viewed(doorward_auth *view) const
    {
        auto of = auth_;
        return auth(std::shared_ptr<doorward_auth>(view, [of](doorward_auth *held) { doorward_close(held); }));
    }

    static doorward_bytes b(text given) noexcept { return detail::bytes(given); }
    static doorward_bytes b(const std::optional<text> &given) noexcept { return detail::bytes(given); }
    static const doorward_proof *p(const doorward::proof *given) noexcept { return given ? given->c() : nullptr; }
    static const doorward_id *i(const std::optional<doorward::id> &given) noexcept { return given ? &*given : nullptr; }

    static doorward_new_user raw(const new_user &with) noexcept
    {
        doorward_new_user given{};
        given.struct_size = sizeof given;
        given.attributes = b(with.attributes);
        given.id = i(with.id);
        return given;
    }
    static doorward_user_filter raw(const user_filter &filter) noexcept
    {
        doorward_user_filter given{};
        given.struct_size = sizeof given;
        if (filter.enabled) given.enabled = *filter.enabled ? DOORWARD_YES : DOORWARD_NO;
        given.newest_first = filter.newest_first ? DOORWARD_YES : DOORWARD_NO;
        given.provider = b(filter.provider), given.begins = b(filter.begins);
        return given;
    }
    static doorward_new_session raw(const new_session &with) noexcept
    {
        doorward_new_session given{};
        given.struct_size = sizeof given;
        given.attributes = b(with.attributes);
        given.access_ttl = with.access_ttl.count(), given.idle_ttl = with.idle_ttl.count(), given.absolute_ttl = with.absolute_ttl.count();
        if (with.persistent) given.persistent = *with.persistent ? DOORWARD_YES : DOORWARD_NO;
        return given;
    }

    std::shared_ptr<doorward_auth> auth_;
};

} // namespace doorward

template <>
struct std::hash<doorward::id> {
    std::size_t operator()(const doorward::id &id) const noexcept
    {
        std::uint64_t half;
        std::memcpy(&half, id.bytes + 8, sizeof half); // the random half
        return std::hash<std::uint64_t>()(half);
    }
};

#undef DOORWARD_LENT

#endif /* DOORWARD_HPP */
