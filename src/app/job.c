#include "app/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/input_identity.h"
#include "app/journal.h"
#include "app/kernels.h"
#include "app/text.h"
#include "base/crc32c.h"
#include "base/fs.h"
#include "base/log.h"

struct cgv_job {
    cgv_job_params params;
    cgv_journal journal;
    char *path, *part;
    void *state; // behind the last whole segment, where an earlier run ended
    cgv_job_done done;
    // Of the segments so far, and what is to become the next one:
    bool writing;
    int64_t frames, last_pts;
    AVRational clock;
    bool finished;
};

static cgv_status no_memory(const cgv_job *job) {
    return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", job->params.url);
}

static char *folder_of(const char *path) {
    return cgv_fs_format("%s.segments", path);
}

bool cgv_job_exists(const char *path) {
    char *folder = folder_of(path);
    bool exists = folder && cgv_journal_exists(folder);
    free(folder);
    return exists;
}

static cgv_status read_state(cgv_job *job) {
    const cgv_journal *journal = &job->journal;
    if (journal->complete || !journal->state_bytes)
        return CGV_OK;
    char *path = cgv_journal_state(journal, journal->count);
    size_t size;
    cgv_status status =
        path ? cgv_fs_read(&job->state, &size, path, (size_t)journal->state_bytes) : no_memory(job);
    if (!status && ((int64_t)size != journal->state_bytes ||
                    cgv_crc32c(0, job->state, size) != journal->state_crc))
        status = cgv_fail(CGV_ERROR_FORMAT, "%s: damaged: delete its folder and begin anew", path);
    free(path);
    return status;
}

static void say_what_is_there(const cgv_job *job) {
    const cgv_journal *journal = &job->journal;
    char time[32];
    cgv_text_time(time, sizeof time, journal->place.time);
    if (journal->count)
        cgv_log(CGV_LOG_INFO, "%s: going on at %s, frame %lld, behind %d segment%s",
                job->params.url, time, (long long)journal->place.frames, journal->count,
                journal->count > 1 ? "s" : "");
}

cgv_status cgv_job_open(cgv_job **out, const cgv_job_params *params) {
    cgv_job *job = *out = calloc(1, sizeof *job);
    if (!job) {
        json_decref(params->identity);
        return cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", params->url);
    }
    job->params = *params;
    job->path = strdup(params->path);
    cgv_journal *journal = &job->journal;
    cgv_status status =
        cgv_journal_open(journal, folder_of(params->path), params->identity, params->resume);
    if (!status)
        status = read_state(job);
    if (!status)
        status = cgv_kernels_take(params->device, journal->kernels, params->url);
    if (!status && !job->path)
        status = no_memory(job);
    if (!status && !(job->part = cgv_fs_format("%s/output.part", journal->folder)))
        status = no_memory(job);
    if (status) {
        job->finished = true; // what there is to say was said
        cgv_job_close(out);
        return status;
    }
    job->frames = journal->frames;
    job->last_pts = journal->last_pts;
    job->clock = journal->clock;
    job->done = (cgv_job_done){
        .segment = params->segment,
        .complete = journal->complete,
        .frames = journal->frames,
        .last_pts = journal->last_pts,
        .clock = journal->clock,
        .place = journal->place,
        .state = job->state,
        .state_size = job->state ? (uint64_t)journal->state_bytes : 0,
    };
    say_what_is_there(job);
    return CGV_OK;
}

cgv_job_done cgv_job_get_done(const cgv_job *job) {
    return job->done;
}

const char *cgv_job_part(const cgv_job *job) {
    return job->part;
}

static cgv_status write_state(const cgv_job *job, const AVBufferRef *state) {
    if (!state)
        return CGV_OK;
    char *path = cgv_journal_state(&job->journal, job->journal.count + 1);
    cgv_status status = path ? cgv_fs_write(path, state->data, state->size) : no_memory(job);
    free(path);
    return status;
}

static void delete_state(const cgv_job *job, int i) {
    char *path = cgv_journal_state(&job->journal, i);
    if (path)
        unlink(path);
    free(path);
}

