/*
 * doorward.h - users, provider ids and sessions for C programs.      SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Doorward is a library, not a service: the program brings its HTTP server and a place for the database, Doorward
 * brings everything between the request and the user. This header is the whole interface; doorward.hpp wraps it for
 * C++17. A first sign-up and sign-in, whole (examples/first_login/c):
 *
 *     #define S doorward_str
 *     doorward_config_load(config, S("database = 'sqlite:doorward.db'\n[provider.email]\nkind = 'password'\n"));
 *     doorward_answer answer = doorward_open(config, &auth);
 *     if (doorward_ok(answer)) doorward_then(&answer, doorward_start(auth));
 *     if (doorward_ok(answer)) doorward_then(&answer, doorward_create_user(auth, S("email"), S("ada@example.com"), &password, 1, NULL));
 *     if (doorward_ok(answer)) doorward_then(&answer, doorward_create_session(auth, doorward_answer_proof(answer), NULL));
 *     doorward_answer_headers(answer);                          // send each as a line of its own
 *
 * CONTENTS.  Each noun has its operations and what is read of it in one place:
 *
 *      1. Version                    8. Users                     15. Identities
 *      2. Status                     9. Signing in                16. Authenticators
 *      3. Basic types               10. Flows                     17. Ways in
 *      4. Answers                   11. Proofs and factors        18. Tokens
 *      5. Configuration             12. Claims                    19. Deliveries
 *      6. The context, its views    13. Sessions                  20. Upkeep
 *      7. Queue                     14. Devices
 *
 * THE SHAPE.  One handle in, one answer out:
 *
 *     doorward_answer doorward_<operation>(auth, operands...)
 *
 * auth      the context: one database, one configuration. Made cold by doorward_open, started in each process. Or a view of
 *           it, with one thing else: on a request, in a realm, within a time, through a queue, trusted. A view is a handle
 *           like the context and can be viewed again; it is made where the thing is known (a realm once a tenant, a request
 *           once a request), and closed with doorward_close.
 * operands  what the operation needs, whom or what it is about first. Text and bytes are a doorward_bytes (pointer and
 *           length), never NUL-terminated; doorward_str("...") makes one of a C string. Arrays are pointer and count, ids are
 *           pointers. What may be absent (said with each) is {NULL, 0}, NULL or 0.
 * answer    what was decided, or why nothing could be: a value of 16 bytes, that is freed with doorward_answer_free.
 *
 * STATUS.  0 (DOORWARD_OK) only if the thing asked for happened. Positive: something else was decided, the answer says
 * what. Negative: it could not be decided; the number is from the one table of errors below, and the answer has a message.
 * An answer is no truth value: `if (doorward_ok(doorward_...(...)))` is the question to ask. It is false for an answer that
 * was freed, and for a struct of zeros, whose status reads DOORWARD_OK.
 *
 * MEMORY.  What the caller passes in is borrowed until the function returns, also when the answer comes later through a
 * queue: it is copied, secrets into memory that is wiped. What is read from an answer is borrowed from it and lives until it
 * is freed; texts have a length and a NUL after it. doorward_answer_free clears what it frees, so that twice is harmless; a
 * copy of an answer is the same answer: free one. doorward_then frees what was there and puts the next: one variable, one
 * free. There is one free or close function for each handle type, and it accepts NULL. Nothing is to be passed to free().
 *
 * GROWTH.  Structs that may grow begin with struct_size: set it with the _INIT macro (or to sizeof). A library that is
 * older than the header accepts a larger struct if everything it does not know is zero, else DOORWARD_E_ABI_MISMATCH.
 * Fields named flags or reserved are zero. Numbers and names are never used again for something else.
 *
 * TAGS.  The comment of each function ends with three tags:
 *     [any-thread]  may be called from any thread, also on the same handle at the same time
 *     [one-thread]  from any thread, but from one at a time on the same handle
 *     [any-state]   in every state of the context, or without one
 *     [cold]        before doorward_start (in this process) or after doorward_stop
 *     [started]     after doorward_start; else DOORWARD_E_INVALID_STATE
 *     [may-block]   may wait for the database, another thread or a time limit. Through a queue it does not wait for the
 *                   answer. Never from a callback: DOORWARD_E_REENTRANT
 *     [no-block]    computes at once; may be called from a callback
 * A free or close function may be called when no other thread uses the handle.
 *
 * PROCESSES.  A cold context may be forked. A started one must not be, unless doorward_before_fork was called: then
 * both sides start again by themselves at their next call. In a child of a parent that did not, every call answers
 * DOORWARD_E_FORKED_CONTEXT. The library installs no signal handlers, reads no environment, and blocks all signals in
 * its own threads. The shared library is never unloaded. A thread that calls needs 64 KiB of stack. Descriptors that are
 * open between doorward_open and doorward_close are the library's own: closefrom(3) comes before doorward_open.
 *
 * IDS are 16 bytes. TIMES are microseconds since 1970-01-01 UTC, DURATIONS are microseconds.
 */
#ifndef DOORWARD_H
#define DOORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* An answer that nobody looks at lets everybody in, and a view that nobody closes stays. */
#if defined(__GNUC__)
#define DOORWARD_MUST_USE __attribute__((warn_unused_result))
#else
#define DOORWARD_MUST_USE
#endif
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define DOORWARD_VIEW __attribute__((warn_unused_result, malloc, malloc(doorward_close, 1)))
#else
#define DOORWARD_VIEW DOORWARD_MUST_USE
#endif
/* Enumerations have 4 bytes: C++ is told, C is checked (-fshort-enums does not compile). */
#ifdef __cplusplus
#define DOORWARD_ENUM : int32_t
#else
#define DOORWARD_ENUM
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. Version -------------------------------------------------------------------------------------------------- */

#define DOORWARD_VERSION_MAJOR 0
#define DOORWARD_VERSION_MINOR 1
#define DOORWARD_VERSION_PATCH 0
#define DOORWARD_VERSION_STRING "0.1.0"
/* One number that grows with every release: compare `doorward_version() >= 1000`. */
#define DOORWARD_VERSION (DOORWARD_VERSION_MAJOR * 1000000 + DOORWARD_VERSION_MINOR * 1000 + DOORWARD_VERSION_PATCH)

/* The version of the library that runs, as DOORWARD_VERSION counts.
 * [any-thread] [any-state] [no-block] */
uint32_t doorward_version(void);

/* The version of the library as text, such as "0.1.0". Lives for ever.
 * [any-thread] [any-state] [no-block] */
const char *doorward_version_string(void);

/* ---- 2. Status --------------------------------------------------------------------------------------------------- */

typedef enum doorward_status DOORWARD_ENUM {
    DOORWARD_OK = 0,              /* the thing asked for happened */
    DOORWARD_CONTINUE = 1,        /* something more must be answered: doorward_answer_flow says what */
    DOORWARD_REFUSED = 2,         /* it did not happen: unknown, wrong or disabled, all the same */
    DOORWARD_UNREGISTERED = 3,    /* verified, and nobody here has it: doorward_answer_claim */
    DOORWARD_THROTTLED = 4,       /* too many failures: doorward_answer_retry_after */
    DOORWARD_SIGNED_OUT = 5,      /* there is no session: doorward_answer_reason */
    DOORWARD_REQUEST_REFUSED = 6, /* the request is not trusted: doorward_answer_reason and _setting */
    DOORWARD_PENDING = 7,         /* the answer comes through the queue; or: the queue has nothing now */
    DOORWARD_ABSENT = 8,          /* decided: there is no such thing */
    DOORWARD_CLOSED = 9,          /* the queue is closed and drained */
    /* The one table of errors. Who must act: client (the person at the other end), caller (this program), operator
     * (whoever runs it), bug (please report it). */
    DOORWARD_E_INVALID_ARGUMENT = -1,         /* caller: missing, malformed, too long, not UTF-8 */
    DOORWARD_E_INVALID_STATE = -2,            /* caller: not started, stopped, closed */
    DOORWARD_E_ABI_MISMATCH = -3,             /* caller: a struct too small, or larger with unknown content */
    DOORWARD_E_INTERNAL = -4,                 /* bug */
    DOORWARD_E_CONFIGURATION = -5,            /* operator: unknown key, bad value; the message names both */
    DOORWARD_E_NOT_FOUND = -6,                /* caller */
    DOORWARD_E_CONFLICT = -7,                 /* client: taken, or changed by another; doorward_answer_what */
    DOORWARD_E_POLICY_VIOLATION = -8,         /* client: doorward_answer_violation lists all of them */
    DOORWARD_E_PROOF_REQUIRED = -9,           /* client: authenticate (again) */
    DOORWARD_E_UNAVAILABLE = -10,             /* operator, retry: database or provider does not answer */
    DOORWARD_E_OVERLOADED = -11,              /* operator, retry: back off */
    DOORWARD_E_TIMEOUT = -12,                 /* operator, retry: a write may still happen */
    DOORWARD_E_CANCELLED = -13,               /* caller: a write may still happen */
    DOORWARD_E_FORKED_CONTEXT = -14,          /* caller: doorward_before_fork was not called in the parent */
    DOORWARD_E_REENTRANT = -15,               /* caller: a blocking function was called from a callback */
    DOORWARD_E_PLUGIN_REFUSED = -16,          /* operator: pin, symbol, version or declaration */
    DOORWARD_E_PLUGIN_FAULT = -17,            /* bug of a plugin; nobody was let in */
    DOORWARD_E_UNSUPPORTED = -18,             /* caller: the provider's kind does not offer it */
    DOORWARD_E_STORE_SHARED_IN_PROCESS = -19, /* caller: another SQLite copy has the file open */
    DOORWARD_E_KEY_MISSING = -20,             /* operator: a key that the database names is absent */
    DOORWARD_E_DISAGREEMENT = -21,            /* operator: configuration and database differ; doorward_agree */
    DOORWARD_E_SCHEMA_MISMATCH = -22,         /* operator: doorward_migrate */
    DOORWARD_E_CORRUPT = -23,                 /* operator: stored bytes cannot be understood */
    DOORWARD_E_LAST_WAY_IN = -24,             /* client: the last way in cannot be removed */
    /* -25 to -30 are what other languages raise for outcomes; C has the positive numbers above instead. */
    DOORWARD_E_REFUSED = -25,
    DOORWARD_E_STEP_REQUIRED = -26,
    DOORWARD_E_THROTTLED = -27,
    DOORWARD_E_SIGNED_OUT = -28,
    DOORWARD_E_REQUEST_REFUSED = -29,
    DOORWARD_E_UNREGISTERED = -30
} doorward_status;
typedef char doorward_status_has_4_bytes[sizeof(doorward_status) == 4 ? 1 : -1];

