#include "app/console.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool line_open; // the cursor stands behind a progress line
static struct termios saved_terminal;
static volatile sig_atomic_t terminal_changed;

static void print_message(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    const char *prefix = level == CGV_LOG_ERROR     ? "cgvideo: error: "
                         : level == CGV_LOG_WARNING ? "cgvideo: warning: "
                                                    : "";
    pthread_mutex_lock(&lock);
    fprintf(stderr, "%s%s%s\n", line_open ? "\r\033[K" : "", prefix, text);
    line_open = false;
    pthread_mutex_unlock(&lock);
}

void cgv_console_init(cgv_log_level level) {
    cgv_log_set(print_message, NULL, level);
}

cgv_status cgv_console_level(cgv_log_level *out, const char *name) {
    // ffmpeg's names and numbers. It panics where this program crashes, without a word.
    static const struct {
        const char *name;
        int number;
        cgv_log_level level;
    } levels[] = {
        {"quiet", -8, CGV_LOG_QUIET},     {"panic", 0, CGV_LOG_QUIET},
        {"fatal", 8, CGV_LOG_ERROR},      {"error", 16, CGV_LOG_ERROR},
        {"warning", 24, CGV_LOG_WARNING}, {"info", 32, CGV_LOG_INFO},
        {"verbose", 40, CGV_LOG_VERBOSE}, {"debug", 48, CGV_LOG_DEBUG},
        {"trace", 56, CGV_LOG_DEBUG},
    };
    char *end;
    long number = strtol(name, &end, 10);
    bool numeric = end != name && !*end, found = numeric;
    *out = CGV_LOG_QUIET;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (numeric ? number >= levels[i].number : !strcmp(name, levels[i].name)) {
            *out = levels[i].level;
            found = true;
        }
    return found ? CGV_OK
                 : cgv_fail(CGV_ERROR_ARGUMENT,
                            "-loglevel takes quiet, panic, fatal, error, warning, info, verbose, "
                            "debug, trace or a number from -8 to 56, not '%s'",
                            name);
}

bool cgv_console_is_terminal(void) {
    return isatty(STDERR_FILENO);
}

void cgv_console_progress(const char *line) {
    bool terminal = cgv_console_is_terminal();
    pthread_mutex_lock(&lock);
    if (line)
        fprintf(stderr, terminal ? "\r%s\033[K" : "%s\n", line);
    else if (line_open)
        fputc('\n', stderr);
    line_open = line && terminal;
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

cgv_status cgv_console_ask(bool *yes, const char *question) {
    char answer[16];
    *yes = false;
    if (!isatty(STDIN_FILENO))
        return CGV_ERROR_ARGUMENT;
    fprintf(stderr, "%s [y/N] ", question);
    if (fgets(answer, sizeof answer, stdin))
        *yes = answer[0] == 'y' || answer[0] == 'Y';
    return CGV_OK;
}

void cgv_console_keys_begin(void) {
    // In the background, changing the terminal would stop the process.
    if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
        tcgetattr(STDIN_FILENO, &saved_terminal))
        return;
    struct termios keys = saved_terminal;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    terminal_changed = !tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

int cgv_console_key(void) {
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    unsigned char key;
    if (!terminal_changed || tcgetpgrp(STDIN_FILENO) != getpgrp() || poll(&fd, 1, 0) != 1)
        return 0;
    return read(STDIN_FILENO, &key, 1) == 1 ? key : 0;
}

void cgv_console_keys_end(void) {
    if (terminal_changed)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved_terminal);
    terminal_changed = 0;
}
