"""`dcm migrate`: bring the database to the current schema."""

import click

from db.migrate import migrate
from dcm.cli import options
from dcm.domain.errors import DcmError, StartError
from dcm.embedded import postgres


@click.command()
@options.as_json
def command(*, as_json: bool) -> None:
    """Bring the database to the schema of this version; says what it applied, nothing when it is current.

    The embedded database must run; `dcm db:setup` starts it where it does not.

    \b
    Examples:
      dcm migrate
      dcm migrate --json
    """
    settings = options.settings()
    if settings.embedded_postgres and not postgres.answers(settings.home):
        raise StartError(
            f"The embedded database of {settings.home} does not run: "
            "`dcm start` brings it to this version's schema too, and so does `dcm db:setup` without starting DCM."
        )
    try:
        applied = migrate(settings.database_url)
    except DcmError:
        raise
    except Exception as error:  # only db knows the driver, and a person needs a sentence
        reason = settings.hidden(str(error).strip() or type(error).__name__).splitlines()[0]
        url = settings.masked()["database_url"]
        advice = options.database_advice(settings)
        raise StartError(
            f"The database at {url} cannot be brought to this version's schema: {reason}. {advice}"
        ) from error
    if as_json:
        options.show_json({"applied": applied})
    elif applied:
        click.echo(f"the database has now: {', '.join(applied)}")
