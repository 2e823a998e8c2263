/* Claims and keys, and the link of a mailed code. */
#include "operations.h"

/* A user made from one, another identity linked by one; and keys. */
void claims(doorward_auth *auth)
{
    doorward_answer flow;
    doorward_id read;
    size_t n;

    doorward_bytes nobody = {NULL, 0};
    doorward_pair good = {S("code"), S("good:7:ada@example.com")}, other = {S("code"), S("good:8")};
    doorward_pair key[2] = {{S("key"), S("ak_1")}, {S("scopes"), S("[\"read\",\"write\"]")}};
    doorward_pair bearer = {S("Authorization"), S("Bearer ak_1")};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_new_user with = DOORWARD_NEW_USER_INIT;
    doorward_answer vouched;
    const doorward_claim *claim;
    DO(DOORWARD_UNREGISTERED, doorward_authenticate(auth, S("github"), nobody, &good, 1));
    CHECK(doorward_answer_http_status(answer) == 404 && !doorward_answer_proof(answer));
    vouched = keep(), claim = doorward_answer_claim(vouched);
    CHECK(strncmp(text_of(doorward_claim_token(claim), &n), "dwc_", 4) == 0 && n > 4);
    CHECK(strcmp(doorward_claim_provider(claim).ptr, "github") == 0 && doorward_claim_expires_at(claim) > 0);
    CHECK(strcmp(text_of(doorward_claim_identifier(claim), &n), "https://issuer.example 7") == 0 && n == 24);
    CHECK(strcmp(doorward_claim_attributes(claim).ptr, "{\"email\":\"ada@example.com\"}") == 0);
    DO(DOORWARD_OK, doorward_peek_claim(auth, doorward_claim_token(claim)));
    CHECK(strcmp(doorward_claim_identifier(doorward_answer_claim(answer)).ptr, "https://issuer.example 7") == 0);
    DO(DOORWARD_REFUSED, doorward_peek_claim(auth, S("dwc_nonsense")));
    CHECK(!doorward_answer_claim(answer));
    DO(DOORWARD_REFUSED, doorward_create_user_from_claim(auth, S("dwc_nonsense"), NULL));
    CHECK(doorward_id_new(&read) == DOORWARD_OK);
    with.id = &read, with.attributes = S("{\"nick\":\"seven\"}");
    DO(DOORWARD_OK, doorward_create_user_from_claim(auth, doorward_claim_token(claim), &with));
    doorward_answer_free(&proof);
    proof = keep();
    CHECK(memcmp(doorward_proof_user_id(PROOF), &read, 16) == 0);
    DO(DOORWARD_E_CONFLICT, doorward_create_user_from_claim(auth, doorward_claim_token(claim), NULL));
    CHECK(strcmp(doorward_answer_what(answer).ptr, "identifier") == 0);
    doorward_answer_free(&vouched);
    DO(DOORWARD_OK, doorward_authenticate(auth, S("github"), nobody, &good, 1));
    DO(DOORWARD_E_UNSUPPORTED, doorward_begin_link(auth, PROOF, S("email"), S("x@example.com"), NULL, 0));
    DO(DOORWARD_CONTINUE, doorward_begin_link(auth, PROOF, S("github"), nobody, NULL, 0));
    flow = keep();
    DO(DOORWARD_UNREGISTERED, doorward_continue_flow(auth, doorward_flow_token(doorward_answer_flow(flow)), doorward_span(NULL, 0), &other, 1));
    doorward_answer_free(&flow);
    vouched = keep();
    DO(DOORWARD_REFUSED, doorward_link_claim(auth, PROOF, S("dwc_nonsense")));
    RENEW(doorward_link_claim(auth, PROOF, doorward_claim_token(doorward_answer_claim(vouched))));
    doorward_answer_free(&vouched);
    DO(DOORWARD_OK, doorward_list_identities(auth, &read));
    CHECK(doorward_answer_count(answer) == 2 && doorward_identity_verified_at(doorward_answer_identity(answer, 1)) > 0);
    DO(DOORWARD_OK, doorward_update_credentials(auth, PROOF, S("api"), key, 2));
    CHECK(doorward_answer_show_once(answer).len == 1 && strcmp(doorward_answer_show_once(answer).ptr->value.ptr, "ak_1") == 0);
    request.method = S("GET"), request.headers = &bearer, request.n_headers = 1;
    DO(DOORWARD_OK, doorward_check_request(on_request(auth, &request)));
    CHECK(!doorward_answer_session(answer) && memcmp(doorward_user_id(doorward_answer_user(answer)), &read, 16) == 0);
    CHECK(strcmp(doorward_answer_provider(answer).ptr, "api") == 0 && doorward_answer_scope_count(answer) == 2);
    CHECK(strcmp(doorward_answer_scope(answer, 0).ptr, "read") == 0 && strcmp(text_of(doorward_answer_scope(answer, 1), &n), "write") == 0 && n == 5);
    CHECK(text_of(doorward_answer_scope(answer, 2), &n)[0] == 0 && n == 0);
    bearer.value = S("Bearer ak_2");
    DO(DOORWARD_REFUSED, doorward_check_request(on_request(auth, &request)));
    DO(DOORWARD_OK, doorward_delete_user(auth, &read));
}