// state: of the filter behind the segment, NULL where it has none or this is the last one.
static cgv_status end_segment(cgv_job *job, cgv_sink *sink, const AVBufferRef *state, bool last) {
    cgv_journal *journal = &job->journal, before = *journal;
    cgv_packets_sum sum;
    cgv_status status = cgv_sink_end_segment(sink, &sum);
    if (!status)
        status = write_state(job, state);
    if (status)
        return status;
    job->writing = false;
    journal->complete = last;
    journal->frames = job->frames;
    journal->last_pts = job->last_pts;
    journal->clock = job->clock;
    journal->place = cgv_sink_get_place(sink);
    journal->state_bytes = state ? (int64_t)state->size : 0;
    journal->state_crc = state ? cgv_crc32c(0, state->data, state->size) : 0;
    journal->kernels = cgv_kernels_taken(job->params.device);
    status = journal->kernels ? cgv_journal_append(journal, &sum) : no_memory(job);
    if (!status) {
        json_decref(before.kernels);
        delete_state(job, journal->count - 1);
        return CGV_OK;
    }
    json_decref(journal->kernels);
    before.segments = journal->segments; // the same ones, which may have moved
    *journal = before;
    return status;
}

static cgv_status begin_segment(cgv_job *job, cgv_sink *sink) {
    char *path = cgv_journal_segment(&job->journal, job->journal.count);
    cgv_status status = path ? cgv_sink_begin_segment(sink, path) : no_memory(job);
    job->writing = !status;
    free(path);
    return status;
}

cgv_status cgv_job_write(cgv_job *job, cgv_sink *sink, cgv_item item) {
    cgv_status status = CGV_OK;
    if (item.begins && job->writing)
        status = end_segment(job, sink, item.state, false);
    if (!status && item.begins)
        status = begin_segment(job, sink);
    if (status) {
        cgv_item_free(&item);
        return status;
    }
    job->frames++;
    job->last_pts = item.frame->pts;
    job->clock = item.frame->time_base;
    return cgv_sink_write(sink, item);
}

static cgv_status join(cgv_job *job, cgv_sink *sink) {
    cgv_source_params params = job->params.source;
    params.no_frames = true;
    cgv_source *source;
    cgv_log(CGV_LOG_VERBOSE, "%s: joining %d segments", job->params.url, job->journal.count);
    cgv_status status = cgv_source_open(&source, &params);
    if (!status)
        status = cgv_join_segments(sink, source, job->journal.segments, job->journal.count,
                                   job->params.stop);
    cgv_source_close(&source);
    return status;
}

// Is the input still the one of the first frame, and so of all segments?
static cgv_status check_input(cgv_job *job) {
    cgv_status status = cgv_input_check(json_object_get(job->journal.job, CGV_IDENTITY_INPUT),
                                        job->params.source.url);
    job->finished = status != CGV_OK; // nothing can be gone on with
    return status;
}

// The output is there, whole and on the disk; its name may not survive a loss of power.
static void sync_name(const cgv_job *job) {
    char *folder = cgv_fs_folder(job->path);
    int error = folder ? cgv_fs_try_sync(folder) : ENOMEM;
    free(folder);
    if (error)
        cgv_log(CGV_LOG_WARNING, "%s: its folder cannot be synced: %s", job->params.url,
                strerror(error));
}

cgv_status cgv_job_finish(cgv_job *job, cgv_sink *sink) {
    // Where the input was left early, its last segment is not whole.
    if (atomic_load(job->params.stop))
        return CGV_ERROR_INTERRUPTED;
    cgv_status status = check_input(job);
    if (!status && job->writing)
        status = end_segment(job, sink, NULL, true);
    if (!status)
        status = join(job, sink);
    if (!status)
        status = check_input(job);
    if (!status)
        status = cgv_sink_finish(sink);
    if (!status) {
        sync_name(job);
        job->finished = true;
        cgv_journal_remove(&job->journal);
    }
    return status;
}

void cgv_job_close(cgv_job **handle) {
    if (!handle || !*handle)
        return;
    cgv_job *job = *handle;
    const cgv_journal *journal = &job->journal;
    char time[32];
    cgv_text_time(time, sizeof time, journal->place.time);
    if (!job->finished && journal->count)
        cgv_log(CGV_LOG_INFO, "%s: not finished; the same command%s goes on at %s", job->params.url,
                job->params.resume ? "" : " with -resume", time);
    cgv_journal_close(&job->journal);
    free(job->path);
    free(job->part);
    free(job->state);
    free(job);
    *handle = NULL;
}
