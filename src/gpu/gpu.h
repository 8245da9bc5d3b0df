// The GPU as the ops see it: memory with addresses, and lists of compute dispatches. The only
// layer that includes Vulkan; nothing of Vulkan shows here.
//
// An op asks the command list for the address of what it reads and writes, and dispatches:
//
//     push.x = cgv_cmd_read(cmd, x.address, bytes);
//     push.y = cgv_cmd_write(cmd, y.address, bytes);
//     cgv_cmd_dispatch(cmd, &(cgv_dispatch){.shader = &cgv_shader_add, ...});
//
// Asking is declaring: from the declared ranges the list inserts the barriers that are needed and
// no others. Errors stick in the list, so that calling code reads straight; cgv_cmd_end tells.
#ifndef CGV_GPU_GPU_H
#define CGV_GPU_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgvideo/device.h"
#include "gpu/shader.h"

// result [m, n] += a [m, k] * b [k, n], a and b in half precision; m 0: there is none.
typedef struct cgv_matrix_shape {
    uint32_t m, n, k;
} cgv_matrix_shape;

typedef struct cgv_limits {
    uint32_t subgroup;  // lanes of a subgroup, the same in every shader
    uint32_t workgroup; // invocations of a workgroup
    uint32_t groups[3]; // workgroups of a dispatch
    uint32_t shared_bytes;
    uint64_t allocation;     // bytes of one buffer
    bool cpu;                // a CPU driver: workgroups of one subgroup are best
    int threads;             // of a CPU driver; else 0
    bool few_registers;      // a CPU with 16 vector registers, not 32: large register tiles spill
    bool shuffle;            // shaders may exchange values between lanes (subgroup shuffles)
    cgv_matrix_shape matrix; // of what a subgroup's matrix unit multiplies
    bool wide_sums;          // convolutions add up in double, cheap on a CPU; see docs/numerics.md
} cgv_limits;

const cgv_limits *cgv_device_limits(const cgv_device *device);

// ---- memory ----

typedef enum cgv_memory {
    CGV_MEMORY_DEVICE,   // fastest for the device
    CGV_MEMORY_UPLOAD,   // written by the host through `host`, read by shaders
    CGV_MEMORY_READBACK, // written by shaders, read by the host through `host`
} cgv_memory;

// Host-visible memory is coherent and stays mapped.
typedef struct cgv_buffer {
    uint64_t address; // device address, a multiple of 256
    uint64_t size;
    void *host; // NULL when the host cannot see it
    struct cgv_buffer_impl *impl;
} cgv_buffer;

// `what` names the buffer in messages ("activations").
CGV_NODISCARD cgv_status cgv_buffer_create(cgv_buffer *out, cgv_device *device, uint64_t size,
                                           cgv_memory memory, const char *what);
void cgv_buffer_destroy(cgv_buffer *buffer); // NULL-safe, clears; the device must be done with it

// Copy between host memory and a buffer of any kind, and wait until it is done.
CGV_NODISCARD cgv_status cgv_buffer_write(const cgv_buffer *buffer, uint64_t offset,
                                          const void *data, uint64_t size);
CGV_NODISCARD cgv_status cgv_buffer_read(const cgv_buffer *buffer, uint64_t offset, void *data,
                                         uint64_t size);

// ---- command lists ----

typedef struct cgv_cmd cgv_cmd;

CGV_NODISCARD cgv_status cgv_cmd_create(cgv_cmd **out, cgv_device *device, bool profile);
void cgv_cmd_destroy(cgv_cmd **cmd); // waits for its last submission

// Record anew. The list must not be in flight.
void cgv_cmd_begin(cgv_cmd *cmd);

// Declare an access of the next dispatch; returns the address. Reading and writing the same range
// in one dispatch is declared by both calls.
uint64_t cgv_cmd_read(cgv_cmd *cmd, uint64_t address, uint64_t bytes);
uint64_t cgv_cmd_write(cgv_cmd *cmd, uint64_t address, uint64_t bytes);

