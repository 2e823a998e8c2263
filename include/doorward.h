/*
 * doorward.h - users, provider ids and sessions for C programs.      SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Doorward is a library, not a service: the program brings its HTTP server and a place for the database, Doorward
 * brings everything between the request and the user. This header is the whole interface; doorward.hpp wraps it for
 * C++17. A first sign-up and sign-in, whole (examples/first_login/c):
 *
 *     doorward_config_new(&config, &error);
 *     doorward_config_load(config, doorward_str("database = 'sqlite:doorward.db'\n"
 *                                               "[provider.email]\nkind = 'password'\n"), &error);
 *     doorward_open(config, &ctx, &error);
 *     doorward_start(ctx, &error);
 *     doorward_field password = {doorward_str("password"), doorward_str("plum tractors hum at noon")};
 *     doorward_create_user(ctx, doorward_str("email"), doorward_str("ada@example.com"), &password, 1,
 *                          NULL, NULL, &signed_up, &error);
 *     doorward_create_session(ctx, doorward_answer_proof(signed_up), NULL, NULL, &session, &error);
 *     doorward_answer_headers(session, &n);                     // send each as a line of its own
 *
 * THE SHAPE.  Every operation has one function of this form:
 *
 *     doorward_status doorward_<operation>(ctx, operands..., options, call, &answer, &error)
 *
 * ctx       the context: one database, one configuration. Made cold by doorward_open, started in each process.
 * operands  what the operation needs. Text and bytes are a doorward_bytes (pointer and length), never NUL-terminated;
 *           doorward_str("...") makes one of a C string. An operand that may be absent is {NULL, 0}.
 * options   what it may be told besides, or NULL for the defaults.
 * call      how it is made: realm, request, time limit, completion queue; or NULL for the default realm, the request of
 *           ctx (doorward_on) or none, and waiting until the answer is there.
 * answer    receives a doorward_answer when something was decided; free it with doorward_answer_free. NULL: not wanted.
 * error     receives a doorward_error when nothing could be decided; free it with doorward_error_free. May be NULL.
 *
 * STATUS.  0 (DOORWARD_OK) only if the thing asked for happened. Positive: something else was decided, the answer says
 * what. Negative: it could not be decided; the number is from the one table of errors below. So
 * `if (doorward_...(...) != DOORWARD_OK) refuse();` is always safe, and so is an ignored error handle.
 * At most one of *answer and *error is set; what is not set is NULL.
 *
 * MEMORY.  What the caller passes in is borrowed until the function returns, also when the answer comes later through a
 * queue: it is copied, secrets into memory that is wiped. What the library gives out is borrowed from a handle (an
 * answer, an error) and lives until that handle is freed; texts have a length and a NUL after it. There is one free
 * function for each handle type, and it accepts NULL. Nothing is to be passed to free().
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
 *     [may-block]   may wait for the database, another thread or a time limit. With a queue it does not wait for the
 *                   answer. Never from a callback: DOORWARD_E_REENTRANT
 *     [no-block]    computes at once; may be called from a callback
 * A free function may be called when no other thread uses the handle.
 *
 * PROCESSES.  A cold context may be forked. A started one must not be, unless doorward_before_fork was called: then
 * both sides start again by themselves at their next call. In a child of a parent that did not, every call answers
 * DOORWARD_E_FORKED_CONTEXT. The library installs no signal handlers, reads no environment, and blocks all signals in
 * its own threads. The shared library is never unloaded. A thread that calls needs 64 KiB of stack. Descriptors that are
 * open between doorward_open and doorward_ctx_free are the library's own: closefrom(3) comes before doorward_open.
 *
 * IDS are 16 bytes. TIMES are microseconds since 1970-01-01 UTC, DURATIONS are microseconds.
 */
#ifndef DOORWARD_H
#define DOORWARD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define DOORWARD_MUST_USE __attribute__((warn_unused_result))
#else
#define DOORWARD_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ---------------------------------------------------------------------------------------------------- */

#define DOORWARD_VERSION_MAJOR 0
#define DOORWARD_VERSION_MINOR 1
#define DOORWARD_VERSION_PATCH 0
#define DOORWARD_VERSION_STRING "0.1.0"
/* One number that grows with every release: compare `doorward_version() >= 1000`. */
#define DOORWARD_VERSION (DOORWARD_VERSION_MAJOR * 1000000 + DOORWARD_VERSION_MINOR * 1000 + DOORWARD_VERSION_PATCH)

/* The version of the library that runs, as DOORWARD_VERSION counts.
 * [any-thread] [any-state] [no-block] */
uint32_t doorward_version(void);

/* The same as text, such as "0.1.0". Lives for ever.
 * [any-thread] [any-state] [no-block] */
const char *doorward_version_string(void);

/* ---- Status ----------------------------------------------------------------------------------------------------- */

typedef int32_t doorward_status;

#define DOORWARD_OK 0              /* the thing asked for happened */
#define DOORWARD_CONTINUE 1        /* something more must be answered: doorward_answer_flow says what */
#define DOORWARD_REFUSED 2         /* it did not happen: unknown, wrong or disabled, all the same */
#define DOORWARD_UNREGISTERED 3    /* verified, and nobody here has it: doorward_answer_claim */
#define DOORWARD_THROTTLED 4       /* too many failures: doorward_answer_retry_after */
#define DOORWARD_SIGNED_OUT 5      /* there is no session: doorward_answer_reason */
#define DOORWARD_REQUEST_REFUSED 6 /* the request is not trusted: doorward_answer_reason and _setting */
#define DOORWARD_PENDING 7         /* the answer comes through the queue; or: the queue has nothing now */
#define DOORWARD_ABSENT 8          /* decided: there is no such thing */
#define DOORWARD_CLOSED 9          /* the queue is closed and drained */

/* The one table of errors. Who must act: client (the person at the other end), caller (this program), operator
 * (whoever runs it), bug (please report it). */
#define DOORWARD_E_INVALID_ARGUMENT (-1)         /* caller: missing, malformed, too long, not UTF-8 */
#define DOORWARD_E_INVALID_STATE (-2)            /* caller: not started, stopped, closed */
#define DOORWARD_E_ABI_MISMATCH (-3)             /* caller: a struct too small, or larger with unknown content */
#define DOORWARD_E_INTERNAL (-4)                 /* bug */
#define DOORWARD_E_CONFIGURATION (-5)            /* operator: unknown key, bad value; the message names both */
#define DOORWARD_E_NOT_FOUND (-6)                /* caller */
#define DOORWARD_E_CONFLICT (-7)                 /* client: taken, or changed by another; doorward_error_what */
#define DOORWARD_E_POLICY_VIOLATION (-8)         /* client: doorward_error_violation lists all of them */
#define DOORWARD_E_PROOF_REQUIRED (-9)           /* client: authenticate (again) */
#define DOORWARD_E_UNAVAILABLE (-10)             /* operator, retry: database or provider does not answer */
#define DOORWARD_E_OVERLOADED (-11)              /* operator, retry: back off */
#define DOORWARD_E_TIMEOUT (-12)                 /* operator, retry: a write may still happen */
#define DOORWARD_E_CANCELLED (-13)               /* caller: a write may still happen */
#define DOORWARD_E_FORKED_CONTEXT (-14)          /* caller: doorward_before_fork was not called in the parent */
#define DOORWARD_E_REENTRANT (-15)               /* caller: a blocking function was called from a callback */
#define DOORWARD_E_PLUGIN_REFUSED (-16)          /* operator: pin, symbol, version or declaration */
#define DOORWARD_E_PLUGIN_FAULT (-17)            /* bug of a plugin; nobody was let in */
#define DOORWARD_E_UNSUPPORTED (-18)             /* caller: the provider's kind does not offer it */
#define DOORWARD_E_STORE_SHARED_IN_PROCESS (-19) /* caller: another SQLite copy has the file open */
#define DOORWARD_E_KEY_MISSING (-20)             /* operator: a key that the database names is absent */
#define DOORWARD_E_DISAGREEMENT (-21)            /* operator: configuration and database differ; doorward_agree */
#define DOORWARD_E_SCHEMA_MISMATCH (-22)         /* operator: doorward_migrate */
#define DOORWARD_E_CORRUPT (-23)                 /* operator: stored bytes cannot be understood */
#define DOORWARD_E_LAST_WAY_IN (-24)             /* client: the last way in cannot be removed */
/* -25 to -30 are what other languages raise for outcomes; C has the positive numbers above instead. */
#define DOORWARD_E_REFUSED (-25)
#define DOORWARD_E_STEP_REQUIRED (-26)
#define DOORWARD_E_THROTTLED (-27)
#define DOORWARD_E_SIGNED_OUT (-28)
#define DOORWARD_E_REQUEST_REFUSED (-29)
#define DOORWARD_E_UNREGISTERED (-30)

/* The stable text of a status, such as "ok", "refused" or "unavailable"; "unknown" for other numbers. Lives for ever.
 * [any-thread] [any-state] [no-block] */
const char *doorward_status_id(doorward_status status);

/* Who must act on an error: "bug", "caller", "client" or "operator"; "" for what is no error. Lives for ever.
 * [any-thread] [any-state] [no-block] */
const char *doorward_status_actor(doorward_status status);

/* 1 when the same call may succeed later without any change, else 0.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_status_is_retryable(doorward_status status);

/* 1 when the error's message may be shown to the person at the other end, else 0.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_status_is_public(doorward_status status);

/* ---- Basic types ------------------------------------------------------------------------------------------------ */

