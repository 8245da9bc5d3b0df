// The filter: order and protocol of pictures in flight, sizes, refusals.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messages.h"
#include "model/model.h"
#include "nn/arch.h"
#include "pictures.h"
#include "random_models.h"
#include "reference_net.h"
#include "support.h"

#define MAX_SLOTS 8

// Sanitizers keep freed memory on purpose, and find leaks by themselves.
#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static cgv_rng rng;

static cgv_translator *open_batches(const cgv_model *model, const cgv_picture_format *format,
                                    int slots, int batch) {
    cgv_translator *translator;
    CU_ASSERT_EQUAL_FATAL(
        cgv_translator_create(
            &translator, cgv_test_device(), model, format, format,
            &(cgv_translator_params){.strength = 1, .slots = slots, .batch = batch}),
        CGV_OK);
    return translator;
}

static cgv_translator *open_translator(const cgv_model *model, const cgv_picture_format *format,
                                       int slots) {
    return open_batches(model, format, slots, 1);
}

// ---- pictures in flight ----

typedef struct stream {
    cgv_translator *translator;
    test_picture in, out;
    int sent, received, slots, batch;
} stream;

// Every byte of picture k tells k. The picture may be overwritten as soon as it is sent.
static void send_one(stream *s) {
    memset(s->in.view.data[0], s->sent % 251, 3 * 18 * 17);
    cgv_status status = cgv_translator_send(s->translator, &s->in.view);
    // A batch of which one was received takes no more.
    bool full = status == CGV_AGAIN && s->batch > 1;
    if (full || s->sent - s->received == s->slots * s->batch) {
        CU_ASSERT_EQUAL(status, CGV_AGAIN);
        CU_ASSERT(s->sent > s->received);
    } else {
        CU_ASSERT_EQUAL(status, CGV_OK);
        s->sent++;
    }
    memset(s->in.view.data[0], 255, 3 * 18 * 17);
}

static void receive_one(stream *s) {
    cgv_status status = cgv_translator_receive(s->translator, &s->out.view);
    if (s->sent == s->received) {
        CU_ASSERT_EQUAL(status, CGV_END);
        return;
    }
    CU_ASSERT_EQUAL(status, CGV_OK);
    int wrong = 0;
    for (int i = 0; i < 3 * 18 * 17; i++)
        wrong += s->out.view.data[0][i] != s->received % 251;
    CU_ASSERT_EQUAL(wrong, 0);
    s->received++;
}

static void check_stream(const cgv_model *model, int slots, int batch) {
    cgv_picture_format format = cgv_picture_format_rgb24(18, 17);
    stream s = {.translator = open_batches(model, &format, slots, batch),
                .in = picture_create(&format, PICTURE_TIGHT),
                .out = picture_create(&format, PICTURE_TIGHT),
                .slots = slots,
                .batch = batch};
    CU_ASSERT_EQUAL(cgv_translator_batch(s.translator), batch);
    receive_one(&s);
    for (int i = 0; i < 2 * slots * batch; i++) // fills up
        send_one(&s);
    CU_ASSERT_EQUAL(s.sent, slots * batch);
    while (s.received < s.sent)
        receive_one(&s);
    receive_one(&s); // and runs dry
    for (int i = 0; i < 400; i++)
        cgv_rng_below(&rng, 2) ? send_one(&s) : receive_one(&s);
    while (s.received < s.sent)
        receive_one(&s);
    CU_ASSERT(s.sent > 100);
    CU_ASSERT_EQUAL(cgv_translator_send(s.translator, &s.in.view), CGV_OK);
    cgv_translator_destroy(&s.translator); // with a picture in flight
    CU_ASSERT_PTR_NULL(s.translator);
    cgv_translator_destroy(&s.translator);
    picture_destroy(&s.in);
    picture_destroy(&s.out);
}

