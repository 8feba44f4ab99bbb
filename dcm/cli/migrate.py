"""`dcm migrate`: bring the database to the current schema."""

import click

from db.migrate import migrate
from dcm.settings import load


@click.command()
def command() -> None:
    """Bring the database to the schema of this version; says what it applied, nothing when it is current."""
    applied = migrate(load().database_url)
    if applied:
        click.echo(f"the database has now: {', '.join(applied)}")
