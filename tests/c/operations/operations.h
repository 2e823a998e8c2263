/* What the files of `operations` share: Ada, who is followed from her sign-up to her end, and what they read of answers. */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "test.h"

/* What Ada has in hand. */
extern doorward_id ada, key_of_ada;
extern doorward_answer signed_up, session, proof;
extern char access_token[256], refresh_token[256], cookies[1024];

#define PROOF doorward_answer_proof(proof)
/* A change that gives a proof in place of the one that it took. */
#define RENEW(call)                                                                                                    \
    do {                                                                                                               \
        DO(DOORWARD_OK, call);                                                                                         \
        doorward_answer_free(&proof);                                                                                  \
        proof = keep();                                                                                                \
    } while (0)

const char *header(const char *name, size_t skip);
void cookies_of_answer(char *cookie, size_t room);
void mailed(doorward_auth *auth, const char *template_, const char *address, char *token, size_t room);
doorward_answer go_on(doorward_auth *on, const doorward_pair *with, size_t n);
int flow_is(const char *purpose, const char *provider, const doorward_id *user);
int proof_is(const char *purpose);
size_t sets(doorward_pairs lines_, const char *name, const char **line);
const char *line_of(doorward_pairs lines_, const char *name);

/* The subjects, in the order in which a person would meet them. */
void forgotten_requests(doorward_auth *whole);
void purposes(doorward_auth *auth);
void final_cookies(doorward_auth *auth);
void app_mode(doorward_auth *auth);
void current_password(void);
void outbox_callback(void);
void sign_up_here(doorward_auth *auth);
void first_session(doorward_auth *auth);
void on_a_request(doorward_auth *auth);
void collecting_views(doorward_auth *auth);
void second_factor(doorward_auth *auth);
void sign_in_with_it(doorward_auth *auth);
void owned(doorward_auth *auth);
void taken_addresses(doorward_auth *whole, doorward_auth *auth);
void last_way_in(doorward_auth *auth);
void devices(doorward_auth *auth);
void tokens(doorward_auth *auth);
void found_users(doorward_auth *auth);
void listed_users(doorward_auth *auth);
void changed_users(doorward_auth *auth);
void too_many_failures(doorward_auth *auth);
void claims(doorward_auth *auth);
void mailed_link(doorward_auth *auth);

#endif