/* Bytes somebody else owns. As an operand {NULL, 0} means "none"; {"", 0} is an empty value. Never grows. */
typedef struct doorward_bytes {
    const char *ptr;
    size_t len;
} doorward_bytes;

/* A named value: a credential, a challenge, a header line. Never grows. */
typedef struct doorward_field {
    doorward_bytes name;
    doorward_bytes value;
} doorward_field;

/* The id of a user, a sign-in or an authenticator: a UUID. Not a secret. Never grows. */
typedef struct doorward_id {
    uint8_t bytes[16];
} doorward_id;

#define DOORWARD_ID_TEXT_SIZE 37     /* 36 characters and a NUL */
#define DOORWARD_NO_TIME INT64_MIN   /* "never", where a time may be absent */

/* The bytes of a C string, without its NUL; NULL gives {NULL, 0}. */
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
    bytes.ptr = (const char *)ptr;
    bytes.len = len;
    return bytes;
}

/* Makes a new id (UUIDv7), for doorward_create_user_options.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_id_new(doorward_id *id);

/* Reads the text form: 36 characters with hyphens, in either case.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_id_parse(doorward_bytes text, doorward_id *id);

/* Writes the text form, lower case, and a NUL. NULL id: writes "".
 * [any-thread] [any-state] [no-block] */
void doorward_id_text(const doorward_id *id, char text[DOORWARD_ID_TEXT_SIZE]);

typedef struct doorward_config doorward_config; /* settings, before doorward_open */
typedef struct doorward_ctx doorward_ctx;       /* the context */
typedef struct doorward_answer doorward_answer; /* what one operation decided */
typedef struct doorward_error doorward_error;   /* why one operation could not decide */
typedef struct doorward_queue doorward_queue;   /* completions for an event loop */

/* Borrowed from an answer: they live until it is freed. */
typedef struct doorward_authenticator doorward_authenticator; /* a password, a TOTP device: that it is there */
typedef struct doorward_delivery doorward_delivery;           /* a message to send */
typedef struct doorward_device doorward_device;               /* a sign-in, as a list of devices shows it */
typedef struct doorward_factor doorward_factor;               /* something that was proved, and when */
typedef struct doorward_claim doorward_claim;                 /* what was verified and is nobody's yet */
typedef struct doorward_flow doorward_flow;                   /* what must be answered next */
typedef struct doorward_identity doorward_identity;           /* a provider id of a user */
typedef struct doorward_input doorward_input;                 /* one credential field of a form */
typedef struct doorward_method doorward_method;               /* one way to answer: provider, fields, challenge */
typedef struct doorward_proof doorward_proof;                 /* this user, these factors: for one session */
typedef struct doorward_session doorward_session;             /* a live session and its user */
typedef struct doorward_token_info doorward_token_info;       /* what a single-use token is good for */
typedef struct doorward_user doorward_user;                   /* an account */
typedef struct doorward_way doorward_way;                     /* a way into an account, as its owner is told of it */

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

/* The status that came with it, negative. NULL: 0.
 * [any-thread] [any-state] [no-block] */
doorward_status doorward_error_status(const doorward_error *error);

/* What failed and on what: lower case, no secret in it. len may be NULL. NULL error: "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_error_message(const doorward_error *error, size_t *len);

/* For DOORWARD_E_CONFLICT what is taken: identifier, id, attribute, version, referenced, handle, authenticator. For
 * DOORWARD_E_PROOF_REQUIRED what would be a proof, where it is not simply a fresh one: session. For DOORWARD_E_INVALID_STATE
 * what is missing: request. For DOORWARD_E_UNAVAILABLE why, where that has a name: store_file_replaced (the SQLite file was
 * moved or replaced while it was in use), database_missing (it was there once), database_locked (somebody else held a lock
 * for longer than store.deadline, on PostgreSQL than a quarter of it), disk_full (of the database). Else "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_error_what(const doorward_error *error, size_t *len);

/* How many rules of the policy new credentials break.
 * [any-thread] [any-state] [no-block] */
size_t doorward_error_violation_count(const doorward_error *error);

/* One broken rule. Written by the library; struct_size first. */
typedef struct doorward_violation {
    uint32_t struct_size;
    uint32_t reserved;
    doorward_bytes rule;    /* stable id: too_short, too_long, not_text, hash_as_password, common, context */
    doorward_bytes field;   /* the credential field */
    doorward_bytes message; /* what to do, for people */
    uint64_t limit;         /* the limit in force in the rule's unit; 0: the rule has none */
} doorward_violation;

/* The broken rule at this index, or NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_violation *doorward_error_violation(const doorward_error *error, size_t index);

/* The HTTP status that fits: 400, 401, 403, 404, 409, 422, 429, 500 or 503. NULL: 0.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_error_http_status(const doorward_error *error);

/* What to send with that status, each as a line of its own: WWW-Authenticate with 401. For DOORWARD_E_PROOF_REQUIRED it is the
 * step-up challenge of RFC 9470 (insufficient_user_authentication): max_age says, in seconds, how young a proof has to be,
 * acr_values which provider names are asked for. NULL and *count = 0 where there is nothing.
 * [any-thread] [any-state] [no-block] */
const doorward_field *doorward_error_headers(const doorward_error *error, size_t *count);

/* [any-thread] [any-state] [no-block] */
void doorward_error_free(doorward_error *error);

/* ---- Configuration ---------------------------------------------------------------------------------------------- */

/* An empty configuration. It needs at least `database` and one provider; every other setting has a default.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_config_new(doorward_config **config, doorward_error **error);

/* Takes TOML text (at most 1 MiB). Call it before doorward_config_set: it replaces an earlier text and what was set.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_config_load(doorward_config *config, doorward_bytes toml,
                                                       doorward_error **error);

/* Sets one key by its dotted name, such as "session.grace" to "30s". The value is a TOML value, or bare text where the
 * key takes text. An unknown key is DOORWARD_E_CONFIGURATION naming the nearest.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_config_set(doorward_config *config, doorward_bytes key,
                                                      doorward_bytes value, doorward_error **error);

#define DOORWARD_LOG_ERROR 1
#define DOORWARD_LOG_WARN 2
#define DOORWARD_LOG_INFO 3
#define DOORWARD_LOG_DEBUG 4
#define DOORWARD_LOG_TRACE 5

/* Called for each log line, on the thread where it was written, perhaps on several at once. It must not block, and a
 * [may-block] function called from it answers DOORWARD_E_REENTRANT. target and message end with a NUL and live until
 * it returns. Lines carry no secret. */
typedef void (*doorward_log_fn)(void *user, int32_t level, const char *target, const char *message,
                                size_t message_len);

/* Sends log lines up to this level (DOORWARD_LOG_...) to a callback, from doorward_open until doorward_ctx_free. With
 * several contexts in a process each callback gets the lines of all of them. `user` must outlive the context. A NULL
 * function: no log.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_config_on_log(doorward_config *config, int32_t level, doorward_log_fn log,
                                                         void *user, doorward_error **error);

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
typedef void (*doorward_event_fn)(void *user, const doorward_event *event);

/* Sends every event of the context to a callback. `user` must outlive the context. A NULL function: no callback.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_config_on_event(doorward_config *config, doorward_event_fn function,
                                                           void *user, doorward_error **error);

/* [any-thread] [any-state] [no-block] */
void doorward_config_free(doorward_config *config);

/* ---- Context ---------------------------------------------------------------------------------------------------- */

/* Makes a cold context: reads the key ring and opens plugins; no threads, no sockets, so it is safe to fork afterwards.
 * The configuration is copied and may be freed or used again.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_open(const doorward_config *config, doorward_ctx **ctx,
                                                doorward_error **error);

/* Starts the context in this process: connections, threads, schema, agreement. Starting twice is fine.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_start(doorward_ctx *ctx, doorward_error **error);

/* Stops it: what is pending in queues is completed with DOORWARD_E_CANCELLED, queued writes are written, threads end.
 * It may be started again. Stopping what is not started is fine.
 * [any-thread] [any-state] [may-block] */
doorward_status doorward_stop(doorward_ctx *ctx, doorward_error **error);

/* Stops it for a fork: like doorward_stop, but parent and child start again by themselves at their next call. Between
 * this and fork() no other thread may call: its call would start the context again, and the child would be told
 * DOORWARD_E_FORKED_CONTEXT.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_before_fork(doorward_ctx *ctx, doorward_error **error);

/* Stops the context if it is started in this process, and frees it. Answers and queues may outlive it.
 * [one-thread] [any-state] [may-block] */
void doorward_ctx_free(doorward_ctx *ctx);

/* ---- How a call is made ----------------------------------------------------------------------------------------- */

/* An HTTP request, as far as Doorward looks at it. Passing all headers is fine: those it does not read are dropped. */
typedef struct doorward_request {
    uint32_t struct_size;
    uint32_t flags;                /* 0 */
    doorward_bytes method;         /* as in the request line */
    const doorward_field *headers; /* one field for each header line, in their order */
    size_t n_headers;              /* at most 1024 */
    doorward_bytes peer;           /* the connection's other end, "203.0.113.7" or "2001:db8::1"; {NULL, 0} or "unix:":
                                      none, the setting trusted_proxies calls that "unix" */
} doorward_request;

