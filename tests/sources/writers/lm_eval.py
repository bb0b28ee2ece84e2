"""Result files as lm-evaluation-harness writes them."""

from __future__ import annotations

from typing import Any

ENVIRONMENT = """PyTorch version: 2.3.0+cu121
OS: Ubuntu 22.04.4 LTS (x86_64)
Libc version: glibc-2.35
Python version: 3.10.12 (main, Nov 20 2023, 15:14:05) [GCC 11.4.0] (64-bit runtime)
CUDA runtime version: 12.1.105
GPU models and configuration: 
GPU 0: NVIDIA A100-SXM4-80GB
GPU 1: NVIDIA A100-SXM4-80GB

Versions of relevant libraries:
[pip3] numpy==1.26.4
[pip3] torch==2.3.0
"""  # noqa: W291 - as PyTorch prints it


def new_results() -> dict[str, Any]:
    """A file of 0.4."""
    return {
        "results": {
            "arc_easy": {"alias": "arc_easy", "acc,none": 0.5, "acc_stderr,none": 0.01},
            "gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.25, "exact_match_stderr,strict-match": "N/A",
                      "exact_match,flexible-extract": 0.5},
            "wikitext": {"word_perplexity,none": float("nan")},
        },
        "group_subtasks": {"arc_easy": []},
        "configs": {"arc_easy": {"dataset_path": "allenai/ai2_arc", "dataset_name": "ARC-Easy", "test_split": "test"}},
        "versions": {"arc_easy": 1.0},
        "n-shot": {"arc_easy": 5},
        "higher_is_better": {"arc_easy": {"acc": True}, "wikitext": {"word_perplexity": False}},
        "n-samples": {"arc_easy": {"original": 2376, "effective": 100}},
        "config": {"model": "hf", "model_args": "pretrained=EleutherAI/pythia-160m,revision=main,parallelize=True",
                   "batch_size": "8", "limit": 100.0, "random_seed": 0, "numpy_seed": 1234, "torch_seed": 1234},
        "git_hash": "51a7ca9",
        "date": 1715000000.5,
        "pretty_env_info": ENVIRONMENT,
        "transformers_version": "4.40.1",
        "lm_eval_version": "0.4.2",
        "model_source": "hf",
        "model_name": "EleutherAI/pythia-160m",
        "total_evaluation_time_seconds": "33.5",
    }  # fmt: skip


def old_results() -> dict[str, Any]:
    """A file of 0.3."""
    return {
        "results": {"lambada": {"ppl": 40.5, "ppl_stderr": 1.5, "acc": 0.25}},
        "versions": {"lambada": 0},
        "config": {"model": "gpt2", "model_args": "pretrained=gpt2-xl", "num_fewshot": 0, "limit": None},
    }
