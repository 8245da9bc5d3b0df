// The parts of live translation that need neither device nor stream: what is dropped, what is
// measured, which height is chosen, when frames are due, what options belong to which output.
#include <math.h>
#include <string.h>

#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libavutil/time.h>

#include "app/ladder.h"
#include "app/outputs.h"
#include "app/pace.h"
#include "app/progress.h"
#include "support.h"
#include "video/arrival.h"
#include "video/av.h"
#include "video/backlog.h"
#include "video/convert.h"
#include "video/encoder.h"
#include "video/latency.h"
#include "video/live.h"
#include "video/queue.h"
#include "video/richest.h"

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

// ---- ladder

typedef struct machine {
    double fixed, growing; // seconds: fixed + growing * height^2
    double load;           // what it takes longer
    unsigned noise;
    int changes, lowest, highest;
} machine;

static double take(machine *m, int height) {
    m->noise = m->noise * 1664525 + 1013904223;
    double wobble = 1 + .3 * ((double)(m->noise >> 8) / (1 << 24) - .5); // 15 % either way
    return m->load * wobble * (m->fixed + m->growing * height * height);
}

// So many frames of an interval; notes changes and the range.
static void run_ladder(cgv_ladder *ladder, machine *m, int frames, double interval) {
    m->changes = m->highest = 0;
    m->lowest = 1 << 20;
    for (int i = 0; i < frames; i++) {
        int before = ladder->height, after = cgv_ladder_next(ladder, take(m, before), interval, 0);
        CU_ASSERT_EQUAL(after, ladder->height);
        m->changes += after != before;
        m->lowest = after < m->lowest ? after : m->lowest;
        m->highest = after > m->highest ? after : m->highest;
    }
}

static void test_ladder_finds_the_height(void) {
    // 10 ms and 3e-7 s * N^2 within 70 % of 40 ms: 243 fits, and 192 is the rung below.
    machine m = {.01, 3e-7, 1, 1, 0, 0, 0};
    cgv_ladder ladder;
    cgv_ladder_begin(&ladder, 720);
    CU_ASSERT_EQUAL(ladder.height, CGV_LADDER_LEAST);
    run_ladder(&ladder, &m, 60, .04);
    CU_ASSERT_EQUAL(ladder.height, 192);
    // It stays: 256 would take 30 of 40 ms, which leaves too little.
    run_ladder(&ladder, &m, 10000, .04);
    CU_ASSERT_EQUAL(m.changes, 0);
    CU_ASSERT(cgv_ladder_expected(&ladder) > .018 && cgv_ladder_expected(&ladder) < .024);
}

static void test_ladder_takes_all_that_is_of_use(void) {
    machine m = {.002, 1e-9, 1, 2, 0, 0, 0};
    cgv_ladder ladder;
    cgv_ladder_begin(&ladder, 360);
    run_ladder(&ladder, &m, 60, .04);
    CU_ASSERT_EQUAL(ladder.height, 360);
    run_ladder(&ladder, &m, 5000, .04);
    CU_ASSERT_EQUAL(m.changes, 0);
    // A network that was trained lower than the least height is not run above that.
    cgv_ladder_begin(&ladder, 112);
    run_ladder(&ladder, &m, 5000, .04);
    CU_ASSERT_EQUAL(m.highest, 112);
}

static void test_ladder_never_goes_below_the_least(void) {
    machine m = {1, 1e-5, 1, 3, 0, 0, 0};
    cgv_ladder ladder;
    cgv_ladder_begin(&ladder, 720);
    run_ladder(&ladder, &m, 2000, .04);
    CU_ASSERT_EQUAL(m.lowest, CGV_LADDER_LEAST);
    CU_ASSERT_EQUAL(m.highest, CGV_LADDER_LEAST);
}

static void test_ladder_follows_the_load(void) {
    machine m = {.005, 5e-8, 1, 4, 0, 0, 0};
    cgv_ladder ladder;
    cgv_ladder_begin(&ladder, 720);
    run_ladder(&ladder, &m, 100, .04); // 5 ms + 25 ms at 640: too much; at 512 18 ms
    CU_ASSERT_EQUAL(ladder.height, 640);
    m.load = 3;
    run_ladder(&ladder, &m, 100, .04); // within four seconds
    int low = ladder.height;
    CU_ASSERT(low < 640 && 3 * (.005 + 5e-8 * low * low) < .04);
    run_ladder(&ladder, &m, 2000, .04);
    CU_ASSERT_EQUAL(m.changes, 0);
    m.load = 1;
    run_ladder(&ladder, &m, 25 * 300, .04); // it climbs again, a step every half minute
    CU_ASSERT(ladder.height >= 512);
    CU_ASSERT_EQUAL(m.lowest, low);
}