#define DOORWARD_REQUEST_INIT {(uint32_t)sizeof(doorward_request), 0, {NULL, 0}, NULL, 0, {NULL, 0}}

/* A view of a context on a request, to be used as ctx in every operation, in place of doorward_call.request: the request is
 * read once, and the view remembers what is decided on it. It is copied as far as it is read. Of something wrong (NULL, no
 * method, a bad peer) it is a view whose calls answer DOORWARD_E_INVALID_ARGUMENT. Free it with doorward_ctx_free, which
 * stops nothing; what doorward_open gave, when it is freed, stops for its views too. NULL only for a NULL ctx.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_ctx *doorward_on(const doorward_ctx *ctx, const doorward_request *request);

/* A view of a context for what no request causes: a command line, a job, an import. Where origins.trusted is configured, the
 * operations that a person's form causes (doorward_create_user, _create_user_from_claim, _begin_enrolment, _authenticate,
 * _continue_flow, _create_session, _request_token, _consume_token, _update_credentials_with_token and
 * _update_identifier_with_token) are DOORWARD_E_INVALID_STATE where there is neither a request (doorward_on, or
 * doorward_call.request) nor such a view: a forgotten request is refused, not served. A view of a view has both: put on a
 * request, its origin is checked like any other. Free it with doorward_ctx_free, which stops nothing. NULL only for a NULL
 * ctx.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_ctx *doorward_trusted(const doorward_ctx *ctx);

/* The final cookies of everything that was decided on this view so far: one line a name, the newest decision's, and
 * Cache-Control with the first. Send them once, with the response: a sign-in or a sign-out is not overwritten by the
 * refresh before it. Retry-After and WWW-Authenticate go with the answer whose status is sent, and are not here. The lines
 * live until the view is freed. Their values may be secrets: keep them nowhere. NULL and *count = 0 where there are none.
 * [any-thread] [any-state] [no-block] */
const doorward_field *doorward_headers(const doorward_ctx *on, size_t *count);

typedef struct doorward_call {
    uint32_t struct_size;
    uint32_t flags;                  /* 0 */
    doorward_bytes realm;            /* the realm, at most 64 bytes; {NULL, 0}: the default one, "" */
    const doorward_request *request; /* the request on which the call is made, or NULL */
    int64_t timeout;                 /* gives up after so many microseconds with DOORWARD_E_TIMEOUT; 0: never */
    doorward_queue *queue;           /* where the answer goes if it is not there at once; NULL: wait for it */
    void *user;                      /* comes back with the completion */
    uint64_t *operation;             /* receives, with DOORWARD_PENDING, what doorward_queue_cancel takes; or NULL */
} doorward_call;

#define DOORWARD_CALL_INIT {(uint32_t)sizeof(doorward_call), 0, {NULL, 0}, NULL, 0, NULL, NULL, NULL}

/* Options of an operation that has none yet: pass NULL. */
typedef struct doorward_options {
    uint32_t struct_size;
    uint32_t flags; /* 0 */
} doorward_options;

/* ---- Completion queue ------------------------------------------------------------------------------------------- */

/* For event loops: one queue for each loop. A call with a queue whose answer is there at once gives it like any other
 * call, and queues nothing. Otherwise it gives DOORWARD_PENDING, and then exactly one completion follows, also when it
 * is cancelled, times out, or the context stops. A queue belongs to the process that made it. */
typedef struct doorward_completion {
    uint32_t struct_size;
    doorward_status status;  /* what the call would have returned */
    uint64_t operation;      /* its number */
    void *user;              /* doorward_call.user */
    doorward_answer *answer; /* the caller's from now on, or NULL */
    doorward_error *error;   /* the caller's from now on, or NULL */
} doorward_completion;

#define DOORWARD_COMPLETION_INIT {(uint32_t)sizeof(doorward_completion), 0, 0, NULL, NULL, NULL}

/* [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_queue_new(doorward_queue **queue, doorward_error **error);

/* A descriptor for poll, epoll and their like: readable (level-triggered) while doorward_queue_next would give a
 * completion or DOORWARD_CLOSED. It belongs to the queue: neither read nor close it. NULL: -1.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_queue_fd(const doorward_queue *queue);

/* Takes the next completion. DOORWARD_OK: it is in *completion. DOORWARD_PENDING: there is none now. DOORWARD_CLOSED:
 * the queue was closed, and there will be none any more. Only struct_size need be set before.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_queue_next(doorward_queue *queue, doorward_completion *completion);

/* Gives up waiting for one operation: it completes with DOORWARD_E_CANCELLED, unless it has completed already. A write
 * that is under way is not undone. DOORWARD_ABSENT: no such operation is pending.
 * [any-thread] [any-state] [no-block] */
doorward_status doorward_queue_cancel(doorward_queue *queue, uint64_t operation);

/* Takes no more operations and cancels those that are pending. Closing twice is fine.
 * [any-thread] [any-state] [no-block] */
doorward_status doorward_queue_close(doorward_queue *queue);

/* Frees a queue that doorward_queue_next has called DOORWARD_CLOSED; any other is left as it is, with
 * DOORWARD_E_INVALID_STATE: nothing is ever discarded.
 * [one-thread] [any-state] [no-block] */
doorward_status doorward_queue_free(doorward_queue *queue);

/* ---- Administration --------------------------------------------------------------------------------------------- */

/* Brings the database to this release's schema. doorward_start does it too, where `migrate` says so.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_migrate(doorward_ctx *ctx, doorward_error **error);

/* Makes the database agree with this configuration about one item, such as "provider/email", after a start that was
 * refused with DOORWARD_E_DISAGREEMENT.
 * [any-thread] [any-state] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_agree(doorward_ctx *ctx, doorward_bytes item, doorward_error **error);

/* Asks the database and every provider whether they can answer.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_health(doorward_ctx *ctx, const doorward_options *options,
                                                  const doorward_call *call, doorward_answer **answer,
                                                  doorward_error **error);

/* Counts rows: doorward_answer_stats. On PostgreSQL exact up to 10,000 of a sort, an estimate beyond: doorward_row_counts.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_stats(doorward_ctx *ctx, const doorward_options *options,
                                                 const doorward_call *call, doorward_answer **answer,
                                                 doorward_error **error);

/* Removes what has expired, or ended a week ago, in slices of about 20 ms between which others write, for about a second:
 * doorward_answer_purged. Call it now and then, and again where more is left.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_purge_expired(doorward_ctx *ctx, const doorward_options *options,
                                                         const doorward_call *call, doorward_answer **answer,
                                                         doorward_error **error);

/* ---- Signing up and in ------------------------------------------------------------------------------------------ */

/* Wherever credentials are taken: at most 64, each of at most 64 KiB. */
typedef struct doorward_create_user_options {
    uint32_t struct_size;
    uint32_t flags;
    doorward_bytes attributes; /* a JSON object; {NULL, 0}: {} */
    const doorward_id *id;     /* from doorward_id_new, so that a row of the caller's can refer to it; or NULL */
} doorward_create_user_options;

#define DOORWARD_CREATE_USER_OPTIONS_INIT {(uint32_t)sizeof(doorward_create_user_options), 0, {NULL, 0}, NULL}

/* Creates a user with a first provider id and its credentials. Gives a proof, or DOORWARD_CONTINUE where the provider
 * or the policy asks for more. A repeat with the same id and identifier is answered as doorward_authenticate would.
 * Errors: INVALID_ARGUMENT, POLICY_VIOLATION, CONFLICT (identifier, id, attribute, handle).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_create_user(doorward_ctx *ctx, doorward_bytes provider,
                                                       doorward_bytes identifier, const doorward_field *credentials,
                                                       size_t n_credentials,
                                                       const doorward_create_user_options *options,
                                                       const doorward_call *call, doorward_answer **answer,
                                                       doorward_error **error);

/* Creates a user with the provider id of a claim (doorward_claim_token): once. The identity belongs to that user then, and
 * whoever comes again signs in. What the claim's attributes say is not taken over: pass on what is wanted. Gives a
 * proof, DOORWARD_CONTINUE, or DOORWARD_REFUSED for a claim that is older than 10 minutes, of another browser, realm or
 * key ring, or of a link. Errors: INVALID_ARGUMENT, CONFLICT (identifier: it is spent; id, attribute).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_create_user_from_claim(doorward_ctx *ctx, doorward_bytes claim,
                                                                  const doorward_create_user_options *options,
                                                                  const doorward_call *call, doorward_answer **answer,
                                                                  doorward_error **error);

/* What a claim says, for the page that asks whether to sign up: doorward_answer_claim. Spends nothing. Else
 * DOORWARD_REFUSED, as above.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_peek_claim(doorward_ctx *ctx, doorward_bytes claim,
                                                      const doorward_options *options, const doorward_call *call,
                                                      doorward_answer **answer, doorward_error **error);

typedef struct doorward_begin_enrolment_options {
    uint32_t struct_size;
    uint32_t flags;
    doorward_bytes identifier;   /* of a new user */
    const doorward_proof *proof; /* fresh, of the user who gets a further authenticator; NULL: a new user */
} doorward_begin_enrolment_options;

#define DOORWARD_BEGIN_ENROLMENT_OPTIONS_INIT {(uint32_t)sizeof(doorward_begin_enrolment_options), 0, {NULL, 0}, NULL}

