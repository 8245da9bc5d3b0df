// The parts of the program that need no device: queue, frame rate, colours, options.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/pixdesc.h>

#include "app/cli.h"
#include "support.h"
#include "video/colour.h"
#include "video/hdr.h"
#include "video/convert.h"
#include "video/queue.h"
#include "video/rate.h"

static cgv_item frame_item(int64_t pts, int64_t duration) {
    AVFrame *frame = av_frame_alloc();
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    frame->pts = pts;
    frame->time_base = (AVRational){1, 100};
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    frame->duration = duration;
#else
    frame->pkt_duration = duration;
#endif
    return (cgv_item){.kind = CGV_ITEM_FRAME, .frame = frame, .repeat = 1};
}

static cgv_item packet_item(int64_t pts) {
    AVPacket *packet = av_packet_alloc();
    CU_ASSERT_PTR_NOT_NULL_FATAL(packet);
    packet->pts = pts;
    return (cgv_item){.kind = CGV_ITEM_PACKET, .packet = packet};
}

// ---- queue

enum { ITEMS = 2000 };

static void *produce(void *opaque) {
    cgv_queue *queue = opaque;
    intptr_t failed = 0;
    for (int i = 0; i < ITEMS && !failed; i++)
        failed = cgv_queue_push(queue, i % 3 ? packet_item(i) : frame_item(i, 1));
    if (!failed)
        failed = cgv_queue_push(queue, (cgv_item){.kind = CGV_ITEM_END});
    return (void *)failed;
}

static void test_queue_keeps_order(void) {
    cgv_queue *queue;
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(cgv_queue_create(&queue, 2, 3), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, produce, queue), 0);
    int next = 0;
    for (;;) {
        cgv_item item;
        CU_ASSERT_EQUAL_FATAL(cgv_queue_pop(queue, &item), CGV_OK);
        if (item.kind == CGV_ITEM_END)
            break;
        bool frame = item.kind == CGV_ITEM_FRAME;
        CU_ASSERT_EQUAL(frame, next % 3 == 0);
        CU_ASSERT_EQUAL(frame ? item.frame->pts : item.packet->pts, next);
        next++;
        cgv_item_free(&item);
    }
    CU_ASSERT_EQUAL(next, ITEMS);
    void *failed;
    pthread_join(thread, &failed);
    CU_ASSERT_PTR_NULL(failed);
    cgv_queue_destroy(&queue);
    CU_ASSERT_PTR_NULL(queue);
}

static void test_queue_bounds_each_kind(void) {
    cgv_queue *queue;
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(cgv_queue_create(&queue, 1, 1000), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, produce, queue), 0);
    // Items 0 (a frame), 1 and 2 fit; 3 is the second frame and waits.
    usleep(20000);
    cgv_queue_abort(queue);
    void *failed;
    pthread_join(thread, &failed);
    CU_ASSERT_EQUAL((intptr_t)failed, CGV_ERROR_INTERRUPTED);
    cgv_item item;
    CU_ASSERT_EQUAL(cgv_queue_pop(queue, &item), CGV_ERROR_INTERRUPTED);
    CU_ASSERT_EQUAL(cgv_queue_push(queue, frame_item(0, 1)), CGV_ERROR_INTERRUPTED);
    cgv_queue_destroy(&queue);
}

static void *consume_one(void *opaque) {
    cgv_item item;
    return (void *)(intptr_t)cgv_queue_pop(opaque, &item);
}

static void test_queue_abort_wakes_the_reader(void) {
    cgv_queue *queue;
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(cgv_queue_create(&queue, 1, 1), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, consume_one, queue), 0);
    usleep(10000);
    cgv_queue_abort(queue);
    void *status;
    pthread_join(thread, &status);
    CU_ASSERT_EQUAL((intptr_t)status, CGV_ERROR_INTERRUPTED);
    cgv_queue_destroy(&queue);
    cgv_queue_destroy(&queue);
}

// ---- rate