static void test_order(void) {
    cgv_rng_seed(&rng, 1, 1);
    cgv_model *identity = random_model_identity();
    for (int slots = 1; slots <= MAX_SLOTS; slots++)
        check_stream(identity, slots, 1);
    for (int batch = 2; batch <= CGV_BATCH_MOST; batch += 3)
        check_stream(identity, 1 + batch % 3, batch);
    cgv_model_destroy(&identity);
}

// Together each picture is what it is alone, also in a batch that is not full.
static void check_batch(const cgv_model *model, int batch, int count) {
    enum { MOST = 16 };
    cgv_picture_format format = cgv_picture_format_rgb24(38, 27);
    test_picture in[MOST], alone = picture_create(&format, PICTURE_TIGHT),
                           out = picture_create(&format, PICTURE_TIGHT);
    cgv_translator *translator = open_batches(model, &format, 2, batch);
    for (int i = 0; i < count; i++) {
        in[i] = picture_create(&format, PICTURE_TIGHT);
        picture_randomise(&in[i], &rng);
        CU_ASSERT_EQUAL(cgv_translator_send(translator, &in[i].view), CGV_OK);
    }
    CU_ASSERT(count < 2 || picture_compare(&in[0], &in[1]).mean > 1);
    for (int i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(picture_translate(&alone, &in[i], cgv_test_device(), model, 1), CGV_OK);
        CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_OK);
        CU_ASSERT(picture_compare(&alone, &out).largest <= 1);
        picture_destroy(&in[i]);
    }
    CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_END);
    cgv_translator_destroy(&translator);
    picture_destroy(&alone);
    picture_destroy(&out);
}

static void test_batches(void) {
    cgv_rng_seed(&rng, 1, 9);
    cgv_model *model = random_model_named(&rng, "resnet_1blocks", 6);
    check_batch(model, 4, 8);
    check_batch(model, 3, 5);
    check_batch(model, 16, 1);
    cgv_picture_format format = cgv_picture_format_rgb24(64, 64);
    cgv_translator *translator = open_batches(model, &format, 1, CGV_BATCH_AUTO);
    CU_ASSERT(cgv_translator_batch(translator) > 1);
    cgv_translator_destroy(&translator);
    cgv_translator_params params = {
        .strength = 1, .slots = 1, .stabilize = 0.5f, .batch = CGV_BATCH_AUTO};
    CU_ASSERT_EQUAL(
        cgv_translator_create(&translator, cgv_test_device(), model, &format, &format, &params),
        CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_batch(translator), 1);
    cgv_translator_destroy(&translator);
    params.batch = 2;
    cgv_test_listen();
    CU_ASSERT_EQUAL(
        cgv_translator_create(&translator, cgv_test_device(), model, &format, &format, &params),
        CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("where each is on its own"));
    cgv_model_destroy(&model);
}

// Slots share the network's memory: what is in flight together must not mix.
static void test_network_in_flight(void) {
    enum { COUNT = 6, SLOTS = 3 };
    cgv_rng_seed(&rng, 1, 2);
    cgv_model *model = random_model_named(&rng, "mobile_resnet_1blocks", 8);
    cgv_picture_format format = cgv_picture_format_rgb24(22, 19);
    test_picture in[COUNT], alone[COUNT], out = picture_create(&format, PICTURE_TIGHT);
    cgv_translator *translator = open_translator(model, &format, SLOTS);
    for (int i = 0; i < COUNT; i++) {
        in[i] = picture_create(&format, PICTURE_TIGHT);
        alone[i] = picture_create(&format, PICTURE_TIGHT);
        picture_randomise(&in[i], &rng);
        CU_ASSERT_EQUAL(picture_translate(&alone[i], &in[i], cgv_test_device(), model, 1), CGV_OK);
    }
    CU_ASSERT(picture_compare(&alone[0], &alone[1]).mean > 1); // the network is no constant
    for (int i = 0; i < COUNT + SLOTS; i++) {
        if (i >= SLOTS) {
            CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_OK);
            CU_ASSERT_EQUAL(memcmp(out.memory, alone[i - SLOTS].memory, out.bytes), 0);
        }
        if (i < COUNT)
            CU_ASSERT_EQUAL(cgv_translator_send(translator, &in[i].view), CGV_OK);
    }
    cgv_translator_destroy(&translator);
    for (int i = 0; i < COUNT; i++) {
        picture_destroy(&in[i]);
        picture_destroy(&alone[i]);
    }
    picture_destroy(&out);
    cgv_model_destroy(&model);
}

