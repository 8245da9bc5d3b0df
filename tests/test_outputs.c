// Outputs: what options belong to which, and one picture for several of them.
#include <string.h>

#include <libavutil/pixdesc.h>

#include "app/outputs.h"
#include "support.h"
#include "video/av.h"
#include "video/convert.h"
#include "video/encoder.h"
#include "video/live.h"
#include "video/richest.h"

// ---- options

static cgv_output_options output(const char *url) {
    cgv_output_options o = CGV_OUTPUT_DEFAULTS;
    o.url = url;
    return o;
}

static void test_options_before_an_output_are_its_own(void) {
    cgv_outputs outputs = {0};
    cgv_output_options next = output("a.mp4");
    next.crf = 18;
    next.codec = "libx264";
    cgv_outputs_add(&outputs, &next);
    CU_ASSERT_PTR_NULL(next.codec);
    next.url = "b.mkv";
    next.preset = "fast";
    cgv_outputs_add(&outputs, &next);
    CU_ASSERT_EQUAL(cgv_outputs_end(&outputs, &next), CGV_OK);
    CU_ASSERT_EQUAL(cgv_outputs_check(&outputs, "in.mp4"), CGV_OK);
    CU_ASSERT_EQUAL(outputs.count, 2);
    CU_ASSERT_EQUAL(outputs.list[0].crf, 18);
    CU_ASSERT_PTR_NULL(outputs.list[0].preset);
    CU_ASSERT(outputs.list[1].crf < 0);
    CU_ASSERT_STRING_EQUAL(outputs.list[1].preset, "fast");
    // Behind the last of several they are nobody's.
    next.crf = 30;
    CU_ASSERT_EQUAL(cgv_outputs_end(&outputs, &next), CGV_ERROR_ARGUMENT);
    cgv_outputs_free(&outputs);
}

static void test_options_behind_a_single_output_are_its_own(void) {
    cgv_outputs outputs = {0};
    cgv_output_options next = output("a.mp4");
    next.crf = 18;
    next.codec = "libx264";
    cgv_outputs_add(&outputs, &next);
    next.crf = 30;
    CU_ASSERT_EQUAL(cgv_av_options_add(&next.libav, "g", "7"), CGV_OK);
    CU_ASSERT_EQUAL(cgv_outputs_end(&outputs, &next), CGV_OK);
    CU_ASSERT_EQUAL(outputs.list[0].crf, 30);
    CU_ASSERT_STRING_EQUAL(outputs.list[0].codec, "libx264");
    CU_ASSERT_PTR_NOT_NULL(av_dict_get(outputs.list[0].libav.video, "g", NULL, 0));
    next = output(NULL);
    cgv_outputs_free(&outputs);
    // Without any output they are nobody's.
    CU_ASSERT_EQUAL(cgv_outputs_end(&outputs, &next), CGV_OK);
    next.no_audio = true;
    CU_ASSERT_EQUAL(cgv_outputs_end(&outputs, &next), CGV_ERROR_ARGUMENT);
}

static void test_outputs_that_cannot_be(void) {
    cgv_outputs outputs = {0};
    cgv_output_options next = output("a.mp4");
    cgv_outputs_add(&outputs, &next);
    next = output("a.mp4");
    cgv_outputs_add(&outputs, &next);
    CU_ASSERT_EQUAL(cgv_outputs_check(&outputs, "in.mp4"), CGV_ERROR_ARGUMENT); // twice the same
    // However it is named, and before it exists.
    static const char *const names[] = {"./a.mp4", "file:a.mp4", "file:././a.mp4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        outputs.list[1].url = names[i];
        CU_ASSERT_EQUAL(cgv_outputs_check(&outputs, "in.mp4"), CGV_ERROR_ARGUMENT);
    }
    static const char *const others[] = {"/a.mp4", "./b.mp4", "nowhere/a.mp4", "udp://a.mp4:1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        outputs.list[1].url = others[i];
        CU_ASSERT_EQUAL(cgv_outputs_check(&outputs, "in.mp4"), CGV_OK);
    }
    while (!outputs.too_many) {
        next = output("x.mp4");
        cgv_outputs_add(&outputs, &next);
    }
    CU_ASSERT_EQUAL(outputs.count, CGV_MAX_OUTPUTS);
    CU_ASSERT_EQUAL(cgv_outputs_end(&outputs, &next), CGV_ERROR_ARGUMENT);
    cgv_outputs_free(&outputs);
}

