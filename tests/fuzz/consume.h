// What the fuzz targets do with a file that was read: touch all of it.
#ifndef CGV_TESTS_FUZZ_CONSUME_H
#define CGV_TESTS_FUZZ_CONSUME_H

#include <stddef.h>
#include <stdint.h>

#include "model/state_dict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Count error messages from here on: a failure gives exactly one, of one line.
void fuzz_listen(void);

// Abort unless it is true; unless there have been that many messages since.
void fuzz_expect(int truth);
void fuzz_expect_messages(int count);

// Reads every number, checks what state_dict.h promises for an input of `size` bytes (aborts
// otherwise), runs the recognition of architectures, frees the dictionary.
void fuzz_consume(cgv_status status, cgv_state_dict *dict, size_t size);

#endif
