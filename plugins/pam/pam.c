/* Sign-in with PAM: the accounts of the machine, or whatever its PAM stack asks. The contract is doorward_plugin.h.
 *
 * PAM modules are code of strangers that forks, sleeps, changes signal handlers and leaks. So this plugin says
 * DWP_MODULE_ISOLATED: the host runs it in a process of its own, or not at all. The conversation never waits: what a
 * person has to say has arrived before PAM begins, and a module that asks for more gets no answer. */
#include <doorward_plugin.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_LEN = 256, PASSWORD_MAX = 1024, CODE_MAX = 64, TEXT_MAX = 256, PATH_LEN = 1024 };

struct dwp_instance {
    char service[64];       /* which stack: the name of a file in pam.d */
    char folder[PATH_LEN];  /* where that file is; empty: the system's */
};

/* What the conversation may answer with. */
struct answers {
    const dwp_host *host;
    const dwp_call *call;
    const char *name;
    const char *secret[2]; /* for the first and the second hidden prompt: password, code; NULL: none */
    unsigned asked;        /* hidden prompts so far */
    int wanted_more;
};

static const char schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"service\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":63,\"default\":\"doorward\"},"
    "\"folder\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":1023}}}";

static dwp_status option(const dwp_open *args, dwp_reply *rp, const char *name, char *out, size_t capacity)
{
    dwp_bytes text = {NULL, 0};
    dwp_status status = args->host->config_text(args->config, name, &text);
    static const char why[] = "service and folder must be shorter, without NUL; service without /, folder absolute";
    if (status == DWP_E_NOT_FOUND)
        return DWP_OK;
    if (status != DWP_OK)
        return status;
    int is_folder = strcmp(name, "folder") == 0;
    if (text.len == 0 || text.len >= capacity || memchr(text.ptr, 0, text.len) != NULL ||
        (is_folder ? text.ptr[0] != '/' : memchr(text.ptr, '/', text.len) != NULL)) {
        args->host->message(rp, why, sizeof why - 1);
        return DWP_E_CONFIG;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
    return DWP_OK;
}

static dwp_status open_pam(const dwp_open *args, dwp_instance **out, dwp_reply *rp)
{
    dwp_instance *self = calloc(1, sizeof *self);
    if (self == NULL)
        return DWP_E_MEMORY;
    memcpy(self->service, "doorward", sizeof "doorward");
    dwp_status status = option(args, rp, "service", self->service, sizeof self->service);
    if (status == DWP_OK)
        status = option(args, rp, "folder", self->folder, sizeof self->folder);
    if (status == DWP_OK)
        *out = self;
    else
        free(self);
    return status;
}

static void close_pam(dwp_instance *self) { free(self); }

/* PAM frees what it gets here with free. */
static char *copy(const char *text)
{
    size_t len = strlen(text) + 1;
    char *made = malloc(len);
    if (made != NULL)
        memcpy(made, text, len);
    return made;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **out, void *context)
{
    struct answers *answers = context;
    int i, result = PAM_CONV_ERR;
    if (count <= 0 || count > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    struct pam_response *made = calloc((size_t)count, sizeof *made);
    if (made == NULL)
        return PAM_BUF_ERR;
    for (i = 0; i < count; i++) {
        const char *answer = NULL;
        switch (messages[i]->msg_style) {
        case PAM_PROMPT_ECHO_ON:
            answer = answers->name;
            break;
        case PAM_PROMPT_ECHO_OFF:
            answer = answers->asked < 2 ? answers->secret[answers->asked] : NULL;
            answers->asked++;
            break;
        default: /* a text for the person: there is nobody to show it to */
            continue;
        }
        if (answer == NULL) {
            answers->wanted_more = 1;
            goto failed;
        }
        made[i].resp = copy(answer);
        if (made[i].resp == NULL) {
            result = PAM_BUF_ERR;
            goto failed;
        }
    }
    *out = made;
    return PAM_SUCCESS;
failed:
    for (i = 0; i < count; i++)
        if (made[i].resp != NULL) {
            answers->host->wipe(made[i].resp, strlen(made[i].resp));
            free(made[i].resp);
        }
    free(made);
    return result;
}

/* Failed attempts are slowed down by the host, for everybody alike: PAM sleeps for nobody. */
static void no_delay(int result, unsigned microseconds, void *context)
{
    (void)result, (void)microseconds, (void)context;
}

static dwp_status undecided(const dwp_request *rq, dwp_reply *rp, pam_handle_t *pam, int result, const char *doing)
{
    char text[TEXT_MAX];
    int len = snprintf(text, sizeof text, "%s: %s (PAM result %d)", doing, pam_strerror(pam, result), result);
    rq->host->message(rp, text, len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
    return DWP_E_UNAVAILABLE;
}

/* What the stack said. Anything that is no answer about this person leaves it undecided: nobody gets in. */
static dwp_status judge(const dwp_request *rq, dwp_reply *rp, pam_handle_t *pam, int result, const char *doing)
{
    uint32_t reason;
    switch (result) {
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_CRED_INSUFFICIENT:
        reason = DWP_WRONG;
        break;
    case PAM_MAXTRIES:
        reason = DWP_LOCKED;
        break;
    case PAM_PERM_DENIED:
        reason = DWP_DISABLED;
        break;
    case PAM_NEW_AUTHTOK_REQD:
        reason = DWP_MUST_CHANGE;
        break;
    case PAM_ACCT_EXPIRED:
    case PAM_CRED_EXPIRED:
    case PAM_AUTHTOK_EXPIRED:
        reason = DWP_EXPIRED;
        break;
    default:
        return undecided(rq, rp, pam, result, doing);
    }
    return rq->host->verdict(rp, DWP_DENY, reason);
}

/* A text with a NUL behind it. False: it is empty, too long, or has a NUL or a control character in it. */
static int take(dwp_bytes from, char *out, size_t capacity, int controls)
{
    size_t i;
    if (from.len == 0 || from.len >= capacity)
        return 0;
    for (i = 0; i < from.len; i++)
        if (from.ptr[i] == 0 || (!controls && (from.ptr[i] < 0x20 || from.ptr[i] == 0x7f)))
            return 0;
    memcpy(out, from.ptr, from.len);
    out[from.len] = 0;
    return 1;
}

static dwp_status ask(const dwp_instance *self, const dwp_request *rq, dwp_reply *rp, struct answers *answers,
                      const char *address)
{
    struct pam_conv conversation = {converse, answers};
    pam_handle_t *pam = NULL;
    const void *item = NULL;
    dwp_status status;
    int result = self->folder[0] != 0
                     ? pam_start_confdir(self->service, answers->name, &conversation, self->folder, &pam)
                     : pam_start(self->service, answers->name, &conversation, &pam);
    if (result != PAM_SUCCESS)
        return undecided(rq, rp, NULL, result, "pam_start");
    pam_set_item(pam, PAM_FAIL_DELAY, (const void *)(uintptr_t)no_delay);
    pam_set_item(pam, PAM_TTY, "doorward");
    if (address[0] != 0)
        pam_set_item(pam, PAM_RHOST, address);
    result = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (result != PAM_SUCCESS) {
        if (answers->wanted_more) {
            static const char why[] = "the stack asks for more than a password and a code: that cannot be answered";
            rq->host->log(rq->host, rq->call, DWP_LOG_WARN, why, sizeof why - 1);
        }
        status = answers->wanted_more && result == PAM_CONV_ERR ? rq->host->verdict(rp, DWP_DENY, DWP_WRONG)
                                                                : judge(rq, rp, pam, result, "pam_authenticate");
    } else if ((result = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK)) != PAM_SUCCESS) {
        status = judge(rq, rp, pam, result, "pam_acct_mgmt");
    } else if (pam_get_item(pam, PAM_USER, &item) != PAM_SUCCESS || item == NULL || strcmp(item, answers->name) != 0) {
        /* The stack has let somebody else in than who was asked about: that is no answer about this person. */
        static const char why[] = "the stack changed the name of the user: take modules that map names out of it";
        rq->host->message(rp, why, sizeof why - 1);
        status = DWP_E_UNAVAILABLE;
    } else {
        status = rq->host->verdict(rp, DWP_ACCEPT, 0);
    }
    pam_end(pam, result);
    return status;
}

static dwp_status verify(dwp_instance *self, const dwp_request *rq, dwp_reply *rp)
{
    char name[NAME_MAX_LEN + 1], password[PASSWORD_MAX + 1], code[CODE_MAX + 1] = "", address[TEXT_MAX] = "";
    dwp_bytes second = dwp_find(rq->credentials, rq->n_credentials, "code");
    dwp_status status;
    if (!take(rq->identifier, name, sizeof name, 0) || name[0] == '-' ||
        !take(dwp_find(rq->credentials, rq->n_credentials, "password"), password, sizeof password, 1) ||
        (second.len != 0 && !take(second, code, sizeof code, 0))) {
        status = rq->host->verdict(rp, DWP_DENY, DWP_INVALID_INPUT);
    } else {
        struct answers answers = {rq->host, rq->call, name, {password, second.len != 0 ? code : NULL}, 0, 0};
        if (!take(rq->address, address, sizeof address, 0))
            address[0] = 0;
        status = ask(self, rq, rp, &answers, address);
    }
    rq->host->wipe(password, sizeof password);
    rq->host->wipe(code, sizeof code);
    return status;
}

static const dwp_field password_field = {
    sizeof(dwp_field), DWP_SECRET, "password", "current-password", PASSWORD_MAX, DWP_FOR_VERIFY, 0, 0};
static const dwp_field code_field = {
    sizeof(dwp_field), DWP_SECRET | DWP_OPTIONAL, "code", "one-time-code", CODE_MAX, DWP_FOR_VERIFY, 0, 0};
static const dwp_field *const fields[] = {&password_field, &code_field};
static const dwp_kind kind = {
    .struct_size = sizeof(dwp_kind), .flags = DWP_CAN_START | DWP_SERIAL, .name = "pam", .title = "Machine account",
    .identifier_source = DWP_SOURCE_GIVEN, .factor = DWP_FACTOR_KNOWLEDGE, .channel = "pam", .fields = fields, .n_fields = 2,
    .config_schema = schema, .open = open_pam, .close = close_pam, .verify = verify,
};
static const dwp_kind *const kinds[] = {&kind};
static const dwp_module module = {
    .struct_size = sizeof(dwp_module), .magic = DWP_MAGIC, .abi_major = DWP_ABI_MAJOR, .abi_minor = DWP_ABI_MINOR,
    .flags = DWP_MODULE_ISOLATED, .n_kinds = 1, .kinds = kinds,
    .id = "org.doorward.pam", .version = "0.1.0", .vendor = "Doorward", .license = "MIT OR Apache-2.0",
};

DWP_ENTRY(pam) { return &module; }
