// Architectures recognised by the names and shapes of weights.
#include <string.h>

#include "messages.h"
#include "nn/arch.h"
#include "support.h"

typedef struct shapes {
    cgv_weight_shape list[400];
    int count;
} shapes;

// Backwards, because the order in a file means nothing.
static shapes shapes_of(const cgv_net *net) {
    shapes s = {.count = net->param_count};
    for (int i = 0; i < net->param_count; i++) {
        const cgv_param *p = &net->params[net->param_count - 1 - i];
        s.list[i] = (cgv_weight_shape){.name = p->name, .dims = p->dims};
        memcpy(s.list[i].shape, p->shape, sizeof p->shape);
    }
    return s;
}

static cgv_weight_shape *shape_named(shapes *s, const char *name) {
    for (int i = 0; i < s->count; i++)
        if (!strcmp(s->list[i].name, name))
            return &s->list[i];
    return NULL;
}

static void check_same(const cgv_net *a, const cgv_net *b) {
    CU_ASSERT_STRING_EQUAL(a->architecture, b->architecture);
    CU_ASSERT_EQUAL(a->multiple, b->multiple);
    CU_ASSERT_EQUAL_FATAL(a->node_count, b->node_count);
    CU_ASSERT_EQUAL(memcmp(a->nodes, b->nodes, (size_t)a->node_count * sizeof *a->nodes), 0);
    CU_ASSERT_EQUAL_FATAL(a->param_count, b->param_count);
    for (int i = 0; i < a->param_count; i++) {
        const cgv_param *p = &a->params[i], *q = &b->params[i];
        CU_ASSERT_STRING_EQUAL(p->name, q->name);
        CU_ASSERT_EQUAL(memcmp(p->shape, q->shape, sizeof p->shape), 0);
        CU_ASSERT(p->dims == q->dims && p->offset == q->offset && p->count == q->count);
    }
}

static void check_found(cgv_net *net) {
    shapes s = shapes_of(net);
    cgv_net *found;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_detect(&found, s.list, s.count, "test"), CGV_OK);
    check_same(found, net);
    cgv_net_destroy(&found);
    cgv_net_destroy(&net);
}

static void test_detect(void) {
    check_found(cgv_test_net("resnet_9blocks", 64, 0));
    check_found(cgv_test_net("resnet_1blocks", 3, 0));
    check_found(cgv_test_net("resnet_0blocks", 5, 0));
    check_found(cgv_test_net("resnet_64blocks", 4, 0));
    check_found(cgv_test_net("mobile_resnet_9blocks", 16, 0));
    check_found(cgv_test_net("resnet_9blocks_resize", 8, 0));
    check_found(cgv_test_net("resnet_2blocks_grid", 8, 0));
    check_found(cgv_test_net("resnet_2blocks_grid_coord", 8, 0));
    check_found(cgv_test_net("resnet_6blocks_affine", 8, 0));
    check_found(cgv_test_net("resnet_0blocks_resize_affine", 5, 0));
    check_found(cgv_test_net("resnet_64blocks_resize", 2, 0));
    check_found(cgv_test_net("mobile_resnet_9blocks_resize_affine", 4, 0));
    check_found(cgv_test_net("resnet_2blocks_1downs", 4, 0));
    check_found(cgv_test_net("resnet_2blocks_affine2", 4, 0));
    check_found(cgv_test_net("resnet_4blocks_3downs_resize_affine2", 4, 0));
    check_found(cgv_test_net("resnet_4blocks_3downs_resize_affine4", 4, 0));
    check_found(cgv_test_net("resnet_4blocks_4downs_affine8", 2, 0));
    check_found(cgv_test_net("resnet_6blocks_3downs_resize_affine", 4, 0));
    check_found(cgv_test_net("mobile_resnet_1blocks_4downs", 2, 0));
    check_found(cgv_test_net("resnet_9blocks_antialias", 8, 0));
    check_found(cgv_test_net("resnet_2blocks_3downs_blurup", 2, 0));
    check_found(cgv_test_net("mobile_resnet_1blocks_blurdown_resize_affine", 2, 0));
    check_found(cgv_test_net("unet_256", 64, 0));
    check_found(cgv_test_net("unet_128", 8, 0));
    check_found(cgv_test_net("unet_4", 3, 0));
    check_found(cgv_test_net("unet_512", 2, 0));
    for (int layers = 1; layers <= CGV_PATCHGAN_MAX_LAYERS; layers++)
        check_found(cgv_test_net("patchgan", 4 + layers, layers));

    // Pruned by GAN compression, channels in and out other than 3, dropout in the blocks.
    cgv_resnet_desc desc = {.input_channels = 2,
                            .output_channels = 5,
                            .downs = 2,
                            .ups = 2,
                            .stem = {5, 6, 7},
                            .blocks = 3,
                            .up = {9, 4},
                            .dropout_slot = true,
                            .inner = {3, 8, 1}};
    for (int kind = 0; kind < 48; kind++) {
        desc.mobile = kind & 1;
        desc.norm = kind & 2 ? CGV_NORM_FOLDED : CGV_NORM_INSTANCE;
        desc.blur_down = kind & 8;
        desc.upsample = (cgv_resnet_upsample)(kind / 16);
        desc.head = kind & 4 ? CGV_RESNET_AFFINE : CGV_RESNET_PLAIN;
        desc.output_channels = kind & 4 ? 2 : 5;
        cgv_net *net;
        CU_ASSERT_EQUAL_FATAL(cgv_arch_resnet(&net, &desc), CGV_OK);
        CU_ASSERT_EQUAL(strstr(net->architecture, "_batch") != NULL, desc.norm == CGV_NORM_FOLDED);
        check_found(net);
    }

    // Other channels than the paper's; batch norms folded in.
    for (int norm = CGV_NORM_INSTANCE; norm <= CGV_NORM_FOLDED; norm++) {
        cgv_unet_desc unet = {1, 5, 4, {3, 9, 2, 7}, (cgv_norm_kind)norm};
        cgv_net *net;
        CU_ASSERT_EQUAL_FATAL(cgv_arch_unet(&net, &unet), CGV_OK);
        check_found(net);
    }
}

