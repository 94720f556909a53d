"""Large packages are imported without the garbage collector, which works again afterwards."""

import subprocess
import sys

from kobert_demo.processes import PROJECT

SCRIPT = """
import gc
from kobert_demo.imports import quick_imports

with quick_imports():
    assert not gc.isenabled()
    import transformers.modeling_utils
assert gc.isenabled()
frozen = gc.get_freeze_count()
assert frozen > 100_000
with quick_imports():
    assert gc.isenabled()
assert gc.get_freeze_count() == frozen
"""


def test_what_is_imported_is_looked_at_never_and_all_else_again() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=PROJECT, check=True)


def test_an_import_that_fails_leaves_the_collector_at_work() -> None:
    script = SCRIPT.split("with")[0] + (
        "try:\n    with quick_imports():\n        import nowhere\n"
        "except ImportError:\n    assert gc.isenabled()\nelse:\n    raise SystemExit(1)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)
