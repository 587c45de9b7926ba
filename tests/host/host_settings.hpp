// Settings of a program that uses libtorch itself. The library may neither compute by them nor
// change them.
#ifndef SSCAM_TESTS_HOST_HOST_SETTINGS_HPP
#define SSCAM_TESTS_HOST_HOST_SETTINGS_HPP

#include <map>
#include <memory>
#include <string>
#include <vector>

// Undoes a setting when it is destroyed.
using Undo = std::shared_ptr<void>;

struct Setting {
    const char *name;
    Undo (*turn_on)();
};

// All that cases turn on one by one.
const std::vector<Setting> &all_settings();

// Not among them: see expected_failures.py.
const Setting &rounding_up();

// Holds settings on while it lives; the last is undone first.
class SettingsOn {
public:
    explicit SettingsOn(const std::vector<Setting> &settings);
    ~SettingsOn();
    SettingsOn(const SettingsOn &) = delete;
    SettingsOn &operator=(const SettingsOn &) = delete;

private:
    std::vector<Undo> undo_;
};

// What the library could have changed, as text by name.
using HostState = std::map<std::string, std::string>;
HostState read_host_state();

// Throws an exception that names what differs.
void require_same_state(const HostState &after, const HostState &before);

#endif
