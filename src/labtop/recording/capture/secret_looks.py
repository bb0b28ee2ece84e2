"""How secrets look that are known wherever they stand: the prefixes of their makers, and the words around them.

Every pattern is linear: no repeat inside a repeat, and a long repeat begins where a look-behind lets it begin once.
A look that is no more than letters and digits of a length is not here: it would take commits and checksums too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Look:
    """A secret that is known by its look. `hints` are lower-case texts without one of which it cannot be there.

    What a group `keep` of the expression takes in front of the secret stays.
    """

    name: str
    hints: tuple[str, ...]
    expression: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is first needed: all of them cost 10 ms."""
        return _compiled(self.expression)

    def taken_out(self, text: str) -> str:
        """A text with a placeholder wherever there is such a secret."""
        kept = r"\g<keep>" if "(?P<keep>" in self.expression else ""
        return self.pattern.sub(f"{kept}${{{self.name}}}", text)


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def _look(name: str, hints: str, pattern: str) -> Look:
    return Look(name, tuple(hints.split()), pattern)


_B = r"(?<![A-Za-z0-9])"  # begins a word; also keeps a repeat from starting again at each letter
LOOKS = (
    _look("AWS_ACCESS_KEY_ID", "akia asia abia acca", _B + r"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}"),
    _look("GITHUB_TOKEN", "ghp_ gho_ ghu_ ghs_ ghr_", _B + r"gh[pousr]_[A-Za-z0-9]{30,}"),
    _look("GITHUB_TOKEN", "github_pat_", _B + r"github_pat_[A-Za-z0-9_]{20,}"),
    _look("GITLAB_TOKEN", "glpat- gldt- glrt- glptt- glcbt- gloas- glsoat- glft- glimt- glagent- glffct-",
          _B + r"gl(?:pat|dt|rt|ptt|cbt|oas|soat|ft|imt|agent|ffct)-[A-Za-z0-9_.-]{16,}"),
    _look("HF_TOKEN", "hf_", _B + r"hf_[A-Za-z0-9]{30,}"),
    _look("HF_TOKEN", "api_org_", _B + r"api_org_[A-Za-z0-9]{30,}"),
    _look("API_KEY", "sk-", _B + r"sk-(?:(?:ant|proj|svcacct|admin|or|lf)-)?"
          r"(?:(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20,})"),
    _look("STRIPE_KEY", "sk_live_ sk_test_ rk_live_ rk_test_ sk_org_live_",
          _B + r"[sr]k_(?:org_)?(?:live|test)_[A-Za-z0-9]{16,}"),
    _look("SLACK_TOKEN", "xoxa- xoxb- xoxp- xoxr- xoxs- xoxe- xoxc- xoxd-", _B + r"xox[abcdeprs]-[A-Za-z0-9-]{10,}"),
    _look("SLACK_TOKEN", "xapp-", _B + r"xapp-[A-Za-z0-9-]{10,}"),
    _look("SLACK_WEBHOOK", "hooks.slack.com",
          r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{20,}"),
    _look("GOOGLE_API_KEY", "aiza", _B + r"AIza[0-9A-Za-z_-]{35,}"),
    _look("GOOGLE_TOKEN", "ya29.", _B + r"ya29\.[0-9A-Za-z_-]{20,}"),
    _look("GOOGLE_CLIENT_SECRET", "gocspx-", _B + r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    _look("JWT", "eyj", _B + r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    _look("PYPI_TOKEN", "pypi-", _B + r"pypi-[A-Za-z0-9_-]{40,}"),
    _look("NPM_TOKEN", "npm_", _B + r"npm_[A-Za-z0-9]{30,}"),
    _look("DIGITALOCEAN_TOKEN", "dop_v1_ doo_v1_ dor_v1_", _B + r"do[opr]_v1_[a-f0-9]{40,}"),
    _look("SENDGRID_API_KEY", "sg.", _B + r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _look("DATABRICKS_TOKEN", "dapi", _B + r"dapi[a-f0-9]{32}"),
    _look("GROQ_API_KEY", "gsk_", _B + r"gsk_[A-Za-z0-9]{30,}"),
    _look("REPLICATE_API_TOKEN", "r8_", _B + r"r8_[A-Za-z0-9]{30,}"),
    _look("NVIDIA_API_KEY", "nvapi-", _B + r"nvapi-[A-Za-z0-9_-]{30,}"),
    _look("XAI_API_KEY", "xai-", _B + r"xai-[A-Za-z0-9]{30,}"),
    _look("TOGETHER_API_KEY", "tgp_v1_", _B + r"tgp_v1_[A-Za-z0-9_-]{20,}"),
    _look("WANDB_API_KEY", "wandb_v1_", _B + r"wandb_v1_[A-Za-z0-9_]{20,}"),
    _look("LANGSMITH_API_KEY", "lsv2_", _B + r"lsv2_[a-z]{2}_[A-Za-z0-9_]{20,}"),
    _look("SQUARE_TOKEN", "eaaa", _B + r"EAAA[A-Za-z0-9_-]{40,}"),
    _look("TELEGRAM_TOKEN", ":aa", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{32,}"),
    _look("VAULT_TOKEN", "hvs. hvb. hvr.", _B + r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    _look("DOCKER_TOKEN", "dckr_pat_ dckr_oat_", _B + r"dckr_[po]at_[A-Za-z0-9_-]{20,}"),
    _look("SHOPIFY_TOKEN", "shpat_ shpss_ shpca_ shppa_", _B + r"shp(?:at|ss|ca|pa)_[A-Fa-f0-9]{32}"),
    _look("LINEAR_API_KEY", "lin_api_ lin_oauth_", _B + r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _look("NOTION_TOKEN", "ntn_", _B + r"ntn_[A-Za-z0-9]{40,}"),
    _look("FIGMA_TOKEN", "figd_", _B + r"figd_[A-Za-z0-9_-]{20,}"),
    _look("PLANETSCALE_TOKEN", "pscale_", _B + r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}"),
    _look("ATLASSIAN_TOKEN", "atatt3", _B + r"ATATT3[A-Za-z0-9_=-]{40,}"),
    _look("AGE_KEY", "age-secret-key-1", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    _look("TAILSCALE_KEY", "tskey-", _B + r"tskey-[a-z]{2,12}-[A-Za-z0-9-]{20,}"),
    _look("PERPLEXITY_API_KEY", "pplx-", _B + r"pplx-[A-Za-z0-9]{40,}"),
    _look("SENTRY_TOKEN", "sntrys_ sntryu_", _B + r"sntry[su]_[A-Za-z0-9+/=_-]{40,}"),
    _look("GRAFANA_TOKEN", "glsa_ glc_", _B + r"gl(?:sa|c)_[A-Za-z0-9+/=_]{30,}"),
    _look("POSTMAN_API_KEY", "pmak-", _B + r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _look("RUBYGEMS_API_KEY", "rubygems_", _B + r"rubygems_[a-f0-9]{48}"),
    _look("CRATES_TOKEN", "cio", _B + r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    _look("TERRAFORM_TOKEN", ".atlasv1.", _B + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{50,}"),
    _look("NEPTUNE_API_TOKEN", "eyjhcglfywrkcmvzcyi6", r"eyJhcGlfYWRkcmVzcyI6[A-Za-z0-9+/=_-]{20,}"),
    _look("AZURE_KEY", "accountkey= accesskey=", r"(?i)(?:(?<=AccountKey=)|(?<=AccessKey=))[A-Za-z0-9+/=]{20,}"),
    _look("SIGNATURE", "sig= signature=", r"(?i)(?<=[?&]sig=)[A-Za-z0-9%+/=_-]{16,}"),
    _look("SIGNATURE", "x-amz-signature= x-amz-security-token= x-amz-credential= x-goog-signature=",
          r"(?i)(?<=[?&])X-(?:Amz|Goog)-(?:Signature|Security-Token|Credential)=[^\s&\"']{8,}"),
    _look("AUTHORIZATION", "bearer basic", r"(?i)(?:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{16,}"),
    _look("STRIPE_WEBHOOK_SECRET", "whsec_", _B + r"whsec_[A-Za-z0-9+/=]{24,}"),
    _look("AWS_SESSION_TOKEN", "fwogzxivyxdz fqogzxivyxdz iqojb3jpz2lux2vj",
          _B + r"(?:F[wQ]oGZXIvYXdz|IQoJb3JpZ2luX2Vj)[A-Za-z0-9+/=]{50,}"),
    _look("AWS_BEARER_TOKEN_BEDROCK", "absk bedrock-api-key-", _B + r"(?:ABSK|bedrock-api-key-)[A-Za-z0-9+/=]{100,}"),
    _look("GOOGLE_TOKEN", "1//0", _B + r"1//0[A-Za-z0-9_-]{30,}"),
    _look("JWT", "eyj", _B + r"eyJ[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]{8,}){4}"),
    _look("MAPBOX_TOKEN", "sk.eyj", _B + r"sk\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{15,}"),
    _look("KUBE_KEY", "ls0tls1crudjti", _B + r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{40,}"),
    _look("AZURE_CLIENT_SECRET", "q~", r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    _look("AZURE_DEVOPS_TOKEN", "azdo", _B + r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    _look("AZURE_API_KEY", "jqqj99", _B + r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{20,}"),
    _look("KAGGLE_API_TOKEN", "kgat_", _B + r"KGAT_[A-Za-z0-9]{24,}"),
    _look("GITLAB_TOKEN", "gr1348941", _B + r"GR1348941[A-Za-z0-9_-]{16,}"),
    _look("DATABRICKS_SECRET", "dose", _B + r"dose[a-f0-9]{32}"),
    _look("FIREWORKS_API_KEY", "fw_", _B + r"fw_(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{20,}"),
    _look("CEREBRAS_API_KEY", "csk-", _B + r"csk-[a-z0-9]{40,}"),
    _look("ELEVENLABS_API_KEY", "sk_", _B + r"sk_[a-f0-9]{48}"),
    _look("PINECONE_API_KEY", "pcsk_", _B + r"pcsk_[A-Za-z0-9_]{40,}"),
    _look("LANGSMITH_API_KEY", "ls__", _B + r"ls__[a-f0-9]{32}"),
    _look("MODAL_TOKEN", "as- ak-", _B + r"a[sk]-(?=[A-Za-z]{0,21}\d)[A-Za-z0-9]{22}(?![A-Za-z0-9])"),
    _look("RUNPOD_API_KEY", "rpa_", _B + r"rpa_[A-Z0-9]{40,}"),
    _look("LAMBDA_API_KEY", "secret_", _B + r"secret_[A-Za-z0-9_-]{1,60}_[a-f0-9]{32}\.[A-Za-z0-9]{32}"),
    _look("SUPABASE_KEY", "sbp_ sb_secret_", _B + r"(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,})"),
    _look("NETLIFY_TOKEN", "nfp_", _B + r"nfp_[A-Za-z0-9]{30,}"),
    _look("FLY_API_TOKEN", "fm1r_ fm2_ fo1_", _B + r"(?:fm1r|fm2|fo1)_[A-Za-z0-9+/=_-]{40,}"),
    _look("HEROKU_API_KEY", "hrku-", _B + r"HRKU-[A-Za-z0-9_-]{30,}"),
    _look("DOPPLER_TOKEN", "dp.pt. dp.st. dp.ct. dp.sa.", _B + r"dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9_.]{40,}"),
    _look("PULUMI_ACCESS_TOKEN", "pul-", _B + r"pul-[a-f0-9]{40}"),
    _look("NEW_RELIC_KEY", "nrak-", _B + r"NRAK-[A-Z0-9]{27}"),
    _look("SONAR_TOKEN", "sqp_ squ_ sqa_", _B + r"sq[pua]_[a-f0-9]{40}"),
    _look("TWILIO_KEY", "sk", _B + r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    _look("MAILGUN_API_KEY", "key-", _B + r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    _look("MAILCHIMP_API_KEY", "-us", _B + r"[0-9a-f]{32}-us\d{1,2}(?!\w)"),
    _look("DROPBOX_TOKEN", "sl.", _B + r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,}"),
    _look("DISCORD_WEBHOOK", "discord.com/api discordapp.com/api",
          r"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{10,25}/[A-Za-z0-9_-]{40,}"),
    _look("TEAMS_WEBHOOK", "webhook.office.com", r"webhook\.office\.com/webhookb2/[A-Za-z0-9@/_-]{40,}"),
    _look("ARTIFACTORY_TOKEN", "akcp cmvmdgtu", _B + r"(?:AKCp[A-Za-z0-9]{50,}|cmVmdGtu[A-Za-z0-9]{50,})"),
    _look("OPENAI_SESSION", "sess-", _B + r"sess-(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{40,}"),
    _look("SHIPPO_TOKEN", "shippo_", _B + r"shippo_(?:live|test)_[a-f0-9]{40}"),
    _look("SCALE_API_KEY", "live_", _B + r"live_[a-f0-9]{32}(?![A-Za-z0-9])"),
    _look("AIRTABLE_TOKEN", "pat", _B + r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    _look("AUTHORIZATION", "authorization",
          r"(?i)(?P<keep>authorization[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?:token|ssws|api-?key|bot|key)[ \t=]{1,4})"
          r"[A-Za-z0-9._~+/=-]{12,}"),
    _look("PASSWORD", "login", r"(?P<keep>\blogin[ \t\r\n]{1,8}[^\s${]{1,200}[ \t\r\n]{1,8}password[ \t\r\n]{1,8})"
          r"[^\s${]\S{3,}"),
    _look("WANDB_API_KEY", "wandb",
          r"(?P<keep>\bwandb[ \t]{1,4}login[ \t]{1,4}(?:--relogin[ \t]{1,4})?)[A-Za-z0-9_]{32,}"),
    _look("PASSWORD", "curl", r"(?P<keep>\bcurl\b[^\n|;]{0,300}?[ \t](?:-u|--user)[ =\t]{0,4}[\"']?[^\s:\"']{1,100}:)"
          r"[^\s\"'${][^\s\"']{0,200}"),
    _look("KAGGLE_KEY", "username",
          r"(?P<keep>\\{0,3}[\"']username\\{0,3}[\"']\s{0,4}:\s{0,4}\\{0,3}[\"'][^\\\"'\n]{1,100}\\{0,3}[\"']\s{0,4},"
          r"\s{0,4}\\{0,3}[\"']key\\{0,3}[\"']\s{0,4}:\s{0,4}\\{0,3}[\"'])[a-f0-9]{32}"),
    _look("CONDA_TOKEN", "anaconda.org/t/ anaconda.com/t/ anaconda.cloud/t/",
          r"(?P<keep>anaconda\.(?:org|com|cloud)/t/)[A-Za-z0-9_-]{8,}"),
    _look("API_KEY", "?key= &key=", r"(?P<keep>[?&]key=)(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{20,}"),
    _look("CREDENTIALS", "://", r"(?P<keep>(?:postgres|postgresql|mysql|mariadb|mongodb|rediss?|amqps?|mssql|oracle|"
          r"snowflake|clickhouse|cockroachdb|s?ftp)(?:\+[a-z0-9]{1,20})?://)"
          r"[^\s:/@\"'<>$]{0,100}:(?!\d{1,5}(?:/|$))[^\s@\"'<>]{1,256}(?=@[^\s@])"),
)  # fmt: skip


def _sign(hint: str) -> str:
    return next((each for each in SIGNS if each in hint), "")


SIGNS = "_-=./"
"""Most hints hold one of these: what a text without any `_` need not be searched for, and so on."""
_BY_SIGN = tuple(
    (
        sign,
        tuple(
            (look, hints)
            for look in LOOKS
            if (hints := tuple(each for each in look.hints if _sign(each) == sign))
        ),
    )
    for sign in ("", *SIGNS)
)


def without_looks(text: str, low: str) -> str:
    """A text without what is a secret by its look; `low` is the same text in lower case."""
    for sign, looks in _BY_SIGN:
        if sign in low:
            for look, hints in looks:
                for hint in hints:  # plain loops: half the cost of any() on each printed line
                    if hint in low:
                        text = look.taken_out(text)
                        break
    return text


def holds_look(text: str, low: str) -> bool:
    """Whether a text holds what is a secret by its look; `low` is the same text in lower case."""
    return any(
        look.pattern.search(text) is not None for look in LOOKS if any(hint in low for hint in look.hints)
    )


def hint_table(as_sought: Callable[[str], str] = str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """All hints by their sign, as one seeks them: a text that holds none of them, or none of the sign, has no look."""
    return tuple(
        (sign, tuple(dict.fromkeys(as_sought(hint) for _, hints in looks for hint in hints)))
        for sign, looks in _BY_SIGN
    )


_HINTS = hint_table()


def has_hint(low: str) -> bool:
    """Whether a text in lower case may hold one at all: a quick look at many lines at once."""
    for sign, hints in _HINTS:
        if sign in low:
            for hint in hints:
                if hint in low:
                    return True
    return False
