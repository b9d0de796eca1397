#include "contract.h"

// As a literal in Swift, a file of this size takes minutes to compile.
#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char contract[] = {
#embed "openapi.yaml"
};

const unsigned char *contract_bytes(void) { return contract; }

size_t contract_length(void) { return sizeof contract; }
