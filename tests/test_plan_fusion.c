// Plans of networks that no architecture is: steps that may not be fused, memory that may not be
// shared.
#include <stdio.h>

#include "plan_check.h"
#include "support.h"

static cgv_net *empty_net(const char *name) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, name, 4), CGV_OK);
    return net;
}

static void check_built(cgv_net *net) {
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    CU_ASSERT(plan_check(net, 2, 6, 9));
    CU_ASSERT(plan_check(net, 1, 6, 9)); // where parts of concatenations have their place in them
    cgv_net_destroy(&net);
}

static const cgv_conv_desc conv3 = {
    .channels = 4, .kernel = 3, .pad = 1, .pad_mode = CGV_PAD_REPLICATE};

// Each would come out wrong if a fusion or an overwriting were done that may not be.
static void test_traps(void) {
    plan_begin(5);
    // The input is normalised, and read again at the end.
    cgv_net *net = empty_net("norm of the input");
    int x = cgv_net_instance_norm(net, 0, "a");
    cgv_net_add(net, cgv_net_activation(net, x, CGV_ACT_RELU, 0), 0);
    check_built(net);

    // Nobody else reads the input, but it may have to be kept.
    net = empty_net("norm alone reads the input");
    cgv_net_activation(net, cgv_net_instance_norm(net, 0, "a"), CGV_ACT_RELU, 0);
    check_built(net);

    // A norm's result is read twice: neither its activation nor its sum may swallow it.
    net = empty_net("norm read twice");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), NULL);
    int y = cgv_net_activation(net, x, CGV_ACT_SIGMOID, 0);
    cgv_net_add(net, x, y);
    check_built(net);

    // A convolution is normalised and also skips ahead: the norm may not write over it.
    net = empty_net("skip around a norm");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_activation(net, cgv_net_instance_norm(net, x, "n"), CGV_ACT_LEAKY_RELU, 0.3f);
    cgv_net_add(net, y, x);
    check_built(net);

    // The other operand of the sum comes after the norm.
    net = empty_net("sum with a later node");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), NULL);
    y = cgv_net_conv(net, 0, "d", &conv3);
    cgv_net_add(net, x, y);
    check_built(net);

    net = empty_net("sum of two norms");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), "m");
    y = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "d", &conv3), NULL);
    x = cgv_net_add(net, x, y);
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    check_built(net);

    net = empty_net("twice itself");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), NULL);
    cgv_net_add(net, x, x);
    check_built(net);

    net = empty_net("norm of a norm");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), "m");
    cgv_net_instance_norm(net, x, "n");
    check_built(net);

    net = empty_net("channels behind each other");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_activation(net, cgv_net_instance_norm(net, x, "n"), CGV_ACT_RELU, 0);
    cgv_net_concat(net, y, 0);
    check_built(net);

    // Read again, and normalised, after they were put behind each other.
    net = empty_net("operands and result of a concatenation read again");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_concat(net, x, cgv_net_concat(net, x, 0));
    y = cgv_net_conv(net, cgv_net_instance_norm(net, y, "n"), "d", &conv3);
    cgv_net_add(net, y, x);
    check_built(net);

    net = empty_net("a part that begins at no multiple of 8");
    x = cgv_net_conv(net, 0, "c", &(cgv_conv_desc){.channels = 3, .kernel = 2});
    y = cgv_net_conv(net, 0, "d", &(cgv_conv_desc){.channels = 3, .kernel = 2});
    x = cgv_net_concat(net, x, cgv_net_concat(net, y, x));
    cgv_net_activation(net, x, CGV_ACT_SIGMOID, 0);
    CU_ASSERT(plan_check(net, 1, 6, 6));
    check_built(net);

    net = empty_net("parts of two concatenations, in place of norms");
    x = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "c", &conv3), "m");
    y = cgv_net_instance_norm(net, cgv_net_conv(net, 0, "d", &conv3), "n");
    int both = cgv_net_concat(net, x, y);
    int other = cgv_net_concat(net, y, cgv_net_instance_norm(net, both, "o"));
    cgv_net_concat(net, cgv_net_concat(net, both, other), x);
    check_built(net);

    net = empty_net("channels of one tensor twice");
    x = cgv_net_conv(net, 0, "c", &conv3);
    y = cgv_net_concat(net, x, x);
    cgv_net_concat(net, cgv_net_concat(net, 0, 0), y);
    check_built(net);

    net = empty_net("chain of activations");
    x = cgv_net_activation(net, cgv_net_conv(net, 0, "c", &conv3), CGV_ACT_RELU, 0);
    x = cgv_net_activation(net, x, CGV_ACT_SIGMOID, 0);
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    check_built(net);
}

// A convolution down from twice the size.
static int up_and_down(cgv_net *net, int x, const char *name, bool transposed) {
    char up[32];
    snprintf(up, sizeof up, "%sup", name);
    x = transposed ? cgv_net_conv_transpose(
                         net, x, up,
                         &(cgv_conv_desc){
                             .channels = 4, .kernel = 3, .stride = 2, .pad = 1, .output_pad = 1})
                   : cgv_net_upsample(net, x, 2, CGV_UPSAMPLE_BILINEAR);
    return cgv_net_conv(net, x, name,
                        &(cgv_conv_desc){.channels = 4, .kernel = 3, .stride = 2, .pad = 1});
}

// An affine head on x, its coefficients from another node.
static int head(cgv_net *net, int x, int other, const char *name) {
    int coefficients = cgv_net_conv(net, other, name, &(cgv_conv_desc){.channels = 8, .kernel = 1});
    return cgv_net_affine_head(net, coefficients, x);
}

// As many channels as before out of those of two.
static int concat(cgv_net *net, int x, int other, const char *name) {
    return cgv_net_conv(net, cgv_net_concat(net, x, other), name,
                        &(cgv_conv_desc){.channels = 4, .kernel = 1});
}

// Nodes of any kind upon nodes anywhere before, mostly near; many are read twice or never.
static cgv_net *random_net(int nodes) {
    cgv_net *net = empty_net("random");
    int same[64] = {0}, count = 1; // nodes whose tensors have the input's size
    for (int i = 0; i < nodes; i++) {
        int back = (int)cgv_rng_below(&plan_rng, cgv_rng_below(&plan_rng, 3) ? 2 : 64);
        int x = same[back < count ? count - 1 - back : 0];
        int other = same[cgv_rng_below(&plan_rng, (uint32_t)count)];
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        switch (cgv_rng_below(&plan_rng, 11)) {
        case 0:
        case 1:
            x = cgv_net_conv(net, x, name, &conv3);
            break;
        case 2:
        case 3:
            x = cgv_net_instance_norm(net, x, cgv_rng_below(&plan_rng, 2) ? name : NULL);
            break;
        case 4:
            x = cgv_net_activation(net, x, (cgv_activation)cgv_rng_below(&plan_rng, 5), 0.2f);
            break;
        case 5:
        case 6:
            x = cgv_net_add(net, x, other);
            break;
        case 7:
            x = head(net, x, other, name);
            break;
        case 8:
        case 9:
            x = concat(net, x, other, name);
            break;
        default:
            x = up_and_down(net, x, name, cgv_rng_below(&plan_rng, 2));
        }
        same[count++] = x;
    }
    return net;
}

static void test_random(void) {
    plan_begin(6);
    for (int i = 0; i < 40; i++)
        check_built(random_net(4 + i));
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"fusions that may not be", test_traps},
        {"random networks", test_random},
        {0},
    };
    return cgv_test_run("plan_fusion", cases);
}
