// A program that uses libtorch itself, with settings, threads and callbacks of its own, none of
// which may change what the library computes.
//
// hostile_host --list                        the cases, one a line
// hostile_host CASE MODEL IMAGE REFERENCE    runs one; prints nothing when it passes
//
// The case `reference` writes the maps of a clean process, which the others are compared with. Each
// case wants a process of its own; test_hosts.py starts them.
#include <exception>
#include <iostream>

#include <unistd.h>

#include "cases.hpp"

namespace {

constexpr unsigned most_seconds = 240; // a case that hangs is ended by its alarm

void write_reference(const Files &files)
{
    const Owned<sscam_model> model = load_model(files);
    write_maps(files.reference, explain_by_all(model.get(), read_image(files).get()));
}

std::vector<Case> all_cases()
{
    std::vector<Case> cases;
    for (const auto &group : {setting_cases(), callback_cases(), thread_cases(), fork_cases()})
        cases.insert(cases.end(), group.begin(), group.end());
    return cases;
}

int run(const std::string &name, const Files &files)
{
    std::vector<Case> cases = all_cases();
    cases.push_back({"reference", write_reference});
    for (const Case &candidate : cases)
        if (candidate.name == name) {
            alarm(most_seconds);
            candidate.run(files);
            return 0;
        }
    throw std::runtime_error("there is no case " + name);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc == 2 && std::string(argv[1]) == "--list") {
        for (const Case &listed : all_cases())
            std::cout << listed.name << '\n';
        return 0;
    }
    if (argc != 5) {
        std::cerr << "usage: hostile_host --list | CASE MODEL IMAGE REFERENCE\n";
        return 2;
    }
    try {
        return run(argv[1], {argv[2], argv[3], argv[4]});
    } catch (const std::exception &failure) {
        std::cerr << "hostile_host: " << argv[1] << ": " << failure.what() << '\n';
        return 1;
    }
}
