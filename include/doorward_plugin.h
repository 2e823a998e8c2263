/*
 * doorward_plugin.h - write a provider for Doorward.        SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A provider decides how one kind of credential is enrolled and verified: a PIN, a one-time code, a passkey,
 * a directory login. It never chooses a user, never makes a session, and never sees a token or a cookie.
 * This header is the whole contract; it needs nothing else, and a plugin links against nothing of ours.
 *
 * THE SHAPE.  A plugin is a shared object that exports one function, doorward_plugin_v1, written with DWP_ENTRY.
 * It returns a dwp_module, which lists kinds. A dwp_kind declares what it is (data) and what it can do (a table
 * of operations). Each operation has the same form:
 *
 *     dwp_status op(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
 *
 * It reads the request and writes the reply through the functions of the host table, rq->host:
 *
 *     static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
 *     {
 *         dwp_bytes word = dwp_find(rq->credentials, rq->n_credentials, "word");
 *         int good = rq->n_records == 1 && matches(rq->records[0]->bytes, word);
 *         if (good) rq->host->verdict(rp, DWP_ACCEPT, 0);
 *         else      rq->host->verdict(rp, DWP_DENY, DWP_WRONG);
 *         return DWP_OK;                                   // "I could decide", not "yes"
 *     }
 *
 * MEMORY.  Nothing changes owner. What the host passes in belongs to the host and is valid until the operation
 * returns: copy what must live longer, and wipe copies of secrets (host->wipe). What the plugin passes to a host
 * function is copied before that function returns. Bytes are pointer and length, not NUL-terminated; the pointer
 * of an empty value may be NULL. Only the texts marked "NUL" below end with a NUL.
 * Descriptors (dwp_module, dwp_kind, dwp_field and their texts) belong to the plugin, are constant, and live for
 * ever: a loaded plugin is never unloaded.
 *
 * GROWTH.  Structs that may grow begin with struct_size, the size their author compiled with, and grow at the end
 * only; what lies beyond a struct's size counts as zero. Set it with sizeof; before using a field added after
 * version 1.0, ask DWP_HAS. Arrays of growing structs are arrays of pointers. Optional services have string ids
 * (see "Extensions"). Whatever cannot grow this way will be doorward_plugin_v2, beside v1. Reserved fields are
 * zero; unknown flag bits from the plugin are refused at load, unknown flag bits from the host are to be ignored.
 *
 * THREADS.  doorward_plugin_v1 and every descriptor: any thread, any time, no side effects.
 * load, open, close, start, stop: one thread at a time for each module. Operations: many threads at once on one
 * instance, unless DWP_SERIAL. Host functions: from any thread; a dwp_reply and a dwp_call only on the thread that
 * runs the operation, until it returns. Anywhere else they are refused, so a late or lost thread can do no harm.
 *
 * PROCESSES.  load, open and close are cold: no threads, no sockets, for the host may fork afterwards. start runs
 * in each process that serves, stop when it ends. A child may be forked from a started process: start is then
 * called again, the threads and connections of the parent are not the child's to use or to close. What runs when the
 * process ends (atexit, destructors) returns at once: a server that was stopped waits for it.
 *
 * FAILURE.  No exception, longjmp or exit may leave an operation. Everything that is not a clear yes is a no:
 *
 *     returned                      verdict on the reply          what the host does
 *     ----------------------------  ----------------------------  ----------------------------------------------
 *     DWP_OK                        DWP_ACCEPT                    accepts, once the record is stored
 *     DWP_OK                        DWP_CONTINUE, state written   asks the person for the next step
 *     DWP_OK                        DWP_RESOLVE, handle written   loads that record (or a decoy), calls the same
 *                                                                 operation once more
 *     DWP_OK                        DWP_DENY or none              refuses, with the reason given
 *     DWP_OK                        anything else, CONTINUE       refuses; counts a broken contract
 *                                   without state, RESOLVE
 *                                   twice or without handle
 *     DWP_E_UNAVAILABLE, _TIMEOUT,  any                           "could not decide": nobody is let in, and no
 *     _CANCELLED, _OVERLOADED                                     failed attempt is counted against anybody
 *     DWP_E_TOO_LARGE, and an       DWP_DENY or none              as DWP_E_UNAVAILABLE: what another side sent is
 *     answer of http->fetch was, or                               larger than is taken; the operator reads which
 *     host->message says what is                                  size and limit. Otherwise a fault, as below
 *     any other value               any                           refuses; counts a fault. With ACCEPT, CONTINUE
 *                                                                 or RESOLVE: also a broken contract
 *     never (deadline passed)       any                           as DWP_E_TIMEOUT; the reply is thrown away
 *
 * A reply to which a writer function has refused something (too large, NULL with a length, not of this request) is
 * void: it accepts nothing, whatever its verdict. So a plugin need not check what the writers return.
 * Broken contracts as well: ACCEPT together with a violation; for DWP_KEEPS_RECORDS, ACCEPT of enroll or update
 * without a record put, and of verify without a record to verify against; for DWP_SOURCE_FOUND, ACCEPT without an
 * identifier of a verify that is not resolved (after RESOLVE the handle has said who) and of an enroll without subject;
 * CONTINUE from a kind that has no step. In all of this a step counts as the operation that it resumes.
 * ACCEPT of verify by a kind without records, for an identifier that no user has, lets nobody in: the application gets
 * the identifier as a claim, with which it may make a user.
 * On a DECOY request (DWP_RF_DECOY) no verdict lets anybody in.
 * Faults and broken contracts reach the application as the error plugin_fault, DWP_E_FORMAT as corrupt: never as a
 * wrong credential, so they count against nobody.
 */
