#include "video/backlog.h"

enum {
    MOST = 1000000,  // that decoding may be behind
    LITTLE = 100000, // to which it then catches up
    EMPTY = 2000,    // who waits so long has read all that was there
    JUMP = 30000000  // no buffer holds so much: the stamps have jumped
};

bool cgv_backlog_note(cgv_backlog *backlog, int64_t now, int64_t time, int64_t waited) {
    int64_t behind = now - time - backlog->least;
    // Measured anew each time, so that clocks that drift apart do no harm.
    if (!backlog->known || waited >= EMPTY || behind < 0 || behind > JUMP) {
        backlog->known = true;
        backlog->least = now - time;
        behind = 0;
    }
    backlog->skipping = behind > (backlog->skipping ? LITTLE : MOST);
    return backlog->skipping;
}