/* The stable text of a status, such as "ok", "refused" or "unavailable"; "unknown" for other numbers. Lives for ever.
 * [any-thread] [any-state] [no-block] */
const char *doorward_status_id(doorward_status status);

/* Who must act on an error: "bug", "caller", "client" or "operator"; "" for what is no error. Lives for ever.
 * [any-thread] [any-state] [no-block] */
const char *doorward_status_actor(doorward_status status);

/* Whether the same call may succeed later without any change.
 * [any-thread] [any-state] [no-block] */
bool doorward_status_is_retryable(doorward_status status);

/* Whether the error's message may be shown to the person at the other end.
 * [any-thread] [any-state] [no-block] */
bool doorward_status_is_public(doorward_status status);

/* ---- 3. Basic types ---------------------------------------------------------------------------------------------- */

/* Bytes somebody else owns. As an operand {NULL, 0} means "none"; {"", 0} is an empty value. What the library gives is never
 * NULL, and has a NUL after it. Never grows. */
typedef struct doorward_bytes {
    const char *ptr;
    size_t len;
} doorward_bytes;

/* A named value: a credential, a challenge, a header line. Never grows. */
typedef struct doorward_pair {
    doorward_bytes name;
    doorward_bytes value;
} doorward_pair;

/* Named values that the library gives; {NULL, 0} where there are none. Never grows. */
typedef struct doorward_pairs {
    const doorward_pair *ptr;
    size_t len;
} doorward_pairs;

/* The id of a user, a sign-in, an authenticator or a message: a UUID. Not a secret. Never grows. */
typedef struct doorward_id {
    uint8_t bytes[16];
} doorward_id;

#define DOORWARD_ID_TEXT_SIZE 37     /* 36 characters and a NUL */
#define DOORWARD_NO_TIME INT64_MIN   /* "never", where a time may be absent */

/* The bytes of a C string, without its NUL; NULL gives {NULL, 0}. Programs write `#define S doorward_str`. */
static inline doorward_bytes doorward_str(const char *text)
{
    doorward_bytes bytes;
    bytes.ptr = text;
    bytes.len = text ? strlen(text) : 0;
    return bytes;
}

/* The bytes at a pointer. */
static inline doorward_bytes doorward_span(const void *ptr, size_t len)
{
    doorward_bytes bytes;
#ifdef __cplusplus
    bytes.ptr = static_cast<const char *>(ptr);
#else
    bytes.ptr = (const char *)ptr;
#endif
    bytes.len = len;
    return bytes;
}

/* Makes a new id (UUIDv7), for doorward_new_user.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_id_new(doorward_id *id);

/* Reads the text form: 36 characters with hyphens, in either case.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_id_parse(doorward_bytes text, doorward_id *id);

/* Writes the text form, lower case, and a NUL. NULL id: writes "".
 * [any-thread] [any-state] [no-block] */
void doorward_id_text(const doorward_id *id, char text[DOORWARD_ID_TEXT_SIZE]);

/* Whether both are there and the same.
 * [any-thread] [any-state] [no-block] */
bool doorward_id_equal(const doorward_id *a, const doorward_id *b);

typedef struct doorward_config doorward_config; /* settings, before doorward_open */
typedef struct doorward_auth doorward_auth;     /* the context, or a view of it */
typedef struct doorward_queue doorward_queue;   /* answers for an event loop */

/* Borrowed from an answer: they live until it is freed. */
typedef struct doorward_authenticator doorward_authenticator; /* a password, a TOTP device: that it is there */
typedef struct doorward_claim doorward_claim;                 /* what was verified and is nobody's yet */
typedef struct doorward_delivery doorward_delivery;           /* a message to send */
typedef struct doorward_device doorward_device;               /* a sign-in, as a list of devices shows it */
typedef struct doorward_factor doorward_factor;               /* something that was proved, and when */
typedef struct doorward_field doorward_field;                 /* one field of a form */
typedef struct doorward_flow doorward_flow;                   /* what must be answered next */
typedef struct doorward_identity doorward_identity;           /* a provider id of a user */
typedef struct doorward_method doorward_method;               /* one way to answer: provider, fields, challenge */
typedef struct doorward_proof doorward_proof;                 /* this user, these factors: for one session */
typedef struct doorward_session doorward_session;             /* a live session and its user */
typedef struct doorward_token_info doorward_token_info;       /* what a single-use token is good for */
typedef struct doorward_user doorward_user;                   /* an account */
typedef struct doorward_way doorward_way;                     /* a way into an account, as its owner is told of it */

/* ---- 4. Answers -------------------------------------------------------------------------------------------------- */

/* What an operation decided, or why nothing could be. Not a truth value. A copy is the same answer. Never grows. kind and
 * held are the library's. */
typedef struct doorward_answer {
    doorward_status status;
    uint32_t kind;
    const void *held;
} doorward_answer;

#define DOORWARD_ANSWER_INIT {DOORWARD_E_INVALID_STATE, 0, NULL}

/* Frees what is behind an answer, and makes it DOORWARD_ANSWER_INIT: twice is harmless, and what asks it then is
 * refused. NULL: nothing. It is what __attribute__((cleanup)) wants.
 * [any-thread] [any-state] [no-block] */
void doorward_answer_free(doorward_answer *answer);

/* Whether the thing asked for happened. */
static inline bool doorward_ok(doorward_answer answer)
{
    return answer.status == DOORWARD_OK && answer.held;
}

/* Frees an answer and puts the next in its place. What `next` was made of may be borrowed from the one before. */
static inline void doorward_then(doorward_answer *answer, doorward_answer next)
{
    doorward_answer_free(answer);
    *answer = next;
}

/* Accessors give NULL, no bytes, false or 0 for what an answer does not have, and for a NULL handle. Lists end with NULL. */

/* For an error what failed and on what: lower case, no secret in it. For another outcome than DOORWARD_OK the stable
 * text of its status. Ends with a NUL.
 * [any-thread] [any-state] [no-block] */
const char *doorward_answer_message(doorward_answer answer);

/* For DOORWARD_E_CONFLICT what is taken: identifier, id, attribute, version, referenced, handle, authenticator. For
 * DOORWARD_E_PROOF_REQUIRED what would be a proof, where it is not simply a fresh one: session. For
 * DOORWARD_E_INVALID_STATE what is missing: request. For DOORWARD_E_UNAVAILABLE why, where that has a name:
 * store_file_replaced (the SQLite file was moved or replaced while it was in use), database_missing (it was there
 * once), database_locked (somebody else held a lock for longer than store.deadline, on PostgreSQL than a quarter of
 * it), disk_full (of the database). Else empty.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_answer_what(doorward_answer answer);

/* One broken rule. Written by the library; struct_size first. */
typedef struct doorward_violation {
    uint32_t struct_size;
    uint32_t reserved;
    doorward_bytes rule;    /* stable id: too_short, too_long, not_text, hash_as_password, common, context */
    doorward_bytes field;   /* the credential field */
    doorward_bytes message; /* what to do, for people */
    uint64_t limit;         /* the limit in force in the rule's unit; 0: the rule has none */
} doorward_violation;