#ifndef DOORWARD_PLUGIN_H
#define DOORWARD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define DWP_CALL __cdecl
#define DWP_EXPORT __declspec(dllexport)
#else
#define DWP_CALL
#define DWP_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define DWP_EXTERN_C extern "C"
extern "C" {
#else
#define DWP_EXTERN_C extern
#endif

/* ---- Version -------------------------------------------------------------------------------------------------- */

#define DWP_MAGIC 0x31505744u /* the bytes "DWP1" */
#define DWP_ABI_MAJOR 1u      /* also in the name of the entry */
#define DWP_ABI_MINOR 0u      /* grows with every addition */

/* Whether the struct at `p` of type `T` is new enough to have the field `f`. */
#define DWP_HAS(T, p, f) ((p)->struct_size >= offsetof(T, f) + sizeof((p)->f))

/* ---- Basic types ---------------------------------------------------------------------------------------------- */

/* Borrowed bytes. Never grows. */
typedef struct dwp_bytes {
    const uint8_t *ptr;
    size_t len;
} dwp_bytes;

typedef struct dwp_instance dwp_instance; /* one configured provider: defined and owned by the plugin; may be NULL */
typedef struct dwp_reply dwp_reply;       /* the answer being written: opaque, the host's */
typedef struct dwp_call dwp_call;         /* one request's deadline, cancellation and audit: opaque, the host's */
typedef struct dwp_config dwp_config;     /* one provider's configuration: opaque, the host's */
typedef struct dwp_host dwp_host;         /* the host's services: see below */

/* Whether an operation could do its work. Never a verdict. */
typedef int32_t dwp_status;
#define DWP_OK 0
#define DWP_E_ARGUMENT (-1)    /* NULL with a length, unknown name, out of range */
#define DWP_E_UNSUPPORTED (-2) /* this plugin or host does not do that */
#define DWP_E_CONFIG (-3)      /* the configuration cannot work: say why with host->message */
#define DWP_E_MEMORY (-4)      /* out of memory */
#define DWP_E_INTERNAL (-5)    /* a bug: caught panic or exception, broken invariant */
#define DWP_E_UNAVAILABLE (-6) /* a backend is down: could not decide */
#define DWP_E_TIMEOUT (-7)     /* the deadline passed: could not decide */
#define DWP_E_CANCELLED (-8)   /* host->cancelled said so: could not decide */
#define DWP_E_FORMAT (-9)      /* a stored record or state is not understood; in step, the flow begins anew */
#define DWP_E_TOO_LARGE (-10)  /* a limit or a buffer is too small */
#define DWP_E_NOT_FOUND (-11)  /* no such name */
#define DWP_E_CONFLICT (-12)   /* somebody else was first */
#define DWP_E_OVERLOADED (-13) /* the host's budget is used up: could not decide */
#define DWP_E_BROKEN (-14)     /* a bug that left the instance in a state nobody knows (a panic): the host opens another */
/* 1 is reserved for "pending", which no operation of this version may return. */

/* The verdict. A reply starts as DWP_DENY; uninitialised memory, 1 and -1 accept nothing. */
#define DWP_DENY 0x00000000u
#define DWP_ACCEPT 0x41434345u   /* the credentials are good */
#define DWP_CONTINUE 0x434f4e54u /* one more step: enroll, verify, update and step may say so */
#define DWP_RESOLVE 0x5245534fu  /* verify and its steps: the credentials name a record; see host->handle */

/* Why a verdict is DENY. For events and counters; the person is told the same for all but INVALID_INPUT.
   Only WRONG counts as a failed attempt. 0 means WRONG. */
#define DWP_WRONG 1u
#define DWP_EXPIRED 2u       /* the credential was right and is too old */
#define DWP_MUST_CHANGE 3u   /* it was right and has to be replaced first */
#define DWP_DISABLED 4u      /* the account is switched off where it lives */
#define DWP_LOCKED 5u        /* too many attempts where it lives */
#define DWP_NOT_ENROLLED 6u  /* this user has nothing to verify against */
#define DWP_INVALID_INPUT 7u /* not a credential or identifier at all; enroll and update say more by host->violation */

/* What ACCEPT of verify and its steps says in the place of a reason, for kinds that declare DWP_TWO_IN_ONE: what was
   verified was two factors in one (a passkey with its user verified, an issuer whose required acr or amr came). */
#define DWP_ACCEPT_TWO_IN_ONE 1u

/* ---- Requests: from the host to the plugin -------------------------------------------------------------------- */

/* One named credential or challenge value. Never grows. */
typedef struct dwp_pair {
    dwp_bytes name;
    dwp_bytes value; /* at most the max_len that the kind declared for this name */
} dwp_pair;

#define DWP_RECORD_ID_LEN 16u

/* What the plugin keeps to verify a user: opaque to the host, which stores it encrypted. */
typedef struct dwp_record {
    uint32_t struct_size;
    uint32_t format;                /* dwp_kind.record_version of the plugin that wrote it */
    uint8_t id[DWP_RECORD_ID_LEN];  /* names it in host->put_record */
    int64_t version;                /* grows with every change; the host compares it when it stores */
    dwp_bytes bytes;                /* what the plugin gave to host->put_record */
    dwp_bytes label;                /* what the person calls it, UTF-8; may be empty */
} dwp_record;

/* The operations. */
#define DWP_OP_NORMALIZE 1u
#define DWP_OP_ENROLL 2u
#define DWP_OP_VERIFY 3u
#define DWP_OP_UPDATE 4u
#define DWP_OP_STEP 5u
#define DWP_OP_DESCRIBE 6u
#define DWP_OP_HEALTH 7u
#define DWP_OP_START 8u
#define DWP_OP_MIGRATE 9u /* of the plugin extension dwp_migrate */

/* What a request is for, and what a field is asked for. A step keeps the purpose of the operation it resumes. */
#define DWP_FOR_ENROLL 1u
#define DWP_FOR_VERIFY 2u
#define DWP_FOR_UPDATE 4u
#define DWP_FOR_UPDATE_NEW 8u /* in dwp_field only: arrives in new_credentials */

/* request.flags */
#define DWP_RF_DECOY 1u /* no such user: do the same work and answer the same, CONTINUE included; see verify */

/* Everything an operation may need. The host's; valid until the operation returns. */
typedef struct dwp_request {
    uint32_t struct_size;
    uint32_t operation; /* DWP_OP_... */
    uint32_t purpose;   /* DWP_FOR_ENROLL, _VERIFY or _UPDATE; 0 for normalize, describe, health, start, migrate */
    uint32_t flags;     /* DWP_RF_... */
    uint32_t step;      /* in step: 1 after the first CONTINUE, 2 after the second; a denied step is repeated */
    uint32_t n_credentials;
    uint32_t n_new_credentials;
    uint32_t n_records;
    const dwp_host *host; /* valid as long as the process */
    const dwp_call *call; /* give it to host functions; valid until the operation returns */
    dwp_bytes realm;      /* the user's namespace, usually empty */
    dwp_bytes provider;   /* the name this kind serves here, such as "email" */
    dwp_bytes subject;    /* user id, 16 bytes; in a decoy 16 bytes that are nobody's, the same each time;
                             empty where there is no user yet */
    dwp_bytes identifier_raw;                   /* as the person typed it, or, of a user who is known, as it was registered:
                                                   what a message goes to; empty for DWP_SOURCE_USER and _FOUND */
    dwp_bytes identifier;                       /* its canonical form; empty in normalize */
    dwp_bytes display;                          /* a name the person knows the account by; for showing; may be empty */
    const dwp_pair *credentials;                /* declared names only, each at most once */
    const dwp_pair *new_credentials;            /* update: the replacement (DWP_FOR_UPDATE_NEW) */
    const dwp_record *const *records;           /* all records of this user in this credentials group; none in a decoy */
    dwp_bytes state;                            /* step: what the last CONTINUE gave to host->state */
    dwp_bytes agent;                            /* the client's User-Agent; may be empty; from outside, trust nothing */
    dwp_bytes address;                          /* the client's address as text; may be empty */
    dwp_bytes resolved;                         /* the second call after RESOLVE: the handle it wrote; else empty */
} dwp_request;

/* The value of that name, or an empty one. */
static inline dwp_bytes dwp_find(const dwp_pair *values, uint32_t count, const char *name)
{
    dwp_bytes none = {NULL, 0};
    size_t len = strlen(name);
    uint32_t i;
    for (i = 0; i < count; i++)
        if (values[i].name.len == len && memcmp(values[i].name.ptr, name, len) == 0)
            return values[i].value;
    return none;
}

/* ---- Kinds: from the plugin to the host ----------------------------------------------------------------------- */

/* field.flags */
#define DWP_SECRET 1u   /* never shown, logged or echoed; wiped after use */
#define DWP_OPTIONAL 2u /* may be absent; a field without it always arrives, possibly empty */

/* One credential that the kind asks for. */
typedef struct dwp_field {
    uint32_t struct_size;
    uint32_t flags;           /* DWP_SECRET, DWP_OPTIONAL */
    const char *name;         /* NUL; [a-z][a-z0-9_]{0,31}; unique within one purpose and step */
    const char *autocomplete; /* NUL or NULL; HTML autocomplete token, such as "one-time-code" */
    uint32_t max_len;         /* bytes; longer input is refused before the plugin sees it; at most 65536 */
    uint32_t purposes;        /* DWP_FOR_... bits */
    uint32_t step;            /* 0: with the operation itself; 1: with the first step; and so on */
    uint32_t reserved;
} dwp_field;

/* kind.flags */
#define DWP_INLINE 1u          /* never blocks, takes well under a millisecond: runs on the caller's thread,
                                  where no deadline can interrupt it */
#define DWP_KEEPS_RECORDS 2u   /* has something stored for each user; without it, verifies elsewhere (a directory): it is
                                  asked about everybody, without a decoy, and whoever it accepts and nobody here is
                                  may be registered by the application */
#define DWP_SEVERAL_RECORDS 4u /* a user may enroll more than one; else a new record replaces the old */
#define DWP_CAN_START 8u       /* may be the first factor of a sign-in */
#define DWP_SERIAL 16u         /* one operation at a time for each instance */
#define DWP_TWO_IN_ONE 64u     /* its ACCEPT may say DWP_ACCEPT_TWO_IN_ONE */
#define DWP_UNGUESSABLE 32u    /* its credentials hold 112 random bits or more (a key, a signature, an issuer's code; not a
                                  password, not a code of six digits): they are verified first and never throttled */
