// Vulkan devices. One cgv_device owns a queue, the pipelines compiled for it and their cache.
#ifndef CGVIDEO_DEVICE_H
#define CGVIDEO_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cgv_device cgv_device;

typedef enum cgv_device_type {
    CGV_DEVICE_DISCRETE,
    CGV_DEVICE_INTEGRATED,
    CGV_DEVICE_VIRTUAL,
    CGV_DEVICE_CPU,
    CGV_DEVICE_OTHER,
} cgv_device_type;

typedef struct cgv_device_info {
    int index; // position in the list; what cgv_device_params.select takes as a number
    cgv_device_type type;
    char name[256];
    char driver[512];  // driver name and version
    char uuid[33];     // 32 hexadecimal digits
    uint64_t memory;   // bytes of its largest device-local heap
    uint32_t subgroup; // lanes of a subgroup
    bool usable;       // false: see `lacks`
    char lacks[128];   // the first requirement that it does not meet
} cgv_device_info;

typedef struct cgv_device_params {
    const char *select; // index, UUID or part of a name; NULL: discrete, integrated, virtual, CPU
    bool validate;      // run the Khronos validation layer; also CGV_VALIDATE=1
    bool full_barriers; // a barrier before every dispatch; also CGV_BARRIERS=full
    // For the pipeline cache, and what was measured of the device. NULL: $XDG_CACHE_HOME/cgvideo,
    // "": nothing is kept.
    const char *cache_dir;
} cgv_device_params;

// List the devices of this machine, usable or not. *out is freed by cgv_device_list_free
// (NULL-safe; clears the pointer).
CGV_NODISCARD cgv_status cgv_device_list(cgv_device_info **out, int *count);
void cgv_device_list_free(cgv_device_info **list);

// Open a device. params NULL means defaults. *out is NULL on failure.
// Calls on one device may come from several threads, except destruction. Devices are listed, opened
// and destroyed by one thread at a time in the whole process: the Vulkan loader's functions are
// global.
CGV_NODISCARD cgv_status cgv_device_create(cgv_device **out, const cgv_device_params *params);

// Waits for all work, saves the pipeline cache, frees. NULL-safe; clears the handle.
void cgv_device_destroy(cgv_device **device);

// Valid as long as the device.
const cgv_device_info *cgv_device_get_info(const cgv_device *device);

// Messages of the validation layer so far (warnings and errors); 0 when it does not run.
int cgv_device_validation_messages(const cgv_device *device);

#ifdef __cplusplus
}
#endif
#endif