/* For DOORWARD_E_POLICY_VIOLATION the broken rule at this index; NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_violation *doorward_answer_violation(doorward_answer answer, size_t index);

/* The HTTP status that fits, of errors too: 200, 400, 401, 403, 404, 409, 422, 429, 500 or 503. For no answer: 500.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_answer_http_status(doorward_answer answer);

/* Response headers of this one answer, each to be sent as a line of its own and in this order, however it was decided:
 * for calls on no request. On a request send doorward_headers once, and of these only WWW-Authenticate and Retry-After,
 * which belong to the status. For DOORWARD_E_PROOF_REQUIRED there is the step-up challenge of RFC 9470
 * (insufficient_user_authentication): max_age says, in seconds, how young a proof has to be, acr_values which provider
 * names are asked for. Their values may be secrets: keep them nowhere.
 * [any-thread] [any-state] [no-block] */
doorward_pairs doorward_answer_headers(doorward_answer answer);

/* Values to show to the person once, and kept nowhere: recovery codes, an API key.
 * [any-thread] [any-state] [no-block] */
doorward_pairs doorward_answer_show_once(doorward_answer answer);

/* Why: for DOORWARD_SIGNED_OUT expired, invalid, no_token or the reason of the end; for DOORWARD_REQUEST_REFUSED the
 * rule.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_answer_reason(doorward_answer answer);

/* For DOORWARD_REQUEST_REFUSED the setting that would change it.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_answer_setting(doorward_answer answer);

/* For DOORWARD_THROTTLED how long to wait, in microseconds; else 0.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_answer_retry_after(doorward_answer answer);

/* How many things a list has, or doorward_count_users counted; 0 for everything else.
 * [any-thread] [any-state] [no-block] */
size_t doorward_answer_count(doorward_answer answer);

/* A text, of the operations that say so.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_answer_text(doorward_answer answer);

/* ---- 5. Configuration -------------------------------------------------------------------------------------------- */

/* An empty configuration. It needs at least `database` and one provider; every other setting has a default. What is
 * wrong in one is kept and told by doorward_open, the first mistake of all.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_config *doorward_config_new(void);

/* Takes TOML text (at most 1 MiB). Call it before doorward_config_set: it replaces an earlier text and what was set.
 * [any-thread] [any-state] [no-block] */
void doorward_config_load(doorward_config *config, doorward_bytes toml);

/* Sets one key by its dotted name, such as "session.grace" to "30s". The value is a TOML value, or bare text where the
 * key takes text. An unknown key is DOORWARD_E_CONFIGURATION naming the nearest.
 * [any-thread] [any-state] [no-block] */
void doorward_config_set(doorward_config *config, doorward_bytes key, doorward_bytes value);

#define DOORWARD_LOG_ERROR 1
#define DOORWARD_LOG_WARN 2
#define DOORWARD_LOG_INFO 3
#define DOORWARD_LOG_DEBUG 4
#define DOORWARD_LOG_TRACE 5

/* Called for each log line, on the thread where it was written, perhaps on several at once. It must not block, and a
 * [may-block] function called from it answers DOORWARD_E_REENTRANT. target and message end with a NUL and live until
 * it returns. Lines carry no secret. */
typedef void (*doorward_log_fn)(void *tag, int32_t level, const char *target, const char *message, size_t message_len);

/* Sends log lines up to this level (DOORWARD_LOG_...) to a callback, from doorward_open until doorward_close. With
 * several contexts in a process each callback gets the lines of all of them. `tag` comes with each line, and what it
 * points to must outlive the context. A NULL function: no log.
 * [any-thread] [any-state] [no-block] */
void doorward_config_on_log(doorward_config *config, int32_t level, doorward_log_fn function, void *tag);

/* One event: an authentication, refusal, refresh, reuse, end or change. No identifier, credential or token is in it.
 * Written by the library; struct_size first. Texts end with a NUL. */
typedef struct doorward_event {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t at;                 /* when */
    uint64_t count;             /* how many things were concerned, 1 for most */
    const doorward_id *user;    /* the user, or NULL */
    const doorward_id *sign_in; /* the sign-in, or NULL */
    doorward_bytes name;        /* stable text, such as authn_login_fail */
    doorward_bytes realm;
    doorward_bytes provider;    /* empty where none is concerned */
    doorward_bytes reason;      /* the precise reason: never for the client; empty where there is none */
    doorward_bytes address;     /* the client's, on a request; else empty */
    doorward_bytes origin;      /* of a request whose origin is not trusted: the one that came; else empty */
} doorward_event;

/* Called for each event, on the thread where it happens, perhaps on several at once. It must not block, and a
 * [may-block] function called from it answers DOORWARD_E_REENTRANT. The event lives until it returns. */
typedef void (*doorward_event_fn)(void *tag, const doorward_event *event);

/* Sends every event of the context to a callback. What `tag` points to must outlive the context. A NULL function: no
 * callback.
 * [any-thread] [any-state] [no-block] */
void doorward_config_on_event(doorward_config *config, doorward_event_fn function, void *tag);

/* How the attempt to send a message ended. 0 is none of them, and settles nothing. */
typedef enum doorward_settlement DOORWARD_ENUM {
    DOORWARD_DELIVERED = 1, /* it is on its way: removed */
    DOORWARD_RETRY = 2,     /* not now: handed out again after 10 s, doubling up to an hour, until it expires */
    DOORWARD_FAILED = 3     /* it cannot be sent, now or ever: removed, and the operator is told */
} doorward_settlement;

/* Called for each message to send, one at a time, on a thread of the library that lives from doorward_start to doorward_stop.
 * It may block, as long as two minutes (what takes longer may be handed out twice), and may call operations, but neither
 * doorward_stop nor doorward_close. What it returns settles the message; anything else than a settlement is
 * DOORWARD_RETRY. The delivery lives until it returns. */
typedef doorward_settlement (*doorward_delivery_fn)(void *tag, const doorward_delivery *delivery);

/* Gives every message of the outbox to a callback, in place of doorward_take_deliveries. What `tag` points to must
 * outlive the context. A NULL function: no callback.
 * [any-thread] [any-state] [no-block] */
void doorward_config_on_delivery(doorward_config *config, doorward_delivery_fn function, void *tag);

/* Frees a configuration. Contexts that were opened with it stay.
 * [any-thread] [any-state] [no-block] */
void doorward_config_free(doorward_config *config);

/* ---- 6. The context, its views ----------------------------------------------------------------------------------- */

/* Makes a cold context: reads the key ring and opens plugins; no threads, no sockets, so it is safe to fork afterwards.
 * *auth is the context, or NULL. The configuration is copied and may be freed or used again.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_open(const doorward_config *config, doorward_auth **auth);

/* Starts the context in this process: connections, threads, schema, agreement. Starting twice is fine.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_start(doorward_auth *auth);

/* Stops it: what is pending in queues is completed with DOORWARD_E_CANCELLED, queued writes are written, threads end.
 * It may be started again. Stopping what is not started is fine.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_stop(doorward_auth *auth);

/* Stops it for a fork: like doorward_stop, but parent and child start again by themselves at their next call. Between
 * this and fork() no other thread may call: its call would start the context again, and the child would be told
 * DOORWARD_E_FORKED_CONTEXT.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_before_fork(doorward_auth *auth);

/* Brings the database to this release's schema. doorward_start does it too, where `migrate` says so.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_migrate(doorward_auth *auth);

/* Makes the database agree with this configuration about one item, such as "provider/email", after a start that was
 * refused with DOORWARD_E_DISAGREEMENT.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_agree(doorward_auth *auth, doorward_bytes item);

/* Closes what doorward_open or a view function gave. The context is stopped, if it is started in this process, and its
 * views answer DOORWARD_E_INVALID_STATE from then on; closing a view stops nothing, and what is pending on it still
 * comes through its queue. Answers and queues may outlive both. Inside a callback of this context it is only put away,
 * until the process ends.
 * [one-thread] [any-state] [may-block] */
void doorward_close(doorward_auth *auth);

/* An HTTP request, as far as Doorward looks at it. Passing all headers is fine: those it does not read are dropped. */
typedef struct doorward_request {
    uint32_t struct_size;
    uint32_t flags;               /* 0 */
    doorward_bytes method;        /* as in the request line */
    doorward_bytes target;        /* path and query as in the request line, or {NULL, 0}; doorward_http_handle looks at it */
    doorward_bytes peer;          /* the connection's other end, "203.0.113.7" or "2001:db8::1"; {NULL, 0} or "unix:":
                                     none, the setting trusted_proxies calls that "unix" */
    const doorward_pair *headers; /* one pair for each header line, in their order */
    size_t n_headers;             /* at most 1024 */
    void *tag;                    /* comes back with each answer of this request that a queue brings */
} doorward_request;

#define DOORWARD_REQUEST_INIT \
    {sizeof(doorward_request), 0, {NULL, 0}, {NULL, 0}, {NULL, 0}, NULL, 0, NULL}

/* Making a view cannot fail: of something wrong it is a view that answers DOORWARD_E_INVALID_ARGUMENT to everything. NULL
 * only for a NULL auth. A view of a view has both. */

