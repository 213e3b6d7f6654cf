"""The entry point of ``python -m galaxtool`` and of the installed command ``galaxtool``."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    # imported here because worker processes import this module too
    from galaxtool.cli.streams import lenient_streams
    from galaxtool.utils.garbage import collect_rarely

    collect_rarely()
    with lenient_streams():
        from galaxtool.cli.main import application

        application()(prog_name="galaxtool")


if __name__ == "__main__":
    main()
