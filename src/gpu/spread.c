// One thread of a CPU driver on each processor. Lavapipe divides every dispatch in as many equal
// parts as it has threads, wakes all of them and waits for the last. Where dispatches are short,
// Linux 6.18 now and then wakes two on the same processor and leaves them there for seconds, while
// the other one stands idle: a training step then took 1000 ms instead of 620. So each is bound to
// a processor of its own, as long as other processes leave these alone; where they do not, a bound
// thread would wait for its own processor while another one is free, so then it is let go.
//
// Which of the driver's threads run shaders shows when some have run: they have used processor
// time, about the same each, and its other threads next to none. Where that is not so, nothing is
// done.
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gpu/internal.h"

static int list_threads(int *ids) {
    DIR *dir = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && count < CGV_MOST_THREADS)
            ids[count++] = atoi(entry->d_name);
    if (dir)
        closedir(dir);
    return count;
}

static bool contains(const int *ids, int count, int id) {
    for (int i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

void cgv_spread_begin(cgv_device *device) {
    if (device->limits.cpu)
        device->spread.before_count = list_threads(device->spread.before);
}

void cgv_spread_found(cgv_device *device) {
    cgv_spread *spread = &device->spread;
    const char *wish = getenv("CGV_SPREAD");
    int ids[CGV_MOST_THREADS], count = device->limits.cpu ? list_threads(ids) : 0;
    if (count == CGV_MOST_THREADS || spread->before_count == CGV_MOST_THREADS ||
        (wish && !strcmp(wish, "off")))
        return; // not all were listed, or it is not wanted
    for (int i = 0; i < count; i++)
        if (!contains(spread->before, spread->before_count, ids[i]))
            spread->driver[spread->driver_count++] = ids[i];
    spread->times = cgv_processor_times_now();
}

// Processor time of one thread in clock ticks, -1 where it cannot be told.
static long thread_ticks(int id) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", id);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    long user, system;
    if (file)
        fclose(file);
    text[length] = 0;
    const char *behind = strrchr(text, ')'); // the name, which may hold anything
    return behind && sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
                            &system) == 2
               ? user + system
               : -1;
}

typedef struct thread_time {
    int id;
    long ticks;
} thread_time;

static int busier_first(const void *a, const void *b) {
    long x = ((const thread_time *)a)->ticks, y = ((const thread_time *)b)->ticks;
    return (x < y) - (x > y);
}

static bool find_workers(cgv_spread *spread, int wanted) {
    enum { LEAST = 3, ALIKE = 2, APART = 4 };
    thread_time times[CGV_MOST_THREADS]; // since the last time
    int count = spread->driver_count;
    for (int i = 0; i < count; i++) {
        long ticks = thread_ticks(spread->driver[i]);
        times[i] = (thread_time){spread->driver[i], ticks - spread->ticks[i]};
        spread->ticks[i] = ticks;
    }
    qsort(times, (size_t)count, sizeof *times, busier_first);
    long most = times[0].ticks, least = times[wanted - 1].ticks;
    long next = wanted < count ? times[wanted].ticks : 0;
    if (least < LEAST || most > ALIKE * least || least < APART * next)
        return false;
    for (int i = 0; i < wanted; i++)
        spread->workers[i] = times[i].id;
    return true;
}

// The i-th worker to the i-th processor, or all of them to all. Returns whether that was possible.
static bool bind_workers(cgv_spread *spread, const cpu_set_t *allowed, int count, bool pin) {
    bool done = true;
    int cpu = 0;
    for (int i = 0; i < count; i++, cpu++) {
        cpu_set_t own = *allowed;
        if (pin) {
            while (!CPU_ISSET(cpu, allowed))
                cpu++;
            CPU_ZERO(&own);
            CPU_SET(cpu, &own);
        }
        done = !sched_setaffinity(spread->workers[i], sizeof own, &own) && done;
    }
    spread->pinned = pin && done;
    return done;
}

// Whether others leave every processor alone, mostly: a quarter of one counts, for what is kept
// waiting on one keeps all of them waiting; and half of that before the threads are bound again.
static bool are_ours(const cgv_spread *spread, cgv_processor_times now, int threads) {
    long long others = now.others - spread->times.others, all = now.passed - spread->times.passed;
    return (spread->pinned ? 4 : 8) * threads * others <= all;
}

static void update(cgv_spread *spread, int threads) {
    enum { FEWEST = 5 };                 // ticks that say anything
    const double soon = 0.05, later = 1; // seconds
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) || CPU_COUNT(&allowed) != threads) {
        if (spread->pinned)
            bind_workers(spread, &allowed, threads, false);
        spread->driver_count = 0; // this process does not have all of the machine
        return;
    }
    bool known = spread->known;
    spread->known = known || find_workers(spread, threads);
    spread->pause = known ? later : spread->pause > later / 2 ? later : 2 * spread->pause;
    spread->pause = spread->pause > soon ? spread->pause : soon;
    spread->next = cgv_clock_seconds() + spread->pause;
    cgv_processor_times now = cgv_processor_times_now();
    if (!spread->known || !spread->times.passed || now.passed - spread->times.passed < FEWEST)
        return;
    bool ours = are_ours(spread, now, threads);
    spread->times = now;
    if (ours == spread->pinned)
        return;
    if (!bind_workers(spread, &allowed, threads, ours)) { // it is not allowed
        bind_workers(spread, &allowed, threads, false);
        spread->driver_count = 0;
        return;
    }
    cgv_log(CGV_LOG_DEBUG, ours ? "each thread of the device has a processor of its own"
                                : "the threads of the device share the processors with others");
}

void cgv_spread_update(cgv_device *device) {
    cgv_spread *spread = &device->spread;
    int threads = device->limits.threads;
    if (threads < 2 || pthread_mutex_trylock(&device->lock))
        return;
    if (spread->driver_count >= threads && cgv_clock_seconds() >= spread->next)
        update(spread, threads);
    pthread_mutex_unlock(&device->lock);
}
