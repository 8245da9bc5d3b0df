// Messages. The library never prints: it hands every message to one callback.
#ifndef CGVIDEO_LOG_H
#define CGVIDEO_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

// In order of growing detail, as ffmpeg's -loglevel.
typedef enum cgv_log_level {
    CGV_LOG_QUIET = 0,
    CGV_LOG_ERROR,
    CGV_LOG_WARNING,
    CGV_LOG_INFO,
    CGV_LOG_VERBOSE,
    CGV_LOG_DEBUG,
} cgv_log_level;

// text: one line, no newline at its end; valid during the call only.
// May be called from several threads at once.
typedef void cgv_log_callback(void *opaque, cgv_log_level level, const char *text);

// Install the process-wide callback; NULL (the default) drops all messages. Messages above
// `level` are not formatted. Not thread-safe: call it before the first other call.
void cgv_log_set(cgv_log_callback *callback, void *opaque, cgv_log_level level);

#ifdef __cplusplus
}
#endif
#endif
