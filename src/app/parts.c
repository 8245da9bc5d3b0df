#include "app/parts.h"

#include <string.h>

const char *const cgv_part_names[CGV_PARTS] = {"planes to RGB, and smaller", "network",
                                               "carried to full size", "RGB to planes",
                                               "held steady over frames"};

// Which part a command belongs to: those of the network lie between scaling and carrying.
static int part_of(const cgv_profile_entry *entry, int part) {
    if (entry->label && !strncmp(entry->label, "steady:", 7))
        return CGV_PART_STEADY;
    if (!strncmp(entry->shader, "pixel_unpack", 12))
        return CGV_PART_IN;
    if (!strcmp(entry->shader, "shrink")) // also that of an affine head's guide
        return part == CGV_PART_IN ? CGV_PART_IN : CGV_PART_CARRY;
    if (!strncmp(entry->shader, "pixel_", 6))
        return CGV_PART_OUT;
    bool carries = entry->label && strstr(entry->label, "full size");
    return carries ? CGV_PART_CARRY : CGV_PART_NETWORK;
}

void cgv_parts_sum(double ms[CGV_PARTS], const cgv_profile_entry *entries, int count) {
    int part = CGV_PART_IN;
    memset(ms, 0, CGV_PARTS * sizeof *ms);
    for (int i = 0; i < count; i++) {
        int own = part_of(&entries[i], part);
        ms[own] += entries[i].ms;
        part = own == CGV_PART_STEADY ? part : own;
    }
}
