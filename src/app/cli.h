// The command line in ffmpeg's manner, from one table of options a subcommand: parsing, help and
// suggestions all read the same rows.
#ifndef CGV_APP_CLI_H
#define CGV_APP_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cgvideo/status.h"

typedef enum cgv_cli_kind {
    CGV_CLI_FLAG,   // bool
    CGV_CLI_TEXT,   // const char *, into argv
    CGV_CLI_INT,    // int in min..max
    CGV_CLI_REAL,   // double in min..max
    CGV_CLI_SIZE,   // cgv_cli_size: WxH, each in min..max
    CGV_CLI_CHOICE, // int: index into `choices`
} cgv_cli_kind;

typedef struct cgv_cli_size {
    int width, height;
} cgv_cli_size;

typedef struct cgv_cli_option {
    const char *name; // without dashes
    cgv_cli_kind kind;
    size_t offset;     // of its field in the target struct
    const char *value; // how help names the value; NULL for flags
    const char *help;
    double min, max;
    const char *const *choices; // ends with NULL
    bool transient;             // not part of a run's configuration (app/config.h)
    void (*seen)(void *target); // called after the field was set; may be NULL
    // Of the last row, which has no name: takes the options that no other row has. Value NULL only
    // asks. CGV_AGAIN: unknown there as well. May be NULL.
    cgv_status (*other)(void *target, const char *name, const char *value);
} cgv_cli_option;

// Read argv[1..] into *target, whose fields hold the defaults. Options are -name VALUE
// or -name=VALUE, with one dash or two; what is no option goes to words[0..*word_count), of which
// there are at most max_words. `options` ends with a row without a name.
CGV_NODISCARD cgv_status cgv_cli_parse(const cgv_cli_option *options, void *target, int argc,
                                       char **argv, const char **words, int max_words,
                                       int *word_count);

// Whether the option is on the command line, be it with its default.
bool cgv_cli_given(int argc, char **argv, const char *name);

// Set the field of one option from text, as if it stood on the command line.
CGV_NODISCARD cgv_status cgv_cli_set(const cgv_cli_option *option, void *target, const char *text);

// Print the options, one a line.
void cgv_cli_help(const cgv_cli_option *options, FILE *file);

// The candidate that `word` is most probably a misspelling of, or NULL if none is close.
// next(opaque, i) returns candidate i, NULL past the last.
const char *cgv_cli_suggest(const char *word, const char *(*next)(const void *opaque, int i),
                            const void *opaque);

#endif
