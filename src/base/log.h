// Internal side of cgvideo/log.h.
#ifndef CGV_BASE_LOG_H
#define CGV_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "cgvideo/log.h"
#include "cgvideo/status.h"

#define CGV_PRINTF(f, a) __attribute__((format(printf, f, a)))

void cgv_log(cgv_log_level level, const char *format, ...) CGV_PRINTF(2, 3);
bool cgv_log_wants(cgv_log_level level);

// Report the cause of a failure and return its status: `return cgv_fail(CGV_ERROR_IO, "...")`.
// Called where the cause is known, and nowhere further up.
cgv_status cgv_fail(cgv_status status, const char *format, ...) CGV_PRINTF(2, 3);
#ifdef __clang_analyzer__
// It does not look into other files: tell it that a failure is never CGV_OK.
#define cgv_fail(status, ...) (cgv_fail(status, __VA_ARGS__), (status))
#endif

#endif
