/* Multi-versioning: one function, compiled for several instruction sets, the best chosen at load
 * time. */
#ifndef SSCAM_LIB_MATH_SIMD_H
#define SSCAM_LIB_MATH_SIMD_H

/* Sanitizers and valgrind cannot follow the resolver, which runs before they are set up:
 * SSCAM_ONE_TARGET. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SSCAM_ONE_TARGET)
#define SSCAM_SIMD_TARGETS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SSCAM_SIMD_TARGETS
#endif

#endif
