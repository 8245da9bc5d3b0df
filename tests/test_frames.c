// The filter on frames of a video: what is held over them and what is not, and the wipe.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/gpu.h"
#include "pictures.h"
#include "random_models.h"
#include "support.h"

static cgv_rng rng;

// ---- frames of a video ----

enum { CLIP_WIDTH = 96, CLIP_HEIGHT = 64, CLIP_FRAMES = 7, CUT = 4 };

// Two scenes of waves that move, with noise.
static void clip_frame(test_picture *out, int frame) {
    const int scene = frame >= CUT;
    cgv_rng_seed(&rng, 1, 100 + (uint64_t)frame);
    for (int y = 0; y < out->format.height; y++)
        for (int x = 0; x < out->format.width; x++) {
            double place = scene ? 0.3 * y - 0.1 * (x - frame) : 0.1 * (x - frame) + 0.2 * y;
            for (int c = 0; c < 3; c++)
                picture_set(out, c, x, y,
                            (scene ? 80 : 130) + (int)(60 * sin(place + c + 2 * scene)) +
                                (int)cgv_rng_below(&rng, 3));
        }
}

static cgv_precision precision = CGV_PRECISION_FP32;

static cgv_translator *open_steady(const cgv_model *model, const cgv_picture_format *format,
                                   int slots, float stabilize, int net_height) {
    cgv_translator *translator;
    CU_ASSERT_EQUAL_FATAL(cgv_translator_create(&translator, cgv_test_device(), model, format,
                                                format,
                                                &(cgv_translator_params){.strength = 1,
                                                                         .slots = slots,
                                                                         .net_height = net_height,
                                                                         .stabilize = stabilize,
                                                                         .precision = precision}),
                          CGV_OK);
    return translator;
}

// The clip, as many pictures in flight as there are slots.
static void run_clip(test_picture *out, const cgv_model *model, int slots, float stabilize,
                     int net_height) {
    cgv_picture_format format = out[0].format;
    cgv_translator *translator = open_steady(model, &format, slots, stabilize, net_height);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    for (int sent = 0, received = 0; received < CLIP_FRAMES;) {
        if (sent < CLIP_FRAMES && sent - received < slots) {
            clip_frame(&in, sent++);
            CU_ASSERT_EQUAL(cgv_translator_send(translator, &in.view), CGV_OK);
        } else {
            CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out[received++].view), CGV_OK);
        }
    }
    cgv_translator_destroy(&translator);
    picture_destroy(&in);
}

static void create_clip(test_picture *clip, const cgv_picture_format *format) {
    for (int i = 0; i < CLIP_FRAMES; i++)
        clip[i] = picture_create(format, PICTURE_TIGHT);
}

static bool same(const test_picture *a, const test_picture *b) {
    return !memcmp(a->memory, b->memory, a->bytes);
}

// What is held over frames begins anew behind a cut, and no frame depends on how many are in
// flight.
static void check_steady(const cgv_model *model, int net_height) {
    cgv_picture_format format = cgv_picture_format_rgb24(CLIP_WIDTH, CLIP_HEIGHT);
    test_picture plain[CLIP_FRAMES], one[CLIP_FRAMES], three[CLIP_FRAMES];
    create_clip(plain, &format);
    create_clip(one, &format);
    create_clip(three, &format);
    run_clip(plain, model, 2, 0, net_height);
    run_clip(one, model, 1, 0.9f, net_height);
    run_clip(three, model, 3, 0.9f, net_height);
    for (int i = 0; i < CLIP_FRAMES; i++) {
        CU_ASSERT(same(&one[i], &three[i]));
        CU_ASSERT_EQUAL(same(&one[i], &plain[i]), i == 0 || i == CUT);
    }
    for (int i = 0; i < CLIP_FRAMES; i++) {
        picture_destroy(&plain[i]);
        picture_destroy(&one[i]);
        picture_destroy(&three[i]);
    }
}

// A network with nothing to average: only its pixels are held.
static cgv_model *plain_model(void) {
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_net_create(&net, "plain", 3), CGV_OK);
    int x = cgv_net_conv(net, 0, "c", &(cgv_conv_desc){.channels = 3, .kernel = 3, .pad = 1});
    cgv_net_activation(net, x, CGV_ACT_TANH, 0);
    return random_model_of(&rng, net);
}

