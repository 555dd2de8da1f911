// Marks a hot CPU loop to be compiled twice, for baseline x86-64 and for AVX2; the loader picks.
//
// AVX2 without FMA is chosen on purpose: both versions then round after every multiplication and
// addition, so every x86-64 processor produces the same bytes. Included by *_cpu.cpp files only.
#pragma once

#include <cstdint>  // with glibc, defines __GLIBC__

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define GUISE_SIMD_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define GUISE_SIMD_CLONES
#endif
