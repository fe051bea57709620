#include "output.h"

bool pack(Buffer *bytes)
{
    Buffer bits = {0};
    size_t size = (bytes->size + 7) / 8;
    if (!reserve(&bits, size + 1))
        return false;
    memset(bits.data, 0, size);
    for (size_t place = 0; place < bytes->size; place++)
        bits.data[place / 8] |= (uint8_t)((bytes->data[place] != 0) << place % 8);
    bits.size = size;
    release(bytes);
    *bytes = bits;
    return true;
}

void free_output(Output *column)
{
    release(&column->values);
    release(&column->text);
    release(&column->valid);
    column->nulls = 0;
}
