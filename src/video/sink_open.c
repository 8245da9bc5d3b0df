// Making an output: muxer, encoder, streams, header.
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/avstring.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>

#include "base/log.h"
#include "video/av.h"
#include "video/live.h"
#include "video/sink_internal.h"

enum { LIVE_INTERLEAVING = 200000 }; // microseconds

static int interrupted(void *opaque) {
    cgv_sink *sink = opaque;
    return atomic_load(&sink->abandoned) || (sink->stop && atomic_load(sink->stop));
}

static cgv_status open_muxer(cgv_sink *sink, const AVOutputFormat *muxer) {
    const char *name = sink->part ? sink->part : strcmp(sink->url, "-") ? sink->url : "pipe:1";
    int error = avformat_alloc_output_context2(&sink->output, (AVOutputFormat *)muxer, NULL, name);
    if (error < 0)
        return cgv_av_fail(error, "%s: mux", sink->url);
    sink->output->interrupt_callback = (AVIOInterruptCB){interrupted, sink};
    if (sink->live) // pictures do not wait for sound or subtitles that do not come; options may
                    // differ
        sink->output->max_interleave_delta = LIVE_INTERLEAVING;
    // Those that tee opens it watches itself, and an option says which of them may fail.
    if (muxer->flags & AVFMT_NOFILE && !av_match_name("tee", muxer->name))
        return cgv_files_watch(&sink->files, sink->output);
    return CGV_OK;
}

// Apple's players take HEVC in mp4 and mov by the name hvc1 only.
static void set_tag(AVCodecParameters *codec, const char *name, const AVOutputFormat *muxer) {
    bool mov = av_match_name("mp4", muxer->name) || av_match_name("mov", muxer->name);
    if (!name && mov && codec->codec_id == AV_CODEC_ID_HEVC)
        name = "hvc1";
    if (!name)
        return;
    char text[5];
    snprintf(text, sizeof text, "%-4s", name);
    codec->codec_tag = AV_RL32(text);
}

// Sound that is encoded anew follows.
static void measure_slip(cgv_sink *sink, const AVFrame *first) {
    AVRational base = sink->encoder.context->time_base;
    int64_t tick = av_rescale_q(first->pts, first->time_base, base);
    if (sink->from_zero)
        sink->slip = av_rescale_q(tick, base, AV_TIME_BASE_Q) -
                     av_rescale_q(first->pts, first->time_base, AV_TIME_BASE_Q);
}

static cgv_status set_up_video(cgv_sink *sink, const cgv_sink_params *params,
                               const cgv_source_info *source) {
    const AVCodecContext *context = sink->encoder.context;
    int error = avcodec_parameters_from_context(sink->video->codecpar, context);
    if (error < 0)
        return cgv_av_fail(error, "%s: mux", sink->url);
    sink->video->time_base = context->time_base;
    sink->video->sample_aspect_ratio = context->sample_aspect_ratio;
    sink->video->avg_frame_rate = context->framerate;
    set_tag(sink->video->codecpar, params->tag, sink->output->oformat);
    if (context->framerate.num && av_cmp_q(context->framerate, source->rate) == 0)
        sink->video->r_frame_rate = source->video->r_frame_rate;
    return cgv_carry_shown(sink->video, source->video, sink->output->oformat);
}

// Empty edits, by which mp4 delays a video that starts late, count in the movie's time scale: with
// the default of milliseconds the timestamps would be rounded to it. Sound must divide it as well.
static void set_movie_clock(const cgv_sink *sink, const cgv_source_info *source,
                            AVDictionary **options) {
    const AVClass *class = sink->output->oformat->priv_class;
    if (source->first->pts <= 0 || !class ||
        !av_opt_find(&class, "movie_timescale", NULL, 0, AV_OPT_SEARCH_FAKE_OBJ))
        return;
    int64_t scale = sink->encoder.context->time_base.den;
    for (unsigned i = 0; i < sink->output->nb_streams; i++) {
        int64_t rate = sink->output->streams[i]->codecpar->sample_rate;
        int64_t common = rate > 0 ? scale / av_gcd(scale, rate) * rate : scale;
        if (common <= INT32_MAX)
            scale = common;
    }
    av_dict_set_int(options, "movie_timescale", scale, 0);
}

