// Faults on request, so that tests meet what is rare: CGV_FAULT=POINT@N, several with commas
// between, makes the N-th call at that point fail, counted from 1.
#ifndef CGV_BASE_FAULT_H
#define CGV_BASE_FAULT_H

#include <stdbool.h>

typedef enum cgv_fault_point {
    CGV_FAULT_MEMORY,   // "memory": device memory is allocated
    CGV_FAULT_PIPELINE, // "pipeline": a kernel is compiled
    CGV_FAULT_SUBMIT,   // "submit": work is given to the device
    CGV_FAULT_WAIT,     // "wait": it is waited for
    CGV_FAULT_READ,     // "read": a packet is read from the input
    CGV_FAULT_ENCODE,   // "encode": a picture is given to an encoder
    CGV_FAULT_KERNEL,   // "kernel": a kernel that is measured has its numbers compared
    CGV_FAULT_POINTS
} cgv_fault_point;

// Whether this call is the one that is to fail. From any thread.
bool cgv_fault(cgv_fault_point point);

#endif
