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
 * What each function means stands in doorward.h; here it has the same name without the prefix.
 *
 * RESULTS.  Every operation gives a result<T>: a status, what was decided, or why nothing could be. A result is not a
 * truth value: ask ok(), or status(). Only value() throws (doorward::error), and only when the status is not
 * DOORWARD_OK; nothing else in this header throws, except std::bad_alloc.
 * HANDLES.  auth, proof, session, user and their like are cheap to copy and keep alive what they stand for; all are
 * safe from many threads. config, queue and result are moved, not copied. Texts come as std::string_view into the
 * object that gave them, and end with a NUL.
 */
#ifndef DOORWARD_HPP
#define DOORWARD_HPP

#include <doorward.h>

#include <poll.h>

#include <chrono>
#include <cstdint>
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

namespace doorward {

using status = doorward_status;
/* When something happened, to the microsecond. */
using time_point = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using duration = std::chrono::microseconds;

namespace detail {

inline doorward_bytes bytes(std::string_view text) noexcept { return doorward_span(text.data() ? text.data() : "", text.size()); }

inline doorward_bytes bytes(const std::optional<std::string_view> &text) noexcept
{
    return text ? bytes(*text) : doorward_span(nullptr, 0);
}

inline std::string_view view(doorward_bytes bytes) noexcept
{
    return bytes.ptr ? std::string_view(bytes.ptr, bytes.len) : std::string_view();
}

template <class Handle>
std::string_view text(const char *(*of)(const Handle *, size_t *), const Handle *handle) noexcept
{
    size_t len = 0;
    const char *ptr = of(handle, &len);
    return ptr ? std::string_view(ptr, len) : std::string_view();
}

inline time_point at(int64_t micros) noexcept { return time_point(duration(micros)); }

inline std::optional<time_point> maybe_at(int64_t micros) noexcept
{
    return micros == DOORWARD_NO_TIME ? std::nullopt : std::optional<time_point>(at(micros));
}

using answer_ptr = std::shared_ptr<doorward_answer>;
using error_ptr = std::shared_ptr<doorward_error>;

inline error_ptr own(doorward_error *error) { return error_ptr(error, doorward_error_free); }

/* Something inside an answer, kept alive by it. */
template <class Handle>
class part {
public:
    part() noexcept = default;
    /* The C handle: borrowed from this object. */
    const Handle *c() const noexcept { return handle_; }

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
        char text[DOORWARD_ID_TEXT_SIZE];
        doorward_id_text(this, text);
        return text;
    }
    /* Reads the text form; none for any other text. */
    static std::optional<id> parse(std::string_view text) noexcept
    {
        id read;
        if (doorward_id_parse(detail::bytes(text), &read) != DOORWARD_OK) return std::nullopt;
        return read;
    }
    friend bool operator==(const id &a, const id &b) noexcept { return std::memcmp(a.bytes, b.bytes, 16) == 0; }
    friend bool operator!=(const id &a, const id &b) noexcept { return !(a == b); }
    friend bool operator<(const id &a, const id &b) noexcept { return std::memcmp(a.bytes, b.bytes, 16) < 0; }
};

/* A name with a value: a credential, a header line. */
struct field {
    std::string_view name;
    std::string_view value;
};

/* What value() throws. */
class error : public std::runtime_error {
public:
    error(doorward::status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    /* The number: negative when it could not be decided, positive for another outcome than the one asked for. */
    doorward::status status() const noexcept { return status_; }
    /* Its stable text. */
    const char *id() const noexcept { return doorward_status_id(status_); }
    /* Who must act. */
    const char *actor() const noexcept { return doorward_status_actor(status_); }
    bool is_retryable() const noexcept { return doorward_status_is_retryable(status_) != 0; }

private:
    doorward::status status_;
};

/* One rule of a policy that new credentials break. */
struct violation {
    std::string_view rule;
    std::string_view field;
    std::string_view message;
    uint64_t limit;
};

class factor : public detail::part<doorward_factor> {
public:
    factor(detail::answer_ptr answer, const doorward_factor *handle) noexcept : part(std::move(answer), handle) {}
    std::string_view provider() const noexcept { return detail::text(doorward_factor_provider, handle_); }
    std::string_view factor_class() const noexcept { return detail::text(doorward_factor_factor_class, handle_); }
    std::string_view channel() const noexcept { return detail::text(doorward_factor_channel, handle_); }
    time_point at() const noexcept { return detail::at(doorward_factor_at(handle_)); }
    /* Two factors in one: it counts as two at names of `policy.second_factor` only. */
    bool is_two_in_one() const noexcept { return doorward_factor_is_two_in_one(handle_) != 0; }
};

class proof : public detail::part<doorward_proof> {
public:
    explicit proof(detail::answer_ptr answer) noexcept : part(answer, doorward_answer_proof(answer.get())) {}
    doorward::id user_id() const noexcept { return *doorward_proof_user_id(handle_); }
    /* "sign_in" makes one session, "step_up" a session's successor, "session" none. */
    std::string_view purpose() const noexcept { return detail::text(doorward_proof_purpose, handle_); }
    std::vector<factor> factors() const
    {
        std::vector<factor> all;
        for (size_t i = 0; i < doorward_proof_factor_count(handle_); i++) all.emplace_back(answer_, doorward_proof_factor(handle_, i));
        return all;
    }
};

/* One credential field of a form. */
struct input {
    std::string_view name;
    std::string_view autocomplete;
    size_t max_len;
    bool is_secret;
    bool is_optional;
};

class method : public detail::part<doorward_method> {
public:
    method(detail::answer_ptr answer, const doorward_method *handle) noexcept : part(std::move(answer), handle) {}
    std::string_view provider() const noexcept { return detail::text(doorward_method_provider, handle_); }
    std::string_view action() const noexcept { return detail::text(doorward_method_action, handle_); }
    std::string_view factor_class() const noexcept { return detail::text(doorward_method_factor_class, handle_); }
    std::vector<input> inputs() const
    {
        std::vector<input> all;
        for (size_t i = 0; i < doorward_method_input_count(handle_); i++) {
            const doorward_input *in = doorward_method_input(handle_, i);
            all.push_back({detail::text(doorward_input_name, in), detail::text(doorward_input_autocomplete, in),
                           doorward_input_max_len(in), doorward_input_is_secret(in) != 0,
                           doorward_input_is_optional(in) != 0});
        }
        return all;
    }
    std::vector<field> challenge() const
    {
        size_t n = 0;
        const doorward_field *fields = doorward_method_challenge(handle_, &n);
        std::vector<field> all;
        for (size_t i = 0; i < n; i++) all.push_back({detail::view(fields[i].name), detail::view(fields[i].value)});
        return all;
    }
};

class flow : public detail::part<doorward_flow> {
public:
    flow(detail::answer_ptr answer, const doorward_flow *handle) noexcept : part(std::move(answer), handle) {}
    /* What to answer with: to the same person only. */
    std::string_view token() const noexcept { return detail::text(doorward_flow_token, handle_); }
    /* "enrol", "link", "sign_in", "sign_up" or "step_up". */
    std::string_view purpose() const noexcept { return detail::text(doorward_flow_purpose, handle_); }
    /* Begun with, or whose step is open; may be empty. */
    std::string_view provider() const noexcept { return detail::text(doorward_flow_provider, handle_); }
    std::optional<doorward::id> user_id() const
    {
        const doorward_id *id = doorward_flow_user_id(handle_);
        return id ? std::optional<doorward::id>(*id) : std::nullopt;
    }
    time_point expires_at() const noexcept { return detail::at(doorward_flow_expires_at(handle_)); }
    std::vector<method> methods() const
    {
        std::vector<method> all;
        for (size_t i = 0; i < doorward_flow_method_count(handle_); i++) all.emplace_back(answer_, doorward_flow_method(handle_, i));
        return all;
    }
};

/* What was verified and is nobody's: good for ten minutes, in the browser that earned it. */
class claim : public detail::part<doorward_claim> {
public:
    explicit claim(detail::answer_ptr answer) noexcept : part(answer, doorward_answer_claim(answer.get())) {}
    claim(detail::answer_ptr answer, const doorward_claim *handle) noexcept : part(std::move(answer), handle) {}
    /* What to create a user from, or to link: to the same person only. */
    std::string_view token() const noexcept { return detail::text(doorward_claim_token, handle_); }
    std::string_view provider() const noexcept { return detail::text(doorward_claim_provider, handle_); }
    std::string_view identifier() const noexcept { return detail::text(doorward_claim_identifier, handle_); }
    /* A JSON object: what the provider says of the person. Its word, not a proof. */
    std::string_view attributes() const noexcept { return detail::text(doorward_claim_attributes, handle_); }
    time_point expires_at() const noexcept { return detail::at(doorward_claim_expires_at(handle_)); }
};

class user : public detail::part<doorward_user> {
public:
    explicit user(detail::answer_ptr answer) noexcept : part(answer, doorward_answer_user(answer.get())) {}
    user(detail::answer_ptr answer, const doorward_user *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_user_id(handle_); }
    std::string_view realm() const noexcept { return detail::text(doorward_user_realm, handle_); }
    /* A JSON object; not for browsers: see auth::public_attributes. */
    std::string_view attributes() const noexcept { return detail::text(doorward_user_attributes, handle_); }
    int64_t version() const noexcept { return doorward_user_version(handle_); }
    std::optional<time_point> disabled_at() const noexcept { return detail::maybe_at(doorward_user_disabled_at(handle_)); }
    time_point created_at() const noexcept { return detail::at(doorward_user_created_at(handle_)); }
    time_point updated_at() const noexcept { return detail::at(doorward_user_updated_at(handle_)); }
};

class session : public detail::part<doorward_session> {
public:
    explicit session(detail::answer_ptr answer) noexcept : part(answer, doorward_answer_session(answer.get())) {}
    doorward::id id() const noexcept { return *doorward_session_id(handle_); }
    doorward::user user() const noexcept { return {answer_, doorward_session_user(handle_)}; }
    /* Empty where the call issued none. A secret. */
    std::string_view access_token() const noexcept { return detail::text(doorward_session_access_token, handle_); }
    std::string_view refresh_token() const noexcept { return detail::text(doorward_session_refresh_token, handle_); }
    time_point access_expires_at() const noexcept { return detail::at(doorward_session_access_expires_at(handle_)); }
    time_point idle_expires_at() const noexcept { return detail::at(doorward_session_idle_expires_at(handle_)); }
    time_point absolute_expires_at() const noexcept { return detail::at(doorward_session_absolute_expires_at(handle_)); }
    time_point authenticated_at() const noexcept { return detail::at(doorward_session_authenticated_at(handle_)); }
    time_point created_at() const noexcept { return detail::at(doorward_session_created_at(handle_)); }
    time_point last_seen_at() const noexcept { return detail::at(doorward_session_last_seen_at(handle_)); }
    bool is_persistent() const noexcept { return doorward_session_is_persistent(handle_) != 0; }
    std::string_view attributes() const noexcept { return detail::text(doorward_session_attributes, handle_); }
    int64_t version() const noexcept { return doorward_session_version(handle_); }
    std::string_view agent() const noexcept { return detail::text(doorward_session_agent, handle_); }
    std::string_view address() const noexcept { return detail::text(doorward_session_address, handle_); }
    std::vector<factor> factors() const
    {
        std::vector<factor> all;
        for (size_t i = 0; i < doorward_session_factor_count(handle_); i++) all.emplace_back(answer_, doorward_session_factor(handle_, i));
        return all;
    }
};

/* Who a request comes from: a session, or the user of an accepted key. */
class caller {
public:
    explicit caller(detail::answer_ptr answer) noexcept : answer_(std::move(answer)) {}
    std::optional<doorward::session> session() const noexcept
    {
        if (!doorward_answer_session(answer_.get())) return std::nullopt;
        return doorward::session(answer_);
    }
    doorward::user user() const noexcept { return doorward::user(answer_); }
    /* Of a key: the provider that accepted it; else empty. */
    std::string_view provider() const noexcept { return detail::text(doorward_answer_provider, answer_.get()); }
    /* Of a key: what it is good for, in the program's own words. */
    std::vector<std::string_view> scopes() const
    {
        std::vector<std::string_view> all;
        for (size_t i = 0; i < doorward_answer_count(answer_.get()); i++) {
            size_t n = 0;
            const char *scope = doorward_answer_scope(answer_.get(), i, &n);
            all.emplace_back(scope, n);
        }
        return all;
    }

private:
    detail::answer_ptr answer_;
};

class device : public detail::part<doorward_device> {
public:
    device(detail::answer_ptr answer, const doorward_device *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_device_id(handle_); }
    std::string_view agent() const noexcept { return detail::text(doorward_device_agent, handle_); }
    std::string_view address() const noexcept { return detail::text(doorward_device_address, handle_); }
    time_point created_at() const noexcept { return detail::at(doorward_device_created_at(handle_)); }
    time_point last_seen_at() const noexcept { return detail::at(doorward_device_last_seen_at(handle_)); }
    std::string_view attributes() const noexcept { return detail::text(doorward_device_attributes, handle_); }
    std::vector<factor> factors() const
    {
        std::vector<factor> all;
        for (size_t i = 0; i < doorward_device_factor_count(handle_); i++) all.emplace_back(answer_, doorward_device_factor(handle_, i));
        return all;
    }
};

class identity : public detail::part<doorward_identity> {
public:
    identity(detail::answer_ptr answer, const doorward_identity *handle) noexcept : part(std::move(answer), handle) {}
    std::string_view provider() const noexcept { return detail::text(doorward_identity_provider, handle_); }
    std::string_view identifier() const noexcept { return detail::text(doorward_identity_identifier, handle_); }
    std::optional<time_point> verified_at() const noexcept { return detail::maybe_at(doorward_identity_verified_at(handle_)); }
    time_point created_at() const noexcept { return detail::at(doorward_identity_created_at(handle_)); }
};

class authenticator : public detail::part<doorward_authenticator> {
public:
    authenticator(detail::answer_ptr answer, const doorward_authenticator *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_authenticator_id(handle_); }
    std::string_view group() const noexcept { return detail::text(doorward_authenticator_group, handle_); }
    std::string_view kind() const noexcept { return detail::text(doorward_authenticator_kind, handle_); }
    std::string_view label() const noexcept { return detail::text(doorward_authenticator_label, handle_); }
    time_point created_at() const noexcept { return detail::at(doorward_authenticator_created_at(handle_)); }
    std::optional<time_point> last_used_at() const noexcept { return detail::maybe_at(doorward_authenticator_last_used_at(handle_)); }
};

/* A way into an account, as its owner is told of it. Its name is not for logs. */
class way : public detail::part<doorward_way> {
public:
    way(detail::answer_ptr answer, const doorward_way *handle) noexcept : part(std::move(answer), handle) {}
    std::string_view provider() const noexcept { return detail::text(doorward_way_provider, handle_); }
    /* For people: the identifier as it was given, or the label of an authenticator. */
    std::string_view name() const noexcept { return detail::text(doorward_way_name, handle_); }
    bool is_identity() const noexcept { return doorward_way_is_identity(handle_) != 0; }
    time_point created_at() const noexcept { return detail::at(doorward_way_created_at(handle_)); }
    std::optional<time_point> last_used_at() const noexcept { return detail::maybe_at(doorward_way_last_used_at(handle_)); }
    /* Of an identity: when its owner proved it. */
    std::optional<time_point> verified_at() const noexcept { return detail::maybe_at(doorward_way_verified_at(handle_)); }
};

/* A message to send. Its address and params are not for logs. */
class delivery : public detail::part<doorward_delivery> {
public:
    delivery(detail::answer_ptr answer, const doorward_delivery *handle) noexcept : part(std::move(answer), handle) {}
    doorward::id id() const noexcept { return *doorward_delivery_id(handle_); }
    std::string_view channel() const noexcept { return detail::text(doorward_delivery_channel, handle_); }
    std::string_view address() const noexcept { return detail::text(doorward_delivery_address, handle_); }
    /* recovery, verify, change_identifier, credentials_changed, or one of a kind's own. */
    std::string_view template_name() const noexcept { return detail::text(doorward_delivery_template, handle_); }
    /* What the message says: a token or a code among it. */
    std::vector<field> params() const
    {
        size_t n = 0;
        const doorward_field *fields = doorward_delivery_params(handle_, &n);
        std::vector<field> all;
        for (size_t i = 0; i < n; i++) all.push_back({detail::view(fields[i].name), detail::view(fields[i].value)});
        return all;
    }
    std::string_view realm() const noexcept { return detail::text(doorward_delivery_realm, handle_); }
    std::string_view provider() const noexcept { return detail::text(doorward_delivery_provider, handle_); }
    std::optional<doorward::id> user_id() const noexcept
    {
        const doorward_id *user = doorward_delivery_user_id(handle_);
        return user ? std::optional<doorward::id>(*user) : std::nullopt;
    }
    /* Which attempt this is, from 1. */
    uint32_t attempts() const noexcept { return doorward_delivery_attempts(handle_); }
    time_point expires_at() const noexcept { return detail::at(doorward_delivery_expires_at(handle_)); }
};

/* What a single-use token is good for. */
class token_info : public detail::part<doorward_token_info> {
public:
    explicit token_info(detail::answer_ptr answer) noexcept : part(answer, doorward_answer_token_info(answer.get())) {}
    std::string_view purpose() const noexcept { return detail::text(doorward_token_info_purpose, handle_); }
    std::string_view provider() const noexcept { return detail::text(doorward_token_info_provider, handle_); }
    std::string_view identifier() const noexcept { return detail::text(doorward_token_info_identifier, handle_); }
    /* For the program, not for the browser. */
    doorward::id user_id() const noexcept { return *doorward_token_info_user_id(handle_); }
    time_point expires_at() const noexcept { return detail::at(doorward_token_info_expires_at(handle_)); }
};

/* Counts of rows, of stats and purge_expired. Of stats on PostgreSQL: exact up to 10,000 of a sort; beyond, the server's own
 * estimate, as of its last vacuum. */
struct row_counts {
    uint64_t users, sign_ins, flows, throttles, others;
    bool more; /* of purge_expired: more is left, so call it again */
};

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
    static uint64_t from(const answer_ptr &answer) noexcept { return doorward_answer_count(answer.get()); }
};

template <>
struct read<std::string> {
    static std::string from(const answer_ptr &answer) { return std::string(text(doorward_answer_text, answer.get())); }
};

template <>
struct read<doorward::id> {
    static doorward::id from(const answer_ptr &answer) noexcept { return *doorward_answer_user_id(answer.get()); }
};

template <>
struct read<row_counts> {
    static row_counts from(const answer_ptr &answer) noexcept
    {
        const doorward_row_counts *rows = doorward_answer_stats(answer.get());
        if (!rows) rows = doorward_answer_purged(answer.get());
        return rows ? row_counts{rows->users, rows->sign_ins, rows->flows, rows->throttles, rows->others, rows->more != 0} : row_counts{};
    }
};

template <class T, class Handle, const Handle *(*At)(const doorward_answer *, size_t)>
struct read_list {
    static std::vector<T> from(const answer_ptr &answer)
    {
        std::vector<T> all;
        for (size_t i = 0; const Handle *handle = At(answer.get(), i); i++) all.emplace_back(answer, handle);
        return all;
    }
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

} // namespace detail

/* What an operation decided, or why it could not. Not a truth value. */
template <class T>
class [[nodiscard]] result {
public:
    /* Takes what a C function gave. */
    result(doorward::status status, doorward_answer *answer, doorward_error *error)
        : status_(status), answer_(answer, doorward_answer_free), error_(error, doorward_error_free) {}
    result(result &&) noexcept = default;
    result &operator=(result &&) noexcept = default;
    explicit operator bool() const = delete;