static void test_steady(void) {
    cgv_rng_seed(&rng, 1, 7);
    cgv_model *resnet = random_model_named(&rng, "resnet_1blocks", 4);
    cgv_model *plain = plain_model();
    cgv_model *grid = random_model_named(&rng, "resnet_1blocks_grid", 4);
    cgv_model *affine = random_model_named(&rng, "resnet_1blocks_resize_affine", 4);
    check_steady(resnet, 0);
    check_steady(resnet, 32);
    check_steady(plain, 0);
    check_steady(grid, 0);
    check_steady(grid, 32);
    check_steady(affine, 32);
    cgv_model_destroy(&grid);
    cgv_model_destroy(&affine);
    cgv_model_destroy(&plain);
    cgv_model_destroy(&resnet);
}

// The same with statistics of pixels in half precision.
static void test_steady_half(void) {
    cgv_rng_seed(&rng, 1, 9);
    cgv_model *resnet = random_model_named(&rng, "resnet_1blocks", 12);
    precision = CGV_PRECISION_FP16;
    check_steady(resnet, 0);
    precision = CGV_PRECISION_FP32;
    cgv_model_destroy(&resnet);
}

// A frame that begins anew is that of a translator of its own.
static void test_begin(void) {
    cgv_rng_seed(&rng, 1, 8);
    cgv_model *model = random_model_named(&rng, "resnet_1blocks", 4);
    cgv_picture_format format = cgv_picture_format_rgb24(CLIP_WIDTH, CLIP_HEIGHT);
    test_picture in = picture_create(&format, PICTURE_TIGHT), out[3];
    cgv_translator *translator = open_steady(model, &format, 1, 0.9f, 0);
    for (int i = 0; i < 3; i++) {
        out[i] = picture_create(&format, PICTURE_TIGHT);
        clip_frame(&in, i ? 1 : 0);
        if (i == 2)
            cgv_translator_begin(translator);
        CU_ASSERT_EQUAL(cgv_translator_send(translator, &in.view), CGV_OK);
        CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out[i].view), CGV_OK);
    }
    CU_ASSERT(!same(&out[1], &out[2])); // frame 1 behind frame 0, and alone
    CU_ASSERT_EQUAL(picture_translate(&out[0], &in, cgv_test_device(), model, 1), CGV_OK);
    CU_ASSERT(same(&out[0], &out[2]));
    cgv_translator_destroy(&translator);
    picture_destroy(&in);
    for (int i = 0; i < 3; i++)
        picture_destroy(&out[i]);
    cgv_model_destroy(&model);
}

// Another translator goes on from the state of the first as the first itself does.
static void check_state(const cgv_model *model, float stabilize, int net_height) {
    cgv_picture_format format = cgv_picture_format_rgb24(CLIP_WIDTH, CLIP_HEIGHT);
    test_picture whole[CLIP_FRAMES], in = picture_create(&format, PICTURE_TIGHT);
    test_picture out = picture_create(&format, PICTURE_TIGHT);
    create_clip(whole, &format);
    run_clip(whole, model, 2, stabilize, net_height);
    cgv_translator *translator = open_steady(model, &format, 2, stabilize, net_height);
    uint64_t bytes = cgv_translator_state_size(translator);
    CU_ASSERT_EQUAL(bytes > 0, stabilize > 0);
    uint8_t *state = malloc(bytes + 1);
    state[bytes] = 99;
    for (int i = 0; i < CLIP_FRAMES; i++) {
        CU_ASSERT_EQUAL(cgv_translator_save(translator, state), CGV_OK);
        CU_ASSERT_EQUAL(state[bytes], 99);
        cgv_translator_destroy(&translator);
        translator = open_steady(model, &format, 2, stabilize, net_height);
        CU_ASSERT_EQUAL(cgv_translator_restore(translator, state), CGV_OK);
        clip_frame(&in, i);
        CU_ASSERT_EQUAL(cgv_translator_send(translator, &in.view), CGV_OK);
        CU_ASSERT_EQUAL(cgv_translator_save(translator, state), CGV_AGAIN);
        CU_ASSERT_EQUAL(cgv_translator_restore(translator, state), CGV_AGAIN);
        CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_OK);
        CU_ASSERT(same(&out, &whole[i]));
        picture_destroy(&whole[i]);
    }
    free(state);
    cgv_translator_destroy(&translator);
    picture_destroy(&in);
    picture_destroy(&out);
}

