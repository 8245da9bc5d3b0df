// Standard error and the keyboard: messages, the progress line below them, single keys.
#ifndef CGV_APP_CONSOLE_H
#define CGV_APP_CONSOLE_H

#include <stdbool.h>

#include "cgvideo/log.h"
#include "cgvideo/status.h"

// Print the library's messages up to `level` to standard error.
void cgv_console_init(cgv_log_level level);

// The level that a name of -loglevel stands for.
CGV_NODISCARD cgv_status cgv_console_level(cgv_log_level *out, const char *name);

// Show `line` in place of the last one (on a terminal) or below it. NULL: leave the line as it is
// and go on below.
void cgv_console_progress(const char *line);

// Whether standard error is a terminal.
bool cgv_console_is_terminal(void);

// Ask a question that is answered by y or n. CGV_ERROR_ARGUMENT if standard input is no terminal,
// nothing printed then.
CGV_NODISCARD cgv_status cgv_console_ask(bool *yes, const char *question);

// Read single keys from standard input where it is a terminal and ours; harmless elsewhere.
void cgv_console_keys_begin(void);
int cgv_console_key(void);       // 0 when none was pressed
void cgv_console_keys_end(void); // restores the terminal; may be called from a signal handler

#endif
