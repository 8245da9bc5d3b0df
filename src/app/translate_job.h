// A translation as a long job: may it be one, and what makes it this one.
#ifndef CGV_APP_TRANSLATE_JOB_H
#define CGV_APP_TRANSLATE_JOB_H

#include "app/job.h"
#include "app/translate.h"

// Whether the output is written in segments.
bool cgv_translate_segmented(const cgv_translate_options *options);

// Is there such a job, which may be gone on with?
bool cgv_translate_resumes(const cgv_translate_options *options);

// source: how the input was opened, and what it is.
CGV_NODISCARD cgv_status cgv_translate_job_open(cgv_job **out, const cgv_translate_options *options,
                                                const cgv_source_params *source,
                                                const cgv_source_info *info, cgv_device *device);

#endif
