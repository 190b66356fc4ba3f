"""The command, as a program: `territoire-geo`, or `python -m territoire_geo`."""

import gc


def main() -> None:
    """
    Run the command.

    What is imported stays to the end: looking for garbage in it would take a tenth of the time of the demonstration.
    """
    gc.disable()
    from territoire_geo import cli  # noqa: PLC0415 - after the collector is paused

    gc.freeze()
    gc.enable()
    cli.main(prog_name="territoire-geo")


if __name__ == "__main__":
    main()
