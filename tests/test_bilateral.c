// The bilateral grid: slicing and its gradients, and networks that end in one.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "guarded.h"
#include "nn/arch.h"
#include "numbers.h"
#include "ops/grad.h"
#include "reference.h"
#include "support.h"

static cgv_rng rng;

// A picture: colours in (-1, 1), far enough from the ends and from the grid's levels, where the
// brightness turns from one pair of them to the next, for differences to stay on one side.
static void draw_picture(float *x, ref_shape s) {
    size_t plane = (size_t)s.h * (size_t)s.w;
    for (int n = 0; n < s.n; n++)
        for (size_t i = 0; i < plane; i++) {
            float *p = x + (size_t)n * 3 * plane + i, depth;
            do {
                for (size_t c = 0; c < 3; c++)
                    p[c * plane] = 1.9f * cgv_rng_float(&rng) - 0.95f;
                depth = (0.299f * p[0] + 0.587f * p[plane] + 0.114f * p[2 * plane] + 1) / 2 * 7;
            } while (fabsf(depth - roundf(depth)) < 0.02f);
        }
}

typedef struct trial {
    ref_shape cells, shape;
    double *grid, *x, *dy, *y;
    float *grid_f, *x_f, *dy_f;
} trial;

static trial make_trial(ref_shape cells, ref_shape shape) {
    trial t = {.cells = cells, .shape = shape};
    t.grid_f = numbers_random(&rng, ref_count(cells), 0, 0.3f);
    t.x_f = numbers_random(&rng, ref_count(shape), 0, 1);
    draw_picture(t.x_f, shape);
    t.dy_f = numbers_random(&rng, ref_count(shape), 0, 1);
    t.grid = numbers_widen(t.grid_f, ref_count(cells));
    t.x = numbers_widen(t.x_f, ref_count(shape));
    t.dy = numbers_widen(t.dy_f, ref_count(shape));
    t.y = numbers_allocate(ref_count(shape), sizeof *t.y);
    ref_bilateral_slice(t.y, t.grid, cells, t.x, shape);
    return t;
}

