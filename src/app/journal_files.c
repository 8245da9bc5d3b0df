#include "app/journal_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool take(const char **rest, const char *text) {
    size_t length = strlen(text);
    if (strncmp(*rest, text, length) != 0)
        return false;
    *rest += length;
    return true;
}

// Digits, no more than an int holds in any case.
static bool take_number(const char **rest, int *number, size_t least) {
    size_t digits = strspn(*rest, "0123456789");
    if (digits < least || digits > 9 || (digits > least && **rest == '0'))
        return false;
    *number = atoi(*rest);
    *rest += digits;
    return true;
}

cgv_journal_file cgv_journal_file_kind(int *index, const char *name) {
    int process;
    const char *rest = name;
    cgv_journal_file kind = CGV_JOURNAL_FILE_OTHER;
    *index = -1;
    if (!strcmp(name, CGV_JOURNAL_OUTPUT))
        return CGV_JOURNAL_FILE_PART;
    bool part = take(&rest, "."); // as cgv_fs_part_name has it
    if (take(&rest, CGV_JOURNAL_NAME))
        kind = CGV_JOURNAL_FILE_JOURNAL;
    else if (take_number(&rest, index, 6))
        kind = take(&rest, ".packets") ? CGV_JOURNAL_FILE_SEGMENT
               : take(&rest, ".state") ? CGV_JOURNAL_FILE_STATE
                                       : CGV_JOURNAL_FILE_OTHER;
    if (kind && part)
        kind = take(&rest, ".") && take_number(&rest, &process, 1) && take(&rest, ".part")
                   ? CGV_JOURNAL_FILE_PART
                   : CGV_JOURNAL_FILE_OTHER;
    return *rest ? CGV_JOURNAL_FILE_OTHER : kind;
}
