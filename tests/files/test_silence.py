"""Findings that are silenced in their place, by the settings and by comments in YAML."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from talonschema.files.comments import CommentFault, CommentSilence, comments

Run = Callable[..., tuple[int, str, str]]

ITEM = '{"name": "a", "sku": "b", "price": 1, "quantity": %s}'


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, content: str) -> str:
    Path(name).write_text(content, "utf-8")
    return name


def settings(pointer: str, code: str = "schema", glob: str = "*") -> None:
    write(
        "talonschema.toml",
        f'[[files]]\nglob = "{glob}"\nignore = ["{code}"]\npointer = "{pointer}"\nreason = "so"\n',
    )


def cart(*quantities: object) -> str:
    items = ", ".join(ITEM % json.dumps(each) for each in quantities)
    return f'{{"profileId": 7, "cartItems": [{items}]}}'


def places(out: str) -> list[str]:
    return [line.split("] ")[1].partition(":")[0] for line in out.splitlines()]


def note(number: int) -> str:
    return f"talonschema: note: {number} finding{'s' * (number > 1)} silenced\n"


# In the settings


@pytest.mark.parametrize(
    ("pointer", "left", "silenced"),
    [
        ("/cartItems/0", ["/cartItems/1/quantity", "/profileId"], 1),
        ("/cartItems/0/quantity", ["/cartItems/1/quantity", "/profileId"], 1),
        ("/cartItems/*/quantity", ["/profileId"], 2),
        ("/cartItems", ["/profileId"], 2),
        ("/*", [], 3),
        ("/cartItem", ["/cartItems/0/quantity", "/cartItems/1/quantity", "/profileId"], 0),
        ("/cartItems/0/quantity/x", ["/cartItems/0/quantity", "/cartItems/1/quantity"], 0),
    ],
)
def test_a_pointer_is_for_what_is_at_and_below_it(
    run: Run, pointer: str, left: list[str], silenced: int
) -> None:
    settings(pointer)
    _, out, err = run("check", write("a.json", cart("1", "2")), "--format", "concise")
    assert set(left) <= set(places(out))
    assert len(places(out)) == 3 - silenced
    assert (note(silenced) in err) is (silenced > 0)


def test_a_check_passes_if_all_its_errors_are_silenced(run: Run) -> None:
    settings("/cartItems/0")
    write("a.json", cart("1").replace("7", '"p"'))
    assert run("check", "a.json") == (0, "", note(1))
    assert run("check", "a.json", "--no-config")[0] == 1
    write("b.json", cart("1", "2").replace("7", '"p"'))
    assert run("check", "b.json")[0] == 1


def test_programs_get_the_count(run: Run) -> None:
    settings("/cartItems/0")
    _, out, err = run("check", write("a.json", cart("1", "2")), "--format", "json")
    found = json.loads(out)
    assert (found["silenced"], len(found["files"][0]["findings"]), err) == (1, 2, "")
    assert run("check", "a.json", "--statistics")[1].endswith(
        "2 errors in 1 of 1 file; 1 finding silenced\n"
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_lines_are_silenced_likewise(run: Run, jobs: str) -> None:
    settings("/cartItems/0")
    lines = "".join(f"{cart(each)}\n".replace("7", '"p"') for each in ("1", 1, "2"))
    write("log.ndjson", lines + '{"state": "opn"}\n')
    _, out, _ = run("check", "log.ndjson", "--format", "json", "--jobs", jobs)
    found = json.loads(out)
    (file,) = found["files"]
    assert [each["line"] for each in file["results"]] == [4]
    assert (file["payloads"], found["silenced"]) == (4, 2)


def test_a_second_output_has_the_same(run: Run) -> None:
    settings("/cartItems/0")
    run("check", write("a.json", cart("1", "2")), "--output-file", "json=found.json")
    _, out, _ = run("check", "a.json", "--format", "json")
    assert json.loads(Path("found.json").read_text("utf-8")) == json.loads(out)


def test_findings_behind_silenced_ones_are_found(run: Run) -> None:
    settings("/cartItems/*/quantity")
    write("a.json", cart(*map(str, range(1, 300))))
    status, out, err = run("check", "a.json", "--format", "concise", "--max-findings", "2")
    assert (status, places(out), err) == (1, ["/profileId"], note(299))
    settings("/profileId")
    _, out, _ = run("check", "a.json", "--format", "concise", "--max-findings", "2")
    assert out.splitlines()[2] == "a.json: 297 more findings not shown"


def test_a_check_with_more_findings_than_are_looked_at_does_not_pass(run: Run) -> None:
    settings("/couponCodes")
    write("a.json", json.dumps({"couponCodes": [1] * 12_000, "profileId": 7}))
    assert run("check", "a.json", "--select", "schema/type")[0] == 1


def test_pointers_count_as_in_the_output(run: Run) -> None:
    settings("/cases/0")
    write("a.json", '{"cases": [{"state": "opn"}, {"state": "opn"}]}')
    _, out, _ = run("check", "a.json", "--at", "/cases/*", "--format", "concise")
    assert places(out) == ["/cases/1/state"]


def test_a_table_without_a_pointer_silences_its_files(run: Run) -> None:
    write("talonschema.toml", '[[files]]\nglob = "a.*"\nignore = ["schema"]\nreason = "so"\n')
    write("a.json", cart("1"))
    write("b.json", cart("1"))
    _, out, err = run("check", "a.json", "b.json", "--format", "concise")
    assert {line.partition(":")[0] for line in out.splitlines()} == {"b.json"}
    assert err == note(2)


def test_no_text_that_cannot_be_read_is_silenced(run: Run) -> None:
    write("talonschema.toml", '[[files]]\nglob = "*"\nignore = ["json", "yaml"]\nreason = "so"\n')
    assert run("check", write("a.json", '{"state": '))[0] == 3
    assert run("check", write("b.yaml", "state: [ # talonschema: ignore yaml so\n"))[0] == 3


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('pointer = "/a"', "files[0] has no ignore; pointer applies only to ignored codes"),
        ('ignore = ["cart"]\npointer = "/a"', "files[0] has no reason"),
        ('ignore = ["cart"]\nreason = "so"\npointer = "a"', "expected a JSON Pointer"),
    ],
)
def test_faulty_pointers_are_refused(run: Run, table: str, fault: str) -> None:
    write("talonschema.toml", f'[[files]]\nglob = "*"\n{table}\n')
    status, _, err = run("check", write("a.json", "{}"))
    assert status == 2
    assert fault in err


def test_config_shows_the_place(run: Run) -> None:
    settings("/cartItems/0")
    _, out, _ = run("config", "a.json")
    assert out.splitlines()[-1].split() == [
        "ignore",
        "schema",
        "at",
        "/cartItems/0",
        "talonschema.toml:3",
        "so",
    ]
    (entry,) = json.loads(run("config", "a.json", "--format", "json")[1])["ignore"]
    assert entry["pointer"] == "/cartItems/0"


# In comments


@pytest.mark.parametrize(
    "text",
    [
        "state: opn # talonschema: ignore schema/enum so\n",
        "state: opn\t#talonschema:ignore schema so\r\n",
        "# talonschema: ignore schema/enum so\nstate: opn\n",
        "# talonschema: ignore cart,schema/enum so\n\n# another\nstate: opn\n",
        "a: 1\n---\n  # talonschema: ignore schema/enum so\nstate: opn\n",
        "state: # talonschema: ignore schema/enum so\n  opn\n",
        "{state: # talonschema: ignore schema/enum so\n  opn}\n",
    ],
)
def test_a_comment_silences_what_begins_on_its_line_or_the_next(run: Run, text: str) -> None:
    write("a.yaml", text)
    assert run("check", "a.yaml", "--select", "schema") == (0, "", note(1))
    assert run("check", "a.yaml", "--sequence", "--select", "schema") == (0, "", note(1))


@pytest.mark.parametrize(
    "text",
    [
        "state: opn\n# talonschema: ignore schema/enum so\n",
        "profileId: p # talonschema: ignore schema/enum so\nstate: opn\n",
        "# talonschema: ignore schema/enum so\nprofileId: p\nstate: opn\n",
        "state: opn # talonschema: ignore cart so\n",
        "identifiers: # talonschema: ignore schema/type so\n  - 7\n",
    ],
)
def test_a_comment_elsewhere_silences_nothing(run: Run, text: str) -> None:
    status, _, err = run("check", write("a.yaml", text), "--select", "schema")
    assert (status, err.count("this comment silences nothing\n")) == (1, int("cart" not in text))


@pytest.mark.parametrize(
    ("comment", "fault"),
    [
        ("ignore schema/enum", "add a reason after the codes"),
        ("ignore schema/enm so", "(did you mean 'schema/enum'?)"),
        ("ignore", "expected the form # talonschema: ignore CODES REASON"),
        ("off schema/enum so", "expected the form"),
        ("", "expected the form"),
    ],
)
def test_a_faulty_comment_is_noted(run: Run, comment: str, fault: str) -> None:
    write("a.yaml", f"\nstate: opn # talonschema: {comment}\n")
    status, _, err = run("check", "a.yaml")
    assert status == 1
    (line,) = err.splitlines()
    assert line.startswith("talonschema: note: a.yaml:2: this comment silences nothing: ")
    assert fault in line


def test_a_comment_about_codes_that_are_not_selected_is_not_noted(run: Run) -> None:
    write("a.yaml", "state: open # talonschema: ignore schema/enum so\n")
    assert "silences nothing" in run("check", "a.yaml")[2]
    assert run("check", "a.yaml", "--select", "cart") == (0, "", "")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('a: "# talonschema: ignore cart so"', []),
        ("a: 'b\n  # talonschema: ignore cart so\n  c'", []),
        ("a: |\n  # talonschema: ignore cart so\n", []),
        ("a: b#talonschema: ignore cart so", []),
        ("a: | # talonschema: ignore cart so\n  b\n", [1]),
        ("a: |\n  b\n# talonschema: ignore cart so\n", [3]),
        ("\ufeffa: ü # talonschema: ignore cart so", [1]),
        ("a: \u2028 # talonschema: ignore cart so", [1]),
    ],
)
def test_only_comments_are_read(text: str, lines: list[int]) -> None:
    found = list(comments(text.encode()))
    assert [each.line for each in found] == lines
    assert not any(isinstance(each, CommentFault) for each in found)
    assert all(isinstance(each, CommentSilence) for each in found)
