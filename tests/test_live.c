// The parts of live translation that need neither device nor stream: what is live, what is dropped,
// what is measured, when frames are due.
#include <math.h>
#include <string.h>

#include <libavutil/mem.h>
#include <libavutil/time.h>

#include "app/pace.h"
#include "app/progress.h"
#include "support.h"
#include "video/arrival.h"
#include "video/av.h"
#include "video/backlog.h"
#include "video/latency.h"
#include "video/live.h"
#include "video/queue.h"

static cgv_item frame_item(int64_t pts) {
    AVFrame *frame = av_frame_alloc();
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    frame->pts = pts;
    frame->time_base = (AVRational){1, 1000};
    return (cgv_item){.kind = CGV_ITEM_FRAME, .frame = frame, .repeat = 1};
}

static cgv_item packet_item(int64_t pts) {
    AVPacket *packet = av_packet_alloc();
    CU_ASSERT_PTR_NOT_NULL_FATAL(packet);
    packet->pts = packet->dts = pts;
    packet->time_base = (AVRational){1, 1000};
    return (cgv_item){.kind = CGV_ITEM_PACKET, .packet = packet};
}

// ---- queue

static void test_latest_frame_wins(void) {
    cgv_queue *queue;
    CU_ASSERT_EQUAL_FATAL(cgv_queue_create(&queue, 2, 3), CGV_OK);
    // Frames 0 3 6 9, packets between them: 0 is replaced by 6 and 3 by 9, and packets 1 to 4 by
    // those after them. More often than the ring is long.
    for (int round = 0; round < 5; round++) {
        int drops = 0;
        for (int i = 0; i < 11; i++) {
            bool dropped = true;
            cgv_item item = i % 3 ? packet_item(i) : frame_item(i);
            CU_ASSERT_EQUAL(cgv_queue_push_latest(queue, item, &dropped), CGV_OK);
            drops += dropped;
        }
        CU_ASSERT_EQUAL(drops, 2 + 4);
        CU_ASSERT_EQUAL(cgv_queue_push(queue, (cgv_item){.kind = CGV_ITEM_END}), CGV_OK);
        static const int left[] = {6, 7, 8, 9, 10};
        for (int i = 0; i < 5; i++) {
            cgv_item item;
            CU_ASSERT_EQUAL_FATAL(cgv_queue_pop(queue, &item), CGV_OK);
            CU_ASSERT_EQUAL(item.kind, left[i] % 3 ? CGV_ITEM_PACKET : CGV_ITEM_FRAME);
            CU_ASSERT_EQUAL(item.frame ? item.frame->pts : item.packet->pts, left[i]);
            cgv_item_free(&item);
        }
        cgv_item end;
        CU_ASSERT_EQUAL(cgv_queue_pop(queue, &end), CGV_OK);
        CU_ASSERT_EQUAL(end.kind, CGV_ITEM_END);
    }
    cgv_queue_abort(queue);
    bool dropped = true;
    CU_ASSERT_EQUAL(cgv_queue_push_latest(queue, frame_item(0), &dropped), CGV_ERROR_INTERRUPTED);
    CU_ASSERT_FALSE(dropped);
    cgv_queue_destroy(&queue);
}

static void test_clone(void) {
    cgv_item item = frame_item(5), copy;
    item.repeat = 3;
    item.before = av_frame_alloc();
    item.frame->width = item.frame->height = 16;
    item.frame->format = AV_PIX_FMT_GRAY8;
    CU_ASSERT_EQUAL_FATAL(av_frame_get_buffer(item.frame, 0), 0);
    CU_ASSERT_EQUAL_FATAL(av_frame_ref(item.before, item.frame), 0);
    CU_ASSERT_EQUAL_FATAL(cgv_item_clone(&copy, &item), CGV_OK);
    CU_ASSERT_PTR_EQUAL(copy.frame->data[0], item.frame->data[0]);
    CU_ASSERT_PTR_EQUAL(copy.before->data[0], item.frame->data[0]);
    CU_ASSERT_EQUAL(copy.repeat, 3);
    cgv_item_free(&item);
    CU_ASSERT_EQUAL(copy.frame->pts, 5);
    cgv_item_free(&copy);
}

// ---- arrivals