    doorward::status status() const noexcept { return status_; }
    /* The thing asked for happened. */
    bool ok() const noexcept { return status_ == DOORWARD_OK; }
    /* The stable text of the status. */
    const char *id() const noexcept { return doorward_status_id(status_); }

    /* The value; throws doorward::error for every other status than DOORWARD_OK. */
    T value() const
    {
        if (!ok()) throw doorward::error(status_, describe());
        return detail::read<T>::from(answer_);
    }

    /* Response headers, each to be sent as a line of its own, however it was decided; of an error, those of its status. */
    std::vector<field> headers() const
    {
        if (error_) return list(error_.get(), doorward_error_headers);
        return list(answer_.get(), doorward_answer_headers);
    }
    /* Values to show to the person once, and kept nowhere. */
    std::vector<field> show_once() const { return list(answer_.get(), doorward_answer_show_once); }
    /* What recovery, or the click that makes an address its reader's, took from the account. Show them. */
    std::vector<way> took() const { return ways(doorward_answer_took); }
    /* What it left. Show them. */
    std::vector<way> kept() const { return ways(doorward_answer_kept); }
    /* With the first second factor of a user: what else opens the account. Show them. */
    std::vector<way> others() const { return ways(doorward_answer_others); }
    /* What must be answered next. */
    std::optional<doorward::flow> flow() const noexcept
    {
        const doorward_flow *next = doorward_answer_flow(answer_.get());
        if (!next) return std::nullopt;
        return doorward::flow(answer_, next);
    }
    /* With DOORWARD_UNREGISTERED: what was verified and is nobody's. */
    std::optional<doorward::claim> claim() const noexcept
    {
        const doorward_claim *made = doorward_answer_claim(answer_.get());
        if (!made) return std::nullopt;
        return doorward::claim(answer_, made);
    }
    std::string_view reason() const noexcept { return detail::text(doorward_answer_reason, answer_.get()); }
    std::string_view setting() const noexcept { return detail::text(doorward_answer_setting, answer_.get()); }
    duration retry_after() const noexcept { return duration(doorward_answer_retry_after(answer_.get())); }
    /* The HTTP status that fits, of errors, too. */
    int http_status() const noexcept { return error_ ? doorward_error_http_status(error_.get()) : doorward_answer_http_status(answer_.get()); }

