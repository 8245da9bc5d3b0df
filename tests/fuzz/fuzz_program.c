// fuzz_program KIND FIRST END STEP SEED KIT WORK: run the program, $CGVIDEO, as cases FIRST,
// FIRST + STEP … below END say, which SEED and their number decide:
//     lines  command lines with something odd in them
//     media  a damaged media file
//     kept   a damaged run directory of train, or folder of a job in segments, to go on with
// KIT: a folder with media in.*, net.safetensors, run/, job.segments/ (of in.mkv to job.mkv). A
// case that fails is kept in WORK/failed-KIND-NUMBER with the command that repeats it.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command_line.h"
#include "mutate.h"

enum {
    PATIENCE = 120,              // seconds until it is asked to end, and then until it is killed
    LARGEST_FILE = 256 << 20,    // bytes
    LARGEST_MEMORY = 2048 << 10, // KiB, resident
    SANITIZED = 99,              // exit status of the sanitizers
    MAX_INPUTS = 32,
};

static struct {
    const char *program, *kind, *kit, *work;
    uint64_t seed;
    fuzz_command commands[FUZZ_COMMANDS];
    const char *inputs[MAX_INPUTS + 1]; // names in the kit
    bool sanitized;
} setup;

typedef struct outcome {
    int status; // exit status, or minus the signal's number
    bool asked, killed;
    long memory; // KiB
    fuzz_bytes messages;
} outcome;

typedef struct counts {
    int cases, failures, asked, by_status[256];
} counts;

// ---- folders

static void set_path(char to[PATH_MAX], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(to, PATH_MAX, format, args);
    va_end(args);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st, (void)type, (void)where;
    return remove(path);
}

static void remove_tree(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char tree_from[PATH_MAX], tree_to[PATH_MAX];

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st, (void)where;
    char to[PATH_MAX];
    set_path(to, "%s%s", tree_to, path + strlen(tree_from));
    if (type == FTW_D)
        return mkdir(to, 0777) && errno != EEXIST;
    fuzz_bytes bytes = fuzz_read(path);
    fuzz_write(to, bytes.data, bytes.size);
    free(bytes.data);
    // A job knows its input by its time, too.
    const struct timespec times[] = {st->st_atim, st->st_mtim};
    return utimensat(AT_FDCWD, to, times, 0);
}

static void copy_from_kit(const char *name, const char *to) {
    set_path(tree_from, "%s/%s", setup.kit, name);
    set_path(tree_to, "%s/%s", to, name);
    if (nftw(tree_from, copy_one, 16, FTW_PHYS)) {
        perror(tree_from);
        exit(2);
    }
}

static char chosen_file[PATH_MAX];
static uint32_t files_seen;
static cgv_rng *choosing;

static int choose_one(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st, (void)where;
    if (type == FTW_F && !cgv_rng_below(choosing, ++files_seen))
        set_path(chosen_file, "%s", path);
    return 0;
}

static void damage_file(const char *path, cgv_rng *rng) {
    fuzz_bytes bytes = fuzz_read(path);
    fuzz_mutate(&bytes, rng);
    fuzz_write(path, bytes.data, bytes.size);
    free(bytes.data);
}

// A copy of what the kit holds by this name; of a folder one of its files is damaged.
static void copy_damaged(const char *name, const char *to, cgv_rng *rng) {
    copy_from_kit(name, to);
    choosing = rng;
    files_seen = 0;
    nftw(tree_to, choose_one, 16, FTW_PHYS);
    damage_file(chosen_file, rng);
}

// ---- cases

static void add(fuzz_line *line, const char *words) {
    char text[256], *rest = text;
    snprintf(text, sizeof text, "%s", words);
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        fuzz_line_add(line, word);
}

static void prepare_line(fuzz_line *line, const char *folder, cgv_rng *rng) {
    for (int i = 0; setup.inputs[i]; i++)
        copy_from_kit(setup.inputs[i], folder);
    copy_from_kit("net.safetensors", folder);
    fuzz_line_make(line, setup.program, setup.commands, setup.inputs, rng);
    if (fuzz_line_has(line, "-resume"))
        copy_from_kit("run", folder);
}

static void prepare_media(fuzz_line *line, const char *folder, cgv_rng *rng) {
    static const char *const outputs[] = {"-c:v mpeg4 -o out.mkv", "-c:v mpeg4 -o out.mp4",
                                          "-c:v ffv1 -o out.nut", "-f null -o -",
                                          "-c:v libx264 -preset ultrafast -o out.mov"};
    int count = 0;
    while (setup.inputs[count])
        count++;
    const char *input = setup.inputs[cgv_rng_below(rng, (uint32_t)count)];
    copy_damaged(input, folder, rng);
    add(line, setup.program);
    if (!cgv_rng_below(rng, 8)) { // the other reader of videos
        add(line, "eval -v error -m identity -s 16x16 -limit 2 -o measured -b");
        fuzz_line_add(line, input);
        fuzz_line_add(line, "-a");
        fuzz_line_add(line, input);
        return;
    }
    add(line, "-v error -m identity -y -i");
    fuzz_line_add(line, input);
    add(line, outputs[cgv_rng_below(rng, sizeof outputs / sizeof *outputs)]);
}