// ---- sizes ----

static int round_up(int side, int multiple) {
    return (side + multiple - 1) / multiple * multiple;
}

static int reflected(int i, int size) {
    while (i >= size)
        i = abs(2 * (size - 1) - i);
    return i;
}

// The picture extended to sides that are multiples, by reflection about its last row and column,
// and its first, as often as need be.
static test_picture extended(const test_picture *in, int multiple) {
    int w = in->format.width, h = in->format.height;
    cgv_picture_format format =
        cgv_picture_format_rgb24(round_up(w, multiple), round_up(h, multiple));
    test_picture out = picture_create(&format, PICTURE_TIGHT);
    for (int y = 0; y < format.height; y++)
        for (int x = 0; x < format.width; x++)
            for (int c = 0; c < 3; c++)
                picture_set(&out, c, x, y, picture_code(in, c, reflected(x, w), reflected(y, h)));
    return out;
}

static void check_size(const cgv_model *model, int width, int height) {
    cgv_picture_format format = cgv_picture_format_rgb24(width, height);
    test_picture in = picture_create(&format, PICTURE_PADDED);
    test_picture out = picture_create(&format, PICTURE_PADDED);
    picture_randomise(&in, &rng);
    test_picture large = extended(&in, model->info.multiple);
    test_picture large_out = picture_create(&large.format, PICTURE_TIGHT);
    CU_ASSERT_EQUAL(picture_translate(&out, &in, cgv_test_device(), model, 1), CGV_OK);
    CU_ASSERT_EQUAL(picture_translate(&large_out, &large, cgv_test_device(), model, 1), CGV_OK);
    int wrong = 0, equal = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                int code = picture_code(&out, c, x, y);
                wrong += code != picture_code(&large_out, c, x, y);
                equal += code == picture_code(&in, c, x, y);
            }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(equal < width * height); // it did something
    CU_ASSERT(picture_guards_intact(&out));
    picture_destroy(&in);
    picture_destroy(&out);
    picture_destroy(&large);
    picture_destroy(&large_out);
}

static void test_sizes(void) {
    static const int sides[][2] = {{16, 16}, {17, 16}, {16, 17}, {18, 19},
                                   {19, 18}, {21, 35}, {50, 23}, {16, 90}};
    cgv_rng_seed(&rng, 1, 3);
    cgv_model *mobile = random_model_named(&rng, "mobile_resnet_1blocks", 8);
    cgv_model *resnet = random_model_named(&rng, "resnet_1blocks", 4);
    cgv_model *unet = random_model_named(&rng, "unet_64", 4);
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        check_size(mobile, sides[i][0], sides[i][1]);
        check_size(resnet, sides[i][0], sides[i][1]);
        check_size(unet, sides[i][0], sides[i][1]);
    }
    cgv_model_destroy(&unet);
    cgv_model_destroy(&mobile);
    cgv_model_destroy(&resnet);
}

