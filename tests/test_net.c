// Nets: shapes, costs, parameter tables.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"
#include "nn/arch.h"
#include "support.h"

static int64_t parameters(const cgv_net *net) {
    int64_t sum = 0;
    for (int i = 0; i < net->param_count; i++)
        sum += (int64_t)net->params[i].count;
    return sum;
}

static void check_cost(const char *name, int width, int64_t wanted, double gmac) {
    cgv_net *net = cgv_test_net(name, width, 3);
    CU_ASSERT_STRING_EQUAL(net->architecture, name);
    CU_ASSERT(wanted < 0 || parameters(net) == wanted);
    CU_ASSERT(fabs(cgv_net_macs(net, 256, 256) / 1e9 - gmac) < 0.05);
    cgv_net_destroy(&net);
}

// The published numbers of parameters, and the multiplications worked out by hand.
static void test_costs(void) {
    check_cost("resnet_9blocks", 64, 11378179, 49.6);
    check_cost("resnet_6blocks", 64, 7837699, 35.1);
    check_cost("resnet_9blocks", 16, -1, 3.3);
    check_cost("patchgan", 64, 2764737, 3.15);
    check_cost("identity", 0, 0, 0);
    check_cost("unet_256", 64, 54409603, 6.05);
    check_cost("unet_128", 64, 41825667, 6.02);
    // Halves behind a convolution at full size, enlarges before it: both cost four times as much.
    check_cost("resnet_9blocks_antialias", 64, -1, 49.6 + 2 * 1.208 * 3 + 2 * 4.832 * 3 / 4);
    // Nearest enlargement costs nine taps a pixel where four phases have nine for four.
    check_cost("resnet_9blocks_resize", 64, 11378179, 49.6 + 2 * 4.832 * 3 / 4);
    check_cost("resnet_6blocks_resize_affine", 16, -1, 3.03);

    cgv_net *net = cgv_test_net("resnet_9blocks", 64, 0);
    CU_ASSERT(fabs(cgv_net_macs(net, 720, 1280) / 1e9 - 697) < 1);
    CU_ASSERT(fabs(cgv_net_macs(net, 1080, 1920) / 1e9 - 1568) < 1);
    cgv_net_destroy(&net);
}

static void test_names(void) {
    static const char *const bad[] = {
        "resnet_9blocks_affine_resize",
        "resnet_9blocks_",
        "resnet_9blocks_resize_resize",
        "_affine",
        "resnet_0000000000000000000000000000000000000000000000000000000009blocks",
        "resnet",
        "resnet_9block",
        "resnet_9blocks2",
        "resnet_-1blocks",
        "unet_255",
        "unet_2",
        "unet_1024",
        "unet_256_batch",
        "resnet_9blocks_batch",
        "resnet_9blocks_antialias_resize",
        "resnet_9blocks_blurup_blurdown",
        "mobile_",
        ""};
    cgv_test_listen();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cgv_net *net;
        CU_ASSERT_EQUAL(cgv_arch_by_name(&net, &(cgv_arch_options){.name = bad[i]}),
                        CGV_ERROR_ARGUMENT);
        CU_ASSERT(cgv_test_said("architecture"));
        CU_ASSERT_PTR_NULL(net);
    }
    cgv_net *net;
    CU_ASSERT_EQUAL(cgv_arch_by_name(&net, &(cgv_arch_options){.name = "resnet_65blocks"}),
                    CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("65 blocks"));
    CU_ASSERT_EQUAL(
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = "resnet_9blocks", .ngf = -1}),
        CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("width"));
    CU_ASSERT_EQUAL(cgv_arch_by_name(&net, &(cgv_arch_options){.name = "patchgan", .layers = 7}),
                    CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("7 layers"));
    CU_ASSERT_EQUAL(cgv_arch_by_name(
                        &net, &(cgv_arch_options){.name = "resnet_9blocks", .upsample = "nearest"}),
                    CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("nearest: no such upsampling; there are transpose, resize, blur"));
    CU_ASSERT_EQUAL(
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = "resnet_9blocks", .head = "tanh"}),
        CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("tanh: no such head; there are plain, affine, affine2, affine4"));
    CU_ASSERT_EQUAL(
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = "unet_256", .head = "affine"}),
        CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("choices of a resnet"));
    CU_ASSERT_PTR_NULL(net);
}

