// Networks in tiles: rectangles of tensors, where a net is cut, and that its result is that of the
// whole picture.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "nn/arch.h"
#include "nn/chain.h"
#include "nn/tiling.h"
#include "numbers.h"
#include "op_test.h"
#include "support.h"

// ---- rectangles ----

static void test_copy(void) {
    const ref_shape from = {1, 3, 9, 14}, to = {1, 3, 11, 7};
    const cgv_region region = {2, 5, 6, 4};
    op_begin(OP_MEMORY, 1);
    float *x = op_random(ref_count(from)), *y = op_random(ref_count(to));
    guarded_begin(&op_memory);
    uint64_t x_at = op_floats(GUARDED_INPUT, x, ref_count(from));
    uint64_t y_at = op_floats(GUARDED_OUTPUT, y, ref_count(to));
    cgv_region_copy(op_memory.cmd, op_tensor(y_at, to), 3, 1, op_tensor(x_at, from), region);
    CU_ASSERT_FATAL(guarded_run(&op_memory));
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < region.h; i++)
            for (int j = 0; j < region.w; j++)
                y[ref_at(to, 0, c, 3 + i, 1 + j)] =
                    x[ref_at(from, 0, c, region.y + i, region.x + j)];
    CU_ASSERT_EQUAL(memcmp(guarded_result(&op_memory, y_at), y, ref_count(to) * sizeof *y), 0);
    free(x);
    free(y);
    op_end();
}

// The statistics of a picture from those of its quarters, which are cut anywhere.
static bool run_stats(ref_shape s, int row, int column, float mean, float keep) {
    const cgv_region quarters[4] = {{0, 0, row, column},
                                    {0, column, row, s.w - column},
                                    {row, 0, s.h - row, column},
                                    {row, column, s.h - row, s.w - column}};
    size_t count = ref_count(s), planes = (size_t)s.c;
    float *x = numbers_random(&op_rng, count, mean, 1);
    float *before = numbers_random(&op_rng, 2 * planes, 0, 1);
    double *wide = numbers_widen(x, count), *stats = numbers_allocate(2 * planes, sizeof *stats);
    ref_instance_stats(stats, wide, s, 1e-5);
    for (size_t i = 0; i < 2 * planes; i++)
        stats[i] += (double)keep * ((double)before[i] - stats[i]);

    guarded_begin(&op_memory);
    cgv_tensor t = op_tensor(op_floats(GUARDED_INPUT, x, count), s);
    int stripes = 0;
    for (int q = 0; q < 4; q++)
        stripes += cgv_region_stripes(quarters[q]);
    uint64_t moments = op_scratch(cgv_region_moments_bytes(t, stripes));
    uint64_t keep_at = keep > 0 ? op_floats(GUARDED_INPUT, &keep, 1) : 0;
    uint64_t stats_at = op_floats(GUARDED_OUTPUT, keep > 0 ? before : NULL, 2 * planes);
    uint64_t next = moments;
    for (int q = 0; q < 4; q++) {
        cgv_region_moments(op_memory.cmd, next, t, quarters[q]);
        next += cgv_region_moments_bytes(t, cgv_region_stripes(quarters[q]));
    }
    cgv_region_stats(op_memory.cmd, stats_at, moments, t, stripes, keep_at, 1e-5f);
    bool right = guarded_run(&op_memory) &&
                 numbers_close(guarded_result(&op_memory, stats_at), stats, 2 * planes, 1e-5);
    if (!right)
        printf("FAILED: statistics of %dx%dx%d, cut at %d,%d, about %g, keeping %g\n", s.c, s.h,
               s.w, row, column, (double)mean, (double)keep);
    free(x);
    free(before);
    free(wide);
    free(stats);
    return right;
}

static void test_stats(void) {
    op_begin(OP_MEMORY, 2);
    CU_ASSERT(run_stats((ref_shape){1, 1, 2, 2}, 1, 1, 0, 0));
    CU_ASSERT(run_stats((ref_shape){1, 5, 33, 47}, 17, 3, 0, 0));
    CU_ASSERT(run_stats((ref_shape){1, 70, 40, 40}, 1, 39, 3, 0));
    CU_ASSERT(run_stats((ref_shape){1, 3, 100, 61}, 50, 30, 300, 0));
    CU_ASSERT(run_stats((ref_shape){1, 4, 31, 31}, 16, 16, 0, 0.75f));
    op_end();
}

// ---- cuts and tiles ----

static cgv_net *net_named(const char *name, int width) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &(cgv_arch_options){.name = name, .ngf = width}),
                          CGV_OK);
    return net;
}

// Where a net of this name is narrow for a picture of 64x48, and how large it is there.
static cgv_size narrow(const char *name, cgv_op *begins_with) {
    cgv_net *net = net_named(name, 4);
    cgv_size *sizes = numbers_allocate((size_t)net->node_count, sizeof *sizes);
    int first, last;
    CU_ASSERT_EQUAL_FATAL(cgv_net_shapes(net, 48, 64, sizes), CGV_OK);
    cgv_tiling_narrow(&first, &last, net, sizes);
    CU_ASSERT(first <= last);
    cgv_size size = sizes[first];
    CU_ASSERT(size.h == sizes[last].h && size.w == sizes[last].w);
    *begins_with = net->nodes[first].op;
    free(sizes);
    cgv_net_destroy(&net);
    return size;
}

