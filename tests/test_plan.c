// Plans of the architectures, what they need of memory, and what they refuse.
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "nn/arch.h"
#include "plan_check.h"
#include "reference_net.h"
#include "support.h"

#define HALF_TOLERANCE 1e-2

static void check_named(const char *name, int width, int n, int h, int w) {
    cgv_net *net = cgv_test_net(name, width, 0);
    CU_ASSERT(plan_check(net, n, h, w));
    cgv_net_destroy(&net);
}

static void test_resnet(void) {
    plan_begin(1);
    check_named("resnet_2blocks", 8, 1, 20, 28);
    check_named("resnet_2blocks", 8, 2, 12, 8);
}

static void test_mobile(void) {
    plan_begin(2);
    check_named("mobile_resnet_2blocks", 8, 1, 20, 28);
    check_named("mobile_resnet_1blocks", 6, 2, 16, 12);
}

// The input is read again by the last step, wherever it lies.
static void test_variants(void) {
    plan_begin(9);
    check_named("resnet_1blocks_resize", 8, 1, 20, 28);
    check_named("resnet_1blocks_affine", 8, 1, 20, 28);
    check_named("resnet_2blocks_resize_affine", 6, 2, 12, 8);
    check_named("mobile_resnet_1blocks_resize_affine", 4, 1, 16, 12);
}

// Commands of steps whose label holds this word.
static int commands(const char *name, int n, const char *word) {
    application a;
    cgv_net *net = cgv_test_net(name, 4, 0);
    float *weights = ref_random_params(net, &plan_rng);
    cgv_plan_params shape = {.n = n, .h = 32, .w = 32};
    CU_ASSERT_EQUAL_FATAL(application_create(&a, cgv_test_device(), net, weights, &shape), CGV_OK);
    int count, found = 0;
    const cgv_event *events = cgv_cmd_events(a.cmd, &count);
    for (int i = 0; i < count; i++)
        found += events[i].label && strstr(events[i].label, word);
    application_destroy(&a);
    free(weights);
    cgv_net_destroy(&net);
    return found;
}

static void test_unet(void) {
    plan_begin(10);
    // Everything is written where it belongs: nothing is copied together.
    CU_ASSERT_EQUAL(commands("unet_32", 1, "concat"), 0);
    CU_ASSERT(commands("unet_32", 2, "concat") > 0);
    CU_ASSERT(commands("unet_32", 1, "conv") > 0);
    check_named("unet_4", 5, 1, 12, 20);
    check_named("unet_16", 8, 2, 16, 48);
    check_named("unet_32", 6, 1, 64, 96);
}

// Filters; norms that have become part of the convolutions.
static void test_filters(void) {
    plan_begin(11);
    check_named("resnet_1blocks_antialias", 6, 1, 20, 28);
    check_named("mobile_resnet_1blocks_blurdown_affine2", 4, 2, 16, 12);
    check_named("resnet_1blocks_1downs_blurup", 4, 1, 10, 14);
    cgv_unet_desc desc = cgv_unet_desc_default(8, 3);
    cgv_net *net;
    desc.norm = CGV_NORM_FOLDED;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_unet(&net, &desc), CGV_OK);
    CU_ASSERT(plan_check(net, 1, 16, 24));
    cgv_net_destroy(&net);
}

// Grids, sliced by the picture, whose net may know how high in it it looks.
static void test_grid(void) {
    plan_begin(13);
    check_named("resnet_1blocks_3downs_grid", 6, 1, 24, 32);
    check_named("resnet_1blocks_grid_coord", 6, 2, 20, 28);
}

static void test_patchgan(void) {
    plan_begin(3);
    check_named("patchgan", 8, 1, 40, 56);
    check_named("patchgan", 5, 2, 33, 31);
}