/* Begins to enrol: a further authenticator (say, TOTP) of the proof's user, or a new user whose provider asks before it
 * takes credentials. Gives DOORWARD_CONTINUE with the challenge, or a proof. Errors: CONFLICT (authenticator),
 * POLICY_VIOLATION (address_unproved: a second factor beside an address of the user that nobody has proved; prove it
 * first: doorward_request_token, doorward_consume_token).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_begin_enrolment(doorward_ctx *ctx, doorward_bytes provider,
                                                           const doorward_begin_enrolment_options *options,
                                                           const doorward_call *call, doorward_answer **answer,
                                                           doorward_error **error);

/* Verifies credentials. identifier is what the person gave, or {NULL, 0} where the provider finds it or needs none.
 * Gives a proof, DOORWARD_CONTINUE, DOORWARD_REFUSED or DOORWARD_THROTTLED. On a request with a live session a
 * second-factor provider may be named: the proof is then for that session's user. A provider that verifies elsewhere (an
 * issuer, a directory, a mailbox) may accept somebody who is nobody here: DOORWARD_UNREGISTERED, doorward_answer_claim.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_authenticate(doorward_ctx *ctx, doorward_bytes provider,
                                                        doorward_bytes identifier, const doorward_field *credentials,
                                                        size_t n_credentials, const doorward_options *options,
                                                        const doorward_call *call, doorward_answer **answer,
                                                        doorward_error **error);

typedef struct doorward_continue_flow_options {
    uint32_t struct_size;
    uint32_t flags;
    doorward_bytes provider; /* which of the flow's methods is answered; {NULL, 0}: the only one */
} doorward_continue_flow_options;

#define DOORWARD_CONTINUE_FLOW_OPTIONS_INIT {(uint32_t)sizeof(doorward_continue_flow_options), 0, {NULL, 0}}

/* Answers a flow, named by its token. A wrong answer costs one of five attempts and gives DOORWARD_REFUSED, with a new
 * flow to try again with while attempts are left.
 * In place of a flow's token, and with no credentials, it takes that of the link that came with a mailed code (purpose
 * "sign_in_link"): it is the right code, in this browser, wherever the code was asked for. It is good once, and the code is
 * void with it. Errors: INVALID_STATE (a link on a request that only reads, which spends nothing: let the person press a
 * button), INVALID_ARGUMENT (credentials beside a link).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_continue_flow(doorward_ctx *ctx, doorward_bytes flow,
                                                         const doorward_field *credentials, size_t n_credentials,
                                                         const doorward_continue_flow_options *options,
                                                         const doorward_call *call, doorward_answer **answer,
                                                         doorward_error **error);

typedef struct doorward_list_methods_options {
    uint32_t struct_size;
    uint32_t flags;
    const doorward_id *user; /* what this user can prove a factor with; NULL: what can start a sign-in */
} doorward_list_methods_options;

#define DOORWARD_LIST_METHODS_OPTIONS_INIT {(uint32_t)sizeof(doorward_list_methods_options), 0, NULL}

/* What can be used: doorward_answer_method.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_list_methods(doorward_ctx *ctx,
                                                        const doorward_list_methods_options *options,
                                                        const doorward_call *call, doorward_answer **answer,
                                                        doorward_error **error);

/* ---- Sessions --------------------------------------------------------------------------------------------------- */

#define DOORWARD_AS_CONFIGURED 0
#define DOORWARD_YES 1
#define DOORWARD_NO 2

typedef struct doorward_create_session_options {
    uint32_t struct_size;
    uint32_t flags;
    doorward_bytes attributes; /* a JSON object; {NULL, 0}: {}, or for a step-up those of the session before */
    int64_t access_ttl;        /* microseconds, at most the configured; 0: as configured */
    int64_t idle_ttl;
    int64_t absolute_ttl;
    uint32_t persistent;       /* whether cookies outlive the browser: DOORWARD_AS_CONFIGURED, _YES, _NO */
    uint32_t reserved;
} doorward_create_session_options;

#define DOORWARD_CREATE_SESSION_OPTIONS_INIT \
    {(uint32_t)sizeof(doorward_create_session_options), 0, {NULL, 0}, 0, 0, 0, DOORWARD_AS_CONFIGURED, 0}

/* Makes the one session of a proof: doorward_answer_session has both tokens, doorward_answer_headers the cookies. On a
 * request with a live sign-in of the same user it is a step-up; another user's ends. DOORWARD_REFUSED when the user was
 * changed or disabled since, or is at the cap. Errors: PROOF_REQUIRED.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_create_session(doorward_ctx *ctx, const doorward_proof *proof,
                                                          const doorward_create_session_options *options,
                                                          const doorward_call *call, doorward_answer **answer,
                                                          doorward_error **error);

/* A factor that trusted code vouches for. Never grows. */
typedef struct doorward_asserted_factor {
    doorward_bytes provider;
    doorward_bytes factor_class; /* "knowledge", "possession" or "inherence" */
    doorward_bytes channel;      /* may be empty */
    int64_t at;                  /* when it was proved */
    uint32_t two_in_one;         /* 1: a passkey that verified its user, an issuer's own second factor; else 0 */
    uint32_t reserved;
} doorward_asserted_factor;

typedef struct doorward_create_session_for_user_options {
    uint32_t struct_size;
    uint32_t flags;
    const doorward_asserted_factor *factors; /* at most 16 */
    size_t n_factors;
    const doorward_create_session_options *session; /* as for doorward_create_session, or NULL */
} doorward_create_session_for_user_options;

#define DOORWARD_CREATE_SESSION_FOR_USER_OPTIONS_INIT \
    {(uint32_t)sizeof(doorward_create_session_for_user_options), 0, NULL, 0, NULL}

/* Makes a session without credentials: for trusted code, always evented. It satisfies no policy, and is refused for a
 * user with a second factor unless factors are asserted.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status
doorward_create_session_for_user(doorward_ctx *ctx, const doorward_id *user,
                                 const doorward_create_session_for_user_options *options, const doorward_call *call,
                                 doorward_answer **answer, doorward_error **error);

/* Says whose session an access token is: doorward_answer_session, doorward_answer_user. Otherwise DOORWARD_SIGNED_OUT
 * with the reason "expired_refreshable" (refresh it) or "invalid". An unavailable database is an error, never a sign-out.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_validate_session(doorward_ctx *ctx, doorward_bytes access_token,
                                                            const doorward_options *options, const doorward_call *call,
                                                            doorward_answer **answer, doorward_error **error);

/* Exchanges a refresh token for the next session, or gives the current one while it is settling. Retries, racing tabs
 * and lost replies all get the very same tokens.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_refresh_session(doorward_ctx *ctx, doorward_bytes refresh_token,
                                                           const doorward_options *options, const doorward_call *call,
                                                           doorward_answer **answer, doorward_error **error);

/* Says who the call's request comes from, by its bearer token or its cookies; call->request is required. Gives a
 * session (doorward_answer_session), or the user of an accepted key (doorward_answer_user, no session); else
 * DOORWARD_SIGNED_OUT or DOORWARD_REQUEST_REFUSED. Never refreshes, so it is safe everywhere.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_check_request(doorward_ctx *ctx, const doorward_options *options,
                                                         const doorward_call *call, doorward_answer **answer,
                                                         doorward_error **error);

/* The same, and refreshes an expired access token: send the answer's headers. Only where the response is yours to send:
 * elsewhere the browser keeps a refresh token that is used up, and its next refresh ends the sign-in (token_reuse).
 * A renderer behind another server, or a component that cannot set cookies, calls doorward_check_request instead, and lets
 * the browser refresh at "expired_refreshable". Cookies of a sign-in that ended by time, by sign-out or by an operator are
 * cleared. On a view the lines are among doorward_headers.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_resume_request(doorward_ctx *ctx, const doorward_options *options,
                                                          const doorward_call *call, doorward_answer **answer,
                                                          doorward_error **error);

/* Signs out by either token, even expired, or, with {NULL, 0}, by the request's bearer token or cookies.
 * doorward_answer_count: how many sign-ins ended, 0 where they had before. The answer's headers clear the cookies, unless
 * a bearer token was meant. With neither token nor request: DOORWARD_E_INVALID_STATE.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_end_session(doorward_ctx *ctx, doorward_bytes token,
                                                       const doorward_options *options, const doorward_call *call,
                                                       doorward_answer **answer, doorward_error **error);

/* Ends one sign-in of a user, wherever it is. An id without its owner is never enough. doorward_answer_count: 0 or 1.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_end_sign_in(doorward_ctx *ctx, const doorward_id *user,
                                                       const doorward_id *sign_in, const doorward_options *options,
                                                       const doorward_call *call, doorward_answer **answer,
                                                       doorward_error **error);

/* Ends every sign-in of the proof's user but the one that the proof was taken from (doorward_session_proof).
 * doorward_answer_count says how many.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_end_other_sessions(doorward_ctx *ctx, const doorward_proof *proof,
                                                              const doorward_options *options,
                                                              const doorward_call *call, doorward_answer **answer,
                                                              doorward_error **error);

/* Ends every sign-in of a user, and all that was under way: flows, single-use tokens, proofs, and the cookies by which
 * throttling knows the user's browsers. doorward_answer_count says how many sign-ins.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_end_all_sessions(doorward_ctx *ctx, const doorward_id *user,
                                                            const doorward_options *options,
                                                            const doorward_call *call, doorward_answer **answer,
                                                            doorward_error **error);

/* The devices on which a user is signed in, newest first: doorward_answer_device.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_list_sessions(doorward_ctx *ctx, const doorward_id *user,
                                                         const doorward_options *options, const doorward_call *call,
                                                         doorward_answer **answer, doorward_error **error);

/* DOORWARD_OK while this sign-in of this user is live, else DOORWARD_SIGNED_OUT: for connections that outlast a
 * request. An error is no reason to close one.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_session_alive(doorward_ctx *ctx, const doorward_id *user,
                                                         const doorward_id *sign_in, const doorward_options *options,
                                                         const doorward_call *call, doorward_answer **answer,
                                                         doorward_error **error);

/* A proof from a session that this context gave, for sensitive operations: fresh as far as its factors are.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_session_proof(doorward_ctx *ctx, const doorward_session *session,
                                                         const doorward_options *options, const doorward_call *call,
                                                         doorward_answer **answer, doorward_error **error);

/* Applies a merge patch (RFC 7396) to a live session's attributes: doorward_answer_text has the new ones.
 * Errors: NOT_FOUND, CONFLICT (version), INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status
doorward_update_session_attributes(doorward_ctx *ctx, const doorward_session *session, doorward_bytes patch,
                                   const doorward_options *options, const doorward_call *call,
                                   doorward_answer **answer, doorward_error **error);

/* ---- Users ------------------------------------------------------------------------------------------------------ */

