// What a source is made of: shared by source.c and source_open.c.
#ifndef CGV_VIDEO_SOURCE_INTERNAL_H
#define CGV_VIDEO_SOURCE_INTERNAL_H

#include "video/arrival.h"
#include "video/backlog.h"
#include "video/source.h"
#include "video/splice.h"
#include "video/whole.h"

struct cgv_source {
    cgv_source_params params;
    cgv_source_info info;
    AVFormatContext *input;
    AVCodecContext *decoder;
    AVStream *video;
    AVPacket *packet;
    AVFrame *first;
    cgv_ready *ready;
    cgv_item *pending; // read while looking for the first frame
    int pending_first, pending_count, pending_room;
    cgv_selection selection;
    cgv_splice splice;
    bool *wanted;          // by input stream: selected
    bool *stream_ended;    // past the end of the wanted part
    int known;             // streams when it was opened; more may turn up
    int64_t start, end;    // wanted part, microseconds on the input's clock; end INT64_MAX: all
    int64_t next_pts;      // expected timestamp of the next frame, stream time base
    bool wait_key;         // packets are of no use before a key frame
    bool far_behind;       // a live video is far past the wanted end
    bool before_start;     // a frame before the wanted part, or just on its start, was decoded
    bool demuxed, flushed; // no more packets; no more frames
    bool warned_damaged;
    bool opened; // the first frame is known
    cgv_arrivals arrivals;
    cgv_backlog backlog;
    int64_t waited; // for one packet at the most, since the last one of the video; microseconds
    atomic_int_fast64_t skipped; // frames, to catch up
    bool probing;                // libav looks for streams
    int64_t probed;              // bytes that it has read meanwhile
    AVDictionary *not_demuxers;  // the options that the demuxer does not have
    cgv_source_errors errors;
    cgv_whole whole;
};

// Open what params name, as libav does, and let it look for streams: source->input.
CGV_NODISCARD cgv_status cgv_source_open_input(cgv_source *source);
// Is libav to give up: the program stops, or a live source is lost? opaque: the source.
int cgv_source_interrupted(void *opaque);
// The decoder of source->video.
CGV_NODISCARD cgv_status cgv_source_open_decoder(cgv_source *source);

#endif
