// When threads wait for others, and how much the others use.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/yield.h"
#include "support.h"

static void test_idle(void) {
    const cgv_processor_times begin = {.passed = 1000, .others = 400};
    static const struct {
        long long passed, others;
        bool idle;
    } cases[] = {{1100, 400, true},  {1100, 449, true}, {1100, 451, false},
                 {1100, 500, false}, {1100, 399, true}, // both are counted in ticks of their own
                 {1003, 400, false},                    // too short to tell
                 {1000, 400, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cgv_processor_times end = {.passed = cases[i].passed, .others = cases[i].others};
        CU_ASSERT_EQUAL(cgv_processors_were_idle(begin, end), cases[i].idle);
    }
    CU_ASSERT_FALSE(cgv_processors_were_idle((cgv_processor_times){0}, begin)); // unknown
}

static double processor_seconds(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

static void spin(double seconds) {
    for (double begin = processor_seconds(); processor_seconds() < begin + seconds;)
        ;
}

// What another process uses is seen, what this one uses is not.
static void test_times(void) {
    const double seconds = 0.5;
    const long long ticks = (long long)(seconds * (double)sysconf(_SC_CLK_TCK));
    cgv_processor_times begin = cgv_processor_times_now();
    CU_ASSERT_FATAL(begin.passed > 0);
    pid_t child = fork();
    if (!child) {
        spin(seconds);
        _exit(0);
    }
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    cgv_processor_times other = cgv_processor_times_now();
    CU_ASSERT(other.others - begin.others >= ticks * 8 / 10);
    CU_ASSERT(other.passed - begin.passed >= ticks * 8 / 10);

    begin = cgv_processor_times_now();
    spin(seconds);
    cgv_processor_times own = cgv_processor_times_now();
    // Of all that was used this is less by what this process did.
    long long passed = own.passed - begin.passed;
    CU_ASSERT(own.others - begin.others <= passed - ticks * 8 / 10);
}

// In a process of its own, as it is for good.
static void test_policy(void) {
    for (int k = 0; k < 3; k++) {
        bool busy = k == 1, gaps_will_do = k != 2;
        pid_t child = fork();
        if (!child) {
            cgv_processor_times now = cgv_processor_times_now(), begin = now;
            begin.passed -= 100; // of 100 ticks others had none, or all
            begin.others -= busy ? 100 : 0;
            int nice = getpriority(PRIO_PROCESS, 0);
            cgv_yield(begin, gaps_will_do);
            bool lower = nice >= 19 || getpriority(PRIO_PROCESS, 0) > nice;
            _exit(busy || !gaps_will_do ? sched_getscheduler(0) != SCHED_OTHER || !lower
                                        : sched_getscheduler(0) != SCHED_IDLE);
        }
        int status = -1;
        CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
        CU_ASSERT(WIFEXITED(status) && !WEXITSTATUS(status));
    }
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"when others are idle", test_idle},
        {"processor time of others", test_times},
        {"policy of a thread", test_policy},
        {0},
    };
    return cgv_test_run("yield", cases);
}