#define DWP_UNSTORED_START 128u /* UNGUESSABLE kinds that are FOUND and can start: a sign-in's first step, for nobody yet,
                                  writes no row. Its state travels sealed in the flow token, at most
                                  DWP_UNSTORED_MAX_STATE bytes; a larger one is stored as ever. The same state may then be
                                  answered until it is accepted, wrongly as often as anybody likes, and rightly once */
#define DWP_UNSTORED_MAX_STATE 1024u

/* kind.identifier_source */
#define DWP_SOURCE_GIVEN 1u /* the person types an identifier (an address, a member number) */
#define DWP_SOURCE_FOUND 2u /* only the credentials reveal it: verify writes host->identifier, or says RESOLVE; enroll
                               of somebody who has no user yet writes the identifier that becomes this person's */
#define DWP_SOURCE_USER 3u  /* there is none, the user is known already: second factors */

/* kind.factor. Two factors of one sign-in must differ in class and in channel. */
#define DWP_FACTOR_NONE 0u
#define DWP_FACTOR_KNOWLEDGE 1u
#define DWP_FACTOR_POSSESSION 2u
#define DWP_FACTOR_INHERENCE 3u

/* What open gets. The host's; config until open returns, host for ever. */
typedef struct dwp_open {
    uint32_t struct_size;
    uint32_t flags;           /* 0 */
    const dwp_host *host;
    const dwp_config *config; /* read it with host->config_...; already checked against config_schema */
    dwp_bytes provider;       /* the name that this instance serves */
} dwp_open;

