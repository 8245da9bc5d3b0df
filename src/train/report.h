// A run's index.html: curves, sample grids, settings. One file without outside resources besides
// the run's own samples/*.png; it opens from disk, offline.
#ifndef CGV_TRAIN_REPORT_H
#define CGV_TRAIN_REPORT_H

#include "train/history.h"

typedef struct cgv_report_params {
    const char *config;  // the text of config.json; NULL: no table of settings
    const char *state;   // "running", "finished", "stopped" …
    int64_t step, steps; // taken; planned
    double epoch;
    double seconds, seconds_left; // of training; below 0: not known
} cgv_report_params;

// Rewrites DIR/index.html, as a whole or not at all. It shows all DIR/samples/step_*.png there are.
// CGV_ERROR_FORMAT when the configuration is no JSON object.
CGV_NODISCARD cgv_status cgv_report_write(const char *dir, const cgv_history *history,
                                          const cgv_report_params *params);

#endif