// The picture against the network evaluated in C.
static void test_network(void) {
    enum { WIDTH = 20, HEIGHT = 16, COUNT = 3 * WIDTH * HEIGHT };
    cgv_rng_seed(&rng, 1, 4);
    cgv_model *model = random_model_named(&rng, "resnet_1blocks", 4);
    cgv_picture_format format = cgv_picture_format_rgb24(WIDTH, HEIGHT);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    test_picture out = picture_create(&format, PICTURE_TIGHT);
    picture_randomise(&in, &rng);
    CU_ASSERT_EQUAL(picture_translate(&out, &in, cgv_test_device(), model, 1), CGV_OK);
    static float x[COUNT];
    for (int i = 0; i < COUNT; i++) {
        int pixel = i % (WIDTH * HEIGHT);
        int code = picture_code(&in, i / (WIDTH * HEIGHT), pixel % WIDTH, pixel / WIDTH);
        x[i] = (float)code / 127.5f - 1;
    }
    ref_shape shape;
    float *y = ref_net(model->net, model->params, x, (ref_shape){1, 3, HEIGHT, WIDTH}, &shape);
    CU_ASSERT_PTR_NOT_NULL_FATAL(y);
    int wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        int pixel = i % (WIDTH * HEIGHT);
        int code = picture_code(&out, i / (WIDTH * HEIGHT), pixel % WIDTH, pixel / WIDTH);
        float off = (float)code - (y[i] + 1) * 127.5f;
        wrong += !(off > -0.51f && off < 0.51f);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(y);
    picture_destroy(&in);
    picture_destroy(&out);
    cgv_model_destroy(&model);
}

// A network of many layers must leave the input for the blend.
static void test_strength(void) {
    cgv_rng_seed(&rng, 1, 6);
    cgv_model *model = random_model_named(&rng, "resnet_1blocks", 4);
    cgv_picture_format format = cgv_picture_format_rgb24(22, 17);
    test_picture in = picture_create(&format, PICTURE_TIGHT), out[3];
    picture_randomise(&in, &rng);
    for (int i = 0; i < 3; i++) {
        out[i] = picture_create(&format, PICTURE_TIGHT);
        CU_ASSERT_EQUAL(picture_translate(&out[i], &in, cgv_test_device(), model, 0.5f * (float)i),
                        CGV_OK);
    }
    CU_ASSERT_EQUAL(picture_compare(&out[0], &in).largest, 0);
    int wrong = 0;
    for (int y = 0; y < format.height; y++)
        for (int x = 0; x < format.width; x++)
            for (int c = 0; c < 3; c++) {
                int sum = picture_code(&in, c, x, y) + picture_code(&out[2], c, x, y);
                wrong += abs(2 * picture_code(&out[1], c, x, y) - sum) > 2;
            }
    CU_ASSERT_EQUAL(wrong, 0);
    picture_destroy(&in);
    for (int i = 0; i < 3; i++)
        picture_destroy(&out[i]);
    cgv_model_destroy(&model);
}

// ---- memory ----

// Bytes of this process in memory.
static long resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void test_growth(void) {
    cgv_rng_seed(&rng, 1, 5);
    cgv_model *model = random_model_identity();
    cgv_picture_format format = cgv_picture_format_rgb24(640, 360);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    test_picture out = picture_create(&format, PICTURE_TIGHT);
    picture_randomise(&in, &rng);
    cgv_translator *translator = open_translator(model, &format, 2);
    // The input and the output in two slots each, and at least one tensor.
    uint64_t memory = cgv_translator_memory(translator);
    CU_ASSERT(memory >= 4 * 640 * 360 * 3 + 640 * 360 * 3 * 4);
    CU_ASSERT(memory <= 4 * 640 * 360 * 3 + 2 * 640 * 360 * 3 * 4 + (1 << 16));
    cgv_translator_destroy(&translator);

    long before = 0;
    for (int i = 0; i < (SANITIZED ? 12 : 60); i++) {
        CU_ASSERT_EQUAL(picture_translate(&out, &in, cgv_test_device(), model, 1), CGV_OK);
        if (i == 9)
            before = resident();
    }
    CU_ASSERT(before > 0);
    CU_ASSERT(SANITIZED || resident() - before < 8 << 20); // fifty would be 270 MiB and more
    CU_ASSERT_EQUAL(memcmp(in.memory, out.memory, in.bytes), 0);
    picture_destroy(&in);
    picture_destroy(&out);
    cgv_model_destroy(&model);
}

// ---- refusals ----