// A rung that looks affordable and is not: it is tried ever more rarely.
static void test_ladder_keeps_a_limit(void) {
    cgv_ladder ladder;
    cgv_ladder_begin(&ladder, 720);
    while (ladder.height == CGV_LADDER_LEAST)
        cgv_ladder_next(&ladder, .001, .04, 0);
    cgv_ladder_limit(&ladder, CGV_LADDER_LEAST); // the second height, of which nothing was measured
    for (int i = 0; i < 3600 * 25; i++)
        CU_ASSERT_EQUAL_FATAL(cgv_ladder_next(&ladder, .001, .04, 0), CGV_LADDER_LEAST);
    cgv_ladder_begin(&ladder, 720);
    while (ladder.height < 256)
        cgv_ladder_next(&ladder, .001, .04, 0);
    cgv_ladder_limit(&ladder, 256);
    for (int i = 0; i < 3600 * 25; i++)
        CU_ASSERT_EQUAL_FATAL(cgv_ladder_next(&ladder, .001, .04, 0), 256);
    for (int i = 0; i < 500 && ladder.height == 256; i++)
        cgv_ladder_next(&ladder, .1, .04, 0);
    CU_ASSERT(ladder.height < 256); // down it still goes
}

static void test_ladder_does_not_swing(void) {
    cgv_ladder ladder;
    machine low = {.020, 0, 1, 5, 0, 0, 0};
    cgv_ladder_begin(&ladder, 720);
    int changes = 0, late = 0;
    enum { HOUR = 25 * 3600 };
    for (int i = 0; i < 4 * HOUR; i++) {
        int before = ladder.height;
        double seconds = before > 320 ? .1 : take(&low, before);
        int step = cgv_ladder_next(&ladder, seconds, .04, 0) != before;
        changes += step;
        late += step && i > 2 * HOUR;
    }
    CU_ASSERT(changes > 4); // it did try
    CU_ASSERT(changes < 40);
    CU_ASSERT(late <= 8);
    CU_ASSERT_EQUAL(ladder.height, 320);
}

// ---- ladder: frames that are lost

// The share of frames that codecs lose beside a network of this height.
typedef double losses(int height);

static double codecs_starve(int height) {
    return height > 300 ? (height - 300) / 1000. : 0;
}

static double slow_coder(int height) {
    (void)height;
    return .3;
}

static double a_few(int height) {
    (void)height;
    return .02;
}

// Hours of a machine whose network takes a fifth of the time at any height.
static void run_losing(cgv_ladder *ladder, losses *share, int hours, int *changes) {
    machine m = {.008, 0, 1, 6, 0, 0, 0};
    double owed = 0;
    *changes = 0;
    for (int i = 0; i < hours * 3600 * 25; i++) {
        int before = ladder->height;
        double lose = share(before);
        owed += lose / (1 - lose);
        int lost = (int)owed;
        owed -= lost;
        *changes += cgv_ladder_next(ladder, take(&m, before), .04, lost) != before;
    }
}

static void test_ladder_relieves_codecs(void) {
    cgv_ladder ladder;
    int changes;
    cgv_ladder_begin(&ladder, 720);
    run_losing(&ladder, codecs_starve, 1, &changes);
    CU_ASSERT(ladder.height == 320 || ladder.height == 256);
    CU_ASSERT(changes >= 3 && changes < 40);
    // Ever more rarely it tries more.
    run_losing(&ladder, codecs_starve, 4, &changes);
    CU_ASSERT(ladder.height == 320 || ladder.height == 256 || ladder.height == 384);
    CU_ASSERT(changes <= 16);
}

static void test_ladder_bears_what_no_height_mends(void) {
    cgv_ladder ladder;
    int changes;
    cgv_ladder_begin(&ladder, 720);
    run_losing(&ladder, slow_coder, 1, &changes);
    CU_ASSERT_EQUAL(ladder.height, 720);
    CU_ASSERT(changes > 2 && changes < 30);
    run_losing(&ladder, slow_coder, 4, &changes);
    CU_ASSERT_EQUAL(ladder.height, 720);
    CU_ASSERT(changes <= 20);
}

static void test_ladder_stays_for_a_few(void) {
    cgv_ladder ladder;
    int changes;
    cgv_ladder_begin(&ladder, 720);
    run_losing(&ladder, a_few, 1, &changes);
    CU_ASSERT_EQUAL(ladder.height, 720);
    CU_ASSERT(changes <= 2); // to the second height measured, and to the one chosen
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

// ---- outputs

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
        {"ladder: finds the height", test_ladder_finds_the_height},
        {"ladder: takes all that is of use", test_ladder_takes_all_that_is_of_use},
        {"ladder: never below the least", test_ladder_never_goes_below_the_least},
        {"ladder: follows the load", test_ladder_follows_the_load},
        {"ladder: keeps a limit", test_ladder_keeps_a_limit},
        {"ladder: does not swing", test_ladder_does_not_swing},
        {"ladder: relieves codecs", test_ladder_relieves_codecs},
        {"ladder: bears what no height mends", test_ladder_bears_what_no_height_mends},
        {"ladder: stays for a few lost", test_ladder_stays_for_a_few},
        {"pace", test_pace},
        {"outputs: options before", test_options_before_an_output_are_its_own},
        {"outputs: options behind", test_options_behind_a_single_output_are_its_own},
        {"outputs: impossible ones", test_outputs_that_cannot_be},
        {"names", test_live_names},
        {"what comes by HTTP", test_live_by_http},
        {"several sinks: one format", test_richest_format},
        {"convert: matrix and range", test_convert_changes_matrix_and_range},
        {"encoder: of a loopback device", test_loopback_gets_what_is_taken},
        {0},
    };
    cgv_live_init();
    return cgv_test_run("live", cases);
}