typedef dwp_status(DWP_CALL *dwp_operation)(dwp_instance *self, const dwp_request *rq, dwp_reply *rp);

/* One kind of provider: declarations, then operations. An operation that is NULL is not supported. Constant. */
typedef struct dwp_kind {
    uint32_t struct_size;
    uint32_t flags;             /* DWP_INLINE, ... */
    const char *name;           /* NUL; [a-z][a-z0-9_.-]{0,63}; what configuration calls it */
    const char *title;          /* NUL; for people */
    uint32_t identifier_source; /* DWP_SOURCE_... */
    uint32_t factor;            /* DWP_FACTOR_... */
    const char *channel;        /* NUL; how the proof travels, for policies: "password", "totp", "sms", ... */
    const dwp_field *const *fields;
    uint32_t n_fields;            /* at most 32 */
    uint32_t normalize_version;   /* raise it when normalize answers differently; stored beside each identifier */
    uint32_t record_version;      /* raise it when the format of records changes; older ones must stay readable */
    uint32_t max_record;          /* bytes; at most 65536 */
    uint32_t max_state;           /* bytes; at most 16384 */
    uint32_t default_deadline_ms; /* for the pool; 0: the host's (10000) */
    uint32_t max_concurrency;     /* operations at once on the pool; 0: the host's */
    uint32_t reserved;

    /* NUL or NULL (no options). JSON Schema 2020-12, outermost an object; of its keywords: type (array, boolean, integer,
       object, string; in every schema), properties, required, items, enum, minimum, maximum, minLength, maxLength,
       additionalProperties (false, said or not), and "writeOnly": true for a secret. Annotations are read over, any other
       keyword refuses the plugin. */
    const char *config_schema;

    /* Makes one instance of one configured provider. Cold. NULL: self is NULL everywhere. On failure *out stays as it
       is, and host->message on rp says why. */
    dwp_status(DWP_CALL *open)(const dwp_open *args, dwp_instance **out, dwp_reply *rp);
    /* Frees the instance, after its last operation has returned. Not called if one never does. Cold. */
    void(DWP_CALL *close)(dwp_instance *self);

    /* Begins service in this process: threads and connections from here on. NULL: nothing to do. */
    dwp_operation start;
    /* Ends what start began. */
    void(DWP_CALL *stop)(dwp_instance *self);

    /* identifier_raw -> host->identifier and ACCEPT, or DENY with INVALID_INPUT. Pure: the same answer every time, in
       every process and locale; its own answer is its own canonical form; no I/O. Runs on the caller's thread. NULL:
       the identifier rule of the configuration alone decides. */
    dwp_operation normalize;
    /* credentials -> a new record and ACCEPT, or CONTINUE. Sees the records that exist already. */
    dwp_operation enroll;
    /* credentials and records -> ACCEPT, CONTINUE, RESOLVE or DENY. To replace a record (a counter, a one-time code
       used up, a better hash), write it: ACCEPT then holds only if nobody else changed it since it was read; on conflict
       verify runs once more with the fresh records. A kind that cannot do without records must do the same work
       for a decoy as for a wrong credential, and need not look at DWP_RF_DECOY for it.
       RESOLVE, once: verify is called again with the same request, and with rq->resolved and the user and the record of
       that handle, or as a decoy. A step of verify may say so as well, and the step is then called again. */
    dwp_operation verify;
    /* credentials and records, and new_credentials -> a replacing record and ACCEPT, or CONTINUE. */
    dwp_operation update;
    /* The answer to a CONTINUE: state and credentials of this step -> as the operation that it resumes (purpose).
       May run in another process, on another machine, in another version of the plugin. The host keeps state
       encrypted, bound to this user, purpose and browser, and for a limited time and number of attempts. */
    dwp_operation step;
    /* What a person may see of one authenticator ("3 codes left"), whose record is the only one of the request, by
       host->attribute: never a secret. Names and values together at most 8192 bytes; nothing else is written, no
       verdict either. The list of a user's authenticators asks for it, and waits a second at most: a kind that fails
       takes nothing from the list. */
    dwp_operation describe;
    /* DWP_OK when the provider can do its work; otherwise an error and host->message. */
    dwp_operation health;
} dwp_kind;

/* module.flags */
#define DWP_MODULE_ISOLATED 1u /* only in a process of its own: a host that would load it into its own refuses it */

/* The plugin itself. Constant. */
typedef struct dwp_module {
    uint32_t struct_size;
    uint32_t magic;          /* DWP_MAGIC */
    uint16_t abi_major;      /* DWP_ABI_MAJOR */
    uint16_t abi_minor;      /* DWP_ABI_MINOR of the header it was built with */
    uint16_t min_host_minor; /* the lowest DWP_ABI_MINOR it can work with */
    uint16_t reserved;
    uint32_t flags;          /* DWP_MODULE_... */
    uint32_t n_kinds;        /* 1 to 64 */
    const dwp_kind *const *kinds;
    const char *id;      /* NUL; reverse domain name, such as "org.example.pin" */
    const char *version; /* NUL */
    const char *vendor;  /* NUL */
    const char *license; /* NUL; SPDX expression */

    /* Once in a process, before any open. Cold. Anything but DWP_OK: the plugin is refused. NULL: nothing to do.
       There is no unload: code that has been loaded stays. */
    dwp_status(DWP_CALL *load)(const dwp_host *host);
    /* A constant struct for that id (see "Extensions"), or NULL. NULL: offers none. Any thread. */
    const void *(DWP_CALL *extension)(const char *id);
} dwp_module;