/* A view on a request, which is read once: its origin is checked, throttling knows the network, agent and address are
 * recorded, flows are bound to the browser, and doorward_headers has what to send back. It is copied as far as it is
 * read. Wrong are NULL, no method, and a peer that is no address.
 * [any-thread] [any-state] [no-block] */
DOORWARD_VIEW doorward_auth *doorward_on(const doorward_auth *auth, const doorward_request *request);

/* A view in another realm. Realms are not declared. Wrong is a name of more than 64 bytes or with control characters.
 * [any-thread] [any-state] [no-block] */
DOORWARD_VIEW doorward_auth *doorward_realm(const doorward_auth *auth, doorward_bytes name);

/* A view whose calls give up after so many microseconds with DOORWARD_E_TIMEOUT; 0: never. Wrong is less than 0.
 * [any-thread] [any-state] [no-block] */
DOORWARD_VIEW doorward_auth *doorward_within(const doorward_auth *auth, int64_t timeout);

/* A view whose calls do not wait: an answer that is not there at once is DOORWARD_PENDING, with nothing to free, and
 * comes through the queue, exactly once. Wrong is NULL.
 * [any-thread] [any-state] [no-block] */
DOORWARD_VIEW doorward_auth *doorward_through(const doorward_auth *auth, doorward_queue *queue);

/* A view for what no request causes: a command line, a job, an import. Where origins.trusted is configured, the
 * operations that a person's form causes (doorward_create_user, _create_user_from_claim, _begin_enrollment,
 * _authenticate, _continue_flow, _create_session, _request_token, _consume_token, _update_credentials_with_token and
 * _update_identifier_with_token) are DOORWARD_E_INVALID_STATE on what is neither on a request nor trusted: a forgotten
 * request is refused, not served. What is trusted and put on a request has its origin checked like any other.
 * [any-thread] [any-state] [no-block] */
DOORWARD_VIEW doorward_auth *doorward_trusted(const doorward_auth *auth);

/* The final cookies of everything that was decided on this view so far: one line a name, the newest decision's, and
 * Cache-Control with the first. Send them once, with the response: a sign-in or a sign-out is not overwritten by the
 * refresh before it. Retry-After and WWW-Authenticate go with the answer whose status is sent, and are not here. The
 * lines live until the view is closed. Their values may be secrets: keep them nowhere.
 * [any-thread] [any-state] [no-block] */
doorward_pairs doorward_headers(const doorward_auth *on);

/* Gives up what is pending on this view: each answer still comes, once, and is DOORWARD_E_CANCELLED unless it was just
 * decided; a write may still happen. Nothing pending: nothing.
 * [any-thread] [any-state] [no-block] */
void doorward_cancel(const doorward_auth *on);

/* ---- 7. Queue ---------------------------------------------------------------------------------------------------- */

/* For event loops: one queue for each loop, and a view through it (doorward_through). A call whose answer is there at once
 * gives it like any other call, and queues nothing. Otherwise it gives DOORWARD_PENDING, and then exactly one answer follows,
 * also when it is cancelled, times out, or the context stops. A queue belongs to the process that made it. It is closed, then
 * drained, then freed. */

/* Makes a queue. *queue is the queue, or NULL. Errors: UNAVAILABLE (no descriptor).
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_answer doorward_queue_new(doorward_queue **queue);

/* A descriptor for poll, epoll and their like: readable (level-triggered) while doorward_queue_next would give an
 * answer or DOORWARD_CLOSED. It belongs to the queue: neither read nor close it. NULL: -1.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_queue_fd(const doorward_queue *queue);

/* Takes the next answer. DOORWARD_OK: it is in *answer, the caller's from now on, and the tag of its request in *tag
 * (NULL: not wanted). DOORWARD_PENDING: there is none now. DOORWARD_CLOSED: the queue was closed, and there will be
 * none any more.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_queue_next(doorward_queue *queue, doorward_answer *answer, void **tag);

/* Takes no more operations and cancels those that are pending. Closing twice is fine.
 * [any-thread] [any-state] [no-block] */
doorward_status doorward_queue_close(doorward_queue *queue);

/* Frees a queue that doorward_queue_next has called DOORWARD_CLOSED; any other is left as it is, with
 * DOORWARD_E_INVALID_STATE: nothing is ever discarded.
 * [one-thread] [any-state] [no-block] */
doorward_status doorward_queue_free(doorward_queue *queue);

/* ---- 8. Users ---------------------------------------------------------------------------------------------------- */

/* Wherever credentials are taken: at most 64, each of at most 64 KiB. */

/* What a new user starts with. NULL where one is taken: the defaults. */
typedef struct doorward_new_user {
    uint32_t struct_size;
    uint32_t flags;            /* 0 */
    doorward_bytes attributes; /* a JSON object; {NULL, 0}: {} */
    const doorward_id *id;     /* from doorward_id_new, so that a row of the caller's can refer to it; or NULL */
} doorward_new_user;

#define DOORWARD_NEW_USER_INIT {sizeof(doorward_new_user), 0, {NULL, 0}, NULL}

/* Creates a user with a first provider id and its credentials. Gives a proof, or DOORWARD_CONTINUE where the provider
 * or the policy asks for more. A repeat with the same id and identifier is answered as doorward_authenticate would.
 * Errors: INVALID_ARGUMENT, POLICY_VIOLATION, CONFLICT (identifier, id, attribute, handle).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_create_user(const doorward_auth *auth, doorward_bytes provider,
                                                       doorward_bytes identifier, const doorward_pair *credentials,
                                                       size_t n_credentials, const doorward_new_user *with);

/* Creates a user with the provider id of a claim (doorward_claim_token): once. The identity belongs to that user then,
 * and whoever comes again signs in. What the claim's attributes say is not taken over: pass on what is wanted. Gives a
 * proof, DOORWARD_CONTINUE, or DOORWARD_REFUSED for a claim that is older than 10 minutes, of another browser, realm or
 * key ring, or of a link. Errors: INVALID_ARGUMENT, CONFLICT (identifier: it is spent; id, attribute).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_create_user_from_claim(const doorward_auth *auth, doorward_bytes claim,
                                                                  const doorward_new_user *with);

/* The user with this id: doorward_answer_user. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_get_user(const doorward_auth *auth, const doorward_id *user);

/* The user to whom an identifier belongs, or DOORWARD_ABSENT. For trusted code: it tells who exists.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_find_user(const doorward_auth *auth, doorward_bytes provider,
                                                     doorward_bytes identifier);

/* The user with this text as the value of an attribute that `attributes.unique` declares, or DOORWARD_ABSENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_find_user_by_attribute(const doorward_auth *auth, doorward_bytes name,
                                                                  doorward_bytes value);

/* What may be left open, mostly to the configuration. */
typedef enum doorward_choice DOORWARD_ENUM {
    DOORWARD_AS_CONFIGURED = 0,
    DOORWARD_YES = 1,
    DOORWARD_NO = 2
} doorward_choice;

/* Which users, and in which order. NULL where one is taken: all of the realm, the oldest first. */
typedef struct doorward_user_filter {
    uint32_t struct_size;
    uint32_t flags;          /* 0 */
    uint32_t enabled;        /* DOORWARD_YES: only those that are enabled, DOORWARD_NO: only those that are not; 0: both */
    uint32_t newest_first;   /* DOORWARD_YES: the newest first; 0 or DOORWARD_NO: the oldest */
    doorward_bytes provider; /* with begins: only those who have an identifier at this provider that begins so; both */
    doorward_bytes begins;   /* {NULL, 0}: whatever they have. Capitals are no matter for the rules email and username */
} doorward_user_filter;

#define DOORWARD_USER_FILTER_INIT {sizeof(doorward_user_filter), 0, DOORWARD_AS_CONFIGURED, DOORWARD_NO, {NULL, 0}, {NULL, 0}}

