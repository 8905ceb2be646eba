#ifndef HALLMARK_CZLIB_H
#define HALLMARK_CZLIB_H

#include <zlib.h>

#endif