/* The entry, the only symbol a plugin exports. Write
 *
 *     DWP_ENTRY(pin) { return &module; }
 *
 * It becomes doorward_plugin_v1, or, compiled with -DDWP_STATIC, doorward_plugin_v1_pin: for linking several
 * plugins into one program. It must do nothing but return the address of constant data. */
#ifdef DWP_STATIC
#define DWP_ENTRY(name)                                                                                                \
    DWP_EXTERN_C const dwp_module *DWP_CALL doorward_plugin_v1_##name(void);                                           \
    const dwp_module *DWP_CALL doorward_plugin_v1_##name(void)
#else
#define DWP_ENTRY(name)                                                                                                \
    DWP_EXTERN_C DWP_EXPORT const dwp_module *DWP_CALL doorward_plugin_v1(void);                                       \
    const dwp_module *DWP_CALL doorward_plugin_v1(void)
#endif

/* ---- The host's services -------------------------------------------------------------------------------------- */

#define DWP_LOG_ERROR 1
#define DWP_LOG_WARN 2
#define DWP_LOG_INFO 3
#define DWP_LOG_DEBUG 4

/* No entry of a host is NULL. `call` may be NULL where there is none (load, open, a thread of the plugin's own).
   A function that fills a buffer sets *written to what it wrote or, with DWP_E_TOO_LARGE, to what it needs.
   Threads: any, unless the entry says otherwise. */