// Creation fails with this status and one message that has `why` in it.
static void refused(const cgv_model *model, const cgv_picture_format *in,
                    const cgv_picture_format *out, const cgv_translator_params *params,
                    cgv_status status, const char *why) {
    cgv_translator *translator = (cgv_translator *)&translator;
    CU_ASSERT_EQUAL(cgv_translator_create(&translator, cgv_test_device(), model, in, out, params),
                    status);
    CU_ASSERT_PTR_NULL(translator);
    CU_ASSERT(cgv_test_said(why));
}

static void refused_size(const cgv_model *model, int width, int height, cgv_status status,
                         const char *why) {
    cgv_picture_format format = cgv_picture_format_rgb24(width, height);
    refused(model, &format, &format, NULL, status, why);
}

static void test_refused_pictures(void) {
    cgv_test_device();
    cgv_test_listen();
    cgv_model *model = random_model_identity();
    refused_size(model, 15, 64, CGV_ERROR_UNSUPPORTED, "15x64");
    refused_size(model, 64, 15, CGV_ERROR_UNSUPPORTED, "64x15");
    refused_size(model, 0, -3, CGV_ERROR_UNSUPPORTED, "at least 16");
    refused_size(model, 2147483647, 64, CGV_ERROR_UNSUPPORTED, "at most");
    refused_size(model, 1 << 18, 1 << 18, CGV_ERROR_UNSUPPORTED, "2^31");

    cgv_picture_format a = cgv_picture_format_rgb24(64, 48), b = a;
    b.width = 60;
    refused(model, &a, &b, NULL, CGV_ERROR_ARGUMENT, "differ in size");
    b = a;
    b.height = 52;
    refused(model, &a, &b, NULL, CGV_ERROR_ARGUMENT, "differ in size");
    b = a;
    b.layout.component[1].offset = 7;
    refused(model, &a, &b, NULL, CGV_ERROR_UNSUPPORTED, "layout");
    refused(model, &b, &a, NULL, CGV_ERROR_UNSUPPORTED, "layout");
    cgv_model_destroy(&model);
}

static void test_refused_colours(void) {
    cgv_test_device();
    cgv_test_listen();
    cgv_model *model = random_model_identity();
    cgv_picture_format a = cgv_picture_format_rgb24(64, 48), b = a;
    b.layout = test_layout("yuv420p");
    const cgv_colour wrong[] = {
        {.kr = 0, .kb = .114f},
        {.kr = .299f, .kb = 0},
        {.kr = .5f, .kb = .5f},
        {.kr = .299f, .kb = .114f, .chroma_x = .25f},
        {.kr = .299f, .kb = .114f, .chroma_y = 2},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        b.colour = wrong[i];
        refused(model, &a, &b, NULL, CGV_ERROR_ARGUMENT, "luma coefficients");
        refused(model, &b, &a, NULL, CGV_ERROR_ARGUMENT, "luma coefficients");
    }
    cgv_model_destroy(&model);
}

static void test_refused_params(void) {
    cgv_test_device();
    cgv_test_listen();
    cgv_model *model = random_model_identity();
    cgv_picture_format a = cgv_picture_format_rgb24(64, 48);
    const cgv_translator_params wrong[] = {
        {.strength = 1, .slots = 0},     {.strength = 1, .slots = -1},
        {.strength = 1, .slots = 9},     {.strength = -0.01f, .slots = 2},
        {.strength = 1.01f, .slots = 2}, {.strength = NAN, .slots = 2},
    };
    const cgv_translator_params shares[] = {
        {.strength = 1, .slots = 1, .stabilize = -0.1f},
        {.strength = 1, .slots = 1, .stabilize = 1.1f},
        {.strength = 1, .slots = 1, .stabilize = NAN},
        {.strength = 1, .slots = 1, .compare = -0.1f},
        {.strength = 1, .slots = 1, .compare = 1.1f},
        {.strength = 1, .slots = 1, .compare = NAN},
    };
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        refused(model, &a, &a, &shares[i], CGV_ERROR_ARGUMENT, "must be 0 to 1");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(model, &a, &a, &wrong[i], CGV_ERROR_ARGUMENT, "slots must be");
    cgv_model_destroy(&model);
}