static void prepare_kept(fuzz_line *line, const char *folder, cgv_rng *rng) {
    char input[PATH_MAX]; // by which the job knows it
    set_path(input, "%s/in.mkv", setup.kit);
    add(line, setup.program);
    if (cgv_rng_below(rng, 2)) {
        copy_damaged("run", folder, rng);
        add(line, "train -v error -resume run");
        return;
    }
    copy_damaged("job.mkv.segments", folder, rng);
    copy_from_kit("net.safetensors", folder);
    add(line, "-v error -m net.safetensors -c:v mpeg4 -segment_time 0.2 -resume -o job.mkv -i");
    fuzz_line_add(line, input);
}

// ---- run

static void set_limit(int what, rlim_t value) {
    const struct rlimit limit = {value, value};
    setrlimit(what, &limit);
}

static void start(const fuzz_line *line, const char *folder, const char *messages) {
    int none = open("/dev/null", O_RDWR), err = open(messages, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (none < 0 || err < 0 || chdir(folder))
        _exit(2);
    dup2(none, 0);
    dup2(none, 1);
    dup2(err, 2);
    set_limit(RLIMIT_FSIZE, LARGEST_FILE);
    set_limit(RLIMIT_CORE, 0);
    execv(setup.program, line->words);
    _exit(2);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static outcome run(const fuzz_line *line, const char *folder, const char *messages) {
    outcome o = {0};
    int status;
    struct rusage usage;
    double begun = now();
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(2);
    }
    if (!child)
        start(line, folder, messages);
    while (!wait4(child, &status, WNOHANG, &usage)) {
        double seconds = now() - begun;
        if (seconds > PATIENCE && !o.asked)
            o.asked = !kill(child, SIGTERM);
        if (seconds > 2 * PATIENCE && !o.killed)
            o.killed = !kill(child, SIGKILL);
        usleep(5000);
    }
    o.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    o.memory = usage.ru_maxrss;
    o.messages = fuzz_read(messages);
    return o;
}

// ---- what must hold

static const char *reason; // of the failure

static int check_left(const char *path, const struct stat *st, int type, struct FTW *where) {
    (void)st;
    if (type == FTW_F && path[where->base] == '.')
        reason = "a hidden file is left behind";
    return 0;
}

// What looks finished though the run failed. Of several outputs, of patterns and lists and of live
// sources some stay; 69 and 255 are the status of whole outputs.
static bool looks_finished(const fuzz_line *line, const char *folder) {
    static const char *const kept[] = {"%",         "m3u8",    "mpd",      "hls",   "dash",
                                       "tee",       "segment", "-preview", "-live", "-re",
                                       "-progress", "-o=",     "image2",   "v4l2",  NULL};
    int outputs = 0;
    for (int i = 0; i < line->count; i++)
        outputs += !strcmp(line->words[i], "-o") || !strncmp(line->words[i], "out", 3);
    for (int i = 0; kept[i]; i++)
        if (fuzz_line_has(line, kept[i]))
            return false;
    DIR *d = outputs > 2 ? NULL : opendir(folder);
    bool found = false;
    for (const struct dirent *e; d && (e = readdir(d));)
        found |= !strncmp(e->d_name, "out", 3);
    if (d)
        closedir(d);
    return found;
}

static bool says(const outcome *o, const char *text) {
    return memmem(o->messages.data, o->messages.size, text, strlen(text));
}

static bool is_quiet(const fuzz_line *line) {
    static const char *const levels[] = {"quiet", "panic", NULL};
    for (int i = 0; i < line->count; i++) {
        bool level =
            i && (!strcmp(line->words[i - 1], "-v") || !strcmp(line->words[i - 1], "-loglevel"));
        if (level && isdigit((unsigned char)line->words[i][line->words[i][0] == '-']))
            return true;
        for (int k = 0; levels[k]; k++)
            if (strstr(line->words[i], levels[k]))
                return true;
    }
    return false;
}

static bool documented(const outcome *o, const fuzz_line *line) {
    static const char *const finish[] = {"bench", "eval", "model", "models", NULL};
    bool others = false; // that a signal just ends
    for (int i = 0; finish[i] && line->count > 1; i++)
        others |= !strcmp(line->words[1], finish[i]);
    return o->status == 0 || o->status == 1 || o->status == 2 || o->status == 69 ||
           (o->status == 255 && o->asked) || (o->status == -SIGTERM && o->asked && others);
}

static const char *check(const outcome *o, const fuzz_line *line, const char *folder) {
    reason = NULL;
    if (o->status == SANITIZED || says(o, "runtime error:") || says(o, "ERROR: AddressSanitizer") ||
        says(o, "ERROR: LeakSanitizer") || says(o, "hard rss limit"))
        return "a sanitizer's report";
    if (o->killed)
        return "it hangs";
    if (!documented(o, line))
        return o->status < 0 ? "it crashes" : "an exit status that is not documented";
    if (!setup.sanitized && o->memory > LARGEST_MEMORY)
        return "too much memory";
    if (o->status && !o->asked && !o->messages.size && !is_quiet(line))
        return "it fails and says nothing";
    if ((o->status == 1 || o->status == 2) && looks_finished(line, folder))
        return "it fails, and its output looks finished";
    if (o->status >= 0 && !says(o, "what was recorded is in"))
        nftw(folder, check_left, 16, FTW_PHYS);
    return reason;
}

// ---- report

static void print_quoted(FILE *file, const char *word) {
    fputs(" $'", file);
    for (const unsigned char *c = (const unsigned char *)word; *c; c++)
        if (isprint(*c) && *c != '\'' && *c != '\\')
            fputc(*c, file);
        else
            fprintf(file, "\\x%02x", *c);
    fputc('\'', file);
}

static void keep(int number, const fuzz_line *line, const char *folder, const char *why,
                 const outcome *o) {
    char kept[PATH_MAX], path[PATH_MAX];
    set_path(kept, "%s/failed-%s-%d", setup.work, setup.kind, number);
    remove_tree(kept);
    if (rename(folder, kept))
        perror(kept);
    set_path(path, "%s/command.sh", kept);
    FILE *file = fopen(path, "w");
    if (file) {
        for (int i = 0; i < line->count; i++)
            print_quoted(file, line->words[i]);
        fputc('\n', file);
        fclose(file);
    }
    set_path(path, "%s/messages", kept);
    fuzz_write(path, o->messages.data, o->messages.size);
    printf("FAILED: %s %d of seed %llu: %s: status %d, %ld MiB; in %s: bash command.sh\n",
           setup.kind, number, (unsigned long long)setup.seed, why, o->status, o->memory >> 10,
           kept);
    fflush(stdout);
}

static void run_case(int number, counts *c) {
    cgv_rng rng;
    fuzz_line line = {0};
    char folder[PATH_MAX], messages[PATH_MAX];
    set_path(messages, "%s/messages-%s-%d", setup.work, setup.kind, number);
    set_path(folder, "%s/case-%s-%d", setup.work, setup.kind, number);
    remove_tree(folder);
    mkdir(folder, 0777);
    cgv_rng_seed(&rng, setup.seed, (uint64_t)number);
    if (!strcmp(setup.kind, "lines"))
        prepare_line(&line, folder, &rng);
    else if (!strcmp(setup.kind, "media"))
        prepare_media(&line, folder, &rng);
    else
        prepare_kept(&line, folder, &rng);
    outcome o = run(&line, folder, messages);
    const char *why = check(&o, &line, folder);
    c->cases++;
    c->asked += o.asked;
    c->failures += why != NULL;
    if (o.status >= 0)
        c->by_status[o.status]++;
    if (why)
        keep(number, &line, folder, why, &o);
    remove_tree(folder);
    unlink(messages);
    free(o.messages.data);
    fuzz_line_free(&line);
}

static void read_kit(void) {
    struct dirent **entries;
    int count = scandir(setup.kit, &entries, NULL, alphasort), inputs = 0;
    for (int i = 0; i < count; i++) {
        if (!strncmp(entries[i]->d_name, "in.", 3) && inputs < MAX_INPUTS)
            setup.inputs[inputs++] = strdup(entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (!inputs) {
        fprintf(stderr, "%s: no in.*\n", setup.kit);
        exit(2);
    }
}

int main(int argc, char **argv) {
    counts c = {0};
    setup.program = getenv("CGVIDEO");
    if (argc != 8 || !setup.program) {
        fprintf(stderr, "usage: CGVIDEO=PROGRAM %s lines|media|kept FIRST END STEP SEED KIT WORK\n",
                argv[0]);
        return 2;
    }
    setup.kind = argv[1];
    setup.seed = strtoull(argv[5], NULL, 10);
    setup.kit = argv[6];
    setup.work = argv[7];
    setup.sanitized = getenv("ASAN_OPTIONS") != NULL;
    read_kit();
    fuzz_commands_read(setup.commands, setup.program);
    for (int i = atoi(argv[2]); i < atoi(argv[3]); i += atoi(argv[4]))
        run_case(i, &c);
    printf("%d %s, %d failures, %d asked to end; by status:", c.cases, setup.kind, c.failures,
           c.asked);
    for (int i = 0; i < 256; i++)
        if (c.by_status[i])
            printf(" %d: %d", i, c.by_status[i]);
    putchar('\n');
    return c.failures > 0;
}