struct dwp_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    const char *product; /* NUL; "doorward" */
    const char *version; /* NUL; for people: decide by DWP_HAS, never by this */
    void *context;       /* the host's own */

    /* -- what happens -- */
    /* A line for the operator. UTF-8. Never a credential, a record or a key: the host cannot tell. Lines beyond what one
       call may log (plugin_limits.log_lines) are counted, not written. */
    void(DWP_CALL *log)(const dwp_host *host, const dwp_call *call, int32_t level, const char *text, size_t len);
    /* An entry in the event stream: event is NUL, [a-z0-9_.]{1,64}; detail is JSON or empty. Never a secret.
       DWP_E_OVERLOADED: more than one call may report (plugin_limits.audit_records). */
    dwp_status(DWP_CALL *audit)(const dwp_host *host, const dwp_call *call, const char *event, const char *detail,
                                size_t len);

    /* -- time and randomness -- */
    dwp_status(DWP_CALL *random)(const dwp_host *host, void *out, size_t len); /* cryptographic; not OK: do not go on */
    int64_t(DWP_CALL *unix_micros)(const dwp_host *host);                      /* wall clock, microseconds, UTC */
    uint64_t(DWP_CALL *monotonic_ns)(const dwp_host *host);                    /* never goes back; any origin */
    int64_t(DWP_CALL *remaining_ns)(const dwp_host *host, const dwp_call *call); /* to the deadline; <= 0: give up */
    int32_t(DWP_CALL *cancelled)(const dwp_host *host, const dwp_call *call);    /* not 0: give up */

    /* -- secrets and encodings -- */
    void(DWP_CALL *wipe)(void *memory, size_t len);                            /* overwrites; never optimised away */
    int32_t(DWP_CALL *ct_equal)(const void *a, const void *b, size_t len);     /* 1 equal, 0 not; in constant time */
    dwp_status(DWP_CALL *sha256)(const void *data, size_t len, uint8_t out[32]);
    dwp_status(DWP_CALL *hmac_sha256)(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32]);
    /* RFC 4648 section 5 without padding; decode answers padding, other characters, spare bits with DWP_E_FORMAT. */
    dwp_status(DWP_CALL *base64url_encode)(const void *data, size_t len, char *out, size_t capacity, size_t *written);
    dwp_status(DWP_CALL *base64url_decode)(const char *text, size_t len, void *out, size_t capacity, size_t *written);
    /* Authenticated encryption under a key the plugin never sees, bound to the provider name of the call and to
       `purpose` (NUL). For data that leaves the host; records and state are encrypted already. Needs a call. */
    dwp_status(DWP_CALL *seal)(const dwp_host *host, const dwp_call *call, const char *purpose, const void *data,
                               size_t len, void *out, size_t capacity, size_t *written);
    dwp_status(DWP_CALL *unseal)(const dwp_host *host, const dwp_call *call, const char *purpose, const void *data,
                                 size_t len, void *out, size_t capacity, size_t *written); /* DWP_E_FORMAT: not ours */

    /* -- configuration: in open only -- */
    /* `name` is NUL and dotted: "window", "server.port", "origins.0" for the first item of an array. DWP_E_NOT_FOUND: not
       set, *out stays as it is, so put the default there first. DWP_E_CONFIG: of another type. Bytes are valid until open
       returns. */
    dwp_status(DWP_CALL *config_text)(const dwp_config *config, const char *name, dwp_bytes *out);
    dwp_status(DWP_CALL *config_integer)(const dwp_config *config, const char *name, int64_t *out);
    dwp_status(DWP_CALL *config_boolean)(const dwp_config *config, const char *name, int32_t *out); /* 0 or 1 */
    dwp_status(DWP_CALL *config_secret)(const dwp_config *config, const char *name, dwp_bytes *out); /* resolved */

    /* -- the reply: only inside the operation that got rp, on its thread; "enroll" and so on mean their steps too -- */
    /* The verdict, and for DENY the reason, for ACCEPT 0 or DWP_ACCEPT_TWO_IN_ONE. Once: a second one voids the reply. */
    dwp_status(DWP_CALL *verdict)(dwp_reply *rp, uint32_t verdict, uint32_t reason);
    /* normalize: the canonical form. FOUND kinds: who it is, in verify unless resolved, and in enroll.
       1 to 1024 bytes. */
    dwp_status(DWP_CALL *identifier)(dwp_reply *rp, const void *data, size_t len);
    /* What to store, at most one record in a reply. id is NULL: a new record (enroll only, and update of a kind without
       DWP_SEVERAL_RECORDS, where it replaces the old). Otherwise the 16 bytes of one in rq->records, which it replaces.
       Stored only with ACCEPT. verify with an id and len 0: the record is used up, as a set of codes is whose last one
       was this. The user still holds it, is not passed it any more, and signs in without it only after replacing it. */
    dwp_status(DWP_CALL *put_record)(dwp_reply *rp, const uint8_t *id, const void *data, size_t len);
    /* The label of the record that is put: UTF-8 without control characters, at most 255 bytes. Not called: a record that
       is replaced keeps its own, a new one has none. */
    dwp_status(DWP_CALL *label)(dwp_reply *rp, const void *text, size_t len);
    /* With put_record: the handle of the record that is put, unique among all users of the credentials group: a passkey's
       id, a key's prefix. Not called: a record that is replaced keeps its own. One that somebody else has is refused.
       verify with RESOLVE: the handle that the credentials name; it is then called again, with rq->resolved, the user and
       the record that it belongs to, or as a decoy. 1 to 1024 bytes. */
    dwp_status(DWP_CALL *handle)(dwp_reply *rp, const void *data, size_t len);
    /* The record that the credentials matched, for "last used"; put_record with an id says so too. */
    dwp_status(DWP_CALL *used_record)(dwp_reply *rp, const uint8_t *id);
    /* CONTINUE: what step will get back. Seconds until it expires; 0: the host's default, which is also the most. Begin
       it with a version of your own: step may run in a newer plugin. */
    dwp_status(DWP_CALL *state)(dwp_reply *rp, const void *data, size_t len, uint32_t seconds);
    /* CONTINUE: a named value that the person, or the page, needs for the next step. The name is NUL,
       [a-z][a-z0-9_]{0,31}, and comes once; at most 32 in a reply, of 128 KiB together. */
    dwp_status(DWP_CALL *challenge)(dwp_reply *rp, const char *name, const void *data, size_t len);
    /* ACCEPT of enroll or update: a named value shown to the person now and never again (recovery codes, a key). Named and
       bounded as challenges are. */
    dwp_status(DWP_CALL *show_once)(dwp_reply *rp, const char *name, const void *data, size_t len);
    /* verify: an attribute asserted about the person (FOUND kinds and directories). describe: what to show.
       The name is NUL, [a-z][a-z0-9_]{0,31}, and comes once; the value is JSON, at most 8192 bytes; at most 32 in a reply.
       The host knows one name itself: "scopes", an array of strings, is what an API key may do. */
    dwp_status(DWP_CALL *attribute)(dwp_reply *rp, const char *name, const void *json, size_t len);
    /* enroll, update with DENY and INVALID_INPUT: one rule that the input breaks, told to the person. Say all of them.
       field and code are NUL, [a-z][a-z0-9_]{0,31}; limit is what code compares with, or 0. The host has words for
       too_short (characters), too_long (bytes), not_text, missing, bad_format, common, context, mismatch, reused;
       codes of your own reach the application as they are. At most 32 in a reply. */
    dwp_status(DWP_CALL *violation)(dwp_reply *rp, const char *field, const char *code, int64_t limit);
    /* Why it failed, for the operator's log. UTF-8, of which 1024 bytes are kept. Never shown to the person, never a
       secret. */
    dwp_status(DWP_CALL *message)(dwp_reply *rp, const char *text, size_t len);

    /* A constant struct for that id, or NULL. Ask in load or open and keep it: it lives as long as the process. */
    const void *(DWP_CALL *extension)(const dwp_host *host, const char *id);
};

/* ---- Extensions ----------------------------------------------------------------------------------------------- */
/* An id is "name/revision"; others' begin with their reverse domain name. An id that one side does not know: NULL. */

/* Argon2id within the memory budget of the host, with its parameters: never bring your own. Blocks; not for INLINE. */
#define DWP_EXT_PWHASH "doorward.pwhash/1"
#define DWP_PWHASH_MAX 256u /* no hash is longer */
typedef struct dwp_pwhash {
    uint32_t struct_size;
    uint32_t reserved;
    /* A PHC string ("$argon2id$..."), not NUL-terminated. DWP_E_OVERLOADED: the budget is used up. */
    dwp_status(DWP_CALL *hash)(const dwp_host *host, const dwp_call *call, const void *password, size_t password_len,
                               char *out, size_t capacity, size_t *written);
    /* *verdict becomes DWP_ACCEPT or DWP_DENY. With an empty phc it does the same work and denies: for decoys. */
    dwp_status(DWP_CALL *verify)(const dwp_host *host, const dwp_call *call, const void *password, size_t password_len,
                                 const char *phc, size_t phc_len, uint32_t *verdict);
    /* *needed becomes 1 when the host would hash with other parameters today: put a new record with the verdict. */
    dwp_status(DWP_CALL *needs_rehash)(const dwp_host *host, const char *phc, size_t phc_len, int32_t *needed);
} dwp_pwhash;

