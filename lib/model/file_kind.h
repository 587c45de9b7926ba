/* What a file is that no engine reads: another format, or the right one written the wrong way. */
#ifndef SSCAM_LIB_MODEL_FILE_KIND_H
#define SSCAM_LIB_MODEL_FILE_KIND_H

#include "base/byte_source.h"

/* For a file that was refused with SSCAM_E_FORMAT, whose message is set. Where the content is
 * recognised as another format, the message becomes what it is and how to export the network
 * instead; it is left as it is for damaged files of a format that is read. SSCAM_E_FORMAT, or
 * SSCAM_E_IO where the file can no longer be read. */
sscam_status sscam_fail_file_kind(const sscam_byte_source *source);

#endif