static void check_built(const cgv_arch_options *options, const char *architecture, int channels) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, options), CGV_OK);
    CU_ASSERT_STRING_EQUAL(net->architecture, architecture);
    CU_ASSERT_EQUAL(net->nodes[1].channels, channels);
    CU_ASSERT_EQUAL(net->nodes[net->node_count - 1].channels, 3);
    cgv_net_destroy(&net);
}

// The strings and the name say the same; what is not said has a default.
static void test_options(void) {
    check_built(&(cgv_arch_options){.name = "resnet_9blocks"}, "resnet_9blocks", 64);
    check_built(&(cgv_arch_options){.name = "resnet_6blocks", .ngf = 8, .upsample = "resize"},
                "resnet_6blocks_resize", 8);
    check_built(&(cgv_arch_options){.name = "mobile_resnet_9blocks", .head = "affine"},
                "mobile_resnet_9blocks_affine", 64);
    check_built(&(cgv_arch_options){"resnet_64blocks", 4, .upsample = "resize", .head = "affine"},
                "resnet_64blocks_resize_affine", 4);
    check_built(&(cgv_arch_options){.name = "resnet_6blocks_resize_affine", .ngf = 8},
                "resnet_6blocks_resize_affine", 8);
    check_built(&(cgv_arch_options){.name = "resnet_9blocks_blurdown", .upsample = "blur"},
                "resnet_9blocks_antialias", 64);
    check_built(&(cgv_arch_options){.name = "unet_256", .ngf = 8}, "unet_256", 8);
    check_built(&(cgv_arch_options){.name = "resnet_6blocks_resize_affine",
                                    .ngf = 8,
                                    .upsample = "transpose",
                                    .head = "plain"},
                "resnet_6blocks", 8);
}