    /* For errors: what failed and on what, what is taken, which rules are broken. */
    std::string_view message() const noexcept
    {
        // The library says it in the words of C.
        if (what() == "request") return "no request: auth.on(request), or auth.trusted() where none caused this";
        return detail::text(doorward_error_message, error_.get());
    }
    std::string_view what() const noexcept { return detail::text(doorward_error_what, error_.get()); }
    std::vector<violation> violations() const
    {
        std::vector<violation> all;
        for (size_t i = 0; const doorward_violation *one = doorward_error_violation(error_.get(), i); i++)
            all.push_back({detail::view(one->rule), detail::view(one->field), detail::view(one->message), one->limit});
        return all;
    }

    /* The C handle, borrowed. */
    const doorward_answer *c() const noexcept { return answer_.get(); }

private:
    std::string describe() const
    {
        std::string text = id();
        std::string_view detail = error_ ? message() : reason();
        if (!detail.empty()) text.append(": ").append(detail);
        return text;
    }
    template <class Handle>
    static std::vector<field> list(const Handle *handle, const doorward_field *(*of)(const Handle *, size_t *))
    {
        size_t n = 0;
        const doorward_field *fields = of(handle, &n);
        std::vector<field> all;
        for (size_t i = 0; i < n; i++) all.push_back({detail::view(fields[i].name), detail::view(fields[i].value)});
        return all;
    }
    std::vector<way> ways(const doorward_way *(*of)(const doorward_answer *, size_t)) const
    {
        std::vector<way> all;
        for (size_t i = 0; const doorward_way *one = of(answer_.get(), i); i++) all.emplace_back(answer_, one);
        return all;
    }

