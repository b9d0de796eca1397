#pragma once
#include <stddef.h>

/// The octets of openapi.yaml as it stands at the repository's root; they live as long as the program.
const unsigned char *contract_bytes(void);

/// How many octets it has.
size_t contract_length(void);
