#include "base/processors.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

cgv_processor_times cgv_processor_times_now(void) {
    enum { FIELDS = 8, IDLE = 3, IOWAIT = 4, STEAL = 7 }; // see proc(5), /proc/stat
    cgv_processor_times times = {0};
    long long field[FIELDS];
    struct rusage own;
    FILE *file = fopen("/proc/stat", "re");
    int read =
        file ? fscanf(file, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &field[0], &field[1],
                      &field[2], &field[3], &field[4], &field[5], &field[6], &field[7])
             : 0;
    if (file)
        fclose(file);
    if (read != FIELDS || getrusage(RUSAGE_SELF, &own))
        return times;
    for (int i = 0; i < FIELDS; i++) {
        times.passed += field[i];
        times.others += i == IDLE || i == IOWAIT || i == STEAL ? 0 : field[i];
    }
    double seconds = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                     1e-6 * (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec);
    times.others -= (long long)(seconds * (double)sysconf(_SC_CLK_TCK));
    return times;
}

bool cgv_processors_were_idle(cgv_processor_times begin, cgv_processor_times end) {
    enum { FEWEST = 5 }; // ticks that say anything
    long long passed = end.passed - begin.passed;
    return begin.passed && passed >= FEWEST && end.others - begin.others <= passed / 2;
}
