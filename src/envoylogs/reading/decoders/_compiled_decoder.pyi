# What `_compiled/module.c` offers. It is there where a C compiler was (`choice`).
from typing import Final

VERSION: Final[int]
