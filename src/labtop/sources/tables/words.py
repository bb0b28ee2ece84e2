"""What the name of a column says. The lists are short on purpose: a wrong guess costs more than none."""

from __future__ import annotations

import re


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = _list("""
    run_name run run_id experiment experiment_name experiment_id exp_name exp trial trial_id trial_name model model_name
    model_id checkpoint method algorithm algo config_name
""")
"""Columns that tell runs apart, the best first."""
WEAK_NAMES = _list("name id config architecture arch net network setting variant job job_id")
"""Columns that do so when somebody names the file."""
STEPS = _list("""
    global_step trainer/global_step _step step steps current_steps train_step total_timesteps time/total_timesteps
    timesteps_total timesteps timestep num_env_steps training_iteration iteration iterations iter n_iter num_updates
    update epoch episode round
""")
WEAK_STEPS = frozenset(_list("steps round episode update iter timestep timesteps"))
"""Steps of other things too: sure only in a table of nothing but numbers."""
TIMES = _list(
    "_timestamp timestamp wall_time walltime datetime date_time created_at time date ts at timestamp_ms"
)
SPLITS = _list("split phase subset mode stage dataset_split partition data_split")
"""Columns that say which data the numbers of a row are of."""
FACTS = {
    "name": _list("run_name display_name name tags_mlflow_run_name trial_name experiment_tag"),
    "status": _list("status state"),
    "started": _list("start_time started_at started datetime_start date_start created created_at"),
    "ended": _list("end_time ended_at finished_at datetime_complete completed_at stop_time"),
    "tags": _list("tags"),
    "notes": _list("notes tags_mlflow_note_content"),
    "group": _list("group sweep sweep_id"),
    "project": _list("project project_name"),
    "commit": _list("commit git_commit commit_sha tags_mlflow_source_git_commit"),
}
"""What else is told of a run in a table with a row a run: names of columns, the best first."""
EXPORTS = (
    frozenset(_list("name state created")),  # W&B's table of runs
    frozenset(_list("run_id experiment_id artifact_uri")),  # MLflow's search_runs
    frozenset(_list("run_id source_type source_name")),  # MLflow's page
    frozenset(_list("number state datetime_start")),  # Optuna's trials_dataframe
    frozenset(_list("mean_fit_time mean_score_time")),  # scikit-learn's cv_results_
    frozenset(_list("training_iteration time_total_s")),  # Ray Tune
)
"""Columns that together no table of data has."""
OF_OPENMMLAB = frozenset(_list("mode epoch iter lr"))
"""The same with a row a step: logs of MMDetection and its kin, whose first line has texts of its own."""
METRICS = _list("metric metric_name key tag variable measure")
VALUES = _list("value metric_value scalar val score")
DATA = frozenset(
    _list("""
    label target class text sentence image filename file_name filepath image_path img_path caption question answer
    prompt response bbox mask pixels token tokens url
""")
)
"""Columns of data sets, which are no runs."""
_RESULT = frozenset(
    _list("""
    accuracy acc loss top1 top3 top5 top10 f1 fscore precision recall auc auroc auprc roc map ap iou miou dice bleu
    rouge meteor cider perplexity ppl mse rmse mae mape r2 error err score reward return returns fid psnr ssim wer cer
    nll bpc bpb kl elbo mcc kappa sensitivity specificity ndcg mrr em throughput latency time diff speedup memory mem
    win success regret fps correlation pearson spearman duration runtime elapsed map50 map95
""")
)
_SETTING = frozenset(
    _list("""
    size split path dataset batch workers interval freq frequency every weight weights scale coef coefficient alpha beta
    lambda gamma type fn function threshold limit name seed lr decay dropout epochs warmup clip clipping patience layers
    dim width depth heads hidden optimizer scheduler version id count num
""")
)
_PARTS = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HELD_OUT = frozenset(_list("val valid validation test eval evaluation dev heldout"))


def plain(name: str) -> str:
    """A name in lower case, with underscores: `Run Name` is `run_name`."""
    return re.sub(r"[\s.-]+", "_", _CAMEL.sub("_", name).strip().lower())


def parts(name: str) -> list[str]:
    """The words of a name."""
    return [each for each in _PARTS.split(plain(name)) if each]


def is_result(name: str) -> bool:
    """Whether numbers under this name are what a run came to, not what it was given.

    So are those with a word for a result (`val_acc`, `top1`, `step_time`), those `per` something (`samples_per_sec`),
    and those of held-out data (`test_x`); but not with a word for a setting (`loss_weight`, `test_size`).
    """
    words = parts(name)
    if _SETTING.intersection(words):
        return False
    return bool(
        _RESULT.intersection(words) or "per" in words[1:-1] or (len(words) > 1 and words[0] in _HELD_OUT)
    )