    doorward::status status_;
    detail::answer_ptr answer_;
    detail::error_ptr error_;
};

/* A result whose value is not read from an answer: a handle. */
template <class T>
class [[nodiscard]] made {
public:
    made(doorward::status status, std::optional<T> value, detail::error_ptr error)
        : status_(status), value_(std::move(value)), error_(std::move(error)) {}
    explicit operator bool() const = delete;
    doorward::status status() const noexcept { return status_; }
    bool ok() const noexcept { return status_ == DOORWARD_OK; }
    std::string_view message() const noexcept { return detail::text(doorward_error_message, error_.get()); }
    T value() &&
    {
        if (!ok() || !value_) throw error(status_, std::string(doorward_status_id(status_)).append(": ").append(message()));
        return std::move(*value_);
    }

private:
    doorward::status status_;
    std::optional<T> value_;
    detail::error_ptr error_;
};

/* An event, as long as the callback runs. */
struct event {
    time_point at;
    uint64_t count;
    std::optional<doorward::id> user;
    std::optional<doorward::id> sign_in;
    std::string_view name, realm, provider, reason, address, origin;
};

class auth;

/* Settings. The first mistake is kept and given by auth::open. */
class config {
public:
    config()
    {
        doorward_config *made = nullptr;
        note([&](doorward_error **error) { return doorward_config_new(&made, error); });
        config_.reset(made);
    }
    /* TOML text. */
    config &load(std::string_view toml) &
    {
        note([&](doorward_error **error) { return doorward_config_load(config_.get(), detail::bytes(toml), error); });
        return *this;
    }
    config &&load(std::string_view toml) && { return std::move(load(toml)); }
    /* One key by its dotted name. */
    config &set(std::string_view key, std::string_view value) &
    {
        note([&](doorward_error **error) { return doorward_config_set(config_.get(), detail::bytes(key), detail::bytes(value), error); });
        return *this;
    }
    config &&set(std::string_view key, std::string_view value) && { return std::move(set(key, value)); }
    /* Called for each event, perhaps on several threads at once; must not throw, block or call back. */
    config &on_event(std::function<void(const event &)> function) &
    {
        callbacks_->event = std::move(function);
        note([&](doorward_error **error) { return doorward_config_on_event(config_.get(), &event_of, callbacks_.get(), error); });
        return *this;
    }
    config &&on_event(std::function<void(const event &)> function) && { return std::move(on_event(std::move(function))); }
    /* Called for each log line up to a level: level, target, message. Under the same rules. */
    config &on_log(int level, std::function<void(int, std::string_view, std::string_view)> function) &
    {
        callbacks_->log = std::move(function);
        note([&](doorward_error **error) { return doorward_config_on_log(config_.get(), level, &log_of, callbacks_.get(), error); });
        return *this;
    }
    config &&on_log(int level, std::function<void(int, std::string_view, std::string_view)> function) &&
    {
        return std::move(on_log(level, std::move(function)));
    }

private:
    friend class auth;

    struct callbacks {
        std::function<void(const doorward::event &)> event;
        std::function<void(int, std::string_view, std::string_view)> log;
    };
    struct free {
        void operator()(doorward_config *config) const noexcept { doorward_config_free(config); }
    };