static void test_arrivals(void) {
    static cgv_arrivals arrivals = {.url = "camera", .live = true, .patience = 2500000};
    CU_ASSERT_EQUAL(cgv_arrivals_find(&arrivals, 1), 0);
    int64_t begin = av_gettime_relative();
    for (int i = 0; i < 2 * CGV_ARRIVALS; i++) {
        cgv_arrivals_note(&arrivals, true, i);
        cgv_arrivals_note(&arrivals, false, -1);
    }
    // Those that the ring still holds have their own time, others the last one's.
    int64_t last = cgv_arrivals_find(&arrivals, 2 * CGV_ARRIVALS - 1);
    int64_t middle = cgv_arrivals_find(&arrivals, CGV_ARRIVALS + 5);
    CU_ASSERT(begin <= middle && middle <= last && last <= av_gettime_relative());
    arrivals.ring[5].time = 77;
    CU_ASSERT_EQUAL(cgv_arrivals_find(&arrivals, CGV_ARRIVALS + 5), 77);
    CU_ASSERT_EQUAL(cgv_arrivals_find(&arrivals, 5), last);

    // Silence counts while somebody reads.
    CU_ASSERT_FALSE(cgv_arrivals_watch(&arrivals));
    cgv_arrivals_begin_read(&arrivals);
    CU_ASSERT_FALSE(cgv_arrivals_watch(&arrivals));
    atomic_fetch_sub(&arrivals.reading_since, 2100000);
    CU_ASSERT_FALSE(cgv_arrivals_watch(&arrivals));
    CU_ASSERT(atomic_load(&arrivals.said_silent));
    arrivals.live = false;
    atomic_fetch_sub(&arrivals.reading_since, 500000);
    CU_ASSERT_FALSE(cgv_arrivals_watch(&arrivals)); // a file may take its time
    arrivals.live = true;
    CU_ASSERT(cgv_arrivals_watch(&arrivals));
    CU_ASSERT(cgv_arrivals_lost(&arrivals));
    cgv_arrivals_end_read(&arrivals);
    CU_ASSERT(cgv_arrivals_watch(&arrivals)); // for good

    // Who has less patience hears of it at once.
    static cgv_arrivals hasty = {.url = "hasty", .live = true, .patience = 500000};
    cgv_arrivals_begin_read(&hasty);
    atomic_fetch_sub(&hasty.reading_since, 400000);
    CU_ASSERT_FALSE(cgv_arrivals_watch(&hasty));
    atomic_fetch_sub(&hasty.reading_since, 100000);
    CU_ASSERT(cgv_arrivals_watch(&hasty));
}

// ---- latency

static void test_latency(void) {
    cgv_latency latency;
    cgv_latency_init(&latency);
    CU_ASSERT_EQUAL(cgv_latency_quantile(&latency, .5), 0);
    cgv_latency_add(&latency, 7);
    CU_ASSERT_EQUAL(cgv_latency_quantile(&latency, .95), 7);
    for (int i = 1; i <= CGV_LATENCIES; i++) // the 7 leaves the ring
        cgv_latency_add(&latency, i * 1000);
    CU_ASSERT_EQUAL(cgv_latency_quantile(&latency, 0), 1000);
    CU_ASSERT_EQUAL(cgv_latency_quantile(&latency, .5), 256000);
    CU_ASSERT_EQUAL(cgv_latency_quantile(&latency, .95), 487000);
    CU_ASSERT_EQUAL(cgv_latency_quantile(&latency, 1), 512000);
    cgv_latency_add(&latency, INT64_MAX);
    CU_ASSERT_EQUAL(cgv_latency_quantile(&latency, 1), INT32_MAX);
    cgv_latency_destroy(&latency);
}

// ---- progress

static void test_progress_of_those_that_go_on(void) {
    cgv_progress progress;
    CU_ASSERT_EQUAL_FATAL(cgv_progress_open(&progress, NULL, 0), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(avio_open_dyn_buf(&progress.report), 0);
    cgv_progress_numbers n = {.live = true, .sink = {.frames = 100, .time = 4000000}};
    progress.rates_at -= 4000000;
    cgv_progress_update(&progress, n, true);
    CU_ASSERT(fabs(progress.out_rate - 25) < 1);
    // The one that was ahead is gone: no rate is below nothing, and nothing goes back.
    n.pipeline.failed = 1;
    n.sink.frames = 20;
    n.sink.time = 800000;
    progress.rates_at -= 4000000;
    cgv_progress_update(&progress, n, true);
    CU_ASSERT(fabs(progress.out_rate - 25) < 1);
    n.sink.frames = 60;
    n.sink.time = 2400000;
    progress.rates_at -= 4000000;
    cgv_progress_update(&progress, n, true);
    CU_ASSERT(fabs(progress.out_rate - 10) < 1);
    n.sink.frames = 110;
    n.sink.time = 4400000;
    cgv_progress_update(&progress, n, true);
    uint8_t *text;
    int size = avio_close_dyn_buf(progress.report, &text);
    progress.report = NULL;
    static const char *const wanted[] = {
        "frame=100\n", "out_time_us=4000000\n", "frame=100\n", "out_time_us=4000000\n",
        "frame=100\n", "out_time_us=4000000\n", "frame=110\n", "out_time_us=4400000\n",
    };
    char *report = av_strndup((const char *)text, (size_t)size);
    const char *rest = report;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && rest; i++) {
        rest = strstr(rest, i % 2 ? "out_time_us=" : "frame=");
        CU_ASSERT(rest && !strncmp(rest, wanted[i], strlen(wanted[i])));
        rest = rest ? rest + 1 : NULL;
    }
    av_free(report);
    av_free(text);
    cgv_progress_close(&progress);
}

