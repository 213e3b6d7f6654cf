"""``python -m galaxtool`` and the installed ``galaxtool`` run this."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from galaxtool.cli.main import application

    application()(prog_name="galaxtool")


if __name__ == "__main__":
    main()
