#pragma once
#include <stddef.h>

/// A file of the web page, as it stands in Sources/CPage/files; everything in it lives as long as the program.
struct page_file {
  /// The file's name.
  const char *name;
  /// Its media type.
  const char *type;
  const unsigned char *bytes;
  size_t length;
};

/// The files of the web page; the first is the page itself.
const struct page_file *page_files(void);

/// How many there are.
size_t page_file_count(void);