static cgv_status write_header(cgv_sink *sink, const cgv_sink_params *params,
                               const cgv_source_info *source) {
    AVDictionary *options = NULL;
    set_movie_clock(sink, source, &options);
    if (params->options)
        av_dict_copy(&options, params->options->format, 0);
    cgv_av_clear_error();
    int error = 0;
    if (!(sink->output->oformat->flags & AVFMT_NOFILE))
        error = avio_open2(&sink->output->pb, sink->output->url, AVIO_FLAG_WRITE,
                           &sink->output->interrupt_callback, NULL);
    if (error < 0) {
        av_dict_free(&options);
        return cgv_av_fail(error, "%s: mux: cannot create", sink->url);
    }
    if (sink->single)
        av_dict_set(&options, "update", "1", 0); // the name is no pattern
    // What a stream of the input is in already is no experiment.
    sink->output->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    error = avformat_write_header(sink->output, &options);
    sink->stop = NULL; // from here on it is finished, not given up
    cgv_status status = CGV_OK;
    bool loopback = av_match_name("v4l2", sink->output->oformat->name);
    if (loopback &&
        (error == AVERROR(ENOENT) || error == AVERROR(EINVAL) || error == AVERROR(ENOTTY)))
        status = cgv_live_refused(error, sink->url, sink->encoder.context->pix_fmt);
    else if (error < 0)
        status =
            cgv_av_fail(error, "%s: mux: cannot write %s", sink->url, sink->output->oformat->name);
    else if (params->options)
        status =
            cgv_av_options_check(params->options, sink->encoder.unused, options,
                                 sink->encoder.context->codec->name, sink->output->oformat->name);
    av_dict_free(&options);
    return status;
}

static cgv_status add_streams(cgv_sink *sink, const cgv_sink_params *params,
                              const cgv_source_info *source) {
    cgv_status status =
        cgv_carry_streams(sink->output, &sink->video, sink->tracks, &params->carry, source);
    if (status)
        return status;
    sink->last_dts = malloc(sink->output->nb_streams * sizeof *sink->last_dts);
    if (!sink->last_dts)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", sink->url);
    for (unsigned i = 0; i < sink->output->nb_streams; i++)
        sink->last_dts[i] = AV_NOPTS_VALUE;
    return cgv_carry_metadata(sink->output, source);
}

cgv_status cgv_sink_open(cgv_sink **out, const cgv_sink_params *params,
                         const cgv_source_info *source) {
    *out = NULL;
    const AVOutputFormat *muxer;
    const AVCodec *codec;
    cgv_status status = cgv_sink_choose_muxer(&muxer, params);
    if (!status)
        status = cgv_sink_choose_encoder(&codec, muxer, params);
    if (status)
        return status;
    cgv_sink *sink = calloc(1, sizeof *sink);
    int streams = (int)source->input->nb_streams;
    if (!sink || !(sink->tracks = calloc((size_t)streams, sizeof *sink->tracks)) ||
        !(sink->packet = av_packet_alloc())) {
        status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
        goto fail;
    }
    sink->url = params->url;
    sink->live = params->live;
    sink->params = *params;
    sink->source = source;
    sink->fresh = true;
    sink->stop = params->stop;
    cgv_latency_init(&sink->latency);
    sink->streams = streams;
    sink->cut = source->cut;
    sink->from_zero = cgv_carry_begins_at_zero(muxer);
    sink->drop_discard = !av_match_name("mov", muxer->name) && !av_match_name("mp4", muxer->name);
    status = cgv_sink_choose_name(sink, muxer);
    if (!status && cgv_sink_segmented(sink))
        status = cgv_sink_check_segmented(sink, muxer, codec);
    if (!status)
        status = open_muxer(sink, muxer);
    if (!status)
        status = add_streams(sink, params, source);
    if (!status)
        status = cgv_encoder_open(&sink->encoder, codec, muxer, params, source);
    if (!status) {
        measure_slip(sink, source->first);
        status = set_up_video(sink, params, source);
    }
    if (!status)
        status = write_header(sink, params, source);
    if (status)
        goto fail;
    *out = sink;
    return CGV_OK;
fail:
    cgv_sink_close(&sink);
    return status;
}
