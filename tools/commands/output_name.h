/* Names of the files that several maps of one call are written to. */
#ifndef SSCAM_TOOLS_COMMANDS_OUTPUT_NAME_H
#define SSCAM_TOOLS_COMMANDS_OUTPUT_NAME_H

/* What tells a map from the others of its call; NULL for what they all have in common. */
struct name_parts {
    const char *image, *method, *layer, *class_name, *input;
};

/* `overlay.png` with the parts before the extension: `overlay-grad-cam-layer4-281.png`. Characters
 * of a part that are awkward in file names become '_'. The caller frees it. */
char *output_name(const char *path, const struct name_parts *parts);

/* `path` with the parts and a suffix after it: `maps/dog-grad-cam-raw.npy`. */
char *output_name_in_folder(const char *path, const struct name_parts *parts, const char *suffix);

#endif