static void check_unsupported(const shapes *s, const char *fragment) {
    cgv_net *net;
    cgv_test_messages();
    CU_ASSERT_EQUAL(cgv_arch_detect(&net, s->list, s->count, "a.pth"), CGV_ERROR_UNSUPPORTED);
    CU_ASSERT_PTR_NULL(net);
    CU_ASSERT(cgv_test_said(fragment));
}

// Each message names a key that does not fit.
static void test_detect_refuses(void) {
    cgv_test_listen();
    cgv_net *resnet = cgv_test_net("resnet_9blocks", 8, 0),
            *patchgan = cgv_test_net("patchgan", 8, 3);
    shapes s = {0};
    check_unsupported(&s, "no weights");
    s = (shapes){{{"fc.weight", 2, {10, 10}}}, 1};
    check_unsupported(&s, "'fc.weight' fits none");
    s = (shapes){{{"model.model.0.weight", 4, {64, 3, 4, 4}}}, 1};
    check_unsupported(&s, "'model.model.0.weight' fits none");
    s = (shapes){{{"net.0.weight", 4, {64, 3, 1, 1}}}, 1};
    check_unsupported(&s, "pixel");

    s = shapes_of(resnet);
    s.list[s.count++] = (cgv_weight_shape){"model.7.filt", 4, {16, 1, 3, 3}};
    check_unsupported(&s, "'model.8.weight' is no");
    s = shapes_of(resnet);
    s.list[s.count++] = (cgv_weight_shape){"model.2.weight", 1, {8}};
    check_unsupported(&s, "no 'model.2.weight'");
    s = shapes_of(resnet);
    shape_named(&s, "model.4.bias")->shape[0] = 17;
    check_unsupported(&s, "'model.4.bias' has the shape [17], not [16]");
    s = shapes_of(resnet);
    shape_named(&s, "model.4.weight")->name = "model.4.other";
    check_unsupported(&s, "'model.4.weight'");
    s = shapes_of(resnet);
    shape_named(&s, "model.7.weight")->shape[0] = INT64_MAX;
    check_unsupported(&s, "'model.7.weight'");
    s = shapes_of(resnet);
    shape_named(&s, "model.26.weight")->dims = 1;
    check_unsupported(&s, "'model.26.weight'");
    s = shapes_of(resnet);
    shape_named(&s, "model.1.bias")->name = "x";
    check_unsupported(&s, "'model.1.bias'");

    // Neither three outputs nor a gain and an offset for each.
    cgv_net *affine = cgv_test_net("resnet_9blocks_resize_affine", 8, 0);
    s = shapes_of(affine);
    shape_named(&s, "model.30.bias")->shape[0] = 3;
    check_unsupported(&s, "'model.30.bias' has the shape [3], not [6]");
    s = shapes_of(affine);
    shape_named(&s, "model.26.weight")->name = "model.25.weight";
    check_unsupported(&s, "'model.26.weight'");
    cgv_net_destroy(&affine);

    cgv_net *unet = cgv_test_net("unet_16", 4, 0);
    s = shapes_of(unet);
    shape_named(&s, "model.model.3.weight")->name = "x";
    check_unsupported(&s, "'model.model.3.weight' is no convolution's");
    s = shapes_of(unet);
    shape_named(&s, "model.model.1.model.1.weight")->shape[1] = 5;
    check_unsupported(&s, "'model.model.1.model.1.weight' has the shape [8, 5, 4, 4]");
    s = shapes_of(unet);
    shape_named(&s, "model.model.0.weight")->shape[1] = INT64_MAX;
    check_unsupported(&s, "fits none");
    s = shapes_of(unet);
    shape_named(&s, "model.model.1.model.5.bias")->name = "model.model.1.model.6.bias";
    check_unsupported(&s, "no 'model.model.1.model.5.bias'");
    cgv_net_destroy(&unet);

    s = shapes_of(patchgan);
    shape_named(&s, "model.11.weight")->shape[0] = 2; // one channel per patch
    check_unsupported(&s, "'model.11.weight'");
    s = shapes_of(patchgan);
    s.list[s.count++] = (cgv_weight_shape){"model.14.weight", 4, {1, 1, 4, 4}};
    check_unsupported(&s, "model.");
    cgv_net_destroy(&resnet);
    cgv_net_destroy(&patchgan);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"recognition", test_detect},
        {"recognition refuses", test_detect_refuses},
        {0},
    };
    return cgv_test_run("detect", cases);
}
