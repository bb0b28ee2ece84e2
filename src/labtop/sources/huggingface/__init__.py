"""Output folders of Hugging Face's Trainer.

`history` takes a `trainer_state.json` apart, `beside` reads what lies beside it (results, configurations, the model
card), and `source` finds folders and puts a run together.
"""

from labtop.sources.huggingface.source import HuggingFace as HuggingFace
