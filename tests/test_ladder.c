// The height that -quality auto chooses, for machines that are a formula.
#include "app/ladder.h"
#include "support.h"

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

// ---- frames that are lost

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

int main(void) {
    static const cgv_test_case cases[] = {
        {"finds the height", test_ladder_finds_the_height},
        {"takes all that is of use", test_ladder_takes_all_that_is_of_use},
        {"never below the least", test_ladder_never_goes_below_the_least},
        {"follows the load", test_ladder_follows_the_load},
        {"keeps a limit", test_ladder_keeps_a_limit},
        {"does not swing", test_ladder_does_not_swing},
        {"relieves codecs", test_ladder_relieves_codecs},
        {"bears what no height mends", test_ladder_bears_what_no_height_mends},
        {"stays for a few lost", test_ladder_stays_for_a_few},
        {0},
    };
    return cgv_test_run("ladder", cases);
}
