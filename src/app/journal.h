// The folder of a job in segments, and the journal in it: what the job is, and which segments are
// whole. Whatever happens, the journal is that of the last whole segment.
//
//     journal.json  000000.packets  000001.packets …  000002.state (of the filter, behind 000001)
//     output.part (the joined output, until it gets its name)
#ifndef CGV_APP_JOURNAL_H
#define CGV_APP_JOURNAL_H

#include <jansson.h>

#include "video/join.h"

typedef struct cgv_journal {
    char *folder;
    int lock;    // of the folder, while it is open
    bool own;    // without a journal: the folder is new, or a run before left only files of a job
    json_t *job; // everything that the result depends on
    // What is written down:
    cgv_segment *segments;
    int count;
    bool complete;    // there is no other segment
    int64_t frames;   // that were translated for them
    int64_t last_pts; // of the last one of these
    AVRational clock; // of last_pts
    cgv_sink_place place;
    int64_t state_bytes; // of the filter's state behind them; 0: it has none
    uint32_t state_crc;
    json_t *kernels; // that were chosen (app/kernels.h); NULL: nothing is written down
} cgv_journal;

// Is there a job in the folder that could be gone on with?
bool cgv_journal_exists(const char *folder);

// Open the folder, for nobody else at the same time; make it if it is missing. Takes `job` and,
// malloc'ed, `folder`. What it has of the same job is read if `resume`, else refused. What is left
// of unfinished segments is deleted; a folder with anything else in it and no journal is refused.
CGV_NODISCARD cgv_status cgv_journal_open(cgv_journal *out, char *folder, json_t *job, bool resume);

// Names of files (malloc'ed), NULL when out of memory: of segment i, and of the state before it.
char *cgv_journal_segment(const cgv_journal *journal, int i);
char *cgv_journal_state(const cgv_journal *journal, int i);

// Note another whole segment, whose file and state are on the disk, with all else as it now stands
// in *journal. Takes nothing.
CGV_NODISCARD cgv_status cgv_journal_append(cgv_journal *journal, const cgv_packets_sum *sum);

// Delete the folder with all that belongs to the job; a message tells where that does not work.
void cgv_journal_remove(cgv_journal *journal);

// NULL-safe. A folder without a whole segment goes, unless somebody else made it.
void cgv_journal_close(cgv_journal *journal);

#endif