/* The user with this id: doorward_answer_user. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_get_user(doorward_ctx *ctx, const doorward_id *user,
                                                    const doorward_options *options, const doorward_call *call,
                                                    doorward_answer **answer, doorward_error **error);

/* The user to whom an identifier belongs, or DOORWARD_ABSENT. For trusted code: it tells who exists.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_find_user(doorward_ctx *ctx, doorward_bytes provider,
                                                     doorward_bytes identifier, const doorward_options *options,
                                                     const doorward_call *call, doorward_answer **answer,
                                                     doorward_error **error);

/* The user with this text as the value of an attribute that `attributes.unique` declares, or DOORWARD_ABSENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_find_user_by_attribute(doorward_ctx *ctx, doorward_bytes name,
                                                                  doorward_bytes value,
                                                                  const doorward_options *options,
                                                                  const doorward_call *call, doorward_answer **answer,
                                                                  doorward_error **error);

typedef struct doorward_list_users_options {
    uint32_t struct_size;
    uint32_t flags;
    const doorward_id *after; /* the last user of the page before; NULL: from the first */
    uint32_t limit;           /* 1 to 1000; 0: 100 */
    uint32_t reserved;
} doorward_list_users_options;

#define DOORWARD_LIST_USERS_OPTIONS_INIT {(uint32_t)sizeof(doorward_list_users_options), 0, NULL, 0, 0}

/* Users of the realm in order of creation: doorward_answer_user_at.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_list_users(doorward_ctx *ctx, const doorward_list_users_options *options,
                                                      const doorward_call *call, doorward_answer **answer,
                                                      doorward_error **error);

typedef struct doorward_update_attributes_options {
    uint32_t struct_size;
    uint32_t flags;
    int64_t version; /* only if doorward_user_version is still this; 0: whatever it is */
} doorward_update_attributes_options;

#define DOORWARD_UPDATE_ATTRIBUTES_OPTIONS_INIT {(uint32_t)sizeof(doorward_update_attributes_options), 0, 0}

/* Applies a merge patch (RFC 7396) to a user's attributes. Gives the user as it is now.
 * Errors: NOT_FOUND, CONFLICT (version, attribute), INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_update_attributes(doorward_ctx *ctx, const doorward_id *user,
                                                             doorward_bytes patch,
                                                             const doorward_update_attributes_options *options,
                                                             const doorward_call *call, doorward_answer **answer,
                                                             doorward_error **error);

/* Disables a user and ends its sessions in the same transaction. doorward_answer_count: how many. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_disable_user(doorward_ctx *ctx, const doorward_id *user,
                                                        const doorward_options *options, const doorward_call *call,
                                                        doorward_answer **answer, doorward_error **error);

/* Enables a user again. Sessions from before stay ended. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_enable_user(doorward_ctx *ctx, const doorward_id *user,
                                                       const doorward_options *options, const doorward_call *call,
                                                       doorward_answer **answer, doorward_error **error);

/* Deletes a user from every table, sessions included. doorward_answer_count: how many were live.
 * Errors: NOT_FOUND, CONFLICT (referenced).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_delete_user(doorward_ctx *ctx, const doorward_id *user,
                                                       const doorward_options *options, const doorward_call *call,
                                                       doorward_answer **answer, doorward_error **error);

/* Takes every second factor of a user away: everything at the names of `policy.second_factor`. All sessions end. For
 * somebody whose only second factor is lost; make sure who asks. `why` (1 to 200 bytes) is for the event.
 * doorward_answer_count: how many went. Errors: NOT_FOUND, INVALID_ARGUMENT, INVALID_STATE (disabled).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_reset_factors(doorward_ctx *ctx, const doorward_id *user, doorward_bytes why,
                                                         const doorward_options *options, const doorward_call *call,
                                                         doorward_answer **answer, doorward_error **error);

/* Sets the credentials with which a user signs in at this name, whatever they were: for somebody who forgot them and has
 * no proved address. All sessions end; second factors stay. Errors: NOT_FOUND (or no identifier at this name),
 * UNSUPPORTED, POLICY_VIOLATION, INVALID_STATE (disabled).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_set_credentials(doorward_ctx *ctx, const doorward_id *user,
                                                           doorward_bytes provider, const doorward_field *credentials,
                                                           size_t n_credentials, const doorward_options *options,
                                                           const doorward_call *call, doorward_answer **answer,
                                                           doorward_error **error);

/* Gives a user an address that the operator has made sure of, as if a message had proved it. All sessions end.
 * Errors: NOT_FOUND, UNSUPPORTED (no `channel`), CONFLICT (identifier), POLICY_VIOLATION (address_on_both_sides),
 * INVALID_STATE (disabled).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_add_address(doorward_ctx *ctx, const doorward_id *user,
                                                       doorward_bytes provider, doorward_bytes identifier,
                                                       const doorward_options *options, const doorward_call *call,
                                                       doorward_answer **answer, doorward_error **error);

/* ---- What a user owns: a fresh proof is required ---------------------------------------------------------------- */

/* Each of these gives a proof under the user's new epoch (except doorward_rename_authenticator); other sessions end.
 * The factors of the proof that are younger than `policy.step_up_max_age` must be enough for a session; else
 * DOORWARD_E_PROOF_REQUIRED. */

/* Replaces the credentials that a provider verifies, or adds the first ones. The field "current" beside the new ones is
 * the current password: demanded (PROOF_REQUIRED) where the proof has not proved it of late, and always by
 * `policy.current_password = "always"`; a wrong one is DOORWARD_REFUSED. Errors: POLICY_VIOLATION, CONFLICT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_update_credentials(doorward_ctx *ctx, const doorward_proof *proof,
                                                              doorward_bytes provider,
                                                              const doorward_field *credentials, size_t n_credentials,
                                                              const doorward_options *options,
                                                              const doorward_call *call, doorward_answer **answer,
                                                              doorward_error **error);

/* Replaces one identifier by another of the same provider. Whose a new address is (provider.NAME.channel), a message asks:
 * doorward_update_identifier_with_token makes the change, and before that nothing has changed. Taken or free, the answer is
 * the same; the owner of a taken one gets the message "address_in_use". On a view of doorward_trusted it is changed at once,
 * unproved. What is no address is changed at once, and what is taken is told, ten times and then once in five minutes for
 * each user (throttle.change). DOORWARD_THROTTLED beyond. Errors: NOT_FOUND, CONFLICT (identifier: as above).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_update_identifier(doorward_ctx *ctx, const doorward_proof *proof,
                                                             doorward_bytes provider, doorward_bytes old_identifier,
                                                             doorward_bytes new_identifier,
                                                             const doorward_options *options,
                                                             const doorward_call *call, doorward_answer **answer,
                                                             doorward_error **error);

/* Binds another provider id. Credentials are enrolled where the provider's group has none yet; else there need be none.
 * Whose an address is (provider.NAME.channel), a message asks, with a token "verify": doorward_consume_token on a session or
 * with a proof of this user binds it, and before that nothing has changed but the credentials. The rest as for
 * doorward_update_identifier: the same answer taken or free, at once on a view of doorward_trusted, at once what is no
 * address. Errors: CONFLICT (identifier: as there), POLICY_VIOLATION (address_on_both_sides; at a second name address_unproved; what the
 * credentials break).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_link_identity(doorward_ctx *ctx, const doorward_proof *proof,
                                                         doorward_bytes provider, doorward_bytes identifier,
                                                         const doorward_field *credentials, size_t n_credentials,
                                                         const doorward_options *options, const doorward_call *call,
                                                         doorward_answer **answer, doorward_error **error);

/* Begins to prove a provider id that the proof's user wants to have, with a provider that verifies elsewhere: an issuer, a
 * directory, a mailbox. identifier is {NULL, 0} where the provider finds it. Gives DOORWARD_CONTINUE, or at once
 * DOORWARD_UNREGISTERED: a claim that only this user can take, with doorward_link_claim.
 * Errors: CONFLICT (identifier: it was proved, and somebody has it), UNSUPPORTED (a provider that keeps records),
 * POLICY_VIOLATION (address_unproved, at a second name).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_begin_link(doorward_ctx *ctx, const doorward_proof *proof,
                                                      doorward_bytes provider, doorward_bytes identifier,
                                                      const doorward_field *credentials, size_t n_credentials,
                                                      const doorward_options *options, const doorward_call *call,
                                                      doorward_answer **answer, doorward_error **error);

/* Binds the provider id of a claim to the proof's user: the claim proves one side, the proof the other. Nothing is ever
 * linked because two addresses are equal. DOORWARD_REFUSED for a claim that is too old, of another browser, realm or
 * key ring, or begun by another user. Errors: CONFLICT (identifier), POLICY_VIOLATION (address_on_both_sides,
 * address_unproved).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_link_claim(doorward_ctx *ctx, const doorward_proof *proof,
                                                      doorward_bytes claim, const doorward_options *options,
                                                      const doorward_call *call, doorward_answer **answer,
                                                      doorward_error **error);

/* Takes a provider id away. Errors: NOT_FOUND, LAST_WAY_IN.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_unlink_identity(doorward_ctx *ctx, const doorward_proof *proof,
                                                           doorward_bytes provider, doorward_bytes identifier,
                                                           const doorward_options *options, const doorward_call *call,
                                                           doorward_answer **answer, doorward_error **error);

/* The provider ids of a user: doorward_answer_identity. No proof is needed. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_list_identities(doorward_ctx *ctx, const doorward_id *user,
                                                           const doorward_options *options, const doorward_call *call,
                                                           doorward_answer **answer, doorward_error **error);

/* The authenticators of a user: doorward_answer_authenticator. No proof is needed. Errors: NOT_FOUND.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_list_authenticators(doorward_ctx *ctx, const doorward_id *user,
                                                               const doorward_options *options,
                                                               const doorward_call *call, doorward_answer **answer,
                                                               doorward_error **error);

/* Gives an authenticator another label, at most 100 bytes. No session ends. Errors: NOT_FOUND, INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_rename_authenticator(doorward_ctx *ctx, const doorward_proof *proof,
                                                                doorward_bytes provider,
                                                                const doorward_id *authenticator, doorward_bytes label,
                                                                const doorward_options *options,
                                                                const doorward_call *call, doorward_answer **answer,
                                                                doorward_error **error);

/* Removes an authenticator. Errors: NOT_FOUND, LAST_WAY_IN.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_remove_authenticator(doorward_ctx *ctx, const doorward_proof *proof,
                                                                doorward_bytes provider,
                                                                const doorward_id *authenticator,
                                                                const doorward_options *options,
                                                                const doorward_call *call, doorward_answer **answer,
                                                                doorward_error **error);

/* ---- Tokens and recovery ---------------------------------------------------------------------------------------- */

