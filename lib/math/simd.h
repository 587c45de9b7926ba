/* Multi-versioning: one function is compiled for several instruction sets, and the loader chooses
 * the best that the CPU has. */
#ifndef SSCAM_LIB_MATH_SIMD_H
#define SSCAM_LIB_MATH_SIMD_H

/* SSCAM_ONE_TARGET turns it off for sanitizers and valgrind: the resolver runs before they are set
 * up. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SSCAM_ONE_TARGET)
#define SSCAM_SIMD_TARGETS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SSCAM_SIMD_TARGETS
#endif

#endif
