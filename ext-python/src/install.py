"""Makes a virtual environment and fills it: from the network once, without it ever after.

A set of requirements is resolved once. Its wheels are kept by their SHA-256, and a list of them by a
key of everything that was asked for, so that neither other projects nor time change what is
installed, and the same list installs on any machine part with the same Python, offline. `--pip`
arguments (`--upgrade`, say) resolve anew. Nothing here runs code of the project: not from an
environment that its tests may have changed, which is made anew, and not (hence `-I`) from modules
in its folder that have names of the standard library.
"""

import argparse
import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

PLATFORM = [sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag, sysconfig.get_platform()]


def sha256(path):
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
        return digest.hexdigest()


def key_of(*parts):
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


def pip(venv, *args):
    command = [venv / "bin/python", "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", *args]
    return subprocess.run(command).returncode


class Files:
    """Requirements files, with what they include, and without folders of the project."""

    def __init__(self, names):
        self.texts, self.flat = [], {"-r": [], "-c": []}
        self.dropped = False
        self.names = names
        for name in names:
            self.read(Path(name), "-r")

    def read(self, path, kind):
        text = path.read_text("utf-8-sig")
        self.texts.append(text)
        for line in re.sub(r"\\\r?\n", " ", text).splitlines():
            line = re.sub(r"(^|\s)#.*$", "", line).strip()
            option = re.match(r"(?:-([rcfe])|--(requirement|constraint|find-links|editable)\b)[\s=]*(.+)", line)
            what, value = (option[1] or option[2][0], option[3].strip()) if option else ("", line)
            beside = path.parent / value
            if what in ("r", "c") and "://" not in value:
                self.read(beside, "-c" if what == "c" else kind)
            elif what == "f" and beside.exists():
                self.flat[kind].append(f"--find-links {beside.resolve()}")
            elif what in ("", "e") and self.is_local(value, what == "e"):
                self.dropped = True
            elif line:
                self.flat[kind].append(value if what == "e" else line)

    @staticmethod
    def is_local(value, editable):
        first = value.split()[0] if value else ""
        if "file:" in value:
            return True
        return "://" not in value and (editable or first.startswith(".") or "/" in first)

    def args(self, folder):
        if not self.dropped:
            return [word for name in self.names for word in ("-r", name)]
        args = []
        for kind, lines in self.flat.items():
            place = Path(folder, f"requirements{kind}.txt")
            place.write_text("\n".join(lines) + "\n")
            args += [kind, str(place)]
        return args


def read_setup_py(path):
    """The dependencies that setup.py lists plainly; nothing is run to find others."""
    for node in ast.walk(ast.parse(Path(path).read_text("utf-8-sig"))):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            try:
                yield from map(str, ast.literal_eval(node.value))
            except (ValueError, TypeError):
                print("setup.py computes its dependencies: list them in requirements.txt", file=sys.stderr)


def works(venv):
    """Whether it leads to this interpreter. Nothing in it is run: the project's tests can write there."""
    base = getattr(sys, "_base_executable", sys.executable)
    return os.path.exists(base) and os.path.realpath(venv / "bin/python") == os.path.realpath(base)


def make(venv):
    for entry in venv.iterdir() if venv.exists() else ():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    if subprocess.run([sys.executable, "-I", "-m", "venv", venv]).returncode:
        sys.exit(f"{sys.executable} cannot make a virtual environment in {venv}")


def kept(wheels, record):
    """The wheels of a set, when all are there and whole."""
    if not record.exists():
        return None
    places = [wheels / "files" / line for line in record.read_text().splitlines()]
    whole = all(place.exists() and sha256(place) == place.parent.name for place in places)
    return places if whole else None


def download(venv, wheels, record, asked):
    with tempfile.TemporaryDirectory(prefix="stage-", dir=wheels) as stage:
        args = ["--cache-dir", wheels / "http", "--progress-bar=off", "--use-pep517", "--wheel-dir", stage]
        code = pip(venv, "wheel", *args, *asked(stage))
        if code:
            sys.exit(code)
        lines = []
        for wheel in sorted(Path(stage).glob("*.whl")):
            place = wheels / "files" / sha256(wheel) / wheel.name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(wheel, place)
            lines.append(f"{place.parent.name}/{place.name}\n")
    write(record, "".join(lines))


def install(venv, places, target):
    if not places:
        return 0
    args = ["--quiet", "--no-index", "--no-deps", "--no-cache-dir", "--no-warn-script-location", *target]
    return pip(venv, "install", *args, *places)


def provide(venv, wheels, key, asked, fresh=False, target=()):
    """Installs a set: the one that was resolved, else one that is resolved now."""
    record = wheels / "sets" / key
    places = None if fresh else kept(wheels, record)
    if places is None or install(venv, places, target):
        download(venv, wheels, record, asked)
        places = kept(wheels, record)
        if places is None or install(venv, places, target):
            sys.exit("what was downloaded cannot be installed")
    return [place.name for place in places]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--wheels", type=Path)
    for option in ("requirement", "want", "build", "pip", "key", "setup-py"):
        parser.add_argument(f"--{option}", action="append", default=[])
    options = parser.parse_args()
    venv, wheels = options.venv.absolute(), options.wheels.absolute()

    files = Files(options.requirement)
    want = sorted({*options.want, *(text for path in options.setup_py for text in read_setup_py(path))})
    deps, build = key_of(PLATFORM, files.texts, want), key_of(PLATFORM, [], options.build)
    keys = [sha256(path) for path in options.key]
    python = [str(venv), sys.version, os.path.realpath(getattr(sys, "_base_executable", sys.executable))]
    state, note = [python, deps, build, keys], venv / "dwf-deps.json"
    try:
        same = json.loads(note.read_text())["state"] == state and not options.pip
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if same and works(venv):
        return
    make(venv)
    installed = []
    if files.texts or want:
        wheels.mkdir(parents=True, exist_ok=True)
        more = [arg for arg in options.pip if arg not in ("-U", "--upgrade")]  # as it does anyway
        asked = lambda folder: [*more, *files.args(folder), *want]
        installed = provide(venv, wheels, deps, asked, bool(options.pip))
    if options.build:
        wheels.mkdir(parents=True, exist_ok=True)
        provide(venv, wheels, build, lambda _: options.build, target=("--target", venv / "dwf-build"))
    write(note, json.dumps({"state": state, "installed": installed}, indent=1))


main()