/* Users of the realm in order of creation: doorward_answer_user_at. `after` is the last user of the page before in the
 * filter's order, or NULL: from the beginning. limit is 1 to 1000; 0: 100. For trusted code: it tells who exists. Errors:
 * INVALID_ARGUMENT (also for a beginning that more than 1000 identifiers have: give more of it).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_list_users(const doorward_auth *auth, const doorward_id *after,
                                                      uint32_t limit, const doorward_user_filter *filter);

/* How many users of the realm the filter takes: doorward_answer_count, exactly up to 10,000, which says that there are as
 * many or more. Errors: INVALID_ARGUMENT as for doorward_list_users.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_count_users(const doorward_auth *auth, const doorward_user_filter *filter);

/* Applies a merge patch (RFC 7396) to a user's attributes, only if doorward_user_version is still `version`; 0:
 * whatever it is. Gives the user as it is now. Errors: NOT_FOUND, CONFLICT (version, attribute), INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_update_attributes(const doorward_auth *auth, const doorward_id *user,
                                                             doorward_bytes patch, int64_t version);

/* Disables a user and ends its sessions in the same transaction. doorward_answer_ended: how many. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_disable_user(const doorward_auth *auth, const doorward_id *user);

/* Enables a user again. Sessions from before stay ended. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_enable_user(const doorward_auth *auth, const doorward_id *user);

/* Deletes a user from every table, sessions included. doorward_answer_ended: how many were live. Errors: NOT_FOUND,
 * CONFLICT (referenced).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_delete_user(const doorward_auth *auth, const doorward_id *user);

/* Takes every second factor of a user away: everything at the names of `policy.second_factor`. All sessions end. For
 * somebody whose only second factor is lost; make sure who asks. `why` (1 to 200 bytes) is for the event.
 * doorward_answer_ended: how many went. Errors: NOT_FOUND, INVALID_ARGUMENT, INVALID_STATE (disabled).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_reset_factors(const doorward_auth *auth, const doorward_id *user,
                                                         doorward_bytes why);

/* Sets the credentials with which a user signs in at this name, whatever they were: for somebody who forgot them and
 * has no proved address. All sessions end; second factors stay. Errors: NOT_FOUND (or no identifier at this name),
 * UNSUPPORTED, POLICY_VIOLATION, INVALID_STATE (disabled).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_set_credentials(const doorward_auth *auth, const doorward_id *user,
                                                           doorward_bytes provider, const doorward_pair *credentials,
                                                           size_t n_credentials);

/* Gives a user an address that the operator has made sure of, as if a message had proved it. All sessions end. Errors:
 * NOT_FOUND, UNSUPPORTED (no `channel`), CONFLICT (identifier), POLICY_VIOLATION (address_on_both_sides), INVALID_STATE
 * (disabled).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_add_address(const doorward_auth *auth, const doorward_id *user,
                                                       doorward_bytes provider, doorward_bytes identifier);

/* The user, also a session's.
 * [any-thread] [any-state] [no-block] */
const doorward_user *doorward_answer_user(doorward_answer answer);

/* Of doorward_list_users, the user at this index; NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_user *doorward_answer_user_at(doorward_answer answer, size_t index);

/* Of doorward_update_credentials_with_token and doorward_update_identifier_with_token, the user.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_answer_user_id(doorward_answer answer);

/* How many sign-ins ended, of the operations that end some; of doorward_reset_factors how many factors went.
 * [any-thread] [any-state] [no-block] */
uint64_t doorward_answer_ended(doorward_answer answer);

/* The user's id.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_user_id(const doorward_user *user);

/* The realm.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_user_realm(const doorward_user *user);

/* The application's own data: a JSON object. Not for browsers: see doorward_user_public_attributes.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_user_attributes(const doorward_user *user);

/* The attributes that `attributes.public` declares, as a JSON object: what a browser may see.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_user_public_attributes(const doorward_auth *auth, const doorward_user *user);

/* Counts changes of the attributes, from 1.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_user_version(const doorward_user *user);

/* When the user was disabled, or DOORWARD_NO_TIME.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_user_disabled_at(const doorward_user *user);

/* When the user was made; DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_user_created_at(const doorward_user *user);

/* When it was last changed; DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_user_updated_at(const doorward_user *user);

/* ---- 9. Signing in ----------------------------------------------------------------------------------------------- */

/* Verifies credentials. identifier is what the person gave, or {NULL, 0} where the provider finds it or needs none.
 * Gives a proof, DOORWARD_CONTINUE, DOORWARD_REFUSED or DOORWARD_THROTTLED. On a request with a live session a
 * second-factor provider may be named: the proof is then for that session's user. A provider that verifies elsewhere
 * (an issuer, a directory, a mailbox) may accept somebody who is nobody here: DOORWARD_UNREGISTERED,
 * doorward_answer_claim.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_authenticate(const doorward_auth *auth, doorward_bytes provider,
                                                        doorward_bytes identifier, const doorward_pair *credentials,
                                                        size_t n_credentials);

/* Begins to enroll: a further authenticator (say, TOTP) of the proof's user (fresh; identifier {NULL, 0}), or, with
 * NULL for the proof, a new user whose provider asks before it takes credentials. Gives DOORWARD_CONTINUE with the
 * challenge, or a proof. Errors: CONFLICT (authenticator), POLICY_VIOLATION (address_unproved: a second factor beside
 * an address of the user that nobody has proved; prove it first: doorward_request_token, doorward_consume_token).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_begin_enrollment(const doorward_auth *auth, doorward_bytes provider,
                                                            doorward_bytes identifier, const doorward_proof *proof);

/* Answers a flow, named by its token. provider says which of the flow's methods is answered, {NULL, 0}: the only one. A
 * wrong answer costs one of five attempts and gives DOORWARD_REFUSED, with a new flow to try again with while attempts
 * are left. DOORWARD_OK says that the flow is at its end, not that somebody may come in: doorward_proof_purpose says
 * what the proof is for. In place of a flow's token, and with no credentials, it takes that of the link that came with
 * a mailed code (purpose "sign_in_link"): it is the right code, in this browser, wherever the code was asked for. It is
 * good once, and the code is void with it. Errors: INVALID_STATE (a link on a request that only reads, which spends
 * nothing: let the person press a button), INVALID_ARGUMENT (credentials beside a link).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_continue_flow(const doorward_auth *auth, doorward_bytes flow,
                                                         doorward_bytes provider, const doorward_pair *credentials,
                                                         size_t n_credentials);

/* What can be used: doorward_answer_method. Of this user what proves a factor; NULL: what can start a sign-in.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_list_methods(const doorward_auth *auth, const doorward_id *user);

/* Of doorward_list_methods.
 * [any-thread] [any-state] [no-block] */
const doorward_method *doorward_answer_method(doorward_answer answer, size_t index);

/* ---- 10. Flows --------------------------------------------------------------------------------------------------- */

/* The flow: with DOORWARD_CONTINUE always, with DOORWARD_REFUSED and DOORWARD_THROTTLED if the step may be tried again.
 * [any-thread] [any-state] [no-block] */
const doorward_flow *doorward_answer_flow(doorward_answer answer);

/* The token to answer with: to the same person only, in a form or a response body.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_flow_token(const doorward_flow *flow);

/* What it is for: "enroll", "link", "sign_in", "sign_up" or "step_up".
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_flow_purpose(const doorward_flow *flow);

/* The provider it was begun with, or whose step is open; empty where there is none.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_flow_provider(const doorward_flow *flow);

/* Whose it is, where that was proved or is being claimed; else NULL. For the program, never for the client.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_flow_user_id(const doorward_flow *flow);

/* When the flow is worth nothing any more.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_flow_expires_at(const doorward_flow *flow);

/* The method at this index, NULL beyond the last: one of them is to be answered.
 * [any-thread] [any-state] [no-block] */
const doorward_method *doorward_flow_next(const doorward_flow *flow, size_t index);

/* The provider name to answer with.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_method_provider(const doorward_method *method);

/* What the answer does: "verify" proves a factor, "enroll" adds an authenticator, "step" goes on with the challenge.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_method_action(const doorward_method *method);

/* The class of the factor it proves: "knowledge", "possession", "inherence"; empty for none.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_method_factor_class(const doorward_method *method);

/* The field to ask for at this index, NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_field *doorward_method_field(const doorward_method *method, size_t index);

/* What the person must see: named values from the provider. Perhaps secret (a new TOTP key).
 * [any-thread] [any-state] [no-block] */
doorward_pairs doorward_method_challenge(const doorward_method *method);

/* The field's name among the credentials.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_field_name(const doorward_field *field);

/* The HTML autocomplete token, such as "one-time-code"; may be empty.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_field_autocomplete(const doorward_field *field);

/* Largest length in bytes.
 * [any-thread] [any-state] [no-block] */
size_t doorward_field_max_len(const doorward_field *field);

/* Whether it must not be shown.
 * [any-thread] [any-state] [no-block] */
bool doorward_field_is_secret(const doorward_field *field);

/* Whether it may be left out.
 * [any-thread] [any-state] [no-block] */
bool doorward_field_is_optional(const doorward_field *field);

/* ---- 11. Proofs and factors -------------------------------------------------------------------------------------- */

/* The proof.
 * [any-thread] [any-state] [no-block] */
const doorward_proof *doorward_answer_proof(doorward_answer answer);

/* Whose proof it is.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_proof_user_id(const doorward_proof *proof);

/* What it is for: "sign_in" makes one session, "step_up" the successor of the session it was made in, "session" none:
 * it came from a session (doorward_session_proof, an enrollment), and is for sensitive operations.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_proof_purpose(const doorward_proof *proof);

/* The factor at this index, NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_factor *doorward_proof_factor(const doorward_proof *proof, size_t index);

/* The provider name a factor was proved through.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_factor_provider(const doorward_factor *factor);

/* "knowledge", "possession" or "inherence".
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_factor_class(const doorward_factor *factor);

/* The channel, such as "app"; may be empty.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_factor_channel(const doorward_factor *factor);

/* When it was proved.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_factor_at(const doorward_factor *factor);

/* Whether it was two factors in one, such as a passkey that verified its user. It counts as two at names of
 * `policy.second_factor` only.
 * [any-thread] [any-state] [no-block] */
