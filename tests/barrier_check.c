#include "barrier_check.h"

#include <inttypes.h>
#include <string.h>

#define REPORTED 5

static bool inside(uint64_t address, uint64_t from, uint64_t bytes) {
    return address >= from && address - from < bytes;
}

// Two ranges share a byte iff the start of one lies inside the other.
static bool conflict(const cgv_access *a, const cgv_access *b) {
    bool shared =
        a->bytes && b->bytes &&
        (inside(a->address, b->address, b->bytes) || inside(b->address, a->address, a->bytes));
    return shared && (a->write || b->write);
}

// The first access of `a` that conflicts with one of `b`; *other is that one.
static const cgv_access *find_conflict(const cgv_event *a, const cgv_event *b,
                                       const cgv_access *accesses, const cgv_access **other) {
    for (int i = 0; i < a->access_count; i++)
        for (int j = 0; j < b->access_count; j++) {
            *other = &accesses[b->access_first + j];
            if (conflict(&accesses[a->access_first + i], *other))
                return &accesses[a->access_first + i];
        }
    return NULL;
}

int cgv_check_barriers(const cgv_event *events, int count, const cgv_access *accesses,
                       FILE *report) {
    int found = 0;
    for (int i = 0; i < count; i++) {
        if (!events[i].label)
            continue;
        for (int j = i + 1; j < count && events[j].label; j++) {
            const cgv_access *b, *a = find_conflict(&events[i], &events[j], accesses, &b);
            if (a && found++ < REPORTED && report)
                fprintf(report,
                        "no barrier between %s (%d, %s %#" PRIx64 "+%" PRIu64 ") and %s (%d, %s "
                        "%#" PRIx64 "+%" PRIu64 ")\n",
                        events[i].label, i, a->write ? "writes" : "reads", a->address, a->bytes,
                        events[j].label, j, b->write ? "writes" : "reads", b->address, b->bytes);
        }
    }
    return found;
}

static bool declared(uint64_t address, const cgv_event *event, const cgv_access *accesses) {
    for (int i = 0; i < event->access_count; i++) {
        const cgv_access *access = &accesses[event->access_first + i];
        if (inside(address, access->address, access->bytes))
            return true;
    }
    return false;
}

int cgv_check_addresses(const cgv_event *events, int count, const cgv_access *accesses,
                        const cgv_buffer *buffers, int buffer_count, FILE *report) {
    int found = 0;
    for (int i = 0; i < count; i++)
        for (uint32_t at = 0; at + 8 <= events[i].push_bytes; at += 8) {
            uint64_t word;
            memcpy(&word, events[i].push + at, sizeof word);
            bool known = false;
            for (int b = 0; b < buffer_count; b++)
                known |= inside(word, buffers[b].address, buffers[b].size);
            if (known && !declared(word, &events[i], accesses) && found++ < REPORTED && report)
                fprintf(report,
                        "%s (%d) takes the address %#" PRIx64 " at byte %u without declaring it\n",
                        events[i].label, i, word, at);
        }
    return found;
}

int cgv_check_cmd(const cgv_cmd *cmd, const cgv_buffer *buffers, int buffer_count) {
    int count;
    const cgv_event *events = cgv_cmd_events(cmd, &count);
    const cgv_access *accesses = cgv_cmd_accesses(cmd);
    return cgv_check_barriers(events, count, accesses, stdout) +
           cgv_check_addresses(events, count, accesses, buffers, buffer_count, stdout);
}