static void test_cuts(void) {
    cgv_op op;
    cgv_size size = narrow("resnet_6blocks", &op);
    CU_ASSERT(size.h == 12 && size.w == 16);
    CU_ASSERT_EQUAL(op, CGV_OP_CONV); // before its norm, which then knows the whole picture
    size = narrow("mobile_resnet_2blocks", &op);
    CU_ASSERT(size.h == 12 && size.w == 16);
    // The input itself goes into the last layer: there is no way through but all of it.
    size = narrow("resnet_6blocks_affine", &op);
    CU_ASSERT(size.h == 48 && size.w == 64);
}

// Every element of an axis belongs to one tile, which has its margin around it.
static void check_axis(const cgv_tile_axis *axis) {
    int done = 0;
    for (int i = 0; i < axis->count; i++) {
        const cgv_tile_span span = cgv_tile_at(axis, i);
        CU_ASSERT_EQUAL(span.own, done);
        CU_ASSERT(span.end > span.own && span.begin >= 0);
        CU_ASSERT(span.begin + axis->tile <= axis->size);
        CU_ASSERT(span.begin == 0 || span.own - span.begin >= axis->margin);
        CU_ASSERT(span.begin + axis->tile == axis->size ||
                  span.begin + axis->tile - span.end >= axis->margin);
        done = span.end;
    }
    CU_ASSERT_EQUAL(done, axis->size);
}

static void test_tiles(void) {
    cgv_net *whole = net_named("resnet_6blocks", 4), net;
    cgv_size *sizes = numbers_allocate((size_t)whole->node_count, sizeof *sizes);
    int first, last, count = 0;
    CU_ASSERT_EQUAL_FATAL(cgv_net_shapes(whole, 212, 340, sizes), CGV_OK);
    cgv_tiling_narrow(&first, &last, whole, sizes);
    CU_ASSERT_EQUAL_FATAL(cgv_net_part(&net, whole, 0, first), CGV_OK);
    for (int side = 1; side < 360; side += 7, count++) {
        cgv_tiling tiling;
        CU_ASSERT_EQUAL_FATAL(cgv_tiling_make(&tiling, &net, sizes, side), CGV_OK);
        check_axis(&tiling.down);
        check_axis(&tiling.across);
        // 7x7, and two of stride 2: 3 + 1 + 2 elements, in fours.
        CU_ASSERT_EQUAL(tiling.down.margin, 8);
        CU_ASSERT_EQUAL(cgv_tiling_is_whole(&tiling), (side + 3) / 4 * 4 + 16 >= 340);
    }
    CU_ASSERT(count > 50);
    cgv_net_part_destroy(&net);
    free(sizes);
    cgv_net_destroy(&whole);
}

// ---- the result ----

// What a chain makes of x, *count numbers, with statistics held over `frames` runs; free() it.
static float *run_chain(const cgv_net *net, const float *weights, cgv_size size, int tile,
                        const float *x, int frames, size_t *count) {
    cgv_device *device = cgv_test_device();
    cgv_chain *chain;
    cgv_params params;
    cgv_cmd *cmd;
    cgv_buffer memory;
    CU_ASSERT_EQUAL_FATAL(cgv_params_create(&params, device, net, weights), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_chain_create(&chain, device, net,
                                           &(cgv_plan_params){.n = 1, .h = size.h, .w = size.w},
                                           tile),
                          CGV_OK);
    cgv_tensor input = cgv_chain_input(chain), output = cgv_chain_output(chain);
    uint64_t in = cgv_tensor_bytes(input), out = cgv_tensor_bytes(output);
    uint64_t held = cgv_chain_held_bytes(chain) + 256, offset = in + out;
    CU_ASSERT_EQUAL_FATAL(
        cgv_buffer_create(&memory, device, offset + held, CGV_MEMORY_READBACK, "test"), CGV_OK);
    memset(memory.host, 0, offset + held);
    memcpy(memory.host, x, in);
    if (frames > 1) {
        *(float *)((uint8_t *)memory.host + offset) = 0.5f;
        cgv_chain_hold(chain, memory.address + offset + 256, memory.address + offset);
    }
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, device, false), CGV_OK);
    cgv_cmd_begin(cmd);
    cgv_chain_pack(chain, cmd, &params);
    for (int i = 0; i < frames; i++) {
        cgv_tensor host = input;
        host.address = memory.address;
        cgv_activation_apply(cmd, input, host, CGV_ACT_NONE, 0);
        cgv_chain_record(chain, cmd, &params);
        host = output;
        host.address = memory.address + in;
        cgv_activation_apply(cmd, host, output, CGV_ACT_NONE, 0);
    }
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_run(cmd), CGV_OK);
    *count = (size_t)(out / sizeof(float));
    float *y = numbers_allocate(out, 1);
    memcpy(y, (uint8_t *)memory.host + in, out);
    cgv_cmd_destroy(&cmd);
    cgv_buffer_destroy(&memory);
    cgv_chain_destroy(&chain);
    cgv_params_destroy(&params);
    return y;
}

