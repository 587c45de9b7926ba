# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # variables are those of run-tests
# The stages of ./run-tests --sanitizers. Sourced by run-tests, whose functions it uses; not run.
#
#   build-tsan   races: the core's suites, with the fake backend. The whole library cannot be
#                checked, since libtorch is built without ThreadSanitizer
#   build-asan   addresses, leaks and undefined behaviour: the core's suites, the fuzz corpora
#
# With --sanitizers=all also what links libtorch, whose headers are slow to compile so:
#
#   build-asan   libsscam: every method in threads, and the program
#   build        valgrind over one explanation by every method

suppressions=$PWD/tests/sanitizers

# sanitized_build FOLDER KIND TARGET...: like build(), but for the named targets alone.
sanitized_build() {
    folder=$1 kind=$2
    shift 2
    if ! [ -f "$folder/build.ninja" ]; then
        say "configuring $folder"
        meson setup "$folder" -Dtorch_python="$debian_python" -Db_sanitize="$kind" \
            -Db_lundef=false -Dbuildtype=debugoptimized -Ddefault_library=shared >/dev/null ||
            fail "meson could not configure $folder"
    fi
    ninja -C "$folder" "$@" || fail "building $folder failed"
}

# Any report ends the program with a failure. Suites ask for memory that there is not, on purpose.
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1
export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
# ThreadSanitizer does not see how OpenBLAS's own threads wait for each other.
export OPENBLAS_NUM_THREADS=1
export LSAN_OPTIONS=print_suppressions=0:suppressions="$suppressions/leaks.supp"

run_core_sanitizers() {
    sanitized_build build-tsan thread core_programs
    run_leg build-tsan --timeout-multiplier 4 --suite core
    sanitized_build build-asan address,undefined core_programs fuzz_programs
    run_leg build-asan --timeout-multiplier 4 --suite core --suite fuzz
}

run_torch_sanitizers() {
    sanitized_build build-asan address,undefined torch_programs
    run_leg build-asan --timeout-multiplier 4 --suite torch
    [ -f build/build.ninja ] || meson setup build -Dtorch_python="$debian_python" ||
        fail "meson could not configure build"
    ninja -C build tests/soak/soak || fail "building build failed"
    log=testlog-valgrind
    run_leg build --setup valgrind 'every method once'
}