bool doorward_factor_is_two_in_one(const doorward_factor *factor);

/* ---- 12. Claims -------------------------------------------------------------------------------------------------- */

/* What a claim says, for the page that asks whether to sign up: doorward_answer_claim. Spends nothing. DOORWARD_REFUSED
 * for a claim that is older than 10 minutes, of another browser, realm or key ring.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_peek_claim(const doorward_auth *auth, doorward_bytes claim);

/* What was verified and is nobody's: with DOORWARD_UNREGISTERED, and what doorward_peek_claim gave; else NULL.
 * [any-thread] [any-state] [no-block] */
const doorward_claim *doorward_answer_claim(doorward_answer answer);

/* The text of a claim: to the same person only, to create a user from or to link.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_claim_token(const doorward_claim *claim);

/* The provider name that verified it.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_claim_provider(const doorward_claim *claim);

/* The identifier as it was given or found, for showing.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_claim_identifier(const doorward_claim *claim);

/* What the provider asserts about the person, as a JSON object: its word, not a proof.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_claim_attributes(const doorward_claim *claim);

/* When the claim is worth nothing any more; DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_claim_expires_at(const doorward_claim *claim);

/* ---- 13. Sessions ------------------------------------------------------------------------------------------------ */

/* What a new session starts with. NULL where one is taken: the defaults. */
typedef struct doorward_new_session {
    uint32_t struct_size;
    uint32_t flags;             /* 0 */
    doorward_bytes attributes;  /* a JSON object; {NULL, 0}: {}, or for a step-up those of the session before */
    int64_t access_ttl;         /* microseconds, at most the configured; 0: as configured */
    int64_t idle_ttl;
    int64_t absolute_ttl;
    doorward_choice persistent; /* whether cookies outlive the browser */
    uint32_t reserved;          /* 0 */
} doorward_new_session;

#define DOORWARD_NEW_SESSION_INIT \
    {sizeof(doorward_new_session), 0, {NULL, 0}, 0, 0, 0, DOORWARD_AS_CONFIGURED, 0}

/* Makes the one session of a proof: doorward_answer_session has both tokens, doorward_answer_headers the cookies. On a
 * request with a live sign-in of the same user it is a step-up; another user's ends. DOORWARD_REFUSED when the user was
 * changed or disabled since, or is at the cap. Errors: PROOF_REQUIRED.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_create_session(const doorward_auth *auth, const doorward_proof *proof,
                                                          const doorward_new_session *with);

/* A factor that trusted code vouches for. Never grows. */
typedef struct doorward_asserted_factor {
    doorward_bytes provider;
    doorward_bytes factor_class; /* "knowledge", "possession" or "inherence" */
    doorward_bytes channel;      /* may be empty */
    int64_t at;                  /* when it was proved */
    uint32_t two_in_one;         /* 1: a passkey that verified its user, an issuer's own second factor; else 0 */
    uint32_t reserved;           /* 0 */
} doorward_asserted_factor;

/* Makes a session without credentials: for trusted code, always evented. It satisfies no policy, and is refused for a
 * user with a second factor unless factors are asserted, at most 16.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_create_session_for_user(const doorward_auth *auth, const doorward_id *user,
                                                                   const doorward_asserted_factor *factors,
                                                                   size_t n_factors, const doorward_new_session *with);

/* Says whose session an access token is: doorward_answer_session, doorward_answer_user. Otherwise DOORWARD_SIGNED_OUT
 * with the reason "expired_refreshable" (refresh it) or "invalid". An unavailable database is an error, never a
 * sign-out.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_validate_session(const doorward_auth *auth, doorward_bytes access_token);

/* Exchanges a refresh token for the next session, or gives the current one while it is settling. Retries, racing tabs
 * and lost replies all get the very same tokens.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_refresh_session(const doorward_auth *auth, doorward_bytes refresh_token);

/* Says who the request comes from, by its bearer token or its cookies: on a view of doorward_on. Gives a session
 * (doorward_answer_session), or the user of an accepted key (doorward_answer_user, no session); else
 * DOORWARD_SIGNED_OUT or DOORWARD_REQUEST_REFUSED. Never refreshes, so it is safe everywhere.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_check_request(const doorward_auth *auth);

/* Says who the request comes from, as doorward_check_request does, and refreshes an expired access token: send
 * doorward_headers. Only where the response is yours to send: elsewhere the browser keeps a refresh token that is used
 * up, and its next refresh ends the sign-in (token_reuse). A renderer behind another server, or a component that cannot
 * set cookies, calls doorward_check_request instead, and lets the browser refresh at "expired_refreshable". Cookies of
 * a sign-in that ended by time, by sign-out or by an operator are cleared.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_resume_request(const doorward_auth *auth);

/* The HTTP surface (docs/http.md): every request below the setting http.prefix (/auth), answered by the library. Whether a
 * request is the surface's, by its method and its path and query as in the request line: how many bytes of body to read
 * for it at most; -1: it is not, answer it yourself. Looks at nothing else.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_http_wants(const doorward_auth *auth, doorward_bytes method, doorward_bytes target);

/* Answers a request of the surface, on a view that is on a request with its target. body: all of it, {NULL, 0}: none.
 * DOORWARD_OK: send doorward_answer_http_status, each line of doorward_headers, and doorward_answer_body, whatever the
 * status is: 503 is a response, too. DOORWARD_ABSENT: the path is not the surface's. Errors: DOORWARD_E_INVALID_STATE
 * without a request or its target.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_http_handle(const doorward_auth *auth, doorward_bytes body);

/* Of doorward_http_handle, the body to send; it may be empty.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_answer_body(doorward_answer answer);

/* What the last form of this browser, or an issuer, led to: for the page that it was sent to. A JSON object with "step" or
 * "problem" (docs/http.md, Page) in doorward_answer_text; DOORWARD_ABSENT: nothing. It is there once: send
 * doorward_headers with the page. Errors: DOORWARD_E_INVALID_STATE without a request.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_http_page(const doorward_auth *auth);

/* Signs out by either token, even expired, or, with {NULL, 0}, by the request's bearer token or cookies.
 * doorward_answer_ended: how many sign-ins ended, 0 where they had before. The headers clear the cookies, unless a
 * bearer token was meant. With neither token nor request: DOORWARD_E_INVALID_STATE.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_end_session(const doorward_auth *auth, doorward_bytes token);

/* Ends one sign-in of a user, wherever it is. An id without its owner is never enough. doorward_answer_ended: 0 or 1.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_end_sign_in(const doorward_auth *auth, const doorward_id *user,
                                                       const doorward_id *sign_in);

/* Ends every sign-in of the proof's user but the one that the proof was taken from (doorward_session_proof).
 * doorward_answer_ended says how many.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_end_other_sessions(const doorward_auth *auth, const doorward_proof *proof);

/* Ends every sign-in of a user, and all that was under way: flows, single-use tokens, proofs, and the cookies by which
 * throttling knows the user's browsers. doorward_answer_ended says how many sign-ins.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_end_all_sessions(const doorward_auth *auth, const doorward_id *user);

/* DOORWARD_OK while this sign-in of this user is live, else DOORWARD_SIGNED_OUT: for connections that outlast a
 * request. An error is no reason to close one.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_session_alive(const doorward_auth *auth, const doorward_id *user,
                                                         const doorward_id *sign_in);

/* A proof from a session that this context gave, for sensitive operations: fresh as far as its factors are. It makes no
 * session.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_session_proof(const doorward_auth *auth, const doorward_session *session);

/* Applies a merge patch (RFC 7396) to a live session's attributes: doorward_answer_text has the new ones. Errors:
 * NOT_FOUND, CONFLICT (version), INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_update_session_attributes(const doorward_auth *auth,
                                                                     const doorward_session *session,
                                                                     doorward_bytes patch);

/* The session.
 * [any-thread] [any-state] [no-block] */
const doorward_session *doorward_answer_session(doorward_answer answer);

/* Of a request with an accepted key, the provider that accepted it; else empty.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_answer_provider(doorward_answer answer);

/* Of a request with an accepted key, one thing that it is good for, in the program's own words; else empty. None: the
 * provider says nothing about it.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_answer_scope(doorward_answer answer, size_t index);

/* How many scopes there are.
 * [any-thread] [any-state] [no-block] */
size_t doorward_answer_scope_count(doorward_answer answer);

/* The sign-in's id: what a list of devices names. Not a secret.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_session_id(const doorward_session *session);

/* The user.
 * [any-thread] [any-state] [no-block] */
const doorward_user *doorward_session_user(const doorward_session *session);

