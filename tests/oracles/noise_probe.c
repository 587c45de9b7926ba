/* Writes what sscam_noise_fill() gives, for test_philox.py to compare with float64.
 *
 * usage: noise_probe OUTPUT < requests
 * A request is a line "seed channel sample image first count"; OUTPUT receives the float32 values
 * of all requests, one after another. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "masks/noise.h"

/* One line of standard input. */
typedef struct request {
    sscam_noise_plane plane;
    int64_t first, count;
} request;

/* 1: read; 0: the input ends here; -1: not a request. */
static int read_request(request *out)
{
    int fields = scanf("%" SCNd64 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNd64 " %" SCNd64,
                       &out->plane.seed, &out->plane.channel, &out->plane.sample, &out->plane.image,
                       &out->first, &out->count);

    if (fields == EOF)
        return 0;
    return fields == 6 && out->first >= 0 && out->count > 0 ? 1 : -1;
}

static int write_values(const request *wanted, FILE *output)
{
    size_t count = (size_t)wanted->count;
    float *values = malloc(count * sizeof *values);
    int written;

    if (!values)
        return 0;
    sscam_noise_fill(&wanted->plane, wanted->first, wanted->count, values);
    written = fwrite(values, sizeof *values, count, output) == count;
    free(values);
    return written;
}

int main(int argc, char **argv)
{
    FILE *output;
    request next;
    int more, good = 1;

    if (argc != 2) {
        fprintf(stderr, "usage: noise_probe OUTPUT < requests\n");
        return 2;
    }
    output = fopen(argv[1], "wb");
    if (!output) {
        perror(argv[1]);
        return 1;
    }
    while ((more = read_request(&next)) == 1 && good)
        good = write_values(&next, output);
    if (fclose(output) != 0 || !good || more != 0) {
        fprintf(stderr, "noise_probe: a request could not be read or written\n");
        return 1;
    }
    return 0;
}
