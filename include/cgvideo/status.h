// Status codes. Every fallible call of the library returns one; the cause has by then been
// reported once through the log callback (cgvideo/log.h), in one line that says what, where and
// what to do.
#ifndef CGVIDEO_STATUS_H
#define CGVIDEO_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cgv_status {
    CGV_OK = 0,
    CGV_AGAIN,               // not an error: send more input, or receive output first
    CGV_END,                 // not an error: nothing more will come
    CGV_ERROR_ARGUMENT,      // the caller asked for something that cannot be
    CGV_ERROR_MEMORY,        // out of host memory
    CGV_ERROR_DEVICE,        // no usable Vulkan device, or a Vulkan call failed
    CGV_ERROR_DEVICE_MEMORY, // out of device memory
    CGV_ERROR_DEVICE_LOST,   // the device died; destroy it, create it again
    CGV_ERROR_IO,            // the operating system refused a read or a write
    CGV_ERROR_FORMAT,        // a file is damaged or is not what it claims to be
    CGV_ERROR_UNSUPPORTED,   // valid, but not something cgvideo can do
    CGV_ERROR_NUMERIC,       // a result is NaN or infinite
    CGV_ERROR_INTERRUPTED,   // stopped on request
} cgv_status;

#define CGV_NODISCARD __attribute__((warn_unused_result))

// Short English name of a status ("out of memory"). Never NULL; static storage.
const char *cgv_status_text(cgv_status status);

#ifdef __cplusplus
}
#endif
#endif
