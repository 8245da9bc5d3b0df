#include "video/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavdevice/avdevice.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "video/av.h"

void cgv_live_init(void) {
    avdevice_register_all();
}

static bool is_device(const AVInputFormat *format) {
    return format->priv_class &&
           format->priv_class->category == AV_CLASS_CATEGORY_DEVICE_VIDEO_INPUT;
}

bool cgv_live_url(const char *url) {
    static const char *const schemes[] = {
        "udp:",   "udplite:", "rtp:",  "srtp:", "rtsp:", "rtsps:", "srt:", "rtmp:", "rtmps:",
        "rtmpt:", "mms:",     "mmsh:", "mmst:", "sdp:",  "rist:",  "tcp:", "unix:"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (av_strstart(url, schemes[i], NULL))
            return true;
    return false;
}

bool cgv_live_input(const AVFormatContext *input) {
    if (is_device(input->iformat) || cgv_live_url(input->url))
        return true;
    // Of what comes by HTTP, files have a length; that of a playlist says nothing.
    bool http = av_strstart(input->url, "http:", NULL) || av_strstart(input->url, "https:", NULL);
    bool endless = input->duration == AV_NOPTS_VALUE || input->duration <= 0;
    bool file = input->pb && !av_match_name(input->iformat->name, "hls,dash") &&
                (input->pb->seekable & AVIO_SEEKABLE_NORMAL || avio_size(input->pb) > 0);
    return http && endless && !file;
}

void cgv_live_input_options(AVDictionary **options, const char *url) {
    // A buffer that ran over has lost some packets; libav would end the stream for it.
    if (av_strstart(url, "udp:", NULL))
        av_dict_set(options, "overrun_nonfatal", "1", AV_DICT_DONT_OVERWRITE);
}

static int print_devices(const char *kind, const char *format, AVDeviceInfoList *list) {
    for (int i = 0; list && i < list->nb_devices; i++)
        printf("%s  %-10s %s  %s\n", kind, format, list->devices[i]->device_name,
               list->devices[i]->device_description);
    int count = list ? list->nb_devices : 0;
    avdevice_free_list_devices(&list);
    return count;
}

void cgv_live_list_devices(void) {
    int count = 0;
    for (const AVInputFormat *f = NULL; (f = av_input_video_device_next(f));) {
        AVDeviceInfoList *list = NULL;
        // lavfi lists nothing, and what cannot be asked says so by an error.
        if (avdevice_list_input_sources((AVInputFormat *)f, NULL, NULL, &list) >= 0)
            count += print_devices("source", f->name, list);
    }
    const char *screen = getenv("DISPLAY");
    if (screen && *screen && av_find_input_format("x11grab")) {
        printf("source  %-10s %s  this screen: -f x11grab -i %s\n", "x11grab", screen, screen);
        count++;
    }
    for (const AVOutputFormat *f = NULL; (f = av_output_video_device_next(f));) {
        AVDeviceInfoList *list = NULL;
        if (avdevice_list_output_sinks((AVOutputFormat *)f, NULL, NULL, &list) >= 0)
            count += print_devices("sink", f->name, list);
    }
    if (!count)
        puts("no camera, screen or loopback device found");
}

const char *cgv_live_output(const char **format, const char *url) {
    const char *device = url;
    bool named = av_strstart(url, "v4l2:", &device);
    if (named || (!*format && av_strstart(url, "/dev/video", NULL)))
        *format = "v4l2";
    return device;
}

const AVOutputFormat *cgv_live_muxer(const char *url) {
    static const struct {
        const char *scheme, *muxer;
    } muxers[] = {{"udp:", "mpegts"},     {"srt:", "mpegts"}, {"tcp:", "mpegts"},
                  {"rtp:", "rtp_mpegts"}, {"rtmp", "flv"},    {"rtsp:", "rtsp"}};
    for (size_t i = 0; i < sizeof muxers / sizeof *muxers; i++)
        if (av_strstart(url, muxers[i].scheme, NULL))
            return av_guess_format(muxers[i].muxer, NULL, NULL);
    return NULL;
}

cgv_status cgv_live_refused(int error, const char *device, enum AVPixelFormat pictures) {
    if (error != AVERROR(ENOENT))
        return cgv_av_fail(error,
                           "%s: mux: it is no loopback device, or takes no pictures in %s (see "
                           "-list_devices; -pix_fmt yuv420p and yuyv422 are taken by most)",
                           device, av_get_pix_fmt_name(pictures));
    const char *number = device + strcspn(device, "0123456789");
    return cgv_fail(CGV_ERROR_IO,
                    "%s: no such device: load the loopback driver: modprobe v4l2loopback "
                    "video_nr=%s exclusive_caps=1",
                    device, *number ? number : "10");
}
