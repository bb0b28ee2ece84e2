"""Fake secrets of every look, put together here so that no scanner takes this file for a leak."""

from __future__ import annotations

import random
import string

_LETTERS = string.ascii_letters + string.digits
_random = random.Random(17)


def _chars(count: int, alphabet: str = _LETTERS) -> str:
    # the first is a digit and the second a letter: real tokens have both
    return (
        "7" + "q" + "".join(_random.choices(alphabet, k=count - 2))
        if alphabet is _LETTERS
        else "".join(_random.choices(alphabet, k=count))
    )


_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits

BY_LOOK: dict[str, str] = {
    "aws": "AKIA" + _chars(16, _UPPER),
    "aws-session": "ASIA" + _chars(16, _UPPER),
    "github-personal": "ghp_" + _chars(36),
    "github-oauth": "gho_" + _chars(36),
    "github-user": "ghu_" + _chars(36),
    "github-server": "ghs_" + _chars(36),
    "github-refresh": "ghr_" + _chars(76),
    "github-fine": "github" + "_pat_" + _chars(22) + "_" + _chars(59),
    "gitlab": "glpat-" + _chars(20),
    "gitlab-deploy": "gldt-" + _chars(20),
    "huggingface": "hf_" + _chars(34),
    "openai": "sk-" + _chars(48),
    "openai-project": "sk-" + "proj-" + _chars(64),
    "anthropic": "sk-" + "ant-api03-" + _chars(93),
    "openrouter": "sk-" + "or-v1-" + _chars(64, _HEX),
    "stripe": "sk_" + "live_" + _chars(24),
    "slack-bot": "xoxb-" + _chars(12, string.digits) + "-" + _chars(24),
    "slack-user": "xoxp-" + _chars(12, string.digits) + "-" + _chars(24),
    "slack-app": "xapp-" + "1-A" + _chars(10) + "-" + _chars(40),
    "google": "AIza" + _chars(35),
    "google-oauth": "ya29." + _chars(60),
    "google-client": "GOCSPX-" + _chars(28),
    "jwt": "eyJ" + _chars(30) + ".eyJ" + _chars(60) + "." + _chars(43),
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + _chars(70),
    "npm": "npm_" + _chars(36),
    "digitalocean": "dop_v1_" + _chars(64, _HEX),
    "sendgrid": "SG." + _chars(22) + "." + _chars(43),
    "databricks": "dapi" + _chars(32, _HEX),
    "groq": "gsk_" + _chars(52),
    "replicate": "r8_" + _chars(37),
    "nvidia": "nvapi-" + _chars(64),
    "xai": "xai-" + _chars(80),
    "telegram": _chars(10, string.digits[1:]) + ":AA" + _chars(33),
    "vault": "hvs." + _chars(40),
    "langsmith": "lsv2_" + "pt_" + _chars(32) + "_" + _chars(10),
    "docker": "dckr_pat_" + _chars(27),
    "shopify": "shpat_" + _chars(32, _HEX),
    "linear": "lin_api_" + _chars(40),
    "notion": "ntn_" + _chars(46),
    "figma": "figd_" + _chars(40),
    "planetscale": "pscale_" + "tkn_" + _chars(43),
    "atlassian": "ATATT3" + _chars(180),
    "age": "AGE-SECRET-" + "KEY-1" + _chars(58, _UPPER),
    "tailscale": "tskey-" + "auth-" + _chars(17) + "-" + _chars(32),
    "perplexity": "pplx-" + _chars(48),
    "sentry": "sntrys_" + _chars(60),
    "grafana": "glsa_" + _chars(32) + "_" + _chars(8, _HEX),
    "postman": "PMAK-" + _chars(24, _HEX) + "-" + _chars(34, _HEX),
    "rubygems": "rubygems_" + _chars(48, _HEX),
    "crates": "cio" + _chars(32),
    "terraform": _chars(14) + ".atlasv1." + _chars(67),
    "neptune": "eyJhcGlfYWRkcmVzcyI6" + _chars(120),
    "anthropic-admin": "sk-" + "ant-admin01-" + _chars(95),
    "openai-service": "sk-" + "svcacct-" + _chars(40) + "T3Blbk" + "FJ" + _chars(40),
    "aws-session-long": "IQoJb3JpZ2lu" + "X2Vj" + _chars(200) + "==",
    "aws-bedrock": "AB" + "SK" + _chars(110) + "==",
    "google-refresh": "1/" + "/0" + _chars(60),
    "stripe-restricted": "rk_" + "live_" + _chars(99),
    "stripe-hook": "whsec" + "_" + _chars(32),
    "encrypted-jwt": "eyJ" + ".".join(_chars(30) for _ in range(5)),
    "mapbox": "sk." + "eyJ" + _chars(60) + "." + _chars(22),
    "kubeconfig": "LS0tLS1C" + "RUdJTi" + _chars(90),
    "azure-client": _chars(3) + "8Q" + "~" + _chars(34),
    "azure-devops": _chars(76) + "AZ" + "DO" + _chars(4),
    "azure-ai": _chars(52) + "JQQ" + "J99" + _chars(26),
    "kaggle": "KG" + "AT_" + _chars(32, _HEX),
    "gitlab-routable": "glpat-" + _chars(27) + ".01." + _chars(9),
    "gitlab-job": "glcbt-" + "64_" + _chars(20),
    "gitlab-runner": "GR13" + "48941" + _chars(20),
    "databricks-oauth": "dose" + _chars(32, _HEX),
    "vault-recovery": "hvr." + _chars(40),
    "fireworks": "fw" + "_" + _chars(24),
    "cerebras": "csk" + "-" + _chars(48, string.ascii_lowercase + string.digits),
    "elevenlabs": "sk" + "_" + _chars(48, _HEX),
    "pinecone": "pcsk" + "_" + _chars(6) + "_" + _chars(63),
    "langsmith-old": "ls" + "__" + _chars(32, _HEX),
    "modal": "as" + "-" + _chars(22),
    "runpod": "rpa" + "_" + _chars(46, _UPPER),
    "lambda": "secret_" + "ml_" + _chars(32, _HEX) + "." + _chars(32),
    "supabase": "sbp" + "_" + _chars(40, _HEX),
    "supabase-secret": "sb_" + "secret_" + _chars(31),
    "netlify": "nfp" + "_" + _chars(36),
    "fly": "fm" + "2_" + _chars(200),
    "heroku": "HRKU" + "-" + _chars(60),
    "doppler": "dp." + "pt." + _chars(43),
    "pulumi": "pul" + "-" + _chars(40, _HEX),
    "newrelic": "NRAK" + "-" + _chars(27, _UPPER),
    "sonar": "sqp" + "_" + _chars(40, _HEX),
    "twilio": "SK" + _chars(32, _HEX),
    "mailgun": "key" + "-" + _chars(32, _HEX),
    "mailchimp": _chars(32, _HEX) + "-us" + "12",
    "dropbox": "sl" + ".u." + _chars(130),
    "discord-hook": "https://discord.com/api/" + "webhooks/" + _chars(18, string.digits) + "/" + _chars(68),
    "teams-hook": "https://x.webhook.office.com/"
    + "webhookb2/"
    + _chars(36)
    + "@"
    + _chars(36)
    + "/"
    + _chars(32),
    "artifactory": "AK" + "Cp8" + _chars(68),
    "shippo": "shippo_" + "live_" + _chars(40, _HEX),
    "scale": "live" + "_" + _chars(32, _HEX),
    "airtable": "pat" + _chars(14) + "." + _chars(64, _HEX),
    "slack-hook": "https://hooks.slack.com/services/T" + _chars(8) + "/B" + _chars(8) + "/" + _chars(24),
    "pem": "-----BEGIN RSA PRIVATE"
    + " KEY-----\n"
    + _chars(64)
    + "\n"
    + _chars(64)
    + "\n-----END RSA PRIVATE"
    + " KEY-----",
}
"""Known by their look wherever they stand."""

