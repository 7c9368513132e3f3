/* One prompt at a time: what base/vec8.h is for eight. */
#ifndef ICL_LANES_ONE_LANE_H
#define ICL_LANES_ONE_LANE_H

#include <stdint.h>
#include <string.h>

enum { LANES = 1 };
typedef double v8;

#define V8_INLINE static inline __attribute__((unused))

V8_INLINE v8 v8_load(const double *from) {
    return *from;
}

V8_INLINE void v8_store(double *to, v8 a) {
    *to = a;
}

V8_INLINE v8 v8_set(double a) {
    return a;
}

V8_INLINE v8 v8_add(v8 a, v8 b) {
    return a + b;
}

V8_INLINE v8 v8_sub(v8 a, v8 b) {
    return a - b;
}

V8_INLINE v8 v8_mul(v8 a, v8 b) {
    return a * b;
}

V8_INLINE v8 v8_fma(v8 a, v8 b, v8 c) {
    return a * b + c;
}

#endif