static void test_parameter_table(void) {
    cgv_net *net = cgv_test_net("resnet_6blocks", 8, 0);
    static const struct {
        int index;
        const char *name;
        int64_t shape[4];
    } expected[] = {
        {0, "model.1.weight", {8, 3, 7, 7}},
        {1, "model.1.bias", {8}},
        {6, "model.10.conv_block.1.weight", {32, 32, 3, 3}},
        {9, "model.10.conv_block.5.bias", {32}},
        {30, "model.16.weight", {32, 16, 3, 3}}, // transposed: [in, out, k, k]
        {32, "model.19.weight", {16, 8, 3, 3}},
        {34, "model.23.weight", {3, 8, 7, 7}},
    };
    CU_ASSERT_EQUAL_FATAL(net->param_count, 36);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const cgv_param *p = &net->params[expected[i].index];
        CU_ASSERT_STRING_EQUAL(p->name, expected[i].name);
        CU_ASSERT_EQUAL(memcmp(p->shape, expected[i].shape, sizeof p->shape), 0);
    }
    size_t end = 0; // in order, aligned, without overlap
    for (int i = 0; i < net->param_count; i++) {
        CU_ASSERT(net->params[i].offset >= end && net->params[i].offset % 4 == 0);
        end = net->params[i].offset + net->params[i].count;
    }
    CU_ASSERT(net->param_floats >= end && net->param_floats < end + 4);
    cgv_net_destroy(&net);

    // Upsample and padding count; gains and offsets of three channels.
    net = cgv_test_net("resnet_9blocks_resize_affine", 8, 0);
    static const struct {
        int from_end;
        const char *name;
        int64_t shape[4];
    } tail[] = {
        {6, "model.21.weight", {16, 32, 3, 3}},
        {4, "model.26.weight", {8, 16, 3, 3}},
        {2, "model.30.weight", {6, 8, 7, 7}},
        {1, "model.30.bias", {6}},
    };
    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++) {
        const cgv_param *p = &net->params[net->param_count - tail[i].from_end];
        CU_ASSERT_STRING_EQUAL(p->name, tail[i].name);
        CU_ASSERT_EQUAL(memcmp(p->shape, tail[i].shape, sizeof p->shape), 0);
    }
    cgv_net_destroy(&net);

    // As CUT's files have them: filters at 7, 11, 21, 25.
    net = cgv_test_net("resnet_9blocks_antialias", 8, 0);
    static const struct {
        int index;
        const char *name;
        int64_t shape[4];
    } filtered[] = {
        {2, "model.4.weight", {16, 8, 3, 3}},  {4, "model.7.filt", {16, 1, 3, 3}},
        {5, "model.8.weight", {32, 16, 3, 3}}, {7, "model.11.filt", {32, 1, 3, 3}},
        {44, "model.21.filt", {32, 1, 4, 4}},  {45, "model.22.weight", {16, 32, 3, 3}},
        {47, "model.25.filt", {16, 1, 4, 4}},  {48, "model.26.weight", {8, 16, 3, 3}},
        {50, "model.30.weight", {3, 8, 7, 7}},
    };
    CU_ASSERT_EQUAL_FATAL(net->param_count, 52);
    for (size_t i = 0; i < sizeof filtered / sizeof *filtered; i++) {
        const cgv_param *p = &net->params[filtered[i].index];
        CU_ASSERT_STRING_EQUAL(p->name, filtered[i].name);
        CU_ASSERT_EQUAL(memcmp(p->shape, filtered[i].shape, sizeof p->shape), 0);
        CU_ASSERT_EQUAL(p->filter != CGV_FILTER_NONE, strstr(p->name, "filt") != NULL);
    }
    cgv_net_destroy(&net);

    net = cgv_test_net("unet_32", 8, 0); // as pix2pix's files have them
    static const struct {
        int index;
        const char *name;
        int64_t shape[4];
    } nested[] = {
        {0, "model.model.0.weight", {8, 3, 4, 4}},
        {1, "model.model.0.bias", {8}},
        {2, "model.model.1.model.1.weight", {16, 8, 4, 4}},
        {4, "model.model.1.model.3.model.1.weight", {32, 16, 4, 4}},
        {8, "model.model.1.model.3.model.3.model.3.model.1.weight", {64, 64, 4, 4}},
        {10, "model.model.1.model.3.model.3.model.3.model.3.weight", {64, 64, 4, 4}},
        {12, "model.model.1.model.3.model.3.model.5.weight", {128, 32, 4, 4}},
        {16, "model.model.1.model.5.weight", {32, 8, 4, 4}},
        {18, "model.model.3.weight", {16, 3, 4, 4}},
        {19, "model.model.3.bias", {3}},
    };
    CU_ASSERT_EQUAL_FATAL(net->param_count, 20);
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        const cgv_param *p = &net->params[nested[i].index];
        CU_ASSERT_STRING_EQUAL(p->name, nested[i].name);
        CU_ASSERT_EQUAL(memcmp(p->shape, nested[i].shape, sizeof p->shape), 0);
    }
    cgv_net_destroy(&net);

    net = cgv_test_net("mobile_resnet_9blocks", 8, 0);
    CU_ASSERT_STRING_EQUAL(net->params[6].name, "model.10.conv_block.1.conv.0.weight");
    CU_ASSERT_STRING_EQUAL(net->params[13].name, "model.10.conv_block.6.conv.2.bias");
    CU_ASSERT_EQUAL(net->params[6].shape[1], 1);
    cgv_net_destroy(&net);
}

