// An independent check of recorded command lists: no validation layer sees accesses through device
// addresses, so this is what finds a missing barrier. It shares nothing with gpu/hazard.c.
#ifndef CGV_TESTS_BARRIER_CHECK_H
#define CGV_TESTS_BARRIER_CHECK_H

#include <stdio.h>

#include "gpu/gpu.h"

// Pairs of commands that touch the same bytes, one of them writing, with no barrier between them.
// The first few are reported; report NULL: none are.
int cgv_check_barriers(const cgv_event *events, int count, const cgv_access *accesses,
                       FILE *report);

// Addresses in push constants that point into one of the buffers, but that their dispatch did not
// declare.
int cgv_check_addresses(const cgv_event *events, int count, const cgv_access *accesses,
                        const cgv_buffer *buffers, int buffer_count, FILE *report);

// Both, on what a list has recorded: 0 when it is right. Reports to stdout.
int cgv_check_cmd(const cgv_cmd *cmd, const cgv_buffer *buffers, int buffer_count);

#endif
