#include "app/yield.h"

#include <sched.h>
#include <sys/resource.h>

#include "base/log.h"

void cgv_yield(cgv_processor_times begin, bool gaps_will_do) {
    // On Linux a thread has a policy and a priority of its own, and passes them on to those that it
    // creates. There is no way back from SCHED_IDLE without privileges.
    if (gaps_will_do && cgv_processors_were_idle(begin, cgv_processor_times_now()) &&
        !sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0})) {
        cgv_log(CGV_LOG_VERBOSE, "decoder and encoder run in the gaps that the device leaves");
        return;
    }
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 5);
}