    template <class F>
    void note(F &&step)
    {
        if (status_ != DOORWARD_OK) return;
        doorward_error *error = nullptr;
        status_ = step(&error);
        error_.reset(error, doorward_error_free);
    }
    static void event_of(void *user, const doorward_event *raw) noexcept
    {
        const auto maybe = [](const doorward_id *one) { return one ? std::optional<doorward::id>(*one) : std::nullopt; };
        static_cast<callbacks *>(user)->event(doorward::event{
            detail::at(raw->at), raw->count, maybe(raw->user), maybe(raw->sign_in), detail::view(raw->name),
            detail::view(raw->realm), detail::view(raw->provider), detail::view(raw->reason), detail::view(raw->address),
            detail::view(raw->origin)});
    }
    static void log_of(void *user, int32_t level, const char *target, const char *message, size_t len) noexcept
    {
        static_cast<callbacks *>(user)->log(level, target, std::string_view(message, len));
    }

    std::unique_ptr<doorward_config, free> config_;
    std::shared_ptr<callbacks> callbacks_ = std::make_shared<callbacks>();
    doorward::status status_ = DOORWARD_OK;
    detail::error_ptr error_;
};

/* An HTTP request, as far as Doorward looks at it. Owns copies, all of them in one text. */
class request {
public:
    explicit request(std::string_view method, std::string_view peer = {})
    {
        text_.reserve(2048), parts_.reserve(64);
        add(method), add(peer);
    }
    request &header(std::string_view name, std::string_view value) &
    {
        add(name), add(value);
        return *this;
    }
    request &&header(std::string_view name, std::string_view value) && { return std::move(header(name, value)); }

private:
    friend class auth;
    void add(std::string_view part)
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
};

/* A call that was answered through a queue. */
class completion {
public:
    explicit completion(const doorward_completion &raw) noexcept : raw_(raw) {}
    completion(completion &&other) noexcept : raw_(other.raw_) { other.raw_.answer = nullptr, other.raw_.error = nullptr; }
    completion &operator=(completion &&other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~completion()
    {
        doorward_answer_free(raw_.answer);
        doorward_error_free(raw_.error);
    }
    doorward::status status() const noexcept { return raw_.status; }
    void *user() const noexcept { return raw_.user; }
    uint64_t operation() const noexcept { return raw_.operation; }
    /* The result, of the operation's own type. Once. */
    template <class T>
    result<T> take()
    {
        return result<T>(raw_.status, std::exchange(raw_.answer, nullptr), std::exchange(raw_.error, nullptr));
    }

private:
    doorward_completion raw_;
};

/* Completions for an event loop. Destroying one cancels and drains what is pending. */
class queue {
public:
    static made<queue> make()
    {
        doorward_queue *queue = nullptr;
        doorward_error *error = nullptr;
        doorward::status status = doorward_queue_new(&queue, &error);
        if (status != DOORWARD_OK) return {status, std::nullopt, detail::own(error)};
        return {status, doorward::queue(queue), nullptr};
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
        // Everything pending has been cancelled, so its completions are on their way.
        while (doorward_queue_free(queue_) != DOORWARD_OK) {
            pollfd readable{fd(), POLLIN, 0};
            ::poll(&readable, 1, -1);
            while (next()) {}
        }
    }
    /* Readable while next() would give something: for poll and epoll. Neither read nor close it. */
    int fd() const noexcept { return doorward_queue_fd(queue_); }
    /* The next completion, if there is one now. */
    std::optional<completion> next() noexcept
    {
        doorward_completion raw = DOORWARD_COMPLETION_INIT;
        if (doorward_queue_next(queue_, &raw) != DOORWARD_OK) return std::nullopt;
        return completion(raw);
    }
    /* True when the operation was pending: it completes with DOORWARD_E_CANCELLED, unless it is just done. */
    bool cancel(uint64_t operation) noexcept { return doorward_queue_cancel(queue_, operation) == DOORWARD_OK; }
    doorward_queue *c() const noexcept { return queue_; }

private:
    explicit queue(doorward_queue *queue) noexcept : queue_(queue) {}
    doorward_queue *queue_ = nullptr;
};

/* What a new user starts with. */
struct new_user {
    std::optional<std::string_view> attributes; /* a JSON object */
    std::optional<doorward::id> id;
};

/* What a new session starts with. Lifetimes of zero are as configured. */
struct new_session {
    std::optional<std::string_view> attributes; /* a JSON object */
    duration access_ttl{}, idle_ttl{}, absolute_ttl{};
    std::optional<bool> persistent;
};

/* A factor that trusted code vouches for. */
struct asserted_factor {
    std::string_view provider, factor_class, channel;
    time_point at;
    bool two_in_one = false;
};

/* Users, provider ids and sessions of one database. Copies share the context. */
class auth {
public:
    using fields = std::initializer_list<field>;
    using text = std::string_view;

    /* Makes a cold context. */
    static made<auth> open(const config &config)
    {
        if (config.status_ != DOORWARD_OK) return {config.status_, std::nullopt, config.error_};
        doorward_ctx *ctx = nullptr;
        doorward_error *error = nullptr;
        doorward::status status = doorward_open(config.config_.get(), &ctx, &error);
        if (status != DOORWARD_OK) return {status, std::nullopt, detail::own(error)};
        // The callbacks live as long as the context, which calls them until it is freed.
        auto callbacks = config.callbacks_;
        std::shared_ptr<doorward_ctx> shared(ctx, [callbacks](doorward_ctx *held) { doorward_ctx_free(held); });
        return {status, auth(std::move(shared)), nullptr};
    }

    /* The same context in another realm. */
    auth realm(text name) const
    {
        auth other(*this);
        other.realm_ = std::string(name);
        return other;
    }
    /* The same context on a request, which it reads once; it remembers what is decided on it. */
    auth on(const doorward::request &request) const
    {
        std::vector<doorward_field> lines;
        lines.reserve(request.parts_.size() / 2);
        for (size_t n = 2; n + 1 < request.parts_.size(); n += 2) lines.push_back({request.part(n), request.part(n + 1)});
        doorward_request raw = DOORWARD_REQUEST_INIT;
        raw.method = request.part(0);
        raw.headers = lines.data();
        raw.n_headers = lines.size();
        if (request.part(1).len > 0) raw.peer = request.part(1);
        return viewed(doorward_on(c(), &raw));
    }
    /* The same context for what no request causes: a command line, a job, an import. Where origins.trusted is configured, the
     * operations that a person's form causes are DOORWARD_E_INVALID_STATE with neither a request nor this (see
     * doorward_trusted). What is trusted and put on a request has its origin checked like any other. */
    auth trusted() const { return viewed(doorward_trusted(c())); }
    /* The final cookies of everything that was decided on this request so far, newest last: send them once. They live as
     * long as the view. */
    std::vector<field> headers() const
    {
        size_t count = 0;
        const doorward_field *lines = doorward_headers(c(), &count);
        std::vector<field> all;
        for (size_t i = 0; i < count; i++) all.push_back({detail::view(lines[i].name), detail::view(lines[i].value)});
        return all;
    }
    /* Gives up waiting after this long. */
    auth within(duration timeout) const
    {
        auth other(*this);
        other.timeout_ = timeout;
        return other;
    }
    /* Answers that are not there at once come through a queue, with `user`; the result's status is DOORWARD_PENDING then.
     * `operation` receives the number for queue::cancel. */
    auth through(const queue &queue, void *user = nullptr, uint64_t *operation = nullptr) const
    {
        auth other(*this);
        other.queue_ = queue.c(), other.user_ = user, other.operation_ = operation;
        return other;
    }

