/* Kinds for tests of claims and of users that a kind finds. What they verify is a text that says what is right about
 * it; nothing leaves the process.
 *
 * `issuer` finds people elsewhere and keeps nothing: a code "good:SUBJECT" or "good:SUBJECT:ADDRESS" is right.
 * `directory` keeps nothing either, but the person says who it is: the password is "ldap" and the identifier.
 * `mailbox` does the same in two steps: the code is 1234.
 * `token` keeps records that a handle finds; a key of it starts no sign-in, and says what it is good for.
 * `passkey` does, and starts one; it asks for its id in a step where it is not given.
 * `verified` is the same whose user is verified each time: two in one. */
#include <doorward_plugin.h>

static int is(dwp_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0;
}

static dwp_bytes credential(const dwp_request *rq, const char *name)
{
    return dwp_find(rq->credentials, rq->n_credentials, name);
}

static dwp_status decide(const dwp_request *rq, dwp_reply *rp, int good)
{
    return rq->host->verdict(rp, good ? DWP_ACCEPT : DWP_DENY, good ? 0 : DWP_WRONG);
}

/* ---- issuer --------------------------------------------------------------------------------------------------- */

static dwp_status answer_issuer(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    static const char issuer[] = "https://issuer.example ";
    dwp_bytes code = credential(rq, "code");
    char who[128], json[160];
    size_t subject, address = 0, at = 0;
    (void)self;
    if (code.len == 0 && rq->operation == DWP_OP_VERIFY) {
        rq->host->challenge(rp, "url", "https://issuer.example/authorize", 32);
        rq->host->state(rp, "i", 1, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
    /* Nobody is a decoy here: who is meant is known only now. */
    if ((rq->flags & DWP_RF_DECOY) != 0 || code.len <= 5 || memcmp(code.ptr, "good:", 5) != 0)
        return decide(rq, rp, 0);
    for (subject = 5; subject < code.len && code.ptr[subject] != ':'; subject++)
        ;
    memcpy(who, issuer, sizeof issuer - 1);
    memcpy(who + sizeof issuer - 1, code.ptr + 5, subject - 5);
    rq->host->identifier(rp, who, sizeof issuer - 1 + subject - 5);
    if (subject < code.len) {
        json[at++] = '"';
        for (address = subject + 1; address < code.len; address++)
            json[at++] = (char)code.ptr[address];
        json[at++] = '"';
        rq->host->attribute(rp, "email", json, at);
    }
    return decide(rq, rp, 1);
}

/* ---- directory ------------------------------------------------------------------------------------------------ */

static dwp_status verify_directory(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes password = credential(rq, "password");
    (void)self;
    if (is(password, "down"))
        return DWP_E_UNAVAILABLE;
    if (is(password, "boast")) { /* more than a claim may carry */
        static const char *const names[] = {"a", "b", "c"};
        static char text[8000];
        int i;
        memset(text, 'x', sizeof text);
        text[0] = text[sizeof text - 1] = '"';
        for (i = 0; i < 3; i++)
            rq->host->attribute(rp, names[i], text, sizeof text);
        return decide(rq, rp, 1);
    }
    rq->host->attribute(rp, "name", "\"Ada Lovelace\"", 14);
    return decide(rq, rp,
                  password.len == rq->identifier.len + 4 && memcmp(password.ptr, "ldap", 4) == 0 &&
                      memcmp(password.ptr + 4, rq->identifier.ptr, rq->identifier.len) == 0);
}

/* ---- mailbox -------------------------------------------------------------------------------------------------- */

static dwp_status verify_mailbox(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    rq->host->challenge(rp, "sent", "yes", 3);
    rq->host->state(rp, "m", 1, 0);
    return rq->host->verdict(rp, DWP_CONTINUE, 0);
}

static dwp_status step_mailbox(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    (void)self;
    return decide(rq, rp, is(credential(rq, "code"), "1234"));
}

/* ---- token ---------------------------------------------------------------------------------------------------- */

static dwp_status enroll_token(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes key = credential(rq, "key"), scopes = credential(rq, "scopes");
    (void)self;
    rq->host->handle(rp, key.ptr, key.len);
    rq->host->put_record(rp, NULL, scopes.ptr, scopes.len);
    rq->host->show_once(rp, "key", key.ptr, key.len);
    return decide(rq, rp, 1);
}

static dwp_status verify_token(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes key = credential(rq, "key");
    (void)self;
    if (rq->resolved.len == 0) {
        rq->host->handle(rp, key.ptr, key.len);
        return rq->host->verdict(rp, DWP_RESOLVE, 0);
    }
    if (rq->n_records == 0)
        return decide(rq, rp, 0);
    if (is(rq->records[0]->bytes, "expired"))
        return rq->host->verdict(rp, DWP_DENY, DWP_EXPIRED);
    if (rq->records[0]->bytes.len > 0)
        rq->host->attribute(rp, "scopes", rq->records[0]->bytes.ptr, rq->records[0]->bytes.len);
    return decide(rq, rp, 1);
}

/* ---- passkey -------------------------------------------------------------------------------------------------- */

static dwp_status enroll_passkey(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes id = credential(rq, "id");
    (void)self;
    if (id.len == 0 && rq->operation == DWP_OP_ENROLL) {
        rq->host->challenge(rp, "name", rq->display.ptr, rq->display.len);
        rq->host->state(rp, "p", 1, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
    if (id.len == 0)
        return decide(rq, rp, 0);
    if (is(id, "nobody")) { /* breaks the contract where there is no user */
        rq->host->handle(rp, id.ptr, id.len);
        rq->host->put_record(rp, NULL, "key", 3);
        return decide(rq, rp, 1);
    }
    if (rq->subject.len == 0)
        rq->host->identifier(rp, id.ptr, id.len);
    rq->host->handle(rp, id.ptr, id.len);
    rq->host->put_record(rp, NULL, "key", 3);
    return decide(rq, rp, 1);
}

static dwp_status verify_passkey(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    dwp_bytes id = credential(rq, "id");
    (void)self;
    if (id.len == 0 && rq->operation == DWP_OP_VERIFY) {
        char known = rq->subject.len && !(rq->flags & DWP_RF_DECOY) ? '1' : '0';
        rq->host->challenge(rp, "known", &known, 1);
        rq->host->state(rp, "p", 1, 0);
        return rq->host->verdict(rp, DWP_CONTINUE, 0);
    }
    if (rq->resolved.len == 0) {
        rq->host->handle(rp, id.ptr, id.len);
        return rq->host->verdict(rp, DWP_RESOLVE, 0);
    }
    return decide(rq, rp, rq->n_records > 0);
}

static dwp_status step_passkey(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    return rq->purpose == DWP_FOR_ENROLL ? enroll_passkey(self, rq, rp) : verify_passkey(self, rq, rp);
}

static dwp_status verify_verified(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    if (rq->resolved.len == 0 || rq->n_records == 0)
        return verify_passkey(self, rq, rp);
    return rq->host->verdict(rp, DWP_ACCEPT, DWP_ACCEPT_TWO_IN_ONE);
}

static dwp_status step_verified(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    return rq->purpose == DWP_FOR_ENROLL ? enroll_passkey(self, rq, rp) : verify_verified(self, rq, rp);
}

/* ---- declarations --------------------------------------------------------------------------------------------- */

#define FIELD(c, flags, name, purposes, step) \
    static const dwp_field c = {sizeof(dwp_field), flags, name, NULL, 96, purposes, step, 0}

FIELD(code_at_once, DWP_SECRET | DWP_OPTIONAL, "code", DWP_FOR_VERIFY, 0);
FIELD(code_in_step, DWP_SECRET, "code", DWP_FOR_VERIFY, 1);
FIELD(password, DWP_SECRET, "password", DWP_FOR_VERIFY, 0);
FIELD(key, DWP_SECRET, "key", DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0);
FIELD(scopes, DWP_OPTIONAL, "scopes", DWP_FOR_ENROLL, 0);
FIELD(id_at_once, DWP_OPTIONAL, "id", DWP_FOR_ENROLL | DWP_FOR_VERIFY, 0);
FIELD(id_in_step, 0, "id", DWP_FOR_ENROLL | DWP_FOR_VERIFY, 1);

static const dwp_field *const issuer_fields[] = {&code_at_once, &code_in_step};
static const dwp_field *const directory_fields[] = {&password};
static const dwp_field *const mailbox_fields[] = {&code_in_step};
static const dwp_field *const token_fields[] = {&key, &scopes};
static const dwp_field *const passkey_fields[] = {&id_at_once, &id_in_step};

static const dwp_kind issuer = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_CAN_START, .name = "issuer", .title = "Issuer",
    .identifier_source = DWP_SOURCE_FOUND, .factor = DWP_FACTOR_POSSESSION, .channel = "oidc",
    .fields = issuer_fields, .n_fields = 2, .max_state = 2, .verify = answer_issuer, .step = answer_issuer,
};
static const dwp_kind directory = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_CAN_START, .name = "directory", .title = "Directory",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "directory",
    .fields = directory_fields, .n_fields = 1, .verify = verify_directory,
};
static const dwp_kind mailbox = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_CAN_START, .name = "mailbox", .title = "Mailbox",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_POSSESSION, .channel = "email",
    .fields = mailbox_fields, .n_fields = 1, .max_state = 2, .verify = verify_mailbox, .step = step_mailbox,
};
static const dwp_kind token = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_SEVERAL_RECORDS, .name = "token",
    .title = "Token", .identifier_source = DWP_SOURCE_FOUND, .factor = DWP_FACTOR_NONE, .channel = "api_key",
    .fields = token_fields, .n_fields = 2, .record_version = 1, .max_record = 128,
    .enroll = enroll_token, .verify = verify_token,
};
static const dwp_kind passkey = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_SEVERAL_RECORDS | DWP_CAN_START |
        DWP_UNGUESSABLE | DWP_UNSTORED_START,
    .name = "passkey", .title = "Passkey", .identifier_source = DWP_SOURCE_FOUND, .factor = DWP_FACTOR_POSSESSION,
    .channel = "webauthn", .fields = passkey_fields, .n_fields = 2, .record_version = 1, .max_record = 32, .max_state = 2,
    .enroll = enroll_passkey, .verify = verify_passkey, .step = step_passkey,
};
static const dwp_kind verified = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_INLINE | DWP_KEEPS_RECORDS | DWP_SEVERAL_RECORDS | DWP_CAN_START |
        DWP_UNGUESSABLE | DWP_UNSTORED_START | DWP_TWO_IN_ONE,
    .name = "verified", .title = "Passkey", .identifier_source = DWP_SOURCE_FOUND, .factor = DWP_FACTOR_POSSESSION,
    .channel = "webauthn", .fields = passkey_fields, .n_fields = 2, .record_version = 1, .max_record = 32, .max_state = 2,
    .enroll = enroll_passkey, .verify = verify_verified, .step = step_verified,
};
static const dwp_kind *const kinds[] = {&issuer, &directory, &mailbox, &token, &passkey, &verified};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .n_kinds = 6, .kinds = kinds, .id = "org.doorward.tests.claims", .version = "1", .vendor = "Doorward",
    .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(claims) { return &module; }
