"""Print a completion script for your shell to stdout."""

from __future__ import annotations

import argparse

from workbench.cli.output import Output

EXAMPLES = """\
examples:
  workbench completion bash > ~/.local/share/bash-completion/completions/workbench
  workbench completion zsh > "${fpath[1]}/_workbench"
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("shell", choices=["bash", "zsh", "tcsh"], metavar="SHELL", help="bash, zsh or tcsh")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the completion script, made from the parsers of all commands."""
    import shtab

    from workbench.cli import main

    parser = argparse.ArgumentParser(prog="workbench", add_help=True)
    parser.add_argument("--version", action="store_true", help="show the version")
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, summary in main.summaries().items():
        command = commands.add_parser(name, help=summary, description=summary)
        main.command(name).configure(command)
        main.add_common(command)
    out.stdout.write(shtab.complete(parser, args.shell))
    return 0
