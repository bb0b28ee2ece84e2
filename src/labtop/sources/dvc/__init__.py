"""DVC: experiments in git, and pipelines with files of metrics."""
