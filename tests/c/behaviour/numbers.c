/* Statuses: their numbers, which never change, and their texts. */
#include "behaviour.h"

/* The numbers that programs compare, each with its text. */
void numbers(void)
{
#define NUMBER(name, number, text)                                                                                     \
    CHECK(name == (number) && strcmp(doorward_status_id(name), text) == 0);                                            \
    CHECK((name < 0) == (doorward_status_actor(name)[0] != 0))
    NUMBER(DOORWARD_OK, 0, "ok");
    NUMBER(DOORWARD_CONTINUE, 1, "continue");
    NUMBER(DOORWARD_REFUSED, 2, "refused");
    NUMBER(DOORWARD_UNREGISTERED, 3, "unregistered");
    NUMBER(DOORWARD_THROTTLED, 4, "throttled");
    NUMBER(DOORWARD_SIGNED_OUT, 5, "signed_out");
    NUMBER(DOORWARD_REQUEST_REFUSED, 6, "request_refused");
    NUMBER(DOORWARD_PENDING, 7, "pending");
    NUMBER(DOORWARD_ABSENT, 8, "absent");
    NUMBER(DOORWARD_CLOSED, 9, "closed");
    NUMBER(DOORWARD_E_INVALID_ARGUMENT, -1, "invalid_argument");
    NUMBER(DOORWARD_E_INVALID_STATE, -2, "invalid_state");
    NUMBER(DOORWARD_E_ABI_MISMATCH, -3, "abi_mismatch");
    NUMBER(DOORWARD_E_INTERNAL, -4, "internal");
    NUMBER(DOORWARD_E_CONFIGURATION, -5, "configuration");
    NUMBER(DOORWARD_E_NOT_FOUND, -6, "not_found");
    NUMBER(DOORWARD_E_CONFLICT, -7, "conflict");
    NUMBER(DOORWARD_E_POLICY_VIOLATION, -8, "policy_violation");
    NUMBER(DOORWARD_E_PROOF_REQUIRED, -9, "proof_required");
    NUMBER(DOORWARD_E_UNAVAILABLE, -10, "unavailable");
    NUMBER(DOORWARD_E_OVERLOADED, -11, "overloaded");
    NUMBER(DOORWARD_E_TIMEOUT, -12, "timeout");
    NUMBER(DOORWARD_E_CANCELLED, -13, "cancelled");
    NUMBER(DOORWARD_E_FORKED_CONTEXT, -14, "forked_context");
    NUMBER(DOORWARD_E_REENTRANT, -15, "reentrant");
    NUMBER(DOORWARD_E_PLUGIN_REFUSED, -16, "plugin_refused");
    NUMBER(DOORWARD_E_PLUGIN_FAULT, -17, "plugin_fault");
    NUMBER(DOORWARD_E_UNSUPPORTED, -18, "unsupported");
    NUMBER(DOORWARD_E_STORE_SHARED_IN_PROCESS, -19, "store_shared_in_process");
    NUMBER(DOORWARD_E_KEY_MISSING, -20, "key_missing");
    NUMBER(DOORWARD_E_DISAGREEMENT, -21, "disagreement");
    NUMBER(DOORWARD_E_SCHEMA_MISMATCH, -22, "schema_mismatch");
    NUMBER(DOORWARD_E_CORRUPT, -23, "corrupt");
    NUMBER(DOORWARD_E_LAST_WAY_IN, -24, "last_way_in");
    NUMBER(DOORWARD_E_REFUSED, -25, "refused");
    NUMBER(DOORWARD_E_STEP_REQUIRED, -26, "step_required");
    NUMBER(DOORWARD_E_THROTTLED, -27, "throttled");
    NUMBER(DOORWARD_E_SIGNED_OUT, -28, "signed_out");
    NUMBER(DOORWARD_E_REQUEST_REFUSED, -29, "request_refused");
    NUMBER(DOORWARD_E_UNREGISTERED, -30, "unregistered");
    CHECK(strcmp(doorward_status_id(-31), "unknown") == 0 && strcmp(doorward_status_id(10), "unknown") == 0);
    CHECK(doorward_status_is_retryable(DOORWARD_E_UNAVAILABLE) && !doorward_status_is_retryable(DOORWARD_E_CONFLICT));
    CHECK(doorward_status_is_public(DOORWARD_E_CONFLICT) && !doorward_status_is_public(DOORWARD_E_INTERNAL));
    CHECK(strcmp(doorward_status_actor(DOORWARD_E_CONFIGURATION), "operator") == 0);
}

