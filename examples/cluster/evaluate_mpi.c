/* Evaluates methods on a list of images with all ranks of an MPI job: each rank explains every
 * size-th image, rank 0 gathers the values and prints the table of `sscam eval`. Totals do not
 * depend on the order of the cases, so the table is that of one process.
 *
 * mpirun -n 4 evaluate_mpi MODEL.pt LIST.csv METHOD[,METHOD...] [OPTION=VALUE]...
 *
 * LIST.csv has lines file,class,xmin,ymin,xmax,ymax: files relative to the working folder and
 * without commas, classes by number, boxes as PASCAL VOC has them or none. Lines of one image
 * follow one another. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

#include <sscam/sscam.h>

enum {
    MOST_OBJECTS = 64,
    MOST_METHODS = 32,
    MOST_METRICS = 16,
    PATH_SIZE = 1024,
    LINE_SIZE = 1280,
    CELL_SIZE = 64
};
enum { TABLE_COLUMNS = 100 };

/* One image of the list with the classes and boxes of its lines. */
struct entry {
    char path[PATH_SIZE];
    int64_t classes[MOST_OBJECTS];
    float boxes[4 * MOST_OBJECTS];
    int64_t box_classes[MOST_OBJECTS]; /* indices into classes */
    size_t class_count, box_count;
};

struct job {
    int rank, size;
    sscam_model *model;
    sscam_explainer *explainers[MOST_METHODS];
    const char *names[MOST_METHODS];
    size_t method_count;
    const sscam_metric *metrics[MOST_METRICS]; /* those that the option `metrics` names */
    size_t metric_count;
    struct entry *entries;
    size_t entry_count;
    uint64_t counts[2]; /* images evaluated, images skipped */
};

/* One rank's failure ends the job: the others would wait for it forever. */
static void stop(const char *what, const char *why)
{
    fprintf(stderr, "evaluate_mpi: %s: %s\n", what, why);
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

static void require(sscam_status status, const char *what)
{
    if (status != SSCAM_OK)
        stop(what, sscam_last_error());
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + !count, size);

    if (!memory)
        stop("memory", "none left");
    return memory;
}

/* --- the list --------------------------------------------------------------------------------- */

/* Position of a class among those of an image; added when it is new. */
static size_t class_position(struct entry *entry, int64_t class_index)
{
    size_t position = 0;

    while (position < entry->class_count && entry->classes[position] != class_index)
        position++;
    if (position == MOST_OBJECTS)
        stop(entry->path, "has too many classes");
    if (position == entry->class_count)
        entry->classes[entry->class_count++] = class_index;
    return position;
}

/* Whole coordinates count pixels from 1, the last one included; others are edges already. */
static void add_box(struct entry *entry, size_t position, const double box[4])
{
    bool is_whole = true;
    float *edges = entry->boxes + 4 * entry->box_count;

    if (entry->box_count == MOST_OBJECTS)
        stop(entry->path, "has too many boxes");
    for (int i = 0; i < 4; i++)
        is_whole = is_whole && box[i] == floor(box[i]);
    for (int i = 0; i < 4; i++)
        edges[i] = (float)(box[i] - (is_whole && i < 2));
    entry->box_classes[entry->box_count++] = (int64_t)position;
}

static void add_line(struct job *job, const char *line)
{
    char path[PATH_SIZE];
    long long class_index;
    double box[4];
    int fields = sscanf(line, "%1023[^,],%lld,%lf,%lf,%lf,%lf", path, &class_index, &box[0],
                        &box[1], &box[2], &box[3]);

    if (fields != 2 && fields != 6)
        stop("list", "a line is not file,class or file,class,xmin,ymin,xmax,ymax");
    if (!job->entry_count || strcmp(job->entries[job->entry_count - 1].path, path) != 0) {
        job->entries = realloc(job->entries, (job->entry_count + 1) * sizeof *job->entries);
        if (!job->entries)
            stop("memory", "none left");
        memset(&job->entries[job->entry_count], 0, sizeof *job->entries);
        strcpy(job->entries[job->entry_count++].path, path);
    }
    struct entry *entry = &job->entries[job->entry_count - 1];
    size_t position = class_position(entry, class_index);
    if (fields == 6)
        add_box(entry, position, box);
}