// Feed frames of one duration at `times` (ends with -1, in 1/100 s) and note which are shown how
// often, as "index x repeats@tick".
static void check_capped_rate(int fps, int most, const int *times, int duration,
                              const char *expected) {
    cgv_rate rate = {.rate = {fps, 1}, .most = most};
    char text[256] = "";
    for (int i = 0;; i++) {
        cgv_item out, in = {0};
        if (times[i] >= 0) {
            in = frame_item(times[i], duration);
            in.frame->opaque = (void *)(intptr_t)i;
        }
        cgv_rate_next(&rate, &out, in);
        if (out.kind == CGV_ITEM_FRAME) {
            size_t length = strlen(text);
            snprintf(text + length, sizeof text - length, "%dx%d@%d ",
                     (int)(intptr_t)out.frame->opaque, out.repeat, (int)out.frame->pts);
            CU_ASSERT_EQUAL(out.frame->time_base.den, fps);
        }
        cgv_item_free(&out);
        if (times[i] < 0)
            break;
    }
    CU_ASSERT_STRING_EQUAL(text, expected);
    cgv_rate_clear(&rate);
}

static void check_rate(int fps, const int *times, int duration, const char *expected) {
    check_capped_rate(fps, 0, times, duration, expected);
}

static void test_rate(void) {
    check_rate(25, (int[]){0, 4, 8, 12, -1}, 4, "0x1@0 1x1@1 2x1@2 3x1@3 ");
    check_rate(50, (int[]){0, 4, 8, -1}, 4, "0x2@0 1x2@2 2x2@4 ");
    check_rate(10, (int[]){0, 4, 8, 12, 16, 20, -1}, 4, "1x1@0 3x1@1 ");
    check_rate(25, (int[]){0, 40, -1}, 4, "0x10@0 1x1@10 "); // a gap
    check_rate(1, (int[]){0, 4, -1}, 4, "1x1@0 ");           // shorter than a tick
    check_rate(1, (int[]){-1}, 4, "");
    // A jump of an hour, after which times are right.
    check_rate(25, (int[]){0, 4, 360000, 360004, -1}, 4, "0x1@0 1x89999@1 2x1@90000 3x1@90001 ");
    check_capped_rate(25, 25, (int[]){0, 4, 360000, 360004, -1}, 4,
                      "0x1@0 1x25@1 2x1@90000 3x1@90001 ");
    check_capped_rate(25, 25, (int[]){0, 100, -1}, 104, "0x25@0 1x25@25 ");
}

// ---- colours

static const AVFrame video = {.width = 640,
                              .height = 480,
                              .format = AV_PIX_FMT_YUV420P,
                              .colorspace = AVCOL_SPC_UNSPECIFIED,
                              .color_range = AVCOL_RANGE_UNSPECIFIED};

static cgv_colour colour_of(const AVFrame *frame) {
    cgv_picture_format format = {0};
    CU_ASSERT_EQUAL(cgv_colour_format(&format, frame), CGV_OK);
    CU_ASSERT_EQUAL(format.width, frame->width);
    return format.colour;
}

static void test_untagged_video(void) {
    static const struct {
        int width, height;
        float kr;
    } cases[] = {{640, 480, .299f},  {1279, 576, .299f}, {1280, 16, .2126f},
                 {720, 577, .2126f}, {720, 576, .299f},  {1920, 1080, .2126f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AVFrame frame = video;
        frame.width = cases[i].width;
        frame.height = cases[i].height;
        cgv_colour colour = colour_of(&frame);
        CU_ASSERT_EQUAL(colour.kr, cases[i].kr);
        CU_ASSERT_FALSE(colour.full_range);
        CU_ASSERT_EQUAL(colour.chroma_x, 0);
        CU_ASSERT_EQUAL(colour.chroma_y, .5f);
    }
}

static void test_tagged_video(void) {
    AVFrame frame = video;
    frame.colorspace = AVCOL_SPC_BT2020_NCL;
    frame.color_range = AVCOL_RANGE_JPEG;
    frame.chroma_location = AVCHROMA_LOC_CENTER;
    cgv_colour colour = colour_of(&frame);
    CU_ASSERT_EQUAL(colour.kr, .2627f);
    CU_ASSERT_EQUAL(colour.kb, .0593f);
    CU_ASSERT_TRUE(colour.full_range);
    CU_ASSERT_EQUAL(colour.chroma_x, .5f);
    frame.chroma_location = AVCHROMA_LOC_TOPLEFT;
    CU_ASSERT_EQUAL(colour_of(&frame).chroma_y, 0);
    frame.format = AV_PIX_FMT_YUV422P; // not subsampled downwards
    frame.chroma_location = AVCHROMA_LOC_CENTER;
    CU_ASSERT_EQUAL(colour_of(&frame).chroma_x, .5f);
    CU_ASSERT_EQUAL(colour_of(&frame).chroma_y, 0);
    cgv_picture_format format;
    static const enum AVColorSpace refused[] = {AVCOL_SPC_BT2020_CL, AVCOL_SPC_YCGCO,
                                                AVCOL_SPC_ICTCP, AVCOL_SPC_RGB};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        frame.colorspace = refused[i];
        CU_ASSERT_EQUAL(cgv_colour_format(&format, &frame), CGV_ERROR_UNSUPPORTED);
    }
    CU_ASSERT_EQUAL(cgv_hdr_refuse("", AVCOL_TRC_BT709), CGV_OK);
    CU_ASSERT_EQUAL(cgv_hdr_refuse("", AVCOL_TRC_SMPTE2084), CGV_ERROR_UNSUPPORTED);
    CU_ASSERT_EQUAL(cgv_hdr_refuse("", AVCOL_TRC_ARIB_STD_B67), CGV_ERROR_UNSUPPORTED);
}

