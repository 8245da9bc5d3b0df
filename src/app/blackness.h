// Notices when a network makes everything black, which a viewer would notice much later. That is no
// error: masks and edges are black where there is nothing to find.
#ifndef CGV_APP_BLACKNESS_H
#define CGV_APP_BLACKNESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cgv_blackness {
    int64_t pictures;
    int64_t bright; // of them: the input was far from black
    int64_t black;  // of the bright ones: the output is black
    int run;        // of the last bright ones, without one that is not black
    bool said;
} cgv_blackness;

// The next picture. Warns once, when a second's worth came out black.
void cgv_blackness_note(cgv_blackness *b, bool bright_input, bool black_output);

// At the end: warns if nothing but black came out of a bright input, unless that was said.
void cgv_blackness_judge(const cgv_blackness *b);

#endif
