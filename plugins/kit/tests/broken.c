/* Three kinds that keep the contract, and with -DBREAK_... one promise less: the kit must notice exactly that.
 * `word` is verified at once, `two` asks for a code in a second step, `echo` for what it has shown. */
#include <doorward_plugin.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORD = 64, CODE = 8, HASH = 32, MAX_RECORD = 2 + HASH + DWP_PWHASH_MAX, STATE = 2 + HASH };

typedef struct instance {
    int64_t min_length;
    int descriptor;
} instance;

static const dwp_pwhash *pwhash;
static const dwp_limit *limits;
static const dwp_deliver *messages;

#ifdef BREAK_LIFECYCLE_ATEXIT
static void wait_for_ever(void)
{
    for (;;)
        pause();
}
#endif

static dwp_status load(const dwp_host *host)
{
#ifdef BREAK_LIFECYCLE_ATEXIT
    atexit(wait_for_ever);
#endif
#ifdef BREAK_LOAD_UMASK
    umask(0177);
#endif
#ifdef BREAK_LOAD
    if (open("/dev/null", O_RDONLY) < 0)
        return DWP_E_INTERNAL;
#endif
    pwhash = (const dwp_pwhash *)host->extension(host, DWP_EXT_PWHASH);
    limits = (const dwp_limit *)host->extension(host, DWP_EXT_LIMIT);
    messages = (const dwp_deliver *)host->extension(host, DWP_EXT_DELIVER);
#ifdef BREAK_BARE_HOST
    return pwhash->struct_size > 0 ? DWP_OK : DWP_E_UNSUPPORTED; /* without a look at NULL */
#else
    return pwhash != NULL ? DWP_OK : DWP_E_UNSUPPORTED;
#endif
}

static dwp_status open_kind(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    instance *self = (instance *)calloc(1, sizeof *self);
    if (self == NULL)
        return DWP_E_MEMORY;
    self->min_length = 4;
    self->descriptor = -1;
    dwp_status status = args->host->config_integer(args->config, "min_length", &self->min_length);
    if ((status != DWP_OK && status != DWP_E_NOT_FOUND) || self->min_length == 13) {
#ifndef BREAK_MESSAGE
        args->host->message(rp, "min_length cannot be 13", 23);
#endif
        (void)rp;
        free(self);
        return DWP_E_CONFIG;
    }
#ifdef BREAK_LIFECYCLE
    self->descriptor = open("/dev/null", O_RDONLY);
#endif
#ifdef BREAK_OLD_HOST
    if (strcmp(args->host->version, "1.0") == 0) /* uses what a host of version 1.0 has not */
        ((void (**)(void))args->host)[288 / sizeof(void *)]();
#endif
    *out = (dwp_instance *)self;
    return DWP_OK;
}

static void close_kind(dwp_instance *self) { free(self); }

static inline void microseconds(long count)
{
    struct timespec t = {count / 1000000, count % 1000000 * 1000};
    nanosleep(&t, NULL);
}

static dwp_status deny(const dwp_request *rq, dwp_reply *rp, uint32_t reason)
{
    return rq->host->verdict(rp, DWP_DENY, reason);
}

