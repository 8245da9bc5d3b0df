// Catches the library's error messages, for tests of failures.
#ifndef CGV_TESTS_MESSAGES_H
#define CGV_TESTS_MESSAGES_H

#include <stdbool.h>

#include "cgvideo/log.h"

// Take over the log callback (for the rest of the program) and forget what was said.
void cgv_test_listen(void);
void cgv_test_listen_to(cgv_log_level level); // warnings count as well, or whatever

// Since the last call of either: exactly one message, of one line, with this fragment in it?
// Prints what was said instead.
bool cgv_test_said(const char *fragment);

// Messages since the last call of any of these.
int cgv_test_messages(void);

#endif
