// The files of a job's folder, by their names: what is called otherwise is somebody else's.
#ifndef CGV_APP_JOURNAL_FILES_H
#define CGV_APP_JOURNAL_FILES_H

#define CGV_JOURNAL_NAME    "journal.json"
#define CGV_JOURNAL_OUTPUT  "output.part"
#define CGV_JOURNAL_SEGMENT "%06d.packets"
#define CGV_JOURNAL_STATE   "%06d.state"

typedef enum cgv_journal_file {
    CGV_JOURNAL_FILE_OTHER, // none of a job
    CGV_JOURNAL_FILE_JOURNAL,
    CGV_JOURNAL_FILE_SEGMENT,
    CGV_JOURNAL_FILE_STATE,
    CGV_JOURNAL_FILE_PART, // one that is not whole
} cgv_journal_file;

// index: of a segment or a state.
cgv_journal_file cgv_journal_file_kind(int *index, const char *name);

#endif