    /* The life of the context. */
    result<void> start() const { return plain([&](auto e) { return doorward_start(c(), e); }); }
    result<void> stop() const { return plain([&](auto e) { return doorward_stop(c(), e); }); }
    result<void> before_fork() const { return plain([&](auto e) { return doorward_before_fork(c(), e); }); }
    result<void> migrate() const { return plain([&](auto e) { return doorward_migrate(c(), e); }); }
    result<void> agree(text item) const { return plain([&](auto e) { return doorward_agree(c(), b(item), e); }); }
    result<void> health() const { return run<void>([&](auto k, auto a, auto e) { return doorward_health(c(), nullptr, k, a, e); }); }
    result<row_counts> stats() const { return run<row_counts>([&](auto k, auto a, auto e) { return doorward_stats(c(), nullptr, k, a, e); }); }
    result<row_counts> purge_expired() const { return run<row_counts>([&](auto k, auto a, auto e) { return doorward_purge_expired(c(), nullptr, k, a, e); }); }

    /* Signing up and in. */
    result<proof> create_user(text provider, text identifier, fields credentials, const new_user &with = {}) const
    {
        doorward_create_user_options options = DOORWARD_CREATE_USER_OPTIONS_INIT;
        options.attributes = detail::bytes(with.attributes);
        options.id = with.id ? &*with.id : nullptr;
        auto raw = list(credentials);
        return run<proof>([&](auto k, auto a, auto e) {
            return doorward_create_user(c(), b(provider), b(identifier), raw.data(), raw.size(), &options, k, a, e);
        });
    }
    result<proof> create_user_from_claim(text claim, const new_user &with = {}) const
    {
        doorward_create_user_options options = DOORWARD_CREATE_USER_OPTIONS_INIT;
        options.attributes = detail::bytes(with.attributes);
        options.id = with.id ? &*with.id : nullptr;
        return run<proof>([&](auto k, auto a, auto e) { return doorward_create_user_from_claim(c(), b(claim), &options, k, a, e); });
    }
    result<claim> peek_claim(text token) const
    {
        return run<claim>([&](auto k, auto a, auto e) { return doorward_peek_claim(c(), b(token), nullptr, k, a, e); });
    }
    result<proof> begin_enrolment(text provider, std::optional<text> identifier = {}, const proof *of = nullptr) const
    {
        doorward_begin_enrolment_options options = DOORWARD_BEGIN_ENROLMENT_OPTIONS_INIT;
        options.identifier = detail::bytes(identifier);
        options.proof = of ? of->c() : nullptr;
        return run<proof>([&](auto k, auto a, auto e) { return doorward_begin_enrolment(c(), b(provider), &options, k, a, e); });
    }
    result<proof> authenticate(text provider, std::optional<text> identifier, fields credentials) const
    {
        auto raw = list(credentials);
        return run<proof>([&](auto k, auto a, auto e) {
            return doorward_authenticate(c(), b(provider), detail::bytes(identifier), raw.data(), raw.size(), nullptr, k, a, e);
        });
    }
    /* Also of the link of a mailed code, alone: on a POST, in the browser that confirms it. */
    result<proof> continue_flow(text flow, fields credentials = {}, std::optional<text> provider = {}) const
    {
        doorward_continue_flow_options options = DOORWARD_CONTINUE_FLOW_OPTIONS_INIT;
        options.provider = detail::bytes(provider);
        auto raw = list(credentials);
        return run<proof>([&](auto k, auto a, auto e) { return doorward_continue_flow(c(), b(flow), raw.data(), raw.size(), &options, k, a, e); });
    }
    result<std::vector<method>> list_methods(std::optional<doorward::id> user = {}) const
    {
        doorward_list_methods_options options = DOORWARD_LIST_METHODS_OPTIONS_INIT;
        options.user = user ? &*user : nullptr;
        return run<std::vector<method>>([&](auto k, auto a, auto e) { return doorward_list_methods(c(), &options, k, a, e); });
    }

