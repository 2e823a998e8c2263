/* Lines that must not compile: LINE says which is there. Without one (0), the right way beside them does. */
#include <doorward.h>

void right(doorward_auth *auth);
void right(doorward_auth *auth)
{
    doorward_answer answer = doorward_check_request(auth);
    if (doorward_ok(answer)) doorward_then(&answer, doorward_end_session(auth, doorward_str(NULL)));
    doorward_answer_free(&answer);
    doorward_close(doorward_trusted(auth));
}

int wrong(doorward_auth *auth);
int wrong(doorward_auth *auth)
{
    doorward_answer answer = DOORWARD_ANSWER_INIT;
    (void)auth, (void)answer;
#if LINE == 1
/*1*/ if (doorward_check_request(auth)) return 1;
#elif LINE == 2
/*2*/ if (!answer) return 1;
#elif LINE == 3
/*3*/ return answer ? 1 : 0;
#elif LINE == 4
/*4*/ if (doorward_check_request(auth) == DOORWARD_OK) return 1;
#elif LINE == 5
/*5*/ doorward_start(auth);
#elif LINE == 6
/*6*/ doorward_trusted(auth);
#elif LINE == 7
/*7*/ answer = doorward_end_sign_in(auth, doorward_answer_session(answer), NULL);
#elif LINE == 8
/*8*/ answer = doorward_session_proof(auth, doorward_answer_proof(answer));
#elif LINE == 9
/*9*/ answer = doorward_validate_session(auth, "dwa_x");
#endif
    return 0;
}