static void read_list(struct job *job, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[LINE_SIZE];

    if (!file)
        stop(path, "cannot be opened");
    while (fgets(line, sizeof line, file))
        if (line[strspn(line, "\r\n")] && strncmp(line, "file,class", 10) != 0)
            add_line(job, line);
    fclose(file);
}

/* --- explainers ------------------------------------------------------------------------------- */

static void set_option(sscam_explainer *explainer, const char *assignment)
{
    char name[CELL_SIZE];
    size_t length = strcspn(assignment, "=");

    if (!assignment[length] || length >= sizeof name)
        stop(assignment, "is not OPTION=VALUE");
    memcpy(name, assignment, length);
    name[length] = '\0';
    require(sscam_explainer_set(explainer, name, assignment + length + 1), "option");
}

/* `methods` is changed. */
static void create_explainers(struct job *job, char *methods, char **assignments)
{
    for (char *name = strtok(methods, ","); name; name = strtok(NULL, ",")) {
        if (job->method_count == MOST_METHODS)
            stop(name, "is one method too many");
        sscam_explainer **explainer = &job->explainers[job->method_count];
        require(sscam_explainer_create(job->model, name, explainer), name);
        job->names[job->method_count++] = name;
        for (char **assignment = assignments; *assignment; assignment++)
            set_option(*explainer, *assignment);
    }
    if (!job->method_count)
        stop("methods", "there are none");
}

static bool is_among(const char *names, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && !strncmp(at, name, length))
            return true;
    return false;
}

/* Of all metrics, those that differ from run to run have to be named. */
static bool is_wanted(const char *names, const sscam_metric *metric)
{
    if (is_among(names, "all") && sscam_metric_is_reproducible(metric))
        return true;
    return is_among(names, sscam_metric_name(metric));
}

static void find_metrics(struct job *job)
{
    char *names;

    require(sscam_explainer_get(job->explainers[0], "metrics", &names), "metrics");
    for (int64_t i = 0; i < sscam_metric_count() && job->metric_count < MOST_METRICS; i++)
        if (is_wanted(names, sscam_metric_info(i)))
            job->metrics[job->metric_count++] = sscam_metric_info(i);
    sscam_free(names);
}

/* --- evaluation and its results --------------------------------------------------------------- */

static void evaluate_images(struct job *job, sscam_evaluation *evaluation)
{
    for (size_t i = (size_t)job->rank; i < job->entry_count; i += (size_t)job->size) {
        const struct entry *entry = &job->entries[i];
        sscam_image *image = NULL;
        sscam_status status = sscam_image_read(entry->path, NULL, &image);
        sscam_evaluation_case cases = SSCAM_EVALUATION_CASE_INIT;

        cases.classes = entry->classes;
        cases.class_count = (int64_t)entry->class_count;
        cases.boxes = entry->boxes;
        cases.box_classes = entry->box_classes;
        cases.box_count = (int64_t)entry->box_count;
        if (status == SSCAM_OK)
            status = sscam_evaluation_add(evaluation, image, &cases);
        if (status != SSCAM_OK)
            fprintf(stderr, "evaluate_mpi: %s: %s\n", entry->path, sscam_last_error());
        job->counts[status != SSCAM_OK]++;
        sscam_image_unref(image);
    }
}

/* A case is sent as its class, then state and value of each metric of each method. */
static size_t record_size(const struct job *job)
{
    return 1 + 2 * job->method_count * job->metric_count;
}

