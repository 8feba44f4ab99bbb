"""`dcm migrate`: bring the database to the current schema."""

import click

from db.migrate import migrate
from dcm.cli import up
from dcm.domain.errors import DcmError, StartError
from dcm.settings import load


@click.command()
def command() -> None:
    """Bring the database to the schema of this version; says what it applied, nothing when it is current."""
    up.read_dotenv(up.ROOT / ".env")
    settings = load()
    try:
        applied = migrate(settings.database_url)
    except DcmError:
        raise
    except Exception as error:  # only db knows the driver, and a person needs a sentence
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        url = settings.masked()["database_url"]
        raise StartError(f"The database at {url} cannot be brought to this version's schema: {reason}") from error
    if applied:
        click.echo(f"the database has now: {', '.join(applied)}")
