"""Tables as programs, spreadsheets and people write them: one that says the same in many dialects, and exports."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

EPOCHS = "epoch,train_loss,acc\n0,1.5,0.1\n1,1.25,0.2\n"
POINTS = {"train_loss": [(0, 1.5), (1, 1.25)], "acc": [(0, 0.1), (1, 0.2)]}
_ROWS = [{"epoch": 0, "train_loss": 1.5, "acc": 0.1}, {"epoch": 1, "train_loss": 1.25, "acc": 0.2}]
_LINES = "".join(json.dumps(row) + "\n" for row in _ROWS)
_SEMICOLONS = EPOCHS.replace(",", ";")

DIALECTS: dict[str, bytes] = {
    "comment.csv": f"# made by x\n# 2026\n{EPOCHS.replace('1,1', '# pause' + chr(10) + '1,1')}".encode(),
    "numpy.csv": ("# " + EPOCHS).encode(),
    "preamble.csv": f"Report of a training\n\n{EPOCHS}".encode(),
    "excel.csv": f"sep=;\n{_SEMICOLONS}".encode(),
    "decimal.csv": _SEMICOLONS.replace(".", ",").encode(),
    "pipes.csv": EPOCHS.replace(",", "|").encode(),
    "tabs.txt": EPOCHS.replace(",", "\t").encode(),
    "blanks.csv": b"epoch  train_loss   acc\n0      1.5    0.1\n1      1.25   0.2\n",
    "padded.csv": b"  epoch,   train_loss,  acc\n      0,       1.5,   0.1\n      1,      1.25,    0.2\n",
    "quotes.csv": EPOCHS.replace("epoch,train_loss,acc", "'epoch','train_loss','acc'").encode(),
    "blank-lines.csv": f"\n\n{EPOCHS.replace(chr(10), chr(10) * 2)}".encode(),
    "cr.csv": EPOCHS.replace("\n", "\r").encode(),
    "trailing.csv": EPOCHS.replace("\n", ",\n").encode(),
    "trailing-rows.csv": EPOCHS.replace("\n", ",\n").replace("acc,", "acc").encode(),
    "twice.csv": EPOCHS.replace("1,1.25", "epoch,train_loss,acc\n1,1.25").encode(),
    "index.csv": b",epoch,train_loss,acc\n0,0,1.5,0.1\n1,1,1.25,0.2\n",
    "percent.csv": EPOCHS.replace("0.1", "10%").replace("0.2", "20 %").encode(),
    "utf16.csv": EPOCHS.encode("utf-16"),
    "utf16-without-mark.csv": EPOCHS.encode("utf-16-le"),
    "c.csv.gz": gzip.compress(EPOCHS.encode()),
    "c.csv.bz2": bz2.compress(EPOCHS.encode()),
    "c.tsv.xz": lzma.compress(EPOCHS.replace(",", "\t").encode()),
    "lines.json": _LINES.encode(),
    "one-line.jsonl": _LINES.replace("\n", "").encode(),
    "pretty.jsonl": "".join(json.dumps(row, indent=1) + "\n" for row in _ROWS).encode(),
    "utf16.jsonl": _LINES.encode("utf-16"),
    "list.json": json.dumps(_ROWS).encode(),
    "list.jsonl": ("[\n" + ",\n".join(map(json.dumps, _ROWS)) + "\n]\n").encode(),
    "cut-list.json": json.dumps([*_ROWS, {"epoch": 2}])[:-5].encode(),
    "columns.json": json.dumps({name: [row[name] for row in _ROWS] for name in _ROWS[0]}).encode(),
    "pandas.json": json.dumps(
        {name: {str(at): row[name] for at, row in enumerate(_ROWS)} for name in _ROWS[0]}
    ).encode(),
    "split.json": json.dumps(
        {"columns": list(_ROWS[0]), "index": [0, 1], "data": [list(row.values()) for row in _ROWS]}
    ).encode(),
    "texts.jsonl": "".join(json.dumps({k: str(v) for k, v in row.items()}) + "\n" for row in _ROWS).encode(),
    "packed.jsonl.gz": gzip.compress(_LINES.encode()),
}
"""The points of `POINTS`, written in every way."""

WANDB_RUNS = (
    '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","lr","epoch","val_acc"\n'
    '"dark-sun-1","finished","-","ada","base, best","2026-11-20T09:00:00.000Z","3600","","0.1","10","0.9"\n'
    '"blue-sea-2","crashed","my note","ada","","2026-11-20T10:00:00.000Z","60","sw1","0.01","2","NaN"\n'
    '"blue-sea-2","failed","","ada","","2026-11-20T11:00:00.000Z","5","","0.01","",""\n'
)
WANDB_CHART = (
    '"Step","dark - sun - train/loss","dark - sun - train/loss__MIN","dark - sun - train/loss__MAX",'
    '"blue - train/loss","blue - train/loss__MIN","blue - train/loss__MAX"\n'
    '"0","1.5","1.5","1.5","2.5","2.5","2.5"\n"1","1.4","1.4","1.4","","",""\n"2","NaN","NaN","NaN","2.3","2.3","2.3"\n'
)
MLFLOW_RUNS = (
    "run_id,experiment_id,status,artifact_uri,start_time,end_time,metrics.loss,params.lr,params.loss_fn,"
    "tags.mlflow.runName,tags.mlflow.source.git.commit,tags.mlflow.note.content,tags.team\n"
    f"{'0' * 31}1,1,FINISHED,file:///x,2026-11-20 10:00:00.123000+00:00,2026-11-20 10:05:00+00:00,0.5,0.1,mse,"
    f"bold-crow-1,{'a' * 40},note!,red\n"
    f"{'0' * 31}2,1,FAILED,file:///y,2026-11-20 11:00:00+00:00,,,0.2,mse,bold-crow-2,,,\n"
)
OPTUNA_TRIALS = (
    ",number,value,datetime_start,datetime_complete,duration,params_lr,user_attrs_note,state\n"
    "0,0,0.5,2026-11-20 10:00:00.123456,2026-11-20 10:00:05.5,0 days 00:00:05.376544,0.1,x,COMPLETE\n"
    "1,1,,2026-11-20 10:01:00,2026-11-20 10:01:05,0 days 00:00:05,0.01,,PRUNED\n"
)
SKLEARN_CV = (
    ",mean_fit_time,std_fit_time,mean_score_time,std_score_time,param_C,params,mean_test_score,rank_test_score\n"
    "0,0.1,0.01,0.02,0.001,1,{'C': 1},0.85,1\n1,0.1,0.01,0.02,0.001,10,{'C': 10},0.75,2\n"
)


def write_ray_trial(folder: Path) -> Path:
    """A trial of Ray Tune: the same rows as `progress.csv` and `result.json`, and its parameters."""
    folder.mkdir(parents=True)
    rows = [
        {"loss": 1 / at, "timestamp": 1763640000 + at, "training_iteration": at, "trial_id": "a1b2c_00000",
         "date": "2026-11-20_10-00-00", "time_total_s": float(at), "hostname": "h", "config": {"lr": 0.1}}
        for at in (1, 2, 4)
    ]  # fmt: skip
    (folder / "result.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flat = [{**{k: v for k, v in row.items() if k != "config"}, "config/lr": 0.1} for row in rows]
    lines = [",".join(map(str, row.values())) for row in flat]
    (folder / "progress.csv").write_text("\n".join([",".join(flat[0]), *lines]) + "\n")
    (folder / "params.json").write_text('{"lr": 0.1, "layers": [1, 2]}')
    return folder


def write_mmengine(folder: Path) -> Path:
    """What MMEngine writes of a training, twice; rows of the validation have the epoch for a step."""
    visual = folder / "20261120_100000" / "vis_data"
    visual.mkdir(parents=True)
    rows = [
        {"lr": 0.1, "loss": 1.5, "epoch": 1, "iter": 50, "step": 50},
        {"lr": 0.1, "loss": 1.4, "epoch": 1, "iter": 100, "step": 100},
        {"coco/bbox_mAP": 0.3, "step": 1},
        {"lr": 0.1, "loss": 1.3, "epoch": 2, "iter": 150, "step": 150},
        {"coco/bbox_mAP": 0.35, "step": 2},
    ]
    for name in ("scalars.json", "20261120_100000.json"):
        (visual / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def write_mmdetection(folder: Path) -> Path:
    """A log of MMDetection 2: its first line tells of all, and rows say which data they are of."""
    folder.mkdir(parents=True)
    rows = [
        {"env_info": "linux", "seed": 3, "exp_name": "faster.py"},
        *(
            {"mode": "train", "epoch": epoch, "iter": at, "loss": 2 / epoch}
            for epoch in (1, 2)
            for at in (50, 100)
        ),
        {"mode": "val", "epoch": 2, "iter": 118, "bbox_mAP": 0.4},
    ]
    (folder / "20211120_100000.log.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def write_ultralytics(folder: Path) -> Path:
    """A training of Ultralytics: blanks before cells, arguments beside."""
    folder.mkdir(parents=True)
    (folder / "results.csv").write_text(
        "                  epoch,         train/box_loss,       metrics/mAP50(B)\n"
        "                      1,                    1.5,                    0.3\n"
        "                      2,                    1.4,                    0.4\n"
    )
    (folder / "args.yaml").write_text("task: detect\nmodel: yolov8n.pt\nlr0: 0.01\nseed: 0\n")
    return folder


def write_hive(folder: Path) -> Path:
    """Parquet files in folders that say which rows are in them: two runs of two parts each."""
    import pyarrow
    from pyarrow import parquet

    for run in ("a", "b"):
        for part in (0, 1):
            below = folder / f"run={run}" / "seed=3"
            below.mkdir(parents=True, exist_ok=True)
            steps = {"step": [part * 2, part * 2 + 1], "loss": [1.0, 2.0]}
            parquet.write_table(pyarrow.table(steps), below / f"part-{part}.parquet")
    return folder


def write_spark(folder: Path) -> Path:
    """What Spark makes of a table: a folder of parts."""
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(parents=True)
    for part in (0, 1):
        rows = {"run": ["a", "b"], "step": [part, part], "loss": [1.0 + part, 2.0]}
        parquet.write_table(pyarrow.table(rows), folder / f"part-0000{part}-12ab.snappy.parquet")
    (folder / "_SUCCESS").touch()
    return folder