/* Key and value with expiry and compare-and-swap, for what belongs to no user's record: pending challenges, used nonces,
   counters. Kept in the application's store, values encrypted (keys and counters are not), shared by all its processes
   and machines. A key belongs to the realm and the provider name of the call: nobody else sees it, and a plugin cannot
   reach what is not its own.
   A change holds as soon as the function returns, whatever the verdict will be, in a decoy as well.
   Every function needs the call of the running operation, on its thread, and blocks at most until its deadline: not for
   INLINE kinds (DWP_E_UNSUPPORTED), nor in open, load and normalize (DWP_E_ARGUMENT).
   All answer DWP_E_ARGUMENT to an empty key, DWP_E_TOO_LARGE to a key or value beyond its limit, DWP_E_UNAVAILABLE when
   the store cannot be reached, and DWP_E_TIMEOUT at the deadline: return those two, they let nobody in (a change may
   have been made all the same). put and add answer DWP_E_OVERLOADED when the provider name has as many keys or bytes as
   it may (plugin_limits): what is there can still be changed, where it does not grow, and removed. What is expired is not
   there. Versions are positive and differ with every change.
   Limits: a key has 1 to 1024 bytes, a value 0 to 65536. `version` and `sum` may be NULL. */
#define DWP_EXT_KV "doorward.kv/1"
#define DWP_KV_MAX_KEY 1024u
#define DWP_KV_MAX_VALUE 65536u
#define DWP_KV_ANY (-1)   /* expect: whatever is there */
#define DWP_KV_ABSENT 0   /* expect: nothing is there */
typedef struct dwp_kv {
    uint32_t struct_size;
    uint32_t reserved;
    /* The value, and its version for `expect`. DWP_E_NOT_FOUND: there is none. With DWP_E_TOO_LARGE and *written above
       capacity the buffer was too small, and *version is not written. */
    dwp_status(DWP_CALL *get)(const dwp_host *host, const dwp_call *call, const void *key, size_t key_len, void *out,
                              size_t capacity, size_t *written, int64_t *version);
    /* Writes the value, to be forgotten after `seconds`; 0: never. DWP_E_CONFLICT: what is there is not what `expect`
       says, DWP_KV_ANY, DWP_KV_ABSENT or a version. *version becomes the new one. */
    dwp_status(DWP_CALL *put)(const dwp_host *host, const dwp_call *call, const void *key, size_t key_len,
                              const void *value, size_t value_len, uint32_t seconds, int64_t expect, int64_t *version);
    /* Forgets it. DWP_E_NOT_FOUND: there is none; DWP_E_CONFLICT: it has another version. `expect` is DWP_KV_ANY or a
       version. Of many that remove one key at once exactly one gets DWP_OK: that makes a value good for one use. */
    dwp_status(DWP_CALL *remove)(const dwp_host *host, const dwp_call *call, const void *key, size_t key_len,
                                 int64_t expect);
    /* Adds `delta` to a counter, atomically; *sum becomes what it is now. One that is not there counts as 0 and expires
       `seconds` after it is made (0: never); adding more does not make it live longer. DWP_E_FORMAT: what is there was
       put and is no counter; DWP_E_TOO_LARGE: the sum is beyond 64 bits. Neither changes anything. get gives a counter
       as 8 bytes, little-endian. */
    dwp_status(DWP_CALL *add)(const dwp_host *host, const dwp_call *call, const void *key, size_t key_len, int64_t delta,
                              uint32_t seconds, int64_t *sum);
} dwp_kv;

/* A message to a person, through the application: it has the mail server, the words and the language. */
#define DWP_EXT_DELIVER "doorward.deliver/1"
#define DWP_DELIVER_MAX_MESSAGES 4u
#define DWP_DELIVER_MAX_PARAMS 16u
#define DWP_DELIVER_MAX_VALUE 4096u
typedef struct dwp_deliver {
    uint32_t struct_size;
    uint32_t reserved;
    /* A writer of the reply, like those of the host table: same thread, same rules, a refusal voids the reply. Queues one
       message, which is stored in the same transaction as the flow of CONTINUE or the record of ACCEPT, and only with
       those two; with DENY, RESOLVE and every error it is forgotten. In a decoy it is stored the same way and never sent:
       write it there, too.
       channel: NUL, [a-z][a-z0-9_]{0,31}, how it travels, such as "email" or "sms". address: where to, UTF-8 without
       control characters, 1 to 1024 bytes: the identifier or one of the person's own, never one from the request that nobody has proven, unless it is
       being proven. template_name: NUL, [a-z][a-z0-9_.-]{0,63}, which words the application shall use, such as
       "email_code.sign_in". params: what goes into them, at most DWP_DELIVER_MAX_PARAMS, names [a-z][a-z0-9_]{0,31},
       values UTF-8 of at most DWP_DELIVER_MAX_VALUE bytes, secrets included: they are encrypted until they are sent.
       seconds: how long sending it makes sense; 0: the host's default. At most DWP_DELIVER_MAX_MESSAGES in a reply.
       Needs no thread or connection: INLINE kinds may. */
    dwp_status(DWP_CALL *message)(dwp_reply *rp, const char *channel, const void *address, size_t address_len,
                                  const char *template_name, const dwp_pair *params, uint32_t n_params,
                                  uint32_t seconds);
} dwp_deliver;

/* Bounds on what strangers can make a kind do: messages to one address, calls that cost money. The host counts, in the
   application's store, for all its processes and machines; a kind keeps no counter of its own. */