// On matrix units: norms and additions on either side of formats, operands that are converted.
static void test_half(void) {
    static const struct {
        const char *name;
        int width, n, h, w;
    } cases[] = {
        {"resnet_2blocks", 32, 1, 20, 28},
        {"resnet_2blocks", 12, 2, 16, 24},
        {"resnet_1blocks_resize_affine", 32, 1, 20, 28},
        {"resnet_1blocks_3downs_grid", 12, 1, 32, 48},
        {"resnet_1blocks_grid_coord", 12, 1, 32, 48},
        {"mobile_resnet_1blocks", 16, 1, 16, 24},
        {"unet_16", 16, 1, 32, 48},
        {"patchgan", 16, 1, 40, 56},
        {"identity", 0, 1, 5, 3},
    };
    plan_begin(12);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cgv_net *net = cgv_test_net(cases[i].name, cases[i].width, 0);
        cgv_plan_params shape = {.n = cases[i].n, .h = cases[i].h, .w = cases[i].w, .half = true};
        CU_ASSERT(plan_check_shape(net, shape, HALF_TOLERANCE));
        cgv_net_destroy(&net);
    }
}

static void test_identity(void) {
    plan_begin(4);
    check_named("identity", 0, 1, 5, 3);
}

// ---- memory and refusals ----

// The step with this in its label.
static cgv_plan_step_info find_step(const cgv_plan *plan, const char *what) {
    for (int s = 0; s < cgv_plan_step_count(plan); s++)
        if (strstr(cgv_plan_step(plan, s).label, what))
            return cgv_plan_step(plan, s);
    CU_FAIL_FATAL("no such step");
    return (cgv_plan_step_info){0};
}

// What a step must move: each operand, its weights and its result, once.
static void test_least_bytes(void) {
    enum { PIXELS = 64 * 64 };
    cgv_net *net = cgv_test_net("resnet_1blocks", 8, 0);
    cgv_plan *plan;
    for (int n = 1; n <= 2; n++) {
        cgv_plan_params shape = {.n = n, .h = 64, .w = 64};
        CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
        CU_ASSERT_EQUAL(find_step(plan, "conv 7 3>8").bytes,
                        4.0 * (n * (3 + 8) * PIXELS + 3 * 8 * 49 + 8));
        CU_ASSERT_EQUAL(find_step(plan, "instance norm 8 ").bytes, 4.0 * n * 2 * 8 * PIXELS);
        // The last norm of a block adds what went into the block.
        double with_residual = 0;
        for (int s = 0; s < cgv_plan_step_count(plan); s++)
            if (strstr(cgv_plan_step(plan, s).label, "instance norm 32 "))
                with_residual = cgv_plan_step(plan, s).bytes;
        CU_ASSERT_EQUAL(with_residual, 4.0 * n * 3 * 32 * PIXELS / 16);
        CU_ASSERT(!find_step(plan, "conv 7 3>8").matrix);
        cgv_plan_destroy(&plan);
    }
    cgv_net_destroy(&net);
    net = cgv_test_net("unet_32", 8, 0); // its parts are in their places in a batch of one
    for (int n = 1; n <= 2; n++) {
        cgv_plan_params shape = {.n = n, .h = 32, .w = 32};
        CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
        for (int s = 0; s < cgv_plan_step_count(plan); s++) {
            cgv_plan_step_info step = cgv_plan_step(plan, s);
            bool nothing = n == 1 && strstr(step.label, "concat");
            CU_ASSERT(nothing ? step.bytes == 0 : step.bytes > 0);
        }
        cgv_plan_destroy(&plan);
    }
    cgv_net_destroy(&net);
}

// Of matrix units: pixels and weights in half precision.
static void test_least_bytes_half(void) {
    enum { CHANNELS = 4 * 32, PIXELS = 16 * 16 };
    cgv_net *net = cgv_test_net("resnet_2blocks", 32, 0);
    cgv_plan *plan;
    cgv_plan_params shape = {.n = 1, .h = 64, .w = 64, .half = true};
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
    cgv_plan_step_info step = find_step(plan, "conv 3 128>128");
    CU_ASSERT(step.matrix);
    CU_ASSERT_EQUAL(step.bytes,
                    2.0 * (2 * CHANNELS * PIXELS + 9 * CHANNELS * CHANNELS) + 4.0 * CHANNELS);
    CU_ASSERT(!find_step(plan, "instance norm 128").matrix); // has no products
    cgv_plan_destroy(&plan);
    cgv_net_destroy(&net);
}

