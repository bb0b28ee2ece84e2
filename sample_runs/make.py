"""Makes the runs of this folder again, in a repository of their own, and puts them here in place of the old ones.

    python make.py --other-python PATH

The Python that runs this needs labtop and numpy; `--other-python` is one with another version of numpy.
"""

import argparse
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
WITHOUT_MOMENTUM = {
    '    parser.add_argument("--momentum", type=float, default=0.9)\n': "",
    "options.l2, options.momentum)": "options.l2)",
    "labels, lr, l2, momentum):": "labels, lr, l2):",
    "        self.velocity = [np.zeros_like(weight) for weight in self.weights]\n": "",
    "for weight, velocity, gradient in zip(self.weights, self.velocity, gradients, strict=True):": (
        "for weight, gradient in zip(self.weights, gradients, strict=True):"
    ),
    "            velocity *= momentum\n": "",
    "            velocity -= lr * gradient\n": "",
    "            weight += velocity\n": "            weight -= lr * gradient\n",
}
LEAKY = {
    "np.maximum(images @ self.weights[0] + self.weights[1], 0)": "leaky(images @ self.weights[0] + self.weights[1])",
    "* (hidden > 0)": "* np.where(hidden > 0, 1, 0.05)",
    "class Network:": 'def leaky(values):\n    """ReLU with a small slope below zero."""\n'
    "    return np.where(values > 0, values, 0.05 * values)\n\n\nclass Network:",
}


def edited(source, edits):
    for old, new in edits.items():
        if old not in source:
            raise SystemExit(f"train.py has changed: {old!r} is not in it")
        source = source.replace(old, new)
    return source


class Workshop:
    """A repository with the training script, and the store its runs are logged to."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(HERE / "data", folder / "data")
        (folder / ".gitignore").write_text("data/\nruns/\n__pycache__/\n")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.folder, check=True)

    def commit(self, source, message):
        self.write(source)
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", message)

    def write(self, source):
        (self.folder / "train.py").write_text(source)

    def start(self, python, options):
        words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
        environment = {**os.environ, "LABTOP_STORE": "runs", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.Popen(
            [python, "train.py", *words], cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True
        )

    def train(self, python=sys.executable, **options):
        self.start(python, options).communicate()

    def train_until(self, epoch, ending, **options):
        """Train, and send the signal when the epoch has been printed."""
        process = self.start(sys.executable, options)
        for line in process.stdout:
            if line.startswith(f"epoch {epoch:3}"):
                process.send_signal(ending)
                break
        process.communicate()


def make(shop, other_python):
    source = (HERE / "train.py").read_text()
    shop.commit(edited(source, WITHOUT_MOMENTUM), "Train a network with one hidden layer on digits")
    for seed in range(3):
        shop.train(name=f"plain-sgd-{seed}", group="plain-sgd", seed=seed)
    shop.commit(source, "Add momentum")
    sweep = [
        {"name": f"lr{lr}-w{width}-l2{l2}-s{seed}", "group": "sweep", "lr": lr, "width": width, "l2": l2, "seed": seed}
        for lr, width, l2, seed in itertools.product((0.03, 0.1, 0.3), (16, 64), (0.0, 0.001), range(3))
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda options: shop.train(**options), sweep))
    for seed in range(3):
        shop.train(other_python, name=f"other-numpy-{seed}", group="other-numpy", seed=seed)
    shop.train(name="diverged", lr=300, l2=0.001, epochs=40)
    shop.train(name="no-width", width=0)
    shop.train_until(12, signal.SIGTERM, name="terminated", epochs=2000)
    shop.train_until(30, signal.SIGKILL, name="power-cut", epochs=2000)
    shop.write(edited(source, LEAKY))
    shop.train(name="leaky-relu", group="ideas", seed=0)


def replace_runs(made):
    for old in ("digits", "labtop.json"):
        path = HERE / old
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.copytree(made / "digits", HERE / "digits", copy_function=shutil.copyfile)
    shutil.copyfile(made / "labtop.json", HERE / "labtop.json")
    for folder, _, files in os.walk(HERE / "digits"):
        Path(folder).chmod(0o755)
        for name in files:
            (Path(folder) / name).chmod(0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other-python", default=sys.executable)
    parser.add_argument("--in", dest="folder", help="where to work; a temporary folder by default")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary) / "digits"
        folder.mkdir(parents=True)
        make(Workshop(folder), options.other_python)
        replace_runs(folder / "runs")
    print(f"{len(list((HERE / 'digits').iterdir()))} runs in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