_WORDS = [_chars(20) for _ in range(27)]
_KEY = _chars(32, _HEX)
IN_CONTEXT: dict[str, tuple[str, str]] = {
    "token=": (f"token={_WORDS[0]}", _WORDS[0]),
    "--token": (f"--token {_WORDS[1]}", _WORDS[1]),
    "--api-key=": (f"--api-key={_WORDS[2]}", _WORDS[2]),
    "password:": (f"password: {_WORDS[3]}", _WORDS[3]),
    "json": (f'{{"client_secret": "{_WORDS[4]}"}}', _WORDS[4]),
    "environ": (f"os.environ['MY_TOKEN'] = '{_WORDS[5]}'", _WORDS[5]),
    "annotated": (f'api_key: str = "{_WORDS[6]}"', _WORDS[6]),
    "url": (f"https://bob:{_WORDS[7]}@example.org/x", _WORDS[7]),
    "postgres": (f"postgresql://app:{_WORDS[8]}@db:5432/runs", _WORDS[8]),
    "redis": (f"redis://:{_WORDS[9]}@cache:6379/0", _WORDS[9]),
    "bearer": (f"Authorization: Bearer {_WORDS[10]}", _WORDS[10]),
    "query": (f"https://example.org/data.csv?access_token={_WORDS[11]}&x=1", _WORDS[11]),
    "presigned": (f"https://b.s3.amazonaws.com/k?X-Amz-Signature={_WORDS[12]}{_WORDS[12]}", _WORDS[12]),
    "netrc": (f"machine api.wandb.ai login user password {_WORDS[14]}", _WORDS[14]),
    "wandb-login": (f"wandb login {_WORDS[15]}{_WORDS[15]}", _WORDS[15]),
    "kaggle-json": (f'{{"username":"bob","key":"{_KEY}"}}', _KEY),
    "kaggle-env": (f"KAGGLE_KEY={_WORDS[16]}", _WORDS[16]),
    "openai-env": (f"OPENAI_KEY={_WORDS[17]}", _WORDS[17]),
    "auth-token": (f"Authorization: token {_WORDS[18]}", _WORDS[18]),
    "curl": (f"curl -u bob:{_WORDS[19]} https://example.org", _WORDS[19]),
    "key=": (f"https://example.org/v1?key={_WORDS[20]}&x=1", _WORDS[20]),
    "slash-in-password": (f"postgresql://app:a/b{_WORDS[21]}@db/runs", _WORDS[21]),
    "hash-in-password": (f"mysql+pymysql://app:a#{_WORDS[22]}@db/runs", _WORDS[22]),
    "shared-access": (f"Endpoint=sb://x/;SharedAccessKey={_WORDS[23]}=", _WORDS[23]),
    "sas": (f"https://a.blob.core.windows.net/c?sv=2022-11-02&sig={_WORDS[24]}%3D", _WORDS[24]),
    "conda": (f"https://conda.anaconda.org/t/{_WORDS[26]}/channel/linux-64/x-1.conda", _WORDS[26]),
    "npmrc": (f"//registry.npmjs.org/:_authToken={_WORDS[25]}", _WORDS[25]),
    "azure": (f"AccountName=a;AccountKey={_WORDS[13]}{_WORDS[13]}==;", _WORDS[13]),
}
"""Known by what stands around them: the text, and the part of it that is secret."""


def texts() -> dict[str, tuple[str, str]]:
    """Every fake secret by a name, in a text that shows it, with the line of it that must not be found."""
    by_look = {
        name: (f"using {secret} now", secret.split("\n")[1] if "\n" in secret else secret)
        for name, secret in BY_LOOK.items()
    }
    return by_look | IN_CONTEXT
