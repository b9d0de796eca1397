// zlib: the gzip content coding. What zlib defines as macros, Swift sees as the functions below.
#pragma once
#include <zlib.h>

// 15 + 16: the largest window, and gzip's head and check sum instead of zlib's.
static inline int anneal_gzip_deflate_init(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

static inline int anneal_gzip_inflate_init(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
