#include "video/whole.h"

#include <inttypes.h>

#include <libavutil/avstring.h>

#include "base/log.h"

void cgv_whole_note(cgv_whole *whole, const AVPacket *packet, const AVStream *stream) {
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (time != AV_NOPTS_VALUE)
        whole->reached = FFMAX(whole->reached, av_rescale_q(time + packet->duration,
                                                            stream->time_base, AV_TIME_BASE_Q));
}

// By its length, where that stands in the head of the file and all of its streams are read. It
// counts from time 0, also where nothing comes for a while.
static bool ends_early(const cgv_whole *whole, const AVFormatContext *input) {
    int64_t length = input->duration;
    bool told = av_match_name("matroska", input->iformat->name) && length != AV_NOPTS_VALUE;
    for (unsigned i = 0; i < input->nb_streams && told; i++)
        told = input->streams[i]->discard < AVDISCARD_ALL;
    return told && whole->reached + 2 * (int64_t)AV_TIME_BASE < length &&
           whole->reached < length / 20 * 19;
}

int64_t cgv_whole_missing(const cgv_whole *whole, const AVFormatContext *input,
                          const AVStream *video, int64_t read) {
    // Other indices list key frames only, or more than is handed out.
    bool index = av_match_name("mov", input->iformat->name);
    int64_t missing = index ? avformat_index_get_entries_count(video) - read : 0;
    if (missing > 0) {
        cgv_log(CGV_LOG_WARNING,
                "%s: it breaks off: %" PRId64 " of its %" PRId64 " pictures are missing",
                whole->url, missing, missing + read);
        return missing;
    }
    if (ends_early(whole, input))
        cgv_log(CGV_LOG_WARNING, "%s: it breaks off after %.1f of %.1f seconds", whole->url,
                (double)whole->reached / AV_TIME_BASE, (double)input->duration / AV_TIME_BASE);
    return 0;
}