typedef struct doorward_request_token_options {
    uint32_t struct_size;
    uint32_t flags;
    const doorward_proof *proof; /* fresh, of the user whose address it is or will be; NULL: of nobody */
} doorward_request_token_options;

#define DOORWARD_REQUEST_TOKEN_OPTIONS_INIT {(uint32_t)sizeof(doorward_request_token_options), 0, NULL}

/* Has a single-use token sent to an address, through the outbox (doorward_take_deliveries). purpose is "recovery",
 * "verify" or "change_identifier". DOORWARD_OK says that it was asked for, not that the address exists: answer the
 * person with "if we know this address, a message is on its way". The message goes to the address as its owner once
 * gave it; for "change_identifier" to the new one, identifier, and that needs a fresh proof. Recovery needs none; once it
 * is shown whose an account is, only verified addresses recover anything, and never a second factor's. Else
 * DOORWARD_THROTTLED.
 * Errors: INVALID_ARGUMENT, UNSUPPORTED (the provider has no `channel`), PROOF_REQUIRED, POLICY_VIOLATION.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_request_token(doorward_ctx *ctx, doorward_bytes purpose,
                                                         doorward_bytes provider, doorward_bytes identifier,
                                                         const doorward_request_token_options *options,
                                                         const doorward_call *call, doorward_answer **answer,
                                                         doorward_error **error);

/* What a token is good for, without consuming it, for the page that its link leads to: doorward_answer_token_info. Else
 * DOORWARD_REFUSED, whatever the reason.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_peek_token(doorward_ctx *ctx, doorward_bytes token,
                                                      const doorward_options *options, const doorward_call *call,
                                                      doorward_answer **answer, doorward_error **error);

typedef struct doorward_consume_token_options {
    uint32_t struct_size;
    uint32_t flags;
    const doorward_proof *proof; /* of the user whose address it is; NULL: the session of the call's request */
} doorward_consume_token_options;

#define DOORWARD_CONSUME_TOKEN_OPTIONS_INIT {(uint32_t)sizeof(doorward_consume_token_options), 0, NULL}

/* Consumes a token of the purpose "verify": its address is verified from now on; doorward_answer_token_info. Call it on
 * a POST: scanners of mail follow links. It takes a live session of that user on the call's request, or a proof of that
 * user in the options: a click alone never makes an address part of somebody's account. Without either: PROOF_REQUIRED,
 * and the token stays good; with `first_proof = "hand_over"` an account whose owner nobody has shown changes owners, and
 * doorward_answer_show_once has a "recovery_token". Else DOORWARD_REFUSED; tokens of other purposes stay good.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_consume_token(doorward_ctx *ctx, doorward_bytes token,
                                                         const doorward_consume_token_options *options,
                                                         const doorward_call *call, doorward_answer **answer,
                                                         doorward_error **error);

/* Replaces the credentials that a provider verifies, with a token of the purpose "recovery". Every session of the user
 * ends, and what nobody proved goes; second factors and other proved addresses stay. Gives the user,
 * doorward_answer_user_id, and no proof: the person signs in next, with the second factor that the policy asks for. Else DOORWARD_REFUSED. Errors leave the token good: POLICY_VIOLATION, CONFLICT, UNSUPPORTED (a
 * second factor, a passkey), INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status
doorward_update_credentials_with_token(doorward_ctx *ctx, doorward_bytes token, doorward_bytes provider,
                                       const doorward_field *credentials, size_t n_credentials,
                                       const doorward_options *options, const doorward_call *call,
                                       doorward_answer **answer, doorward_error **error);

/* Replaces one identifier of a user by the address that a token of the purpose "change_identifier" was sent to, which
 * is verified by that; new_identifier must be that address. Every session of the user ends. Gives the user,
 * doorward_answer_user_id, and no proof; else DOORWARD_REFUSED. Errors: CONFLICT (identifier: somebody else's by now),
 * NOT_FOUND (the user has no such old one).
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status
doorward_update_identifier_with_token(doorward_ctx *ctx, doorward_bytes token, doorward_bytes old_identifier,
                                      doorward_bytes new_identifier, const doorward_options *options,
                                      const doorward_call *call, doorward_answer **answer, doorward_error **error);

/* ---- The outbox: messages to people, for the program to send ----------------------------------------------------- */

#define DOORWARD_DELIVERED 1 /* it is on its way: removed */
#define DOORWARD_RETRY 2     /* not now: handed out again after 10 s, doubling up to an hour, until it expires */
#define DOORWARD_FAILED 3    /* it cannot be sent, now or ever: removed, and the operator is told */

typedef struct doorward_take_deliveries_options {
    uint32_t struct_size;
    uint32_t flags;
    int64_t lease;  /* microseconds, 1 s to 1 h: longer than sending all of them takes; 0: 1 min */
    uint32_t limit; /* 1 to 1000 messages; 0: 100 */
    uint32_t reserved;
} doorward_take_deliveries_options;

#define DOORWARD_TAKE_DELIVERIES_OPTIONS_INIT {(uint32_t)sizeof(doorward_take_deliveries_options), 0, 0, 0, 0}

/* Takes messages to send, of all realms, the longest due first: doorward_answer_delivery. Nobody else is given them
 * during the lease; settle each. What is not settled is handed out again after that, so a message is sent at least
 * once. Errors: INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_take_deliveries(doorward_ctx *ctx,
                                                           const doorward_take_deliveries_options *options,
                                                           const doorward_call *call, doorward_answer **answer,
                                                           doorward_error **error);

/* Says how the attempt to send a message ended: DOORWARD_DELIVERED, DOORWARD_RETRY or DOORWARD_FAILED. delivery is of
 * doorward_take_deliveries, whose answer must live until this returns. DOORWARD_ABSENT, and nothing happens: the lease
 * is over and the message was handed out again, or it is gone. Errors: INVALID_ARGUMENT.
 * [any-thread] [started] [may-block] */
DOORWARD_MUST_USE doorward_status doorward_settle_delivery(doorward_ctx *ctx, const doorward_delivery *delivery,
                                                           int32_t how, const doorward_options *options,
                                                           const doorward_call *call, doorward_answer **answer,
                                                           doorward_error **error);

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

/* Accessors give NULL, "" or 0 for what an answer does not have, and for a NULL handle. */

/* What the operation returned. NULL: DOORWARD_E_INVALID_ARGUMENT, so that nothing can pass for a success.
 * [any-thread] [any-state] [no-block] */
DOORWARD_MUST_USE doorward_status doorward_answer_status(const doorward_answer *answer);

/* The HTTP status that fits: 200, 401, 403, 404 or 429.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_answer_http_status(const doorward_answer *answer);

/* Response headers, each to be sent as a line of its own and in this order, however the call was decided. Their values
 * may be secrets: keep them nowhere. NULL and *count = 0 where there are none.
 * [any-thread] [any-state] [no-block] */
