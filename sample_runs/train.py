"""Trains a small neural network on handwritten digits with numpy alone, and logs the run with labtop.

    python train.py --lr 0.1 --width 64 --seed 1
"""

import argparse
import csv
import gzip
import io

import labtop
import numpy as np


def load_digits(path):
    """The 8×8 images as (n, 64) floats from 0 to 1, and their classes."""
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    return table[:, :-1] / 16.0, table[:, -1].astype(int)


def softmax(logits):
    """Class probabilities; rows sum to one."""
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


class Network:
    """One hidden layer with ReLU, trained by stochastic gradient descent."""

    def __init__(self, rng, inputs, width, classes):
        if width < 1:
            raise ValueError(f"a hidden layer needs at least one unit, got width={width}")
        self.weights = [
            rng.normal(0, np.sqrt(2 / inputs), (inputs, width)),
            np.zeros(width),
            rng.normal(0, np.sqrt(2 / width), (width, classes)),
            np.zeros(classes),
        ]
        self.velocity = [np.zeros_like(weight) for weight in self.weights]

    def forward(self, images):
        hidden = np.maximum(images @ self.weights[0] + self.weights[1], 0)
        return hidden, softmax(hidden @ self.weights[2] + self.weights[3])

    def loss(self, images, labels, l2):
        _, probabilities = self.forward(images)
        likelihood = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
        return likelihood + l2 * sum((weight**2).sum() for weight in self.weights[::2])

    def step(self, images, labels, lr, l2, momentum):
        hidden, delta = self.forward(images)
        delta[np.arange(len(labels)), labels] -= 1
        delta /= len(labels)
        below = (delta @ self.weights[2].T) * (hidden > 0)
        gradients = [
            images.T @ below + 2 * l2 * self.weights[0],
            below.sum(axis=0),
            hidden.T @ delta + 2 * l2 * self.weights[2],
            delta.sum(axis=0),
        ]
        for weight, velocity, gradient in zip(self.weights, self.velocity, gradients, strict=True):
            velocity *= momentum
            velocity -= lr * gradient
            weight += velocity


def confusion(labels, predicted, classes=10):
    """Counts of (true class, predicted class)."""
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def as_csv(counts):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["true", *range(len(counts))])
    writer.writerows([row, *map(int, line)] for row, line in enumerate(counts))
    return text.getvalue()


def train(options, run):
    rng = np.random.default_rng(options.seed)
    images, labels = load_digits(options.data)
    order = np.random.default_rng(0).permutation(len(labels))  # the split is the same in every run
    train_rows, val_rows = order[360:], order[:360]
    network = Network(rng, images.shape[1], options.width, 10)
    step = 0
    for epoch in range(options.epochs):
        for batch in np.array_split(rng.permutation(train_rows), len(train_rows) // options.batch):
            network.step(images[batch], labels[batch], options.lr, options.l2, options.momentum)
            step += 1
        _, probabilities = network.forward(images[val_rows])
        accuracy = (probabilities.argmax(axis=1) == labels[val_rows]).mean()
        losses = [network.loss(images[rows], labels[rows], options.l2) for rows in (train_rows, val_rows)]
        run.log({"train/loss": losses[0], "val/loss": losses[1], "val/acc": accuracy, "epoch": epoch + 1}, step=step)
        print(f"epoch {epoch + 1:3}  train loss {losses[0]:.4f}  val loss {losses[1]:.4f}  val acc {accuracy:.4f}", flush=True)
    counts = confusion(labels[val_rows], probabilities.argmax(axis=1))
    recall = counts.diagonal() / counts.sum(axis=1)
    run.log({f"recall/{digit}": value for digit, value in enumerate(recall)}, step=step)
    run.summary["worst_digit"] = int(recall.argmin())
    run.log_artifact(as_csv(counts), name="confusion.csv", kind="confusion-matrix")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--l2", type=float, default=0.0)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="data/digits.csv.gz")
    parser.add_argument("--name")
    parser.add_argument("--group")
    options = parser.parse_args()
    config = {key: value for key, value in vars(options).items() if key not in ("name", "group", "data")}
    with labtop.init(project="digits", name=options.name, group=options.group, config=config) as run:
        run.seed(options.seed)
        run.define_metric("*loss", goal="min")
        run.define_metric("val/acc", goal="max")
        run.define_metric("recall/*", goal="max")
        run.use_data(options.data, name="digits")
        train(options, run)


if __name__ == "__main__":
    main()