    /* Sessions. */
    result<session> create_session(const proof &proof, const new_session &with = {}) const
    {
        auto options = raw(with);
        return run<session>([&](auto k, auto a, auto e) { return doorward_create_session(c(), proof.c(), &options, k, a, e); });
    }
    result<session> create_session_for_user(const doorward::id &user, std::initializer_list<asserted_factor> factors = {}, const new_session &with = {}) const
    {
        auto session_options = raw(with);
        std::vector<doorward_asserted_factor> asserted;
        for (const auto &one : factors)
            asserted.push_back({b(one.provider), b(one.factor_class), b(one.channel), one.at.time_since_epoch().count(), one.two_in_one ? 1U : 0U, 0});
        doorward_create_session_for_user_options options = DOORWARD_CREATE_SESSION_FOR_USER_OPTIONS_INIT;
        options.factors = asserted.data();
        options.n_factors = asserted.size();
        options.session = &session_options;
        return run<session>([&](auto k, auto a, auto e) { return doorward_create_session_for_user(c(), &user, &options, k, a, e); });
    }
    result<session> validate_session(text access_token) const
    {
        return run<session>([&](auto k, auto a, auto e) { return doorward_validate_session(c(), b(access_token), nullptr, k, a, e); });
    }
    result<session> refresh_session(text refresh_token) const
    {
        return run<session>([&](auto k, auto a, auto e) { return doorward_refresh_session(c(), b(refresh_token), nullptr, k, a, e); });
    }
    /* Who the request comes from. Never refreshes, so it is safe everywhere. */
    result<caller> check_request() const { return run<caller>([&](auto k, auto a, auto e) { return doorward_check_request(c(), nullptr, k, a, e); }); }
    /* The same, and refreshes an expired access token. Only where the response is yours to send, with headers(): a renderer
     * behind another server, or a component that cannot set cookies, leaves the browser with a refresh token that is used up,
     * and the browser's next refresh ends the sign-in (token_reuse). There, check_request(), and let the browser refresh at
     * "expired_refreshable". */
    result<caller> resume_request() const { return run<caller>([&](auto k, auto a, auto e) { return doorward_resume_request(c(), nullptr, k, a, e); }); }
    /* Without a token: by the request's bearer token or cookies. How many sign-ins ended. */
    result<uint64_t> end_session(std::optional<text> token = {}) const
    {
        return run<uint64_t>([&](auto k, auto a, auto e) { return doorward_end_session(c(), detail::bytes(token), nullptr, k, a, e); });
    }
    result<uint64_t> end_sign_in(const doorward::id &user, const doorward::id &sign_in) const
    {
        return run<uint64_t>([&](auto k, auto a, auto e) { return doorward_end_sign_in(c(), &user, &sign_in, nullptr, k, a, e); });
    }
    result<uint64_t> end_other_sessions(const proof &proof) const
    {
        return run<uint64_t>([&](auto k, auto a, auto e) { return doorward_end_other_sessions(c(), proof.c(), nullptr, k, a, e); });
    }
    result<uint64_t> end_all_sessions(const doorward::id &user) const
    {
        return run<uint64_t>([&](auto k, auto a, auto e) { return doorward_end_all_sessions(c(), &user, nullptr, k, a, e); });
    }
    result<std::vector<device>> list_sessions(const doorward::id &user) const
    {
        return run<std::vector<device>>([&](auto k, auto a, auto e) { return doorward_list_sessions(c(), &user, nullptr, k, a, e); });
    }
    result<void> session_alive(const doorward::id &user, const doorward::id &sign_in) const
    {
        return run<void>([&](auto k, auto a, auto e) { return doorward_session_alive(c(), &user, &sign_in, nullptr, k, a, e); });
    }
    result<proof> session_proof(const session &session) const
    {
        return run<proof>([&](auto k, auto a, auto e) { return doorward_session_proof(c(), session.c(), nullptr, k, a, e); });
    }
    result<std::string> update_session_attributes(const session &session, text patch) const
    {
        return run<std::string>([&](auto k, auto a, auto e) { return doorward_update_session_attributes(c(), session.c(), b(patch), nullptr, k, a, e); });
    }

    /* Users. */
    result<user> get_user(const doorward::id &id) const { return run<user>([&](auto k, auto a, auto e) { return doorward_get_user(c(), &id, nullptr, k, a, e); }); }
    result<user> find_user(text provider, text identifier) const
    {
        return run<user>([&](auto k, auto a, auto e) { return doorward_find_user(c(), b(provider), b(identifier), nullptr, k, a, e); });
    }
    result<user> find_user_by_attribute(text name, text value) const
    {
        return run<user>([&](auto k, auto a, auto e) { return doorward_find_user_by_attribute(c(), b(name), b(value), nullptr, k, a, e); });
    }
    result<std::vector<user>> list_users(std::optional<doorward::id> after = {}, uint32_t limit = 100) const
    {
        doorward_list_users_options options = DOORWARD_LIST_USERS_OPTIONS_INIT;
        options.after = after ? &*after : nullptr;
        options.limit = limit;
        return run<std::vector<user>>([&](auto k, auto a, auto e) { return doorward_list_users(c(), &options, k, a, e); });
    }
    result<user> update_attributes(const doorward::id &id, text patch, int64_t version = 0) const
    {
        doorward_update_attributes_options options = DOORWARD_UPDATE_ATTRIBUTES_OPTIONS_INIT;
        options.version = version;
        return run<user>([&](auto k, auto a, auto e) { return doorward_update_attributes(c(), &id, b(patch), &options, k, a, e); });
    }
    result<uint64_t> disable_user(const doorward::id &id) const { return run<uint64_t>([&](auto k, auto a, auto e) { return doorward_disable_user(c(), &id, nullptr, k, a, e); }); }
    result<void> enable_user(const doorward::id &id) const { return run<void>([&](auto k, auto a, auto e) { return doorward_enable_user(c(), &id, nullptr, k, a, e); }); }
    result<uint64_t> delete_user(const doorward::id &id) const { return run<uint64_t>([&](auto k, auto a, auto e) { return doorward_delete_user(c(), &id, nullptr, k, a, e); }); }
    /* For an operator: takes every second factor of a user away. How many went. */
    result<uint64_t> reset_factors(const doorward::id &id, text why) const
    {
        return run<uint64_t>([&](auto k, auto a, auto e) { return doorward_reset_factors(c(), &id, b(why), nullptr, k, a, e); });
    }
    /* For an operator: sets the credentials with which a user signs in at this name. */
    result<void> set_credentials(const doorward::id &id, text provider, fields credentials) const
    {
        auto raw = list(credentials);
        return run<void>([&](auto k, auto a, auto e) { return doorward_set_credentials(c(), &id, b(provider), raw.data(), raw.size(), nullptr, k, a, e); });
    }
    /* For an operator: gives a user an address that the operator has made sure of. */
    result<void> add_address(const doorward::id &id, text provider, text identifier) const
    {
        return run<void>([&](auto k, auto a, auto e) { return doorward_add_address(c(), &id, b(provider), b(identifier), nullptr, k, a, e); });
    }
    /* What a browser may see of a user: a JSON object. */
    std::string_view public_attributes(const user &user) const noexcept
    {
        size_t len = 0;
        const char *ptr = doorward_user_public_attributes(c(), user.c(), &len);
        return ptr ? std::string_view(ptr, len) : std::string_view();
    }