static void check_tiles_of(const cgv_net *net, cgv_size size, int tile, int frames) {
    size_t pixels = 3 * (size_t)size.h * (size_t)size.w, count;
    float *weights = numbers_random(&op_rng, net->param_floats, 0, 0.1f);
    float *x = numbers_random(&op_rng, pixels, 0, 0.5f);
    float *whole = run_chain(net, weights, size, 0, x, frames, &count);
    float *tiled = run_chain(net, weights, size, tile, x, frames, &count);
    double *expected = numbers_widen(whole, count);
    if (!numbers_close(tiled, expected, count, 1e-5)) {
        printf("FAILED: %s at %dx%d in tiles of %d\n", net->architecture, size.w, size.h, tile);
        CU_FAIL("the result of tiles is another one");
    }
    free(weights);
    free(x);
    free(whole);
    free(tiled);
    free(expected);
}

static void check_result(const char *name, int width, cgv_size size, int tile, int frames) {
    cgv_net *net = net_named(name, width);
    check_tiles_of(net, size, tile, frames);
    cgv_net_destroy(&net);
}

// A net that ends where it is smallest, as one whose grid is sliced elsewhere.
static void check_small_end(const char *name, int begin) {
    const cgv_size size = {120, 96};
    cgv_net *net = net_named(name, 5);
    net->node_count--;
    int first, last;
    cgv_size *sizes = numbers_allocate((size_t)net->node_count, sizeof *sizes);
    CU_ASSERT_EQUAL_FATAL(cgv_net_shapes(net, size.h, size.w, sizes), CGV_OK);
    cgv_tiling_narrow(&first, &last, net, sizes);
    CU_ASSERT(first < last);
    CU_ASSERT_EQUAL(last, net->node_count - 1);
    CU_ASSERT_EQUAL(cgv_tiling_begin(net), begin);
    check_tiles_of(net, size, 32, 1);
    check_tiles_of(net, size, 32, 3);
    free(sizes);
    cgv_net_destroy(&net);
}

static void test_small_end(void) {
    check_small_end("resnet_2blocks_grid", 0);
    check_small_end("resnet_2blocks_grid_coord", 1); // the height of a tile is not the picture's
}

static void test_results(void) {
    cgv_rng_seed(&op_rng, OP_SEED, 5);
    check_result("resnet_2blocks", 6, (cgv_size){116, 148}, 32, 1);
    check_result("resnet_2blocks", 6, (cgv_size){116, 148}, 32, 3);
    check_result("resnet_2blocks", 6, (cgv_size){116, 148}, 130, 1); // across only
    check_result("resnet_1blocks_resize", 5, (cgv_size){92, 84}, 40, 1);
    check_result("mobile_resnet_2blocks", 8, (cgv_size){100, 72}, 36, 2);
    check_result("unet_128", 2, (cgv_size){256, 128}, 48, 1);
    check_result("identity", 1, (cgv_size){50, 70}, 32, 1);
}

static void test_saves_memory(void) {
    cgv_net *net = net_named("resnet_2blocks", 16);
    uint64_t bytes[2];
    for (int i = 0; i < 2; i++) {
        cgv_chain *chain;
        CU_ASSERT_EQUAL_FATAL(cgv_chain_create(&chain, cgv_test_device(), net,
                                               &(cgv_plan_params){.n = 1, .h = 512, .w = 768},
                                               i ? 64 : 0),
                              CGV_OK);
        bytes[i] = cgv_chain_bytes(chain);
        cgv_chain_destroy(&chain);
    }
    CU_ASSERT(bytes[1] < bytes[0] / 10 * 8);
    cgv_net_destroy(&net);
}

// What works on the whole picture cannot be done in tiles, and says so.
static void test_refused(void) {
    cgv_net *net;
    cgv_chain *chain;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "with a grid", 3), CGV_OK);
    int grid = cgv_net_conv(net, 0, "conv",
                            &(cgv_conv_desc){.channels = CGV_GRID_CHANNELS, .kernel = 3, .pad = 1});
    cgv_net_bilateral_slice(net, grid, 0);
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_chain_create(&chain, cgv_test_device(), net,
                                     &(cgv_plan_params){.n = 1, .h = 128, .w = 128}, 32),
                    CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("cannot be worked on in tiles"));
    CU_ASSERT_PTR_NULL(chain);
    cgv_net_destroy(&net);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"rectangles", test_copy},
        {"statistics of parts", test_stats},
        {"cuts", test_cuts},
        {"tiles", test_tiles},
        {"the result of the whole picture", test_results},
        {"a small end", test_small_end},
        {"less memory", test_saves_memory},
        {"refused", test_refused},
        {0},
    };
    return cgv_test_run("tiles", cases);
}
