// The threads of a CPU driver: one on each processor, while other processes leave these alone.
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/processors.h"
#include "ops/roofline.h"
#include "support.h"

enum { MOST_PROCESSORS = 32 };

static int processors;
static bool quiet; // others did hardly anything while the device was given work

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
        if (cgv_roofline_measure(&roofline, cgv_test_device()))
            break;
    cgv_processor_times now = cgv_processor_times_now();
    quiet = 10 * (now.others - begin.others) <= now.passed - begin.passed;
    return bound_threads();
}

// A process that takes all of one processor, half a minute at most. Ends with this one.
static pid_t start_other(void) {
    pid_t id = fork();
    if (!id) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(30);
        for (;;)
            ;
    }
    return id;
}

static bool is_bound(void) {
    int bound = work_until(processors);
    if (bound != processors && !quiet) { // other tests at the same time
        puts("not tested: other processes use the processors");
        return false;
    }
    CU_ASSERT_EQUAL(bound, processors);
    return bound == processors;
}

// Bound when alone, let go beside another process, bound again when it has ended.
static void test_spread(void) {
    CU_ASSERT_EQUAL(bound_threads(), 0);
    if (!is_bound())
        return;
    pid_t other = start_other();
    CU_ASSERT_FATAL(other > 0);
    CU_ASSERT_EQUAL(work_until(0), 0);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    is_bound();
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"alone and beside another process", test_spread},
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
