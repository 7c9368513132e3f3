#!/bin/sh
# Prints the version that include/icl/version.h states.
sed -n 's/^#define ICL_VERSION_STRING "\(.*\)"$/\1/p' "$(dirname "$0")/../include/icl/version.h"