static void test_memory(void) {
    plan_begin(7);
    cgv_net *net = cgv_test_net("resnet_9blocks", 8, 0);
    cgv_plan *plan, *kept;
    cgv_tape tape, kept_tape;
    cgv_plan_params shape = {.n = 1, .h = 64, .w = 64};
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &shape), CGV_OK);
    shape.keep_input = true;
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&kept, cgv_test_device(), net, &shape), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_tape_create(&tape, plan), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_tape_create(&kept_tape, kept), CGV_OK);
    // The widest place: the input of the last 7x7 convolution or the output of the first, of 8
    // channels, beside one tensor of half that size and the scratch of a norm.
    uint64_t widest = 8 * 64 * 64 * sizeof(float);
    CU_ASSERT(cgv_tape_bytes(&tape) >= widest);
    CU_ASSERT(cgv_tape_bytes(&tape) <= 2 * widest);
    CU_ASSERT(cgv_tape_bytes(&kept_tape) >= cgv_tape_bytes(&tape));
    CU_ASSERT(cgv_tape_bytes(&kept_tape) <= cgv_tape_bytes(&tape) + 3 * 64 * 64 * sizeof(float));

    double macs = 0;
    for (int s = 0; s < cgv_plan_step_count(plan); s++)
        macs += cgv_plan_step(plan, s).macs;
    CU_ASSERT_DOUBLE_EQUAL(macs, cgv_net_macs(net, 64, 64), 0.5);
    cgv_tape_destroy(&tape);
    cgv_tape_destroy(&kept_tape);
    cgv_plan_destroy(&plan);
    cgv_plan_destroy(NULL);
    cgv_plan_destroy(&kept);
    CU_ASSERT_PTR_NULL(plan);
    cgv_plan_destroy(&plan);
    cgv_net_destroy(&net);
}

static void check_refused(const cgv_net *net, int h, int w, cgv_status status, const char *why) {
    cgv_plan *plan;
    CU_ASSERT_EQUAL(
        cgv_plan_create(&plan, cgv_test_device(), net, &(cgv_plan_params){.n = 1, .h = h, .w = w}),
        status);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT_PTR_NULL(plan);
}

static void test_refused(void) {
    plan_begin(8);
    cgv_test_device();
    cgv_test_listen();
    cgv_net *net = cgv_test_net("resnet_2blocks", 8, 0);
    check_refused(net, 21, 28, CGV_ERROR_ARGUMENT, "multiples of 4");
    check_refused(net, 4, 4, CGV_ERROR_ARGUMENT, "small");
    check_refused(net, 1 << 15, 1 << 15, CGV_ERROR_UNSUPPORTED, "2^31");
    cgv_net_destroy(&net);
    net = cgv_test_net("identity", 0, 0);
    check_refused(net, 0, 7, CGV_ERROR_ARGUMENT, "7x0");
    // 2^31 floats and more.
    check_refused(net, 1 << 15, 1 << 16, CGV_ERROR_UNSUPPORTED, "2^31");
    cgv_net_destroy(&net);
}

int main(int argc, char **argv) {
    static const cgv_test_case half[] = {
        {"half precision", test_half}, {"least bytes of steps", test_least_bytes_half}, {0}};
    static const cgv_test_case cases[] = {
        {"resnet", test_resnet},
        {"mobile resnet", test_mobile},
        {"resize, affine head", test_variants},
        {"U-Net", test_unet},
        {"filters, folded norms", test_filters},
        {"grids", test_grid},
        {"PatchGAN", test_patchgan},
        {"identity", test_identity},
        {"least bytes of steps", test_least_bytes},
        {"memory", test_memory},
        {"refused", test_refused},
        {0},
    };
    if (argc > 1 && !strcmp(argv[1], "half"))
        return cgv_test_run_half("plan: half precision", half);
    return cgv_test_run("plan", cases);
}
