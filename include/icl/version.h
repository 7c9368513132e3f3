/* The version of libicl: the one place where it is written. */
#ifndef ICL_VERSION_H
#define ICL_VERSION_H

#define ICL_VERSION_MAJOR 0
#define ICL_VERSION_MINOR 1
#define ICL_VERSION_PATCH 0
#define ICL_VERSION_STRING "0.1.0"

#endif
