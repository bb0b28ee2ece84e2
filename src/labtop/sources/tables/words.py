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
    global_step trainer/global_step _step step steps train_step total_timesteps time/total_timesteps timesteps_total
    timesteps timestep num_env_steps training_iteration iteration iterations iter n_iter update epoch episode round
""")
TIMES = _list("_timestamp timestamp wall_time walltime datetime date_time created_at time date")
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
    win success regret fps correlation pearson spearman
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