    /* What a user owns: a fresh proof is required. */
    result<proof> update_credentials(const proof &by, text provider, fields credentials) const
    {
        auto raw = list(credentials);
        return run<proof>([&](auto k, auto a, auto e) { return doorward_update_credentials(c(), by.c(), b(provider), raw.data(), raw.size(), nullptr, k, a, e); });
    }
    result<proof> update_identifier(const proof &by, text provider, text old_identifier, text new_identifier) const
    {
        return run<proof>([&](auto k, auto a, auto e) { return doorward_update_identifier(c(), by.c(), b(provider), b(old_identifier), b(new_identifier), nullptr, k, a, e); });
    }
    result<proof> link_identity(const proof &by, text provider, text identifier, fields credentials = {}) const
    {
        auto raw = list(credentials);
        return run<proof>([&](auto k, auto a, auto e) { return doorward_link_identity(c(), by.c(), b(provider), b(identifier), raw.data(), raw.size(), nullptr, k, a, e); });
    }
    result<proof> begin_link(const proof &by, text provider, std::optional<text> identifier = {}, fields credentials = {}) const
    {
        auto raw = list(credentials);
        return run<proof>([&](auto k, auto a, auto e) {
            return doorward_begin_link(c(), by.c(), b(provider), detail::bytes(identifier), raw.data(), raw.size(), nullptr, k, a, e);
        });
    }
    result<proof> link_claim(const proof &by, text claim) const
    {
        return run<proof>([&](auto k, auto a, auto e) { return doorward_link_claim(c(), by.c(), b(claim), nullptr, k, a, e); });
    }
    result<proof> unlink_identity(const proof &by, text provider, text identifier) const
    {
        return run<proof>([&](auto k, auto a, auto e) { return doorward_unlink_identity(c(), by.c(), b(provider), b(identifier), nullptr, k, a, e); });
    }
    result<std::vector<identity>> list_identities(const doorward::id &user) const
    {
        return run<std::vector<identity>>([&](auto k, auto a, auto e) { return doorward_list_identities(c(), &user, nullptr, k, a, e); });
    }
    result<std::vector<authenticator>> list_authenticators(const doorward::id &user) const
    {
        return run<std::vector<authenticator>>([&](auto k, auto a, auto e) { return doorward_list_authenticators(c(), &user, nullptr, k, a, e); });
    }
    result<void> rename_authenticator(const proof &by, text provider, const doorward::id &authenticator, text label) const
    {
        return run<void>([&](auto k, auto a, auto e) { return doorward_rename_authenticator(c(), by.c(), b(provider), &authenticator, b(label), nullptr, k, a, e); });
    }
    result<proof> remove_authenticator(const proof &by, text provider, const doorward::id &authenticator) const
    {
        return run<proof>([&](auto k, auto a, auto e) { return doorward_remove_authenticator(c(), by.c(), b(provider), &authenticator, nullptr, k, a, e); });
    }

    /* Tokens and recovery. The purpose is recovery, verify or change_identifier. */
    result<void> request_token(text purpose, text provider, text identifier, const proof *by = nullptr) const
    {
        doorward_request_token_options options = DOORWARD_REQUEST_TOKEN_OPTIONS_INIT;
        options.proof = by ? by->c() : nullptr;
        return run<void>([&](auto k, auto a, auto e) { return doorward_request_token(c(), b(purpose), b(provider), b(identifier), &options, k, a, e); });
    }
    result<token_info> peek_token(text token) const
    {
        return run<token_info>([&](auto k, auto a, auto e) { return doorward_peek_token(c(), b(token), nullptr, k, a, e); });
    }
    /* Takes the session of the call's request, or a proof of the user whose address it is. */
    result<token_info> consume_token(text token, const proof *by = nullptr) const
    {
        doorward_consume_token_options options = DOORWARD_CONSUME_TOKEN_OPTIONS_INIT;
        options.proof = by ? by->c() : nullptr;
        return run<token_info>([&](auto k, auto a, auto e) { return doorward_consume_token(c(), b(token), &options, k, a, e); });
    }
    /* The user, who is not signed in by it. */
    result<doorward::id> update_credentials_with_token(text token, text provider, fields credentials) const
    {
        auto raw = list(credentials);
        return run<doorward::id>([&](auto k, auto a, auto e) {
            return doorward_update_credentials_with_token(c(), b(token), b(provider), raw.data(), raw.size(), nullptr, k, a, e);
        });
    }
    result<doorward::id> update_identifier_with_token(text token, text old_identifier, text new_identifier) const
    {
        return run<doorward::id>([&](auto k, auto a, auto e) {
            return doorward_update_identifier_with_token(c(), b(token), b(old_identifier), b(new_identifier), nullptr, k, a, e);
        });
    }

    /* The outbox. Nobody else is given what is taken for as long as the lease: settle each. */
    result<std::vector<delivery>> take_deliveries(uint32_t limit = 100, duration lease = std::chrono::minutes(1)) const
    {
        doorward_take_deliveries_options options = DOORWARD_TAKE_DELIVERIES_OPTIONS_INIT;
        options.limit = limit;
        options.lease = lease.count();
        return run<std::vector<delivery>>([&](auto k, auto a, auto e) { return doorward_take_deliveries(c(), &options, k, a, e); });
    }
    /* DOORWARD_DELIVERED, _RETRY or _FAILED. The status is DOORWARD_ABSENT when it was handed out again, or is gone. */
    result<void> settle_delivery(const delivery &message, int32_t how) const
    {
        return run<void>([&](auto k, auto a, auto e) { return doorward_settle_delivery(c(), message.c(), how, nullptr, k, a, e); });
    }

    /* The C handle, borrowed. */
    doorward_ctx *c() const noexcept { return ctx_.get(); }

private:
    explicit auth(std::shared_ptr<doorward_ctx> ctx) noexcept : ctx_(std::move(ctx)) {}

    /* The same on a view of the context. Freeing a view stops nothing, and its context lives at least as long. */
    auth viewed(doorward_ctx *view) const
    {
        auth other(*this);
        auto whole = ctx_;
        other.ctx_ = std::shared_ptr<doorward_ctx>(view, [whole](doorward_ctx *held) { doorward_ctx_free(held); });
        return other;
    }

    static doorward_bytes b(text value) noexcept { return detail::bytes(value); }

    static std::vector<doorward_field> list(fields values)
    {
        std::vector<doorward_field> all;
        for (const auto &one : values) all.push_back({b(one.name), b(one.value)});
        return all;
    }
    static doorward_create_session_options raw(const new_session &with) noexcept
    {
        doorward_create_session_options options = DOORWARD_CREATE_SESSION_OPTIONS_INIT;
        options.attributes = detail::bytes(with.attributes);
        options.access_ttl = with.access_ttl.count();
        options.idle_ttl = with.idle_ttl.count();
        options.absolute_ttl = with.absolute_ttl.count();
        if (with.persistent) options.persistent = *with.persistent ? DOORWARD_YES : DOORWARD_NO;
        return options;
    }
    template <class F>
    static result<void> plain(F &&function)
    {
        doorward_error *error = nullptr;
        doorward::status status = function(&error);
        return {status, nullptr, error};
    }
    template <class T, class F>
    result<T> run(F &&operation) const
    {
        doorward_call call = DOORWARD_CALL_INIT;
        call.realm = b(realm_);
        call.timeout = timeout_.count();
        call.queue = queue_;
        call.user = user_;
        call.operation = operation_;
        doorward_answer *answer = nullptr;
        doorward_error *error = nullptr;
        const doorward_call *how = &call;
        doorward::status status = operation(how, &answer, &error);
        return {status, answer, error};
    }

    std::shared_ptr<doorward_ctx> ctx_;
    std::string realm_;
    duration timeout_{};
    doorward_queue *queue_ = nullptr;
    void *user_ = nullptr;
    uint64_t *operation_ = nullptr;
};

} // namespace doorward

template <>
struct std::hash<doorward::id> {
    std::size_t operator()(const doorward::id &id) const noexcept
    {
        return std::hash<std::string_view>()(std::string_view(reinterpret_cast<const char *>(id.bytes), sizeof id.bytes));
    }
};

#endif /* DOORWARD_HPP */
