// What the CUnit programs share.
#ifndef CGV_TESTS_SUPPORT_H
#define CGV_TESTS_SUPPORT_H

#include <CUnit/CUnit.h>
#include <stddef.h>

#include "cgvideo/device.h"
#include "nn/net.h"

#define CGV_TEST_SKIP 77

typedef struct cgv_test_case {
    const char *name;
    void (*run)(void);
} cgv_test_case;

// Run the cases as one suite, print what failed; the exit status of main. `cases` ends with {0}.
// Unlike CUnit's own count this also fails when a suite could not start or nothing ran.
int cgv_test_run(const char *suite, const cgv_test_case *cases);
// The same of cases that need matrix units: CGV_TEST_SKIP where the device has none.
int cgv_test_run_half(const char *suite, const cgv_test_case *cases);
// The same of cases that need files in ../shared: CGV_TEST_SKIP where `path` is absent there.
int cgv_test_run_shared(const char *suite, const cgv_test_case *cases, const char *path);

// The device that tests share, opened on first use (CGV_GPU selects), with the validation layer
// under CGV_VALIDATE=1. Where there is no Vulkan device the program exits with CGV_TEST_SKIP, under
// CGV_REQUIRE_DEVICE=1 with 1.
// cgv_test_run closes it, and fails the run if the validation layer said anything.
cgv_device *cgv_test_device(void);

// Another one that puts a barrier before every dispatch: the bytes must be the same.
cgv_device *cgv_test_full_barriers(void);

// The network of this name, with generator and discriminator filters of this width. layers: of a
// discriminator; 0: its default.
cgv_net *cgv_test_net(const char *architecture, int width, int layers);

// PATH in ../shared beside the source tree (free() it), or NULL, after saying so, where it is
// absent.
char *cgv_test_shared(const char *path);

// ||a - b|| / ||b||, NaN if anything is.
double cgv_test_relative_error(const float *a, const float *b, size_t count);

#endif