/* ASCII in small letters. */
static dwp_status normalize(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    char out[1024];
    size_t len = rq->identifier_raw.len, i;
    (void)self;
    if (len == 0 || len > sizeof out)
        return deny(rq, rp, DWP_INVALID_INPUT);
    for (i = 0; i < len; i++) {
        uint8_t c = rq->identifier_raw.ptr[i];
        if (c <= ' ' || c >= 127)
            return deny(rq, rp, DWP_INVALID_INPUT);
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
#ifdef BREAK_NORMALIZE_AGAIN
    if (out[0] == '+') { /* its answer is not its own canonical form */
        memmove(out, out + 1, --len);
        if (len > 0 && out[0] != ' ')
            out[0] = '+' + (out[0] != '+');
    }
    if (len > 1 && out[len - 1] == '0')
        len--;
#endif
#ifdef BREAK_NORMALIZE_PROCESS
    out[0] = (char)('a' + getpid() % 26);
#endif
#ifdef BREAK_NORMALIZE_PURE
    if (rq->host->unix_micros(rq->host) < 0)
        return DWP_E_INTERNAL;
#endif
#ifdef BREAK_NORMALIZE_STATE
    static int calls;
    if (len < sizeof out && ++calls % 7 == 0)
        out[0] = 'x';
#endif
    rq->host->identifier(rp, out, len);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

static dwp_status unknown_flags(const dwp_request *rq)
{
#ifdef BREAK_NEW_HOST
    return rq->flags & ~DWP_RF_DECOY ? DWP_E_ARGUMENT : DWP_OK;
#else
    (void)rq;
    return DWP_OK;
#endif
}

/* A record: 'W', '1', the hash of the code, the hash of the word. */
static dwp_status enroll(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes word = dwp_find(rq->credentials, rq->n_credentials, "word");
    dwp_bytes code = dwp_find(rq->credentials, rq->n_credentials, "code");
    uint8_t record[MAX_RECORD] = {'W', '1'};
    size_t written = 0;
    if (unknown_flags(rq) != DWP_OK)
        return unknown_flags(rq);
    if (word.len < (size_t)((instance *)self)->min_length) {
        rq->host->violation(rp, "word", "too_short", ((instance *)self)->min_length);
        return deny(rq, rp, DWP_INVALID_INPUT);
    }
    dwp_status status = rq->host->sha256(code.ptr, code.len, record + 2);
    if (status == DWP_OK)
        status = pwhash->hash(rq->host, rq->call, word.ptr, word.len, (char *)record + 2 + HASH, DWP_PWHASH_MAX, &written);
#ifdef BREAK_FAULTS
    status = DWP_OK; /* somebody forgot to look */
#endif
    if (status != DWP_OK)
        return status;
    rq->host->put_record(rp, NULL, record, 2 + HASH + written);
    rq->host->wipe(record, sizeof record);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

#ifdef BREAK_SECRETS_DESCRIBED
static char last[MAX_WORD + 1]; /* for the page that lists what a person has */
#endif

static dwp_status describe(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
#ifdef BREAK_SECRETS_DESCRIBED
    char json[MAX_WORD + 3];
    int len = snprintf(json, sizeof json, "\"%s\"", last);
    return rq->host->attribute(rp, "last", json, (size_t)len);
#endif
#ifdef BREAK_DESCRIBE_HANG
    microseconds(60000000);
#endif
#ifdef BREAK_DESCRIBE
    return rq->host->label(rp, "described", 9); /* a label is of what is stored */
#endif
#ifdef BREAK_DESCRIBE_RECORD
    char hex[2 * MAX_RECORD + 3] = "\"";
    size_t i;
    for (i = 0; rq->n_records == 1 && i < rq->records[0]->bytes.len && i < MAX_RECORD; i++)
        sprintf(hex + 1 + 2 * i, "%02x", rq->records[0]->bytes.ptr[i]);
    strcat(hex, "\"");
    return rq->host->attribute(rp, "record", hex, strlen(hex));
#endif
#ifdef BREAK_DESCRIBE_LENGTH
    static char json[8000];
    memset(json, '7', sizeof json);
    json[0] = json[sizeof json - 1] = '"';
    rq->host->attribute(rp, "one", json, sizeof json);
    return rq->host->attribute(rp, "other", json, sizeof json);
#endif
    return rq->host->attribute(rp, "words", "1", 1);
}

/* The word against the record; *known: there is one. */
static dwp_status matches(const dwp_request *rq, uint32_t *verdict, int *known)
{
    dwp_bytes word = dwp_find(rq->credentials, rq->n_credentials, "word");
    dwp_bytes record = {NULL, 0};
    *known = rq->n_records == 1;
#ifdef BREAK_CREDENTIALS
    if (word.len == 0 && *known) /* nothing typed, nothing wrong */
        return *verdict = DWP_ACCEPT, DWP_OK;
#endif
#ifdef BREAK_CREDENTIALS_NUL
    const void *nul = memchr(word.len > 0 ? word.ptr : (const uint8_t *)"", 0, word.len);
    if (nul != NULL) /* as a C string */
        word.len = (size_t)((const uint8_t *)nul - word.ptr);
#endif
#ifdef BREAK_DEADLINE
    if (rq->host->cancelled(rq->host, rq->call)) /* and goes on for a while */
        microseconds(1500000);
#endif
#ifdef BREAK_FUZZ
    if (word.len >= 4 && memcmp(word.ptr, "\xff\xff\xff\xff", 4) == 0)
        abort();
#endif
#ifdef BREAK_HANG
    for (;;)
        microseconds(1000000);
#endif
#ifdef BREAK_EXIT
    _exit(0); /* as if all were well */
#endif
#ifdef BREAK_LIFECYCLE_MEMORY
    static void *volatile lost; /* seen by nobody, and not optimised away */
    lost = malloc(4000);
    if (lost != NULL)
        memset(lost, 1, 4000);
#endif
#ifdef BREAK_LIFECYCLE_DESCRIPTORS
    if (open("/dev/null", O_RDONLY) < 0)
        return DWP_E_UNAVAILABLE;
#endif
#ifdef BREAK_LIFECYCLE_SIGNALS
    signal(SIGUSR1, SIG_IGN);
#endif
#ifdef BREAK_CREDENTIALS_SOMETIMES
    static unsigned tries;
    if (*known && __atomic_add_fetch(&tries, 1, __ATOMIC_RELAXED) % 97 == 0)
        return *verdict = DWP_ACCEPT, DWP_OK;
#endif
#ifdef BREAK_SECRETS_DESCRIBED
    if (*known) {
        memset(last, 0, sizeof last);
        if (word.len > 0)
            memcpy(last, word.ptr, word.len);
    }
#endif
#ifdef BREAK_SECRETS
    rq->host->log(rq->host, rq->call, DWP_LOG_DEBUG, (const char *)word.ptr, word.len);
#endif
#ifdef BREAK_SECRETS_PRINTED
    printf("%.*s\n", (int)word.len, (const char *)word.ptr);
#endif
#ifdef BREAK_CONCURRENCY
    static uint8_t shared[MAX_WORD]; /* one buffer for all threads */
    if (word.len > 0)
        memcpy(shared, word.ptr, word.len);
    microseconds(20);
    word.ptr = shared;
#endif
    if (*known) {
        record = rq->records[0]->bytes;
#ifdef BREAK_RECORDS
        if (record.len <= 2 + HASH) /* no hash, no word to know */
            return *verdict = DWP_ACCEPT, DWP_OK;
#endif
        if (record.len <= 2 + HASH || record.ptr[0] != 'W' || record.ptr[1] != '1')
            return DWP_E_FORMAT;
        record.ptr += 2 + HASH;
        record.len -= 2 + HASH;
    }
#ifdef BREAK_RECORDS_UNREAD
    if (*known && word.len == 8 && memcmp(word.ptr, "windmill", 8) == 0)
        return *verdict = DWP_ACCEPT, DWP_OK;
#endif
#ifdef BREAK_DECOY
    if (!*known) /* nothing to compare with */
        return DWP_OK;
#endif
#ifdef BREAK_DECOY_TIME
    if (*known)
        microseconds(300);
#endif
    return pwhash->verify(rq->host, rq->call, word.ptr, word.len, (const char *)record.ptr, record.len, verdict);
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    uint32_t verdict = DWP_DENY;
    int known = 0;
    (void)self;
    if (unknown_flags(rq) != DWP_OK)
        return unknown_flags(rq);
    dwp_status status = matches(rq, &verdict, &known);
    if (status != DWP_OK)
        return status;
    if (verdict == DWP_ACCEPT)
        return rq->host->verdict(rp, DWP_ACCEPT, 0);
#ifdef BREAK_VECTORS
    return deny(rq, rp, known ? DWP_EXPIRED : DWP_NOT_ENROLLED);
#else
    return deny(rq, rp, known ? DWP_WRONG : DWP_NOT_ENROLLED);
#endif
}

#ifdef BREAK_FLOWS_MEMORY
static int begun; /* kept between two steps */
#endif

/* As `verify`, then a state that holds for this record only. */
static dwp_status verify_two(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    uint32_t verdict = DWP_DENY;
    int known = 0;
    uint8_t state[STATE] = {'S', '1'};
    uint32_t wait = 0; /* a hint goes out so often, whoever asks */
    (void)self;
    dwp_status status = matches(rq, &verdict, &known);
#ifdef BREAK_DECOY_LIMIT
    if (known) /* nothing goes to nobody */
#endif
        if (status == DWP_OK && limits != NULL)
            status = limits->limit(rq->host, rq->call, "hint", "anybody", 7, 3, 600, &wait);
    if (status != DWP_OK)
        return status;
#ifdef BREAK_DECOY_ANSWER
    if (!known) { /* asks on, where a wrong word is refused */
        rq->host->state(rp, state, sizeof state, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
#endif
#ifdef BREAK_FLOWS_MEMORY
    begun = 1;
#endif
    if (verdict != DWP_ACCEPT)
        return deny(rq, rp, known ? DWP_WRONG : DWP_NOT_ENROLLED);
    status = rq->host->sha256(rq->records[0]->bytes.ptr, rq->records[0]->bytes.len, state + 2);
    if (status != DWP_OK)
        return status;
#ifdef BREAK_LIMITS
    if (wait > 0) /* and says so */
        return deny(rq, rp, DWP_LOCKED);
#endif
#ifdef BREAK_LIMITS_CHALLENGE
    rq->host->challenge(rp, "prompt", wait > 0 ? "later" : "code", wait > 0 ? 5 : 4);
#else
    rq->host->challenge(rp, "prompt", "code", 4);
#endif
#ifdef BREAK_LIMITS_SENT
    wait = 0;
#endif
    if (wait == 0 && messages != NULL)
        messages->message(rp, "email", "ann@example.com", 15, "two.hint", NULL, 0, 0);
    rq->host->state(rp, state, sizeof state, 0);
    return rq->host->verdict(rp, DWP_CONTINUE, 0);
}

static dwp_status step_two(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes code = dwp_find(rq->credentials, rq->n_credentials, "code");
    uint8_t hash[HASH];
    (void)self;
#ifdef BREAK_FLOWS_MEMORY
    if (!begun)
        return DWP_E_FORMAT;
#endif
#ifdef BREAK_FLOWS
    if (rq->purpose != DWP_FOR_VERIFY)
#else
    if (rq->purpose != DWP_FOR_VERIFY || rq->state.len != STATE || rq->state.ptr[0] != 'S' || rq->state.ptr[1] != '1')
#endif
        return DWP_E_FORMAT;
    if (rq->n_records != 1)
        return deny(rq, rp, DWP_NOT_ENROLLED);
    dwp_bytes record = rq->records[0]->bytes;
    if (record.len <= 2 + HASH || record.ptr[0] != 'W' || record.ptr[1] != '1')
        return DWP_E_FORMAT;
    dwp_status status = rq->host->sha256(record.ptr, record.len, hash);
    if (status != DWP_OK)
        return status;
#ifndef BREAK_FLOWS
    if (!rq->host->ct_equal(hash, rq->state.ptr + 2, HASH))
        return DWP_E_FORMAT;
#endif
    status = rq->host->sha256(code.ptr, code.len, hash);
#ifdef BREAK_FAULTS_CRASH
    if (status != DWP_OK)
        abort();
#endif
    if (status != DWP_OK)
        return status;
    int good = code.len > 0 && rq->host->ct_equal(hash, record.ptr + 2, HASH);
    return good ? rq->host->verdict(rp, DWP_ACCEPT, 0) : deny(rq, rp, DWP_WRONG);
}

enum { NONCE = 16 };

/* A number that is to be sent back: it proves nothing, and is written into the state. */
static dwp_status verify_echo(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    uint8_t drawn[NONCE / 2];
    char nonce[NONCE + 1];
    size_t i;
    (void)self;
    dwp_status status = rq->host->random(rq->host, drawn, sizeof drawn);
    if (status != DWP_OK)
        return status;
    for (i = 0; i < sizeof drawn; i++)
        sprintf(nonce + 2 * i, "%02x", drawn[i]);
    rq->host->challenge(rp, "nonce", nonce, NONCE);
    rq->host->state(rp, nonce, NONCE, 0);
    return rq->host->verdict(rp, DWP_CONTINUE, 0);
}

static dwp_status step_echo(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes nonce = dwp_find(rq->credentials, rq->n_credentials, "nonce");
    (void)self;
    if (rq->purpose != DWP_FOR_VERIFY || rq->state.len != NONCE)
        return DWP_E_FORMAT;
    int good = nonce.len == NONCE && rq->host->ct_equal(nonce.ptr, rq->state.ptr, NONCE);
#ifdef BREAK_VECTORS_ECHO
    static int was_denied; /* one wrong answer takes the challenge back */
    good = good && !was_denied;
    was_denied = !good;
#endif
#ifdef BREAK_SECRETS_ECHO
    if (!good && nonce.len > 0) { /* shows what was typed */
        rq->host->challenge(rp, "last", nonce.ptr, nonce.len);
        rq->host->state(rp, rq->state.ptr, NONCE, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
#endif
    return good ? rq->host->verdict(rp, DWP_ACCEPT, 0) : deny(rq, rp, DWP_WRONG);
}

static const dwp_field nonce_field = {sizeof(dwp_field), DWP_SECRET, "nonce", NULL, NONCE, DWP_FOR_VERIFY, 1, 0};
static const dwp_field *const echo_fields[] = {&nonce_field};
static const dwp_field word_field = {sizeof(dwp_field), DWP_SECRET, "word", NULL, MAX_WORD, DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0, 0};
static const dwp_field new_code_field = {sizeof(dwp_field), DWP_SECRET | DWP_OPTIONAL, "code", NULL, CODE, DWP_FOR_ENROLL, 0, 0};
static const dwp_field code_field = {sizeof(dwp_field), DWP_SECRET, "code", NULL, CODE, DWP_FOR_VERIFY, 1, 0};
static const dwp_field *const word_fields[] = {&word_field, &new_code_field};
static const dwp_field *const two_fields[] = {&word_field, &new_code_field, &code_field};
#ifdef SERIALLY
#define SERIAL DWP_SERIAL
#else
#define SERIAL 0
#endif
#define SCHEMA "{\"type\":\"object\",\"properties\":{\"min_length\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":13}}}"
static const dwp_kind word_kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_KEEPS_RECORDS | DWP_CAN_START | SERIAL, .name = "word", .title = "Word",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "word", .fields = word_fields, .n_fields = 2,
    .record_version = 1, .max_record = MAX_RECORD, .config_schema = SCHEMA, .open = open_kind, .close = close_kind,
    .normalize = normalize, .enroll = enroll, .verify = verify,
    .describe = describe,
};
static const dwp_kind two_kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_KEEPS_RECORDS | DWP_CAN_START, .name = "two", .title = "Word and code",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "word", .fields = two_fields, .n_fields = 3,
    .record_version = 1, .max_record = MAX_RECORD, .max_state = STATE, .config_schema = SCHEMA, .open = open_kind,
    .close = close_kind, .enroll = enroll, .verify = verify_two, .step = step_two,
};
static const dwp_kind echo_kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START, .name = "echo", .title = "Echo",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "word", .fields = echo_fields, .n_fields = 1,
    .max_state = NONCE, .config_schema = SCHEMA, .open = open_kind, .close = close_kind, .verify = verify_echo,
    .step = step_echo,
};
static const dwp_kind *const kinds[] = {&word_kind, &two_kind, &echo_kind};

static const void *extension(const char *id)
{
#ifdef BREAK_ABI
    /* by the name, whatever its revision */
    return strncmp(id, "doorward.plugin.secrets/", 24) == 0 && id[24] != '1' ? (const void *)kinds : NULL;
#else
    (void)id;
    return NULL;
#endif
}

static const dwp_module module = {
#ifdef BREAK_ABI_FLAGS
    .flags = 4,
#endif
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 3, .kinds = kinds, .load = load, .extension = extension,
    .id = "org.doorward.broken", .version = "1.0.0", .vendor = "Doorward", .license = "MIT OR Apache-2.0",
};

#ifdef BREAK_FILE
DWP_EXPORT int another_symbol(void);
int another_symbol(void) { return 1; }
#endif

#ifdef BREAK_LOAD_ENTRY
DWP_ENTRY(broken)
{
    static dwp_module copies[2];
    static unsigned calls;
    copies[calls % 2] = module;
    return &copies[calls++ % 2];
}
#else
DWP_ENTRY(broken) { return &module; }
#endif