static void test_range_of_grey_and_rgb(void) {
    AVFrame frame = video;
    frame.format = AV_PIX_FMT_GRAY8;
    CU_ASSERT_TRUE(colour_of(&frame).full_range);
    frame.color_range = AVCOL_RANGE_MPEG;
    CU_ASSERT_FALSE(colour_of(&frame).full_range);
    frame = video;
    frame.format = AV_PIX_FMT_RGB24;
    frame.colorspace = AVCOL_SPC_RGB;
    CU_ASSERT_TRUE(colour_of(&frame).full_range);
    frame = video;
    frame.format = AV_PIX_FMT_YUVJ422P;
    cgv_colour_normalise(&frame);
    CU_ASSERT_EQUAL(frame.format, AV_PIX_FMT_YUV422P);
    CU_ASSERT_TRUE(colour_of(&frame).full_range);
}

// Every pixel format that is not on the device either has a layout or a carrier with one, which
// loses no depth and keeps its family.
static void test_every_pixel_format(void) {
    const AVPixFmtDescriptor *desc = NULL;
    int direct = 0, carried = 0;
    while ((desc = av_pix_fmt_desc_next(desc))) {
        enum AVPixelFormat format = av_pix_fmt_desc_get_id(desc);
        enum AVPixelFormat carrier = cgv_colour_carrier(format);
        cgv_layout layout;
        if (desc->flags & AV_PIX_FMT_FLAG_HWACCEL) {
            CU_ASSERT_EQUAL(carrier, AV_PIX_FMT_NONE);
            continue;
        }
        CU_ASSERT_TRUE_FATAL(cgv_colour_layout(&layout, carrier));
        const AVPixFmtDescriptor *to = av_pix_fmt_desc_get(carrier);
        bool bayer = desc->flags & AV_PIX_FMT_FLAG_BAYER, wide = desc->comp[0].depth > 16;
        if (!(to->comp[0].depth >= desc->comp[0].depth || bayer || wide))
            CU_FAIL(desc->name);
        if ((to->nb_components < 3) !=
            (desc->nb_components < 3 && !(desc->flags & AV_PIX_FMT_FLAG_PAL)))
            CU_FAIL(desc->name);
        carrier == format ? direct++ : carried++;
    }
    CU_ASSERT(direct > 70);
    CU_ASSERT(carried > 70);
    CU_ASSERT_EQUAL(cgv_colour_carrier(AV_PIX_FMT_NV12), AV_PIX_FMT_NV12);
    CU_ASSERT_EQUAL(cgv_colour_carrier(AV_PIX_FMT_BGR8), AV_PIX_FMT_RGB24);
    CU_ASSERT_EQUAL(cgv_colour_carrier(AV_PIX_FMT_PAL8), AV_PIX_FMT_RGBA);
    CU_ASSERT_EQUAL(cgv_colour_carrier(AV_PIX_FMT_MONOWHITE), AV_PIX_FMT_GRAY8);
    CU_ASSERT_EQUAL(cgv_colour_carrier(AV_PIX_FMT_YUV420P10BE), AV_PIX_FMT_YUV420P10LE);
}

