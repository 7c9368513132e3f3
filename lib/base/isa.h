/* One source, three instruction sets. Files named *_kernel.c are compiled once for each, with
 * ICL_ISA defined as baseline, avx2 or avx512, and reach the rest through a table of functions:
 *
 *     const struct x_kernels ICL_ISA_NAME(icl_x_kernels) = {...};       in x_kernel.c
 *     ICL_ISA_TABLES(struct x_kernels, icl_x_kernels)                   in x.c
 *     icl_x_kernels_of(context)->f(...)
 */
#ifndef ICL_BASE_ISA_H
#define ICL_BASE_ISA_H

#include <icl/base.h>

#define ICL_ISA_JOIN2(name, isa) name##_##isa
#define ICL_ISA_JOIN(name, isa) ICL_ISA_JOIN2(name, isa)
#define ICL_ISA_NAME(name) ICL_ISA_JOIN(name, ICL_ISA)

#if defined(ICL_HAVE_X86_KERNELS)
#define ICL_ISA_TABLES(type, name)                                                                 \
    extern const type name##_baseline, name##_avx2, name##_avx512;                                 \
    static inline const type *name##_of(const icl_context *context) {                              \
        icl_isa isa = icl_context_isa(context);                                                    \
        return isa == ICL_ISA_AVX512 ? &name##_avx512                                              \
               : isa == ICL_ISA_AVX2 ? &name##_avx2                                                \
                                     : &name##_baseline;                                           \
    }
#else
#define ICL_ISA_TABLES(type, name)                                                                 \
    extern const type name##_baseline;                                                             \
    static inline const type *name##_of(const icl_context *context) {                              \
        (void)context;                                                                             \
        return &name##_baseline;                                                                   \
    }
#endif

#endif