/* The access token, if this call issued it; else empty. A secret.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_session_access_token(const doorward_session *session);

/* The refresh token, if this call issued it; else empty. A secret.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_session_refresh_token(const doorward_session *session);

/* When the access token stops being accepted.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_access_expires_at(const doorward_session *session);

/* When the sign-in ends for want of use.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_idle_expires_at(const doorward_session *session);

/* When the sign-in ends in any case.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_absolute_expires_at(const doorward_session *session);

/* When the person last authenticated in it.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_authenticated_at(const doorward_session *session);

/* When the sign-in was made.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_created_at(const doorward_session *session);

/* When it was last used, coarse.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_last_seen_at(const doorward_session *session);

/* Whether its cookies outlive the browser.
 * [any-thread] [any-state] [no-block] */
bool doorward_session_is_persistent(const doorward_session *session);

/* The application's own data: a JSON object.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_session_attributes(const doorward_session *session);

/* Counts changes of the attributes, from 1.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_version(const doorward_session *session);

/* User agent at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_session_agent(const doorward_session *session);

/* Client address at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_session_address(const doorward_session *session);

/* The factor at this index that was proved in it, NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_factor *doorward_session_factor(const doorward_session *session, size_t index);

/* ---- 14. Devices ------------------------------------------------------------------------------------------------- */

/* The devices on which a user is signed in, newest first: doorward_answer_device.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_list_sessions(const doorward_auth *auth, const doorward_id *user);

/* Of doorward_list_sessions.
 * [any-thread] [any-state] [no-block] */
const doorward_device *doorward_answer_device(doorward_answer answer, size_t index);

/* The sign-in, for doorward_end_sign_in.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_device_id(const doorward_device *device);

/* User agent at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_device_agent(const doorward_device *device);

/* Client address at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_device_address(const doorward_device *device);

/* When it was made.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_device_created_at(const doorward_device *device);

/* When it was last used, coarse.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_device_last_seen_at(const doorward_device *device);

/* The application's own data: a JSON object.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_device_attributes(const doorward_device *device);

/* The factor at this index that was proved in it, NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_factor *doorward_device_factor(const doorward_device *device, size_t index);

/* ---- 15. Identities ---------------------------------------------------------------------------------------------- */

/* What a user owns takes a fresh proof. Each change gives a proof under the user's new epoch (except
 * doorward_rename_authenticator); other sessions end. The factors of the proof that are younger than
 * `policy.step_up_max_age` must be enough for a session; else DOORWARD_E_PROOF_REQUIRED. */

/* Replaces one identifier by another of the same provider. Whose a new address is (provider.NAME.channel), a message
 * asks: doorward_update_identifier_with_token makes the change, and before that nothing has changed. Taken or free, the
 * answer is the same; the owner of a taken one gets the message "address_in_use". On a view of doorward_trusted it is
 * changed at once, unproved. What is no address is changed at once, and what is taken is told, ten times and then once
 * in five minutes for each user (throttle.change). DOORWARD_THROTTLED beyond. Errors: NOT_FOUND, CONFLICT (identifier:
 * as above).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_update_identifier(const doorward_auth *auth, const doorward_proof *proof,
                                                             doorward_bytes provider, doorward_bytes old_identifier,
                                                             doorward_bytes new_identifier);

/* Binds another provider id. Credentials are enrolled where the provider's group has none yet; else there need be none.
 * Whose an address is (provider.NAME.channel), a message asks, with a token "verify": doorward_consume_token on a
 * session or with a proof of this user binds it, and before that nothing has changed but the credentials. The rest as
 * for doorward_update_identifier: the same answer taken or free, at once on a view of doorward_trusted, at once what is
 * no address. Errors: CONFLICT (identifier: as there), POLICY_VIOLATION (address_on_both_sides; at a second name
 * address_unproved; what the credentials break).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_link_identity(const doorward_auth *auth, const doorward_proof *proof,
                                                         doorward_bytes provider, doorward_bytes identifier,
                                                         const doorward_pair *credentials, size_t n_credentials);

/* Begins to prove a provider id that the proof's user wants to have, with a provider that verifies elsewhere: an
 * issuer, a directory, a mailbox. identifier is {NULL, 0} where the provider finds it. Gives DOORWARD_CONTINUE, or at
 * once DOORWARD_UNREGISTERED: a claim that only this user can take, with doorward_link_claim. Errors: CONFLICT
 * (identifier: it was proved, and somebody has it), UNSUPPORTED (a provider that keeps records), POLICY_VIOLATION
 * (address_unproved, at a second name).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_begin_link(const doorward_auth *auth, const doorward_proof *proof,
                                                      doorward_bytes provider, doorward_bytes identifier,
                                                      const doorward_pair *credentials, size_t n_credentials);

/* Binds the provider id of a claim to the proof's user: the claim proves one side, the proof the other. Nothing is ever
 * linked because two addresses are equal. DOORWARD_REFUSED for a claim that is too old, of another browser, realm or
 * key ring, or begun by another user. Errors: CONFLICT (identifier), POLICY_VIOLATION (address_on_both_sides,
 * address_unproved).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_link_claim(const doorward_auth *auth, const doorward_proof *proof,
                                                      doorward_bytes claim);

/* Takes a provider id away. Errors: NOT_FOUND, LAST_WAY_IN.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_unlink_identity(const doorward_auth *auth, const doorward_proof *proof,
                                                           doorward_bytes provider, doorward_bytes identifier);

/* The provider ids of a user: doorward_answer_identity. No proof is needed. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_list_identities(const doorward_auth *auth, const doorward_id *user);

/* Of doorward_list_identities.
 * [any-thread] [any-state] [no-block] */
const doorward_identity *doorward_answer_identity(doorward_answer answer, size_t index);

/* The provider name.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_identity_provider(const doorward_identity *identity);

/* The identifier as it was given: any bytes.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_identity_identifier(const doorward_identity *identity);

/* When its owner proved it, or DOORWARD_NO_TIME: unverified.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_identity_verified_at(const doorward_identity *identity);

/* When it was bound.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_identity_created_at(const doorward_identity *identity);

/* ---- 16. Authenticators ------------------------------------------------------------------------------------------ */

/* Replaces the credentials that a provider verifies, or adds the first ones. The field "current" beside the new ones is
 * the current password: demanded (PROOF_REQUIRED) where the proof has not proved it of late, and always by
 * `policy.current_password = "always"`; a wrong one is DOORWARD_REFUSED. Errors: POLICY_VIOLATION, CONFLICT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_update_credentials(const doorward_auth *auth, const doorward_proof *proof,
                                                              doorward_bytes provider, const doorward_pair *credentials,
                                                              size_t n_credentials);

/* The authenticators of a user, each with what its kind shows of it: doorward_answer_authenticator. No proof is needed.
 * A kind that cannot describe one, or takes longer than a second, takes nothing from the list. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_list_authenticators(const doorward_auth *auth, const doorward_id *user);

/* Gives an authenticator another label, at most 100 bytes. No session ends. Errors: NOT_FOUND, INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_rename_authenticator(const doorward_auth *auth, const doorward_proof *proof,
                                                                doorward_bytes provider,
                                                                const doorward_id *authenticator, doorward_bytes label);

/* Removes an authenticator. Errors: NOT_FOUND, LAST_WAY_IN.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_remove_authenticator(const doorward_auth *auth, const doorward_proof *proof,
                                                                doorward_bytes provider,
                                                                const doorward_id *authenticator);

/* Of doorward_list_authenticators.
 * [any-thread] [any-state] [no-block] */
const doorward_authenticator *doorward_answer_authenticator(doorward_answer answer, size_t index);

/* The authenticator's id.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_authenticator_id(const doorward_authenticator *authenticator);

/* The credentials group it belongs to.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_authenticator_group(const doorward_authenticator *authenticator);

/* The kind that wrote it.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_authenticator_kind(const doorward_authenticator *authenticator);

/* What its owner calls it; may be "".
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_authenticator_label(const doorward_authenticator *authenticator);

/* What its kind shows of it, a JSON object of at most 8192 bytes, such as {"left":3,"total":10} of recovery codes; "{}":
 * nothing. No secret is in it.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_authenticator_description(const doorward_authenticator *authenticator);

/* When it was added.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_authenticator_created_at(const doorward_authenticator *authenticator);

/* When it was last used, coarse, or DOORWARD_NO_TIME.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_authenticator_last_used_at(const doorward_authenticator *authenticator);

/* ---- 17. Ways in ------------------------------------------------------------------------------------------------- */

/* What recovery, or the click that makes an address its reader's, took from the account: 0 and up; NULL beyond the
 * last. Show them: what nobody proved may have been somebody else's.
 * [any-thread] [any-state] [no-block] */
const doorward_way *doorward_answer_took(doorward_answer answer, size_t index);

/* What it left: each still opens the account, or protects it. Show them.
 * [any-thread] [any-state] [no-block] */
const doorward_way *doorward_answer_kept(doorward_answer answer, size_t index);

/* With the first second factor of a user (an enrollment, a link): what else opens the account, identities, passkeys and
 * keys, the password left out. Show them. NULL beyond the last, and for every other answer.
 * [any-thread] [any-state] [no-block] */