// A translator that blends otherwise goes on from the same state.
static void check_other_strength(const cgv_model *model, int net_height) {
    cgv_picture_format format = cgv_picture_format_rgb24(CLIP_WIDTH, CLIP_HEIGHT);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    test_picture followed = picture_create(&format, PICTURE_TIGHT);
    test_picture alone = picture_create(&format, PICTURE_TIGHT);
    test_picture whole = picture_create(&format, PICTURE_TIGHT);
    cgv_translator_params params = {
        .strength = 0.5f, .slots = 1, .stabilize = 0.9f, .net_height = net_height};
    cgv_translator *half[3]; // from the first frame on; from the other's state; from nothing
    for (int k = 0; k < 3; k++)
        CU_ASSERT_EQUAL_FATAL(
            cgv_translator_create(&half[k], cgv_test_device(), model, &format, &format, &params),
            CGV_OK);
    cgv_translator *full = open_steady(model, &format, 1, 0.9f, net_height);
    clip_frame(&in, 0);
    CU_ASSERT_EQUAL(cgv_translator_send(half[0], &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(half[0], &alone.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(full, &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(full, &whole.view), CGV_OK);
    uint64_t bytes = cgv_translator_state_size(full);
    CU_ASSERT_EQUAL_FATAL(bytes, cgv_translator_state_size(half[1]));
    uint8_t *state = malloc(bytes);
    CU_ASSERT_EQUAL(cgv_translator_save(full, state), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_restore(half[1], state), CGV_OK);
    clip_frame(&in, 1);
    CU_ASSERT_EQUAL(cgv_translator_send(half[0], &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(half[0], &whole.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(half[1], &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(half[1], &followed.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(half[2], &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(half[2], &alone.view), CGV_OK);
    CU_ASSERT(same(&followed, &whole));
    CU_ASSERT(!same(&followed, &alone));
    free(state);
    for (int k = 0; k < 3; k++)
        cgv_translator_destroy(&half[k]);
    cgv_translator_destroy(&full);
    picture_destroy(&in);
    picture_destroy(&followed);
    picture_destroy(&alone);
    picture_destroy(&whole);
}

// Sum of absolute differences.
static long distance(const test_picture *a, const test_picture *b,
                     const cgv_picture_format *format) {
    long sum = 0;
    for (int y = 0; y < format->height; y++)
        for (int x = 0; x < 3 * format->width; x++)
            sum += labs((long)a->view.data[0][y * a->view.stride[0] + x] -
                        b->view.data[0][y * b->view.stride[0] + x]);
    return sum;
}

// A network that works on another height goes on, too: what a frame looks like then lies between
// the last one and what it would be alone.
static void check_other_height(const cgv_model *model, int before, int after) {
    cgv_picture_format format = cgv_picture_format_rgb24(4 * CLIP_WIDTH, 4 * CLIP_HEIGHT);
    test_picture in = picture_create(&format, PICTURE_TIGHT);
    test_picture last = picture_create(&format, PICTURE_TIGHT);
    test_picture followed = picture_create(&format, PICTURE_TIGHT);
    test_picture alone = picture_create(&format, PICTURE_TIGHT);
    cgv_translator *first = open_steady(model, &format, 1, 0.9f, before);
    cgv_translator *second = open_steady(model, &format, 1, 0.9f, after);
    uint64_t bytes = cgv_translator_state_size(first);
    CU_ASSERT_EQUAL_FATAL(bytes, cgv_translator_state_size(second));
    uint8_t *state = malloc(bytes);
    clip_frame(&in, 0);
    CU_ASSERT_EQUAL(cgv_translator_send(first, &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(first, &last.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(second, &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(second, &alone.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_save(first, state), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_restore(second, state), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(second, &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(second, &followed.view), CGV_OK);
    long step = distance(&alone, &last, &format);
    CU_ASSERT(step > 0);
    CU_ASSERT(3 * distance(&followed, &last, &format) < 2 * step);
    free(state);
    cgv_translator_destroy(&first);
    cgv_translator_destroy(&second);
    picture_destroy(&in);
    picture_destroy(&last);
    picture_destroy(&followed);
    picture_destroy(&alone);
}

static void test_state(void) {
    cgv_rng_seed(&rng, 1, 12);
    cgv_model *resnet = random_model_named(&rng, "resnet_1blocks", 4);
    cgv_model *grid = random_model_named(&rng, "resnet_1blocks_grid", 4);
    check_state(resnet, 0.9f, 0);
    check_state(resnet, 0, 0);
    check_state(grid, 0.9f, 32);
    check_other_strength(resnet, 0);
    check_other_strength(grid, 32);
    check_other_height(resnet, 128, 0);
    check_other_height(resnet, 192, 144);
    cgv_model_destroy(&grid);
    cgv_model_destroy(&resnet);
}

// Identity has nothing to hold: its pictures stay as they are.
static void test_steady_identity(void) {
    cgv_model *model = random_model_identity();
    cgv_picture_format format = cgv_picture_format_rgb24(CLIP_WIDTH, CLIP_HEIGHT);
    test_picture out[CLIP_FRAMES], in = picture_create(&format, PICTURE_TIGHT);
    create_clip(out, &format);
    run_clip(out, model, 2, 0.9f, 0);
    for (int i = 0; i < CLIP_FRAMES; i++) {
        clip_frame(&in, i);
        CU_ASSERT(same(&out[i], &in));
        picture_destroy(&out[i]);
    }
    picture_destroy(&in);
    cgv_model_destroy(&model);
}

// ---- the wipe ----

// Left of the wipe the input, code by code; then a white line; behind it the translation.
static void check_compare(const char *layout, float strength, float compare) {
    cgv_model *model = random_model_named(&rng, "resnet_1blocks", 4);
    test_siting left = {0, 0.5f};
    cgv_picture_format format = picture_format_of(layout, 64, 48, 1, false, &left);
    test_picture in = picture_create(&format, PICTURE_PADDED);
    test_picture plain = picture_create(&format, PICTURE_PADDED);
    test_picture out = picture_create(&format, PICTURE_PADDED);
    cgv_translator *translator;
    picture_randomise(&in, &rng);
    CU_ASSERT_EQUAL(picture_translate(&plain, &in, cgv_test_device(), model, strength), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(
        cgv_translator_create(
            &translator, cgv_test_device(), model, &format, &format,
            &(cgv_translator_params){.strength = strength, .slots = 1, .compare = compare}),
        CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_send(translator, &in.view), CGV_OK);
    CU_ASSERT_EQUAL(cgv_translator_receive(translator, &out.view), CGV_OK);
    cgv_translator_destroy(&translator);
    int wrong = 0, white = 0, wipe = (int)lroundf(compare * 64);
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++) {
            int code = picture_code(&out, 0, x, y);
            if (x == wipe)
                white += code == 235 || code == 255;
            else // out of range codes are clipped on the way
                wrong += abs(code - picture_code(x < wipe ? &in : &plain, 0, x, y)) > 0;
        }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(white, wipe < 64 ? 48 : 0);
    CU_ASSERT(picture_guards_intact(&out));
    picture_destroy(&in);
    picture_destroy(&plain);
    picture_destroy(&out);
    cgv_model_destroy(&model);
}

static void test_compare(void) {
    cgv_rng_seed(&rng, 1, 9);
    check_compare("rgb24", 1, 0.5f);
    check_compare("rgb24", 0.5f, 0.3f);
    check_compare("rgb24", 1, 1); // the input alone
    check_compare("gray", 1, 0.25f);
}

int main(int argc, char **argv) {
    static const cgv_test_case half[] = {{"held steady", test_steady_half}, {0}};
    static const cgv_test_case cases[] = {
        {"held steady", test_steady},
        {"beginning anew", test_begin},
        {"identity held steady", test_steady_identity},
        {"going on elsewhere", test_state},
        {"compare", test_compare},
        {0},
    };
    if (argc > 1 && !strcmp(argv[1], "half"))
        return cgv_test_run_half("frames: half precision", half);
    return cgv_test_run("frames", cases);
}