const doorward_field *doorward_answer_headers(const doorward_answer *answer, size_t *count);

/* Values to show to the person once, and kept nowhere: recovery codes, an API key.
 * [any-thread] [any-state] [no-block] */
const doorward_field *doorward_answer_show_once(const doorward_answer *answer, size_t *count);

/* What recovery, or the click that makes an address its reader's, took from the account: 0 and up; NULL beyond the last.
 * Show them: what nobody proved may have been somebody else's.
 * [any-thread] [any-state] [no-block] */
const doorward_way *doorward_answer_took(const doorward_answer *answer, size_t index);

/* What it left: each still opens the account, or protects it. Show them.
 * [any-thread] [any-state] [no-block] */
const doorward_way *doorward_answer_kept(const doorward_answer *answer, size_t index);

/* With the first second factor of a user (an enrolment, a link): what else opens the account, identities, passkeys and
 * keys, the password left out. Show them. NULL beyond the last, and for every other answer.
 * [any-thread] [any-state] [no-block] */
const doorward_way *doorward_answer_others(const doorward_answer *answer, size_t index);

/* The proof.
 * [any-thread] [any-state] [no-block] */
const doorward_proof *doorward_answer_proof(const doorward_answer *answer);

/* The flow: with DOORWARD_CONTINUE always, with DOORWARD_REFUSED and DOORWARD_THROTTLED if the step may be tried again.
 * [any-thread] [any-state] [no-block] */
const doorward_flow *doorward_answer_flow(const doorward_answer *answer);

/* What was verified and is nobody's: with DOORWARD_UNREGISTERED, and what doorward_peek_claim gave; else NULL.
 * [any-thread] [any-state] [no-block] */
const doorward_claim *doorward_answer_claim(const doorward_answer *answer);

/* The session.
 * [any-thread] [any-state] [no-block] */
const doorward_session *doorward_answer_session(const doorward_answer *answer);

/* The user, also a session's.
 * [any-thread] [any-state] [no-block] */
const doorward_user *doorward_answer_user(const doorward_answer *answer);

/* Of a request with an accepted key, the provider that accepted it; else "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_answer_provider(const doorward_answer *answer, size_t *len);

/* Of a request with an accepted key, one thing that it is good for, in the program's own words: 0 to
 * doorward_answer_count - 1; else "". None: the provider says nothing about it.
 * [any-thread] [any-state] [no-block] */
const char *doorward_answer_scope(const doorward_answer *answer, size_t index, size_t *len);

/* Why: for DOORWARD_SIGNED_OUT expired, invalid, no_token or the reason of the end; for DOORWARD_REQUEST_REFUSED the
 * rule.
 * [any-thread] [any-state] [no-block] */
const char *doorward_answer_reason(const doorward_answer *answer, size_t *len);

/* For DOORWARD_REQUEST_REFUSED the setting that would change it.
 * [any-thread] [any-state] [no-block] */
const char *doorward_answer_setting(const doorward_answer *answer, size_t *len);

/* For DOORWARD_THROTTLED how long to wait, in microseconds; else 0.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_answer_retry_after(const doorward_answer *answer);

/* How many things a list has, or how many sign-ins ended.
 * [any-thread] [any-state] [no-block] */
uint64_t doorward_answer_count(const doorward_answer *answer);

/* A text, of the operations that say so.
 * [any-thread] [any-state] [no-block] */
const char *doorward_answer_text(const doorward_answer *answer, size_t *len);

/* Of doorward_list_users, the user at this index; NULL beyond the last.
 * [any-thread] [any-state] [no-block] */
const doorward_user *doorward_answer_user_at(const doorward_answer *answer, size_t index);

/* Of doorward_take_deliveries.
 * [any-thread] [any-state] [no-block] */
const doorward_delivery *doorward_answer_delivery(const doorward_answer *answer, size_t index);

/* Of doorward_peek_token and doorward_consume_token.
 * [any-thread] [any-state] [no-block] */
const doorward_token_info *doorward_answer_token_info(const doorward_answer *answer);

/* Of doorward_update_credentials_with_token and doorward_update_identifier_with_token, the user.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_answer_user_id(const doorward_answer *answer);

/* Of doorward_list_sessions.
 * [any-thread] [any-state] [no-block] */
const doorward_device *doorward_answer_device(const doorward_answer *answer, size_t index);

/* Of doorward_list_identities.
 * [any-thread] [any-state] [no-block] */
const doorward_identity *doorward_answer_identity(const doorward_answer *answer, size_t index);

/* Of doorward_list_authenticators.
 * [any-thread] [any-state] [no-block] */
const doorward_authenticator *doorward_answer_authenticator(const doorward_answer *answer, size_t index);

/* Of doorward_list_methods.
 * [any-thread] [any-state] [no-block] */
const doorward_method *doorward_answer_method(const doorward_answer *answer, size_t index);

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
const doorward_row_counts *doorward_answer_stats(const doorward_answer *answer);

/* Of doorward_purge_expired.
 * [any-thread] [any-state] [no-block] */
const doorward_row_counts *doorward_answer_purged(const doorward_answer *answer);

/* [any-thread] [any-state] [no-block] */
void doorward_answer_free(doorward_answer *answer);

/* ---- Proofs and flows ------------------------------------------------------------------------------------------- */

/* Whose proof it is.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_proof_user_id(const doorward_proof *proof);

/* What it is for: "sign_in" makes one session, "step_up" the successor of the session it was made in, "session" none: it
 * came from a session (doorward_session_proof, an enrolment), and is for sensitive operations.
 * [any-thread] [any-state] [no-block] */
const char *doorward_proof_purpose(const doorward_proof *proof, size_t *len);

/* How many factors it holds.
 * [any-thread] [any-state] [no-block] */
size_t doorward_proof_factor_count(const doorward_proof *proof);

/* [any-thread] [any-state] [no-block] */
const doorward_factor *doorward_proof_factor(const doorward_proof *proof, size_t index);

/* The token to answer with: to the same person only, in a form or a response body.
 * [any-thread] [any-state] [no-block] */
const char *doorward_flow_token(const doorward_flow *flow, size_t *len);

/* What it is for: "enrol", "link", "sign_in", "sign_up" or "step_up".
 * [any-thread] [any-state] [no-block] */
const char *doorward_flow_purpose(const doorward_flow *flow, size_t *len);

/* The provider it was begun with, or whose step is open; empty where there is none.
 * [any-thread] [any-state] [no-block] */
const char *doorward_flow_provider(const doorward_flow *flow, size_t *len);

/* Whose it is, where that was proved or is being claimed; else NULL. For the program, never for the client.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_flow_user_id(const doorward_flow *flow);

/* The text of a claim: to the same person only, to create a user from or to link.
 * [any-thread] [any-state] [no-block] */
const char *doorward_claim_token(const doorward_claim *claim, size_t *len);

/* The provider name that verified it.
 * [any-thread] [any-state] [no-block] */
const char *doorward_claim_provider(const doorward_claim *claim, size_t *len);

/* The identifier as it was given or found, for showing.
 * [any-thread] [any-state] [no-block] */
const char *doorward_claim_identifier(const doorward_claim *claim, size_t *len);

/* What the provider asserts about the person, as a JSON object: its word, not a proof.
 * [any-thread] [any-state] [no-block] */
const char *doorward_claim_attributes(const doorward_claim *claim, size_t *len);

/* When the claim is worth nothing any more; DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_claim_expires_at(const doorward_claim *claim);

/* When the flow is worth nothing any more.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_flow_expires_at(const doorward_flow *flow);

/* How many methods it offers; one of them is to be answered.
 * [any-thread] [any-state] [no-block] */
size_t doorward_flow_method_count(const doorward_flow *flow);

/* [any-thread] [any-state] [no-block] */
const doorward_method *doorward_flow_method(const doorward_flow *flow, size_t index);

/* The provider name to answer with.
 * [any-thread] [any-state] [no-block] */
const char *doorward_method_provider(const doorward_method *method, size_t *len);

/* What the answer does: "verify" proves a factor, "enrol" adds an authenticator, "step" goes on with the challenge.
 * [any-thread] [any-state] [no-block] */
const char *doorward_method_action(const doorward_method *method, size_t *len);

/* The class of the factor it proves: "knowledge", "possession", "inherence"; "" for none.
 * [any-thread] [any-state] [no-block] */
const char *doorward_method_factor_class(const doorward_method *method, size_t *len);

/* The credential fields to ask for.
 * [any-thread] [any-state] [no-block] */
size_t doorward_method_input_count(const doorward_method *method);

/* [any-thread] [any-state] [no-block] */
const doorward_input *doorward_method_input(const doorward_method *method, size_t index);

/* What the person must see: named values from the provider. Perhaps secret (a new TOTP key).
 * [any-thread] [any-state] [no-block] */
const doorward_field *doorward_method_challenge(const doorward_method *method, size_t *count);

/* The field's name among the credentials.
 * [any-thread] [any-state] [no-block] */
const char *doorward_input_name(const doorward_input *input, size_t *len);

/* The HTML autocomplete token, such as "one-time-code"; may be "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_input_autocomplete(const doorward_input *input, size_t *len);

/* Largest length in bytes.
 * [any-thread] [any-state] [no-block] */
size_t doorward_input_max_len(const doorward_input *input);

