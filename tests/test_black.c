// Pictures that are all black, and when that is worth a message.
#include <libavutil/imgutils.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/pixdesc.h>

#include "app/blackness.h"
#include "messages.h"
#include "support.h"
#include "video/black.h"

enum { W = 40, H = 36 };

static AVFrame *frame_of(enum AVPixelFormat format, enum AVColorRange range) {
    AVFrame *frame = av_frame_alloc();
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    frame->format = format;
    frame->width = W;
    frame->height = H;
    frame->color_range = range;
    CU_ASSERT_FATAL(av_frame_get_buffer(frame, 0) >= 0);
    ptrdiff_t stride[4];
    for (int i = 0; i < 4; i++)
        stride[i] = frame->linesize[i];
    CU_ASSERT_FATAL(av_image_fill_black(frame->data, stride, format, range, W, H) >= 0);
    return frame;
}

// Give one sample of a component a value that is this far above black, in codes of 8 bits.
static void raise_sample(AVFrame *frame, int component, int x, int y, int codes) {
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    const AVComponentDescriptor *c = &desc->comp[component];
    uint8_t *at = frame->data[c->plane] + y * frame->linesize[c->plane] + x * c->step + c->offset;
    if (c->depth > 8)
        AV_WL16(at, AV_RL16(at) + (codes << (c->depth - 8) << c->shift));
    else
        *at = (uint8_t)(*at + codes);
}

static void test_pictures(void) {
    static const struct {
        enum AVPixelFormat format;
        enum AVColorRange range;
        int components; // that count
    } cases[] = {
        {AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 1},
        {AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG, 1},
        {AV_PIX_FMT_NV12, AVCOL_RANGE_UNSPECIFIED, 1},
        {AV_PIX_FMT_YUV422P10LE, AVCOL_RANGE_MPEG, 1},
        {AV_PIX_FMT_P010LE, AVCOL_RANGE_MPEG, 1},
        {AV_PIX_FMT_GRAY8, AVCOL_RANGE_JPEG, 1},
        {AV_PIX_FMT_RGB24, AVCOL_RANGE_JPEG, 3},
        {AV_PIX_FMT_GBRP, AVCOL_RANGE_JPEG, 3},
        {AV_PIX_FMT_RGB48LE, AVCOL_RANGE_JPEG, 3},
        {AV_PIX_FMT_BGRA, AVCOL_RANGE_JPEG, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AVFrame *frame = frame_of(cases[i].format, cases[i].range);
        int last = cases[i].components - 1;
        CU_ASSERT(cgv_black(frame) && !cgv_bright(frame));
        raise_sample(frame, last, W - 1, 5, 1);
        CU_ASSERT(cgv_black(frame));
        raise_sample(frame, last, W - 1, 5, 1); // in a row that the quick look passes over
        CU_ASSERT(!cgv_black(frame) && !cgv_bright(frame));
        raise_sample(frame, last, 7, 16, 50);
        CU_ASSERT(!cgv_black(frame) && !cgv_bright(frame));
        raise_sample(frame, last, 7, 16, 20);
        CU_ASSERT(!cgv_black(frame) && cgv_bright(frame));
        av_frame_free(&frame);
    }
}

static void note(cgv_blackness *b, int count, bool bright, bool black) {
    for (int i = 0; i < count; i++)
        cgv_blackness_note(b, bright, black);
}

static void test_warning(void) {
    cgv_blackness b = {0};
    cgv_test_listen_to(CGV_LOG_WARNING);
    note(&b, 24, true, true);
    note(&b, 1, true, false);
    note(&b, 24, true, true);
    note(&b, 100, false, true); // dark inputs neither add to a run nor end it
    CU_ASSERT_EQUAL(cgv_test_messages(), 0);
    note(&b, 1, true, true);
    CU_ASSERT(cgv_test_said("the last 25 pictures came out all black"));
    note(&b, 1, true, false);
    note(&b, 200, true, true);
    CU_ASSERT_EQUAL(cgv_test_messages(), 0); // once
    cgv_blackness_judge(&b);
}

static void test_end(void) {
    cgv_test_listen_to(CGV_LOG_WARNING);
    cgv_blackness none = {0}, dark = {0}, all = {0}, few = {0}, mixed = {0}, said = {0};
    cgv_blackness_judge(&none);
    note(&dark, 50, false, true);
    cgv_blackness_judge(&dark);
    note(&few, 51, false, true); // a flash in a dark film says little
    note(&few, 3, true, true);
    cgv_blackness_judge(&few);
    note(&mixed, 9, true, true);
    note(&mixed, 1, true, false);
    cgv_blackness_judge(&mixed);
    CU_ASSERT_EQUAL(cgv_test_messages(), 0);
    note(&all, 1, true, true);
    cgv_blackness_judge(&all); // a mask with nothing in it
    CU_ASSERT(cgv_test_said("every picture came out all black"));
    note(&said, 100, true, true);
    CU_ASSERT(cgv_test_said("the last 25 pictures came out all black"));
    cgv_blackness_judge(&said);
    CU_ASSERT_EQUAL(cgv_test_messages(), 0); // once
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"black and bright pictures", test_pictures},
        {"a warning", test_warning},
        {"the end", test_end},
        {0},
    };
    return cgv_test_run("black", cases);
}
