/* What the files of `behaviour` share: operands that are well formed. */
#ifndef BEHAVIOUR_H
#define BEHAVIOUR_H

#include "test.h"

extern doorward_pair password;
extern const doorward_proof *proof;
extern const doorward_session *session;
extern const doorward_delivery *delivery;
extern const doorward_id *id;
extern const doorward_bytes none;
extern doorward_config *test_settings;

doorward_status gives(doorward_answer given);
void numbers(void);
void closed_descriptors(void);
void bad_operands(doorward_auth *auth);
void bad_configurations(void);
void no_answers(doorward_auth *auth);
void no_handles(void);

#endif
