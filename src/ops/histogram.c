// Histogram matching.
#include "ops/dispatch.h"
#include "ops/grad.h"
#include "shaders.h"

#include "histogram.h"

uint64_t cgv_histogram_scratch(cgv_tensor x, int bands) {
    return (uint64_t)x.n * 3 * (uint64_t)bands * 2 * HISTOGRAM_BINS * sizeof(float);
}

void cgv_histogram_match(cgv_cmd *cmd, cgv_tensor y, cgv_tensor x, cgv_tensor reference, int bands,
                         float chroma, uint64_t scratch) {
    uint64_t bytes = cgv_tensor_bytes(x), pixels = bytes / (3 * sizeof(float));
    struct histogram_push push = {
        .x = cgv_cmd_read(cmd, x.address, bytes),
        .reference = cgv_cmd_read(cmd, reference.address, bytes),
        .table = cgv_cmd_write(cmd, scratch, cgv_histogram_scratch(x, bands)),
        .h = x.h,
        .w = x.w,
        .bands = bands,
        .count = (int)pixels,
        .chroma = chroma,
    };
    cgv_dispatch dispatch = {
        .shader = &cgv_shader_histogram_table,
        .local = {128, 1}, // what every device has
        .groups = {3 * (uint32_t)(x.n * bands), 1, 1},
        .push = &push,
        .push_bytes = sizeof push,
    };
    cgv_cmd_dispatch(cmd, &dispatch);
    push.y = cgv_cmd_write(cmd, y.address, bytes);
    push.x = cgv_cmd_read(cmd, x.address, bytes);
    push.reference = 0;
    push.table = cgv_cmd_read(cmd, scratch, cgv_histogram_scratch(x, bands));
    dispatch.shader = &cgv_shader_histogram_match;
    cgv_dispatch_linear(cmd, pixels, dispatch);
}
