#include "base/log.h"
#undef cgv_fail // the static analyser's stand-in

#include <stdio.h>

static cgv_log_callback *log_callback;
static void *log_opaque;
static cgv_log_level log_level = CGV_LOG_QUIET;

void cgv_log_set(cgv_log_callback *callback, void *opaque, cgv_log_level level) {
    log_callback = callback;
    log_opaque = opaque;
    log_level = callback ? level : CGV_LOG_QUIET;
}

bool cgv_log_wants(cgv_log_level level) {
    return level <= log_level;
}

static void log_va(cgv_log_level level, const char *format, va_list args) {
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    log_callback(log_opaque, level, text);
}

void cgv_log(cgv_log_level level, const char *format, ...) {
    if (!cgv_log_wants(level))
        return;
    va_list args;
    va_start(args, format);
    log_va(level, format, args);
    va_end(args);
}

cgv_status cgv_fail(cgv_status status, const char *format, ...) {
    if (cgv_log_wants(CGV_LOG_ERROR)) {
        va_list args;
        va_start(args, format);
        log_va(CGV_LOG_ERROR, format, args);
        va_end(args);
    }
    return status;
}

const char *cgv_status_text(cgv_status status) {
    switch (status) {
    case CGV_OK:
        return "success";
    case CGV_AGAIN:
        return "try again";
    case CGV_END:
        return "end";
    case CGV_ERROR_ARGUMENT:
        return "invalid argument";
    case CGV_ERROR_MEMORY:
        return "out of memory";
    case CGV_ERROR_DEVICE:
        return "Vulkan device error";
    case CGV_ERROR_DEVICE_MEMORY:
        return "out of device memory";
    case CGV_ERROR_DEVICE_LOST:
        return "Vulkan device lost";
    case CGV_ERROR_IO:
        return "input/output error";
    case CGV_ERROR_FORMAT:
        return "damaged file";
    case CGV_ERROR_UNSUPPORTED:
        return "not supported";
    case CGV_ERROR_NUMERIC:
        return "NaN or infinity";
    case CGV_ERROR_INTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}