// A letter for each node: Conv, Depthwise, Transposed, Norm, Relu, Leaky relu, tanH, + (addition),
// & (concatenation), Upsample, average Pool, Affine head, Join, cOordinate, Bilateral slice. Takes
// the net.
static void check_net_order(cgv_net *net, const char *wanted) {
    static const char ops[] = "ICTN.+&UPAJOB", activations[] = "-RLHS";
    char order[64] = "";
    for (int i = 0; i < net->node_count && i < 63; i++) {
        const cgv_node *n = &net->nodes[i];
        order[i] = n->op == CGV_OP_ACTIVATION ? activations[n->activation] : ops[n->op];
        if (n->groups > 1)
            order[i] = 'D';
        CU_ASSERT(n->activation != CGV_ACT_LEAKY_RELU || n->slope == 0.2f);
        CU_ASSERT(n->op != CGV_OP_INSTANCE_NORM || (n->epsilon == 1e-5f && n->weight < 0));
        // Nothing is skipped: only an addition, a concatenation, what a U-Net hands across, and the
        // head reach further back than one node.
        bool across = i + 1 < net->node_count && net->nodes[i + 1].op == CGV_OP_CONCAT &&
                      net->nodes[n->input[0]].activation == CGV_ACT_LEAKY_RELU;
        CU_ASSERT(across || n->input[n->op == CGV_OP_ADD] == i - 1);
        CU_ASSERT(n->op != CGV_OP_CONCAT || n->input[1] == i - 2);
        CU_ASSERT(n->op != CGV_OP_AFFINE_HEAD || n->input[1] == 0);
        CU_ASSERT(n->op != CGV_OP_UPSAMPLE || (n->factor == 2 && n->upsample == (n->weight >= 0)));
    }
    CU_ASSERT_STRING_EQUAL(order, wanted);
    cgv_net_destroy(&net);
}

// A net that sees its input made smaller, and slices it as it is.
static void check_shrunk(void) {
    cgv_size sizes[16];
    cgv_net *net = cgv_test_net("resnet_0blocks_grid_coord", 4, 2);
    CU_ASSERT_EQUAL(cgv_net_input_factor(net), 1);
    CU_ASSERT_EQUAL(cgv_net_shrink_input(net, 1), CGV_OK);
    CU_ASSERT_EQUAL(net->nodes[1].op, CGV_OP_COORD);
    CU_ASSERT_EQUAL(cgv_net_shrink_input(net, 3), CGV_OK);
    CU_ASSERT_EQUAL(cgv_net_input_factor(net), 3);
    CU_ASSERT_EQUAL(net->multiple, 12);
    int last = net->node_count - 1;
    CU_ASSERT(net->nodes[last].input[0] == last - 1 && net->nodes[last].input[1] == 0);
    CU_ASSERT_EQUAL_FATAL(cgv_net_shapes(net, 24, 36, sizes), CGV_OK);
    CU_ASSERT(sizes[last - 1].h == 2 && sizes[last - 1].w == 3);
    CU_ASSERT(sizes[last].h == 24 && sizes[last].w == 36);
    check_net_order(net, "IPOCNRCNRCNRCB");
    net = cgv_test_net("resnet_0blocks_resize_affine", 4, 2);
    CU_ASSERT_EQUAL(cgv_net_shrink_input(net, 2), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("has no grid"));
    cgv_net_destroy(&net);
}

static void check_order(const char *name, const char *wanted) {
    check_net_order(cgv_test_net(name, 4, 2), wanted);
}