#define CGV_MAX_SPEC 13
#define CGV_MAX_PUSH 128

// Specialization constants: 0 the subgroup size, 1 and 2 the workgroup's size in x and y, from 3
// on `spec`.
typedef struct cgv_dispatch {
    const cgv_shader *shader;
    uint32_t local[2];
    uint32_t groups[3];
    int32_t spec[CGV_MAX_SPEC];
    int spec_count;
    const void *push;
    size_t push_bytes;
} cgv_dispatch;

void cgv_cmd_dispatch(cgv_cmd *cmd, const cgv_dispatch *dispatch);

// Copy and fill on the device. Offsets in bytes; what is filled begins and ends at multiples of 4.
void cgv_cmd_copy(cgv_cmd *cmd, const cgv_buffer *to, uint64_t to_offset, const cgv_buffer *from,
                  uint64_t from_offset, uint64_t bytes);
void cgv_cmd_fill(cgv_cmd *cmd, const cgv_buffer *buffer, uint64_t offset, uint64_t bytes,
                  uint32_t word);

// Name the commands that follow, for profiles; NULL: by their shaders. `label` outlives the list.
void cgv_cmd_label(cgv_cmd *cmd, const char *label);

// Let an op report its own failure: the first one sticks.
void cgv_cmd_fail(cgv_cmd *cmd, cgv_status status);

cgv_device *cgv_cmd_device(const cgv_cmd *cmd);

// Finish recording; the first error since begin.
CGV_NODISCARD cgv_status cgv_cmd_end(cgv_cmd *cmd);

// Submit a recorded list; it may be submitted again once it has completed.
CGV_NODISCARD cgv_status cgv_cmd_submit(cgv_cmd *cmd);
CGV_NODISCARD cgv_status cgv_cmd_wait(cgv_cmd *cmd);
CGV_NODISCARD cgv_status cgv_cmd_run(cgv_cmd *cmd); // end, submit, wait

// Whether lists can have a `profile`.
bool cgv_device_has_timestamps(const cgv_device *device);

// Milliseconds of each dispatch of the last completed submission; needs `profile`.
typedef struct cgv_profile_entry {
    const char *label;
    const char *shader; // its name
    double ms;
} cgv_profile_entry;
CGV_NODISCARD cgv_status cgv_cmd_profile(cgv_cmd *cmd, const cgv_profile_entry **entries,
                                         int *count);

// ---- what was found out about a device (gpu/notes.c) ----

enum { CGV_NOTE_NAME = 112, CGV_NOTE_TEXT = 24 };

typedef struct cgv_note {
    char name[CGV_NOTE_NAME], text[CGV_NOTE_TEXT];
    bool used;  // by this process
    bool given; // from elsewhere: not kept
} cgv_note;

// Read what is kept on disk beside the pipelines, the first time; version: of what the notes are
// about. Notes that are given win over it.
void cgv_notes_begin(cgv_device *device, uint32_t version);
// The note that was given, or the device's own.
bool cgv_notes_find(cgv_device *device, const char *name, bool given, char text[CGV_NOTE_TEXT]);
CGV_NODISCARD cgv_status cgv_notes_put(cgv_device *device, const char *name, const char *text,
                                       bool given);
void cgv_notes_keep(cgv_device *device); // write them to disk
// Those that were found, or put without being given: *out is malloc'ed.
CGV_NODISCARD cgv_status cgv_notes_used(cgv_device *device, cgv_note **out, int *count);

// ---- what was recorded, for the barrier checks (gpu/hazard.h) ----

typedef struct cgv_access {
    uint64_t address, bytes;
    bool write;
} cgv_access;

typedef struct cgv_event {
    const char *label; // NULL: a barrier
    int access_first, access_count;
    uint8_t push[CGV_MAX_PUSH];
    uint32_t push_bytes;
} cgv_event;

const cgv_event *cgv_cmd_events(const cgv_cmd *cmd, int *count);
const cgv_access *cgv_cmd_accesses(const cgv_cmd *cmd);

#endif
