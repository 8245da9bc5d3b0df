#include "support.h"

#include <CUnit/Basic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "cgvideo/log.h"
#include "gpu/gpu.h"
#include "nn/arch.h"

static cgv_device *device, *full_barriers;

static void print_message(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    (void)level;
    fprintf(stderr, "  %s\n", text);
}

static cgv_device *open_device(bool barriers) {
    cgv_device *opened;
    cgv_device_params params = {.select = getenv("CGV_GPU"), .full_barriers = barriers};
    if (cgv_device_create(&opened, &params)) {
        bool required = getenv("CGV_REQUIRE_DEVICE") != NULL;
        printf("%s: no usable Vulkan device\n", required ? "FAILED" : "SKIPPED");
        exit(required ? 1 : CGV_TEST_SKIP);
    }
    return opened;
}

cgv_device *cgv_test_device(void) {
    if (!device) {
        device = open_device(false);
        printf("device: %s\n", cgv_device_get_info(device)->name);
    }
    return device;
}

cgv_device *cgv_test_full_barriers(void) {
    if (!full_barriers)
        full_barriers = open_device(true);
    return full_barriers;
}

// False after printing that the validation layer has said something.
static bool close_device(cgv_device **opened) {
    int messages = *opened ? cgv_device_validation_messages(*opened) : 0;
    if (messages)
        printf("FAILED: %d messages of the validation layer\n", messages);
    if (*opened)
        cgv_device_destroy(opened);
    return !messages;
}

int cgv_test_run(const char *name, const cgv_test_case *cases) {
    cgv_log_set(print_message, NULL, getenv("CGV_VERBOSE") ? CGV_LOG_DEBUG : CGV_LOG_WARNING);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry())
        return 1;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (const cgv_test_case *c = cases; suite && c->name; c++)
        if (!CU_add_test(suite, c->name, c->run))
            suite = NULL;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    bool failed = !suite || CU_basic_run_tests() != CUE_SUCCESS;
    failed |= CU_get_number_of_failures() || CU_get_number_of_suites_failed() ||
              !CU_get_number_of_tests_run();
    CU_cleanup_registry();
    failed |= !close_device(&full_barriers);
    failed |= !close_device(&device);
    return failed;
}

cgv_net *cgv_test_net(const char *architecture, int width, int layers) {
    const cgv_arch_options options = {
        .name = architecture, .ngf = width, .ndf = width, .layers = layers};
    cgv_net *net;
    CU_ASSERT_EQUAL_FATAL(cgv_arch_by_name(&net, &options), CGV_OK);
    return net;
}

int cgv_test_run_half(const char *name, const cgv_test_case *cases) {
    if (cgv_device_limits(cgv_test_device())->matrix.m)
        return cgv_test_run(name, cases);
    printf("SKIPPED: this device has no matrix units for half precision "
           "(VK_KHR_cooperative_matrix)\n");
    close_device(&device);
    return CGV_TEST_SKIP;
}

int cgv_test_run_shared(const char *name, const cgv_test_case *cases, const char *path) {
    char *found = cgv_test_shared(path);
    free(found);
    return found ? cgv_test_run(name, cases) : CGV_TEST_SKIP;
}

char *cgv_test_shared(const char *what) {
    const char *source = getenv("CGV_SOURCE_DIR");
    char *path = cgv_fs_format("%s/../shared/%s", source ? source : ".", what);
    if (path && !access(path, R_OK))
        return path;
    printf("SKIPPED: %s is absent\n", path ? path : what);
    free(path);
    return NULL;
}

double cgv_test_relative_error(const float *a, const float *b, size_t count) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)a[i] - b[i];
        difference += d * d;
        norm += (double)b[i] * b[i];
    }
    return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}