static void test_layer_order(void) {
    check_order("resnet_2blocks", "ICNRCNRCNR"
                                  "CNRCN+CNRCN+"
                                  "TNRTNRCH");
    check_order("mobile_resnet_1blocks", "ICNRCNRCNR"
                                         "DNCNRDNCN+"
                                         "TNRTNRCH");
    check_order("resnet_0blocks_resize", "ICNRCNRCNR"
                                         "UCNRUCNRCH");
    check_order("resnet_0blocks_affine", "ICNRCNRCNR"
                                         "TNRTNRCA");
    check_order("resnet_0blocks_antialias", "ICNRCNRDCNRD"
                                            "UCNRUCNRCH");
    check_order("unet_4", "ICLCR"
                          "TNRR&TH");
    check_order("unet_16", "ICLCNLCNLCR"
                           "TNRR&TNRR&TNRR&TH");
    check_order("patchgan", "ICLCNLCNLC");
    check_order("patchgan_nonorm", "ICLCLCLC");
    cgv_net *net;
    cgv_arch_options two = {.name = "patchgan", .ndf = 4, .layers = 1, .coarse = 8};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &two), CGV_OK);
    cgv_size sizes[32];
    CU_ASSERT_EQUAL_FATAL(cgv_net_shapes(net, 112, 192, sizes), CGV_OK);
    int last = net->node_count - 1; // 54x94 judgements beside 5x10
    CU_ASSERT(sizes[last].h == 1 && sizes[last].w == 54 * 94 + 5 * 10);
    CU_ASSERT_EQUAL(net->multiple, 8);
    cgv_net_destroy(&net);
    cgv_arch_options both = {.name = "patchgan", .ndf = 4, .layers = 1, .shrink = 4, .coarse = 6};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &both), CGV_OK);
    CU_ASSERT_EQUAL(net->multiple, 12); // of 4 and of 6
    cgv_net_destroy(&net);
    cgv_arch_options shrinking = {.name = "patchgan", .ndf = 4, .layers = 1, .shrink = 2};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &shrinking), CGV_OK);
    CU_ASSERT_EQUAL(net->multiple, 2);
    check_net_order(net, "IPCLCNLC");
    cgv_arch_options placed = {.name = "patchgan", .ndf = 4, .layers = 1, .coord = true};
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &placed), CGV_OK);
    CU_ASSERT_EQUAL(net->input_channels, 3);
    check_net_order(net, "IOCLCNLC");
    check_order("resnet_0blocks_grid_coord", "IOCNRCNRCNRCB");
    check_shrunk();
    check_order("identity", "I-");
}

static void check_output(const cgv_net *net, int h, int w, int oh, int ow) {
    cgv_size *sizes = calloc((size_t)net->node_count, sizeof *sizes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sizes);
    CU_ASSERT_EQUAL(cgv_net_shapes(net, h, w, sizes), CGV_OK);
    CU_ASSERT_EQUAL(sizes[net->node_count - 1].h, oh);
    CU_ASSERT_EQUAL(sizes[net->node_count - 1].w, ow);
    free(sizes);
}

static void check_refused(const cgv_net *net, int h, int w, const char *why) {
    cgv_size *sizes = calloc((size_t)net->node_count, sizeof *sizes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sizes);
    CU_ASSERT_EQUAL(cgv_net_shapes(net, h, w, sizes), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said(why));
    CU_ASSERT_EQUAL(cgv_net_macs(net, h, w), 0);
    cgv_test_messages();
    free(sizes);
}

static void test_shapes(void) {
    cgv_test_listen();
    cgv_net *net = cgv_test_net("resnet_9blocks", 8, 0);
    check_output(net, 64, 100, 64, 100);
    check_output(net, 8, 8, 8, 8);
    check_refused(net, 4, 64, "model.10.conv_block.1.weight"); // one row cannot be reflected
    check_refused(net, 64, 4, "too small");
    check_refused(net, 66, 64, "multiples of 4");
    check_refused(net, 0, 64, "64x0");
    check_refused(net, 64, 1 << 20, "1048576x64");
    cgv_net_destroy(&net);

    net = cgv_test_net("unet_32", 4, 0);
    check_output(net, 32, 64, 32, 64);
    check_refused(net, 48, 64, "multiples of 32");
    cgv_net_destroy(&net);

    net = cgv_test_net("patchgan", 8, 3);
    check_output(net, 256, 256, 30, 30);
    check_output(net, 64, 67, 6, 6);
    check_output(net, 24, 24, 1, 1);
    check_refused(net, 23, 64, "model.11.weight");
    cgv_net_destroy(&net);
    net = cgv_test_net("patchgan", 8, 5);
    check_output(net, 256, 256, 6, 6);
    cgv_net_destroy(&net);

    net = cgv_test_net("identity", 0, 0);
    check_output(net, 1, 17, 1, 17);
    cgv_net_destroy(&net);
}