static void free_trial(trial *t) {
    void *all[] = {t->grid, t->x, t->dy, t->y, t->grid_f, t->x_f, t->dy_f};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

// d sum(dy y) / d value, by central differences.
static double slope(trial *t, double *value) {
    const double step = 1e-4, kept = *value;
    double side[2];
    for (int i = 0; i < 2; i++) {
        *value = kept + (i ? -step : step);
        ref_bilateral_slice(t->y, t->grid, t->cells, t->x, t->shape);
        side[i] = 0;
        for (size_t k = 0; k < ref_count(t->shape); k++)
            side[i] += t->dy[k] * t->y[k];
    }
    *value = kept;
    return (side[0] - side[1]) / (2 * step);
}

static bool check_slopes(trial *t, const char *what, double *values, const float *gradient,
                         size_t count) {
    const size_t samples = 60;
    for (size_t i = 0; i < samples; i++) {
        size_t at = count <= samples ? i % count : cgv_rng_below(&rng, (uint32_t)count);
        double expected = slope(t, &values[at]);
        if (fabs(gradient[at] - expected) > 1e-4 * (1 + fabs(expected))) {
            printf("FAILED: %s of %dx%d in a grid of %dx%d, element %zu: %g, not %g\n", what,
                   t->shape.w, t->shape.h, t->cells.w, t->cells.h, at, (double)gradient[at],
                   expected);
            return false;
        }
    }
    return true;
}

static cgv_tensor tensor(uint64_t address, ref_shape s) {
    return (cgv_tensor){address, s.n, s.c, s.h, s.w};
}

enum { DX_WANTED, DX_OVER_DY, DX_UNWANTED };

static void check(guarded *memory, int kind, int n, int grid_h, int grid_w, int h, int w) {
    ref_shape cells = {n, CGV_GRID_CHANNELS, grid_h, grid_w}, shape = {n, 3, h, w};
    trial t = make_trial(cells, shape);
    size_t bytes = ref_count(shape) * sizeof(float), grid_bytes = ref_count(cells) * sizeof(float);
    guarded_begin(memory);
    uint64_t x = guarded_add(memory, GUARDED_INPUT, t.x_f, bytes);
    uint64_t grid = guarded_add(memory, GUARDED_INPUT, t.grid_f, grid_bytes);
    uint64_t dgrid = guarded_add(memory, GUARDED_OUTPUT, NULL, grid_bytes);
    uint64_t y = guarded_add(memory, GUARDED_OUTPUT, NULL, bytes);
    uint64_t dy =
        guarded_add(memory, kind == DX_OVER_DY ? GUARDED_OUTPUT : GUARDED_INPUT, t.dy_f, bytes);
    uint64_t dx = kind == DX_OVER_DY  ? dy
                  : kind == DX_WANTED ? guarded_add(memory, GUARDED_OUTPUT, NULL, bytes)
                                      : 0;
    cgv_bilateral_slice(memory->cmd, tensor(y, shape), tensor(grid, cells), tensor(x, shape));
    cgv_bilateral_slice_grad(memory->cmd, tensor(dgrid, cells), tensor(dx, shape),
                             tensor(dy, shape), tensor(y, shape), tensor(grid, cells),
                             tensor(x, shape));
    CU_ASSERT_FATAL(guarded_run(memory));
    CU_ASSERT(numbers_close(guarded_result(memory, y), t.y, ref_count(shape), 1e-5));
    CU_ASSERT(check_slopes(&t, "dgrid", t.grid, guarded_result(memory, dgrid), ref_count(cells)));
    CU_ASSERT(kind == DX_UNWANTED ||
              check_slopes(&t, "dx", t.x, guarded_result(memory, dx), ref_count(shape)));
    free_trial(&t);
}

static void test_op(void) {
    static guarded memory;
    CU_ASSERT_EQUAL_FATAL(guarded_create(&memory, cgv_test_device(), 8u << 20), CGV_OK);
    cgv_rng_seed(&rng, 20170708, 1);
    for (int kind = DX_WANTED; kind <= DX_UNWANTED; kind++) {
        check(&memory, kind, 1, 1, 1, 1, 1);
        check(&memory, kind, 2, 2, 3, 16, 24);
        check(&memory, kind, 1, 3, 2, 13, 21);
        check(&memory, kind, 1, 5, 7, 3, 4); // more cells than pixels
        check(&memory, kind, 1, 13, 13, 4, 4);
        check(&memory, kind, 3, 1, 4, 9, 33);
    }
    guarded_destroy(&memory);
}

// In place, as the filter does at full size; a pixel that is no number stays one, alone.
static void test_in_place(void) {
    static guarded memory;
    CU_ASSERT_EQUAL_FATAL(guarded_create(&memory, cgv_test_device(), 8u << 20), CGV_OK);
    cgv_rng_seed(&rng, 20170708, 2);
    trial t = make_trial((ref_shape){1, CGV_GRID_CHANNELS, 3, 4}, (ref_shape){1, 3, 10, 17});
    size_t count = ref_count(t.shape);
    t.x_f[170 + 5] = NAN;
    guarded_begin(&memory);
    uint64_t grid =
        guarded_add(&memory, GUARDED_INPUT, t.grid_f, ref_count(t.cells) * sizeof(float));
    uint64_t x = guarded_add(&memory, GUARDED_OUTPUT, t.x_f, count * sizeof(float));
    cgv_bilateral_slice(memory.cmd, tensor(x, t.shape), tensor(grid, t.cells), tensor(x, t.shape));
    CU_ASSERT_FATAL(guarded_run_nan(&memory));
    const float *y = guarded_result(&memory, x);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT(i % 170 == 5 ? isnan(y[i]) : fabs(y[i] - t.y[i]) < 1e-5);
    free_trial(&t);
    guarded_destroy(&memory);
}

static void test_net(void) {
    cgv_net *net;
    cgv_size sizes[64];
    cgv_arch_options options = {.name = "resnet_2blocks_3downs_grid", .ngf = 4};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    CU_ASSERT_STRING_EQUAL(net->architecture, options.name);
    CU_ASSERT_EQUAL(net->multiple, 8);
    CU_ASSERT_FATAL(net->node_count <= 64);
    CU_ASSERT_EQUAL_FATAL(cgv_net_shapes(net, 32, 48, sizes), CGV_OK);
    int last = net->node_count - 1;
    CU_ASSERT(sizes[last].h == 32 && sizes[last].w == 48);
    CU_ASSERT(sizes[last - 1].h == 4 && sizes[last - 1].w == 6);
    cgv_net_destroy(&net);
    // By an option, whatever the name says of the way up.
    options = (cgv_arch_options){.name = "resnet_2blocks_resize", .ngf = 4, .head = "grid"};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    CU_ASSERT_STRING_EQUAL(net->architecture, "resnet_2blocks_grid");
    cgv_net_destroy(&net);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"the op and its gradients", test_op},
        {"in place", test_in_place},
        {"networks", test_net},
        {0},
    };
    return cgv_test_run("bilateral", cases);
}
