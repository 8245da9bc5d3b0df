// Damage to files, by random numbers.
#ifndef CGV_FUZZ_MUTATE_H
#define CGV_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

typedef struct fuzz_bytes {
    uint8_t *data; // malloc'ed
    size_t size;
} fuzz_bytes;

// Exits where they cannot be read or written.
fuzz_bytes fuzz_read(const char *path);
void fuzz_write(const char *path, const void *data, size_t size);

// Flipped bits, cuts, blocks inserted, repeated and wiped, numbers of a head that lie; of texts
// also words in the place of others.
void fuzz_mutate(fuzz_bytes *bytes, cgv_rng *rng);

// A word that no one expects as a value: empty, huge, not a number, not UTF-8. Never with a slash,
// so that no file elsewhere is named. In static memory of the thread, until the next call.
const char *fuzz_odd_word(cgv_rng *rng);

#endif