// What the architectures do not use, and the sticky error.
static void test_builders(void) {
    cgv_test_listen();
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "test", 3), CGV_OK);
    int x = cgv_net_conv(
        net, 0, "a", &(cgv_conv_desc){.channels = 6, .kernel = 3, .groups = 3, .no_bias = true});
    x = cgv_net_instance_norm(net, x, "n");
    int up = cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_NEAREST);
    CU_ASSERT_EQUAL(up, 3);
    CU_ASSERT_EQUAL(net->param_count, 3);
    CU_ASSERT_EQUAL(net->params[0].shape[1], 1);
    CU_ASSERT_STRING_EQUAL(net->params[2].name, "n.bias");
    CU_ASSERT_EQUAL(net->nodes[1].stride, 1);
    check_output(net, 5, 7, 6, 10);
    CU_ASSERT_EQUAL(cgv_net_macs(net, 5, 7), 6 * 9 * 3 * 5);

    int sum = cgv_net_add(net, up, x);
    CU_ASSERT_EQUAL(sum, 4);
    check_refused(net, 5, 7, "an addition meets");

    cgv_net_concat(net, x, 0);
    CU_ASSERT_EQUAL(net->nodes[net->node_count - 1].channels, 9);
    check_refused(net, 5, 7, "an addition meets"); // the first that does not fit

    int small = cgv_net_conv(net, x, "s", &(cgv_conv_desc){.channels = 3, .kernel = 1});
    cgv_net_affine_head(net, x, small);
    CU_ASSERT_EQUAL(net->nodes[net->node_count - 1].channels, 3);

    int before = net->node_count;
    CU_ASSERT_EQUAL(
        cgv_net_conv(net, x, "b", &(cgv_conv_desc){.channels = 4, .kernel = 3, .groups = 3}), 0);
    CU_ASSERT_EQUAL(net->status, CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("groups"));
    CU_ASSERT_EQUAL(cgv_net_activation(net, x, CGV_ACT_RELU, 0), 0); // and silent from here on
    CU_ASSERT_EQUAL(cgv_net_add(net, x, x), 0);
    CU_ASSERT_EQUAL(cgv_net_concat(net, x, x), 0);
    CU_ASSERT_EQUAL(cgv_net_blur_down(net, x, "d"), 0);
    CU_ASSERT_EQUAL(cgv_net_blur_up(net, x, "u"), 0);
    CU_ASSERT_EQUAL(cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_BILINEAR), 0);
    CU_ASSERT_EQUAL(cgv_net_instance_norm(net, x, "m"), 0);
    CU_ASSERT_EQUAL(cgv_net_affine_head(net, x, small), 0);
    CU_ASSERT_EQUAL(cgv_test_messages(), 0);
    CU_ASSERT_EQUAL(net->node_count, before);
    cgv_net_destroy(&net);
    CU_ASSERT_PTR_NULL(net);
    cgv_net_destroy(&net);
    cgv_net_destroy(NULL);

    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "test", 3), CGV_OK);
    cgv_net_concat(net, 0, cgv_net_blur_down(net, 0, "d"));
    check_refused(net, 4, 4, "a concatenation meets 4x4 and 2x2");
    cgv_net_destroy(&net);

    // An affine head's operands must fit in channels, and in size.
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "test", 2), CGV_OK);
    x = cgv_net_conv(net, 0, "a", &(cgv_conv_desc){.channels = 4, .kernel = 3});
    cgv_net_affine_head(net, x, 0);
    check_refused(net, 5, 7, "an affine head meets 5x3 and 7x5");
    CU_ASSERT_EQUAL(cgv_net_affine_head(net, 0, 0), 0);
    CU_ASSERT_EQUAL(net->status, CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("a gain and an offset"));
    cgv_net_destroy(&net);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"costs", test_costs},
        {"names", test_names},
        {"options", test_options},
        {"parameter table", test_parameter_table},
        {"layer order", test_layer_order},
        {"shapes", test_shapes},
        {"builders", test_builders},
        {0},
    };
    return cgv_test_run("net", cases);
}
