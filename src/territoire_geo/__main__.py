"""`python -m territoire_geo` is the command."""

from territoire_geo.cli import main

if __name__ == "__main__":
    main(prog_name="territoire-geo")