/* The link of a mailed code signs in where it is confirmed, once. */
void mailed_link(doorward_auth *auth)
{
    doorward_answer flow;

    doorward_pair ask[2] = {{S("do"), S("ask")}, {S("name"), S("other")}}, send[2] = {{S("do"), S("send")}, {S("name"), S("code")}};
    doorward_request request = DOORWARD_REQUEST_INIT;
    doorward_answer vouched;
    doorward_id dora;
    char link[128];
    DO(DOORWARD_UNREGISTERED, doorward_authenticate(auth, S("mail"), S("dora@example.com"), ask, 2));
    vouched = keep();
    DO(DOORWARD_OK, doorward_create_user_from_claim(auth, doorward_claim_token(doorward_answer_claim(vouched)), NULL));
    memcpy(&dora, doorward_proof_user_id(doorward_answer_proof(answer)), sizeof dora);
    doorward_answer_free(&vouched);
    DO(DOORWARD_CONTINUE, doorward_authenticate(auth, S("mail"), S("dora@example.com"), send, 2));
    flow = keep();
    mailed(auth, "limiter.code", "dora@example.com", link, sizeof link);
    DO(DOORWARD_OK, doorward_peek_token(auth, S(link)));
    CHECK(strcmp(doorward_token_info_purpose(doorward_answer_token_info(answer)).ptr, "sign_in_link") == 0);
    request.method = S("GET");
    DO(DOORWARD_E_INVALID_STATE, doorward_continue_flow(on_request(auth, &request), S(link), doorward_span(NULL, 0), NULL, 0));
    DO(DOORWARD_E_INVALID_ARGUMENT, doorward_continue_flow(auth, S(link), doorward_span(NULL, 0), send, 2));
    DO(DOORWARD_REFUSED, doorward_consume_token(auth, S(link), NULL));
    DO(DOORWARD_OK, doorward_continue_flow(auth, S(link), doorward_span(NULL, 0), NULL, 0));
    CHECK(memcmp(doorward_proof_user_id(doorward_answer_proof(answer)), &dora, sizeof dora) == 0);
    DO(DOORWARD_REFUSED, doorward_continue_flow(auth, S(link), doorward_span(NULL, 0), NULL, 0));
    DO(DOORWARD_REFUSED, doorward_continue_flow(auth, doorward_flow_token(doorward_answer_flow(flow)), doorward_span(NULL, 0), NULL, 0));
    doorward_answer_free(&flow);
    DO(DOORWARD_OK, doorward_delete_user(auth, &dora));
}
