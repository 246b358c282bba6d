"""ccbill.toml: what is read, where it is looked for, and how mistakes are told."""

from pathlib import Path

import pytest

from ccbill import config
from ccbill.config import Settings
from ccbill.errors import CcbillError, Exit


def load(folder: Path, text: str) -> Settings:
    path = folder / "ccbill.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


def refusal(folder: Path, text: str) -> list[str]:
    with pytest.raises(CcbillError) as refused:
        load(folder, text)
    assert refused.value.code == Exit.REFUSED
    return [str(message) for message in refused.value.messages]


WHOLE = """
[columns]
patient_id = "Pt #"
[kinds]
"Home visit" = "Care management contact"
[payers]
"Blue" = "BCBSM"
[credentials]
"Nurse" = "rn"
[modes]
"Ring" = "Phone"
[defaults]
mode = "telephone"
payer = "BCBSM"
[practice]
name = "Invented Practice"
npi = "1234567893"
timezone = "America/Detroit"
[payer_ids]
some-plan = "00710"
[claims]
complete = true
[rules]
overlays = ["rules"]
[ledger]
path = "ledger.db"
lock_timeout = 5
[intake]
fill_down = ["patient_id"]
ignore_columns = ["Extra"]
"""


def test_everything_that_a_file_may_say(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    assert settings.columns == {"patient_id": "Pt #"}
    assert settings.kinds == {"Home visit": "care-management-contact"}
    assert settings.payers == {"Blue": "BCBSM"}
    assert settings.credentials == {"Nurse": "RN"}
    assert settings.modes == {"Ring": "phone"}
    assert settings.defaults == {"mode": "phone", "payer": "BCBSM"}
    assert settings.practice.npi == "1234567893"
    assert settings.payer_ids == {"some-plan": "00710"}
    assert settings.claims_complete
    assert settings.overlays == (tmp_path / "rules",)
    assert settings.ledger_path == tmp_path / "ledger.db"
    assert settings.lock_timeout == 5
    assert settings.fill_down == ("patient_id",)
    assert settings.path == tmp_path / "ccbill.toml"
    assert settings.sha256 is not None
    assert len(settings.sha256) == 64


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert (settings.defaults, settings.practice) == ({}, config.Practice())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[practise]\nnpi = "1"\n',
            "ccbill.toml:1:[practise]: is no section that ccbill knows\n"
            "  Nothing was read or written.\n"
            "  fix: did you mean 'practice'?",
        ),
        (
            '[practice]\n\nnpii = "1"\n',
            "ccbill.toml:3:[practice] npii: is no setting that ccbill knows\n"
            "  Nothing was read or written.\n"
            "  fix: did you mean 'npi'?",
        ),
        (
            "[practice]\nnpi = 1234567893\n",
            "ccbill.toml:2:[practice] npi: is not text\n"
            "  Nothing was read or written.\n"
            "  fix: put the value in double quotes",
        ),
        (
            '[kinds]\n"Visit" = "care-managment-contact"\n',
            "ccbill.toml:2:[kinds] Visit: is not a kind of work: 'care-managment-contact'\n"
            "  Nothing was read or written.\n"
            "  fix: did you mean 'care-management-contact'?",
        ),
        (
            "[practice]\nnpi =\n",
            "ccbill.toml:2: is not TOML: Invalid value\n"
            "  Nothing was read or written.\n"
            '  fix: write words = "words", with both sides in double quotes where they hold spaces',
        ),
        (
            '[practice]\ntimezone = "Detroit"\n',
            "ccbill.toml:2:[practice] timezone: is not a time zone\n"
            "  Nothing was read or written.\n"
            '  fix: use a name such as "America/Detroit"',
        ),
    ],
)
def test_mistakes_name_their_line_and_the_nearest_word(
    tmp_path: Path, text: str, message: str
) -> None:
    assert refusal(tmp_path, text) == [message]


@pytest.mark.parametrize(
    "text",
    [
        "claims = true\n",
        '[claims]\ncomplete = "yes"\n',
        "[ledger]\nlock_timeout = true\n",
        '[rules]\noverlays = "rules"\n',
        '[columns]\npatient = "Pt"\n',
        '[defaults]\npatient_id = "1"\n',
        '[defaults]\nminutes_unit = "fortnights"\n',
        '[intake]\nfill_down = ["patients"]\n',
        '[modes]\n"x" = ""\n',
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    assert len(refusal(tmp_path, text)) == 1


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    assert len(refusal(tmp_path, '[practice]\nnpii = "1"\n[defaults]\nmode = "pigeon"\n')) == 2


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CcbillError) as refused:
        config.load(tmp_path / "none.toml")
    assert refused.value.code == Exit.REFUSED


def test_where_settings_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv("CCBILL_CONFIG", raising=False)
    monkeypatch.setattr(config, "user_directory", lambda: tmp_path / "user")
    assert config.load(None).path is None
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "ccbill.toml").write_text("")
    assert config.load(None).path == tmp_path / "user" / "ccbill.toml"
    (tmp_path / "ccbill.toml").write_text("")
    assert config.load(None).path == tmp_path / "ccbill.toml"
    (tmp_path / "named.toml").write_text("")
    monkeypatch.setenv("CCBILL_CONFIG", str(tmp_path / "named.toml"))
    assert config.load(None).path == tmp_path / "named.toml"
    assert config.load(tmp_path / "ccbill.toml").path == tmp_path / "ccbill.toml"
