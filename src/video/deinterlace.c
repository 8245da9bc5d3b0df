#include "video/deinterlace.h"

#include <stdio.h>
#include <stdlib.h>

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>

#include "video/av.h"
#include "video/colour.h"

enum { HELD = 16 }; // more frames than the filter holds

struct cgv_deinterlace {
    bool all, ending; // ending: the graph is being drained
    bool ended;       // no more frames come
    AVFilterGraph *graph;
    AVFilterContext *in, *out;
    AVFrame *like; // what the graph was made for; no data
    AVFrame *next; // of another format: waits until the graph is empty
    int64_t durations[HELD];
    unsigned sent, received;
};

static cgv_status out_of_memory(void) {
    return cgv_fail(CGV_ERROR_MEMORY, "deinterlace: out of memory");
}

cgv_status cgv_deinterlace_create(cgv_deinterlace **out, bool all) {
    cgv_deinterlace *d = *out = calloc(1, sizeof *d);
    if (!d)
        return out_of_memory();
    d->all = all;
    d->like = av_frame_alloc();
    if (d->like)
        return CGV_OK;
    cgv_deinterlace_destroy(out);
    return out_of_memory();
}

static int link_graph(cgv_deinterlace *d, const AVFrame *frame) {
    char picture[256], mode[64];
    AVRational aspect = frame->sample_aspect_ratio;
    int used = snprintf(picture, sizeof picture,
                        "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=%d/%d",
                        frame->width, frame->height, frame->format, frame->time_base.num,
                        frame->time_base.den, aspect.num, aspect.den ? aspect.den : 1);
#if LIBAVFILTER_VERSION_INT >= AV_VERSION_INT(10, 0, 100)
    snprintf(picture + used, sizeof picture - (size_t)used, ":colorspace=%d:range=%d",
             frame->colorspace, frame->color_range);
#else
    (void)used; // colours are not negotiated yet
#endif
    snprintf(mode, sizeof mode, "mode=send_frame:parity=auto:deint=%s",
             d->all ? "all" : "interlaced");
    AVFilterContext *filter;
    int error = avfilter_graph_create_filter(&d->in, avfilter_get_by_name("buffer"), "in", picture,
                                             NULL, d->graph);
    if (error >= 0)
        error = avfilter_graph_create_filter(&filter, avfilter_get_by_name("bwdif"), "bwdif", mode,
                                             NULL, d->graph);
    if (error >= 0)
        error = avfilter_graph_create_filter(&d->out, avfilter_get_by_name("buffersink"), "out",
                                             NULL, NULL, d->graph);
    if (error >= 0)
        error = avfilter_link(d->in, 0, filter, 0);
    if (error >= 0)
        error = avfilter_link(filter, 0, d->out, 0);
    return error >= 0 ? avfilter_graph_config(d->graph, NULL) : error;
}

static cgv_status make_graph(cgv_deinterlace *d, const AVFrame *frame) {
    avfilter_graph_free(&d->graph);
    d->graph = avfilter_graph_alloc();
    if (!d->graph)
        return out_of_memory();
    d->ending = false;
    d->sent = d->received = 0;
    cgv_colour_copy(d->like, frame);
    int error = link_graph(d, frame);
    return error < 0 ? cgv_av_fail(error, "deinterlace: bwdif") : CGV_OK;
}

static cgv_status push(cgv_deinterlace *d, AVFrame *frame) {
    if (frame)
        d->durations[d->sent++ % HELD] = cgv_av_frame_duration(frame);
    else
        d->ending = true;
    int error = av_buffersrc_add_frame(d->in, frame);
    av_frame_free(&frame);
    return error < 0 ? cgv_av_fail(error, "deinterlace: bwdif") : CGV_OK;
}

cgv_status cgv_deinterlace_send(cgv_deinterlace *d, AVFrame *frame) {
    cgv_status status = CGV_OK;
    if (!frame) {
        d->ended = true;
        return d->graph && !d->ending ? push(d, NULL) : CGV_OK;
    }
    if (d->graph && !cgv_colour_same(frame, d->like)) {
        d->next = frame;
        return push(d, NULL);
    }
    if (!d->graph)
        status = make_graph(d, frame);
    if (!status)
        return push(d, frame);
    av_frame_free(&frame);
    return status;
}

// The graph is empty: go on with the frame that waited for that.
static cgv_status start_anew(cgv_deinterlace *d) {
    AVFrame *frame = d->next;
    d->next = NULL;
    if (!frame)
        return d->ended ? CGV_END : CGV_AGAIN;
    cgv_status status = make_graph(d, frame);
    if (status) {
        av_frame_free(&frame);
        return status;
    }
    status = push(d, frame);
    if (!status && d->ended)
        status = push(d, NULL);
    return status;
}

cgv_status cgv_deinterlace_receive(cgv_deinterlace *d, AVFrame **out) {
    *out = av_frame_alloc();
    if (!*out)
        return out_of_memory();
    cgv_status status = d->graph ? CGV_OK : d->ended ? CGV_END : CGV_AGAIN;
    while (!status) {
        int error = av_buffersink_get_frame(d->out, *out);
        if (error >= 0) {
            AVFrame *frame = *out;
            frame->pts = av_rescale_q(frame->pts, av_buffersink_get_time_base(d->out),
                                      d->in->outputs[0]->time_base);
            frame->time_base = d->in->outputs[0]->time_base;
            cgv_av_frame_set_duration(frame, d->durations[d->received++ % HELD]);
            return CGV_OK;
        }
        if (error == AVERROR_EOF)
            status = start_anew(d);
        else
            status =
                error == AVERROR(EAGAIN) ? CGV_AGAIN : cgv_av_fail(error, "deinterlace: bwdif");
    }
    av_frame_free(out);
    return status;
}

void cgv_deinterlace_mark(AVFrame *frame, const AVCodecParameters *parameters) {
    const AVCodecDescriptor *codec = avcodec_descriptor_get(parameters->codec_id);
    enum AVFieldOrder order = parameters->field_order;
    bool silent = codec && codec->props & (AV_CODEC_PROP_INTRA_ONLY | AV_CODEC_PROP_LOSSLESS) &&
                  parameters->codec_id != AV_CODEC_ID_H264 &&
                  parameters->codec_id != AV_CODEC_ID_HEVC &&
                  parameters->codec_id != AV_CODEC_ID_PRORES;
    if (!silent || order == AV_FIELD_UNKNOWN || order == AV_FIELD_PROGRESSIVE ||
        cgv_av_frame_interlaced(frame))
        return;
    // TT, BB: stored and shown in that order; TB, BT: stored in the one, shown in the other.
    cgv_av_frame_set_interlaced(frame, order == AV_FIELD_TT || order == AV_FIELD_BT);
}

void cgv_deinterlace_destroy(cgv_deinterlace **handle) {
    if (!handle || !*handle)
        return;
    cgv_deinterlace *d = *handle;
    avfilter_graph_free(&d->graph);
    av_frame_free(&d->like);
    av_frame_free(&d->next);
    free(d);
    *handle = NULL;
}
