// Shared by the files of the gpu layer.
#ifndef CGV_GPU_INTERNAL_H
#define CGV_GPU_INTERNAL_H

#define VK_NO_PROTOTYPES
#include <pthread.h>
#include <volk.h>

#include "base/log.h"
#include "base/processors.h"
#include "gpu/gpu.h"

#define CGV_SPEC_BASE 3 // constants 0..2: subgroup size, workgroup size

typedef struct cgv_program {
    const cgv_shader *shader;
    int32_t spec[CGV_SPEC_BASE + CGV_MAX_SPEC];
    int spec_count;
    VkPipeline pipeline;
} cgv_program;

typedef struct cgv_notes {
    char *path;     // NULL: not kept on disk
    uint32_t stamp; // 0: not begun
    cgv_note *list;
    int count, capacity;
} cgv_notes;

// The threads of a CPU driver (spread.c).
enum { CGV_MOST_THREADS = 256 };
typedef struct cgv_spread {
    int before[CGV_MOST_THREADS], before_count; // the process's threads without the driver's
    int driver[CGV_MOST_THREADS], driver_count; // all of the driver's
    long ticks[CGV_MOST_THREADS];               // of processor time, when it was last seen to
    int workers[CGV_MOST_THREADS];              // those that run shaders, once they are known
    bool known, pinned;
    cgv_processor_times times; // when it was last seen to
    double next, pause; // when it is seen to again, in seconds of cgv_clock_seconds; after how long
} cgv_spread;

struct cgv_device {
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkPhysicalDevice physical;
    VkDevice handle;
    struct VolkDeviceTable vk;
    VkQueue queue;
    uint32_t queue_family;
    VkPhysicalDeviceMemoryProperties memory;
    double timestamp_ns;        // 0: this queue has no timestamps
    uint64_t timestamp_mask;    // of the bits that count; then they begin anew
    uint32_t required_subgroup; // 0: the device has only one subgroup size
    bool full_subgroups;        // are asked for, of workgroups that hold a whole number of them
    bool full_barriers;
    cgv_device_info info;
    cgv_limits limits;

    pthread_mutex_t lock; // queue, timeline, programs, notes, spread
    VkSemaphore timeline;
    uint64_t submitted;
    bool lost; // which was said; atomic

    VkPipelineLayout layout;
    VkPipelineCache cache;
    char *cache_path; // NULL: not kept on disk
    size_t cache_loaded;
    cgv_program *programs;
    int program_count, program_capacity;
    cgv_notes notes;
    cgv_spread spread;

    int validation_messages; // atomic
};

struct cgv_buffer_impl {
    cgv_device *device;
    VkBuffer buffer;
    VkDeviceMemory memory;
};

// Report a failed Vulkan call.
cgv_status cgv_vk_fail(VkResult result, const char *what);

// The same of a call that a lost device may fail: it is lost from then on, and that is said once.
cgv_status cgv_device_fail(cgv_device *device, VkResult result, const char *what);
bool cgv_device_is_lost(const cgv_device *device);

// instance.c
CGV_NODISCARD cgv_status cgv_instance_create(cgv_device *device, bool validate);
void cgv_instance_destroy(cgv_device *device);
// The usable physical devices and all descriptions; arrays are the caller's.
CGV_NODISCARD cgv_status cgv_instance_devices(VkInstance instance, VkPhysicalDevice **physical,
                                              cgv_device_info **info, int *count);

// spread.c: one thread of a CPU driver for each processor. Begin before the driver has made its
// threads, found when it has, update whenever work is done.
void cgv_spread_begin(cgv_device *device);
void cgv_spread_found(cgv_device *device);
void cgv_spread_update(cgv_device *device);

// matrix.c: of a device that has VK_KHR_cooperative_matrix.
cgv_matrix_shape cgv_matrix_find(VkInstance instance, VkPhysicalDevice physical);

// cache.c: where the device's files are kept; dir: cgv_device_params.cache_dir. Then a file's
// contents (malloc'ed), NULL where it is missing or damaged; and writing it, as a whole or with a
// warning that begins with `what`.
void cgv_cache_find(cgv_device *device, const char *dir);
uint8_t *cgv_cache_load(const char *path, size_t *size);
void cgv_cache_store(const char *path, const void *data, size_t size, const char *what);

// notes.c
void cgv_notes_destroy(cgv_device *device);

// program.c
CGV_NODISCARD cgv_status cgv_programs_create(cgv_device *device);
void cgv_programs_destroy(cgv_device *device);
CGV_NODISCARD cgv_status cgv_program_get(cgv_device *device, VkPipeline *out,
                                         const cgv_dispatch *dispatch);

#endif