static void test_output_tags(void) {
    AVFrame in = video, out = {0};
    in.colorspace = AVCOL_SPC_BT709;
    in.color_range = AVCOL_RANGE_MPEG;
    in.color_primaries = AVCOL_PRI_BT709;
    in.chroma_location = AVCHROMA_LOC_LEFT;
    cgv_colour_output(&out, &in, AV_PIX_FMT_YUV420P, CGV_COLOUR_VIDEO);
    CU_ASSERT_TRUE(cgv_colour_same(&in, &out));
    CU_ASSERT_EQUAL(out.color_primaries, AVCOL_PRI_BT709);
    cgv_colour_output(&out, &in, AV_PIX_FMT_YUV444P, CGV_COLOUR_JFIF);
    CU_ASSERT_EQUAL(out.colorspace, AVCOL_SPC_BT470BG);
    CU_ASSERT_EQUAL(out.color_range, AVCOL_RANGE_JPEG);
    in.color_range = AVCOL_RANGE_JPEG;
    cgv_colour_output(&out, &in, AV_PIX_FMT_YUV420P, CGV_COLOUR_VIDEO);
    CU_ASSERT_EQUAL(out.color_range, AVCOL_RANGE_JPEG);
    cgv_colour_output(&out, &in, AV_PIX_FMT_YUV420P, CGV_COLOUR_LIMITED);
    CU_ASSERT_EQUAL(out.color_range, AVCOL_RANGE_MPEG);
    in.color_range = AVCOL_RANGE_UNSPECIFIED;
    cgv_colour_output(&out, &in, AV_PIX_FMT_YUV420P, CGV_COLOUR_LIMITED);
    CU_ASSERT_EQUAL(out.color_range, AVCOL_RANGE_UNSPECIFIED);
    in.color_range = AVCOL_RANGE_MPEG;
    cgv_colour_output(&out, &in, AV_PIX_FMT_RGB24, CGV_COLOUR_VIDEO);
    CU_ASSERT_EQUAL(out.colorspace, AVCOL_SPC_RGB);
    CU_ASSERT_EQUAL(out.color_range, AVCOL_RANGE_JPEG);

    AVFrame rgb = out;
    rgb.width = 1280;
    cgv_colour_output(&out, &rgb, AV_PIX_FMT_YUV420P, CGV_COLOUR_VIDEO);
    CU_ASSERT_EQUAL(out.colorspace, AVCOL_SPC_BT709);
    CU_ASSERT_EQUAL(out.color_range, AVCOL_RANGE_MPEG);
    CU_ASSERT_EQUAL(out.chroma_location, AVCHROMA_LOC_LEFT);
}

// A palette goes to the shaders as RGB, through one scaler for all frames.
static void test_convert(void) {
    cgv_convert *convert;
    CU_ASSERT_EQUAL_FATAL(cgv_convert_create(&convert), CGV_OK);
    for (int pass = 0; pass < 2; pass++) {
        AVFrame *frame = av_frame_alloc();
        frame->format = AV_PIX_FMT_BGR8;
        frame->width = frame->height = 16;
        frame->pts = 7;
        CU_ASSERT_EQUAL_FATAL(av_frame_get_buffer(frame, 0), 0);
        for (int y = 0; y < 16; y++)
            memset(frame->data[0] + y * frame->linesize[0], 0x07, 16); // b2 g3 r3: full red
        CU_ASSERT_EQUAL(cgv_convert_frame(convert, &frame, AV_PIX_FMT_RGB24), CGV_OK);
        CU_ASSERT_EQUAL(frame->format, AV_PIX_FMT_RGB24);
        CU_ASSERT_EQUAL(frame->pts, 7);
        const uint8_t *pixel = frame->data[0] + 5 * frame->linesize[0] + 15;
        CU_ASSERT(pixel[0] >= 250 && pixel[1] <= 2 && pixel[2] <= 2);
        av_frame_free(&frame);
    }
    cgv_convert_destroy(&convert);
    cgv_convert_destroy(&convert);
}

// ---- options

typedef struct target {
    bool flag;
    const char *text, *before;
    int number;
    double real;
    cgv_cli_size size;
} target;

static void text_seen(void *opaque) {
    target *t = opaque;
    t->before = t->number == 3 ? "three" : NULL;
}

static const cgv_cli_option options[] = {
    {.name = "flag", .kind = CGV_CLI_FLAG, .offset = offsetof(target, flag), .help = "a flag"},
    {.name = "text",
     .kind = CGV_CLI_TEXT,
     .offset = offsetof(target, text),
     .value = "T",
     .help = "text",
     .seen = text_seen},
    {.name = "number",
     .kind = CGV_CLI_INT,
     .offset = offsetof(target, number),
     .value = "N",
     .help = "a number",
     .min = -5,
     .max = 9},
    {.name = "real",
     .kind = CGV_CLI_REAL,
     .offset = offsetof(target, real),
     .value = "X",
     .help = "a number",
     .min = 0,
     .max = 1},
    {.name = "s",
     .kind = CGV_CLI_SIZE,
     .offset = offsetof(target, size),
     .value = "WxH",
     .help = "size",
     .min = 1,
     .max = 100},
    {0},
};

