"""Runs commands of manage.py for tests. Django is loaded once; each command runs in a process of its own, forked from here.

So a command does the same as `manage.py` started from a shell, without the second that Python needs to load the product.
"""

import json
import os
import runpy
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def serve(line: socket.socket) -> None:
    """Answer each request (one line of JSON: words, stdin, variables) with its exit code, stdout and stderr, until the other end closes."""
    _load()
    with line.makefile("rw", encoding="utf-8") as requests:
        for request in requests:
            requests.write(json.dumps(_answer(json.loads(request))) + "\n")
            requests.flush()


def _load() -> None:
    """Import what commands import, and leave the database alone: a connection cannot be shared with a child."""
    from core_identity.config.environment import lift_time_limits

    lift_time_limits()  # as manage.py does, before the settings are read
    import django
    from django.core.management import get_commands, load_command_class
    from django.urls import get_resolver

    import tests.support.quick_passwords  # noqa: F401 - imported for its effect

    django.setup()
    for name, app in get_commands().items():
        if app.startswith(("core_identity", "django.contrib.auth")):
            load_command_class(app, name)
    _ = get_resolver().url_patterns


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin.write(request["stdin"].encode())
        stdin.seek(0)
        child = os.fork()
        if child == 0:
            for number, file in enumerate((stdin, out, err)):
                os.dup2(file.fileno(), number)
            os._exit(_run(request["words"], request["variables"]))
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": out.read().decode(),
            "err": err.read().decode(),
        }


def _run(words: list[str], variables: dict[str, str]) -> int:
    """Run manage.py in this process and return the exit code that Python would end with."""
    os.environ.update(variables)
    sys.argv = [str(MANAGE), *words]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  (a descriptor; it ends with the process)
    code = 0
    try:
        runpy.run_path(str(MANAGE), run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
    except BaseException:  # noqa: BLE001  (a child must not go on as its parent)
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
