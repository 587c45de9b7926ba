/* Files that are no network for the engine are named, with what to do. */
#include <stdlib.h>

#include "support/assertions.h"
#include "support/check_main.h"
#include "support/fake_backend.h"
#include "support/zip_builder.h"

/* What the engine says of files that it does not know. */
#define OF_ENGINE "not a fake network"

static void assert_refused(const void *data, size_t size, const char *words)
{
    sscam_model *model = (sscam_model *)&fake_counted;
    ASSERT_FAILS(sscam_model_load_memory(data, size, "cpu", &model), SSCAM_E_FORMAT, words);
    ck_assert_ptr_null(model);
    ASSERT_MESSAGE_NAMES("memory: ");
}

/* --- formats by their first bytes ------------------------------------------------------------- */

#define STARTS(text) text, sizeof(text) - 1

static const struct {
    const char *bytes;
    size_t size;
    const char *words;
} starts[] = {
    {STARTS("\x89PNG\r\n\x1a\n----"), "the network and the image changed places"},
    {STARTS("\xff\xd8\xff\xe0----"), "an image"},
    {STARTS("GIF89a----"), "an image"},
    {STARTS("RIFF\1\2\3\4WEBPVP8 "), "an image"},
    {STARTS("\x93NUMPY\1\0v\0"), "the network and the input changed places"},
    {STARTS("\x89HDF\r\n\x1a\n----"), "Keras"},
    {STARTS("\x1c\0\0\0TFL3----"), "TensorFlow Lite"},
    {STARTS("\x3c\0\0\0PTMF----"), "lite interpreter"},
    {STARTS("\x3c\0\0\0ET12----"), "ExecuTorch"},
    {STARTS("GGUF\3\0\0\0----"), "GGUF"},
    {STARTS("\x7f"
            "ELF\2\1\1----"),
     "torch.export.save(program"},
    {STARTS("\x1f\x8b\x08----"), "gzip; unpack it"},
    {STARTS("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"), "git lfs pull"},
    {STARTS("\n  <!DOCTYPE HTML><html><head>"), "a web page"},
    {STARTS("<html lang=\"en\">"), "a web page"},
    {STARTS("<?xml version=\"1.0\"?>\n<net name=\"n\" version=\"11\">"), "OpenVINO"},
    {STARTS("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"), "XML"},
    {STARTS("{\"architectures\": [\"ResNet\"]}"), "configuration"},
    {STARTS("import torch\nclass Net:\n"), "a text file that starts with \"import torch\""},
    {STARTS("\x50\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
            "------------------------------------"),
     "safetensors"},
    {STARTS("\x08\x07\x12\x07pytorch\x1a\x05"
            "1.13.:"),
     "ONNX"},
    {STARTS("\x08\x08\x3a\x80\x01\x0a\x20----------"), "ONNX"},
    {STARTS("\x08\x01\x12\xd0\x80\x01\x0a\x10----------"), "SavedModel"},
    {STARTS("\x08\x04\x12\x30\x0a\x10-----------"), "Core ML"},
    {STARTS("\x0a\x20\x0a\x05input\x12\x0bPlaceholder--"), "a TensorFlow graph"},
    {STARTS("\0\1\2"), "the bytes 00 01 02"},
    {STARTS("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "the bytes 00 00"},
};

START_TEST(starts_are_recognised)
{
    assert_refused(starts[_i].bytes, starts[_i].size, starts[_i].words);
}
END_TEST

/* --- pickles ---------------------------------------------------------------------------------- */

#define TENSOR "ctorch._utils\n_rebuild_tensor_v2\nq\3("
#define KEY(length, name) "X" length "\0\0\0" name "q\2"

/* The header of files that torch.save() wrote before 1.6. */
#define OLD                                                                           \
    "\x80\2\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\2M\xe9\3.\x80\2}q\0(X\x10\0\0\0" \
    "protocol_versionq\1M\xe9\3u."

static const struct {
    const char *bytes;
    size_t size;
    const char *words;
} pickles[] = {
    {STARTS("\x80\2ccollections\nOrderedDict\nq\0)Rq\1(" KEY("\6", "weight") TENSOR),
     "a state dict"},
    {STARTS("\x80\2}q\0(" KEY("\6", "weight") TENSOR), "a state dict"},
    {STARTS(
         "\x80\2}q\0(" KEY("\5", "epoch") "K\3" KEY("\5", "model") "ccollections\nOrderedDict\n"),
     "a dictionary whose first key is \"epoch\""},
    {STARTS("\x80\2}q\0(" KEY("\5", "epoch") "K\3" KEY(
         "\5", "model") "ctorch.nn.modules.linear\nLinear\n"),
     "a checkpoint with a whole network"},
    {STARTS("\x80\2ctorchvision.models.resnet\nResNet\nq\0)"), "torchvision.models.resnet.ResNet"},
    {STARTS("\x80\4\x95\x10\0\0\0\0\0\0\0\x8c\3net\x94\x8c\3Net\x94\x93\x94)"), "class net.Net"},
    {STARTS("\x80\4\x95\x10\0\0\0\0\0\0\0\x8c\x0b"
            "collections\x94\x8c\x0bOrderedDict\x94\x93"),
     "a state dict"},
    {STARTS("\x80\2" TENSOR), "a tensor"},
    {STARTS("\x80\2]q\0K\1a."), "a pickle of Python without a network"},
    {STARTS("\x80\2\xff\xff"), "a pickle of Python without a network"},
    {STARTS(OLD "\x80\2ccollections\nOrderedDict\nq\0)Rq\1("), "a state dict"},
    {STARTS(OLD "\x80\2(X\6\0\0\0moduleq\0cnet\nNet\nq\1X"), "class net.Net"},
};

START_TEST(pickles_are_recognised)
{
    assert_refused(pickles[_i].bytes, pickles[_i].size, pickles[_i].words);
}
END_TEST

START_TEST(pickles_in_archives_are_recognised)
{
    zip_builder zip = {0};
    zip_add(&zip, "net/data.pkl", pickles[_i].bytes, pickles[_i].size, 0);
    zip_add(&zip, "net/data/0", "1234", 4, 0);
    zip_finish(&zip);
    if (strncmp(pickles[_i].bytes, OLD, sizeof OLD - 1) != 0) /* no archive has that header */
        assert_refused(zip.bytes, zip.size, pickles[_i].words);
}
END_TEST

START_TEST(long_class_names_are_cut)
{
    char bytes[400] = "\x80\2c";
    memset(bytes + 3, 'm', 390);
    bytes[200] = '\n';
    bytes[392] = '\n';
    assert_refused(bytes, 393, "class mmmm");
}
END_TEST

/* --- archives --------------------------------------------------------------------------------- */

static const struct {
    const char *names[4];
    const char *words;
} archives[] = {
    {{"net/data/aotinductor/model/a.so", "net/archive_format"}, "a package of AOTInductor"},
    {{"data/aotinductor/model/a.so"}, "a package of AOTInductor"},
    {{"net/bytecode.pkl", "net/data.pkl"}, "lite interpreter"},
    {{"metadata.json", "config.json", "model.weights.h5"}, "a Keras network"},
    {{"MAR-INF/MANIFEST.json", "net.pt"}, "TorchServe"},
    {{"Manifest.json", "Data/com.apple.CoreML/model.mlmodel"}, "Core ML"},
    {{"net/saved_model.pb"}, "SavedModel"},
    {{"a.npy", "b.npy"}, ".npz"},
    {{"photos/1.jpg", "photos/2.jpg"}, "its first entry is \"photos/1.jpg\""},
    {{NULL}, "its first entry is \"\""},
    /* Of formats that are read, the engine says what is wrong. */
    {{"net/constants.pkl", "net/code/__torch__.py", "net/data.pkl"}, OF_ENGINE},
    {{"net/constants.pkl", "net/code/__torch__.py", "net/data.pkl", "net/bytecode.pkl"}, OF_ENGINE},
    {{"net/models/model.json", "net/archive_format", "net/data/aotinductor/model/a.so"}, OF_ENGINE},
    {{"serialized_exported_program.json", "version"}, OF_ENGINE},
};

static void build_archive(zip_builder *zip, int number)
{
    for (int i = 0; i < 4 && archives[number].names[i]; i++)
        zip_add(zip, archives[number].names[i], "content", 7, 0);
}

START_TEST(archives_are_recognised)
{
    zip_builder zip = {0};
    build_archive(&zip, _i);
    zip_finish(&zip);
    assert_refused(zip.bytes, zip.size, archives[_i].words);
}
END_TEST

START_TEST(large_archives_are_recognised)
{
    zip_builder zip = {0};
    build_archive(&zip, _i);
    zip_finish64(&zip);
    if (zip.count > 0) /* or it starts otherwise */
        assert_refused(zip.bytes, zip.size, archives[_i].words);
}
END_TEST

START_TEST(a_comment_may_follow)
{
    static const size_t comments[] = {1, 4000, 4096, 5000, 65535};
    zip_builder zip = {0};
    zip_add(&zip, "a.npy", "content", 7, 0);
    const size_t directory = zip_put_directory(&zip);
    zip_put_end(&zip, directory, zip.size - directory, comments[_i]);
    assert_refused(zip.bytes, zip.size, ".npz");
}
END_TEST

START_TEST(a_compressed_pickle_is_not_read)
{
    zip_builder zip = {0};
    zip_add(&zip, "net/data.pkl", pickles[0].bytes, pickles[0].size, 8);
    zip_finish(&zip);
    assert_refused(zip.bytes, zip.size, "a pickle of Python");
}
END_TEST

/* --- damaged and hostile files ---------------------------------------------------------------- */

/* In memory of exactly that size, so that sanitizers see reads beyond the end. */
static void assert_exact_copy_refused(const uint8_t *bytes, size_t size, const char *words)
{
    uint8_t *copy = malloc(size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    assert_refused(copy, size, words);
    free(copy);
}

static void build_checkpoint(zip_builder *zip)
{
    zip_add(zip, "net/data.pkl", pickles[3].bytes, pickles[3].size, 0);
    zip_add(zip, "net/data/0", "1234", 4, 0);
    zip_finish64(zip);
}

START_TEST(files_that_end_early_are_told)
{
    zip_builder zip = {0};
    build_checkpoint(&zip);
    for (size_t size = 4; size < zip.size; size++)
        assert_exact_copy_refused(zip.bytes, size, "incomplete");
}
END_TEST

START_TEST(every_start_of_every_file_is_refused)
{
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (size_t size = 1; size <= starts[i].size; size++)
            assert_exact_copy_refused((const uint8_t *)starts[i].bytes, size, "");
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++)
        for (size_t size = 1; size <= pickles[i].size; size++)
            assert_exact_copy_refused((const uint8_t *)pickles[i].bytes, size, "");
}
END_TEST

START_TEST(every_changed_byte_is_survived)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    zip_builder zip = {0};
    build_checkpoint(&zip);
    for (size_t at = 0; at < zip.size; at++)
        for (size_t i = 0; i < sizeof values; i++) {
            const uint8_t before = zip.bytes[at];
            zip.bytes[at] = values[i];
            assert_exact_copy_refused(zip.bytes, zip.size, "");
            zip.bytes[at] = before;
        }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("file kind");
    TCase *formats = add_tcase(suite, "formats", fake_reset, NULL);
    tcase_add_loop_test(formats, starts_are_recognised, 0, sizeof starts / sizeof *starts);
    tcase_add_loop_test(formats, pickles_are_recognised, 0, sizeof pickles / sizeof *pickles);
    tcase_add_loop_test(formats, pickles_in_archives_are_recognised, 0,
                        sizeof pickles / sizeof *pickles);
    tcase_add_test(formats, long_class_names_are_cut);
    tcase_add_loop_test(formats, archives_are_recognised, 0, sizeof archives / sizeof *archives);
    tcase_add_loop_test(formats, large_archives_are_recognised, 0,
                        sizeof archives / sizeof *archives);
    tcase_add_loop_test(formats, a_comment_may_follow, 0, 5);
    tcase_add_test(formats, a_compressed_pickle_is_not_read);
    TCase *damaged = add_tcase(suite, "damaged", fake_reset, NULL);
    tcase_add_test(damaged, files_that_end_early_are_told);
    tcase_add_test(damaged, every_start_of_every_file_is_refused);
    tcase_add_test(damaged, every_changed_byte_is_survived);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
