// The threads of a CPU driver: one on each processor, while other processes leave these alone.
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/processors.h"
#include "ops/roofline.h"
#include "support.h"

enum { MOST_PROCESSORS = 32 };

static int processors;
static bool quiet; // others did nothing while the device was given work

// Threads of this process that may run on one processor only; 0 where two of them share one.
static int bound_threads(void) {
    DIR *dir = opendir("/proc/self/task");
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    cpu_set_t taken, set;
    int count = 0;
    CPU_ZERO(&taken);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || sched_getaffinity(atoi(entry->d_name), sizeof set, &set) ||
            CPU_COUNT(&set) != 1)
            continue;
        CPU_AND(&set, &set, &taken);
        count = CPU_COUNT(&set) ? -MOST_PROCESSORS : count + 1;
        sched_getaffinity(atoi(entry->d_name), sizeof set, &set);
        CPU_OR(&taken, &taken, &set);
    }
    closedir(dir);
    return count > 0 ? count : 0;
}

// Work for the device until `count` threads are bound, ten seconds at most. Returns how many are.
static int work_until(int count) {
    cgv_roofline roofline;
    cgv_processor_times begin = cgv_processor_times_now();
    double end = cgv_clock_seconds() + 10;
    while (bound_threads() != count && cgv_clock_seconds() < end)
        CU_ASSERT_EQUAL_FATAL(cgv_roofline_measure(&roofline, cgv_test_device()), CGV_OK);
    cgv_processor_times now = cgv_processor_times_now();
    quiet = 10 * (now.others - begin.others) <= now.passed - begin.passed;
    return bound_threads();
}

static void test_alone(void) {
    CU_ASSERT_EQUAL(bound_threads(), 0);
    int bound = work_until(processors);
    if (bound != processors && !quiet) // other tests at the same time
        puts("not tested: other processes use the processors");
    else
        CU_ASSERT_EQUAL(bound, processors);
}

static void test_others(void) {
    pid_t others[MOST_PROCESSORS];
    for (int i = 0; i < processors; i++) {
        others[i] = fork();
        if (!others[i])
            for (;;)
                ;
    }
    CU_ASSERT_EQUAL(work_until(0), 0);
    for (int i = 0; i < processors; i++) {
        kill(others[i], SIGKILL);
        waitpid(others[i], NULL, 0);
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"alone", test_alone},
        {"beside others", test_others},
        {0},
    };
    cpu_set_t set;
    processors = sched_getaffinity(0, sizeof set, &set) ? 0 : CPU_COUNT(&set);
    int threads = cgv_device_limits(cgv_test_device())->threads;
    if (threads < 2 || threads != processors || threads > MOST_PROCESSORS) {
        printf("SKIPPED: not a CPU driver with a thread for each of 2 to %d processors\n",
               MOST_PROCESSORS);
        return CGV_TEST_SKIP;
    }
    return cgv_test_run("spread", cases);
}
