// Opening an input and its decoder by libav.
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "video/av.h"
#include "video/hwaccel.h"
#include "video/live.h"
#include "video/source_internal.h"

bool cgv_source_watch(cgv_source *source) {
    return cgv_arrivals_watch(&source->arrivals);
}

// While libav looks for streams, in one call that reads many packets: each byte ends the silence.
// Demuxers without a byte stream (RTSP, devices) are not watched meanwhile.
static void watch_probing(cgv_source *source) {
    int64_t bytes = source->input->pb->bytes_read;
    if (bytes != source->probed)
        cgv_arrivals_begin_read(&source->arrivals);
    source->probed = bytes;
}

int cgv_source_interrupted(void *opaque) {
    cgv_source *source = opaque;
    if (source->probing)
        watch_probing(source);
    return (source->params.stop && atomic_load(source->params.stop)) || cgv_source_watch(source);
}

cgv_status cgv_source_open_input(cgv_source *source) {
    const cgv_source_params *params = &source->params;
    const char *url = strcmp(params->url, "-") ? params->url : "pipe:0";
    const AVInputFormat *format = NULL;
    if (params->format && !(format = av_find_input_format(params->format)))
        return cgv_fail(CGV_ERROR_ARGUMENT, "%s: no such input format: -f %s", params->url,
                        params->format);
    source->input = avformat_alloc_context();
    if (!source->input)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
    source->input->interrupt_callback = (AVIOInterruptCB){cgv_source_interrupted, source};
    AVDictionary *options = NULL; // those that are not taken remain in it
    av_dict_copy(&options, params->options, 0);
    cgv_live_input_options(&options, url);
    if (params->rate)
        av_dict_set(&options, "framerate", params->rate, 0);
    cgv_av_clear_error();
    source->arrivals.live = params->live || cgv_live_url(url);
    cgv_arrivals_begin_read(&source->arrivals);
    int error = avformat_open_input(&source->input, url, format, &options);
    cgv_arrivals_end_read(&source->arrivals);
    bool unused = params->rate && av_dict_get(options, "framerate", NULL, 0);
    av_dict_free(&source->not_demuxers);
    source->not_demuxers = options;
    if (error < 0)
        return cgv_arrivals_lost(&source->arrivals)
                   ? CGV_ERROR_IO
                   : cgv_av_fail(error, "%s: cannot open", params->url);
    if (unused)
        return cgv_fail(CGV_ERROR_ARGUMENT,
                        "%s: -r before -i is for picture sequences and raw video; put it after -i "
                        "for the output's rate",
                        params->url);
    source->arrivals.live |= cgv_live_input(source->input);
    // Frames that are looked at to learn the rate are late by then.
    enum { RATE_FRAMES = 5 };
    if (source->arrivals.live && source->input->fps_probe_size < 0)
        source->input->fps_probe_size = RATE_FRAMES;
    source->probing = source->input->pb;
    error = avformat_find_stream_info(source->input, NULL);
    source->probing = false;
    cgv_arrivals_end_read(&source->arrivals);
    if (error < 0)
        return cgv_arrivals_lost(&source->arrivals)
                   ? CGV_ERROR_IO
                   : cgv_av_fail(error, "%s: cannot read its streams", params->url);
    return CGV_OK;
}

// FFmpeg's own decoders of VP8 and VP9 know nothing of transparency, which lies beside the packets.
static const AVCodec *find_decoder(const cgv_source *source) {
    enum AVCodecID id = source->video->codecpar->codec_id;
    const AVDictionaryEntry *alpha = av_dict_get(source->video->metadata, "alpha_mode", NULL, 0);
    const char *name = id == AV_CODEC_ID_VP8   ? "libvpx"
                       : id == AV_CODEC_ID_VP9 ? "libvpx-vp9"
                                               : NULL;
    if (!name || !alpha || !atoi(alpha->value))
        return avcodec_find_decoder(id);
    const AVCodec *knowing = avcodec_find_decoder_by_name(name);
    if (knowing)
        return knowing;
    cgv_log(CGV_LOG_WARNING, "%s: decode: this FFmpeg has no %s: transparency is lost",
            source->params.url, name);
    return avcodec_find_decoder(id);
}

cgv_status cgv_source_open_decoder(cgv_source *source) {
    const AVCodecParameters *parameters = source->video->codecpar;
    const AVCodec *codec = find_decoder(source);
    AVCodecContext *decoder = source->decoder = avcodec_alloc_context3(codec);
    if (!decoder)
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", source->params.url);
    cgv_av_clear_error();
    int error = avcodec_parameters_to_context(decoder, parameters);
    decoder->pkt_timebase = source->video->time_base;
    decoder->framerate = av_guess_frame_rate(source->input, source->video, NULL);
    decoder->thread_count = source->params.threads;
    // Threads that take a frame each hold back as many frames.
    decoder->thread_type =
        source->arrivals.live ? FF_THREAD_SLICE : FF_THREAD_FRAME | FF_THREAD_SLICE;
    cgv_status status = cgv_hwaccel_attach(decoder, source->params.hwaccel);
    if (status)
        return status;
    AVDictionary *options = NULL;
    av_dict_copy(&options, source->params.options, 0);
    if (error >= 0)
        error = avcodec_open2(decoder, codec, &options);
    if (error < 0)
        status = cgv_av_fail(error, "%s: decode: cannot open %s", source->params.url, codec->name);
    const AVDictionaryEntry *left = NULL;
    while (!status && (left = av_dict_get(options, "", left, AV_DICT_IGNORE_SUFFIX)))
        if (av_dict_get(source->not_demuxers, left->key, NULL, 0))
            status =
                cgv_fail(CGV_ERROR_ARGUMENT,
                         "%s: neither the demuxer %s nor the decoder %s has an option -%s",
                         source->params.url, source->input->iformat->name, codec->name, left->key);
    av_dict_free(&options);
    return status;
}