// ---- pictures for several sinks

static enum AVPixelFormat richest(enum AVPixelFormat input, enum AVPixelFormat a,
                                  enum AVPixelFormat b) {
    AVFrame *frames[4];
    for (int i = 0; i < 4; i++)
        frames[i] = av_frame_alloc();
    frames[0]->format = input;
    frames[1]->format = a;
    frames[2]->format = b;
    cgv_richest(frames[3], (const AVFrame *const *)&frames[1], 2, frames[0]);
    enum AVPixelFormat found = frames[3]->format;
    for (int i = 0; i < 4; i++)
        av_frame_free(&frames[i]);
    return found;
}

static void test_richest_format(void) {
    static const enum AVPixelFormat cases[][4] = {
        // input, outputs, translated
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P},
        {AV_PIX_FMT_YUVA420P, AV_PIX_FMT_YA8, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVA420P},
        {AV_PIX_FMT_YUV444P10LE, AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV444P,
         AV_PIX_FMT_YUV444P10LE},
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10LE},
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_GRAY16LE, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV444P16LE},
        {AV_PIX_FMT_YUVA420P, AV_PIX_FMT_YUVA420P, AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUVA444P10LE},
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, AV_PIX_FMT_RGB24, AV_PIX_FMT_RGB24},
        {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_RGB24, AV_PIX_FMT_YUV444P10LE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const enum AVPixelFormat *c = cases[i];
        CU_ASSERT_STRING_EQUAL(av_get_pix_fmt_name(richest(c[0], c[1], c[2])),
                               av_get_pix_fmt_name(c[3]));
        CU_ASSERT_EQUAL(richest(c[0], c[2], c[1]), c[3]);
    }
}

static AVFrame *flat_frame(enum AVPixelFormat format, enum AVColorSpace matrix, int range,
                           const uint8_t value[3]) {
    AVFrame *frame = av_frame_alloc();
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    frame->format = format;
    frame->width = 33;
    frame->height = 17;
    frame->colorspace = matrix;
    frame->color_range = range;
    CU_ASSERT_EQUAL_FATAL(av_frame_get_buffer(frame, 0), 0);
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < (p && format == AV_PIX_FMT_YUV420P ? 9 : 17); y++)
            memset(frame->data[p] + y * frame->linesize[p], value[p], (size_t)frame->linesize[p]);
    return frame;
}

// BT.709 in limited range to BT.601 in full range and back: the colour stays.
static void test_convert_changes_matrix_and_range(void) {
    cgv_convert *there, *back;
    static const uint8_t orange[3] = {129, 85, 166}; // 200 120 40 in BT.709
    AVFrame *frame = flat_frame(AV_PIX_FMT_YUV444P, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, orange);
    AVFrame *home = av_frame_clone(frame);
    AVFrame *jpeg = flat_frame(AV_PIX_FMT_YUV444P, AVCOL_SPC_BT470BG, AVCOL_RANGE_JPEG, orange);
    CU_ASSERT_EQUAL_FATAL(cgv_convert_create(&there), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_convert_create(&back), CGV_OK);
    cgv_av_frame_set_captured(frame, 1234);
    CU_ASSERT_EQUAL_FATAL(cgv_convert_like(there, &frame, jpeg), CGV_OK);
    // .299 * 200 + .587 * 120 + .114 * 40
    CU_ASSERT(abs(frame->data[0][5] - 135) <= 2);
    CU_ASSERT(abs(frame->data[1][5] - 74) <= 2);
    CU_ASSERT(abs(frame->data[2][5] - 174) <= 2);
    CU_ASSERT_EQUAL(frame->color_range, AVCOL_RANGE_JPEG);
    CU_ASSERT_EQUAL(cgv_av_frame_captured(frame), 1234);
    CU_ASSERT_EQUAL_FATAL(cgv_convert_like(back, &frame, home), CGV_OK);
    for (int p = 0; p < 3; p++)
        CU_ASSERT(abs(frame->data[p][5] - orange[p]) <= 2);
    // Nothing to do: the very same data.
    const uint8_t *data = frame->data[0];
    CU_ASSERT_EQUAL_FATAL(cgv_convert_like(back, &frame, home), CGV_OK);
    CU_ASSERT_PTR_EQUAL(frame->data[0], data);
    av_frame_free(&frame);
    av_frame_free(&home);
    av_frame_free(&jpeg);
    cgv_convert_destroy(&there);
    cgv_convert_destroy(&back);
}