const doorward_way *doorward_answer_others(doorward_answer answer, size_t index);

/* The provider name; where several names share an authenticator, the first of them.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_way_provider(const doorward_way *way);

/* For people: the identifier as it was given, or the label of an authenticator. May be "". Not for logs.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_way_name(const doorward_way *way);

/* Whether it is an identity; else it is an authenticator.
 * [any-thread] [any-state] [no-block] */
bool doorward_way_is_identity(const doorward_way *way);

/* When it was added.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_way_created_at(const doorward_way *way);

/* When it was last used, coarse, or DOORWARD_NO_TIME.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_way_last_used_at(const doorward_way *way);

/* Of an identity, when its owner proved it, or DOORWARD_NO_TIME: unverified.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_way_verified_at(const doorward_way *way);

/* ---- 18. Tokens -------------------------------------------------------------------------------------------------- */

/* Has a single-use token sent to an address, through the outbox (doorward_take_deliveries). purpose is "recovery",
 * "verify" or "change_identifier". DOORWARD_OK says that it was asked for, not that the address exists: answer the
 * person with "if we know this address, a message is on its way". The message goes to the address as its owner once
 * gave it; for "change_identifier" to the new one, identifier, and that needs a fresh proof, of the user whose address
 * it is or will be. The proof may be NULL for the rest. Recovery needs none; once it is shown whose an account is, only
 * verified addresses recover anything, and never a second factor's. Else DOORWARD_THROTTLED. Errors: INVALID_ARGUMENT,
 * UNSUPPORTED (the provider has no `channel`), PROOF_REQUIRED, POLICY_VIOLATION.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_request_token(const doorward_auth *auth, doorward_bytes purpose,
                                                         doorward_bytes provider, doorward_bytes identifier,
                                                         const doorward_proof *proof);

/* What a token is good for, without consuming it, for the page that its link leads to: doorward_answer_token_info. Else
 * DOORWARD_REFUSED, whatever the reason.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_peek_token(const doorward_auth *auth, doorward_bytes token);

/* Consumes a token of the purpose "verify": its address is verified from now on; doorward_answer_token_info. Call it on
 * a POST: scanners of mail follow links. It takes a live session of that user of the request that auth is on, or a
 * proof of that user, which is NULL else: a click alone never makes an address part of somebody's account. Without
 * either: PROOF_REQUIRED, and the token stays good; with `first_proof = "hand_over"` an account whose owner nobody has
 * shown changes owners, and doorward_answer_show_once has a "recovery_token". Else DOORWARD_REFUSED; tokens of other
 * purposes stay good.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_consume_token(const doorward_auth *auth, doorward_bytes token,
                                                         const doorward_proof *proof);

/* Replaces the credentials that a provider verifies, with a token of the purpose "recovery". Every session of the user
 * ends, and what nobody proved goes; second factors and other proved addresses stay. Gives the user,
 * doorward_answer_user_id, and no proof: the person signs in next, with the second factor that the policy asks for.
 * Else DOORWARD_REFUSED. Errors leave the token good: POLICY_VIOLATION, CONFLICT, UNSUPPORTED (a second factor, a
 * passkey), INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_update_credentials_with_token(const doorward_auth *auth,
    doorward_bytes token, doorward_bytes provider, const doorward_pair *credentials, size_t n_credentials);

/* Replaces one identifier of a user by the address that a token of the purpose "change_identifier" was sent to, which
 * is verified by that; new_identifier must be that address. Every session of the user ends. Gives the user,
 * doorward_answer_user_id, and no proof; else DOORWARD_REFUSED. Errors: CONFLICT (identifier: somebody else's by now),
 * NOT_FOUND (the user has no such old one).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_update_identifier_with_token(const doorward_auth *auth, doorward_bytes token,
    doorward_bytes old_identifier, doorward_bytes new_identifier);

/* Of doorward_peek_token and doorward_consume_token.
 * [any-thread] [any-state] [no-block] */
const doorward_token_info *doorward_answer_token_info(doorward_answer answer);

/* What it is good for: "recovery", "verify", "change_identifier", or "sign_in_link" (doorward_continue_flow).
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_token_info_purpose(const doorward_token_info *info);

/* The provider name of the address.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_token_info_provider(const doorward_token_info *info);

/* The address that it is bound to, canonical: any bytes.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_token_info_identifier(const doorward_token_info *info);

/* The user it concerns. For the program, not for the browser.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_token_info_user_id(const doorward_token_info *info);

/* When it is worth nothing any more. DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_token_info_expires_at(const doorward_token_info *info);

/* ---- 19. Deliveries ---------------------------------------------------------------------------------------------- */

/* The outbox: messages to people, for the program to send. */

/* Takes messages to send, of all realms, the longest due first: doorward_answer_delivery. limit is 1 to 1000, 0: 100.
 * Nobody else is given them during the lease, in microseconds, 1 s to 1 h, longer than sending all of them takes; 0: 1
 * min. Settle each: what is not settled is handed out again after that, so a message is sent at least once. Errors:
 * INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_take_deliveries(const doorward_auth *auth, uint32_t limit, int64_t lease);

/* Says how an attempt to send a message ended: doorward_delivery_id and _attempts, so that another process may.
 * DOORWARD_ABSENT, and nothing happens: the lease is over and the message was handed out again, or it is gone. Errors:
 * INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_settle_delivery(const doorward_auth *auth, const doorward_id *delivery,
                                                           uint32_t attempt, doorward_settlement how);

/* Of doorward_take_deliveries.
 * [any-thread] [any-state] [no-block] */
const doorward_delivery *doorward_answer_delivery(doorward_answer answer, size_t index);

/* The message, the same at every attempt: a mail system that knows ids sends it once.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_delivery_id(const doorward_delivery *delivery);

/* How it is sent: "email", or what the configuration or a kind says.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_delivery_channel(const doorward_delivery *delivery);

/* Where to: the address as its owner gave it. Not for logs.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_delivery_address(const doorward_delivery *delivery);

/* Which message: "recovery", "verify", "change_identifier", "address_in_use", "credentials_changed", or one of a kind's
 * own.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_delivery_template(const doorward_delivery *delivery);

/* What the message says, a token or a code among it: secrets.
 * [any-thread] [any-state] [no-block] */
doorward_pairs doorward_delivery_params(const doorward_delivery *delivery);

/* The realm.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_delivery_realm(const doorward_delivery *delivery);

/* The provider name.
 * [any-thread] [any-state] [no-block] */
doorward_bytes doorward_delivery_provider(const doorward_delivery *delivery);

/* The user, where it is somebody's already; else NULL.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_delivery_user_id(const doorward_delivery *delivery);

/* Which attempt this is, from 1; 0 for NULL.
 * [any-thread] [any-state] [no-block] */
uint32_t doorward_delivery_attempts(const doorward_delivery *delivery);

/* When it is worth nothing any more: not sent after that. DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_delivery_expires_at(const doorward_delivery *delivery);

/* ---- 20. Upkeep -------------------------------------------------------------------------------------------------- */

/* Asks the database and every provider whether they can answer.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_health(const doorward_auth *auth);

/* Counts rows: doorward_answer_stats. On PostgreSQL exact up to 10,000 of a sort, an estimate beyond:
 * doorward_row_counts.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_stats(const doorward_auth *auth);

/* What a monitoring system reads, as Prometheus takes it (text format 0.0.4): doorward_answer_text. Events by name, how long
 * operations and the store take, what waits, hashes, connections: of this process since it started the context, of all
 * realms. It asks no database, and names nobody.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_metrics(const doorward_auth *auth);

/* Removes what has expired, or ended a week ago, in slices of about 20 ms between which others write, for about a
 * second: doorward_answer_purged. Call it now and then, and again where more is left.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_answer doorward_purge_expired(const doorward_auth *auth);

/* Counts of rows. Written by the library; struct_size first. Of doorward_stats on PostgreSQL: exact up to 10,000 of a sort;
 * beyond, the server's own estimate (pg_class.reltuples, as of the last vacuum), which counts sign-ins that have expired and
 * were not purged yet, too. */
typedef struct doorward_row_counts {
    uint32_t struct_size;
    uint32_t more;      /* of a purge only: 1 where more is left, so call it again */
    uint64_t users;
    uint64_t sign_ins;  /* live; of a purge: ended or expired ones that are gone */
    uint64_t flows;     /* open; of a purge: expired ones that are gone */
    uint64_t throttles; /* of a purge only */
    uint64_t others;    /* of a purge only */
} doorward_row_counts;

/* Of doorward_stats.
 * [any-thread] [any-state] [no-block] */
const doorward_row_counts *doorward_answer_stats(doorward_answer answer);

/* Of doorward_purge_expired.
 * [any-thread] [any-state] [no-block] */
const doorward_row_counts *doorward_answer_purged(doorward_answer answer);

#ifdef __cplusplus
}
#endif

#endif /* DOORWARD_H */