#define DWP_EXT_LIMIT "doorward.limit/1"
#define DWP_LIMIT_MAX 4u              /* counters of one reply */
#define DWP_LIMIT_MAX_BURST 10000u
#define DWP_LIMIT_MAX_SECONDS 172800u /* of burst times pace */
typedef struct dwp_limit {
    uint32_t struct_size;
    uint32_t reserved;
    /* Whether one more is allowed for this subject: so many at once (`burst`), then one every `pace` seconds. *wait becomes
       0, it is open, or the seconds until it is, it is closed: answer as always then, CONTINUE included, and leave the
       message out, so that nobody is told. Asking reads and writes nothing.
       What was open is charged in the transaction that stores the answer: of CONTINUE, and of ACCEPT of enroll and update;
       with every other answer it is forgotten. If it has closed by then, for somebody was faster, nothing is charged, the
       messages of the reply are dropped, and the answer stays. Asked twice in one operation it is charged once.
       name: NUL, [a-z][a-z0-9_]{0,31}, what is limited. subject: 1 to 1024 bytes, of whom or what, such as the identifier.
       The realm and the provider name of the call stand before both: nobody else's counter can be reached. A browser that
       has signed the user of the request in before has a counter of its own, by that user in place of the subject: whoever
       fills a stranger's counter shuts no owner out. Where the operator has switched throttling off, it is always open.
       Needs the call of the running operation, on its thread, and blocks at most until its deadline: not for INLINE kinds
       (DWP_E_UNSUPPORTED), nor in open, load and normalize (DWP_E_ARGUMENT). Ask in a decoy, too.
       DWP_E_ARGUMENT: another name, an empty subject, a burst of 0 or above DWP_LIMIT_MAX_BURST, a pace of 0, or both
       together beyond DWP_LIMIT_MAX_SECONDS. DWP_E_TOO_LARGE: a longer subject, or more than DWP_LIMIT_MAX counters in one
       reply. DWP_E_UNAVAILABLE, DWP_E_TIMEOUT: it could not be read; return them, they let nobody in. */
    dwp_status(DWP_CALL *limit)(const dwp_host *host, const dwp_call *call, const char *name, const void *subject,
                                size_t subject_len, uint32_t burst, uint32_t pace, uint32_t *wait);
} dwp_limit;

/* HTTP requests under the host's TLS and rules: certificates are checked, redirects are not followed, and only what the
   configuration lists as `egress` of the provider name can be reached. */
#define DWP_EXT_HTTP "doorward.http/1"
#define DWP_HTTP_MAX 1048576u /* bytes of a body, either way */
#define DWP_HTTP_MAX_HEADERS 32u
#define DWP_HTTP_MAX_URL 8192u
typedef struct dwp_http {
    uint32_t struct_size;
    uint32_t reserved;
    /* Sends one request and waits for the answer, at most until the deadline of the call, which must be the running
       operation's, on its thread: not for INLINE kinds (DWP_E_UNSUPPORTED), nor in open, load and normalize.
       method: NUL, "GET", "HEAD", "POST", "PUT" or "DELETE". url: absolute, http or https, at most DWP_HTTP_MAX_URL
       bytes, without user information; what stands behind # is not sent. headers: at most DWP_HTTP_MAX_HEADERS; host,
       content-length, connection and transfer-encoding are the host's. body: may be empty.
       DWP_OK: an answer came, whatever *status says (100 to 599), and its body is in out. DWP_E_TOO_LARGE: it came and
       did not fit; *written says what it needs, or 0 where it is beyond DWP_HTTP_MAX. The request HAS been made then:
       pass a buffer of what you are ready to take. DWP_E_ARGUMENT: not a request (method, URL, header). DWP_E_CONFIG:
       the configuration does not let this provider reach that origin; say so, by returning it. DWP_E_UNAVAILABLE: no
       connection, no valid certificate, or the answer broke off. DWP_E_TIMEOUT: the deadline came first. */
    dwp_status(DWP_CALL *fetch)(const dwp_host *host, const dwp_call *call, const char *method, const char *url,
                                size_t url_len, const dwp_pair *headers, uint32_t n_headers, const void *body,
                                size_t body_len, uint32_t *status, void *out, size_t capacity, size_t *written);
} dwp_http;

/* The plugin's own: what dwp_module.extension answers. The host asks once, when it loads the plugin. */

/* Rewrites records of an older format, so that the operations need to read the newest only. */
#define DWP_EXT_MIGRATE "doorward.plugin.migrate/1"
typedef struct dwp_migrate {
    uint32_t struct_size;
    uint32_t reserved;
    /* The operation for records of the kind of that name (NUL), or NULL: this kind reads all its formats itself.
       Constant, like the tables. The operation gets DWP_OP_MIGRATE, the subject, and exactly one record, whose format is below the
       kind's record_version; no credentials, no state, no identifier. It writes the record anew, host->put_record with
       its id, and ACCEPT. The operation that needed the record then gets the new one; the host stores it when nobody else
       has changed the old one meanwhile, and otherwise asks again another time: so migrating must come out the same
       however often it is done. DENY or DWP_E_FORMAT: the record cannot be read; the sign-in fails as corrupt.
       Threads, deadline and INLINE as for the kind's other operations. Without this extension, or where `operation`
       answers NULL, records arrive as they were written. */
    dwp_operation(DWP_CALL *operation)(const char *kind);
} dwp_migrate;

/* Which options are secrets beside those that the schema marks "writeOnly": true, for plugins whose schema cannot say so.
   Such an option may be given as { file = "..." } like every secret, is read by host->config_secret and never shown.
   An option that the schema does not have, or that is not a string there, refuses the plugin. */
#define DWP_EXT_SECRETS "doorward.plugin.secrets/1"
/* One of them. Never grows. */
typedef struct dwp_secret {
    const char *kind;   /* NUL; the name of one of the module's kinds */
    const char *option; /* NUL; dotted: "server.password" */
} dwp_secret;
typedef struct dwp_secrets {
    uint32_t struct_size;
    uint32_t n_options; /* at most 256 */
    const dwp_secret *options;
} dwp_secrets;

#ifdef __cplusplus
}
#endif
#endif /* DOORWARD_PLUGIN_H */
