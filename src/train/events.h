// Event files for TensorBoard: scalars and pictures over steps.
#ifndef CGV_TRAIN_EVENTS_H
#define CGV_TRAIN_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "cgvideo/status.h"

typedef struct cgv_events cgv_events;

// A new file events.out.tfevents.TIME.HOST in a run directory. A resumed run adds a file of its
// own, which tells TensorBoard to forget what earlier files say of steps after `step`, the one of
// the checkpoint; 0 for a new run.
CGV_NODISCARD cgv_status cgv_events_create(cgv_events **out, const char *dir, int64_t step);
void cgv_events_destroy(cgv_events **events);

typedef struct cgv_scalar {
    const char *tag; // "loss/G_A": curves are grouped by what stands before the slash
    float value;
} cgv_scalar;

// Every call writes one record and flushes it. CGV_ERROR_IO when the disk is full: the file then
// ends in a torn record, which readers skip; close it.
CGV_NODISCARD cgv_status cgv_events_scalars(cgv_events *events, int64_t step,
                                            const cgv_scalar *scalars, int count);
CGV_NODISCARD cgv_status cgv_events_picture(cgv_events *events, int64_t step, const char *tag,
                                            const void *png, size_t size, int width, int height);

// Framing of a record: its length, the length's checksum, the bytes, their checksum. The checksums
// are masked, so that a checksum of data with checksums in it stays good.
uint32_t cgv_events_masked_crc(const void *data, size_t size);

#endif