// A loopback device gets even sides, whatever the picture's are, and what every program takes.
static void loopback(enum AVPixelFormat input, const char *wanted, enum AVPixelFormat gets,
                     int size) {
    const AVOutputFormat *v4l2 = av_guess_format("v4l2", NULL, NULL);
    if (!v4l2) {
        puts("SKIPPED: this FFmpeg writes no v4l2");
        return;
    }
    static const uint8_t grey[3] = {100, 128, 128};
    AVFormatContext *context = avformat_alloc_context();
    AVFrame *first = flat_frame(input, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, grey);
    first->time_base = (AVRational){1, 25};
    cgv_source_info info = {.input = context,
                            .video = avformat_new_stream(context, NULL),
                            .first = first,
                            .rate = {25, 1},
                            .live = true};
    cgv_sink_params params = {
        .crf = -1, .quality = -1, .rate = {0, 1}, .live = true, .pixel_format = wanted};
    cgv_encoder encoder = {0};
    const AVCodec *codec = avcodec_find_encoder(v4l2->video_codec);
    CU_ASSERT_EQUAL_FATAL(cgv_encoder_open(&encoder, codec, v4l2, &params, &info), CGV_OK);
    CU_ASSERT_EQUAL(encoder.context->width, 32);
    CU_ASSERT_EQUAL(encoder.context->height, 16);
    CU_ASSERT_EQUAL(encoder.context->pix_fmt, gets);
    AVPacket *packet = av_packet_alloc();
    int64_t captured;
    AVFrame *frame = av_frame_clone(first);
    frame->pts = 3;
    cgv_av_frame_set_captured(frame, 99);
    CU_ASSERT_EQUAL_FATAL(cgv_encoder_send(&encoder, frame), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_encoder_receive(&encoder, packet, &captured), CGV_OK);
    CU_ASSERT_EQUAL(packet->size, size);
    CU_ASSERT_EQUAL(captured, 99);
    av_packet_free(&packet);
    cgv_encoder_close(&encoder);
    av_frame_free(&first);
    avformat_free_context(context);
}

static void test_loopback_gets_what_is_taken(void) {
    enum { PIXELS = 32 * 16 };
    loopback(AV_PIX_FMT_YUV420P, NULL, AV_PIX_FMT_YUV420P, PIXELS * 3 / 2);
    loopback(AV_PIX_FMT_YUV444P, NULL, AV_PIX_FMT_YUV420P, PIXELS * 3 / 2);
    loopback(AV_PIX_FMT_YUV422P10LE, NULL, AV_PIX_FMT_YUV420P, PIXELS * 3 / 2);
    loopback(AV_PIX_FMT_YUV420P, "yuyv422", AV_PIX_FMT_YUYV422, PIXELS * 2);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"options before", test_options_before_an_output_are_its_own},
        {"options behind", test_options_behind_a_single_output_are_its_own},
        {"impossible ones", test_outputs_that_cannot_be},
        {"several sinks: one format", test_richest_format},
        {"convert: matrix and range", test_convert_changes_matrix_and_range},
        {"encoder: of a loopback device", test_loopback_gets_what_is_taken},
        {0},
    };
    cgv_live_init();
    return cgv_test_run("outputs", cases);
}