static double *pack(const struct job *job, const sscam_evaluation *evaluation)
{
    const size_t count = (size_t)sscam_evaluation_case_count(evaluation);
    double *records = allocate(count * record_size(job), sizeof *records), *at = records;

    for (size_t i = 0; i < count; i++) {
        *at++ = (double)sscam_evaluation_class_index(evaluation, (int64_t)i);
        for (size_t j = 0; j < job->method_count * job->metric_count; j++, at += 2)
            at[0] = sscam_evaluation_value(evaluation, (int64_t)(j / job->metric_count), (int64_t)i,
                                           sscam_metric_id(job->metrics[j % job->metric_count]),
                                           &at[1]);
    }
    return records;
}

static void unpack(const struct job *job, const double *at, size_t count, sscam_evaluation *all)
{
    for (size_t i = 0; i < count; i++) {
        require(sscam_evaluation_add_known(all, (int64_t)*at++), "results");
        for (size_t j = 0; j < job->method_count * job->metric_count; j++, at += 2)
            if (at[0] != SSCAM_VALUE_ABSENT)
                require(sscam_evaluation_set_value(
                            all, (int64_t)(j / job->metric_count), (int64_t)i,
                            sscam_metric_id(job->metrics[j % job->metric_count]), at[1]),
                        "results");
    }
}

/* All ranks' cases, on rank 0; NULL on the others. */
static sscam_evaluation *gather(const struct job *job, const sscam_evaluation *own)
{
    int *lengths = allocate((size_t)job->size, sizeof *lengths),
        *starts = allocate((size_t)job->size, sizeof *starts);
    double *records = pack(job, own), *received = NULL;
    int length = (int)((size_t)sscam_evaluation_case_count(own) * record_size(job)), total = 0;
    sscam_evaluation *all = NULL;

    MPI_Gather(&length, 1, MPI_INT, lengths, 1, MPI_INT, 0, MPI_COMM_WORLD);
    for (int i = 0; i < job->size; i++) {
        starts[i] = total;
        total += lengths[i];
    }
    if (job->rank == 0)
        received = allocate((size_t)total, sizeof *received);
    MPI_Gatherv(records, length, MPI_DOUBLE, received, lengths, starts, MPI_DOUBLE, 0,
                MPI_COMM_WORLD);
    if (job->rank == 0) {
        require(sscam_evaluation_create(NULL, (int64_t)job->method_count, &all), "results");
        unpack(job, received, (size_t)total / record_size(job), all);
    }
    free(received);
    free(records);
    free(starts);
    free(lengths);
    return all;
}

/* --- the table -------------------------------------------------------------------------------- */

enum { TITLE, DIRECTION, FIRST_METHOD, MOST_ROWS = FIRST_METHOD + 2 * MOST_METHODS };

struct column {
    char cells[MOST_ROWS][CELL_SIZE];
    int width;
};

static const char *title_of(const char *method)
{
    const sscam_method *known = sscam_method_find(method);

    return known ? sscam_method_title(known) : method;
}

static void set_width(struct column *column, size_t row_count)
{
    for (size_t row = 0; row < row_count; row++)
        if ((int)strlen(column->cells[row]) > column->width)
            column->width = (int)strlen(column->cells[row]);
}

static void fill_column(struct column *column, const struct job *job, const sscam_evaluation *all,
                        const sscam_metric *metric)
{
    const int digits = *sscam_metric_unit(metric) ? 2 : 4;

    snprintf(column->cells[TITLE], CELL_SIZE, "%s%s%s", sscam_metric_title(metric),
             digits == 2 ? " " : "", sscam_metric_unit(metric));
    snprintf(column->cells[DIRECTION], CELL_SIZE, "%s is better",
             sscam_metric_direction(metric) > 0 ? "higher" : "lower");
    for (size_t i = 0; i < job->method_count; i++) {
        char(*cells)[CELL_SIZE] = &column->cells[FIRST_METHOD + 2 * i];
        sscam_metric_total total = SSCAM_METRIC_TOTAL_INIT;

        require(sscam_evaluation_total(all, (int64_t)i, sscam_metric_id(metric), &total), "totals");
        snprintf(cells[0], CELL_SIZE, "-");
        if (total.defined_count)
            snprintf(cells[0], CELL_SIZE, "%.*f [%.*f, %.*f]", digits, total.mean, digits,
                     total.lower, digits, total.upper);
        if (total.undefined_count)
            snprintf(cells[1], CELL_SIZE, "%" PRId64 " undefined", total.undefined_count);
    }
}