// ---- pace

static void test_pace(void) {
    atomic_bool stop = false;
    cgv_pace pace = {0};
    int64_t begin = av_gettime_relative();
    cgv_item early = packet_item(900), first = frame_item(0), second = frame_item(120);
    cgv_pace_wait(&pace, &early, &stop); // sound that lies before the first frame
    cgv_pace_wait(&pace, &first, &stop);
    CU_ASSERT(av_gettime_relative() - begin < 500000);
    cgv_pace_wait(&pace, &early, &stop); // less than a second ahead
    CU_ASSERT(av_gettime_relative() - begin < 500000);
    cgv_pace_wait(&pace, &second, &stop);
    int64_t took = av_gettime_relative() - begin;
    CU_ASSERT(took >= 119000);
    // Captured when it was due, whenever it came out.
    int64_t apart = cgv_av_frame_captured(second.frame) - cgv_av_frame_captured(first.frame);
    CU_ASSERT_EQUAL(apart, 120000);
    // Much later, as after a stop: the clock begins anew.
    cgv_item late = frame_item(-5000), next = frame_item(-4990);
    begin = av_gettime_relative();
    cgv_pace_wait(&pace, &late, &stop);
    cgv_pace_wait(&pace, &next, &stop);
    took = av_gettime_relative() - begin;
    CU_ASSERT(took >= 9000 && took < 1000000);
    CU_ASSERT(cgv_av_frame_captured(late.frame) >= begin);
    // Somebody stops the wait.
    stop = true;
    cgv_item never = frame_item(1000000);
    cgv_pace_wait(&pace, &never, &stop);
    CU_ASSERT(av_gettime_relative() - begin < 2000000);
    cgv_item *all[] = {&early, &first, &second, &late, &next, &never};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cgv_item_free(all[i]);
}

// ---- names of live inputs and outputs

static void test_live_names(void) {
    static const char *const live[] = {"udp://127.0.0.1:5000", "srt://a:1",  "rtsp://cam/1",
                                       "rtp://1.2.3.4:5004",   "rtmp://a/b", "tcp://a:1?listen"};
    static const char *const still[] = {"udp.mp4", "/dev/video0", "http://a/b.mp4", "-", "srt"};
    for (size_t i = 0; i < sizeof live / sizeof *live; i++)
        CU_ASSERT(cgv_live_url(live[i]));
    for (size_t i = 0; i < sizeof still / sizeof *still; i++)
        CU_ASSERT_FALSE(cgv_live_url(still[i]));

    const char *format = NULL;
    CU_ASSERT_STRING_EQUAL(cgv_live_output(&format, "v4l2:/dev/video10"), "/dev/video10");
    CU_ASSERT_STRING_EQUAL(format, "v4l2");
    format = NULL;
    CU_ASSERT_STRING_EQUAL(cgv_live_output(&format, "/dev/video3"), "/dev/video3");
    CU_ASSERT_STRING_EQUAL(format, "v4l2");
    format = NULL;
    CU_ASSERT_STRING_EQUAL(cgv_live_output(&format, "out.mp4"), "out.mp4");
    CU_ASSERT_PTR_NULL(format);

    CU_ASSERT_STRING_EQUAL(cgv_live_muxer("udp://a:1")->name, "mpegts");
    CU_ASSERT_STRING_EQUAL(cgv_live_muxer("rtmp://a/b")->name, "flv");
    CU_ASSERT_PTR_NULL(cgv_live_muxer("out.mp4"));
}

static int64_t tell_size(void *opaque, int64_t offset, int whence) {
    (void)offset;
    return whence == AVSEEK_SIZE ? *(const int64_t *)opaque : AVERROR(ENOSYS);
}

