#include "load/operator_library.hpp"

#include <cstring>
#include <vector>

#include <dlfcn.h>
#include <elf.h>

#include "base/byte_source.h"
#include "common/guard.hpp"

namespace sscam {

namespace {

constexpr uint64_t most_entries = 1 << 16, longest_name = 4096;
constexpr size_t largest_file = size_t(1) << 36;

// Reads what a shared library needs. Of files of another kind nothing: dlopen() says what is wrong.
class NeededLibraries {
public:
    explicit NeededLibraries(const std::string &path)
        : is_open_(sscam_byte_source_open(path.c_str(), largest_file, &file_) == SSCAM_OK)
    {
    }
    ~NeededLibraries()
    {
        if (is_open_)
            sscam_byte_source_close(&file_);
    }
    NeededLibraries(const NeededLibraries &) = delete;
    NeededLibraries &operator=(const NeededLibraries &) = delete;

    std::vector<std::string> names()
    {
        std::vector<std::string> found;
        Elf64_Ehdr header;
        if (!read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
            header.e_ident[EI_CLASS] != ELFCLASS64)
            return found;
        for (uint64_t i = 0; i < header.e_phnum; i++) {
            Elf64_Phdr segment;
            if (!read(header.e_phoff + i * sizeof segment, segment))
                return found;
            segments_.push_back(segment);
        }
        for (const Elf64_Phdr &segment : segments_)
            if (segment.p_type == PT_DYNAMIC)
                read_dynamic(segment, found);
        return found;
    }

private:
    template <class Struct>
    bool read(uint64_t offset, Struct &into)
    {
        return is_open_ && offset < file_.size && file_.size - offset >= sizeof into &&
               sscam_byte_source_read(&file_, offset, &into, sizeof into) == SSCAM_OK;
    }

    // Position in the file of an address; the address itself where no segment has it.
    uint64_t offset_of(uint64_t address) const
    {
        for (const Elf64_Phdr &segment : segments_)
            if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
                address - segment.p_vaddr < segment.p_filesz)
                return segment.p_offset + (address - segment.p_vaddr);
        return address;
    }

    std::string text_at(uint64_t offset)
    {
        std::string text;
        for (char next = '\0';
             text.size() < longest_name && read(offset + text.size(), next) && next != '\0';)
            text += next;
        return text;
    }

    void read_dynamic(const Elf64_Phdr &segment, std::vector<std::string> &found)
    {
        uint64_t names = 0;
        std::vector<uint64_t> needed;
        for (uint64_t i = 0; i < most_entries; i++) {
            Elf64_Dyn entry;
            if (!read(segment.p_offset + i * sizeof entry, entry) || entry.d_tag == DT_NULL)
                break;
            if (entry.d_tag == DT_STRTAB)
                names = offset_of(entry.d_un.d_ptr);
            if (entry.d_tag == DT_NEEDED)
                needed.push_back(entry.d_un.d_val);
        }
        for (uint64_t position : needed)
            found.push_back(text_at(names + position));
    }

    sscam_byte_source file_;
    const bool is_open_;
    std::vector<Elf64_Phdr> segments_;
};

bool is_of_libtorch(const std::string &name)
{
    return name.rfind("libtorch", 0) == 0 || name.rfind("libc10", 0) == 0;
}

bool is_loaded(const std::string &name)
{
    void *handle = dlopen(name.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (handle)
        dlclose(handle);
    return handle != nullptr;
}

} // namespace

void load_operator_library(const std::string &path)
{
    for (const std::string &name : NeededLibraries(path).names())
        if (is_of_libtorch(name) && name.rfind("libtorch_python", 0) != 0 && !is_loaded(name))
            throw Error(
                SSCAM_E_UNSUPPORTED,
                "it needs " + name +
                    ", which is not the libtorch that libsscam uses: build it for that one");
    if (!dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        const char *reason = dlerror();
        throw Error(SSCAM_E_IO, reason ? reason : "dlopen() gives no reason");
    }
}

} // namespace sscam
