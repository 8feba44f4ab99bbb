"""`python -m dcm` is `dcm`."""

from dcm.cli.main import main

main()
