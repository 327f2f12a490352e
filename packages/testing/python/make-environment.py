"""Makes a virtual environment from a requirements file whose packages are pinned by hash.

    make-environment.py REQUIREMENTS FOLDER [--system-site-packages]

With the option, what is installed for the Python that runs this can be imported, too.
Does nothing where FOLDER is there already. FOLDER appears whole or not at all, and
whoever asks while another process makes it waits for that one: the lock is the
kernel's, so it is gone with the process that held it.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv


def main(requirements: str, folder: str, *options: str) -> None:
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):
            return
        partial = folder + ".partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            make(requirements, partial, "--system-site-packages" in options)
            os.rename(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def make(requirements: str, folder: str, with_system: bool) -> None:
    venv.create(folder, with_pip=True, symlinks=True, system_site_packages=with_system)
    command = [os.path.join(folder, "bin", "python"), "-m", "pip", "install", "--quiet"]
    # The file is the whole closure: --no-deps keeps what it leaves out on purpose from coming in.
    command += ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--requirement", requirements]
    # stdout of this program says nothing; what pip has to say belongs to stderr.
    status = subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL).returncode
    if status != 0:
        sys.exit(status)


main(*sys.argv[1:])
