"""The command line as a whole: help, errors, exit codes, common options, commands of plugins."""

import os
import subprocess
import sys

import pytest

from fspp_core.cli import main
from fspp_core.cli.group import COMMANDS
from fspp_core.jobs import JOBS

COMMAND_PLUGIN = '''
import click
from fspp_core.hookspecs import hookimpl

FSPP_API = 1

@click.command()
@click.argument("word")
def greet(word):
    """Say hello."""
    click.echo(f"hello {word}")

@click.command()
def train():
    """Take the place of a command of core's."""

@hookimpl
def fspp_register_commands(cli):
    cli.add_command(greet)
'''


@pytest.fixture
def plugin_file(tmp_path):
    file = tmp_path / "commands.py"
    file.write_text(COMMAND_PLUGIN, encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_help_lists_every_command_and_the_exit_codes(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert name in said
        assert summary.split(":")[0][:30] in said
    assert "130" in said


def test_no_argument_is_help(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert "Commands:" in captured.out + captured.err


@pytest.mark.parametrize("name", JOBS)
def test_job_summaries_are_the_same_everywhere(name):
    assert JOBS[name].summary == COMMANDS[name]


@pytest.mark.parametrize(
    "words", [[name] for name in COMMANDS] + [["plugins", "new"], ["config", "show"]], ids=" ".join
)
def test_every_command_has_help_of_its_own(capsys, words):
    assert main([*words, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: fspp {' '.join(words)}")
    assert "--plugin FILE.py" in said
    assert max(map(len, said.splitlines())) <= 110


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "fspp 0.1.0\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["extrac"], 2, "there is no command 'extrac'; did you mean 'extract'?"),
        (["zzzzzz"], 2, "there is no command 'zzzzzz'; see fspp --help"),
        (["tools"], 2, "the command 'tools' is not installed: python -m pip install fspp-tools"),
        (["studio", "--port", "1"], 2, "python -m pip install fspp-studio"),
        (["train", "--step", "3"], 2, "--steps"),
        (["train", "--steps", "0"], 2, "--steps: 0 is less than the minimum of 1"),
        (["train", "--precision", "half"], 2, "--precision: 'half' is not one of"),
        (
            ["train", "--model", "saehd", "a", "b", "c"],
            2,
            "--model: model 'saehd' is not installed: python -m pip install",
        ),
        (["train", "-o", "adam"], 2, "-o adam: expected component.key=value"),
        (["train", "a", "b"], 2, "MODEL_DIR is not given"),
        (["--config", "absent.toml", "train"], 2, "absent.toml: cannot be read"),
        (["--plugin", "absent.py", "plugins"], 1, "--plugin absent.py: there is no such file"),
        (["plugins", "show", "saehd"], 1, "python -m pip install fspp-model-saehd"),
        (["plugins", "show", "adma"], 1, "did you mean 'adam'"),
        (["plugins", "why", "saehd"], 1, "python -m pip install fspp-model-saehd"),
        (["config", "validate"], 2, "there is no fspp.toml in the current folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_are_a_message_and_an_exit_code(capsys, words, code, said):
    assert main(words) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_verbose_shows_the_traceback_of_an_error(capsys):
    assert main(["plugins", "show", "adma", "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_all_errors_come_at_once(capsys, tmp_path):
    (tmp_path / "fspp.toml").write_text("[train]\nstep = 1\n", encoding="utf-8")
    assert main(["train", "--steps", "0", "--flip", "2", "-o", "adam.beta=1", "-o", "nope"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0 if n else 1] for n, line in enumerate(lines)] == [
        "fspp.toml:",
        "-o",
        "--flip:",
        "--steps:",
        "-o",
    ]


def test_plugins_add_commands(capsys, plugin_file):
    assert main(["--plugin", str(plugin_file), "greet", "you"]) == 0
    assert capsys.readouterr().out == "hello you\n"
    assert main(["--plugin", str(plugin_file), "--help"]) == 0
    said = capsys.readouterr().out
    assert "Commands of plugins:\n  greet  Say hello." in said
    assert main(["greet", "you"]) == 2


@pytest.mark.parametrize(
    "add", ["cli.add_command(train)", "cli.add_command(greet)\n    cli.add_command(greet)", "1 / 0"]
)
def test_a_plugin_that_spoils_its_commands_is_recorded_and_the_rest_goes_on(capsys, plugin_file, add):
    text = COMMAND_PLUGIN.replace("    cli.add_command(greet)", f"    cli.add_command(greet, 'other')\n    {add}")
    plugin_file.write_text(text, encoding="utf-8")
    assert main(["--plugin", str(plugin_file), "--help"]) == 0
    captured = capsys.readouterr()
    assert "Commands of plugins" not in captured.out
    assert "already there" in captured.err or "ZeroDivisionError" in captured.err


def test_common_options_stand_before_or_after_the_command(capsys, plugin_file, tmp_path):
    (tmp_path / "p.toml").write_text("[train]\nsteps = 77\n", encoding="utf-8")
    for words in (["--config", "p.toml", "config", "show", "train"], ["config", "show", "--config", "p.toml", "train"]):
        assert main(words) == 0
        assert "p.toml" in capsys.readouterr().out
    for words in (["plugins", "why"], ["--log-level", "error", "plugins", "why"]):
        assert main([*words, str(plugin_file), "--plugin", str(plugin_file)]) == 0
        assert "works" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell pipe that closes early, as POSIX has it")
def test_a_reader_that_stops_early_is_no_error():
    listing = subprocess.Popen(
        [sys.executable, "-m", "fspp_core", "config", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    listing.stdout.close()
    _, said = listing.communicate()
    assert b"Traceback" not in said
    assert b"BrokenPipe" not in said


def test_names_the_console_cannot_show_do_not_crash(run_fspp, tmp_path):
    odd = tmp_path / "顔.toml"
    odd.write_text("[train]\nsteps = 5\n", encoding="utf-8")
    done = run_fspp("--config", str(odd), "config", "validate", PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert os.fspath(tmp_path) in done.stdout