static cgv_status parse(target *t, const char **words, int *count, ...) {
    char *argv[16] = {(char *)"program"};
    int argc = 1;
    va_list args;
    va_start(args, count);
    for (char *word; (word = va_arg(args, char *));)
        argv[argc++] = word;
    va_end(args);
    *t = (target){0};
    return cgv_cli_parse(options, t, argc, argv, words, 2, count);
}

static void test_options(void) {
    target t;
    const char *words[2];
    int n;
    CU_ASSERT_EQUAL(parse(&t, words, &n, "-number", "3", "-text", "-x", "in", "--flag", "-", NULL),
                    CGV_OK);
    CU_ASSERT_STRING_EQUAL(t.text, "-x");
    CU_ASSERT_PTR_NOT_NULL(t.before);
    CU_ASSERT_TRUE(t.flag);
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT_STRING_EQUAL(words[0], "in");
    CU_ASSERT_STRING_EQUAL(words[1], "-");
    CU_ASSERT_EQUAL(parse(&t, words, &n, "--real=0.25", "-s", "3x100", "--number=-5", NULL),
                    CGV_OK);
    CU_ASSERT_EQUAL(t.real, 0.25);
    CU_ASSERT_EQUAL(t.size.width, 3);
    CU_ASSERT_EQUAL(t.size.height, 100);
    CU_ASSERT_EQUAL(t.number, -5);
    CU_ASSERT_EQUAL(parse(&t, words, &n, "--", "-flag", NULL), CGV_OK);
    CU_ASSERT_FALSE(t.flag);
    CU_ASSERT_STRING_EQUAL(words[0], "-flag");
}

static void test_wrong_options(void) {
    static const char *const wrong[][2] = {
        {"-number", "10"}, {"-number", "1.5"},  {"-number", "x"},     {"-number", ""},
        {"-number", NULL}, {"-real", "nan"},    {"-real", "1.01"},    {"-s", "3"},
        {"-s", "3x"},      {"-s", "3x4x5"},     {"-s", "0x5"},        {"-s", "5x101"},
        {"-flga", NULL},   {"-number=x", NULL}, {"--flag=yes", NULL}, {"-text", NULL},
    };
    target t;
    const char *words[2];
    int n;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_EQUAL(parse(&t, words, &n, wrong[i][0], wrong[i][1], NULL), CGV_ERROR_ARGUMENT);
    CU_ASSERT_EQUAL(parse(&t, words, &n, "a", "b", "c", NULL), CGV_ERROR_ARGUMENT);
}

static const char *candidate(const void *opaque, int i) {
    return ((const char *const *)opaque)[i];
}

static void test_suggestions(void) {
    static const char *const names[] = {"strength", "preset", "pix_fmt", "ss", "y", NULL};
    CU_ASSERT_STRING_EQUAL(cgv_cli_suggest("strenght", candidate, names), "strength");
    CU_ASSERT_STRING_EQUAL(cgv_cli_suggest("pixfmt", candidate, names), "pix_fmt");
    CU_ASSERT_STRING_EQUAL(cgv_cli_suggest("presets", candidate, names), "preset");
    CU_ASSERT_STRING_EQUAL(cgv_cli_suggest("s", candidate, names), "ss");
    CU_ASSERT_PTR_NULL(cgv_cli_suggest("wibble", candidate, names));
    CU_ASSERT_PTR_NULL(cgv_cli_suggest("x", candidate, names));
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"queue: order", test_queue_keeps_order},
        {"queue: bounds", test_queue_bounds_each_kind},
        {"queue: abort", test_queue_abort_wakes_the_reader},
        {"rate: drop and repeat", test_rate},
        {"colour: untagged", test_untagged_video},
        {"colour: tagged", test_tagged_video},
        {"colour: range of grey and RGB", test_range_of_grey_and_rgb},
        {"colour: every pixel format", test_every_pixel_format},
        {"colour: output tags", test_output_tags},
        {"convert: one scaler", test_convert},
        {"options: right", test_options},
        {"options: wrong", test_wrong_options},
        {"options: suggestions", test_suggestions},
        {0},
    };
    return cgv_test_run("video", cases);
}
