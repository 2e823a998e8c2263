// Calls the library from Go, whose cgo passes the structs by value.
package main

/*
#include <doorward.h>
#include <stdlib.h>
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

var kept []unsafe.Pointer

func s(text string) C.doorward_bytes {
	copied := C.CString(text)
	kept = append(kept, unsafe.Pointer(copied))
	return C.doorward_str(copied)
}

func text(bytes C.doorward_bytes) string { return C.GoStringN(bytes.ptr, C.int(bytes.len)) }

func must(answer C.doorward_answer, status C.doorward_status) C.doorward_answer {
	if answer.status != status || (status == C.DOORWARD_OK) != bool(C.doorward_ok(answer)) {
		fmt.Fprintln(os.Stderr, C.GoString(C.doorward_status_id(answer.status)), C.GoString(C.doorward_answer_message(answer)))
		os.Exit(1)
	}
	return answer
}

func done(answer C.doorward_answer) { C.doorward_answer_free(&answer) }

func main() {
	config := C.doorward_config_new()
	C.doorward_config_load(config, s("database = 'memory:'\n[password]\nmemory_kib = 64\npasses = 1\nunsafe_fast_hashes = true\n[provider.email]\nkind = 'password'\n"))
	auth := (**C.doorward_auth)(C.calloc(1, C.size_t(unsafe.Sizeof(uintptr(0)))))
	done(must(C.doorward_open(config, auth), C.DOORWARD_OK))
	done(must(C.doorward_start(*auth), C.DOORWARD_OK))
	password := (*C.doorward_pair)(C.calloc(1, C.sizeof_doorward_pair))
	password.name, password.value = s("password"), s("plum tractors hum at noon")
	signedUp := must(C.doorward_create_user(*auth, s("email"), s("ada@example.com"), password, 1, nil), C.DOORWARD_OK)
	session := must(C.doorward_create_session(*auth, C.doorward_answer_proof(signedUp), nil), C.DOORWARD_OK)
	done(signedUp)
	token := text(C.doorward_session_access_token(C.doorward_answer_session(session)))
	if C.doorward_answer_headers(session).len < 2 || len(token) < 20 {
		os.Exit(2)
	}
	done(session)
	done(must(C.doorward_validate_session(*auth, s(token)), C.DOORWARD_OK))
	refused := must(C.doorward_validate_session(*auth, s("dwa_nonsense")), C.DOORWARD_SIGNED_OUT)
	if text(C.doorward_answer_reason(refused)) != "invalid" {
		os.Exit(3)
	}
	done(refused)
	C.doorward_close(*auth)
	C.doorward_config_free(config)
	for _, one := range kept {
		C.free(one)
	}
	fmt.Println("called from Go")
}
