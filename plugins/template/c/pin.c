/* A provider in C: a PIN, then one character of a memorable word. The contract is doorward_plugin.h.
 * Build: make, or  cc -O2 -fPIC -shared -fvisibility=hidden -I../../../include pin.c -o pin.so */
#include <doorward_plugin.h>
#include <stdio.h>

enum { FORMAT = 1, WORD_MIN = 6, WORD_MAX = 32, PIN_MIN = 6, PIN_MAX = 12 };

/* What we keep for each user; bytes only, so without padding. The host stores it encrypted. */
typedef struct record {
    uint8_t format;                /* FORMAT */
    uint8_t logins;                /* sign-ins so far, modulo 256: says which character is asked for */
    uint8_t word_len;              /* WORD_MIN to WORD_MAX */
    char word[WORD_MAX];           /* readable, as single characters of it are compared */
    char phc[DWP_PWHASH_MAX + 1];  /* the hash of the PIN, NUL */
} record;

static const dwp_pwhash *pwhash; /* written once, by load, before anything else runs */

static dwp_status load(const dwp_host *host)
{
    pwhash = (const dwp_pwhash *)host->extension(host, DWP_EXT_PWHASH);
    return pwhash != NULL ? DWP_OK : DWP_E_UNSUPPORTED;
}

static int read_record(const dwp_request *rq, record *r)
{
    memset(r, 0, sizeof *r);
    if (rq->n_records != 1 || rq->records[0]->bytes.len != sizeof *r || rq->records[0]->bytes.ptr[0] != FORMAT)
        return 0;
    memcpy(r, rq->records[0]->bytes.ptr, sizeof *r);
    return r->word_len >= WORD_MIN && r->word_len <= WORD_MAX && r->phc[DWP_PWHASH_MAX] == 0;
}

/* It moves on with each sign-in only: whoever begins again is asked for the same character again. */
static uint8_t position(const record *r) { return (uint8_t)(r->logins % r->word_len); }

static dwp_status deny(const dwp_request *rq, dwp_reply *rp, uint32_t reason)
{
    return rq->host->verdict(rp, DWP_DENY, reason); /* DWP_OK: we could decide, and the answer is no */
}

static dwp_status enroll(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes pin = dwp_find(rq->credentials, rq->n_credentials, "pin");
    dwp_bytes word = dwp_find(rq->credentials, rq->n_credentials, "word");
    record r = {FORMAT, 0, (uint8_t)word.len, "", ""};
    size_t written = 0;
    (void)self; /* this kind has no options, hence no open and no instance */
    if (pin.len < PIN_MIN)
        rq->host->violation(rp, "pin", "too_short", PIN_MIN); /* all violations, then the verdict */
    if (word.len < WORD_MIN)
        rq->host->violation(rp, "word", "too_short", WORD_MIN);
    if (pin.len < PIN_MIN || word.len < WORD_MIN)
        return deny(rq, rp, DWP_INVALID_INPUT);
    memcpy(r.word, word.ptr, word.len); /* fits: the host has checked word_field.max_len */
    dwp_status status = pwhash->hash(rq->host, rq->call, pin.ptr, pin.len, r.phc, DWP_PWHASH_MAX, &written);
    if (status != DWP_OK)
        return status; /* we could not decide */
    rq->host->put_record(rp, NULL, &r, sizeof r);
    rq->host->wipe(&r, sizeof r);
    return rq->host->verdict(rp, DWP_ACCEPT, 0);
}

/* First step: the PIN. Without a record the hash is empty, which costs the same and never matches. */
static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes pin = dwp_find(rq->credentials, rq->n_credentials, "pin");
    uint32_t verdict = DWP_DENY;
    record r;
    (void)self;
    int known = read_record(rq, &r);
    uint8_t state[2] = {FORMAT, known ? position(&r) : 0};
    dwp_status status = pwhash->verify(rq->host, rq->call, pin.ptr, pin.len, r.phc, known ? strlen(r.phc) : 0, &verdict);
    rq->host->wipe(&r, sizeof r);
    if (status != DWP_OK)
        return status;
    if (!known || verdict != DWP_ACCEPT)
        return deny(rq, rp, known ? DWP_WRONG : DWP_NOT_ENROLLED);
    char shown[4];
    int len = snprintf(shown, sizeof shown, "%d", state[1] + 1);
    rq->host->challenge(rp, "position", shown, (size_t)len); /* "3": the third character, please */
    rq->host->state(rp, state, sizeof state, 0);             /* comes back to step, maybe on another machine */
    return rq->host->verdict(rp, DWP_CONTINUE, 0);
}

/* Second step: the character. The counter is stored by compare-and-swap, so one challenge serves one sign-in. */
static dwp_status step(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes character = dwp_find(rq->credentials, rq->n_credentials, "character");
    record r;
    (void)self;
    if (rq->purpose != DWP_FOR_VERIFY || rq->state.len != 2 || rq->state.ptr[0] != FORMAT)
        return DWP_E_FORMAT; /* the state of another version of this plugin: the person begins again */
    int good = read_record(rq, &r) && rq->state.ptr[1] == position(&r) && character.len == 1 &&
               rq->host->ct_equal(character.ptr, r.word + rq->state.ptr[1], 1);
    r.logins++;
    if (good)
        rq->host->put_record(rp, rq->records[0]->id, &r, sizeof r);
    rq->host->wipe(&r, sizeof r);
    return good ? rq->host->verdict(rp, DWP_ACCEPT, 0) : deny(rq, rp, DWP_WRONG);
}

static const dwp_field pin_field = {sizeof(dwp_field), DWP_SECRET, "pin", NULL, PIN_MAX, DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0, 0};
static const dwp_field word_field = {sizeof(dwp_field), DWP_SECRET, "word", NULL, WORD_MAX, DWP_FOR_ENROLL, 0, 0};
static const dwp_field character_field = {sizeof(dwp_field), DWP_SECRET, "character", NULL, 1, DWP_FOR_VERIFY, 1, 0};
static const dwp_field *const fields[] = {&pin_field, &word_field, &character_field};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_KEEPS_RECORDS | DWP_CAN_START, .name = "pin", .title = "PIN",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "pin", .fields = fields, .n_fields = 3,
    .record_version = 1, .max_record = sizeof(record), .max_state = 2, .enroll = enroll, .verify = verify, .step = step,
};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 1, .kinds = kinds, .load = load,
    .id = "org.doorward.pin", .version = "1.0.0", .vendor = "Doorward", .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(pin) { return &module; }
