/* Which instruction sets this build and this processor have. */
#include "base/context.h"

int icl_isa_supported(icl_isa isa) {
    switch ((int)isa) {
    case ICL_ISA_AUTO:
    case ICL_ISA_BASELINE:
        return 1;
#if defined(ICL_HAVE_X86_KERNELS)
    case ICL_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case ICL_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    default:
        return 0;
    }
}

const char *icl_isa_name(icl_isa isa) {
    static const char *const names[] = {"auto", "baseline", "avx2", "avx512"};
    return (unsigned)isa < sizeof names / sizeof *names ? names[isa] : "unknown";
}