// Three channels in and out, but half the size.
static cgv_model *halving_model(void) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "halving", 3), CGV_OK);
    cgv_net_conv(net, 0, "c", &(cgv_conv_desc){.channels = 3, .kernel = 2, .stride = 2});
    CU_ASSERT_EQUAL_FATAL(net->status, CGV_OK);
    return random_model_of(&rng, net);
}

static void test_refused_models(void) {
    cgv_test_device();
    cgv_test_listen();
    cgv_model *discriminator = random_model_named(&rng, "patchgan", 8), *halving = halving_model();
    refused_size(discriminator, 64, 64, CGV_ERROR_UNSUPPORTED, "not a generator");
    refused_size(halving, 64, 48, CGV_ERROR_UNSUPPORTED, "64x48 into 32x24");
    cgv_model_destroy(&discriminator);
    cgv_model_destroy(&halving);
}

// Weights are finite, but their sum overflows: no picture, and the next one is well again.
static void test_overflow(void) {
    cgv_test_device();
    cgv_test_listen();
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "overflow", 3), CGV_OK);
    cgv_net_conv(net, 0, "c", &(cgv_conv_desc){.channels = 3, .kernel = 1, .no_bias = true});
    cgv_model *model = random_model_of(&rng, net);
    for (int i = 0; i < 9; i++)
        model->params[i] = 3e38f;
    cgv_picture_format format = cgv_picture_format_rgb24(16, 16);
    test_picture grey = picture_create(&format, PICTURE_TIGHT);
    test_picture white = picture_create(&format, PICTURE_TIGHT);
    test_picture out = picture_create(&format, PICTURE_TIGHT);
    for (int i = 0; i < 3 * 256; i++) {
        picture_set(&grey, i % 3, i / 3 % 16, i / 48, 128);
        picture_set(&white, i % 3, i / 3 % 16, i / 48, 255);
    }
    cgv_translator *translator = open_translator(model, &format, 1);
    CU_ASSERT_EQUAL(cgv_translator_send(translator, &white.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_ERROR_NUMERIC);
    CU_ASSERT(cgv_test_said("NaN or infinity"));
    CU_ASSERT_EQUAL(picture_code(&out, 0, 0, 0), 0xa5); // not written
    CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_END);
    CU_ASSERT_EQUAL(cgv_translator_send(translator, &grey.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_OK);
    CU_ASSERT_EQUAL(picture_code(&out, 0, 0, 0), 255);
    cgv_translator_destroy(&translator);
    picture_destroy(&grey);
    picture_destroy(&white);
    picture_destroy(&out);
    cgv_model_destroy(&model);
}

// NULL means the documented defaults: two slots, full strength.
static void test_defaults(void) {
    cgv_model *model = random_model_identity();
    cgv_picture_format format = cgv_picture_format_rgb24(16, 16);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    cgv_translator *translator;
    CU_ASSERT_EQUAL_FATAL(
        cgv_translator_create(&translator, cgv_test_device(), model, &format, &format, NULL),
        CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(translator, &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(translator, &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(translator, &in.view), CGV_AGAIN);
    cgv_translator_destroy(&translator);
    CU_ASSERT_PTR_NULL(translator);
    cgv_translator_destroy(&translator);
    cgv_translator_destroy(NULL);
    picture_destroy(&in);
    cgv_model_destroy(&model);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"order", test_order},
        {"a network with several in flight", test_network_in_flight},
        {"batches", test_batches},
        {"defaults", test_defaults},
        {"sizes that are no multiples", test_sizes},
        {"a network against its reference", test_network},
        {"strength", test_strength},
        {"no growth", test_growth},
        {"refused pictures", test_refused_pictures},
        {"refused colours", test_refused_colours},
        {"refused parameters", test_refused_params},
        {"refused models", test_refused_models},
        {"overflow", test_overflow},
        {0},
    };
    return cgv_test_run("translator", cases);
}
