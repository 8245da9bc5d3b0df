#include "app/folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

cgv_status cgv_make_folder(const char *path) {
    struct stat st;
    if (!mkdir(path, 0777) || (errno == EEXIST && !stat(path, &st) && S_ISDIR(st.st_mode)))
        return CGV_OK;
    return cgv_fail(CGV_ERROR_IO, "%s: cannot make this folder: %s", path, strerror(errno));
}

cgv_status cgv_make_folders(const char *path) {
    char *copy = strdup(path);
    cgv_status status = copy ? CGV_OK : cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", path);
    for (char *slash = copy && *copy ? strchr(copy + 1, '/') : NULL; slash && !status;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        status = cgv_make_folder(copy);
        *slash = '/';
    }
    free(copy);
    return status ? status : cgv_make_folder(path);
}
