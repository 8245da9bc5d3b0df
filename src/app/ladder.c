#include "app/ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Shares of the interval: what a new height may take, what is too much, and what leaves so much
// room that a higher one is tried. Decoder and encoder need the rest.
static const double aim = 0.7, too_much = 0.95, roomy = 0.6;

// The share of frames that may be lost without a step down, and what must at least be left of it
// after some steps down for the network not to be the cause.
static const double few_lost = 0.05, still_lost = 0.75;

enum {
    WARMING = 2,  // pictures after a change, in which kernels are made
    PROBE = 8,    // pictures of a probe
    LEAST = 3,    // of a decision
    HASTE = 2,    // seconds after which fewer pictures than a window decide
    TRIES = 2,    // steps down that must have been of use
    PATIENCE = 30 // seconds before the first step up
};
static const double most_patience = 3600;

void cgv_ladder_begin(cgv_ladder *ladder, int most) {
    *ladder = (cgv_ladder){.most = most, .warming = WARMING, .patience = PATIENCE};
    ladder->height = most < CGV_LADDER_LEAST ? most : CGV_LADDER_LEAST;
}

static int rung_above(const cgv_ladder *ladder, int height) {
    static const int rungs[] = {144, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1080, 1440, 2160};
    for (size_t i = 0; i < sizeof rungs / sizeof *rungs; i++)
        if (rungs[i] > height)
            return rungs[i] < ladder->most ? rungs[i] : ladder->most;
    return ladder->most;
}

static int rung_below(const cgv_ladder *ladder, int height) {
    int below = CGV_LADDER_LEAST;
    for (int next = below; next < height; next = rung_above(ladder, next))
        below = next;
    return below;
}

static double predicted(const cgv_ladder *ladder, int height) {
    return ladder->fixed + ladder->growing * height * height;
}

// The highest rung up to `limit` that takes no more than `seconds`, or the lowest.
static int highest(const cgv_ladder *ladder, double seconds, int limit) {
    int best = limit < CGV_LADDER_LEAST ? limit : CGV_LADDER_LEAST;
    for (int next = rung_above(ladder, best); next > best && next <= limit;
         next = rung_above(ladder, best)) {
        if (predicted(ladder, next) > seconds)
            break;
        best = next;
    }
    return best;
}

static void move(cgv_ladder *ladder, int height) {
    ladder->height = height;
    ladder->warming = WARMING;
    ladder->count = ladder->lost = 0;
    ladder->spent = ladder->since = 0;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const cgv_ladder *ladder) {
    double sorted[CGV_LADDER_WINDOW];
    memcpy(sorted, ladder->window, (size_t)ladder->count * sizeof *sorted);
    qsort(sorted, (size_t)ladder->count, sizeof *sorted, compare);
    return sorted[ladder->count / 2];
}

static void probed_first(cgv_ladder *ladder, double time, double interval) {
    int next = rung_above(ladder, ladder->height);
    ladder->first = time;
    ladder->fixed = time;
    // Where there is nothing above, or no time for it, the lowest height remains.
    if (next == ladder->height || time > aim * interval) {
        ladder->phase = CGV_LADDER_STEADY;
        return;
    }
    ladder->phase = CGV_LADDER_SECOND;
    move(ladder, next);
}

static void probed_second(cgv_ladder *ladder, double time, double interval) {
    double h0 = CGV_LADDER_LEAST, h1 = ladder->height;
    ladder->growing = fmax((time - ladder->first) / (h1 * h1 - h0 * h0), 0);
    ladder->fixed = fmax(ladder->first - ladder->growing * h0 * h0, 0);
    ladder->phase = CGV_LADDER_STEADY;
    move(ladder, highest(ladder, aim * interval, ladder->most));
}

// What was predicted for this height is now known better: by the load of the machine as well.
static void correct(cgv_ladder *ladder, double time) {
    double expected = predicted(ladder, ladder->height);
    if (expected > 0) {
        ladder->fixed *= time / expected;
        ladder->growing *= time / expected;
    }
}

static void lose_patience(cgv_ladder *ladder) {
    ladder->patience = fmin(2 * ladder->patience, most_patience);
    ladder->climbed = false;
}

// Frames are lost though the network keeps up: it takes from decoder and encoder what they need, or
// it has nothing to do with it, as where a coder is slow or frames come in heaps. Whether lower
// steps are of use tells. Returns whether there was a step.
static bool relieve(cgv_ladder *ladder) {
    double share = (double)ladder->lost / (ladder->lost + ladder->count);
    bool lowest = ladder->height <= CGV_LADDER_LEAST;
    if (share <= few_lost) {
        ladder->steps = 0;
        return false;
    }
    if (ladder->steps && (ladder->steps >= TRIES || lowest) &&
        share > still_lost * ladder->first_share) {
        ladder->steps = 0;
        ladder->excused = ladder->patience;
        move(ladder, ladder->from);
        return true;
    }
    if (lowest)
        return false;
    if (!ladder->steps++) {
        ladder->from = ladder->height;
        ladder->first_share = share;
        lose_patience(ladder);
    }
    move(ladder, rung_below(ladder, ladder->height));
    return true;
}

static void decide(cgv_ladder *ladder, double time, double interval) {
    correct(ladder, time);
    int next = rung_above(ladder, ladder->height);
    if (time > too_much * interval && ladder->height > CGV_LADDER_LEAST) {
        if (ladder->climbed)
            lose_patience(ladder);
        ladder->steps = 0;
        move(ladder, highest(ladder, aim * interval, ladder->height - 1));
    } else if (ladder->excused <= 0 && relieve(ladder)) {
        return;
    } else if (next > ladder->height && ladder->since > ladder->patience &&
               predicted(ladder, next) < roomy * interval) {
        ladder->climbed = true;
        move(ladder, next);
    } else {
        ladder->climbed &= ladder->since < ladder->patience;
        ladder->count = ladder->lost = 0;
        ladder->spent = 0;
    }
}

int cgv_ladder_next(cgv_ladder *ladder, double seconds, double interval, int lost) {
    ladder->since += fmax(seconds, interval);
    ladder->excused -= fmax(seconds, interval);
    if (ladder->warming) {
        ladder->warming--;
        return ladder->height;
    }
    ladder->window[ladder->count++] = seconds;
    ladder->lost += lost;
    ladder->spent += fmax(seconds, interval);
    int enough = ladder->phase == CGV_LADDER_STEADY ? CGV_LADDER_WINDOW : PROBE;
    if (ladder->count < enough && (ladder->count < LEAST || ladder->spent < HASTE))
        return ladder->height;
    double time = median(ladder);
    if (ladder->phase == CGV_LADDER_FIRST)
        probed_first(ladder, time, interval);
    else if (ladder->phase == CGV_LADDER_SECOND)
        probed_second(ladder, time, interval);
    else
        decide(ladder, time, interval);
    return ladder->height;
}

void cgv_ladder_limit(cgv_ladder *ladder, int most) {
    ladder->most = most;
    ladder->phase = CGV_LADDER_STEADY;
    ladder->climbed = false;
    move(ladder, most);
}

double cgv_ladder_expected(const cgv_ladder *ladder) {
    return predicted(ladder, ladder->height);
}
