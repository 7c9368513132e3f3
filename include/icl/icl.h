/* libicl: a laboratory for the theory of in-context learning. Includes every public header. */
#ifndef ICL_ICL_H
#define ICL_ICL_H

#include <icl/base.h>
#include <icl/construct.h>
#include <icl/metrics.h>
#include <icl/model.h>
#include <icl/optim.h>
#include <icl/predict.h>
#include <icl/random.h>
#include <icl/solve.h>
#include <icl/task.h>
#include <icl/theory.h>
#include <icl/train.h>
#include <icl/version.h>

#endif