/* Column 0 and those from `first` to before `end`, without blanks at the end of a line. */
static void put_columns(const struct column *columns, size_t first, size_t end, size_t row_count)
{
    for (size_t row = 0; row < row_count; row++) {
        int blanks = 0;
        bool is_empty = true;

        for (size_t i = 0; i < end; i = i ? i + 1 : first) {
            const char *text = columns[i].cells[row];

            if (*text)
                printf("%*s%s", blanks, "", text);
            is_empty = is_empty && !*text;
            blanks = columns[i].width + 2 - (int)strlen(text) + (*text ? 0 : blanks);
        }
        if (!is_empty)
            putchar('\n');
    }
}

static void put_table(const struct job *job, const sscam_evaluation *all)
{
    const size_t row_count = FIRST_METHOD + 2 * job->method_count;
    struct column *columns = allocate(job->metric_count + 1, sizeof *columns);

    strcpy(columns[0].cells[TITLE], "method");
    for (size_t i = 0; i < job->method_count; i++)
        snprintf(columns[0].cells[FIRST_METHOD + 2 * i], CELL_SIZE, "%s", title_of(job->names[i]));
    for (size_t i = 0; i < job->metric_count; i++)
        fill_column(&columns[i + 1], job, all, job->metrics[i]);
    for (size_t i = 0; i <= job->metric_count; i++)
        set_width(&columns[i], row_count);
    for (size_t first = 1, end; first <= job->metric_count; first = end) {
        int width = columns[0].width;

        for (end = first; end <= job->metric_count; end++) {
            if (end > first && width + 2 + columns[end].width > TABLE_COLUMNS)
                break;
            width += 2 + columns[end].width;
        }
        if (first > 1)
            putchar('\n');
        put_columns(columns, first, end, row_count);
    }
    free(columns);
}

/* --- the program ----------------------------------------------------------------------------- */

static void put_results(const struct job *job, const sscam_evaluation *all,
                        const uint64_t counts[2])
{
    if (!sscam_evaluation_case_count(all))
        stop("list", "none of its images could be evaluated");
    put_table(job, all);
    printf("\n%llu images, %" PRId64 " cases of a class on an image; intervals of 95 %%",
           (unsigned long long)counts[0], sscam_evaluation_case_count(all));
    if (counts[1])
        printf("; %llu images skipped", (unsigned long long)counts[1]);
    putchar('\n');
}

static void run(struct job *job, char **arguments)
{
    sscam_evaluation *own = NULL, *all;
    uint64_t counts[2] = {0};

    read_list(job, arguments[2]);
    require(sscam_model_load(arguments[1], "cpu", &job->model), arguments[1]);
    create_explainers(job, arguments[3], arguments + 4);
    find_metrics(job);
    require(sscam_evaluation_create(job->explainers, (int64_t)job->method_count, &own),
            "evaluation");
    evaluate_images(job, own);
    all = gather(job, own);
    MPI_Reduce(job->counts, counts, 2, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
    if (job->rank == 0)
        put_results(job, all, counts);
    sscam_evaluation_unref(all);
    sscam_evaluation_unref(own);
    for (size_t i = 0; i < job->method_count; i++)
        sscam_explainer_unref(job->explainers[i]);
    sscam_model_unref(job->model);
    free(job->entries);
}

int main(int argc, char **argv)
{
    struct job job = {0};

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &job.size);
    if (argc < 4) {
        if (job.rank == 0)
            fprintf(stderr,
                    "usage: evaluate_mpi MODEL.pt LIST.csv METHOD[,METHOD...] [OPTION=VALUE]...\n");
        MPI_Finalize();
        return 2;
    }
    run(&job, argv);
    MPI_Finalize();
    return 0;
}
