"""A parent that has imported the command line once and forks for each case.

Reads requests as JSON lines on stdin and answers with JSON lines on stdout. A child has 2 GiB of address
space and 20 s, and runs the command line's own `main`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

ADDRESS_SPACE_BYTES = 2 << 30
SECONDS = 20


def main() -> None:
    import geopandas  # noqa: F401
    import openpyxl  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import pyogrio  # noqa: F401

    import api.cli
    import api.commands

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _run(request, api.cli.main)
        _, status, usage = os.wait4(child, 0)
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "seconds": time.monotonic() - started,
            "max_rss_kib": usage.ru_maxrss,
        }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _run(request: dict[str, object], command_line: object) -> None:
    folder = Path(str(request["folder"]))
    for number, name in ((1, "stdout"), (2, "stderr")):
        handle = os.open(str(request[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    os.chdir(folder)
    os.environ.update(request["environment"])  # type: ignore[arg-type]
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)
    warnings.simplefilter("default")
    sys.argv = ["weige", *request["arguments"]]  # type: ignore[misc]
    code = 70
    try:
        command_line()  # type: ignore[operator]
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
