// Command lines of the program: mostly right, with something odd in them.
#ifndef CGV_FUZZ_COMMAND_LINE_H
#define CGV_FUZZ_COMMAND_LINE_H

#include <stdbool.h>

#include "base/rng.h"

enum { FUZZ_WORDS = 96, FUZZ_COMMANDS = 8 };

typedef struct fuzz_option {
    char name[32], value[32], help[256]; // value "": a flag
} fuzz_option;

// A command and the options that its -h lists.
typedef struct fuzz_command {
    const char *words; // before them, in the order of the command line
    const char *right; // what makes it do a little
    fuzz_option options[96];
    int count;
} fuzz_command;

typedef struct fuzz_line {
    char *words[FUZZ_WORDS + 1]; // ends with NULL
    int count;
} fuzz_line;

// Asks the program for the options of each command.
void fuzz_commands_read(fuzz_command commands[FUZZ_COMMANDS], const char *program);

// inputs: names of media files, ends with NULL. Outputs are out.* and out%03d.*.
void fuzz_line_make(fuzz_line *line, const char *program, const fuzz_command *commands,
                    const char *const *inputs, cgv_rng *rng);
void fuzz_line_add(fuzz_line *line, const char *word);
bool fuzz_line_has(const fuzz_line *line, const char *word);
void fuzz_line_free(fuzz_line *line);

#endif