// A server that cannot seek: `size` is what it says the length is.
static bool live_by_http(const char *url, const char *format, int64_t size, int64_t duration) {
    AVFormatContext *input = avformat_alloc_context();
    CU_ASSERT_PTR_NOT_NULL_FATAL(input);
    input->iformat = av_find_input_format(format);
    CU_ASSERT_PTR_NOT_NULL_FATAL(input->iformat);
    input->url = av_strdup(url);
    input->duration = duration;
    input->pb = avio_alloc_context(av_malloc(64), 64, 0, &size, NULL, NULL, tell_size);
    input->pb->seekable = 0;
    bool live = cgv_live_input(input);
    av_freep(&input->pb->buffer);
    avio_context_free(&input->pb);
    avformat_free_context(input);
    return live;
}

static void test_live_by_http(void) {
    int64_t unknown = AV_NOPTS_VALUE;
    CU_ASSERT(live_by_http("http://a/tv", "mpegts", AVERROR(ENOSYS), unknown));
    CU_ASSERT_FALSE(live_by_http("http://a/b.ts", "mpegts", 1000000, unknown));
    CU_ASSERT_FALSE(live_by_http("b.ts", "mpegts", AVERROR(ENOSYS), unknown));
    CU_ASSERT_FALSE(live_by_http("https://a/b", "mpegts", AVERROR(ENOSYS), 5000000));
    if (!av_find_input_format("hls"))
        return; // needs nothing of others, but may be left out of FFmpeg
    CU_ASSERT(live_by_http("https://a/tv.m3u8", "hls", 500, unknown));
    CU_ASSERT_FALSE(live_by_http("https://a/film.m3u8", "hls", 500, 5000000));
}

// ---- packets that wait for a decoder ----

// Pictures of 25 a second, `cost` microseconds of decoding each, read one by one as they come or
// later; *behind: the most that one was read late. Returns how many were skipped.
static int decode_clip(int seconds, int64_t cost, int64_t drift, int64_t *behind) {
    const int64_t interval = 40000;
    cgv_backlog backlog = {0};
    int skipped = 0;
    *behind = 0;
    int64_t now = 77777;
    const int64_t begin = now;
    for (int i = 0; i < 25 * seconds; i++) {
        int64_t arrives = begin + i * interval + i * drift,
                waited = arrives > now ? arrives - now : 0;
        now += waited;
        *behind = now - arrives > *behind ? now - arrives : *behind;
        if (cgv_backlog_note(&backlog, now, 5000000 + i * interval, waited))
            skipped++;
        else
            now += cost;
    }
    return skipped;
}

static void test_backlog(void) {
    int64_t behind;
    CU_ASSERT_EQUAL(decode_clip(600, 39000, 0, &behind), 0); // just fast enough
    CU_ASSERT(behind < 1000);
    // Clocks that drift apart by a thousandth.
    CU_ASSERT_EQUAL(decode_clip(7200, 30000, 40, &behind), 0);
    CU_ASSERT_EQUAL(decode_clip(7200, 30000, -40, &behind), 0);
    int skipped = decode_clip(600, 60000, 0, &behind); // decodes two of three
    CU_ASSERT(skipped > 4500 && skipped < 5500);
    CU_ASSERT(behind > 900000 && behind < 1100000);
    // One long pause is made up for by decoding itself, or by leaving out; a jump of stamps is
    // none.
    cgv_backlog backlog = {0};
    CU_ASSERT_FALSE(cgv_backlog_note(&backlog, 0, 0, 40000));
    CU_ASSERT_FALSE(cgv_backlog_note(&backlog, 800000, 40000, 0));
    CU_ASSERT_TRUE(cgv_backlog_note(&backlog, 1200000, 80000, 0));
    CU_ASSERT_TRUE(cgv_backlog_note(&backlog, 1200100, 1000000, 0));
    CU_ASSERT_FALSE(cgv_backlog_note(&backlog, 1200200, 1120000, 0));
    CU_ASSERT_FALSE(cgv_backlog_note(&backlog, 1240000, -3600000000, 0));
    CU_ASSERT_FALSE(cgv_backlog_note(&backlog, 1280000, -3600000000 + 40000, 40000));
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"queue: the latest frame wins", test_latest_frame_wins},
        {"queue: clone", test_clone},
        {"arrivals", test_arrivals},
        {"packets that wait for a decoder", test_backlog},
        {"latency", test_latency},
        {"progress: of those that go on", test_progress_of_those_that_go_on},
        {"pace", test_pace},
        {"names", test_live_names},
        {"what comes by HTTP", test_live_by_http},
        {0},
    };
    cgv_live_init();
    return cgv_test_run("live", cases);
}