/* 1 for what must not be shown.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_input_is_secret(const doorward_input *input);

/* 1 for what may be left out.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_input_is_optional(const doorward_input *input);

/* The provider name a factor was proved through.
 * [any-thread] [any-state] [no-block] */
const char *doorward_factor_provider(const doorward_factor *factor, size_t *len);

/* "knowledge", "possession" or "inherence".
 * [any-thread] [any-state] [no-block] */
const char *doorward_factor_factor_class(const doorward_factor *factor, size_t *len);

/* The channel, such as "app"; may be "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_factor_channel(const doorward_factor *factor, size_t *len);

/* When it was proved.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_factor_at(const doorward_factor *factor);

/* 1 when it was two factors in one, such as a passkey that verified its user; else 0. It counts as two at names of
 * `policy.second_factor` only.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_factor_is_two_in_one(const doorward_factor *factor);

/* ---- Sessions and devices --------------------------------------------------------------------------------------- */

/* The sign-in's id: what a list of devices names. Not a secret.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_session_id(const doorward_session *session);

/* The user.
 * [any-thread] [any-state] [no-block] */
const doorward_user *doorward_session_user(const doorward_session *session);

/* The access token, if this call issued it; else NULL. A secret.
 * [any-thread] [any-state] [no-block] */
const char *doorward_session_access_token(const doorward_session *session, size_t *len);

/* The refresh token, if this call issued it; else NULL. A secret.
 * [any-thread] [any-state] [no-block] */
const char *doorward_session_refresh_token(const doorward_session *session, size_t *len);

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

/* 1 when its cookies outlive the browser.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_session_is_persistent(const doorward_session *session);

/* The application's own data: a JSON object.
 * [any-thread] [any-state] [no-block] */
const char *doorward_session_attributes(const doorward_session *session, size_t *len);

/* Counts changes of the attributes, from 1.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_session_version(const doorward_session *session);

/* User agent at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_session_agent(const doorward_session *session, size_t *len);

/* Client address at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_session_address(const doorward_session *session, size_t *len);

/* How many factors were proved in it.
 * [any-thread] [any-state] [no-block] */
size_t doorward_session_factor_count(const doorward_session *session);

/* [any-thread] [any-state] [no-block] */
const doorward_factor *doorward_session_factor(const doorward_session *session, size_t index);

/* The sign-in, for doorward_end_sign_in.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_device_id(const doorward_device *device);

/* User agent at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_device_agent(const doorward_device *device, size_t *len);

/* Client address at sign-in; may be "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_device_address(const doorward_device *device, size_t *len);

/* When it was made.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_device_created_at(const doorward_device *device);

/* When it was last used, coarse.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_device_last_seen_at(const doorward_device *device);

/* The application's own data: a JSON object.
 * [any-thread] [any-state] [no-block] */
const char *doorward_device_attributes(const doorward_device *device, size_t *len);

/* How many factors were proved in it.
 * [any-thread] [any-state] [no-block] */
size_t doorward_device_factor_count(const doorward_device *device);

/* [any-thread] [any-state] [no-block] */
const doorward_factor *doorward_device_factor(const doorward_device *device, size_t index);

/* ---- Messages and tokens ---------------------------------------------------------------------------------------- */

/* The message, the same at every attempt: a mail system that knows ids sends it once.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_delivery_id(const doorward_delivery *delivery);

/* How it is sent: "email", or what the configuration or a kind says.
 * [any-thread] [any-state] [no-block] */
const char *doorward_delivery_channel(const doorward_delivery *delivery, size_t *len);

/* Where to: the address as its owner gave it. Not for logs.
 * [any-thread] [any-state] [no-block] */
const char *doorward_delivery_address(const doorward_delivery *delivery, size_t *len);

/* Which message: "recovery", "verify", "change_identifier", "address_in_use", "credentials_changed", or one of a kind's
 * own.
 * [any-thread] [any-state] [no-block] */
const char *doorward_delivery_template(const doorward_delivery *delivery, size_t *len);

/* What the message says, a token or a code among it: secrets. NULL and *count = 0 where there is nothing.
 * [any-thread] [any-state] [no-block] */
const doorward_field *doorward_delivery_params(const doorward_delivery *delivery, size_t *count);

/* The realm.
 * [any-thread] [any-state] [no-block] */
const char *doorward_delivery_realm(const doorward_delivery *delivery, size_t *len);

/* The provider name.
 * [any-thread] [any-state] [no-block] */
const char *doorward_delivery_provider(const doorward_delivery *delivery, size_t *len);

/* The user, where it is somebody's already; else NULL.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_delivery_user_id(const doorward_delivery *delivery);

/* Which attempt this is, from 1; 0 for NULL.
 * [any-thread] [any-state] [no-block] */
uint32_t doorward_delivery_attempts(const doorward_delivery *delivery);

/* When it is worth nothing any more: not sent after that. DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_delivery_expires_at(const doorward_delivery *delivery);

/* What it is good for: "recovery", "verify", "change_identifier", or "sign_in_link" (doorward_continue_flow).
 * [any-thread] [any-state] [no-block] */
const char *doorward_token_info_purpose(const doorward_token_info *info, size_t *len);

/* The provider name of the address.
 * [any-thread] [any-state] [no-block] */
const char *doorward_token_info_provider(const doorward_token_info *info, size_t *len);

/* The address that it is bound to, canonical: any bytes.
 * [any-thread] [any-state] [no-block] */
const char *doorward_token_info_identifier(const doorward_token_info *info, size_t *len);

/* The user it concerns. For the program, not for the browser.
 * [any-thread] [any-state] [no-block] */
const doorward_id *doorward_token_info_user_id(const doorward_token_info *info);

/* When it is worth nothing any more. DOORWARD_NO_TIME for NULL.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_token_info_expires_at(const doorward_token_info *info);

/* ---- Users, identities, authenticators -------------------------------------------------------------------------- */

/* [any-thread] [any-state] [no-block] */
const doorward_id *doorward_user_id(const doorward_user *user);

/* [any-thread] [any-state] [no-block] */
const char *doorward_user_realm(const doorward_user *user, size_t *len);

/* The application's own data: a JSON object. Not for browsers: see doorward_user_public_attributes.
 * [any-thread] [any-state] [no-block] */
const char *doorward_user_attributes(const doorward_user *user, size_t *len);

/* The attributes that `attributes.public` declares, as a JSON object: what a browser may see.
 * [any-thread] [any-state] [no-block] */
const char *doorward_user_public_attributes(const doorward_ctx *ctx, const doorward_user *user, size_t *len);

/* Counts changes of the attributes, from 1.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_user_version(const doorward_user *user);

/* When the user was disabled, or DOORWARD_NO_TIME.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_user_disabled_at(const doorward_user *user);

/* [any-thread] [any-state] [no-block] */
int64_t doorward_user_created_at(const doorward_user *user);

/* [any-thread] [any-state] [no-block] */
int64_t doorward_user_updated_at(const doorward_user *user);

/* The provider name.
 * [any-thread] [any-state] [no-block] */
const char *doorward_identity_provider(const doorward_identity *identity, size_t *len);

/* The identifier as it was given: any bytes.
 * [any-thread] [any-state] [no-block] */
const char *doorward_identity_identifier(const doorward_identity *identity, size_t *len);

/* When its owner proved it, or DOORWARD_NO_TIME: unverified.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_identity_verified_at(const doorward_identity *identity);

/* When it was bound.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_identity_created_at(const doorward_identity *identity);

/* [any-thread] [any-state] [no-block] */
const doorward_id *doorward_authenticator_id(const doorward_authenticator *authenticator);

/* The credentials group it belongs to.
 * [any-thread] [any-state] [no-block] */
const char *doorward_authenticator_group(const doorward_authenticator *authenticator, size_t *len);

/* The kind that wrote it.
 * [any-thread] [any-state] [no-block] */
const char *doorward_authenticator_kind(const doorward_authenticator *authenticator, size_t *len);

/* What its owner calls it; may be "".
 * [any-thread] [any-state] [no-block] */
const char *doorward_authenticator_label(const doorward_authenticator *authenticator, size_t *len);

/* [any-thread] [any-state] [no-block] */
int64_t doorward_authenticator_created_at(const doorward_authenticator *authenticator);

/* When it was last used, coarse, or DOORWARD_NO_TIME.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_authenticator_last_used_at(const doorward_authenticator *authenticator);

/* The provider name; where several names share an authenticator, the first of them.
 * [any-thread] [any-state] [no-block] */
const char *doorward_way_provider(const doorward_way *way, size_t *len);

/* For people: the identifier as it was given, or the label of an authenticator. May be "". Not for logs.
 * [any-thread] [any-state] [no-block] */
const char *doorward_way_name(const doorward_way *way, size_t *len);

/* 1 for an identity, 0 for an authenticator.
 * [any-thread] [any-state] [no-block] */
int32_t doorward_way_is_identity(const doorward_way *way);

/* When it was added.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_way_created_at(const doorward_way *way);

/* When it was last used, coarse, or DOORWARD_NO_TIME.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_way_last_used_at(const doorward_way *way);

/* Of an identity, when its owner proved it, or DOORWARD_NO_TIME: unverified.
 * [any-thread] [any-state] [no-block] */
int64_t doorward_way_verified_at(const doorward_way *way);

#ifdef __cplusplus
}
#endif

#endif /* DOORWARD_H */
