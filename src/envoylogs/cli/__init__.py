"""Arguments in, exit code out; no number is made here."""

import gc

# A program makes few cycles, neither when it loads its modules nor when it decodes, and looking for
# them with each 700 objects more is a twentieth of a small log.
gc.set_threshold(500_000, 50, 100)
