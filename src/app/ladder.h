// -quality auto: the height at which the network keeps up with a live source, from measured times.
// It begins low, measures two heights, takes the largest that leaves some room, and then moves
// rarely: down when pictures take longer than they may or when frames are lost all the same, up
// when there is much room, and each time that a step up had to be taken back, or frames were lost,
// it waits twice as long for the next one.
#ifndef CGV_APP_LADDER_H
#define CGV_APP_LADDER_H

#include <stdbool.h>

enum {
    CGV_LADDER_LEAST = 144, // below it pictures are not worth looking at
    CGV_LADDER_WINDOW = 50, // pictures that one decision looks at, at most
};

typedef struct cgv_ladder {
    int height, most; // now; the one above which nothing is gained
    enum { CGV_LADDER_FIRST, CGV_LADDER_SECOND, CGV_LADDER_STEADY } phase;
    double fixed, growing; // seconds of a picture: fixed + growing * height^2
    double first;          // of the first height measured
    double window[CGV_LADDER_WINDOW], spent;
    int count, warming; // in the window; pictures that do not count yet
    int lost;           // frames, in the window
    double since;       // seconds of video since the last step
    double patience;    // of them before a step up
    bool climbed;       // the last step led up, and has not proved itself yet
    // Steps down for frames that are lost: how many, whence, and the share that was lost there.
    int steps, from;
    double first_share;
    double excused; // seconds for which they are taken for no matter of the height
} cgv_ladder;

// `most`: the height above which nothing is gained.
void cgv_ladder_begin(cgv_ladder *ladder, int most);

// One picture at ladder->height took `seconds`, of the `interval` that there is for it, and since
// the one before so many frames were lost as some stage had no time for them. Returns the height
// from now on, which is ladder->height as well.
int cgv_ladder_next(cgv_ladder *ladder, double seconds, double interval, int lost);

// ladder->height is impossible: from now on it is `most` or less.
void cgv_ladder_limit(cgv_ladder *ladder, int most);

// The seconds that a picture is expected to take at ladder->height.
double cgv_ladder_expected(const cgv_ladder *ladder);

#endif
